//! The other format.
//!
//! A number keeps its digits both ways: it is copied as text and never becomes a float.

use std::fmt;

use jsv::Value;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde::ser::{Serialize, SerializeMap as _, Serializer};
use serde_json::value::RawValue;

/// As deep as JSV documents go; JSON is taken apart level by level.
const DEPTH_LIMIT: usize = 128;

/// A line and a column, and what is wrong there.
type Wrong = ((usize, usize), String);

/// Writes a value as JSON, and a line break.
pub(crate) fn write(value: &Value, types: bool, pretty: bool) -> String {
    let json = Json { value, types };
    let text =
        if pretty { serde_json::to_string_pretty(&json) } else { serde_json::to_string(&json) };
    // Text, lists and maps with text for names: all of it has JSON.
    text.unwrap_or_default() + "\n"
}

struct Json<'a> {
    value: &'a Value,
    /// Whether text that looks like a number or a bool is one.
    types: bool,
}

impl Serialize for Json<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let types = self.types;
        match self.value {
            Value::Null => to.serialize_unit(),
            Value::Text(text) if types && text == "True" => to.serialize_bool(true),
            Value::Text(text) if types && text == "False" => to.serialize_bool(false),
            Value::Text(text) => match number(text).filter(|_| types) {
                Some(number) => number.serialize(to),
                None => to.serialize_str(text),
            },
            Value::List(list) => to.collect_seq(list.iter().map(|value| Json { value, types })),
            Value::Map(entries) => {
                let mut map = to.serialize_map(Some(entries.len()))?;
                for (name, value) in entries {
                    map.serialize_entry(name, &Json { value, types })?;
                }
                map.end()
            }
        }
    }
}

/// The text as a number, if it is one to JSON.
fn number(text: &str) -> Option<Box<RawValue>> {
    let numeric = text.starts_with(|first: char| first == '-' || first.is_ascii_digit())
        && text.ends_with(|last: char| last.is_ascii_digit());
    if numeric { RawValue::from_string(text.to_owned()).ok() } else { None }
}

/// Reads JSON.
pub(crate) fn read(bytes: &[u8]) -> Result<Value, Wrong> {
    let text = std::str::from_utf8(bytes)
        .map_err(|error| (place(bytes, error.valid_up_to()), "text is not UTF-8".to_owned()))?;
    let text = text.trim_start_matches('\u{feff}');
    let skipped = bytes.len() - text.len();
    let raw: &RawValue = serde_json::from_str(text).map_err(|error| {
        // Its column counts bytes.
        let line_start = lines_before(text, error.line());
        let offset = line_start + error.column().saturating_sub(1);
        (place(bytes, skipped + offset.min(text.len())), sentence(&error))
    })?;
    value(raw, 0).map_err(|(at, message)| {
        // The piece is a part of the text.
        let offset = at.as_ptr().addr() - bytes.as_ptr().addr();
        (place(bytes, offset), message)
    })
}

/// The value of a piece that stands in so many objects and arrays.
fn value(raw: &RawValue, level: usize) -> Result<Value, (&str, String)> {
    let text = raw.get();
    let wrong = |error: serde_json::Error| (text, sentence(&error));
    if level >= DEPTH_LIMIT && text.starts_with(['{', '[']) {
        return Err((text, format!("nested deeper than {DEPTH_LIMIT} levels")));
    }
    Ok(match text.as_bytes().first() {
        Some(b'{') => {
            let Members(members) = serde_json::from_str(text).map_err(wrong)?;
            let entries = members.into_iter().map(|(name, raw)| Ok((name, value(raw, level + 1)?)));
            Value::Map(entries.collect::<Result<_, _>>()?)
        }
        Some(b'[') => {
            let elements: Vec<&RawValue> = serde_json::from_str(text).map_err(wrong)?;
            let values = elements.into_iter().map(|raw| value(raw, level + 1));
            Value::List(values.collect::<Result<_, _>>()?)
        }
        Some(b'"') => Value::Text(serde_json::from_str(text).map_err(wrong)?),
        Some(b'n') => Value::Null,
        Some(b't') => Value::Text("True".to_owned()),
        Some(b'f') => Value::Text("False".to_owned()),
        _ => Value::Text(text.to_owned()),
    })
}

/// The members of an object in their order, not looked into.
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        from.deserialize_map(Object)
    }
}

/// The message without its place.
fn sentence(error: &serde_json::Error) -> String {
    let message = error.to_string();
    let end = message.rfind(" at line ").unwrap_or(message.len());
    message[..end].to_owned()
}

/// The offset at which a line begins, counted from 1.
fn lines_before(text: &str, line: usize) -> usize {
    text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum()
}

/// The line and column, in characters, of an offset.
fn place(bytes: &[u8], offset: usize) -> (usize, usize) {
    let before = String::from_utf8_lossy(&bytes[..offset.min(bytes.len())]);
    let before = before.trim_start_matches('\u{feff}');
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    (1 + before.matches('\n').count(), 1 + before[line_start..].chars().count())
}
