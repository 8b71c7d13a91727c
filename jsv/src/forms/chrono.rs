//! `DateTime`, `DateTimeOffset` and `TimeSpan` over the `chrono` crate.
//!
//! | module | .NET | Rust | written as |
//! |---|---|---|---|
//! | [`utc`] | `DateTime` of kind UTC | [`DateTime<Utc>`] | `2012-01-02T03:04:05Z`, at midnight `2012-01-02` |
//! | [`local`] | `DateTime` of kind local | [`DateTime<FixedOffset>`] | `2012-01-02T03:04:05+02:00` |
//! | [`offset`] | `DateTimeOffset` | [`DateTime<FixedOffset>`] | `2012-01-02T03:04:05.0000000+02:00` |
//! | [`duration`] | `TimeSpan` | [`TimeDelta`] | `P1DT2H3M4.005S` |
//!
//! A text without an offset is taken as UTC. Times are kept to the tick of 100 ns, which is what .NET has. Writing a
//! time before the year 1 or after 9999, more than 14 hours from UTC, or a span longer than .NET's, is an error.
//!
//! ```
//! use chrono::{DateTime, TimeDelta, Utc};
//!
//! #[derive(serde::Serialize, serde::Deserialize)]
//! struct Order {
//!     #[serde(with = "jsv::chrono::utc")]
//!     placed: DateTime<Utc>,
//!     #[serde(with = "jsv::chrono::duration::option", default)]
//!     took: Option<TimeDelta>,
//! }
//!
//! let text = "{placed:2012-01-02T03:04:05Z,took:PT1M30S}";
//! let order: Order = jsv::from_str(text).unwrap();
//! assert_eq!(order.took, Some(TimeDelta::seconds(90)));
//! assert_eq!(jsv::to_string(&order).unwrap(), text);
//! ```

use ::chrono::{DateTime, FixedOffset, Offset as _, TimeDelta, TimeZone, Utc};

use crate::forms::moment::{Form, Moment};

/// A `DateTime` of kind UTC.
pub mod utc {
    use super::{DateTime, Form, Moment, Utc, from_moment, to_moment};

    crate::forms::helper!(DateTime<Utc>, "a date and time");

    fn write(value: &DateTime<Utc>) -> Option<String> {
        to_moment(value).map(Moment::write_utc)
    }

    fn read(text: &str) -> Option<DateTime<Utc>> {
        from_moment(Moment::read(text, Form::DateTime)?).map(|moment| moment.to_utc())
    }
}

/// A `DateTime` of kind local. As in the original, midnight is written as the date alone; it reads as midnight UTC.
pub mod local {
    use super::{DateTime, FixedOffset, Form, Moment, from_moment, to_moment};

    crate::forms::helper!(DateTime<FixedOffset>, "a date and time");

    fn write(value: &DateTime<FixedOffset>) -> Option<String> {
        to_moment(value).map(Moment::write_local)
    }

    fn read(text: &str) -> Option<DateTime<FixedOffset>> {
        from_moment(Moment::read(text, Form::DateTime)?)
    }
}

/// A `DateTimeOffset`.
pub mod offset {
    use super::{DateTime, FixedOffset, Form, Moment, from_moment, to_moment};

    crate::forms::helper!(DateTime<FixedOffset>, "a date and time");

    fn write(value: &DateTime<FixedOffset>) -> Option<String> {
        to_moment(value).map(Moment::write_offset)
    }

    fn read(text: &str) -> Option<DateTime<FixedOffset>> {
        from_moment(Moment::read(text, Form::Offset)?)
    }
}

/// A `TimeSpan`.
pub mod duration {
    use super::TimeDelta;
    use crate::forms::span;

    crate::forms::helper!(TimeDelta, "a time span");

    fn write(value: &TimeDelta) -> Option<String> {
        let ticks =
            i128::from(value.num_seconds()) * 10_000_000 + i128::from(value.subsec_nanos() / 100);
        i64::try_from(ticks).ok().map(span::write)
    }

    fn read(text: &str) -> Option<TimeDelta> {
        let ticks = span::read(text)?;
        let nanoseconds = u32::try_from(ticks.rem_euclid(10_000_000) * 100).ok()?;
        TimeDelta::new(ticks.div_euclid(10_000_000), nanoseconds)
    }
}

fn to_moment<Z: TimeZone>(value: &DateTime<Z>) -> Option<Moment> {
    let ticks = i128::from(value.timestamp()) * 10_000_000
        + i128::from(value.timestamp_subsec_nanos() / 100);
    Moment::new(ticks, value.offset().fix().local_minus_utc() / 60)
}

fn from_moment(moment: Moment) -> Option<DateTime<FixedOffset>> {
    let nanoseconds = u32::try_from(moment.ticks.rem_euclid(10_000_000) * 100).ok()?;
    let instant = DateTime::from_timestamp(moment.ticks.div_euclid(10_000_000), nanoseconds)?;
    Some(instant.with_timezone(&FixedOffset::east_opt(moment.offset * 60)?))
}
