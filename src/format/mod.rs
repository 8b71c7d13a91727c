//! Formats: how values look on the wire.
//!
//! A [`Format`] writes any reply and, if it can, reads request bodies. [`Formats`] is the registry;
//! negotiation, routes (`/{format}/reply/…`, suffixes), pages and the tests over "every format" are
//! computed from it. Adding a format: write its file, and add one line to [`Formats::standard`].
//!
//! Whatever the format, bodies are UTF-8, and reading one is all or nothing: what is left after the
//! value is an error, and every error says where it is.

mod csv;
mod html;
mod json;
mod jsv;
mod qr;
mod xml;

pub use csv::Csv;
pub use html::Html;
pub use json::Json;
pub use jsv::Jsv;
pub use qr::{Png, Svg};
pub use xml::Xml;

use crate::dto::{AnyDto, Case, Style, TypeDef};

/// A format of replies, and perhaps of request bodies.
pub trait Format: Send + Sync + 'static {
    /// The name in paths, suffixes and `?format=`; lower case.
    fn name(&self) -> &'static str;

    /// The media types that mean this format, the usual one first.
    fn media_types(&self) -> &'static [MediaType];

    /// The `Content-Type` of a reply whose format was named by suffix, `?format=` or route, or by
    /// nobody.
    fn label(&self) -> &'static str {
        self.media_types()[0].label
    }

    /// Whether it has a way to show this value. Where it has none, negotiation goes on to the next
    /// format.
    fn shows(&self, _body: &dyn AnyDto) -> bool {
        true
    }

    /// Whether programs read it, rather than people or their cameras.
    fn is_data(&self) -> bool {
        true
    }

    /// What the head of an answer in this format says beside its type. `operation` is the name of
    /// the operation that answers.
    fn head(&self, _operation: &str) -> Vec<(&'static str, String)> {
        Vec::new()
    }

    /// Writes a reply behind what `out` already holds.
    ///
    /// # Errors
    /// [`Unwritable`] when the value has no text in this format.
    fn write(&self, body: &dyn AnyDto, host: Host, out: &mut Vec<u8>) -> Result<(), Unwritable>;

    /// Whether it reads request bodies.
    fn reads(&self) -> bool {
        false
    }

    /// Reads a request body, handing `visit` a deserializer of the whole of it.
    ///
    /// # Errors
    /// [`Unreadable`], with line and column.
    fn read(
        &self,
        text: &str,
        _def: &'static TypeDef,
        _visit: &mut Visit<'_>,
    ) -> Result<(), Unreadable> {
        Err(Unreadable::at(text, 0, "a format that is not read"))
    }
}

/// A media type, and what a reply that was asked for by it is labelled.
#[derive(Clone, Copy, Debug)]
pub struct MediaType {
    /// Type and subtype, lower case, as in `Accept` and `Content-Type`.
    pub name: &'static str,
    /// The reply's `Content-Type`.
    pub label: &'static str,
}

impl MediaType {
    /// A media type whose replies are labelled by its name alone.
    #[must_use]
    pub const fn plain(name: &'static str) -> Self {
        Self { name, label: name }
    }
}

/// What the host decides for all replies.
#[derive(Clone, Copy, Debug, Default)]
pub struct Host {
    /// The case of member names, in the formats that leave it to the host.
    pub case: Case,
}

/// What a reader does with the body: builds a value from the deserializer.
pub type Visit<'a> =
    dyn FnMut(&mut dyn erased_serde::Deserializer<'_>) -> Result<(), erased_serde::Error> + 'a;

/// Why a body could not be read: one sentence that ends with line and column, both from 1.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unreadable(String);

impl Unreadable {
    /// What is wrong at `offset` bytes into `text`.
    #[must_use]
    pub fn at(text: &str, offset: usize, message: &str) -> Self {
        let before = &text.as_bytes()[..offset.min(text.len())];
        let line = before.split(|byte| *byte == b'\n').count();
        let start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        // Bytes that continue a character do not count.
        let column = before[start..].iter().filter(|byte| **byte & 0xC0 != 0x80).count() + 1;
        Self(format!("{message} at line {line} column {column}"))
    }

    /// What a reader said, which tells the place itself. Should it not, the end of `text` is named.
    #[must_use]
    pub fn said(text: &str, error: &dyn std::fmt::Display) -> Self {
        let message = error.to_string();
        if Placed::of(&message).is_some() {
            Self(message)
        } else {
            Self::at(text, text.len(), &message)
        }
    }

    /// What [`mark`] made, if `message` is that.
    fn marked(text: &str, message: &str) -> Option<Self> {
        let (offset, message) = message.split_once('@')?;
        Some(Self::at(text, offset.parse().ok()?, message))
    }
}

/// A message that begins with where in the body what it is about is, in bytes: the errors of serde's
/// deserializers have no other room for that.
fn mark(offset: usize, message: &str) -> String {
    format!("{offset}@{message}")
}

/// A reader's message, the place that it ends with taken off.
struct Placed<'a> {
    said: &'a str,
    line: usize,
    column: usize,
}

