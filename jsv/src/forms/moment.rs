//! The texts of `DateTime` and `DateTimeOffset`.
//!
//! A [`Moment`] is counted in ticks of 100 ns, as .NET counts. `ServiceStack` reads a good many forms by guessing;
//! the guesses here are the recorded ones, down to the two orders of day and month.

/// An instant, and the offset of the clock it was read from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Moment {
    /// Ticks since 1970-01-01T00:00:00Z.
    pub(crate) ticks: i64,
    /// Minutes east of Greenwich.
    pub(crate) offset: i32,
}

/// Which of .NET's two types a text is for; they take different forms.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Form {
    DateTime,
    Offset,
}

const SECOND: i64 = 10_000_000;
const MINUTE: i64 = 60 * SECOND;
const DAY: i64 = 24 * 60 * MINUTE;
/// Where .NET's calendar begins: 0001-01-01, which is also what no text is read as.
pub(crate) const BEGINNING: Moment = Moment { ticks: -62_135_596_800 * SECOND, offset: 0 };
/// The furthest a clock of .NET's is from Greenwich, in minutes.
const FURTHEST: i32 = 14 * 60;
/// The last tick of 9999-12-31.
const END: i64 = 253_402_300_800 * SECOND - 1;

impl Moment {
    /// An instant and an offset, if .NET has the offset, the instant and what the clock showed.
    pub(crate) fn new(ticks: i128, offset: i32) -> Option<Self> {
        let range = i128::from(BEGINNING.ticks)..=i128::from(END);
        let clock = ticks + i128::from(offset) * i128::from(MINUTE);
        let ticks_in_range = range.contains(&ticks) && range.contains(&clock);
        let has_both = ticks_in_range && offset.abs() <= FURTHEST;
        has_both.then_some(Self { ticks: i64::try_from(ticks).ok()?, offset })
    }

    /// What the clock showed, as ticks since 1970-01-01T00:00:00 of that clock.
    fn clock(self) -> i64 {
        self.ticks + i64::from(self.offset) * MINUTE
    }

    /// A UTC `DateTime`: the date alone at midnight, else with seven decimals or none, and `Z`.
    pub(crate) fn write_utc(self) -> String {
        date_time(self.ticks, "Z", false)
    }

    /// A local `DateTime`: the same, with an offset.
    pub(crate) fn write_local(self) -> String {
        date_time(self.clock(), &zone(self.offset), false)
    }

    /// A `DateTimeOffset`: always in full.
    pub(crate) fn write_offset(self) -> String {
        date_time(self.clock(), &zone(self.offset), true)
    }

    /// Reads any of the forms. A text without an offset is taken as UTC.
    pub(crate) fn read(text: &str, form: Form) -> Option<Self> {
        let text = text.trim();
        if text.is_empty() {
            return Some(BEGINNING);
        }
        let moment = match text.as_bytes()[0] {
            b'/' => epoch(text, form)?,
            b'A'..=b'Z' => named_month(text, form)?,
            _ => numeric(text, form)?,
        };
        Self::new(moment.ticks.into(), moment.offset)
    }
}

fn date_time(clock: i64, zone: &str, full: bool) -> String {
    let (days, time) = (clock.div_euclid(DAY), clock.rem_euclid(DAY));
    let (year, month, day) = civil(days);
    let date = format!("{year:04}-{month:02}-{day:02}");
    if time == 0 && !full {
        return date;
    }
    let (hour, minute, second) = (time / (60 * MINUTE), time / MINUTE % 60, time / SECOND % 60);
    let fraction = match time % SECOND {
        0 if !full => String::new(),
        fraction => format!(".{fraction:07}"),
    };
    format!("{date}T{hour:02}:{minute:02}:{second:02}{fraction}{zone}")
}

fn zone(offset: i32) -> String {
    let sign = if offset < 0 { '-' } else { '+' };
    format!("{sign}{:02}:{:02}", offset.abs() / 60, offset.abs() % 60)
}

