//! What stands between two brackets: elements, entries, members.

use serde::{Serialize, ser};

use super::key::Key;
use super::{Buffer, Serializer, name};
use crate::{Error, Result, scan};

/// An open container.
#[derive(Debug)]
pub struct Compound<'s, 'a, B> {
    ser: &'s mut Serializer<'a, B>,
    /// Where the last element or entry begins, with its comma.
    mark: usize,
    /// How many elements or entries are written.
    count: usize,
}

impl<'s, 'a, B: Buffer> Compound<'s, 'a, B> {
    #[inline]
    pub(super) fn new(ser: &'s mut Serializer<'a, B>) -> Self {
        let mark = ser.out.bytes().len();
        Self { ser, mark, count: 0 }
    }

    /// What comes before an element or entry.
    #[inline]
    fn separate(&mut self) {
        self.mark = self.ser.out.bytes().len();
        if self.count > 0 {
            self.ser.out.put_ascii(b',');
        }
        if self.ser.options.indented {
            self.ser.line();
        }
    }

    /// Writes a value behind its name; if it leaves no text, the entry is taken back.
    #[inline]
    fn value<T: ?Sized + Serialize>(&mut self, value: &T) -> Result<()> {
        if self.ser.options.indented { self.indented_value(value) } else { self.plain_value(value) }
    }

    #[inline]
    fn plain_value<T: ?Sized + Serialize>(&mut self, value: &T) -> Result<()> {
        let start = self.ser.out.bytes().len();
        value.serialize(&mut *self.ser)?;
        if self.ser.out.bytes().len() == start {
            self.ser.out.cut_to(self.mark);
        } else {
            self.count += 1;
        }
        Ok(())
    }

    /// Scalars follow the colon and a blank, containers begin on the next line.
    #[cold]
    fn indented_value<T: ?Sized + Serialize>(&mut self, value: &T) -> Result<()> {
        self.ser.out.put_ascii(b' ');
        let start = self.ser.out.bytes().len();
        value.serialize(&mut *self.ser)?;
        let written = &self.ser.out.bytes()[start..];
        if written.is_empty() {
            self.ser.out.cut_to(self.mark);
            return Ok(());
        }
        self.count += 1;
        if written.starts_with(b"{\n") || written.starts_with(b"[\n") {
            let line = format!("\n{}", "\t".repeat(self.ser.level));
            self.ser.out.insert_at(start, &line);
        }
        Ok(())
    }

    /// A member in another case, with layout, or with a name that must be quoted.
    #[inline(never)]
    fn odd_field<T: ?Sized + Serialize>(&mut self, name: &str, value: &T) -> Result<()> {
        self.separate();
        name::write(self.ser.out, name, self.ser.options);
        self.ser.out.put_ascii(b':');
        self.value(value)
    }

    #[inline]
    fn element<T: ?Sized + Serialize>(&mut self, value: &T) -> Result<()> {
        self.separate();
        self.count += 1;
        value.serialize(&mut *self.ser)
    }

    #[inline]
    fn end_list(self) {
        self.ser.inner_lists -= usize::from(self.ser.level > 1);
        if self.count == 1 {
            self.end_single();
            return;
        }
        self.ser.close(b']', self.count == 0);
    }

    /// A list of one element must not look like an empty list: see `GRAMMAR.md`, "a list of one null".
    fn end_single(self) {
        let Self { ser, mark, .. } = self;
        let content = &ser.out.bytes()[mark..];
        if content.iter().all(|byte| ser.options.indented && matches!(byte, b'\n' | b'\t')) {
            ser.out.cut_to(mark);
            ser.out.put_ascii(crate::de::ONE_NULL);
            ser.close(b']', true);
            return;
        }
        if !ser.options.indented && is_blank(content) {
            ser.out.insert_at(mark, "\"");
            ser.out.put_ascii(b'"');
        }
        ser.close(b']', false);
    }

    #[inline]
    fn end_entries(self) {
        self.ser.close(b'}', self.count == 0);
    }
}

/// Whether a list would take this content for nothing.
fn is_blank(content: &[u8]) -> bool {
    std::str::from_utf8(content).is_ok_and(|text| text.trim().is_empty())
}

macro_rules! elements {
    ($($trait:ident, $method:ident, |$self:ident| $end:expr;)*) => {
        $(
            impl<B: Buffer> ser::$trait for Compound<'_, '_, B> {
                type Ok = ();
                type Error = Error;

                #[inline]
                fn $method<T: ?Sized + Serialize>(&mut self, value: &T) -> Result<()> {
                    self.element(value)
                }

                #[inline]
                fn end($self) -> Result<()> {
                    $end;
                    Ok(())
                }
            }
        )*
    };
}

elements! {
    SerializeSeq, serialize_element, |self| self.end_list();
    SerializeTuple, serialize_element, |self| self.end_list();
    SerializeTupleStruct, serialize_field, |self| self.end_list();
}

impl<B: Buffer> ser::SerializeTupleVariant for Compound<'_, '_, B> {
    type Ok = ();
    type Error = Error;

    fn serialize_field<T: ?Sized + Serialize>(&mut self, value: &T) -> Result<()> {
        self.element(value)
    }

    fn end(self) -> Result<()> {
        let Self { ser, mark, count } = self;
        Compound { ser: &mut *ser, mark, count }.end_list();
        ser.close(b'}', false);
        Ok(())
    }
}

impl<B: Buffer> ser::SerializeMap for Compound<'_, '_, B> {
    type Ok = ();
    type Error = Error;

    #[inline]
    fn serialize_key<T: ?Sized + Serialize>(&mut self, key: &T) -> Result<()> {
        self.separate();
        key.serialize(Key(&mut *self.ser))?;
        self.ser.out.put_ascii(b':');
        Ok(())
    }

    #[inline]
    fn serialize_value<T: ?Sized + Serialize>(&mut self, value: &T) -> Result<()> {
        self.value(value)
    }

    #[inline]
    fn end(self) -> Result<()> {
        self.end_entries();
        Ok(())
    }
}

impl<B: Buffer> ser::SerializeStruct for Compound<'_, '_, B> {
    type Ok = ();
    type Error = Error;

    #[inline(always)]
    #[expect(clippy::inline_always, reason = "see below")]
    fn serialize_field<T: ?Sized + Serialize>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> Result<()> {
        // The name is a constant where this is called, so that inlined, all that depends on it alone is done by the
        // compiler: whether it needs quotes, and copying it.
        if !self.ser.plain || !scan::is_plain_name(name) {
            return self.odd_field(name, value);
        }
        let out = &mut *self.ser.out;
        self.mark = out.bytes().len();
        if self.count > 0 {
            out.put_ascii(b',');
        }
        out.put(name);
        out.put_ascii(b':');
        self.plain_value(value)
    }

    #[inline]
    fn end(self) -> Result<()> {
        self.end_entries();
        Ok(())
    }
}

impl<B: Buffer> ser::SerializeStructVariant for Compound<'_, '_, B> {
    type Ok = ();
    type Error = Error;

    fn serialize_field<T: ?Sized + Serialize>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> Result<()> {
        ser::SerializeStruct::serialize_field(self, name, value)
    }

    fn end(self) -> Result<()> {
        let Self { ser, mark, count } = self;
        Compound { ser: &mut *ser, mark, count }.end_entries();
        ser.close(b'}', false);
        Ok(())
    }
}
