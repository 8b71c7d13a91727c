//! Nothing overflows, and nothing takes more than its time in proportion.

use std::time::Instant;

use jsv::Value;
use serde::Deserialize;
use serde::de::IgnoredAny;

const MILLION: usize = 1_000_000;

#[derive(Deserialize, Debug, Default)]
#[serde(default)]
struct Node {
    name: Option<String>,
    next: Option<Box<Node>>,
}

fn read_as_everything(text: &str) {
    let _ = jsv::from_str::<Value>(text);
    let _ = jsv::from_str::<Node>(text);
    let _ = jsv::from_str::<Vec<Node>>(text);
    let _ = jsv::from_str::<Vec<Option<String>>>(text);
    let _ = jsv::from_str::<Vec<Vec<i32>>>(text);
    let _ = jsv::from_str::<std::collections::HashMap<String, String>>(text);
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

/// A member nobody asked for is skipped however deep it is, without a level of the stack.
#[test]
fn unknown_members_are_skipped_at_any_depth() {
    let text = format!("{{other:{}{},name:a}}", "[".repeat(MILLION), "]".repeat(MILLION));
    assert!(jsv::from_str::<Node>(&text).is_ok());
    let text = format!("{{other:{}{},name:a}}", "{a:".repeat(MILLION), "}".repeat(MILLION));
    assert!(jsv::from_str::<Node>(&text).is_ok());
}

/// What a document is repeated from, and how it begins.
const JUNK: [(&str, &str); 18] = [
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

/// Four times the text takes about four times as long. A reader that went over its text once more for every part of
/// it would take sixteen times.
#[test]
fn time_is_linear_in_any_junk() {
    for (start, junk) in JUNK {
        let document = |length: usize| start.to_owned() + &junk.repeat(length / junk.len());
        let (short, long) = (document(16_000), document(64_000));
        let mut ratios: Vec<f64> = (0..7).map(|_| time(&long) / time(&short)).collect();
        ratios.sort_by(f64::total_cmp);
        assert!(ratios[2] < 10.0, "{start}{junk}…: {ratios:?}");
    }
}

fn time(text: &str) -> f64 {
    let began = Instant::now();
    read_as_everything(text);
    began.elapsed().as_secs_f64()
}

#[test]
fn a_megabyte_of_one_character_is_read_or_refused() {
    for character in ["[", "{", "\"", "]", "}", ",", ":", "a", " ", "\n"] {
        read_as_everything(&character.repeat(MILLION));
    }
}

#[test]
fn every_beginning_of_a_document_is_read_or_refused() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/northwind/Customers.jsv");
    let text = std::fs::read_to_string(path).unwrap();
    for (end, _) in text.char_indices().step_by(37) {
        assert!(jsv::from_str::<Value>(&text[..end]).is_err() || end == 0, "{end}");
        let _ = jsv::from_str::<Vec<Node>>(&text[..end]);
    }
    assert!(jsv::from_str::<Value>(&text).is_ok());
}