/// `/Date(ms)/` and `/Date(ms+hhmm)/`.
fn epoch(text: &str, form: Form) -> Option<Moment> {
    let inner = text.strip_prefix("/Date(")?.strip_suffix(")/")?;
    // A minus in front is the number's.
    let zone = inner.rfind(['+', '-']).filter(|at| *at > 0);
    let (milliseconds, offset) = match zone {
        Some(at) => (&inner[..at], read_offset(&inner[at..])?),
        None => (inner, 0),
    };
    let ticks = milliseconds.parse::<i64>().ok()?.checked_mul(10_000)?;
    if form == Form::DateTime {
        // The offset moves the clock of a DateTime, and with it the instant: so it is in the original.
        return Some(Moment { ticks: ticks.checked_add(i64::from(offset) * MINUTE)?, offset: 0 });
    }
    Some(Moment { ticks, offset })
}

/// `Jan 2, 2012` and, for a `DateTime`, `Mon, 02 Jan 2012 03:04:05 GMT`.
fn named_month(text: &str, form: Form) -> Option<Moment> {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let month =
        |name: &str| i64::try_from(MONTHS.iter().position(|month| *month == name)? + 1).ok();
    let words: Vec<&str> = text.split_ascii_whitespace().collect();
    match words[..] {
        [name, day, year] => {
            let days = days(number(year, 4)?, month(name)?, number(day.strip_suffix(',')?, 2)?)?;
            Some(Moment { ticks: days * DAY, offset: 0 })
        }
        [_, day, name, year, time, "GMT"] if form == Form::DateTime => {
            let days = days(number(year, 4)?, month(name)?, number(day, 2)?)?;
            Some(Moment { ticks: days * DAY + clock_time(time)?, offset: 0 })
        }
        _ => None,
    }
}

/// Everything that begins with a digit.
fn numeric(text: &str, form: Form) -> Option<Moment> {
    if form == Form::DateTime && text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_digit()) {
        let days = days(number(&text[..4], 4)?, number(&text[4..6], 2)?, number(&text[6..], 2)?)?;
        return Some(Moment { ticks: days * DAY, offset: 0 });
    }
    let (date, rest) = match text.find(['T', ' ']) {
        Some(at) => (&text[..at], Some(&text[at + 1..])),
        None => (text, None),
    };
    let days = numeric_date(date, form, rest.is_some())?;
    let Some(rest) = rest else { return Some(Moment { ticks: days * DAY, offset: 0 }) };
    let (time, offset) = match rest.find(['Z', 'z', '+', '-']) {
        Some(at) => (rest[..at].trim_end(), zone_offset(&rest[at..], form)?),
        None => (rest, 0),
    };
    let clock = days * DAY + clock_time(time)?;
    Some(Moment { ticks: clock - i64::from(offset) * MINUTE, offset })
}

/// `2012-01-02`, or with slashes: day first in the date of a `DateTime`, month first if a time follows and in a
/// `DateTimeOffset`.
fn numeric_date(date: &str, form: Form, with_time: bool) -> Option<i64> {
    if let Some((first, rest)) = date.split_once('/') {
        let (second, year) = rest.split_once('/')?;
        let (first, second) = (number(first, 2)?, number(second, 2)?);
        let day_first = form == Form::DateTime && !with_time;
        let (day, month) = if day_first { (first, second) } else { (second, first) };
        return days(number(year, 4)?, month, day);
    }
    let (year, rest) = date.split_once('-')?;
    if year.len() != 4 {
        return None;
    }
    match rest.split_once('-') {
        Some((month, day)) => days(number(year, 4)?, number(month, 2)?, number(day, 2)?),
        None if form == Form::DateTime && !with_time => days(number(year, 4)?, number(rest, 2)?, 1),
        None => None,
    }
}

/// `03:04`, `03:04:05`, `03:04:05.6789012`; decimals beyond a tick are cut off.
fn clock_time(time: &str) -> Option<i64> {
    let mut parts = time.split(':');
    let (hour, minute) = (number(parts.next()?, 2)?, number(parts.next()?, 2)?);
    let (second, fraction) = match parts.next() {
        Some(second) => second.split_once('.').unwrap_or((second, "0")),
        None => ("0", "0"),
    };
    let second = number(second, 2)?;
    if parts.next().is_some() || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    Some((hour * 60 + minute) * MINUTE + second * SECOND + decimals(fraction)?)
}

