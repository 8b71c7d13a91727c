//! Writing: compact text as `ServiceStack.Text` writes it, byte for byte, or indented.
//!
//! Null is no text. So a value is written first and looked at afterwards: if it left nothing behind, its member or
//! entry is taken back, and in a list the gap between two commas stands for it. Everything goes to one buffer.
//!
//! Adding a type of the data model: its method in the `Serializer` impl below, and its row in
//! `tests/suite/data_model.rs`.

mod buffer;
mod compound;
mod key;
mod name;
mod number;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Serialize, ser};

use crate::error::Kind;
use crate::{Error, NameCase, Options, Result, forms, scan};
pub use buffer::Buffer;
use compound::Compound;

/// Dropped by readers where a document begins with it.
const BYTE_ORDER_MARK: char = '\u{feff}';

/// Writes values to the end of a buffer.
///
/// ```
/// use serde::Serialize as _;
///
/// let mut out = b"data: ".to_vec();
/// ["a", "b,c"].serialize(&mut jsv::Serializer::new(&mut out)).unwrap();
/// assert_eq!(out, b"data: [a,\"b,c\"]");
/// ```
#[derive(Debug)]
pub struct Serializer<'a, B = Vec<u8>> {
    out: &'a mut B,
    options: Options,
    /// Whether the options ask for nothing special: names as declared, no layout.
    plain: bool,
    /// How many containers are open.
    level: usize,
    /// How many lists are open that are inside something: in those, the first `]` is the end.
    inner_lists: usize,
}

impl<'a, B: Buffer> Serializer<'a, B> {
    /// A writer to the end of a `Vec<u8>` or a `String`, with the default [`Options`].
    pub fn new(out: &'a mut B) -> Self {
        Self::with_options(out, Options::new())
    }

    /// A writer with these options.
    pub fn with_options(out: &'a mut B, options: Options) -> Self {
        let plain = options.name_case == NameCase::AsDeclared && !options.indented;
        Self { out, options, plain, level: 0, inner_lists: 0 }
    }

    /// Text, in quotes if it could be taken for something else.
    #[inline]
    fn text(&mut self, text: &str) {
        let exposed = (self.options.indented || self.level == 0) && self.is_exposed(text);
        if text.is_empty() || scan::needs_quotes(text.as_bytes()) || exposed {
            self.quoted(text);
        } else {
            self.out.put(text);
        }
    }

    /// Whether a reader would take the ends of this text for layout or, where the document begins, for a byte order
    /// mark.
    #[cold]
    fn is_exposed(&self, text: &str) -> bool {
        (self.options.indented && text.trim().len() < text.len())
            || (self.level == 0 && text.starts_with(BYTE_ORDER_MARK))
    }

    fn character(&mut self, value: char, quoted: bool) {
        let mut buffer = [0; 4];
        let text = value.encode_utf8(&mut buffer);
        if quoted {
            self.quoted(text);
        } else {
            self.out.put(text);
        }
    }

    #[inline(never)]
    fn quoted(&mut self, text: &str) {
        self.out.put_ascii(b'"');
        let mut rest = text;
        loop {
            let quote = scan::byte(b'"', rest.as_bytes());
            if quote == rest.len() {
                break;
            }
            let (before, after) = rest.split_at(quote + 1);
            self.out.put(before);
            self.out.put_ascii(b'"');
            rest = after;
        }
        self.out.put(rest);
        self.out.put_ascii(b'"');
    }

    /// The opening bracket of a container.
    #[inline]
    fn open(&mut self, bracket: u8) -> Result<()> {
        if self.level >= self.options.depth_limit {
            return Err(Error::unplaced(Kind::TooDeep(self.options.depth_limit)));
        }
        self.level += 1;
        self.out.put_ascii(bracket);
        Ok(())
    }

    /// The closing bracket of a container, on a line of its own if the text is indented and there is content.
    #[inline]
    fn close(&mut self, bracket: u8, empty: bool) {
        self.level -= 1;
        if let Some(b'\n' | b'\r') = self.out.bytes().last() {
            // A raw character that would read as layout before this bracket.
            self.out.insert_at(self.out.bytes().len() - 1, "\"");
            self.out.put_ascii(b'"');
        }
        if self.options.indented && !empty {
            self.line();
        }
        self.out.put_ascii(bracket);
    }

    /// A line break and the indentation of the current level.
    #[cold]
    fn line(&mut self) {
        self.out.put_ascii(b'\n');
        for _ in 0..self.level {
            self.out.put_ascii(b'\t');
        }
    }

    /// `{Variant:`, for variants with content.
    fn open_variant(&mut self, variant: &str) -> Result<()> {
        self.open(b'{')?;
        if self.options.indented {
            self.line();
        }
        self.text(variant);
        self.out.put_ascii(b':');
        if self.options.indented {
            self.out.put_ascii(b' ');
        }
        Ok(())
    }
}

