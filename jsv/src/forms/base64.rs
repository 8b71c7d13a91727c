//! `byte[]`: base64, as `#[serde(with = "jsv::base64")]` on a `Vec<u8>`.
//!
//! ```
//! #[derive(serde::Serialize, serde::Deserialize)]
//! struct Photo {
//!     #[serde(with = "jsv::base64")]
//!     bytes: Vec<u8>,
//! }
//!
//! let photo: Photo = jsv::from_str("{bytes:AQID}").unwrap();
//! assert_eq!(photo.bytes, [1, 2, 3]);
//! assert_eq!(jsv::to_string(&photo).unwrap(), "{bytes:AQID}");
//! ```
//!
//! White space in base64 is skipped and a list of numbers is taken as well. No bytes are written as `""`, because
//! no text would be null.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Error, SeqAccess, Unexpected, Visitor};
use serde::{Deserializer, Serializer};

use super::kept::Kept;

/// Writes bytes as base64.
///
/// # Errors
///
/// If the writer fails.
pub fn serialize<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
    to.serialize_bytes(bytes)
}

/// Reads base64, or a list of numbers.
///
/// # Errors
///
/// If the text is neither.
pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
    let bytes = Bytes::<u8>(PhantomData);
    if from.is_human_readable() {
        from.deserialize_newtype_struct(super::BASE64, bytes)
    } else {
        from.deserialize_byte_buf(bytes)
    }
}

/// Takes bytes, or a list of elements that are one each.
struct Bytes<E>(PhantomData<E>);

impl<'de, B: Deserialize<'de> + Into<u8>> Visitor<'de> for Bytes<B> {
    type Value = Vec<u8>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("base64")
    }

    fn visit_byte_buf<E>(self, bytes: Vec<u8>) -> Result<Vec<u8>, E> {
        Ok(bytes)
    }

    fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Vec<u8>, E> {
        Ok(bytes.to_vec())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Vec<u8>, A::Error> {
        let mut bytes = Vec::new();
        while let Some(byte) = seq.next_element::<B>()? {
            bytes.push(byte.into());
        }
        Ok(bytes)
    }

    // Our reader answers with one of these. Any other has text or a list, whose elements may be text, too.

    fn visit_newtype_struct<D: Deserializer<'de>>(self, from: D) -> Result<Vec<u8>, D::Error> {
        from.deserialize_any(Bytes::<Kept<u8>>(PhantomData))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Vec<u8>, E> {
        let unexpected = Unexpected::Str(text);
        crate::de::parse_base64(text).ok_or_else(|| E::invalid_value(unexpected, &self))
    }
}

/// The same for an `Option`.
pub mod option {
    use super::{Deserializer, Serializer, Visitor, fmt};

    /// Writes bytes as base64, if there are any.
    ///
    /// # Errors
    ///
    /// If the writer fails.
    pub fn serialize<S: Serializer>(bytes: &Option<Vec<u8>>, to: S) -> Result<S::Ok, S::Error> {
        match bytes {
            Some(bytes) => to.serialize_bytes(bytes),
            None => to.serialize_none(),
        }
    }

    /// Reads base64, a list of numbers, or nothing.
    ///
    /// # Errors
    ///
    /// If the text is none of these.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Vec<u8>>, D::Error> {
        from.deserialize_option(Perhaps)
    }

    struct Perhaps;

    impl<'de> Visitor<'de> for Perhaps {
        type Value = Option<Vec<u8>>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("base64 or nothing")
        }

        fn visit_none<E>(self) -> Result<Self::Value, E> {
            Ok(None)
        }

        fn visit_unit<E>(self) -> Result<Self::Value, E> {
            Ok(None)
        }

        fn visit_some<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
            super::deserialize(from).map(Some)
        }
    }
}
