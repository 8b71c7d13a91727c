//! `application/json`: `serde_json`, read as leniently as the original reads what is well formed.
//!
//! Where text is declared, a number or boolean stands for its own text, and an object or list for
//! its JSV text (`fixtures/wire`, rule B7). `serde_json` would refuse these, so [`Lenient`] stands
//! between it and the DTO: it takes such values raw. What is not JSON is refused.

mod read;
mod text;

use std::{fmt, io};

use serde_json::ser::{CharEscape, CompactFormatter, Formatter};

use self::read::Lenient;
use super::{Format, Host, MediaType, Placed, Unreadable, Unwritable, Visit, without_place};
use crate::dto::{AnyDto, Style, TypeDef};

/// JSON.
pub struct Json;

impl Format for Json {
    fn name(&self) -> &'static str {
        "json"
    }

    fn media_types(&self) -> &'static [MediaType] {
        const {
            &[
                MediaType { name: "application/json", label: "application/json; charset=utf-8" },
                MediaType { name: "text/json", label: "text/json; charset=utf-8" },
                MediaType { name: "text/x-json", label: "text/x-json; charset=utf-8" },
            ]
        }
    }

    fn write(&self, body: &dyn AnyDto, host: Host, out: &mut Vec<u8>) -> Result<(), Unwritable> {
        let mut written = Ok(());
        body.styled(Style { case: host.case, nulls: false }, &mut |value| {
            let mut serializer = serde_json::Serializer::with_formatter(&mut *out, Escapes);
            written = serde::Serialize::serialize(value, &mut serializer);
        });
        written.map_err(|error| Unwritable { format: "json", reason: error.to_string() })
    }

    fn reads(&self) -> bool {
        true
    }

    fn read(
        &self,
        text: &str,
        _: &'static TypeDef,
        visit: &mut Visit<'_>,
    ) -> Result<(), Unreadable> {
        let mut json = serde_json::Deserializer::from_str(text);
        visit(&mut <dyn erased_serde::Deserializer>::erase(Lenient(&mut json, text)))
            .map_err(|error| unreadable(text, &error))?;
        json.end().map_err(|error| unreadable(text, &error))
    }
}

/// What `serde_json` said, with the column as it is in the other formats: its messages end with line and
/// column, those about the DTO included, but it counts bytes, and none where a line has just begun.
fn unreadable(text: &str, error: &dyn fmt::Display) -> Unreadable {
    // What is said of an unfit value ends with the place of the cursor, which is behind it.
    if let Some(unfit) = Unreadable::marked(text, &without_place(error)) {
        return unfit;
    }
    let message = error.to_string();
    let Some(Placed { said, line, column }) = Placed::of(&message) else {
        return Unreadable::said(text, error);
    };
    let mut breaks = memchr::memchr_iter(b'\n', text.as_bytes());
    let start = match line.checked_sub(2) {
        Some(before) => breaks.nth(before).map_or(text.len(), |at| at + 1),
        None => 0,
    };
    let offset = text.floor_char_boundary(start + column.saturating_sub(1));
    Unreadable::at(text, offset, said)
}

/// Escapes what the original escapes, and in its spelling: control characters and U+007F with
/// upper-case digits, nothing else (`fixtures/wire`, rule S2).
struct Escapes;

