//! What holds of any text at all. The fuzz targets in `jsv/fuzz` try these without end, `properties.rs` a bounded
//! number of times.
//!
//! Adding a type to what a text is read as: a line in [`every_type!`].

use std::collections::BTreeMap;
use std::fmt::Debug;

use jsv::{Options, Value};
use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Serialize};

/// A struct with a member of every type there is.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct Everything {
    pub(crate) text: String,
    pub(crate) nothing: Option<String>,
    pub(crate) number: i64,
    pub(crate) large: u128,
    pub(crate) float: f64,
    pub(crate) small: f32,
    pub(crate) ok: bool,
    pub(crate) letter: char,
    pub(crate) list: Vec<Option<String>>,
    pub(crate) nested: Vec<Vec<i8>>,
    pub(crate) map: BTreeMap<String, String>,
    pub(crate) keyed: BTreeMap<i16, char>,
    pub(crate) letters: Vec<Letters>,
    pub(crate) pair: (u8, String),
    pub(crate) kind: Kind,
    #[serde(with = "jsv::base64")]
    pub(crate) bytes: Vec<u8>,
}

/// Characters at any depth, by themselves and in lists, maps and variants.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(default)]
pub(crate) struct Letters {
    pub(crate) letter: char,
    pub(crate) other: Option<char>,
    pub(crate) list: Vec<Letters>,
    pub(crate) map: BTreeMap<char, char>,
    pub(crate) kind: Option<Letter>,
}

#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
pub(crate) enum Letter {
    One(char),
    Many(Vec<BTreeMap<u8, char>>),
}

/// An enum with a variant of every kind.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
pub(crate) enum Kind {
    #[default]
    Plain,
    One(String),
    Two(char, Option<bool>),
    Named {
        a: Option<String>,
        b: Vec<char>,
    },
}

/// A struct inside itself.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(default)]
pub(crate) struct Node {
    pub(crate) name: Option<String>,
    pub(crate) next: Option<Box<Node>>,
}

/// A list of itself, for which one text without brackets is any number of lists inside one another.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
pub(crate) struct Lists(Vec<Lists>);

/// A map of itself, which may come without braces.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
pub(crate) struct Maps(BTreeMap<String, Maps>);

/// A map's name that is a struct.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Point {
    x: i32,
    y: Option<String>,
}

/// The types that a helper module reads and writes.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
pub(crate) struct Helped {
    #[serde(with = "jsv::time::utc::option", default)]
    at: Option<time::OffsetDateTime>,
    #[serde(with = "jsv::time::offset::option", default)]
    offset: Option<time::OffsetDateTime>,
    #[serde(with = "jsv::time::duration::option", default)]
    span: Option<time::Duration>,
    #[serde(with = "jsv::chrono::offset::option", default)]
    local: Option<chrono::DateTime<chrono::FixedOffset>>,
    #[serde(with = "jsv::chrono::duration::option", default)]
    delta: Option<chrono::TimeDelta>,
    #[serde(with = "jsv::decimal::option", default)]
    price: Option<rust_decimal::Decimal>,
    #[serde(with = "jsv::uuid::option", default)]
    id: Option<uuid::Uuid>,
    #[serde(with = "jsv::base64::option", default)]
    bytes: Option<Vec<u8>>,
    #[serde(with = "jsv::nullable", default)]
    number: Option<u8>,
}

/// A text that is nothing but a date.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
pub(crate) struct Date(#[serde(with = "jsv::time::utc")] time::OffsetDateTime);

/// Calls `$call!(type)` for every type that a text is read as.
macro_rules! every_type {
    ($call:ident) => {
        $call!(Everything);
        $call!(Vec<Everything>);
        $call!(Letters);
        $call!(Vec<Vec<Letters>>);
        $call!(Node);
        $call!(Lists);
        $call!(Maps);
        $call!(Vec<Maps>);
        $call!(Helped);
        $call!(Date);
        $call!(Vec<Option<String>>);
        $call!(Vec<Vec<i32>>);
        $call!(Vec<Kind>);
        $call!(Vec<(char, Option<f64>)>);
        $call!(BTreeMap<String, String>);
        $call!(BTreeMap<String, Vec<String>>);
        $call!(BTreeMap<Point, bool>);
        $call!(String);
        $call!(char);
        $call!(u64);
        $call!(f32);
        $call!(f64);
    };
}

/// Bytes are a value or an error that says where.
pub(crate) fn is_read_or_refused(bytes: &[u8]) {
    macro_rules! read {
        ($type:ty) => {
            if let Err(error) = jsv::from_slice::<$type>(bytes) {
                assert!(error.line() > 0 && error.column() > 0, "no place in {error}: {bytes:?}");
                assert!(error.offset().is_none_or(|offset| offset <= bytes.len()), "{error}");
            }
        };
    }
    every_type!(read);
    read!(Value);
    read!(IgnoredAny);
}

/// What is read, written and read again is the same.
pub(crate) fn reads_back(text: &str) {
    macro_rules! back {
        ($type:ty) => {
            if let Ok(value) = jsv::from_str::<$type>(text) {
                is_the_same(&value, &Options::new());
                is_the_same(&value, &Options::new().indented(true));
            }
        };
    }
    every_type!(back);
    if let Ok(value) = jsv::from_str::<Value>(text) {
        is_the_same(&without_null_entries(value.clone()), &Options::new());
        is_the_same(&without_null_entries(value), &Options::new().indented(true));
    }
}

/// A map entry that is null is left out when it is written.
pub(crate) fn without_null_entries(value: Value) -> Value {
    match value {
        Value::List(list) => Value::List(list.into_iter().map(without_null_entries).collect()),
        Value::Map(entries) => {
            let kept = entries.into_iter().filter(|(_, value)| *value != Value::Null);
            Value::Map(kept.map(|(name, value)| (name, without_null_entries(value))).collect())
        }
        value => value,
    }
}

/// Compares what is shown of the values, in which a NaN is equal to itself.
#[track_caller]
fn is_the_same<T: Serialize + DeserializeOwned + Debug>(value: &T, options: &Options) {
    let text = options.to_string(value).expect("what was read can be written");
    let back = jsv::from_str::<T>(&text);
    let back = back.unwrap_or_else(|error| panic!("{error} in {text:?}"));
    assert_eq!(format!("{back:?}"), format!("{value:?}"), "{text:?}");
}

/// The start, and another text after it as often as the length allows.
pub(crate) fn repeated(start: &str, again: &str, length: usize) -> String {
    start.to_owned() + &again.repeat((length - start.len().min(length)) / again.len().max(1))
}
