//! What holds of everything, and what the fuzz targets try without end.

use std::collections::BTreeMap;

use jsv::Value;
use proptest::prelude::*;
use serde::{Deserialize, Serialize};

/// Text of the characters that matter, and some others.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[\\[\\]{},:\"a \t\r\n\u{b}\u{200b}é]{0,12}",
        any::<String>(),
        "[a-z]{0,20}".prop_map(String::from),
    ]
}

#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "PascalCase")]
struct Everything {
    text: String,
    nothing: Option<String>,
    number: i64,
    large: u128,
    float: f64,
    small: f32,
    ok: bool,
    letter: char,
    list: Vec<Option<String>>,
    nested: Vec<Vec<i8>>,
    map: BTreeMap<String, String>,
    keyed: BTreeMap<i16, Option<char>>,
    pair: (u8, String),
    kind: Kind,
    #[serde(with = "jsv::base64")]
    bytes: Vec<u8>,
}

#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
enum Kind {
    Plain,
    One(String),
    Two(char, Option<bool>),
    Named { a: Option<String>, b: Vec<char> },
}

fn kind() -> impl Strategy<Value = Kind> {
    prop_oneof![
        Just(Kind::Plain),
        text().prop_map(Kind::One),
        (any::<char>(), any::<Option<bool>>()).prop_map(|(a, b)| Kind::Two(a, b)),
        (prop::option::of(text()), prop::collection::vec(any::<char>(), 0..3))
            .prop_map(|(a, b)| Kind::Named { a, b }),
    ]
}

prop_compose! {
    fn scalars()(
        number in any::<i64>(),
        large in any::<u128>(),
        float in any::<f64>(),
        small in any::<f32>(),
        ok in any::<bool>(),
        letter in any::<char>(),
        bytes in any::<Vec<u8>>(),
    ) -> (i64, u128, f64, f32, bool, char, Vec<u8>) {
        (number, large, float, small, ok, letter, bytes)
    }
}

prop_compose! {
    fn everything()(
        text_ in text(),
        nothing in prop::option::of(text()),
        (number, large, float, small, ok, letter, bytes) in scalars(),
        list in prop::collection::vec(prop::option::of(text()), 0..4),
        nested in prop::collection::vec(prop::collection::vec(any::<i8>(), 0..3), 0..3),
        map in prop::collection::btree_map(text(), text(), 0..4),
        keyed in prop::collection::btree_map(any::<i16>(), any::<char>().prop_map(Some), 0..3),
        pair in (any::<u8>(), text()),
        kind in kind(),
    ) -> Everything {
        Everything {
            text: text_, nothing, number, large, float, small, ok, letter, list, nested, map, keyed, pair, kind, bytes,
        }
    }
}

/// Values as the reader makes them: a map has each name once and no null.
fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![Just(Value::Null), text().prop_map(Value::Text)];
    leaf.prop_recursive(4, 24, 4, |inner| {
        let entries = prop::collection::btree_map(text(), inner.clone(), 0..4);
        prop_oneof![
            prop::collection::vec(inner, 0..4).prop_map(Value::List),
            entries.prop_map(|entries| {
                Value::Map(entries.into_iter().filter(|(_, value)| *value != Value::Null).collect())
            }),
        ]
    })
}

/// A map entry that is null is left out when it is written.
fn without_null_entries(value: Value) -> Value {
    match value {
        Value::List(list) => Value::List(list.into_iter().map(without_null_entries).collect()),
        Value::Map(entries) => {
            let kept = entries.into_iter().filter(|(_, value)| *value != Value::Null);
            Value::Map(kept.map(|(name, value)| (name, without_null_entries(value))).collect())
        }
        value => value,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn what_is_written_reads_back(value in everything()) {
        prop_assume!(!value.float.is_nan() && !value.small.is_nan());
        for options in [jsv::Options::new(), jsv::Options::new().indented(true), jsv::Options::new().name_case(jsv::NameCase::Camel)] {
            let text = options.to_string(&value).unwrap();
            let back: Everything = jsv::from_str(&text).map_err(|error| TestCaseError::fail(format!("{error} in {text:?}")))?;
            prop_assert_eq!(&back, &value, "{:?}", text);
        }
    }

    #[test]
    fn values_of_no_type_read_back(value in value()) {
        let text = jsv::to_string(&value).unwrap();
        let back: Value = jsv::from_str(&text).map_err(|error| TestCaseError::fail(format!("{error} in {text:?}")))?;
        prop_assert_eq!(&back, &value, "{:?}", text);
    }

    /// The property of the fuzz target `reads_anything`.
    #[test]
    fn anything_is_read_or_refused_with_a_place(text in text()) {
        if let Err(error) = jsv::from_str::<Value>(&text) {
            prop_assert!(error.line() > 0 && error.column() > 0, "{:?}: {}", text, error);
        }
        let _ = jsv::from_str::<Everything>(&text);
        let _ = jsv::from_str::<Vec<Everything>>(&text);
    }

    /// The property of the fuzz target `reads_what_it_wrote`.
    #[test]
    fn what_was_read_is_the_same_when_written_and_read_again(text in text()) {
        if let Ok(value) = jsv::from_str::<Value>(&text) {
            let again = jsv::to_string(&value).unwrap();
            let value = without_null_entries(value);
            prop_assert_eq!(jsv::from_str::<Value>(&again).unwrap(), value, "{:?}", again);
        }
        if let Ok(map) = jsv::from_str::<BTreeMap<String, Vec<String>>>(&text) {
            let again = jsv::to_string(&map).unwrap();
            prop_assert_eq!(jsv::from_str::<BTreeMap<String, Vec<String>>>(&again).unwrap(), map, "{:?}", again);
        }
    }
}
