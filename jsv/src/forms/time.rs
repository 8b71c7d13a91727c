//! `DateTime`, `DateTimeOffset` and `TimeSpan` over the `time` crate.
//!
//! | module | .NET | Rust | written as |
//! |---|---|---|---|
//! | [`utc`] | `DateTime` of kind UTC | [`OffsetDateTime`] | `2012-01-02T03:04:05Z`, at midnight `2012-01-02` |
//! | [`local`] | `DateTime` of kind local | [`OffsetDateTime`] | `2012-01-02T03:04:05+02:00` |
//! | [`offset`] | `DateTimeOffset` | [`OffsetDateTime`] | `2012-01-02T03:04:05.0000000+02:00` |
//! | [`duration`] | `TimeSpan` | [`Duration`] | `P1DT2H3M4.005S` |
//!
//! A text without an offset is taken as UTC. Times are kept to the tick of 100 ns, which is what .NET has. Writing a
//! time before the year 1 or after 9999, more than 14 hours from UTC, or a span longer than .NET's, is an error.
//!
//! ```
//! #[derive(serde::Serialize, serde::Deserialize)]
//! struct Order {
//!     #[serde(with = "jsv::time::utc")]
//!     placed: time::OffsetDateTime,
//!     #[serde(with = "jsv::time::duration::option", default)]
//!     took: Option<time::Duration>,
//! }
//!
//! let text = "{placed:2012-01-02T03:04:05Z,took:PT1M30S}";
//! let order: Order = jsv::from_str(text).unwrap();
//! assert_eq!(order.took, Some(time::Duration::seconds(90)));
//! assert_eq!(jsv::to_string(&order).unwrap(), text);
//! ```

use ::time::{Duration, OffsetDateTime, UtcOffset};

use crate::forms::moment::{Form, Moment};

/// A `DateTime` of kind UTC.
pub mod utc {
    use super::{Form, Moment, OffsetDateTime, from_moment, ticks};

    crate::forms::helper!(OffsetDateTime, "a date and time");

    fn write(value: &OffsetDateTime) -> Option<String> {
        Moment::new(ticks(value), 0).map(Moment::write_utc)
    }

    fn read(text: &str) -> Option<OffsetDateTime> {
        from_moment(Moment { offset: 0, ..Moment::read(text, Form::DateTime)? })
    }
}

/// A `DateTime` of kind local. As in the original, midnight is written as the date alone; it reads as midnight UTC.
pub mod local {
    use super::{Form, Moment, OffsetDateTime, from_moment, to_moment};

    crate::forms::helper!(OffsetDateTime, "a date and time");

    fn write(value: &OffsetDateTime) -> Option<String> {
        to_moment(value).map(Moment::write_local)
    }

    fn read(text: &str) -> Option<OffsetDateTime> {
        from_moment(Moment::read(text, Form::DateTime)?)
    }
}

/// A `DateTimeOffset`.
pub mod offset {
    use super::{Form, Moment, OffsetDateTime, from_moment, to_moment};

    crate::forms::helper!(OffsetDateTime, "a date and time");

    fn write(value: &OffsetDateTime) -> Option<String> {
        to_moment(value).map(Moment::write_offset)
    }

    fn read(text: &str) -> Option<OffsetDateTime> {
        from_moment(Moment::read(text, Form::Offset)?)
    }
}

/// A `TimeSpan`.
pub mod duration {
    use super::Duration;
    use crate::forms::span;

    crate::forms::helper!(Duration, "a time span");

    fn write(value: &Duration) -> Option<String> {
        i64::try_from(value.whole_nanoseconds() / 100).ok().map(span::write)
    }

    fn read(text: &str) -> Option<Duration> {
        let ticks = span::read(text)?;
        let nanoseconds = i32::try_from(ticks % 10_000_000 * 100).ok()?;
        Some(Duration::new(ticks / 10_000_000, nanoseconds))
    }
}

fn ticks(value: &OffsetDateTime) -> i128 {
    value.unix_timestamp_nanos().div_euclid(100)
}

fn to_moment(value: &OffsetDateTime) -> Option<Moment> {
    Moment::new(ticks(value), value.offset().whole_minutes().into())
}

fn from_moment(moment: Moment) -> Option<OffsetDateTime> {
    let offset = UtcOffset::from_whole_seconds(moment.offset * 60).ok()?;
    let instant = OffsetDateTime::from_unix_timestamp_nanos(i128::from(moment.ticks) * 100).ok()?;
    instant.checked_to_offset(offset)
}
