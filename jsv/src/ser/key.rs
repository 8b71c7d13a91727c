//! The name of a map entry: text, a number, a bool, a character, a unit variant or a struct.

use serde::Serialize;
use serde::ser::{self, Impossible};

use super::compound::Compound;
use super::{Buffer, Serializer};
use crate::error::Kind;
use crate::{Error, Result};

/// Writes keys as values are written, and refuses what cannot be told apart from its surroundings.
pub(super) struct Key<'s, 'a, B>(pub(super) &'s mut Serializer<'a, B>);

fn refuse<T>(what: &'static str) -> Result<T> {
    Err(Error::unplaced(Kind::Unwritable(what)))
}

macro_rules! as_values {
    ($($method:ident: $type:ty;)*) => {
        $(
            fn $method(self, value: $type) -> Result<()> {
                self.0.$method(value)
            }
        )*
    };
}

impl<'s, 'a, B: Buffer> ser::Serializer for Key<'s, 'a, B> {
    type Ok = ();
    type Error = Error;
    type SerializeSeq = Impossible<(), Error>;
    type SerializeTuple = Impossible<(), Error>;
    type SerializeTupleStruct = Impossible<(), Error>;
    type SerializeTupleVariant = Impossible<(), Error>;
    type SerializeMap = Impossible<(), Error>;
    type SerializeStruct = Compound<'s, 'a, B>;
    type SerializeStructVariant = Impossible<(), Error>;

    as_values! {
        serialize_bool: bool;
        serialize_i8: i8;
        serialize_i16: i16;
        serialize_i32: i32;
        serialize_i64: i64;
        serialize_i128: i128;
        serialize_u8: u8;
        serialize_u16: u16;
        serialize_u32: u32;
        serialize_u64: u64;
        serialize_u128: u128;
        serialize_f32: f32;
        serialize_f64: f64;
        serialize_str: &str;
    }

    fn serialize_char(self, value: char) -> Result<()> {
        if self.0.options.indented {
            return self.0.serialize_char(value);
        }
        let quoted = matches!(value, '"' | '{' | '}' | '[' | ']' | '\r' | '\n');
        self.0.character(value, quoted);
        Ok(())
    }

    fn serialize_bytes(self, _: &[u8]) -> Result<()> {
        refuse("a map key of bytes")
    }

    fn serialize_none(self) -> Result<()> {
        refuse("a map key that is null")
    }

    fn serialize_some<T: ?Sized + Serialize>(self, value: &T) -> Result<()> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<()> {
        refuse("a map key that is null")
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<()> {
        refuse("a map key that is null")
    }

    fn serialize_unit_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
    ) -> Result<()> {
        self.0.serialize_unit_variant(name, index, variant)
    }

    fn serialize_newtype_struct<T: ?Sized + Serialize>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<()> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: ?Sized + Serialize>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<()> {
        refuse("a map key that is an enum with content")
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Self::SerializeSeq> {
        refuse("a map key that is a list")
    }

    fn serialize_tuple(self, _: usize) -> Result<Self::SerializeTuple> {
        refuse("a map key that is a list")
    }

    fn serialize_tuple_struct(
        self,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleStruct> {
        refuse("a map key that is a list")
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant> {
        refuse("a map key that is an enum with content")
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Self::SerializeMap> {
        refuse("a map key that is a map")
    }

    /// `{{X:1}:v}`
    fn serialize_struct(self, name: &'static str, len: usize) -> Result<Compound<'s, 'a, B>> {
        self.0.serialize_struct(name, len)
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant> {
        refuse("a map key that is an enum with content")
    }

    fn collect_str<T: ?Sized + std::fmt::Display>(self, value: &T) -> Result<()> {
        self.0.collect_str(value)
    }
}
