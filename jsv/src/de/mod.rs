//! Reading: the type that is asked for decides what a piece of text means.
//!
//! JSV carries no types: `{a:b}` is a map to a map, a struct to a struct and five characters of text to a string.
//! So nothing is tokenised ahead; each `deserialize_…` runs the one production of [`crate::grammar`] that its type
//! calls for at the cursor. What a value may run into depends on what is around it: the [`Context`].
//!
//! One rule has no production. `ServiceStack.Text` cuts a nested value out by counting brackets before it reads it,
//! so a stray quote or bracket in unquoted text makes it cut at the wrong place and lose what follows. Where that
//! would happen this reader refuses: see [`stray`].
//!
//! Adding a type of the data model: its method in the `Deserializer` impl below, and its row in
//! `tests/suite/data_model.rs`.

mod key;
mod map;
mod members;
mod number;
mod place;
mod seq;
mod stray;
mod text;
mod variant;

use serde::de::{self, Visitor};

#[cfg(any(feature = "time", feature = "chrono"))]
pub(crate) use number::parse_float;
pub(crate) use seq::ONE_NULL;
use stray::Strays;
pub(crate) use text::{parse_base64, value_of};

use crate::error::{Kind, Place};
use crate::grammar::{self, Parsed};
use crate::{Error, Options, Result, forms, layout};

/// Reads one value from a text.
///
/// `&mut Deserializer` is the serde deserializer, so that [`Deserializer::end`] can check what is left. What a type itself
/// says of a document that is a single value has no place; functions such as [`crate::from_str`] give it the beginning.
///
/// ```
/// use serde::Deserialize as _;
///
/// let mut de = jsv::Deserializer::new("[1,2]");
/// assert_eq!(Vec::<u8>::deserialize(&mut de).unwrap(), [1, 2]);
/// de.end().unwrap();
/// ```
#[derive(Debug)]
pub struct Deserializer<'de> {
    /// The document, to say where in it something is wrong.
    whole: &'de str,
    /// What is not read yet.
    rest: &'de str,
    around: Around,
    /// Whether white space around tokens is layout.
    formatted: bool,
    /// Whether what is left is one unquoted text, cut out of the document: no `,` or `}` is in it.
    cut: bool,
    /// Whether this is the text of a value that is out of its quotes, and not a document.
    bare: bool,
    options: Options,
    /// How many bytes of white space end the document.
    tail: usize,
    /// How many containers are open.
    level: usize,
    /// Quotes and brackets that may lead a count astray, inside the current member of the outermost container.
    stray: Option<Strays>,
    /// Where something was wrong, if anything was.
    wrong: Option<Place>,
    /// Where the next `]` is, as far as it has been looked for; see `look_for_bracket`.
    bracket: usize,
    /// How long the last list was at each of the first levels.
    lengths: [usize; seq::LEVELS_OF_LISTS],
}

/// A byte that is in no text.
const NEVER: u8 = 0xff;

/// What is around the value at the cursor, and so where unquoted text ends.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Context {
    /// Nothing: the value is the whole document.
    Document,
    /// A struct or a map: `,` and `}` end a value.
    Object,
    /// A list inside something: `,`, `}` and the matching `]` end a value.
    List,
    /// The outermost list: only the last `]` of the document closes it.
    OuterList,
    /// A list without brackets, which only a whole document can be: `,` and `}` end a value.
    OpenList,
}

/// The context, and the bytes that end unquoted text in the plain case, without white space around it that counts.
#[derive(Clone, Copy, Debug)]
#[repr(align(4))] // Copied as one word.
struct Around {
    context: Context,
    /// The comma, where it does.
    comma: u8,
    /// The closing bracket, where it does.
    closer: u8,
}

impl Around {
    /// Whether this byte ends unquoted text. A false no costs time, not correctness.
    #[inline]
    fn ends_at(self, byte: u8) -> bool {
        byte == self.comma || byte == self.closer
    }
}

impl Context {
    const fn closer(self) -> u8 {
        match self {
            Self::Object | Self::OpenList => b'}',
            Self::List => b']',
            Self::Document | Self::OuterList => NEVER,
        }
    }
}

impl<'de> Deserializer<'de> {
    /// A reader of `text` with the default [`Options`]. A leading byte order mark is skipped.
    #[must_use]
    pub fn new(text: &'de str) -> Self {
        Self::with_options(text, Options::new())
    }