macro_rules! integers {
    ($($method:ident: $type:ty;)*) => {
        $(
            #[inline]
            fn $method(self, value: $type) -> Result<()> {
                self.out.put(itoa::Buffer::new().format(value));
                Ok(())
            }
        )*
    };
}

impl<'s, 'a, B: Buffer> ser::Serializer for &'s mut Serializer<'a, B> {
    type Ok = ();
    type Error = Error;
    type SerializeSeq = Compound<'s, 'a, B>;
    type SerializeTuple = Compound<'s, 'a, B>;
    type SerializeTupleStruct = Compound<'s, 'a, B>;
    type SerializeTupleVariant = Compound<'s, 'a, B>;
    type SerializeMap = Compound<'s, 'a, B>;
    type SerializeStruct = Compound<'s, 'a, B>;
    type SerializeStructVariant = Compound<'s, 'a, B>;

    fn serialize_bool(self, value: bool) -> Result<()> {
        self.out.put(if value { "True" } else { "False" });
        Ok(())
    }

    integers! {
        serialize_i8: i8;
        serialize_i16: i16;
        serialize_i32: i32;
        serialize_i64: i64;
        serialize_i128: i128;
        serialize_u8: u8;
        serialize_u16: u16;
        serialize_u32: u32;
        serialize_u64: u64;
        serialize_u128: u128;
    }

    fn serialize_f32(self, value: f32) -> Result<()> {
        number::f32(self.out, value);
        Ok(())
    }

    #[inline]
    fn serialize_f64(self, value: f64) -> Result<()> {
        number::f64(self.out, value);
        Ok(())
    }

    /// Raw, as `ServiceStack` writes it, where it can be read back, else in quotes.
    fn serialize_char(self, value: char) -> Result<()> {
        let quoted = match self.out.bytes().last() {
            _ if self.options.indented => {
                return self.serialize_str(value.encode_utf8(&mut [0; 4]));
            }
            _ if self.level == 0 => matches!(value, '"' | BYTE_ORDER_MARK),
            Some(b':') if value == ']' => self.inner_lists > 0,
            Some(b':') => matches!(value, '"' | ',' | '{' | '}' | '['),
            _ => matches!(value, '"' | ',' | '{' | '}' | '[' | ']' | '\r' | '\n'),
        };
        self.character(value, quoted);
        Ok(())
    }

    #[inline]
    fn serialize_str(self, value: &str) -> Result<()> {
        self.text(value);
        Ok(())
    }

    /// Base64; no bytes are `""`, because no text would be null.
    fn serialize_bytes(self, value: &[u8]) -> Result<()> {
        self.text(&STANDARD.encode(value));
        Ok(())
    }

    #[inline]
    fn serialize_none(self) -> Result<()> {
        Ok(())
    }

    #[inline]
    fn serialize_some<T: ?Sized + Serialize>(self, value: &T) -> Result<()> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<()> {
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<()> {
        Ok(())
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<()> {
        self.text(variant);
        Ok(())
    }

    #[inline]
    fn serialize_newtype_struct<T: ?Sized + Serialize>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<()> {
        let start = self.out.bytes().len();
        value.serialize(&mut *self)?;
        if name == forms::RAW && self.out.bytes().get(start) == Some(&b'"') {
            self.out.cut_to(self.out.bytes().len() - 1);
            self.out.remove_at(start);
        }
        Ok(())
    }

    fn serialize_newtype_variant<T: ?Sized + Serialize>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<()> {
        self.open_variant(variant)?;
        value.serialize(&mut *self)?;
        self.close(b'}', false);
        Ok(())
    }

    #[inline]
    fn serialize_seq(self, _: Option<usize>) -> Result<Compound<'s, 'a, B>> {
        self.inner_lists += usize::from(self.level > 0);
        self.open(b'[')?;
        Ok(Compound::new(self))
    }

    fn serialize_tuple(self, len: usize) -> Result<Compound<'s, 'a, B>> {
        self.serialize_seq(Some(len))
    }

    fn serialize_tuple_struct(self, _: &'static str, len: usize) -> Result<Compound<'s, 'a, B>> {
        self.serialize_seq(Some(len))
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Compound<'s, 'a, B>> {
        self.open_variant(variant)?;
        self.serialize_seq(Some(len))
    }

    #[inline]
    fn serialize_map(self, _: Option<usize>) -> Result<Compound<'s, 'a, B>> {
        self.open(b'{')?;
        Ok(Compound::new(self))
    }

    #[inline]
    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Compound<'s, 'a, B>> {
        self.open(b'{')?;
        Ok(Compound::new(self))
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Compound<'s, 'a, B>> {
        self.open_variant(variant)?;
        self.open(b'{')?;
        Ok(Compound::new(self))
    }

    fn collect_str<T: ?Sized + std::fmt::Display>(self, value: &T) -> Result<()> {
        self.text(&value.to_string());
        Ok(())
    }
}
