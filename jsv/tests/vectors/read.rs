//! Drives the crate's reader by a shape: what a struct with these members would do, without a struct per row.

use std::fmt;

use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error, IgnoredAny, MapAccess, SeqAccess,
    VariantAccess as _, Visitor,
};

use crate::json::J;
use crate::shape::{Kind, Names, Shape};

/// Reads one value of a shape.
#[derive(Clone, Copy)]
pub(crate) struct Read<'s>(pub(crate) &'s Shape);

impl<'de> DeserializeSeed<'de> for Read<'_> {
    type Value = J;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<J, D::Error> {
        if let Shape::Nullable(inner) = self.0
            && !matches!(**inner, Shape::Char)
        {
            return crate::scalars::nullable(inner, deserializer);
        }
        if self.0.is_nullable() || matches!(self.0, Shape::Enum(_)) {
            return deserializer.deserialize_option(self);
        }
        self.present(deserializer)
    }
}

impl Read<'_> {
    fn present<'de, D: Deserializer<'de>>(self, deserializer: D) -> Result<J, D::Error> {
        match self.0 {
            Shape::Text | Shape::Uri | Shape::Object => deserializer.deserialize_string(self),
            Shape::Bool => deserializer.deserialize_bool(self),
            Shape::Int("i8") => deserializer.deserialize_i8(self),
            Shape::Int("i16") => deserializer.deserialize_i16(self),
            Shape::Int("i32") => deserializer.deserialize_i32(self),
            Shape::Int("i64") => deserializer.deserialize_i64(self),
            Shape::Int("u8") => deserializer.deserialize_u8(self),
            Shape::Int("u16") => deserializer.deserialize_u16(self),
            Shape::Int("u32") => deserializer.deserialize_u32(self),
            Shape::Int(_) => deserializer.deserialize_u64(self),
            Shape::F32 => deserializer.deserialize_f32(self),
            Shape::F64 => deserializer.deserialize_f64(self),
            Shape::Char => deserializer.deserialize_char(self),
            Shape::Bytes => deserializer.deserialize_byte_buf(self),
            Shape::Nullable(inner) => Read(inner).present(deserializer),
            Shape::List(..) => deserializer.deserialize_seq(self),
            Shape::Map(..) => deserializer.deserialize_map(self),
            Shape::Enum(names) => {
                deserializer.deserialize_enum("", names.names.clone().leak(), self)
            }
            Shape::Struct(members) => deserializer.deserialize_struct("", members.names(), self),
            Shape::Decimal => crate::scalars::decimal(deserializer),
            Shape::DateTime => crate::scalars::datetime(deserializer),
            Shape::DateTimeOffset => crate::scalars::datetimeoffset(deserializer),
            Shape::TimeSpan => crate::scalars::timespan(deserializer),
            Shape::Guid => crate::scalars::guid(deserializer),
        }
    }
}