impl<'a> Placed<'a> {
    fn of(message: &'a str) -> Option<Self> {
        let (said, place) = message.rsplit_once(" at line ")?;
        let (line, column) = place.split_once(" column ")?;
        Some(Self { said, line: line.parse().ok()?, column: column.parse().ok()? })
    }
}

/// What a reader said of one value's text, without the place in that text: it says nothing of where in
/// the body the value is.
fn without_place(error: &dyn std::fmt::Display) -> String {
    let message = error.to_string();
    match Placed::of(&message) {
        Some(placed) => placed.said.to_owned(),
        None => message,
    }
}

/// Why a reply could not be written: a defect, since replies are made of text.
#[derive(Debug, thiserror::Error)]
#[error("a reply could not be written as {format}: {reason}")]
pub struct Unwritable {
    /// The format's name.
    pub format: &'static str,
    /// What its writer said.
    pub reason: String,
}

/// The formats, in the order of preference: the first is the default.
pub struct Formats(Vec<Box<dyn Format>>);

impl Formats {
    /// The formats of the service.
    #[must_use]
    pub fn standard() -> Self {
        Self(vec![
            Box::new(Json),
            Box::new(Jsv),
            Box::new(Xml),
            Box::new(Csv),
            Box::new(Html),
            Box::new(Svg),
            Box::new(Png),
        ])
    }

    /// All of them, the default first.
    pub fn iter(&self) -> impl Iterator<Item = &dyn Format> {
        self.0.iter().map(AsRef::as_ref)
    }

    /// The format that is used when nothing else is asked for.
    #[must_use]
    pub fn default(&self) -> &dyn Format {
        self.0[0].as_ref()
    }

    /// The format of that name, whatever its case.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<&dyn Format> {
        self.iter().find(|format| format.name().eq_ignore_ascii_case(name))
    }

    /// The format that a `Content-Type` means; parameters and case do not matter.
    #[must_use]
    pub fn of_media_type(&self, content_type: &str) -> Option<&dyn Format> {
        let essence = essence(content_type);
        self.iter().find(|format| {
            format.media_types().iter().any(|known| known.name.eq_ignore_ascii_case(essence))
        })
    }
}

/// A value as a tree, members that are null left out, for formats that look at it before they write.
fn tree(
    body: &dyn AnyDto,
    host: Host,
    format: &'static str,
) -> Result<serde_json::Value, Unwritable> {
    let mut tree = Ok(serde_json::Value::Null);
    body.styled(Style { case: host.case, nulls: false }, &mut |value| {
        tree = serde_json::to_value(value);
    });
    tree.map_err(|error| Unwritable { format, reason: error.to_string() })
}

/// A media type without its parameters.
#[must_use]
pub fn essence(media_type: &str) -> &str {
    let end = memchr::memchr(b';', media_type.as_bytes()).unwrap_or(media_type.len());
    media_type[..end].trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_counted_in_lines_and_characters() {
        let text = "ab\ncöd\n";
        assert_eq!(Unreadable::at(text, 0, "x").to_string(), "x at line 1 column 1");
        assert_eq!(Unreadable::at(text, 2, "x").to_string(), "x at line 1 column 3");
        assert_eq!(Unreadable::at(text, 6, "x").to_string(), "x at line 2 column 3");
        assert_eq!(Unreadable::at(text, 99, "x").to_string(), "x at line 3 column 1");
    }

    #[test]
    fn media_types_belong_to_one_format_each() {
        let formats = Formats::standard();
        for format in formats.iter() {
            for known in format.media_types() {
                let found = formats.of_media_type(known.name).unwrap();
                assert_eq!(found.name(), format.name(), "{}", known.name);
            }
        }
        assert_eq!(
            formats.of_media_type("Application/JSON ; charset=utf-8").unwrap().name(),
            "json"
        );
        assert!(formats.of_media_type("text/plain").is_none());
    }
}
