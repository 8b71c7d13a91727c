//! What holds of everything, and what the fuzz targets try without end.

use jsv::Value;
use proptest::prelude::*;
use serde::Deserialize;

use crate::anything::{self, Everything, Kind, Letter, Letters};
use crate::random::Random;

/// Text of the characters that matter, and some others.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[\\[\\]{},:\"a \t\r\n\u{b}\u{200b}é]{0,12}",
        any::<String>(),
        "[a-z]{0,20}".prop_map(String::from),
    ]
}

fn kind() -> impl Strategy<Value = Kind> {
    prop_oneof![
        Just(Kind::Plain),
        text().prop_map(Kind::One),
        (letter(), any::<Option<bool>>()).prop_map(|(a, b)| Kind::Two(a, b)),
        (prop::option::of(text()), prop::collection::vec(letter(), 0..3))
            .prop_map(|(a, b)| Kind::Named { a, b }),
    ]
}

/// Characters, those that matter among them more often than they would be.
fn letter() -> impl Strategy<Value = char> {
    prop_oneof![
        prop::sample::select(
            "[]{},:\"a \t\r\n\u{b}\u{c}\u{85}\u{a0}\u{feff}".chars().collect::<Vec<_>>()
        ),
        any::<char>(),
    ]
}

fn letters() -> impl Strategy<Value = Letters> {
    let map = || prop::collection::btree_map(letter(), letter(), 0..3);
    let kind = prop_oneof![
        letter().prop_map(Letter::One),
        prop::collection::vec(prop::collection::btree_map(any::<u8>(), letter(), 0..3), 0..3)
            .prop_map(Letter::Many),
    ];
    let leaf = (letter(), prop::option::of(letter()), map(), prop::option::of(kind)).prop_map(
        |(letter, other, map, kind)| Letters { letter, other, map, kind, list: Vec::new() },
    );
    leaf.prop_recursive(3, 12, 3, move |inner| {
        (inner.clone(), prop::collection::vec(inner, 0..3))
            .prop_map(|(letters, list)| Letters { list, ..letters })
    })
}

