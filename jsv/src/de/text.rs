//! Cutting the text of one value out of the document, and the scalars that are parsed from such a text.
//!
//! Adding a scalar: a function that takes the text with [`Deserializer::scalar`] and parses it, the empty text
//! being the type's zero.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use serde::de::{DeserializeOwned, Visitor};

use super::{Context, Deserializer};
use crate::error::Kind;
use crate::grammar::{self, Text};
use crate::{Error, Result, scan};

impl<'de> Deserializer<'de> {
    /// A reader of the text of one value, as it is without quotes around it.
    fn of_value(text: &'de str) -> Self {
        Self { rest: text, bare: true, ..Self::new(text) }
    }

    /// Unquoted text that ends at a plain separator, with nothing unusual in it: nearly all text there is. One look at
    /// sixteen bytes finds the end of most. It is one function for all types, with no call in it.
    #[inline(never)]
    pub(super) fn plain_text(&mut self) -> Option<&'de str> {
        match scan::structural_soon(self.rest.as_bytes()) {
            Some((end, stop)) if self.around.ends_at(stop) => {
                let (text, rest) = self.rest.split_at_checked(end)?;
                self.rest = rest;
                Some(text)
            }
            Some(_) => None,
            None => self.longer_text(),
        }
    }

    #[inline(never)]
    fn longer_text(&mut self) -> Option<&'de str> {
        let end = scan::structural_later(self.rest.as_bytes());
        let stop = *self.rest.as_bytes().get(end)?;
        if !self.around.ends_at(stop) {
            return None;
        }
        let (text, rest) = self.rest.split_at(end);
        self.rest = rest;
        Some(text)
    }

    /// The text of the value at the cursor: what a string would read.
    #[inline(never)]
    pub(super) fn text(&mut self) -> Result<Text<'de>> {
        match self.peek() {
            Some(b'"') if self.quotes() => {
                let text = self.take(grammar::quoted)?;
                if self.around.context == Context::Document && !self.rest.is_empty() {
                    return Err(self.error(Kind::AfterValue));
                }
                Ok(text)
            }
            _ if self.around.context == Context::Document => {
                Ok(Text::plain(std::mem::take(&mut self.rest)))
            }
            Some(b'{' | b'[') => self.nested_text().map(Text::plain),
            Some(byte) if byte <= b' ' && self.skip_blank() => self.text(),
            _ => self.bare_text().map(Text::plain),
        }
    }

    /// Text in quotes with none in it, the second most frequent kind.
    #[inline(never)]
    pub(super) fn visit_quoted_text<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value> {
        if let Some(body) = self.rest.strip_prefix('"') {
            let end = scan::byte(b'"', body.as_bytes());
            if let Some(stop) = body.as_bytes().get(end + 1)
                && self.around.ends_at(*stop)
            {
                self.rest = &body[end + 1..];
                return visitor.visit_borrowed_str(&body[..end]);
            }
        }
        self.visit_odd_text(visitor)
    }

    #[inline(never)]
    pub(super) fn visit_odd_text<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value> {
        let left = self.rest.len();
        let text = self.text()?;
        let mut value = if text.doubled {
            visitor.visit_string(text.undoubled().into_owned())
        } else {
            visitor.visit_borrowed_str(text.raw)
        };
        if let Err(error) = value {
            value = Err(self.place(error, left));
        }
        value
    }

    /// What [`crate::nullable`] asks for: two quotes are none, like no text.
    #[cold]
    pub(super) fn nullable<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value> {
        match self.rest.strip_prefix("\"\"") {
            Some(rest) if self.quotes() && !rest.starts_with('"') => {
                self.rest = rest;
                visitor.visit_none()
            }
            _ => visitor.visit_some(self),
        }
    }

    /// A value in braces or brackets that nobody looks into is text, brackets and all.
    fn nested_text(&mut self) -> Result<&'de str> {
        let start = self.offset();
        let (text, others) = if self.peek() == Some(b'{') {
            let text = self.take(grammar::braced)?;
            (text, memchr::memchr2(b'[', b']', text.as_bytes()))
        } else {
            let text = self.take(grammar::bracketed)?;
            (text, memchr::memchr2(b'{', b'}', text.as_bytes()))
        };
        if others.is_some() {
            self.note_stray(start, text);
        }
        Ok(text)
    }

    /// Unquoted text up to where the context ends it.
    pub(super) fn bare_text(&mut self) -> Result<&'de str> {
        let text = match self.plain_text() {
            Some(text) => text,
            None => self.odd_bare_text()?,
        };
        Ok(if self.formatted { grammar::unblank(text) } else { text })
    }

    /// Unquoted text with something unusual in it, or in an unusual place.
    fn odd_bare_text(&mut self) -> Result<&'de str> {
        let start = self.offset();
        let text = match self.around.context {
            Context::Document => return Ok(std::mem::take(&mut self.rest)),
            Context::Object | Context::OpenList => self.take(grammar::bare_member)?,
            Context::List => self.take(grammar::bare_element)?,
            Context::OuterList => self.outer_element(),
        };
        self.note_stray(start, text);
        Ok(text)
    }

    /// Reads the unquoted text at the cursor as if it were all there is: what the original does with a list or map
    /// that comes without brackets. It trims white space off a list.
    pub(super) fn within_bare_text<T>(
        &mut self,
        trimmed: bool,
        read: impl FnOnce(&mut Self) -> Result<T>,
    ) -> Result<T> {
        let start = self.offset();
        if self.cut && self.around.context != Context::List {
            // It ends where the text around it does; it is not looked through again at every level.
            self.rest = "";
        } else {
            self.bare_text()?;
        }
        let (whole, rest, around) = (self.whole, self.rest, self.around);
        let (tail, cut) = (self.tail, self.cut);
        let text = &whole[start..self.offset()];
        let (begun, inner) = match (trimmed, self.formatted) {
            (true, _) => (text.trim_start(), text.trim()),
            (false, true) => (text.trim_start_matches(grammar::BLANK), grammar::unblank(text)),
            (false, false) => (text, text),
        };
        let leading = text.len() - begun.len();
        self.whole = &whole[..start + leading + inner.len()];
        self.rest = &self.whole[start + leading..];
        (self.tail, self.cut) = (0, true);
        let mut value = read(self);
        if value.is_ok() && !self.rest.is_empty() {
            value = Err(self.error(Kind::AfterValue));
        }
        if !rest.is_empty() {
            value = value.map_err(Error::amid_document);
        }
        (self.whole, self.rest, self.around) = (whole, rest, around);
        (self.tail, self.cut) = (tail, cut);
        value
    }

    /// An element of the outermost list, where a `]` is text unless it is the last character of the document.
    fn outer_element(&mut self) -> &'de str {
        let bytes = self.rest.as_bytes();
        let mut end = memchr::memchr2(b',', b'}', bytes).unwrap_or(bytes.len());
        if let Some(closing) = bytes.len().checked_sub(self.tail + 1)
            && bytes[closing] == b']'
        {
            end = end.min(closing);
        }
        let (text, rest) = self.rest.split_at(end);
        self.rest = rest;
        text
    }

    /// The text of a scalar, out of its quotes. What it is worth is for the caller to say.
    pub(super) fn scalar(&mut self) -> Result<std::borrow::Cow<'de, str>> {
        self.text().map(Text::undoubled)
    }

    /// `true` and `false` in any case, or one of the short forms that `ServiceStack` takes.
    pub(super) fn bool(&mut self) -> Result<bool> {
        if self.at_empty() {
            return Ok(false);
        }
        let start = self.offset();
        let text = self.scalar()?;
        parse_bool(text.trim()).ok_or_else(|| self.invalid(start, &text, "bool"))
    }

    /// One character; the empty text is NUL, as in .NET.
    pub(super) fn char(&mut self) -> Result<char> {
        let start = self.offset();
        let text = self.scalar()?;
        let mut characters = text.chars();
        match (characters.next(), characters.next()) {
            (Some(character), None) => Ok(character),
            (None, _) => Ok('\0'),
            _ => Err(self.invalid(start, &text, "character")),
        }
    }

    /// Bytes, of which no text is none.
    pub(super) fn base64(&mut self) -> Result<Vec<u8>> {
        let start = self.offset();
        let text = self.scalar()?;
        parse_base64(&text).ok_or_else(|| self.invalid(start, &text, "base64"))
    }
}

/// Base64 as .NET takes it: white space anywhere is skipped, padding is required, and what the last character has
/// beyond the last byte is nothing.
pub(crate) fn parse_base64(text: &str) -> Option<Vec<u8>> {
    const CONFIG: GeneralPurposeConfig =
        GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true);
    const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, CONFIG);
    let bytes = if text.bytes().any(|byte| byte.is_ascii_whitespace()) {
        STANDARD.decode(text.split_ascii_whitespace().collect::<String>())
    } else {
        STANDARD.decode(text.as_bytes())
    };
    bytes.ok()
}

/// Reads the text of one value, which is out of its quotes.
pub(crate) fn value_of<T: DeserializeOwned>(text: &str) -> Result<T> {
    let mut de = Deserializer::of_value(text);
    let value = T::deserialize(&mut de).map_err(|error| de.place_at(error, 0))?;
    de.end()?;
    Ok(value)
}

/// The texts `ServiceStack` takes for a bool: `on` and `off` in lower case only, the letters in either case.
pub(super) fn parse_bool(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "y" | "Y" | "on" => Some(true),
        "0" | "f" | "F" | "n" | "N" | "off" => Some(false),
        _ if text.eq_ignore_ascii_case("true") => Some(true),
        _ if text.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}
