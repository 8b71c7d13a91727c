//! Shapes that serde has no method for, through the crate's helper modules, in the rows' forms of them.

use std::cell::RefCell;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use rust_decimal::Decimal;
use serde::de::{Deserialize, DeserializeSeed as _, Deserializer};
use serde::ser::{Error as _, Serializer};
use time::{Duration, OffsetDateTime, UtcOffset};
use uuid::Uuid;

use crate::json::J;
use crate::read::Read;
use crate::shape::Shape;

/// The bits that the last character has to spare are nothing, as they are to .NET.
pub(crate) fn base64(text: &str) -> Option<J> {
    const LENIENT: GeneralPurposeConfig =
        GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true);
    const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
    let dense: String = text.split_ascii_whitespace().collect();
    let bytes = STANDARD.decode(dense).ok()?;
    Some(J::List(bytes.into_iter().map(|byte| J::Int(byte.into())).collect()))
}

/// A nullable value, as `#[serde(with = "jsv::nullable")]` reads it. The shape, which a type cannot carry, waits in a
/// cell for the reader that the helper makes.
pub(crate) fn nullable<'de, D: Deserializer<'de>>(shape: &Shape, from: D) -> Result<J, D::Error> {
    thread_local!(static SHAPE: RefCell<Option<Shape>> = const { RefCell::new(None) });
    struct Inner(J);
    impl<'de> Deserialize<'de> for Inner {
        fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
            let shape = SHAPE.take().expect("a nullable value is not nested in another");
            Read(&shape).deserialize(from).map(Inner)
        }
    }
    SHAPE.set(Some(shape.clone()));
    let value: Option<Inner> = jsv::nullable::deserialize(from)?;
    Ok(value.map_or(J::Null, |Inner(value)| value))
}

pub(crate) fn decimal<'de, D: Deserializer<'de>>(from: D) -> Result<J, D::Error> {
    Ok(J::Text(jsv::decimal::deserialize(from)?.to_string()))
}

pub(crate) fn guid<'de, D: Deserializer<'de>>(from: D) -> Result<J, D::Error> {
    Ok(J::Text(jsv::uuid::deserialize(from)?.to_string()))
}

pub(crate) fn datetime<'de, D: Deserializer<'de>>(from: D) -> Result<J, D::Error> {
    Ok(J::Text(round_trip(jsv::time::utc::deserialize(from)?.to_offset(UtcOffset::UTC))))
}

pub(crate) fn datetimeoffset<'de, D: Deserializer<'de>>(from: D) -> Result<J, D::Error> {
    Ok(J::Text(round_trip(jsv::time::offset::deserialize(from)?)))
}

pub(crate) fn timespan<'de, D: Deserializer<'de>>(from: D) -> Result<J, D::Error> {
    let ticks = jsv::time::duration::deserialize(from)?.whole_nanoseconds() / 100;
    Ok(J::Map(vec![("ticks".to_owned(), J::Int(ticks))]))
}

/// .NET's form "o".
fn round_trip(value: OffsetDateTime) -> String {
    let (hours, minutes, _) = value.offset().as_hms();
    let sign = if value.offset().is_negative() { '-' } else { '+' };
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:07}{sign}{:02}:{:02}",
        value.year(),
        u8::from(value.month()),
        value.day(),
        value.hour(),
        value.minute(),
        value.second(),
        value.nanosecond() / 100,
        hours.abs(),
        minutes.abs()
    )
}

/// Reads form "o"; without an offset it is UTC, which the recording's machine had.
fn from_round_trip(text: &str) -> Option<OffsetDateTime> {
    let number = |from: usize, to: usize| text.get(from..to)?.parse::<i64>().ok();
    let month = time::Month::try_from(u8::try_from(number(5, 7)?).ok()?).ok()?;
    let date =
        time::Date::from_calendar_date(number(0, 4)? as i32, month, number(8, 10)? as u8).ok()?;
    let (hour, minute, second) =
        (number(11, 13)? as u8, number(14, 16)? as u8, number(17, 19)? as u8);
    let time =
        time::Time::from_hms_nano(hour, minute, second, number(20, 27)? as u32 * 100).ok()?;
    let offset = match text.get(27..)? {
        "" | "Z" => UtcOffset::UTC,
        zone => {
            let sign = if zone.starts_with('-') { -1 } else { 1 };
            let part =
                |from: usize, to: usize| Some(sign * zone.get(from..to)?.parse::<i8>().ok()?);
            UtcOffset::from_hms(part(1, 3)?, part(4, 6)?, 0).ok()?
        }
    };
    Some(date.with_time(time).assume_offset(offset))
}