impl Formatter for Escapes {
    fn write_string_fragment<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        let mut rest = fragment.as_bytes();
        // Nearly no text has one, so this looks at many bytes at a time.
        while let Some(at) = memchr::memchr(0x7F, rest) {
            writer.write_all(&rest[..at])?;
            writer.write_all(b"\\u007F")?;
            rest = &rest[at + 1..];
        }
        writer.write_all(rest)
    }

    fn write_char_escape<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        escape: CharEscape,
    ) -> io::Result<()> {
        match escape {
            CharEscape::AsciiControl(byte) => write!(writer, "\\u{byte:04X}"),
            other => CompactFormatter.write_char_escape(writer, other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::text::DEPTH_LIMIT;
    use super::*;
    use crate::dto::{Dictionary, Member, SERVICE_STACK};

    crate::dto! {
        struct Sample in SERVICE_STACK {
            pub name: Option<String>,
            pub count: Option<i32>,
            pub on: Option<bool>,
            pub meta: Option<Dictionary>,
            pub inner: Option<Vec<Sample2>>,
        }
    }

    crate::dto! {
        struct Sample2 in SERVICE_STACK {
            pub name: Option<String>,
        }
    }

    fn read(text: &str) -> Result<Sample, String> {
        let mut sample = None;
        Json.read(text, <Sample as crate::dto::Dto>::DEF, &mut |deserializer| {
            sample = Some(Sample::bind(deserializer)?);
            Ok(())
        })
        .map_err(|error| error.to_string())?;
        Ok(sample.unwrap())
    }

    #[track_caller]
    fn names(text: &str, name: Option<&str>) {
        assert_eq!(read(text).unwrap().name.as_deref(), name, "{text}");
    }

    #[test]
    fn where_text_is_declared_any_value_is_its_text() {
        names(r#"{"Name":"x"}"#, Some("x"));
        names(r#"{"NAME":1.50}"#, Some("1.50"));
        names(r#"{"name":true}"#, Some("true"));
        names(r#"{"name":null}"#, None);
        names(r#"{"name":{"a":"b","c":[1,"d,e"]}}"#, Some(r#"{a:b,c:[1,"d,e"]}"#));
        names(r#"{"name":["a","b"]}"#, Some("[a,b]"));
        names(r#"{"name":"\ud800x"}"#, Some("\u{FFFD}x"));
        names(r#"{"name":"\ud83d\ude00"}"#, Some("😀"));
        names(r#"{"name":"1","name":"2","other":{"name":3}}"#, Some("2"));
    }

    #[test]
    fn what_is_taken_as_text_nests_up_to_a_limit() {
        for (open, close) in [("[", "]"), ("{\"a\":", "}"), ("[{\"a\":[", "]}]")] {
            let levels = open.matches(['[', '{']).count();
            let nested = |depth: usize| {
                let times = depth / levels;
                format!("{{\n\"name\":{}1{}}}", open.repeat(times), close.repeat(times))
            };
            assert!(read(&nested(DEPTH_LIMIT / 2)).is_ok());
            let limit = DEPTH_LIMIT / levels * levels;
            assert!(read(&nested(limit)).is_ok(), "{open} {limit}");
            for depth in [limit + levels, 10_000] {
                let message = "text nested deeper than 128 levels at line 2 column 8";
                assert_eq!(read(&nested(depth)).err().unwrap(), message, "{open} {depth}");
            }
        }
    }

    #[test]
    fn other_kinds_are_read_from_their_text() {
        let sample = read(
            r#"{"count":"12","on":"true","meta":{"Key":"v","k":2},
            "inner":[{"name":5}]}"#,
        )
        .unwrap();
        assert_eq!(sample.count, Some(12));
        assert_eq!(sample.on, Some(true));
        let meta = sample.meta.unwrap().0;
        assert_eq!(meta, [("Key".into(), "v".into()), ("k".into(), "2".into())]);
        assert_eq!(sample.inner.unwrap()[0].name.as_deref(), Some("5"));
    }

    #[test]
    fn what_is_not_json_is_refused_with_its_place() {
        for (text, message) in [
            ("{\n\"name\":}", "expected value at line 2 column 8"),
            (r#"{"name":"x""#, "EOF while parsing an object at line 1 column 11"),
            (r#"{"name":"x"}}"#, "trailing characters at line 1 column 13"),
            (r#"{"name":"x",}"#, "trailing comma at line 1 column 13"),
            ("", "EOF while parsing a value at line 1 column 1"),
            ("{\"name\":\"é\"\n", "EOF while parsing an object at line 2 column 1"),
            (r#"{"name":"éé",x}"#, "key must be a string at line 1 column 14"),
            (r#"{"name":"é€😀"#, "EOF while parsing a string at line 1 column 12"),
            (r#"{"name":"é","count":"xyz"}"#, "invalid number `xyz` at line 1 column 21"),
            (
                "{\"name\":\"é\",\n \"count\":99999999999}",
                "invalid number `99999999999` at line 2 column 10",
            ),
            (
                r#"{"inner":[{"name":"x"},5]}"#,
                "invalid type: integer `5`, expected the members of Sample2 at line 1 column 24",
            ),
        ] {
            assert_eq!(read(text).err().unwrap(), message, "{text}");
        }
        for text in ["null", "[]", "123", "\"x\"", "true", r#"{"count":"x"}"#] {
            let error = read(text).err().unwrap_or_default();
            assert!(error.contains(" at line 1 column "), "{text}: {error}");
        }
    }
}
