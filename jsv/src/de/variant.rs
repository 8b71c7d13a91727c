//! Enums: a unit variant is its name, any other variant a map of one entry, `{Variant:value}`.

use std::borrow::Cow;

use serde::de::value::{BorrowedStrDeserializer, StringDeserializer};
use serde::de::{
    DeserializeSeed, Deserializer as _, EnumAccess, IntoDeserializer as _, VariantAccess, Visitor,
};

use super::Deserializer;
use super::map::Entries;
use super::members::same_name;
use crate::error::Kind;
use crate::{Error, Options, Result};

impl<'de> Deserializer<'de> {
    pub(super) fn variant<V: Visitor<'de>>(
        &mut self,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        if self.peek() != Some(b'{') {
            self.skip_blank();
        }
        if self.peek() == Some(b'{') {
            return self.variant_with_content(variants, visitor);
        }
        let options = self.options;
        let left = self.rest.len();
        let text = self.scalar()?;
        let value = visitor.visit_enum(Unit(named(variants, text, &options)));
        value.map_err(|error| self.place(error, left))
    }

    fn variant_with_content<V: Visitor<'de>>(
        &mut self,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        let opened = self.enter()?;
        let mut entries = Entries::new(self, opened);
        if !entries.advance()? {
            return Err(entries.de.error(Kind::Expected("the name of a variant")));
        }
        let options = entries.de.options;
        let left = entries.de.rest.len();
        let name = entries.de.key()?.undoubled();
        let name = named(variants, name, &options);
        let value = visitor
            .visit_enum(Content { name, de: &mut *entries.de })
            .map_err(|error| entries.de.place(error, left))?;
        entries.close()?;
        Ok(value)
    }
}

/// The declared name that is meant, without case unless the options say otherwise.
pub(super) fn declared(
    variants: &'static [&'static str],
    text: &str,
    options: &Options,
) -> Option<&'static str> {
    let text = text.trim();
    let exact = variants.iter().copied().find(|name| *name == text);
    exact.or_else(|| {
        let same = |name: &&'static str| !options.case_sensitive && same_name(name, text);
        variants.iter().copied().find(same)
    })
}

/// The declared name that is meant, or the text, for the visitor to make something of or refuse.
fn named<'de>(
    variants: &'static [&'static str],
    text: Cow<'de, str>,
    options: &Options,
) -> Cow<'de, str> {
    declared(variants, &text, options).map_or(text, Cow::Borrowed)
}

fn read_name<'de, T: DeserializeSeed<'de>>(seed: T, name: Cow<'de, str>) -> Result<T::Value> {
    match name {
        Cow::Borrowed(name) => seed.deserialize(BorrowedStrDeserializer::new(name)),
        Cow::Owned(name) => {
            let name: StringDeserializer<Error> = name.into_deserializer();
            seed.deserialize(name)
        }
    }
}

/// A variant that is only a name.
struct Unit<'de>(Cow<'de, str>);

impl<'de> EnumAccess<'de> for Unit<'de> {
    type Error = Error;
    type Variant = NoContent;

    fn variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<(T::Value, NoContent)> {
        Ok((read_name(seed, self.0)?, NoContent))
    }
}

struct NoContent;

impl NoContent {
    fn missing<T>() -> Result<T> {
        Err(Error::unplaced(Kind::Expected("`{Variant:value}`")))
    }
}

impl<'de> VariantAccess<'de> for NoContent {
    type Error = Error;

    fn unit_variant(self) -> Result<()> {
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, _: T) -> Result<T::Value> {
        Self::missing()
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, _: V) -> Result<V::Value> {
        Self::missing()
    }

    fn struct_variant<V: Visitor<'de>>(self, _: &'static [&'static str], _: V) -> Result<V::Value> {
        Self::missing()
    }
}

/// A variant whose content is at the cursor.
struct Content<'a, 'de> {
    name: Cow<'de, str>,
    de: &'a mut Deserializer<'de>,
}

impl<'a, 'de> EnumAccess<'de> for Content<'a, 'de> {
    type Error = Error;
    type Variant = At<'a, 'de>;

    fn variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<(T::Value, At<'a, 'de>)> {
        Ok((read_name(seed, self.name)?, At(self.de)))
    }
}

struct At<'a, 'de>(&'a mut Deserializer<'de>);

impl<'de> VariantAccess<'de> for At<'_, 'de> {
    type Error = Error;

    fn unit_variant(self) -> Result<()> {
        if self.0.at_empty() {
            return Ok(());
        }
        Err(self.0.error(Kind::Expected("no text")))
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value> {
        seed.deserialize(&mut *self.0)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value> {
        self.0.deserialize_seq(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        self.0.members(fields, visitor)
    }
}
