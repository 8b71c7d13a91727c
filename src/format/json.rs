//! `application/json`: `serde_json`, read as leniently as the original reads what is well formed.
//!
//! Where text is declared, a number or boolean stands for its own text, and an object or list for
//! its JSV text (`fixtures/wire`, rule B7). `serde_json` would refuse these, so [`Lenient`] stands
//! between it and the DTO: it takes such values raw. What is not JSON is refused.

use std::borrow::Cow;
use std::{fmt, io};

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde::ser::Serializer;
use serde::{Deserialize, Serialize};
use serde_json::ser::{CharEscape, CompactFormatter, Formatter};
use serde_json::value::RawValue;

use super::{Format, Host, MediaType, Placed, Unreadable, Unwritable, Visit, mark, without_place};
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

/// Why a value of the document `text` is not what was asked for.
fn unfit<E: serde::de::Error>(text: &str, raw: &RawValue, error: &dyn fmt::Display) -> E {
    // The value is a part of the document, so this is how far into it it begins.
    let offset = raw.get().as_ptr().addr() - text.as_ptr().addr();
    E::custom(mark(offset, &without_place(error)))
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

/// A deserializer of JSON that gives text where text is asked for, whatever stands there. The document is
/// for telling where a value is.
struct Lenient<'t, D>(D, &'t str);

/// Scalars are taken as their text and read from that, as the original does: `"1"` is a number too.
macro_rules! from_text {
    ($($method:ident $visit:ident $type:ty;)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
            let raw: &RawValue = Deserialize::deserialize(self.0)?;
            if raw.get() == "null" {
                return visitor.visit_unit();
            }
            let text = text_of(raw).map_err(|error| unfit(self.1, raw, &error))?;
            let value: $type = jsv::from_str(&text).map_err(|error| unfit(self.1, raw, &error))?;
            visitor.$visit(value)
        }
    )*};
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Lenient<'_, D> {
    type Error = D::Error;

    from_text! {
        deserialize_bool visit_bool bool;
        deserialize_i8 visit_i8 i8;
        deserialize_i16 visit_i16 i16;
        deserialize_i32 visit_i32 i32;
        deserialize_i64 visit_i64 i64;
        deserialize_u8 visit_u8 u8;
        deserialize_u16 visit_u16 u16;
        deserialize_u32 visit_u32 u32;
        deserialize_u64 visit_u64 u64;
        deserialize_f32 visit_f32 f32;
        deserialize_f64 visit_f64 f64;
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        let raw: &RawValue = Deserialize::deserialize(self.0)?;
        if raw.get() == "null" {
            return visitor.visit_unit();
        }
        match text_of(raw).map_err(|error| unfit(self.1, raw, &error))? {
            Cow::Borrowed(text) => visitor.visit_str(text),
            Cow::Owned(text) => visitor.visit_string(text),
        }
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.deserialize_string(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.0.deserialize_option(Within(visitor, self.1))
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.0.deserialize_seq(Within(visitor, self.1))
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.0.deserialize_map(Within(visitor, self.1))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.0.deserialize_map(Within(visitor, self.1))
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.0.deserialize_identifier(visitor)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.0.deserialize_ignored_any(visitor)
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.0.deserialize_any(Within(visitor, self.1))
    }

    serde::forward_to_deserialize_any! {
        i128 u128 char bytes byte_buf unit unit_struct newtype_struct tuple tuple_struct enum
    }
}

/// Hands what it visits on, with every deserializer inside it lenient again.
struct Within<'t, T>(T, &'t str);

impl<'de, V: Visitor<'de>> Visitor<'de> for Within<'_, V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.expecting(f)
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<V::Value, E> {
        self.0.visit_unit()
    }

    fn visit_none<E: serde::de::Error>(self) -> Result<V::Value, E> {
        self.0.visit_none()
    }

    fn visit_some<D: Deserializer<'de>>(self, some: D) -> Result<V::Value, D::Error> {
        self.0.visit_some(Lenient(some, self.1))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<V::Value, A::Error> {
        self.0.visit_seq(Within(items, self.1))
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<V::Value, A::Error> {
        self.0.visit_map(Within(members, self.1))
    }
}

impl<'de, T: DeserializeSeed<'de>> DeserializeSeed<'de> for Within<'_, T> {
    type Value = T::Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<T::Value, D::Error> {
        self.0.deserialize(Lenient(deserializer, self.1))
    }
}

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for Within<'_, A> {
    type Error = A::Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, A::Error> {
        self.0.next_element_seed(Within(seed, self.1))
    }
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Within<'_, A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, A::Error> {
        // Keys are text already.
        self.0.next_key_seed(seed)
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, A::Error> {
        self.0.next_value_seed(Within(seed, self.1))
    }
}