/// A recorded value with the dates of every kind as instants, which is what the helpers read them as.
pub(crate) fn normal(shape: &Shape, value: &J) -> J {
    match (shape, value) {
        (Shape::Nullable(inner), value) => normal(inner, value),
        (Shape::DateTime, J::Text(text)) => match from_round_trip(text) {
            Some(value) => J::Text(round_trip(value.to_offset(UtcOffset::UTC))),
            None => value.clone(),
        },
        (Shape::List(element, _), J::List(list)) => {
            J::List(list.iter().map(|value| normal(element, value)).collect())
        }
        (Shape::Struct(members), J::Map(_)) => J::Map(
            members
                .all()
                .iter()
                .map(|(name, shape)| {
                    ((*name).to_owned(), normal(shape, value.get(name).unwrap_or(&J::Null)))
                })
                .collect(),
        ),
        (Shape::Map(key, _), _) if matches!(**key, Shape::DateTime) => match value.get("<pairs>") {
            Some(J::List(pairs)) => {
                let pair = |pair: &J| match pair {
                    J::List(pair) => J::List(vec![normal(key, &pair[0]), pair[1].clone()]),
                    other => other.clone(),
                };
                let pairs = J::List(pairs.iter().map(pair).collect());
                J::Map(vec![("<pairs>".to_owned(), pairs)])
            }
            _ => value.clone(),
        },
        _ => value.clone(),
    }
}

pub(crate) fn write_decimal<S: Serializer>(text: &str, to: S) -> Result<S::Ok, S::Error> {
    jsv::decimal::serialize(&text.parse::<Decimal>().map_err(S::Error::custom)?, to)
}

pub(crate) fn write_guid<S: Serializer>(text: &str, to: S) -> Result<S::Ok, S::Error> {
    jsv::uuid::serialize(&text.parse::<Uuid>().map_err(S::Error::custom)?, to)
}

pub(crate) fn write_datetime<S: Serializer>(text: &str, to: S) -> Result<S::Ok, S::Error> {
    let value = from_round_trip(text).ok_or_else(|| S::Error::custom("no date"))?;
    if text.ends_with('Z') {
        return jsv::time::utc::serialize(&value, to);
    }
    jsv::time::local::serialize(&value, to)
}

pub(crate) fn write_datetimeoffset<S: Serializer>(text: &str, to: S) -> Result<S::Ok, S::Error> {
    let value = from_round_trip(text).ok_or_else(|| S::Error::custom("no date"))?;
    jsv::time::offset::serialize(&value, to)
}

pub(crate) fn write_timespan<S: Serializer>(value: &J, to: S) -> Result<S::Ok, S::Error> {
    match value.get("ticks") {
        Some(J::Int(ticks)) => {
            let nanoseconds = i32::try_from(ticks % 10_000_000 * 100).map_err(S::Error::custom)?;
            let seconds = i64::try_from(ticks / 10_000_000).map_err(S::Error::custom)?;
            jsv::time::duration::serialize(&Duration::new(seconds, nanoseconds), to)
        }
        _ => Err(S::Error::custom("no ticks")),
    }
}

/// What the original makes of a time span: ticks, and whether it passed over a part as if it were not there.
/// (2.6: unknown parts are silently 0.)
pub(crate) fn timespan_with_losses(text: &str) -> Option<(i128, bool)> {
    let (sign, span) = text.strip_prefix('-').map_or((1, text), |span| (-1, span));
    let Some(parts) = span.strip_prefix('P') else { return None };
    let (days, time) = parts.split_once('T').unwrap_or((parts, ""));
    let part = |text: &str, unit: char| text.split_once(unit).map(|(number, _)| number.to_owned());
    let known = |text: &str, units: &[char]| {
        let mut rest = text;
        for unit in units {
            if let Some((number, after)) = rest.split_once(*unit) {
                let whole = number.bytes().all(|byte| byte.is_ascii_digit());
                let decimal = *unit == 'S'
                    && number.split('.').count() == 2
                    && number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
                if number.is_empty() || !(whole || decimal) {
                    return false;
                }
                rest = after;
            }
        }
        rest.is_empty()
    };
    if parts.is_empty() || !known(days, &['D']) || !known(time, &['H', 'M', 'S']) {
        return Some((0, true));
    }
    let seconds = part(time.rsplit(['H', 'M']).next().unwrap_or(time), 'S').unwrap_or_default();
    let (whole, fraction) = seconds.split_once('.').unwrap_or((&seconds, ""));
    let number =
        |text: Option<String>| text.and_then(|text| text.parse::<i128>().ok()).unwrap_or(0);
    let minutes = part(time.rsplit('H').next().unwrap_or(time), 'M');
    let total = number(part(days, 'D')) * 86_400
        + number(part(time, 'H')) * 3600
        + number(minutes) * 60
        + whole.parse::<i128>().unwrap_or(0);
    let fraction = format!("{fraction:0<7}")[..7].parse::<i128>().unwrap_or(0);
    Some((sign * (total * 10_000_000 + fraction), false))
}
