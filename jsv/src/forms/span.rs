//! The texts of `TimeSpan`: an XSD duration of days, hours, minutes and seconds, in ticks of 100 ns.

use super::moment::decimals;

const SECOND: i128 = 10_000_000;
/// What `ServiceStack` writes for the longest span; its own text of seconds, which are 5.4775807, is cut short.
const LONGEST: &str = "P10675199DT2H48M5.4775391S";

/// `P1DT2H3M4.005S`, `-PT1S`, `PT0S`.
pub(crate) fn write(ticks: i64) -> String {
    match ticks {
        i64::MAX => return LONGEST.to_owned(),
        i64::MIN => return format!("-{LONGEST}"),
        0 => return "PT0S".to_owned(),
        _ => {}
    }
    let mut text = if ticks < 0 { "-P".to_owned() } else { "P".to_owned() };
    let ticks = i128::from(ticks).abs();
    let (seconds, fraction) = (ticks / SECOND, ticks % SECOND);
    if seconds >= 86_400 {
        text.push_str(&(seconds / 86_400).to_string());
        text.push('D');
    }
    if seconds % 86_400 == 0 && fraction == 0 {
        return text;
    }
    text.push('T');
    for (unit, amount) in [('H', seconds / 3600 % 24), ('M', seconds / 60 % 60)] {
        if amount > 0 {
            text.push_str(&amount.to_string());
            text.push(unit);
        }
    }
    if seconds % 60 > 0 || fraction > 0 {
        text += &(seconds % 60).to_string();
        if fraction > 0 {
            text += format!(".{fraction:07}").trim_end_matches('0');
        }
        text.push('S');
    }
    text
}

/// An XSD duration, `[d.]hh:mm:ss[.fffffff]`, or seconds. The original reads parts it does not know as nothing; here
/// they are an error.
pub(crate) fn read(text: &str) -> Option<i64> {
    if text.is_empty() {
        return Some(0);
    }
    let (sign, span) = match text.strip_prefix('-') {
        Some(span) => (-1, span),
        None => (1, text),
    };
    let ticks = match span.strip_prefix('P') {
        Some(_) if span == LONGEST && sign > 0 => i64::MAX.into(),
        Some(_) if span == LONGEST => -i128::from(i64::MIN),
        Some(parts) => duration(parts)?,
        None if span.contains(':') => clock(span)?,
        None => amount(span, true)?,
    };
    i64::try_from(sign * ticks).ok()
}

fn duration(parts: &str) -> Option<i128> {
    let (days, time) = match parts.split_once('T') {
        Some((days, time)) if !time.is_empty() => (days, time),
        Some(_) => return None,
        None => (parts, ""),
    };
    if parts.is_empty() {
        return None;
    }
    let mut ticks = 0;
    if !days.is_empty() {
        ticks += amount(days.strip_suffix('D')?, false)? * 86_400;
    }
    let mut rest = time;
    for (unit, seconds) in [('H', 3600), ('M', 60), ('S', 1)] {
        if let Some((number, after)) = rest.split_once(unit) {
            ticks += amount(number, unit == 'S')? * seconds;
            rest = after;
        }
    }
    rest.is_empty().then_some(ticks)
}

/// `01:02:03.5`, with days before it; an hour beyond 23 is a day, as .NET takes `24:00:00`.
fn clock(text: &str) -> Option<i128> {
    let (days, time) = match text.split_once('.') {
        Some((days, time)) if time.contains(':') => (days, time),
        _ => ("0", text),
    };
    let mut parts = time.split(':');
    let first = amount(parts.next()?, false)?;
    let second = amount(parts.next()?, false)?;
    let third = parts.next().map_or(Some(0), |part| amount(part, true))?;
    if parts.next().is_some() || second >= 60 * SECOND {
        return None;
    }
    if first >= 24 * SECOND {
        return Some(first * 86_400 + second * 3600 + third * 60);
    }
    let days = amount(days, false)?;
    Some(days * 86_400 + first * 3600 + second * 60 + third)
}

/// A number of units as ticks of a second each.
fn amount(text: &str, decimal: bool) -> Option<i128> {
    let (whole, fraction) = match text.split_once('.') {
        Some((whole, fraction)) if decimal => (whole, decimals(fraction)?),
        Some(_) => return None,
        None => (text, 0),
    };
    if whole.is_empty() || whole.len() > 18 || !whole.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some(whole.parse::<i128>().ok()? * SECOND + i128::from(fraction))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_read_back() {
        for ticks in
            [0, 1, -1, 599_999_999, 864_000_000_000, 937_840_050_000, i64::MAX - 1, i64::MIN]
        {
            assert_eq!(read(&write(ticks)), Some(ticks), "{}", write(ticks));
        }
        for (text, ticks) in
            [("01:02:03", 37_230_000_000), ("1", 10_000_000), ("1.01:00:00", 900_000_000_000)]
        {
            assert_eq!(read(text), Some(ticks));
        }
        for text in ["P", "P1Y", "PT1.5H", "PT1S1M", "PT", " PT1S", "null"] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
