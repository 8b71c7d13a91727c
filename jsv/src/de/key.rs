//! The name of a map entry, read as the type of the map's keys: text, a number, a bool, a character, a unit variant
//! or a struct.

use serde::de::value::{BorrowedStrDeserializer, StringDeserializer};
use serde::de::{self, IntoDeserializer as _, Visitor};
use serde::forward_to_deserialize_any;

use super::Deserializer;
use super::number::{parse_float, parse_integer};
use super::text::parse_bool;
use super::variant::declared;
use crate::{Error, Result};

pub(super) struct Key<'a, 'de>(pub(super) &'a mut Deserializer<'de>);

impl Key<'_, '_> {
    /// The key's text, parsed.
    fn parsed<T>(self, expected: &'static str, parse: impl Fn(&str) -> Option<T>) -> Result<T> {
        let start = self.0.offset();
        let text = self.0.key()?.undoubled();
        parse(&text).ok_or_else(|| self.0.invalid(start, &text, expected))
    }
}

/// Methods that parse the key and hand it to the visitor.
macro_rules! parsed {
    ($($method:ident => $visit:ident, $parse:expr, $expected:literal;)*) => {
        $(
            fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
                visitor.$visit(self.parsed($expected, $parse)?)
            }
        )*
    };
}

impl<'de> de::Deserializer<'de> for Key<'_, 'de> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        let text = self.0.key()?;
        if text.doubled {
            return visitor.visit_string(text.undoubled().into_owned());
        }
        visitor.visit_borrowed_str(text.raw)
    }

    parsed! {
        deserialize_bool => visit_bool, |text| parse_bool(text.trim()), "bool";
        deserialize_i8 => visit_i8, parse_integer, "number";
        deserialize_i16 => visit_i16, parse_integer, "number";
        deserialize_i32 => visit_i32, parse_integer, "number";
        deserialize_i64 => visit_i64, parse_integer, "number";
        deserialize_i128 => visit_i128, parse_integer, "number";
        deserialize_u8 => visit_u8, parse_integer, "number";
        deserialize_u16 => visit_u16, parse_integer, "number";
        deserialize_u32 => visit_u32, parse_integer, "number";
        deserialize_u64 => visit_u64, parse_integer, "number";
        deserialize_u128 => visit_u128, parse_integer, "number";
        deserialize_f32 => visit_f32, parse_float, "number";
        deserialize_f64 => visit_f64, parse_float, "number";
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value> {
        visitor.visit_newtype_struct(self)
    }

    /// A struct as a key stands in its own braces: `{{X:1}:v}`.
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        let value = self.0.members(fields, visitor)?;
        self.0.colon()?;
        Ok(value)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        let options = self.0.options;
        let text = self.0.key()?;
        if let Some(name) = declared(variants, &text.undoubled(), &options) {
            return visitor.visit_enum(BorrowedStrDeserializer::new(name));
        }
        let name: StringDeserializer<Error> = text.undoubled().into_owned().into_deserializer();
        visitor.visit_enum(name)
    }

    forward_to_deserialize_any! {
        char str string bytes byte_buf unit unit_struct seq tuple tuple_struct map identifier ignored_any
    }
}
