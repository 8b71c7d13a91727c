//! `ServiceStack`'s texts for types that serde has no method for, as modules for `#[serde(with = "…")]`.
//!
//! Each module has `serialize` and `deserialize` for the type and an `option` module with the same two for an
//! `Option` of it. What the texts look like is in `moment` and `span`, apart from any date library.
//!
//! Adding a type: a module with a `write` and a `read` function and one `helper!` line.

pub mod base64;
#[cfg(feature = "chrono")]
pub mod chrono;
#[cfg(feature = "rust_decimal")]
pub mod decimal;
pub(crate) mod kept;
#[cfg(any(feature = "time", feature = "chrono"))]
pub(crate) mod moment;
pub mod nullable;
#[cfg(any(feature = "time", feature = "chrono"))]
pub(crate) mod span;
#[cfg(feature = "time")]
pub mod time;
#[cfg(feature = "uuid")]
pub mod uuid;

/// The name of the newtype around text that our writer must not quote although it has colons in it: dates are
/// written so. Other formats see a newtype around text.
pub(crate) const RAW: &str = "$jsv::raw";

/// The name of the newtype by which our reader knows that two quotes are null. Other formats see a newtype around the
/// value.
pub(crate) const NULLABLE: &str = "$jsv::nullable";

/// The name of the newtype by which our reader knows that it is asked for base64. Other formats see a newtype around
/// whatever they have for bytes.
pub(crate) const BASE64: &str = "$jsv::base64";

/// Reads a text and parses it; what cannot be parsed is an error that names what was expected.
#[cfg(any(feature = "time", feature = "chrono", feature = "uuid", feature = "rust_decimal"))]
pub(crate) struct Parse<F> {
    pub(crate) expected: &'static str,
    pub(crate) parse: F,
}

#[cfg(any(feature = "time", feature = "chrono", feature = "uuid", feature = "rust_decimal"))]
impl<'de, T, F: Fn(&str) -> Option<T>> serde::de::Visitor<'de> for Parse<F> {
    type Value = T;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.expected)
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<T, E> {
        let unexpected = serde::de::Unexpected::Str(text);
        (self.parse)(text).ok_or_else(|| E::invalid_value(unexpected, &self.expected))
    }

    fn visit_none<E: serde::de::Error>(self) -> Result<T, E> {
        self.visit_str("")
    }

    /// What serde keeps of no text, and the null of other formats: only an `Option` is read of it.
    fn visit_unit<E: serde::de::Error>(self) -> Result<T, E> {
        self.visit_str("")
    }

    fn visit_some<D: serde::Deserializer<'de>>(self, from: D) -> Result<T, D::Error> {
        from.deserialize_str(self)
    }
}

/// The functions that `#[serde(with)]` looks for, from a type and the functions `write` and `read` beside it.
#[cfg(any(feature = "time", feature = "chrono", feature = "uuid", feature = "rust_decimal"))]
macro_rules! helper {
    ($type:ty, $expected:literal) => {
        type Value = $type;

        /// Writes the value.
        ///
        /// # Errors
        ///
        /// If .NET has no such value, or the writer fails.
        pub fn serialize<S: serde::Serializer>(value: &$type, to: S) -> Result<S::Ok, S::Error> {
            match write(value) {
                Some(text) => to.serialize_newtype_struct($crate::forms::RAW, &text),
                None => Err(serde::ser::Error::custom(concat!($expected, " beyond those of .NET"))),
            }
        }

        /// Reads the value.
        ///
        /// # Errors
        ///
        /// If the text is none that the original would take.
        pub fn deserialize<'de, D: serde::Deserializer<'de>>(from: D) -> Result<$type, D::Error> {
            from.deserialize_str($crate::forms::Parse { expected: $expected, parse: read })
        }

        /// The same for an `Option`: no text and two quotes are null.
        pub mod option {
            /// Writes the value, if there is one.
            ///
            /// # Errors
            ///
            /// If .NET has no such value, or the writer fails.
            pub fn serialize<S: serde::Serializer>(
                value: &Option<super::Value>,
                to: S,
            ) -> Result<S::Ok, S::Error> {
                match value {
                    Some(value) => super::serialize(value, to),
                    None => to.serialize_none(),
                }
            }

            /// Reads the value, if there is one.
            ///
            /// # Errors
            ///
            /// If the text is none that the original would take.
            pub fn deserialize<'de, D: serde::Deserializer<'de>>(
                from: D,
            ) -> Result<Option<super::Value>, D::Error> {
                let parse = |text: &str| match text {
                    "" => Some(None),
                    text => super::read(text).map(Some),
                };
                from.deserialize_option($crate::forms::Parse { expected: $expected, parse })
            }
        }
    };
}

#[cfg(any(feature = "time", feature = "chrono", feature = "uuid", feature = "rust_decimal"))]
pub(crate) use helper;