/// The text that a JSON value stands for where text is declared.
fn text_of(raw: &RawValue) -> Result<Cow<'_, str>, serde_json::Error> {
    match raw.get().as_bytes()[0] {
        b'"' => string_of(raw.get()),
        b'{' | b'[' => {
            let value = Level { left: DEPTH_LIMIT }.value(raw)?;
            jsv::to_string(&value)
                .map(Cow::Owned)
                .map_err(<serde_json::Error as serde::de::Error>::custom)
        }
        _ => Ok(Cow::Borrowed(raw.get())),
    }
}

/// The text of a JSON string. A surrogate without its other half becomes U+FFFD, as in the original.
fn string_of(quoted: &str) -> Result<Cow<'_, str>, serde_json::Error> {
    struct Bytes;
    impl<'de> Visitor<'de> for Bytes {
        type Value = Cow<'de, str>;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("text")
        }
        fn visit_borrowed_bytes<E>(self, bytes: &'de [u8]) -> Result<Self::Value, E> {
            Ok(String::from_utf8_lossy(bytes))
        }
        fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Self::Value, E> {
            // serde_json writes a lone surrogate as the three bytes ED A0..BF 80..BF.
            let mut text = String::with_capacity(bytes.len());
            for chunk in bytes.utf8_chunks() {
                text.push_str(chunk.valid());
                if chunk.invalid().first() == Some(&0xED) {
                    text.push(char::REPLACEMENT_CHARACTER);
                }
            }
            Ok(Cow::Owned(text))
        }
    }
    serde_json::Deserializer::from_str(quoted).deserialize_bytes(Bytes)
}

/// How deep a list or object may nest that is taken as text. `serde_json` has the same limit for a
/// document, but does not count what it gives raw.
const DEPTH_LIMIT: usize = 128;

/// A JSON value that is written again as JSV, numbers digit for digit.
enum Transcoded<'a> {
    Text(Cow<'a, str>),
    List(Vec<Option<Transcoded<'a>>>),
    Map(Vec<(String, Option<Transcoded<'a>>)>),
}

/// How many levels may still be inside a value. Each of them is looked through once for those around it,
/// so this bounds the time, too.
#[derive(Clone, Copy)]
struct Level {
    left: usize,
}

impl Level {
    /// The value; nothing for `null`.
    fn value(self, raw: &RawValue) -> Result<Option<Transcoded<'_>>, serde_json::Error> {
        let kind = raw.get().as_bytes()[0];
        if kind == b'n' {
            return Ok(None);
        }
        if !matches!(kind, b'[' | b'{') {
            return text_of(raw).map(|text| Some(Transcoded::Text(text)));
        }
        let Some(left) = self.left.checked_sub(1) else {
            let error = format_args!("text nested deeper than {DEPTH_LIMIT} levels");
            return Err(<serde_json::Error as serde::de::Error>::custom(error));
        };
        let mut json = serde_json::Deserializer::from_str(raw.get());
        let value = if kind == b'[' {
            Transcoded::List(json.deserialize_seq(Items(Self { left }))?)
        } else {
            Transcoded::Map(json.deserialize_map(Pairs(Self { left }))?)
        };
        Ok(Some(value))
    }
}

impl<'de> DeserializeSeed<'de> for Level {
    type Value = Option<Transcoded<'de>>;

    fn deserialize<D: Deserializer<'de>>(self, value: D) -> Result<Self::Value, D::Error> {
        self.value(Deserialize::deserialize(value)?).map_err(D::Error::custom)
    }
}

/// What is in a list.
struct Items(Level);

impl<'de> Visitor<'de> for Items {
    type Value = Vec<Option<Transcoded<'de>>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element_seed(self.0)? {
            items.push(item);
        }
        Ok(items)
    }
}

/// What is in an object.
struct Pairs(Level);

impl<'de> Visitor<'de> for Pairs {
    type Value = Vec<(String, Option<Transcoded<'de>>)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut pairs = Vec::new();
        while let Some(key) = map.next_key()? {
            pairs.push((key, map.next_value_seed(self.0)?));
        }
        Ok(pairs)
    }
}

impl Serialize for Transcoded<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => serializer.serialize_str(text),
            Self::List(items) => items.serialize(serializer),
            Self::Map(pairs) => {
                serializer.collect_map(pairs.iter().map(|(key, value)| (key, value)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
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
