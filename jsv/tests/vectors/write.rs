//! Drives the crate's writer by a shape.

use serde::ser::{Error, SerializeMap as _, SerializeSeq as _, SerializeStruct as _};
use serde::{Serialize, Serializer};

use crate::json::J;
use crate::shape::{Kind, Names, Shape};

/// A value that is written as its shape.
#[derive(Clone, Copy)]
pub(crate) struct Write<'s> {
    pub(crate) shape: &'s Shape,
    pub(crate) value: &'s J,
    /// Whether members that have their default are left out, as serde's `skip_serializing_if` does it.
    pub(crate) skip_defaults: bool,
}

impl Write<'_> {
    fn with<'t>(&self, shape: &'t Shape, value: &'t J) -> Write<'t> {
        Write { shape, value, skip_defaults: self.skip_defaults }
    }
}

impl Serialize for Write<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match (self.shape, self.value) {
            (Shape::Nullable(inner), value) if *value != J::Null => {
                self.with(inner, value).serialize(to)
            }
            (_, J::Null) => to.serialize_none(),
            (Shape::Object, value) => object(value, to),
            (Shape::Text | Shape::Uri, J::Text(text)) => to.serialize_str(text),
            (Shape::Bool, J::Bool(value)) => to.serialize_bool(*value),
            (Shape::Int(name), J::Int(number)) => integer(name, *number, to),
            (Shape::F32, value) => to.serialize_f32(float(value)?),
            (Shape::F64, value) => to.serialize_f64(float(value)?),
            (Shape::Char, J::Text(text)) => to.serialize_char(text.chars().next().unwrap_or('\0')),
            (Shape::Bytes, J::List(bytes)) => {
                let byte = |byte: &J| match byte {
                    J::Int(byte) => u8::try_from(*byte).map_err(S::Error::custom),
                    _ => Err(S::Error::custom("no byte")),
                };
                to.serialize_bytes(&bytes.iter().map(byte).collect::<Result<Vec<_>, _>>()?)
            }
            (Shape::List(element, _), J::List(list)) => {
                let mut seq = to.serialize_seq(Some(list.len()))?;
                for value in list {
                    seq.serialize_element(&self.with(element, value))?;
                }
                seq.end()
            }
            (Shape::Map(key, value), map) => self.map(key, value, map, to),
            (Shape::Struct(members), J::Map(_)) => {
                let mut open = to.serialize_struct("", members.names().len())?;
                for (name, shape) in members.all() {
                    let value = self.value.get(name).unwrap_or(&J::Null);
                    if !(self.skip_defaults && is_default(&shape, value)) {
                        open.serialize_field(name, &self.with(&shape, value))?;
                    }
                }
                open.end()
            }
            (Shape::Enum(names), J::Text(text)) => enum_value(names, text, to),
            (Shape::Decimal, J::Text(text)) => crate::scalars::write_decimal(text, to),
            (Shape::DateTime, J::Text(text)) => crate::scalars::write_datetime(text, to),
            (Shape::DateTimeOffset, J::Text(text)) => {
                crate::scalars::write_datetimeoffset(text, to)
            }
            (Shape::TimeSpan, value) => crate::scalars::write_timespan(value, to),
            (Shape::Guid, J::Text(text)) => crate::scalars::write_guid(text, to),
            (shape, value) => Err(S::Error::custom(format!("{value:?} is no {shape:?}"))),
        }
    }
}

impl Write<'_> {
    fn map<S: Serializer>(
        &self,
        key: &Shape,
        value: &Shape,
        map: &J,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        let pairs = pairs(map).ok_or_else(|| S::Error::custom("no map"))?;
        let mut open = to.serialize_map(Some(pairs.len()))?;
        for (name, entry) in &pairs {
            open.serialize_entry(&self.with(key, name), &self.with(value, entry))?;
        }
        open.end()
    }
}

/// The entries of a map in either of the rows' forms.
fn pairs(map: &J) -> Option<Vec<(J, J)>> {
    if let Some(J::List(pairs)) = map.get("<pairs>") {
        let pair = |pair: &J| match pair {
            J::List(pair) => Some((pair.first()?.clone(), pair.get(1)?.clone())),
            _ => None,
        };
        return pairs.iter().map(pair).collect();
    }
    let J::Map(entries) = map else { return None };
    Some(entries.iter().map(|(key, value)| (J::text(key), value.clone())).collect())
}

fn integer<S: Serializer>(name: &str, number: i128, to: S) -> Result<S::Ok, S::Error> {
    let out_of_range = || S::Error::custom("out of range");
    match name {
        "i8" => to.serialize_i8(number.try_into().map_err(|_| out_of_range())?),
        "i16" => to.serialize_i16(number.try_into().map_err(|_| out_of_range())?),
        "i32" => to.serialize_i32(number.try_into().map_err(|_| out_of_range())?),
        "i64" => to.serialize_i64(number.try_into().map_err(|_| out_of_range())?),
        "u8" => to.serialize_u8(number.try_into().map_err(|_| out_of_range())?),
        "u16" => to.serialize_u16(number.try_into().map_err(|_| out_of_range())?),
        "u32" => to.serialize_u32(number.try_into().map_err(|_| out_of_range())?),
        _ => to.serialize_u64(number.try_into().map_err(|_| out_of_range())?),
    }
}

fn float<T: std::str::FromStr, E: Error>(value: &J) -> Result<T, E> {
    let text = match value {
        J::Int(number) => number.to_string(),
        J::Float(number) => format!("{number:e}"),
        J::Text(text) => text.replace("Infinity", "inf"),
        _ => return Err(E::custom("no number")),
    };
    text.parse().map_err(|_| E::custom("no number"))
}

/// What the original writes for a value without a declared type.
fn object<S: Serializer>(value: &J, to: S) -> Result<S::Ok, S::Error> {
    match value {
        J::Null => to.serialize_none(),
        J::Bool(value) => to.serialize_bool(*value),
        J::Int(number) => integer("i64", *number, to),
        J::Float(number) => to.serialize_f64(*number),
        J::Text(text) => to.serialize_str(text),
        J::List(list) => {
            let shape = Shape::List(Box::new(Shape::Object), Kind::List);
            Write { shape: &shape, value: &J::List(list.clone()), skip_defaults: false }
                .serialize(to)
        }
        J::Map(_) => {
            let shape = Shape::Map(Box::new(Shape::Text), Box::new(Shape::Object));
            Write { shape: &shape, value, skip_defaults: false }.serialize(to)
        }
    }
}

fn enum_value<S: Serializer>(names: &Names, text: &str, to: S) -> Result<S::Ok, S::Error> {
    if names.flags {
        let bits = text.split(", ").map(|part| {
            let named = names.names.iter().position(|name| *name == part);
            named.map_or_else(|| part.parse().unwrap_or(0), |index| names.values[index])
        });
        return to.serialize_i128(bits.fold(0, |all, bit: i128| all | bit));
    }
    match names.names.iter().position(|name| *name == text) {
        Some(index) => to.serialize_unit_variant("", 0, names.names[index]),
        // A number that no name is declared for.
        None => to.serialize_i128(text.parse().map_err(|_| S::Error::custom("no such name"))?),
    }
}

/// Whether `ExcludeDefaultValues` leaves a member out: enums stay.
fn is_default(shape: &Shape, value: &J) -> bool {
    !matches!(shape, Shape::Enum(_) | Shape::Nullable(_)) && *value == shape.default()
}
