//! The kinds of members a DTO may have, and how each is read and written.

use std::marker::PhantomData;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::ser::{SerializeMap, SerializeSeq, Serializer};

use super::{FieldDef, Kind, Style, Styled, TypeDef};

/// A type that a member of a DTO may have. To add one: implement this, with a [`Kind`] that the
/// type generators know.
pub trait Member: Sized {
    /// What it holds, for descriptions.
    const KIND: Kind;
    /// Whether a request must bring it.
    const REQUIRED: bool = false;

    /// Whether there is no value.
    fn is_null(&self) -> bool {
        false
    }

    /// Writes the value.
    ///
    /// # Errors
    /// The serializer's.
    fn write<S: Serializer>(&self, style: Style, serializer: S) -> Result<S::Ok, S::Error>;

    /// Reads a value.
    ///
    /// # Errors
    /// The deserializer's, when the text does not hold such a value.
    fn bind<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error>;

    /// Reads a value from a field of a form or query: as JSV, as the original does.
    ///
    /// # Errors
    /// What is wrong with the text, with line and column.
    fn from_field(text: &str) -> jsv::Result<Self> {
        let mut deserializer = jsv::Deserializer::new(text);
        let value = Self::bind(&mut deserializer)?;
        deserializer.end()?;
        Ok(value)
    }
}

/// Reads a member where serde wants a seed.
pub struct Bind<T>(PhantomData<T>);

impl<T> Bind<T> {
    /// The seed.
    #[must_use]
    pub fn new() -> Self {
        Self(PhantomData)
    }
}

impl<T> Default for Bind<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<'de, T: Member> DeserializeSeed<'de> for Bind<T> {
    type Value = T;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<T, D::Error> {
        T::bind(deserializer)
    }
}

/// Reads a member's name: the declared name it matches, whatever its case, or none.
pub struct Key(pub &'static TypeDef);

impl<'de> DeserializeSeed<'de> for Key {
    type Value = Option<&'static str>;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_identifier(self)
    }
}

impl Visitor<'_> for Key {
    type Value = Option<&'static str>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the name of a member of {}", self.0.name)
    }

    fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
        Ok(self.0.field(name).map(|field: &FieldDef| field.name))
    }
}

impl Member for String {
    const KIND: Kind = Kind::String;
    const REQUIRED: bool = true;

    fn write<S: Serializer>(&self, _: Style, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self)
    }

    fn bind<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = String;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("text")
            }
            fn visit_str<E>(self, text: &str) -> Result<String, E> {
                Ok(text.to_owned())
            }
            fn visit_string<E>(self, text: String) -> Result<String, E> {
                Ok(text)
            }
            fn visit_unit<E>(self) -> Result<String, E> {
                Ok(String::new())
            }
        }
        deserializer.deserialize_string(Text)
    }

    /// Text is taken as it stands (`fixtures/wire`, rule B6).
    fn from_field(text: &str) -> jsv::Result<Self> {
        Ok(text.to_owned())
    }
}

impl Member for bool {
    const KIND: Kind = Kind::Bool;
    const REQUIRED: bool = true;

    fn write<S: Serializer>(&self, _: Style, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bool(*self)
    }

    fn bind<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        serde::Deserialize::deserialize(deserializer)
    }
}

impl Member for i32 {
    const KIND: Kind = Kind::Int32;
    const REQUIRED: bool = true;

    fn write<S: Serializer>(&self, _: Style, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i32(*self)
    }

    fn bind<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        serde::Deserialize::deserialize(deserializer)
    }
}

impl<T: Member> Member for Option<T> {
    const KIND: Kind = T::KIND;

    fn is_null(&self) -> bool {
        self.is_none()
    }

    fn write<S: Serializer>(&self, style: Style, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Some(value) => serializer.serialize_some(&Styled(value, style)),
            None => serializer.serialize_none(),
        }
    }

    fn bind<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Maybe<T>(PhantomData<T>);
        impl<'de, T: Member> Visitor<'de> for Maybe<T> {
            type Value = Option<T>;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a value or nothing")
            }
            fn visit_none<E>(self) -> Result<Option<T>, E> {
                Ok(None)
            }
            fn visit_unit<E>(self) -> Result<Option<T>, E> {
                Ok(None)
            }
            fn visit_some<D: Deserializer<'de>>(self, some: D) -> Result<Option<T>, D::Error> {
                T::bind(some).map(Some)
            }
        }
        deserializer.deserialize_option(Maybe(PhantomData))
    }

    fn from_field(text: &str) -> jsv::Result<Self> {
        T::from_field(text).map(Some)
    }
}

impl<T: Member> Member for Vec<T> {
    const KIND: Kind = Kind::List(&T::KIND);

    fn write<S: Serializer>(&self, style: Style, serializer: S) -> Result<S::Ok, S::Error> {
        let mut items = serializer.serialize_seq(Some(self.len()))?;
        for item in self {
            items.serialize_element(&Styled(item, style))?;
        }
        items.end()
    }

    fn bind<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Items<T>(PhantomData<T>);
        impl<'de, T: Member> Visitor<'de> for Items<T> {
            type Value = Vec<T>;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a list")
            }
            fn visit_unit<E>(self) -> Result<Vec<T>, E> {
                Ok(Vec::new())
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Vec<T>, A::Error> {
                let mut items = Vec::new();
                while let Some(item) = seq.next_element_seed(Bind::new())? {
                    items.push(item);
                }
                Ok(items)
            }
        }
        deserializer.deserialize_seq(Items(PhantomData))
    }
}

/// A dictionary from text to text, in the order in which it was filled. Its keys are data: no
/// format changes their case.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Dictionary(pub Vec<(String, String)>);

impl Member for Dictionary {
    const KIND: Kind = Kind::Dictionary;

    fn write<S: Serializer>(&self, _: Style, serializer: S) -> Result<S::Ok, S::Error> {
        let mut entries = serializer.serialize_map(Some(self.0.len()))?;
        for (key, value) in &self.0 {
            entries.serialize_entry(key, value)?;
        }
        entries.end()
    }

    fn bind<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;
        impl<'de> Visitor<'de> for Entries {
            type Value = Dictionary;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a dictionary")
            }
            fn visit_unit<E>(self) -> Result<Dictionary, E> {
                Ok(Dictionary::default())
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Dictionary, A::Error> {
                let mut entries: Vec<(String, String)> = Vec::new();
                while let Some(key) = map.next_key_seed(Bind::<String>::new())? {
                    let value = map.next_value_seed(Bind::<Option<String>>::new())?;
                    entries.retain(|(known, _)| *known != key);
                    if let Some(value) = value {
                        entries.push((key, value));
                    }
                }
                Ok(Dictionary(entries))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Dictionary, A::Error> {
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                Err(serde::de::Error::custom("a dictionary was expected, not a list"))
            }
        }
        deserializer.deserialize_map(Entries)
    }
}