prop_compose! {
    fn scalars()(
        number in any::<i64>(),
        large in any::<u128>(),
        float in any::<f64>(),
        small in any::<f32>(),
        ok in any::<bool>(),
        letter in letter(),
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
        keyed in prop::collection::btree_map(any::<i16>(), letter(), 0..3),
        letters in prop::collection::vec(letters(), 0..3),
        pair in (any::<u8>(), text()),
        kind in kind(),
    ) -> Everything {
        Everything {
            text: text_, nothing, number, large, float, small, ok, letter, list, nested, map, keyed, letters, pair, kind, bytes,
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

/// A value and something behind it, so that there are the bytes that the short ways look at.
#[derive(Debug, Deserialize, PartialEq)]
struct Followed<T> {
    value: T,
    behind: String,
}

/// A value without quotes, which is read the short way if it is plain, and in quotes, which it never is.
fn both_ways<T: for<'de> Deserialize<'de> + PartialEq>(
    text: &str,
    behind: &str,
) -> (Option<T>, Option<T>) {
    let read = |text: String| jsv::from_str::<Followed<T>>(&text).ok().map(|read| read.value);
    let bare = read(format!("{{value:{text},behind:{behind}}}"));
    (bare, read(format!("{{value:\"{text}\",behind:{behind}}}")))
}

#[derive(Debug, Default, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields)]
struct Named {
    id: String,
    name: String,
    at: String,
    a_name_of_seventeen: String,
    a_name_that_is_longer_than_two_words_of_sixteen: String,
    last: String,
}

const NAMES: [&str; 6] = [
    "id",
    "name",
    "at",
    "a_name_of_seventeen",
    "a_name_that_is_longer_than_two_words_of_sixteen",
    "last",
];

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

    /// Where a list is the document and where it is in something, other rules hold.
    #[test]
    fn letters_read_back_at_any_depth(
        list in prop::collection::vec(letters(), 0..3),
        lists in prop::collection::vec(prop::collection::vec(letters(), 0..3), 0..3),
    ) {
        for options in [jsv::Options::new(), jsv::Options::new().indented(true)] {
            let text = options.to_string(&list).unwrap();
            prop_assert_eq!(&jsv::from_str::<Vec<Letters>>(&text).unwrap(), &list, "{:?}", text);
            let text = options.to_string(&lists).unwrap();
            prop_assert_eq!(&jsv::from_str::<Vec<Vec<Letters>>>(&text).unwrap(), &lists, "{:?}", text);
        }
    }

    #[test]
    fn values_of_no_type_read_back(value in value()) {
        let text = jsv::to_string(&value).unwrap();
        let back: Value = jsv::from_str(&text).map_err(|error| TestCaseError::fail(format!("{error} in {text:?}")))?;
        prop_assert_eq!(&back, &value, "{:?}", text);
    }

    #[test]
    fn the_short_ways_read_what_the_long_ones_read(
        number in "-?[0-9]{1,4}(\\.[0-9]{0,3})?|-?[0-9]{1,20}(\\.[0-9]{0,9})?[el. ]?",
        plain in "[ a-zé+./:|~-]{1,40}",
        behind in "[a-z]{0,9}",
    ) {
        let (bare, quoted) = both_ways::<i16>(&number, &behind);
        prop_assert_eq!(bare, quoted, "{:?}", number);
        let (bare, quoted) = both_ways::<u64>(&number, &behind);
        prop_assert_eq!(bare, quoted, "{:?}", number);
        let (bare, quoted) = both_ways::<f64>(&number, &behind);
        prop_assert_eq!(bare.map(f64::to_bits), quoted.map(f64::to_bits), "{:?}", number);
        let (bare, quoted) = both_ways::<String>(&plain, &behind);
        prop_assert_eq!(bare.as_ref(), Some(&plain));
        prop_assert_eq!(bare, quoted);
    }

    #[test]
    fn members_are_found_in_any_order_and_case(
        members in prop::collection::vec((0..NAMES.len(), any::<bool>(), "[a-z]{0,20}"), 0..9),
        other in prop::option::of("[a-z_]{1,20}"),
    ) {
        let mut expected = Some(Named::default());
        let mut texts = Vec::new();
        let mut seen = [false; NAMES.len()];
        for (index, upper, value) in members {
            let name = if upper { NAMES[index].to_uppercase() } else { NAMES[index].to_owned() };
            texts.push(format!("{name}:{value}"));
            // A second member of one name is an error of derived code.
            expected = expected.filter(|_| !seen[index]);
            seen[index] = true;
            if let Some(named) = &mut expected {
                *[
                    &mut named.id,
                    &mut named.name,
                    &mut named.at,
                    &mut named.a_name_of_seventeen,
                    &mut named.a_name_that_is_longer_than_two_words_of_sixteen,
                    &mut named.last,
                ][index] = value;
            }
        }
        if let Some(other) = other.filter(|other| !NAMES.contains(&other.as_str())) {
            let text = format!("{{{}}}", [texts.as_slice(), &[format!("{other}:x")]].concat().join(","));
            let error = jsv::from_str::<Named>(&text).unwrap_err();
            let unknown = error.to_string().starts_with(&format!("unknown field `{other}`"));
            prop_assert!(unknown || expected.is_none(), "{} in {:?}", error, text);
        }
        let text = format!("{{{}}}", texts.join(","));
        prop_assert_eq!(jsv::from_str::<Named>(&text).ok(), expected, "{:?}", text);
    }

    #[test]
    fn anything_is_read_or_refused_with_a_place(text in text()) {
        anything::is_read_or_refused(text.as_bytes());
    }

    #[test]
    fn what_was_read_is_the_same_when_written_and_read_again(text in text()) {
        anything::reads_back(&text);
    }
}

/// What the fuzz targets begin with, and a few thousand changes of it: the same every time.
#[test]
fn the_seeds_of_the_fuzz_targets_hold() {
    let seeds = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/seeds")).unwrap();
    let mut seeds: Vec<_> =
        seeds.map(|seed| std::fs::read(seed.unwrap().path()).unwrap()).collect();
    seeds.sort();
    assert!(seeds.len() > 20);
    let mut random = Random::default();
    for seed in &seeds {
        for _ in 0..100 {
            let bytes = random.changed(seed, &seeds);
            anything::is_read_or_refused(&bytes);
            anything::reads_back(&String::from_utf8_lossy(&bytes));
        }
    }
}

impl Random {
    /// The seed with up to four bytes put in, left out or taken from another seed, or cut and joined to another.
    fn changed(&mut self, seed: &[u8], seeds: &[Vec<u8>]) -> Vec<u8> {
        let mut bytes = seed.to_vec();
        for _ in 0..self.below(5) {
            let at = self.below(bytes.len() + 1);
            let other = &seeds[self.below(seeds.len())];
            let place = self.below(other.len());
            match self.below(4) {
                0 => bytes.insert(at, other[place]),
                1 if at < bytes.len() => drop(bytes.remove(at)),
                2 if at < bytes.len() => bytes[at] = other[place],
                3 => {
                    bytes.truncate(at);
                    bytes.extend(&other[place..]);
                }
                _ => {}
            }
        }
        bytes
    }
}
