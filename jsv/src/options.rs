//! How to read and write: the case of member names, the depth limit, the layout.
//!
//! Adding an option: a field here with its default, a builder method with an example, and the one place in `de`
//! or `ser` that asks for it.

use std::io;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::{Deserializer, Error, Result, Serializer};

/// How member names are written. Names of map entries are data and are never changed; of a struct with a
/// `#[serde(flatten)]` member serde makes a map.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum NameCase {
    /// As serde has them.
    #[default]
    AsDeclared,
    /// As `ServiceStack`'s `ToCamelCase` folds them: `URLPath` becomes `urlPath`, `ID` becomes `id`. Names in
    /// `snake_case` are joined first: `organisation_id` becomes `organisationId`. Reading ignores case, but not
    /// underscores: a type that is to be read back as well declares its names in one of the cases without them, with
    /// `#[serde(rename_all)]`.
    Camel,
    /// The first letter and each letter after an underscore in upper case: `organisation_id` becomes
    /// `OrganisationId`. What was said of reading holds here, too.
    Pascal,
}

/// Settings for reading and writing, with the same methods as the crate has functions.
///
/// ```
/// # #[derive(serde::Serialize)]
/// #[serde(rename_all = "PascalCase")]
/// struct Key { organisation_id: String }
///
/// let options = jsv::Options::new().name_case(jsv::NameCase::Camel);
/// let key = Key { organisation_id: "acme".to_owned() };
/// assert_eq!(options.to_string(&key).unwrap(), "{organisationId:acme}");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    pub(crate) name_case: NameCase,
    pub(crate) case_sensitive: bool,
    pub(crate) depth_limit: usize,
    pub(crate) indented: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self::new()
    }
}

impl Options {
    /// Names as declared, members matched without case, at most 128 levels, no layout.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            name_case: NameCase::AsDeclared,
            case_sensitive: false,
            depth_limit: 128,
            indented: false,
        }
    }

    /// Writes member names in this case.
    #[must_use]
    pub const fn name_case(mut self, case: NameCase) -> Self {
        self.name_case = case;
        self
    }

    /// Matches member names to the letter. By default `id`, `Id` and `ID` are one name, as they are to
    /// `ServiceStack`.
    ///
    /// ```
    /// # #[derive(serde::Deserialize)]
    /// struct Id { id: u32 }
    ///
    /// assert_eq!(jsv::from_str::<Id>("{ID:7}").unwrap().id, 7);
    /// let exact = jsv::Options::new().case_sensitive(true);
    /// assert!(exact.from_str::<Id>("{ID:7}").is_err());
    /// ```
    #[must_use]
    pub const fn case_sensitive(mut self, exact: bool) -> Self {
        self.case_sensitive = exact;
        self
    }

    /// Allows this many nested structs, maps and lists, when reading and when writing. More is an error, not a
    /// stack overflow; with a limit in the thousands the stack is the caller's concern.
    ///
    /// ```
    /// let flat = jsv::Options::new().depth_limit(1);
    /// let error = flat.from_str::<Vec<Vec<u8>>>("[[1]]").unwrap_err();
    /// assert_eq!(error.to_string(), "nested deeper than 1 level at line 1 column 2");
    /// ```
    #[must_use]
    pub const fn depth_limit(mut self, levels: usize) -> Self {
        self.depth_limit = levels;
        self
    }

    /// Writes one member or element per line, indented by tabs, as the metadata pages of a `ServiceStack` host
    /// show their samples. Reading needs no option: see [the layout rule](crate#formatted-text).
    #[must_use]
    pub const fn indented(mut self, indented: bool) -> Self {
        self.indented = indented;
        self
    }

    /// [`crate::to_vec`] with these settings.
    pub fn to_vec<T: ?Sized + Serialize>(&self, value: &T) -> Result<Vec<u8>> {
        let mut out = Vec::with_capacity(128);
        value.serialize(&mut Serializer::with_options(&mut out, *self))?;
        Ok(out)
    }

    /// [`crate::to_string`] with these settings.
    pub fn to_string<T: ?Sized + Serialize>(&self, value: &T) -> Result<String> {
        let mut out = String::with_capacity(128);
        value.serialize(&mut Serializer::with_options(&mut out, *self))?;
        Ok(out)
    }

    /// [`crate::to_writer`] with these settings.
    pub fn to_writer<W: io::Write, T: ?Sized + Serialize>(
        &self,
        mut writer: W,
        value: &T,
    ) -> Result<()> {
        writer.write_all(&self.to_vec(value)?).map_err(Error::io)
    }

    /// [`crate::from_str`] with these settings.
    pub fn from_str<'de, T: Deserialize<'de>>(&self, text: &'de str) -> Result<T> {
        let mut de = Deserializer::with_options(text, *self);
        // One way out, so that a large value is made where the caller wants it.
        let mut value = T::deserialize(&mut de);
        if let Err(error) = value {
            value = Err(de.place_at(error, 0));
        } else if let Err(error) = de.end() {
            value = Err(error);
        }
        value
    }

    /// [`crate::from_slice`] with these settings.
    pub fn from_slice<'de, T: Deserialize<'de>>(&self, bytes: &'de [u8]) -> Result<T> {
        match std::str::from_utf8(bytes) {
            Ok(text) => self.from_str(text),
            Err(error) => Err(Error::not_utf8(bytes, error)),
        }
    }

    /// [`crate::from_reader`] with these settings.
    pub fn from_reader<R: io::Read, T: DeserializeOwned>(&self, mut reader: R) -> Result<T> {
        let mut bytes = Vec::new();
        reader.read_to_end(&mut bytes).map_err(Error::io)?;
        self.from_slice(&bytes)
    }
}
