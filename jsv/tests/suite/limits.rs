//! Nothing overflows, and nothing takes more than its time in proportion: what would not end shows it.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Debug;

use jsv::Value;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Serialize};

use crate::anything::{Lists, Maps, Node, repeated};

const MILLION: usize = 1_000_000;

fn read_as_everything(text: &str) {
    let _ = jsv::from_str::<Value>(text);
    let _ = jsv::from_str::<Node>(text);
    let _ = jsv::from_str::<Vec<Node>>(text);
    let _ = jsv::from_str::<Lists>(text);
    let _ = jsv::from_str::<Maps>(text);
    let _ = jsv::from_str::<Vec<Maps>>(text);
    let _ = jsv::from_str::<Vec<Option<String>>>(text);
    let _ = jsv::from_str::<Vec<Vec<i32>>>(text);
    let _ = jsv::from_str::<HashMap<String, String>>(text);
    let _ = jsv::from_str::<IgnoredAny>(text);
    let _ = jsv::from_str::<String>(text);
    let _ = jsv::from_str::<f64>(text);
}

#[test]
fn nesting_is_limited() {
    let error = jsv::from_str::<Value>(&"[".repeat(MILLION)).unwrap_err();
    assert_eq!(error.to_string(), "nested deeper than 128 levels at line 1 column 129");
    let nested = |levels: usize| "{next:".repeat(levels) + &"}".repeat(levels);
    assert!(jsv::from_str::<Node>(&nested(128)).is_ok());
    assert!(jsv::from_str::<Node>(&nested(129)).is_err());
    let options = jsv::Options::new().depth_limit(200);
    assert!(options.from_str::<Node>(&nested(200)).is_ok());
    let list = |levels: usize| (0..levels).fold(Value::Null, |value, _| Value::List(vec![value]));
    assert!(jsv::to_string(&list(128)).is_ok());
    assert!(jsv::to_string(&list(129)).is_err());
}

/// Lists and maps without brackets are levels, too: most of these read one text as the same type without end.
#[test]
fn nesting_without_brackets_is_limited() {
    #[track_caller]
    fn too_deep<T: DeserializeOwned + Debug>(text: &str, place: &str) {
        let error = jsv::from_str::<T>(text).expect_err(text);
        let expected = format!("nested deeper than 128 levels at line 1 column {place}");
        assert_eq!(error.to_string(), expected, "{text:.40}");
    }
    for (text, place) in
        [("a", "1"), ("\"\"", "1"), ("[a]", "2"), ("[{}]", "2"), ("a,b", "1"), ("[[],a]", "5")]
    {
        too_deep::<Lists>(text, place);
        too_deep::<HashMap<String, Lists>>(
            &format!("{{k:{text}}}"),
            &(place.parse::<u8>().unwrap() + 3).to_string(),
        );
    }
    let nested = "a:".repeat(5000);
    too_deep::<Maps>(&nested, "257");
    too_deep::<Maps>(&format!("{{k:{nested}}}"), "258");
    too_deep::<Vec<Maps>>(&format!("[{nested}]"), "256");
    let flat = jsv::Options::new().depth_limit(1);
    assert!(flat.from_str::<Vec<u8>>("1,2").is_ok());
    assert!(flat.from_str::<Vec<Vec<u8>>>("1,2").is_err());
    assert!(flat.from_str::<HashMap<String, u8>>("a:1").is_ok());
    assert!(flat.from_str::<Vec<HashMap<String, u8>>>("[a:1]").is_err());
    // What is left is a level no more.
    let many = format!("[{}a:1]", "a:1,".repeat(1000));
    assert_eq!(jsv::from_str::<Vec<HashMap<String, u8>>>(&many).unwrap().len(), 1001);
    let many = format!("[{}1]", "1,\"2\",{}".repeat(1000));
    assert_eq!(jsv::from_str::<Vec<Vec<String>>>(&many).unwrap().len(), 3001);
}

