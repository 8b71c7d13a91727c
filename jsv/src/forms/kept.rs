//! Values as another reader has them: what serde keeps of a document until it knows what it is for, as behind
//! `flatten` and in tagged and untagged enums, or what another format says.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer, UnitDeserializer};
use serde::de::{
    Deserialize, DeserializeOwned, Deserializer, Error, IntoDeserializer as _, MapAccess,
    SeqAccess, Visitor,
};
use serde::forward_to_deserialize_any;

/// A value that may be text, which is then read by our rules, or what it is already.
pub(crate) struct Kept<T>(pub(crate) T);

impl From<Kept<u8>> for u8 {
    fn from(kept: Kept<u8>) -> Self {
        kept.0
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Kept<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Visit(PhantomData)).map(Kept)
    }
}

struct Visit<T>(PhantomData<T>);

/// Methods that hand a value on as it is.
macro_rules! told {
    ($($method:ident: $type:ty;)*) => {
        $(
            fn $method<E: Error>(self, value: $type) -> Result<T, E> {
                T::deserialize(Told(value.into_deserializer()))
            }
        )*
    };
}

impl<'de, T: DeserializeOwned> Visitor<'de> for Visit<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    told! {
        visit_bool: bool;
        visit_i64: i64;
        visit_u64: u64;
        visit_f64: f64;
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        // The place is that of the text in its document, which the reader around us knows.
        crate::de::value_of(text).map_err(|error| E::custom(error.without_place()))
    }

    fn visit_unit<E: Error>(self) -> Result<T, E> {
        T::deserialize(UnitDeserializer::new())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<T, A::Error> {
        T::deserialize(Told(SeqAccessDeserializer::new(seq)))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
        T::deserialize(Told(MapAccessDeserializer::new(map)))
    }
}

/// A value that is there, and is the content of a newtype, too: serde's own readers of single values know neither.
struct Told<D>(D);

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Told<D> {
    type Error = D::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.0.deserialize_any(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.0.deserialize_enum(name, variants, visitor)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map struct identifier ignored_any
    }
}
