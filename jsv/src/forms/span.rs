//! The texts of `TimeSpan`: an XSD duration of days, hours, minutes and seconds, in ticks of 100 ns.

use super::moment::decimals;
use crate::de::parse_float;

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

/// An XSD duration, a clock's text, or seconds. The original reads parts of a duration that it does not know as nothing;
/// here they are an error.
pub(crate) fn read(text: &str) -> Option<i64> {
    if text.is_empty() {
        return Some(0);
    }
    let (sign, span) = signed(text);
    let ticks = match span.strip_prefix('P') {
        Some(_) if span == LONGEST && sign > 0 => i64::MAX.into(),
        Some(_) if span == LONGEST => i64::MIN.into(),
        Some(parts) => sign * duration(parts)?,
        None if text.contains(':') => clock(text.trim())?,
        None => seconds(text)?,
    };
    i64::try_from(ticks).ok()
}

/// One or minus one, and what is behind the sign.
fn signed(text: &str) -> (i128, &str) {
    match text.strip_prefix('-') {
        Some(span) => (-1, span),
        None => (1, text),
    }
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

/// What .NET's `TimeSpan.Parse` takes: `h:m` and `h:m:s`, the same behind days and a point, and `d:h:m:s`; seconds may
/// have decimals. More hours than a day has can only be days: `24:00:00` is `d:h:m`. Nothing is carried over.
fn clock(text: &str) -> Option<i128> {
    let (sign, span) = signed(text);
    let (days, time) = match span.split_once('.') {
        Some((days, time)) if time.contains(':') => (Some(whole(days)?), time),
        _ => (None, span),
    };
    let (time, decimals) = match time.split_once('.') {
        Some((time, fraction)) => (time, Some(clock_decimals(fraction)?)),
        None => (time, None),
    };
    let parts = time.split(':').map(whole).collect::<Option<Vec<_>>>()?;
    let seconds = match (days, &parts[..], decimals) {
        (None, &[hours, minutes], None) => in_day(0, hours, minutes, 0),
        (None, &[hours, minutes, seconds], Some(_)) => in_day(0, hours, minutes, seconds),
        (None, &[first, second, third], None) => {
            in_day(0, first, second, third).or_else(|| in_day(first, second, third, 0))
        }
        (Some(days), &[hours, minutes], None) => in_day(days, hours, minutes, 0),
        (Some(days), &[hours, minutes, seconds], _)
        | (None, &[days, hours, minutes, seconds], _) => in_day(days, hours, minutes, seconds),
        _ => None,
    };
    Some(sign * (seconds? * SECOND + decimals.unwrap_or(0)))
}

/// The seconds of days and a time of day, if that is one.
fn in_day(days: i128, hours: i128, minutes: i128, seconds: i128) -> Option<i128> {
    let is_one = hours < 24 && minutes < 60 && seconds < 60;
    is_one.then(|| ((days * 24 + hours) * 60 + minutes) * 60 + seconds)
}

/// Decimals of a second. .NET takes more of them than a tick has for too large a number, unless they begin with a zero;
/// then it rounds.
fn clock_decimals(fraction: &str) -> Option<i128> {
    let ticks = decimals(fraction)?.into();
    match fraction.as_bytes().get(7) {
        None => Some(ticks),
        Some(beyond) => fraction.starts_with('0').then(|| ticks + i128::from(*beyond >= b'5')),
    }
}

/// A number of seconds, as .NET takes any float.
fn seconds(text: &str) -> Option<i128> {
    let (sign, plain) = signed(text);
    if let Some(ticks) = amount(plain, true) {
        return Some(sign * ticks);
    }
    let number = format!("{:.7}", parse_float::<f64>(text)?);
    let (sign, plain) = signed(&number);
    Some(sign * amount(plain, true)?)
}

/// A number of units as ticks of a second each.
fn amount(text: &str, decimal: bool) -> Option<i128> {
    let (units, fraction) = match text.split_once('.') {
        Some((units, fraction)) if decimal => (units, decimals(fraction)?),
        Some(_) => return None,
        None => (text, 0),
    };
    Some(whole(units)? * SECOND + i128::from(fraction))
}

/// Digits, not too many of them.
fn whole(text: &str) -> Option<i128> {
    let fits = (1..=18).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    fits.then(|| text.parse().ok()).flatten()
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
        for text in ["P", "P1Y", "PT1.5H", "PT1S1M", "PT", " PT1S", "null"] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn clocks_show_what_they_show_to_dotnet() {
        let ticks = |days: i64, hours: i64, minutes: i64, seconds: i64| {
            (((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 10_000_000
        };
        for (text, ticks) in [
            ("01:02:03", ticks(0, 1, 2, 3)),
            (" 1:2:3\t", ticks(0, 1, 2, 3)),
            ("-01:02", -ticks(0, 1, 2, 0)),
            ("23:59:59.9999999", ticks(1, 0, 0, 0) - 1),
            ("00:00:00.09999999", 1_000_000),
            ("24:00:00", ticks(24, 0, 0, 0)),
            ("30:00:59", ticks(30, 0, 59, 0)),
            ("1.02:03", ticks(1, 2, 3, 0)),
            ("1.02:03:04.5", ticks(1, 2, 3, 4) + 5_000_000),
            ("-1:2:3:4", -ticks(1, 2, 3, 4)),
            ("1:2:3:4.0000001", ticks(1, 2, 3, 4) + 1),
            ("10675199.02:48:05.4775807", i64::MAX),
            ("-10675199.02:48:05.4775808", i64::MIN),
        ] {
            assert_eq!(read(text), Some(ticks), "{text}");
        }
        for text in [
            "1.25:00:00",
            "01:02:75",
            "00:00:60",
            "00:60:00",
            "24:00",
            "24:30:00",
            "24:00:00.5",
            "24:00:60",
            "1:24:00:00",
            "1:2:3:4:5",
            "1.2:3:4:5",
            "1:2.5",
            "1:2:3.",
            "1:2:3.12345678",
            "1:2:",
            ":1:2",
            "+1:2",
            "1: 2",
            "- 1:2",
            "--1:2",
            "10675199.02:48:05.4775808",
            "99999999999999999999:00",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn seconds_are_any_float() {
        for (text, ticks) in [
            ("1", 10_000_000),
            ("-1.5", -15_000_000),
            ("1e3", 10_000_000_000),
            ("-1E-1", -1_000_000),
            (".5", 5_000_000),
            ("5.", 50_000_000),
            (" +1 ", 10_000_000),
            ("1,000.5", 10_005_000_000),
            ("0.0000001", 1),
            ("922337203685.4775807", i64::MAX),
        ] {
            assert_eq!(read(text), Some(ticks), "{text}");
        }
        for text in ["1e12", "1e400", "NaN", "Infinity", ".", "--1", "1 5", "x", " "] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
