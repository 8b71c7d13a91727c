//! What a JSON value is where text is declared: a scalar its own text, a list or an object its JSV.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde::ser::Serializer;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// The text that a JSON value stands for where text is declared.
pub(super) fn text_of(raw: &RawValue) -> Result<Cow<'_, str>, serde_json::Error> {
    match raw.get().as_bytes()[0] {
        b'"' => string_of(raw.get()),
        b'{' | b'[' => {
            let value = Level { left: DEPTH_LIMIT }.value(raw)?;
            jsv::to_string(&value).map(Cow::Owned).map_err(serde_json::Error::custom)
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
pub(super) const DEPTH_LIMIT: usize = 128;

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
            return Err(serde_json::Error::custom(error));
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