/// A list, a map or a struct without any text is written with brackets. It is a level before that, too, or what was
/// read could not be written.
#[test]
fn nesting_without_text_is_limited() {
    #[track_caller]
    fn as_deep_as_it_is_written<T: Serialize + DeserializeOwned>(opening: &str, closing: &str) {
        let nested = |levels: usize| opening.repeat(levels) + &closing.repeat(levels);
        let value = jsv::from_str::<T>(&nested(127)).unwrap_or_else(|error| panic!("{error}"));
        assert!(jsv::to_string(&value).is_ok());
        assert!(jsv::from_str::<T>(&nested(128)).is_err(), "{opening}{closing}");
    }
    as_deep_as_it_is_written::<Maps>("a:", "");
    as_deep_as_it_is_written::<Maps>("{a:", "}");
    as_deep_as_it_is_written::<Lists>("[,", "]");
    let flat = jsv::Options::new().depth_limit(1);
    assert!(flat.from_str::<Vec<Members>>("").is_ok());
    assert!(flat.from_str::<Vec<Members>>("[,]").is_err());
    assert!(flat.from_str::<Vec<Option<Members>>>("[,]").is_ok());
}

#[derive(Deserialize)]
struct Members {}

/// A member nobody asked for is skipped however deep it is, without a level of the stack.
#[test]
fn unknown_members_are_skipped_at_any_depth() {
    let text = format!("{{other:{}{},name:a}}", "[".repeat(MILLION), "]".repeat(MILLION));
    assert!(jsv::from_str::<Node>(&text).is_ok());
    let text = format!("{{other:{}{},name:a}}", "{a:".repeat(MILLION), "}".repeat(MILLION));
    assert!(jsv::from_str::<Node>(&text).is_ok());
}

/// What a document is repeated from, and how it begins.
const JUNK: [(&str, &str); 21] = [
    ("", "a:"),
    ("{k:", "a:"),
    ("[", "a:,"),
    ("", "["),
    ("", "{"),
    ("", "\""),
    ("", "]"),
    ("", "}"),
    ("", "a"),
    ("", "{a:"),
    ("[", "a]"),
    ("[", "[a\"],"),
    ("[", "\"\","),
    ("{", "a:b,"),
    ("{", ":"),
    ("{name:", "[\n"),
    ("{", "a\n,"),
    ("{\n", "a : b ,\n"),
    ("[\n", " "),
    ("[{a:", "b\"[,"),
    ("{next:{next:{next:{name:\"", "\"\","),
];

/// A reader that went over its text once more for every part of it would take minutes for each of these, and this one
/// a moment. How its instructions grow with the length can be counted: see `benches/ratio.rs`.
#[test]
fn junk_of_any_kind_is_read_or_refused() {
    for (start, junk) in JUNK {
        read_as_everything(&repeated(start, junk, 256_000));
    }
}

#[test]
fn a_megabyte_of_one_character_is_read_or_refused() {
    for character in ["[", "{", "\"", "]", "}", ",", ":", "a", " ", "\n"] {
        read_as_everything(&character.repeat(MILLION));
    }
}

/// A type may pass over what does not fit, as often as it likes.
#[test]
fn any_number_of_errors_are_passed_over() {
    #[expect(clippy::unnecessary_wraps, reason = "serde asks for a result")]
    fn or_zero<'de, D: serde::Deserializer<'de>>(from: D) -> Result<u8, D::Error> {
        Ok(u8::deserialize(from).unwrap_or_default())
    }
    #[derive(Deserialize)]
    struct Row {
        #[serde(deserialize_with = "or_zero")]
        a: u8,
    }
    for row in ["{a:x},", "{a:x},\n"] {
        let rows = MILLION / row.len();
        let text = format!("[{}{{a:1}}]", row.repeat(rows));
        let read = jsv::from_str::<Vec<Row>>(&text).unwrap();
        assert_eq!((read.len(), read[0].a, read[rows].a), (rows + 1, 0, 1));
    }
}

type Tables = BTreeMap<String, Vec<BTreeMap<String, String>>>;

#[test]
fn every_beginning_of_a_document_is_read_or_refused() {
    for (name, step) in [("Customers", 37), ("Northwind", 7919)] {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/northwind");
        let text = std::fs::read_to_string(format!("{folder}/{name}.jsv")).unwrap();
        for (end, _) in text.char_indices().step_by(step) {
            let begun = &text[..end];
            assert!(jsv::from_str::<Value>(begun).is_err() || end == 0, "{name} {end}");
            assert!(jsv::from_str::<Tables>(begun).is_err() || end == 0, "{name} {end}");
            assert!(jsv::from_str::<IgnoredAny>(begun).is_ok());
            let _ = jsv::from_str::<Vec<Node>>(begun);
        }
        assert!(jsv::from_str::<Value>(&text).is_ok());
    }
}
