//! `int?`, `bool?`, …: `#[serde(with = "jsv::nullable", default)]` on an `Option` of a number, a bool or an enum.
//!
//! A plain `Option` tells no text, which is null, from two quotes, which are an empty text. To a nullable number
//! both are null, and that is what this module adds. It is not for text.
//!
//! ```
//! #[derive(serde::Serialize, serde::Deserialize)]
//! struct Row {
//!     #[serde(with = "jsv::nullable", default)]
//!     id: Option<i32>,
//! }
//!
//! assert_eq!(jsv::from_str::<Row>("{id:7}").unwrap().id, Some(7));
//! assert_eq!(jsv::from_str::<Row>(r#"{id:""}"#).unwrap().id, None);
//! ```

use std::fmt;
use std::marker::PhantomData;

use serde::de::{DeserializeOwned, Visitor};
use serde::{Deserialize as _, Deserializer, Serialize, Serializer};

use super::kept::Kept;

/// Writes the value, if there is one.
///
/// # Errors
///
/// If the writer fails.
pub fn serialize<T: Serialize, S: Serializer>(value: &Option<T>, to: S) -> Result<S::Ok, S::Error> {
    value.serialize(to)
}

/// Reads the value, if there is a text that is not empty.
///
/// # Errors
///
/// If the text does not fit the type.
pub fn deserialize<'de, D: Deserializer<'de>, T: DeserializeOwned>(
    from: D,
) -> Result<Option<T>, D::Error> {
    if !from.is_human_readable() {
        return Option::deserialize(from);
    }
    from.deserialize_option(Perhaps(PhantomData))
}

struct Perhaps<T>(PhantomData<T>);

impl<'de, T: DeserializeOwned> Visitor<'de> for Perhaps<T> {
    type Value = Option<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value or nothing")
    }

    fn visit_none<E>(self) -> Result<Option<T>, E> {
        Ok(None)
    }

    fn visit_unit<E>(self) -> Result<Option<T>, E> {
        Ok(None)
    }

    fn visit_some<D: Deserializer<'de>>(self, from: D) -> Result<Option<T>, D::Error> {
        from.deserialize_newtype_struct(super::NULLABLE, NotEmpty(PhantomData))
    }
}

/// What is there, but may be two quotes.
struct NotEmpty<T>(PhantomData<T>);

impl<'de, T: DeserializeOwned> Visitor<'de> for NotEmpty<T> {
    type Value = Option<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value or nothing")
    }

    // Our reader answers with one of these two.

    fn visit_none<E>(self) -> Result<Option<T>, E> {
        Ok(None)
    }

    fn visit_some<D: Deserializer<'de>>(self, from: D) -> Result<Option<T>, D::Error> {
        T::deserialize(from).map(Some)
    }

    // Any other with what it has, by its rules and, if that is text, by ours.

    fn visit_newtype_struct<D: Deserializer<'de>>(self, from: D) -> Result<Option<T>, D::Error> {
        Kept::deserialize(from).map(|Kept(value)| value)
    }
}
