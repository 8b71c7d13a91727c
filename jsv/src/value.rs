//! A document of unknown shape.
//!
//! JSV has no types in its text, so a [`Value`] has none either: what is not a list or a map stays text, to be read
//! as a number or anything else by whoever knows what it should be.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeMap as _, SerializeSeq as _, Serializer};

/// Any JSV value.
///
/// ```
/// let value: jsv::Value = jsv::from_str("{id:7,tags:[a,,\"b,c\"],none:}").unwrap();
/// assert_eq!(value["id"].parse::<u8>().unwrap(), 7);
/// assert_eq!(value["tags"][2].as_text(), Some("b,c"));
/// assert_eq!(value["tags"][1], jsv::Value::Null);
/// assert_eq!(jsv::to_string(&value).unwrap(), "{id:7,tags:[a,,\"b,c\"]}");
/// ```
///
/// A map keeps its order, and of two entries with one name the last. A value that looks like a list or map but is
/// malformed as one is an error, not text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Value {
    /// No text. Left out of a map when it is written.
    #[default]
    Null,
    /// Text: also every number, bool and date.
    Text(String),
    /// What stands in square brackets.
    List(Vec<Value>),
    /// What stands in braces: names and values in the order of the document.
    Map(Vec<(String, Value)>),
}

static NULL: Value = Value::Null;

impl Value {
    /// The text, if it is one.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The elements, if it is a list.
    #[must_use]
    pub fn as_list(&self) -> Option<&[Value]> {
        match self {
            Self::List(list) => Some(list),
            _ => None,
        }
    }

    /// The entries, if it is a map.
    #[must_use]
    pub fn as_map(&self) -> Option<&[(String, Value)]> {
        match self {
            Self::Map(entries) => Some(entries),
            _ => None,
        }
    }

    /// The entry of this name, if it is a map that has one; the case of the name counts.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        let (_, value) = self.as_map()?.iter().find(|(key, _)| key == name)?;
        Some(value)
    }

    /// The text as a number, a bool or whatever else it should be, by the rules for reading one. It is out of its quotes;
    /// any in it are text.
    ///
    /// # Errors
    ///
    /// If it is no text, or one that does not fit the type.
    pub fn parse<T: serde::de::DeserializeOwned>(&self) -> crate::Result<T> {
        match self {
            Self::Text(text) => crate::de::value_of(text),
            Self::Null => crate::de::value_of(""),
            _ => Err(crate::Error::custom_text("a list or map is no single value")),
        }
    }
}

/// The entry of a name, or null.
impl std::ops::Index<&str> for Value {
    type Output = Value;

    fn index(&self, name: &str) -> &Value {
        self.get(name).unwrap_or(&NULL)
    }
}

/// The element at a place, or null.
impl std::ops::Index<usize> for Value {
    type Output = Value;

    fn index(&self, place: usize) -> &Value {
        self.as_list().and_then(|list| list.get(place)).unwrap_or(&NULL)
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => to.serialize_none(),
            Self::Text(text) => to.serialize_str(text),
            Self::List(list) => {
                let mut seq = to.serialize_seq(Some(list.len()))?;
                for value in list {
                    seq.serialize_element(value)?;
                }
                seq.end()
            }
            Self::Map(entries) => {
                let mut map = to.serialize_map(Some(entries.len()))?;
                for (name, value) in entries {
                    map.serialize_entry(name, value)?;
                }
                map.end()
            }
        }
    }
}

impl<'de> Deserialize<'de> for Value {
    /// As an option, for serde to know that a member that is not there, as null is written, is null.
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_option(Any)
    }
}

struct Any;

/// Scalars of formats that have types become their JSV text.
macro_rules! scalars {
    ($($method:ident: $type:ty;)*) => {
        $(
            fn $method<E: serde::de::Error>(self, value: $type) -> Result<Value, E> {
                crate::to_string(&value).map(Value::Text).map_err(E::custom)
            }
        )*
    };
}

impl<'de> Visitor<'de> for Any {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    scalars! {
        visit_bool: bool;
        visit_i64: i64;
        visit_i128: i128;
        visit_u64: u64;
        visit_u128: u128;
        visit_f64: f64;
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, from: D) -> Result<Value, D::Error> {
        from.deserialize_any(self)
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::Text(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Value, E> {
        Ok(Value::Text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(value) = seq.next_element()? {
            list.push(value);
        }
        Ok(Value::List(list))
    }

    /// With an index of names, so that a document of many names takes no longer for each.
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut entries: Vec<(String, Value)> = Vec::new();
        let mut places = std::collections::HashMap::new();
        while let Some((name, value)) = map.next_entry::<String, Value>()? {
            if let Some(&place) = places.get(&name) {
                let entry: &mut (String, Value) = &mut entries[place];
                entry.1 = value;
            } else {
                places.insert(name.clone(), entries.len());
                entries.push((name, value));
            }
        }
        Ok(Value::Map(entries))
    }
}