    /// A reader of `text` with these options.
    #[must_use]
    pub fn with_options(text: &'de str, options: Options) -> Self {
        let rest = text.strip_prefix('\u{feff}').unwrap_or(text);
        Self {
            whole: text,
            rest,
            around: Around { context: Context::Document, comma: NEVER, closer: NEVER },
            formatted: layout::is_formatted(rest),
            cut: false,
            bare: false,
            options,
            tail: blank_behind(rest),
            level: 0,
            stray: None,
            wrong: None,
            bracket: 0,
            lengths: [0; seq::LEVELS_OF_LISTS],
        }
    }

    /// A reader of bytes with the default [`Options`].
    ///
    /// # Errors
    ///
    /// If the bytes are not UTF-8, with the place of the first that is not.
    pub fn from_slice(bytes: &'de [u8]) -> Result<Self> {
        Self::from_slice_with_options(bytes, Options::new())
    }

    /// A reader of bytes with these options.
    ///
    /// # Errors
    ///
    /// If the bytes are not UTF-8, with the place of the first that is not.
    pub fn from_slice_with_options(bytes: &'de [u8], options: Options) -> Result<Self> {
        match std::str::from_utf8(bytes) {
            Ok(text) => Ok(Self::with_options(text, options)),
            Err(error) => Err(Error::not_utf8(bytes, error)),
        }
    }

    /// Checks that nothing but white space is left.
    ///
    /// # Errors
    ///
    /// If there is text after the value.
    pub fn end(&mut self) -> Result<()> {
        if self.rest.is_empty() {
            return Ok(());
        }
        self.rest = self.rest.trim_start();
        if self.rest.is_empty() { Ok(()) } else { Err(self.error(Kind::TrailingText)) }
    }

    /// The offset of the cursor.
    #[inline]
    fn offset(&self) -> usize {
        self.whole.len() - self.rest.len()
    }

    #[inline]
    fn peek(&self) -> Option<u8> {
        self.rest.as_bytes().first().copied()
    }

    /// Whether a quote at the cursor has text between it and another one, and is not text itself.
    fn quotes(&self) -> bool {
        !(self.bare && self.around.context == Context::Document)
    }

    /// Moves the cursor past one ASCII byte that has been peeked at.
    #[inline]
    fn advance(&mut self) {
        self.rest = &self.rest[1..];
    }

    /// Says what is around the values to come.
    #[inline]
    fn surround(&mut self, context: Context) {
        self.around = if self.formatted {
            Around { context, comma: NEVER, closer: NEVER }
        } else {
            Around { context, comma: b',', closer: context.closer() }
        };
    }

    /// Runs a production, moves the cursor behind its token, and gives a failure its place.
    #[inline]
    fn take<T>(&mut self, production: impl Fn(&'de str) -> Parsed<'de, T>) -> Result<T> {
        match production(self.rest) {
            Ok((rest, token)) => {
                self.rest = rest;
                Ok(token)
            }
            Err(error) => Err(self.fault(error)),
        }
    }

    /// Moves the cursor over the white space of a formatted document. Nothing calls this on the way of a compact
    /// one: only where a token that should be there is not.
    #[cold]
    fn skip_blank(&mut self) -> bool {
        let before = self.rest.len();
        if self.formatted {
            self.skip_any_blank();
        }
        self.rest.len() < before
    }

    /// Moves the cursor over white space, whatever the document.
    #[cold]
    fn skip_any_blank(&mut self) {
        if let Ok((rest, _)) = grammar::blank(self.rest) {
            self.rest = rest;
        }
    }

    /// Whether there is no text where a value could stand, which is how JSV writes null. In a formatted document the
    /// cursor is at the value afterwards.
    #[inline]
    fn at_empty(&mut self) -> bool {
        match self.peek() {
            Some(byte) if byte > b',' && byte < b']' => false,
            Some(b',' | b'}') => self.around.context != Context::Document,
            Some(b']') => match self.around.context {
                Context::List => true,
                Context::OuterList => self.at_last_bracket(),
                _ => false,
            },
            Some(byte)
                if byte <= b' ' && self.formatted && self.around.context != Context::Document =>
            {
                self.skip_blank() && self.at_empty()
            }
            Some(_) => false,
            None => true,
        }
    }

    /// Whether the `]` at the cursor is the last character of the document that is not white space.
    #[inline]
    fn at_last_bracket(&self) -> bool {
        self.rest.len() == self.tail + 1
    }

    /// Begins a container; the cursor stays at its opening bracket.
    #[inline]
    fn enter(&mut self) -> Result<Opened> {
        if self.level >= self.options.depth_limit {
            return Err(self.error(Kind::TooDeep(self.options.depth_limit)));
        }
        let opened = Opened { at: self.offset(), around: self.around };
        self.level += 1;
        Ok(opened)
    }

    /// Reads a container that stands without brackets. It is a level like one with brackets: the type that is asked
    /// for next may be the same one again, without a byte between them, and so on for ever. One without any text is a
    /// level as well: it is written with brackets.
    #[inline(never)]
    fn deeper<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        self.enter()?;
        let value = read(self);
        self.level -= 1;
        value
    }

