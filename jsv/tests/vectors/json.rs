//! The JSON of the rows, and the values that rows, the crate and the model of the original are compared as.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

/// A value; a struct is a map by member name, a map with keys that are not text a list of pairs.
#[derive(Clone, Debug)]
pub(crate) enum J {
    Null,
    Bool(bool),
    Int(i128),
    Float(f64),
    Text(String),
    List(Vec<J>),
    Map(Vec<(String, J)>),
}

impl J {
    pub(crate) fn text(text: &str) -> Self {
        Self::Text(text.to_owned())
    }

    pub(crate) fn get(&self, name: &str) -> Option<&J> {
        match self {
            Self::Map(entries) => {
                entries.iter().find(|(key, _)| key == name).map(|(_, value)| value)
            }
            _ => None,
        }
    }

    pub(crate) fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    fn number(&self) -> Option<f64> {
        match self {
            #[expect(clippy::cast_precision_loss, reason = "a float written as an integer")]
            Self::Int(number) => Some(*number as f64),
            Self::Float(number) => Some(*number),
            // Rows write what JSON has no number for as text.
            Self::Text(text) if matches!(&**text, "NaN" | "Infinity" | "-Infinity") => {
                text.replace("Infinity", "inf").parse().ok()
            }
            _ => None,
        }
    }
}

impl PartialEq for J {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Null, Self::Null) => true,
            (Self::Bool(a), Self::Bool(b)) => a == b,
            (Self::Int(a), Self::Int(b)) => a == b,
            (Self::Text(a), Self::Text(b)) => a == b,
            (Self::List(a), Self::List(b)) => a == b,
            (Self::Map(a), Self::Map(b)) => {
                a.len() == b.len()
                    && a.iter().all(|(key, value)| other.get(key).is_some_and(|own| own == value))
            }
            _ => match (self.number(), other.number()) {
                (Some(a), Some(b)) => a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan()),
                _ => false,
            },
        }
    }
}

impl<'de> Deserialize<'de> for J {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = J;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("JSON")
            }

            fn visit_unit<E>(self) -> Result<J, E> {
                Ok(J::Null)
            }

            fn visit_bool<E>(self, value: bool) -> Result<J, E> {
                Ok(J::Bool(value))
            }

            fn visit_i64<E>(self, value: i64) -> Result<J, E> {
                Ok(J::Int(value.into()))
            }

            fn visit_u64<E>(self, value: u64) -> Result<J, E> {
                Ok(J::Int(value.into()))
            }

            fn visit_f64<E>(self, value: f64) -> Result<J, E> {
                Ok(J::Float(value))
            }

            fn visit_str<E>(self, value: &str) -> Result<J, E> {
                Ok(J::text(value))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<J, A::Error> {
                let mut list = Vec::new();
                while let Some(value) = seq.next_element()? {
                    list.push(value);
                }
                Ok(J::List(list))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<J, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(J::Map(entries))
            }
        }
        deserializer.deserialize_any(Any)
    }
}
