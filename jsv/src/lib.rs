#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![deny(missing_docs)]

// The way of a document in: `options` → `de`, which asks `grammar` for a token wherever a type asks for a value, and
// `scan` for the bytes that matter; `layout` says beforehand whether white space counts. The way out: `options` → `ser`.
// `forms` has the texts of types that serde has no method for.

mod de;
mod error;
mod forms;
mod grammar;
mod layout;
mod options;
mod scan;
mod ser;
mod value;

use std::io;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

pub use de::Deserializer;
pub use error::{Category, Error, Result};
#[cfg(feature = "chrono")]
pub use forms::chrono;
#[cfg(feature = "rust_decimal")]
pub use forms::decimal;
#[cfg(feature = "time")]
pub use forms::time;
#[cfg(feature = "uuid")]
pub use forms::uuid;
pub use forms::{base64, nullable};
pub use options::{NameCase, Options};
pub use ser::{Buffer, Serializer};
pub use value::Value;

/// Writes a value as JSV text.
///
/// ```
/// assert_eq!(jsv::to_string(&["a", "b,c", ""]).unwrap(), r#"[a,"b,c",""]"#);
/// ```
pub fn to_string<T: ?Sized + Serialize>(value: &T) -> Result<String> {
    Options::new().to_string(value)
}

/// Writes a value as JSV text in UTF-8.
///
/// ```
/// assert_eq!(jsv::to_vec(&Some(true)).unwrap(), b"True");
/// ```
pub fn to_vec<T: ?Sized + Serialize>(value: &T) -> Result<Vec<u8>> {
    Options::new().to_vec(value)
}

/// Writes a value as JSV text to a writer, in one piece.
///
/// ```
/// let mut out = Vec::new();
/// jsv::to_writer(&mut out, &(1, "a")).unwrap();
/// assert_eq!(out, b"[1,a]");
/// ```
pub fn to_writer<W: io::Write, T: ?Sized + Serialize>(writer: W, value: &T) -> Result<()> {
    Options::new().to_writer(writer, value)
}

/// Reads a value from JSV text, borrowing from it where the type allows.
///
/// ```
/// let names: Vec<&str> = jsv::from_str("[a,b]").unwrap();
/// assert_eq!(names, ["a", "b"]);
/// ```
pub fn from_str<'de, T: Deserialize<'de>>(text: &'de str) -> Result<T> {
    Options::new().from_str(text)
}

/// Reads a value from JSV text in UTF-8, borrowing from it where the type allows.
///
/// ```
/// let numbers: Vec<u8> = jsv::from_slice(b"[1,2]").unwrap();
/// assert_eq!(numbers, [1, 2]);
/// ```
pub fn from_slice<'de, T: Deserialize<'de>>(bytes: &'de [u8]) -> Result<T> {
    Options::new().from_slice(bytes)
}

/// Reads a value from all of a reader's text.
///
/// ```
/// let text = std::io::Cursor::new("{a:1}");
/// let map: std::collections::BTreeMap<String, u8> = jsv::from_reader(text).unwrap();
/// assert_eq!(map["a"], 1);
/// ```
pub fn from_reader<R: io::Read, T: DeserializeOwned>(reader: R) -> Result<T> {
    Options::new().from_reader(reader)
}