    /// Steps over the closing bracket of a container, which is cut out again if there was a stray quote or bracket in
    /// it: see [`stray`].
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "once for every struct")]
    fn leave(&mut self, opened: Opened, bracket: char) -> Result<()> {
        self.rest = self.rest.strip_prefix(bracket).unwrap_or(self.rest);
        self.level -= 1;
        self.around = opened.around;
        match self.stray {
            Some(stray) => self.recount(opened, stray),
            None => Ok(()),
        }
    }
}

/// How many bytes of white space a text ends with, which most texts do not.
#[inline]
fn blank_behind(text: &str) -> usize {
    if text.ends_with(['}', ']']) { 0 } else { text.len() - text.trim_end().len() }
}

/// Where a container began, and what was around it.
#[derive(Clone, Copy, Debug)]
struct Opened {
    at: usize,
    around: Around,
}

/// Methods that read a text and hand it, parsed, to the visitor.
macro_rules! numbers {
    ($($method:ident => $read:ident, $visit:ident;)*) => {
        $(
            #[inline]
            fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
                let number = self.$read()?;
                visitor.$visit(number)
            }
        )*
    };
}

impl<'de> de::Deserializer<'de> for &mut Deserializer<'de> {
    type Error = Error;

    /// A guess by the first character, for callers that have no type: `{` a map, `[` a list, anything else text.
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        match self.peek() {
            Some(b'{') => self.deserialize_map(visitor),
            Some(b'[') => self.deserialize_seq(visitor),
            Some(byte) if grammar::is_blank(byte) && self.skip_blank() => {
                self.deserialize_any(visitor)
            }
            _ if self.at_empty() => visitor.visit_unit(),
            _ => self.deserialize_str(visitor),
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        let value = self.bool()?;
        visitor.visit_bool(value)
    }

    numbers! {
        deserialize_i8 => i8, visit_i8;
        deserialize_i16 => i16, visit_i16;
        deserialize_i32 => i32, visit_i32;
        deserialize_i64 => i64, visit_i64;
        deserialize_i128 => i128, visit_i128;
        deserialize_u8 => u8, visit_u8;
        deserialize_u16 => u16, visit_u16;
        deserialize_u32 => u32, visit_u32;
        deserialize_u64 => u64, visit_u64;
        deserialize_u128 => u128, visit_u128;
        deserialize_f32 => f32, visit_f32;
    }

    #[inline]
    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        match self.short_decimal() {
            Some(number) => visitor.visit_f64(number),
            None => self.visit_other_decimal(visitor),
        }
    }

    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        let value = self.char()?;
        visitor.visit_char(value)
    }

    #[inline(always)]
    #[expect(clippy::inline_always, reason = "the way of nearly every text")]
    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        match self.plain_text() {
            Some(text) => visitor.visit_borrowed_str(text),
            None => self.visit_quoted_text(visitor),
        }
    }

    #[inline(always)]
    #[expect(clippy::inline_always, reason = "the way of nearly every text")]
    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.deserialize_str(visitor)
    }

    /// Base64, or a list of numbers.
    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        if self.peek() == Some(b'[') || (self.skip_blank() && self.peek() == Some(b'[')) {
            return self.deserialize_seq(visitor);
        }
        let bytes = self.base64()?;
        visitor.visit_byte_buf(bytes)
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.deserialize_bytes(visitor)
    }

    /// No text is none; two quotes are some empty text.
    #[inline]
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        if self.at_empty() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        if self.at_empty() {
            return visitor.visit_unit();
        }
        Err(self.error(Kind::Expected("no text")))
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value> {
        self.deserialize_unit(visitor)
    }

    #[inline]
    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value> {
        match name {
            forms::NULLABLE => self.nullable(visitor),
            forms::BASE64 => self.deserialize_bytes(visitor),
            _ => visitor.visit_newtype_struct(self),
        }
    }

    #[inline]
    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.seq(visitor)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value> {
        self.seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value> {
        self.seq(visitor)
    }

    #[inline]
    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.map(visitor)
    }

    #[inline]
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        self.members(fields, visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        self.variant(variants, visitor)
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.deserialize_str(visitor)
    }

    /// Skips a value without looking at types: linear, and no deeper on the stack for any nesting.
    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.text()?;
        visitor.visit_unit()
    }
}