/// Decimals of a second in ticks.
pub(crate) fn decimals(fraction: &str) -> Option<i64> {
    if fraction.is_empty() || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    format!("{:0<7}", &fraction[..fraction.len().min(7)]).parse().ok()
}

fn zone_offset(zone: &str, form: Form) -> Option<i32> {
    match zone {
        "Z" => Some(0),
        "z" if form == Form::DateTime => Some(0),
        _ => read_offset(zone),
    }
}

/// `+02:00` or `+0200`.
fn read_offset(text: &str) -> Option<i32> {
    let sign = if text.starts_with('-') { -1 } else { 1 };
    let digits = text.strip_prefix(['+', '-'])?.replace(':', "");
    let (hours, minutes) = digits.split_at_checked(2).filter(|_| digits.len() == 4)?;
    let (hours, minutes) = (number(hours, 2)?, number(minutes, 2)?);
    let offset = i32::try_from(hours * 60 + minutes).ok()?;
    (offset <= FURTHEST && minutes < 60).then_some(sign * offset)
}

fn number(text: &str, longest: usize) -> Option<i64> {
    let fits =
        (1..=longest).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    fits.then(|| text.parse().ok()).flatten()
}

/// Days from 1970-01-01 to a date that exists.
fn days(year: i64, month: i64, day: i64) -> Option<i64> {
    if !(1..=9999).contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    // Years that begin in March put the leap day last.
    let shifted = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (shifted.div_euclid(400), shifted.rem_euclid(400));
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468;
    (civil(days) == (year, month, day)).then_some(days)
}

/// The date so many days after 1970-01-01.
fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let (era, of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (year + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_date_is_refused() {
        for text in [
            "/Date()/",
            "/Date(é)/",
            "/Date(-)/",
            "/Date(1+é1)/",
            "/Date(9223372036854775807)/",
            "2012-01-02T03:04:05+é1",
            "2012-01-02T03:04:05+1é",
            "2012-01-02T03:04:05+15:00",
            "2012-01-02T24:00:00",
            "2012-02-30",
            "0000-01-01",
            "10000-01-01",
            "é",
            "Éan 2, 2012",
            "T",
            "-",
            "/",
        ] {
            for form in [Form::DateTime, Form::Offset] {
                assert_eq!(Moment::read(text, form), None, "{text}");
            }
        }
        // Instants that .NET has, on clocks that it has not.
        for text in ["/Date(253402300799999+0200)/", "/Date(-62135596800000-0200)/"] {
            assert_eq!(Moment::read(text, Form::Offset), None, "{text}");
        }
        for text in ["/Date(253402300799999-0200)/", "/Date(-62135596800000+0200)/"] {
            assert!(Moment::read(text, Form::Offset).is_some(), "{text}");
        }
        assert_eq!(Moment::new(i128::from(END) + 1, 0), None);
        assert_eq!(Moment::new(i128::from(END), 60), None);
        assert_eq!(Moment::new(i128::from(BEGINNING.ticks), -60), None);
        assert!(Moment::new(i128::from(END), -60).is_some());
        for (offset, is_one) in [(840, true), (-840, true), (841, false), (-900, false)] {
            assert_eq!(Moment::new(0, offset).is_some(), is_one, "{offset}");
        }
    }

    #[test]
    fn every_day_of_the_calendar_is_itself() {
        let last = END / DAY;
        for day in (BEGINNING.ticks / DAY..=last).step_by(97).chain([last]) {
            let (year, month, of_month) = civil(day);
            assert_eq!(days(year, month, of_month), Some(day));
        }
        assert_eq!(civil(0), (1970, 1, 1));
        assert_eq!(days(2012, 2, 30), None);
        assert_eq!(days(2000, 2, 29).map(civil), Some((2000, 2, 29)));
    }
}