impl<'de> Visitor<'de> for Read<'_> {
    type Value = J;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.0)
    }

    fn visit_none<E>(self) -> Result<J, E> {
        Ok(if self.0.is_nullable() { J::Null } else { self.0.default() })
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<J, D::Error> {
        self.present(deserializer)
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

    fn visit_f32<E>(self, value: f32) -> Result<J, E> {
        // As the shortest decimal that names it, which is how the rows write it.
        value.to_string().parse().map(J::Float).map_err(|_| unreachable!("a float has a text"))
    }

    fn visit_f64<E>(self, value: f64) -> Result<J, E> {
        Ok(J::Float(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<J, E> {
        Ok(J::text(value))
    }

    fn visit_byte_buf<E>(self, bytes: Vec<u8>) -> Result<J, E> {
        Ok(J::List(bytes.into_iter().map(|byte| J::Int(byte.into())).collect()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<J, A::Error> {
        const BYTE: Shape = Shape::Int("u8");
        let element = match self.0 {
            Shape::List(element, _) => &**element,
            _ => &BYTE,
        };
        let mut list = Vec::new();
        while let Some(value) = seq.next_element_seed(Read(element))? {
            let twice = matches!(self.0, Shape::List(_, Kind::Set)) && list.contains(&value);
            if !twice {
                list.push(value);
            }
        }
        Ok(J::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<J, A::Error> {
        match self.0 {
            Shape::Map(key, value) => entries(key, value, map),
            _ => self.members(map),
        }
    }

    fn visit_enum<A: EnumAccess<'de>>(self, data: A) -> Result<J, A::Error> {
        let Shape::Enum(names) = self.0 else { return Err(A::Error::custom("no enum")) };
        let (name, content) = data.variant_seed(Variant(names))?;
        content.unit_variant()?;
        Ok(J::Text(name))
    }
}

fn entries<'de, A: MapAccess<'de>>(key: &Shape, value: &Shape, mut map: A) -> Result<J, A::Error> {
    let mut pairs: Vec<(J, J)> = Vec::new();
    while let Some(name) = map.next_key_seed(Key(key))? {
        let value = map.next_value_seed(Read(value))?;
        match pairs.iter_mut().find(|(other, _)| *other == name) {
            Some(pair) => pair.1 = value,
            None => pairs.push((name, value)),
        }
    }
    Ok(from_pairs(key, pairs))
}

/// A map by text, or the rows' form of one with other keys.
pub(crate) fn from_pairs(key: &Shape, pairs: Vec<(J, J)>) -> J {
    if matches!(key, Shape::Text) || pairs.is_empty() {
        let named = |(key, value): (J, J)| (key.as_text().unwrap_or_default().to_owned(), value);
        return J::Map(pairs.into_iter().map(named).collect());
    }
    let pairs = pairs.into_iter().map(|(key, value)| J::List(vec![key, value])).collect();
    J::Map(vec![("<pairs>".to_owned(), J::List(pairs))])
}

impl Read<'_> {
    /// The last of two members of a name wins, as for the original; serde's derive refuses the second.
    fn members<'de, A: MapAccess<'de>>(self, mut map: A) -> Result<J, A::Error> {
        let Shape::Struct(members) = self.0 else { return Err(A::Error::custom("no struct")) };
        let all = members.all();
        let mut values: Vec<J> = all.iter().map(|(_, shape)| shape.default()).collect();
        while let Some(name) = map.next_key::<String>()? {
            match all.iter().position(|(declared, _)| *declared == name) {
                Some(index) => values[index] = map.next_value_seed(Read(&all[index].1))?,
                None if members.exact => {
                    return Err(A::Error::unknown_field(&name, members.names()));
                }
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        let named = all.iter().zip(values).map(|((name, _), value)| ((*name).to_owned(), value));
        Ok(J::Map(named.collect()))
    }
}

/// A key is never null.
struct Key<'s>(&'s Shape);

impl<'de> DeserializeSeed<'de> for Key<'_> {
    type Value = J;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<J, D::Error> {
        Read(self.0).present(deserializer)
    }
}

/// The name of an enum's value: a declared one, or a number, which C# takes for any enum.
struct Variant<'s>(&'s Names);

impl<'de> DeserializeSeed<'de> for Variant<'_> {
    type Value = String;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<String, D::Error> {
        deserializer.deserialize_identifier(self)
    }
}

impl Visitor<'_> for Variant<'_> {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name or number of a value")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<String, E> {
        enum_text(self.0, text).ok_or_else(|| E::custom(format!("unknown value `{text}`")))
    }
}

/// What C# shows for the text of an enum value: names without case, numbers, several of either with commas.
pub(crate) fn enum_text(names: &Names, text: &str) -> Option<String> {
    let mut number = 0;
    for part in text.split(',').map(str::trim) {
        let named = names.names.iter().position(|name| name.eq_ignore_ascii_case(part));
        number |= match named {
            Some(index) => names.values[index],
            None => part.parse::<i128>().ok()?,
        };
    }
    Some(enum_name(names, number))
}

fn enum_name(names: &Names, number: i128) -> String {
    if let Some(index) = names.values.iter().position(|value| *value == number) {
        return names.names[index].to_owned();
    }
    let mut left = number;
    let mut set = Vec::new();
    for (name, value) in names.names.iter().zip(&names.values) {
        if names.flags && *value != 0 && number & value == *value {
            left &= !value;
            set.push(*name);
        }
    }
    if left == 0 && !set.is_empty() { set.join(", ") } else { number.to_string() }
}

/// Like [`Read`], but values of no declared type are read as what they look like.
pub(crate) struct Untyped<'s>(pub(crate) &'s Shape);

impl<'de> DeserializeSeed<'de> for Untyped<'_> {
    type Value = J;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<J, D::Error> {
        match self.0 {
            Shape::Object => deserializer.deserialize_any(self),
            shape if !shape.is_nullable() => Read(shape).deserialize(deserializer),
            Shape::List(..) => deserializer.deserialize_seq(self),
            Shape::Map(..) => deserializer.deserialize_map(self),
            Shape::Struct(members) => deserializer.deserialize_struct("", members.names(), self),
            shape => Read(shape).deserialize(deserializer),
        }
    }
}

impl<'de> Visitor<'de> for Untyped<'_> {
    type Value = J;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }

    fn visit_unit<E>(self) -> Result<J, E> {
        Ok(J::Null)
    }

    fn visit_str<E>(self, text: &str) -> Result<J, E> {
        Ok(J::text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<J, A::Error> {
        let element = match self.0 {
            Shape::List(element, _) => &**element,
            _ => &Shape::Object,
        };
        let mut list = Vec::new();
        while let Some(value) = seq.next_element_seed(Untyped(element))? {
            list.push(value);
        }
        Ok(J::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<J, A::Error> {
        let all = match self.0 {
            Shape::Struct(members) => members.all(),
            _ => Vec::new(),
        };
        let default = |(name, shape): &(&str, Shape)| ((*name).to_owned(), shape.default());
        let mut entries: Vec<(String, J)> = all.iter().map(default).collect();
        while let Some(name) = map.next_key::<String>()? {
            let shape = match self.0 {
                Shape::Struct(_) => {
                    if let Some((_, shape)) = all.iter().find(|(declared, _)| *declared == name) {
                        shape
                    } else {
                        map.next_value::<IgnoredAny>()?;
                        continue;
                    }
                }
                Shape::Map(_, value) => value,
                _ => &Shape::Object,
            };
            let value = map.next_value_seed(Untyped(shape))?;
            match entries.iter_mut().find(|(other, _)| *other == name) {
                Some(entry) => entry.1 = value,
                None => entries.push((name, value)),
            }
        }
        Ok(J::Map(entries))
    }
}
