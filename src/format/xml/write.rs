//! Writing a data contract.
//!
//! An element is begun by whoever holds the value (`<d2p1:Meta`, still open) and finished by the
//! value itself, because only the value knows whether it is null, empty or has content.

use std::fmt::Display;

use quick_xml::escape::partial_escape;
use serde::Serialize;
use serde::ser::{self, Error as _, Impossible, Serializer};

use super::super::Unwritable;
use super::{ARRAYS, ENTRY, INSTANCE, item};
use crate::dto::{AnyDto, Case, Kind, Style, TypeDef};

/// Writes a whole document.
pub(super) fn document(body: &dyn AnyDto, out: &mut Vec<u8>) -> Result<(), Unwritable> {
    let def = body.def();
    let object = Kind::Object(def);
    let list = body.is_list().then(|| format!("ArrayOf{}", def.name));
    let mut writer = Writer { out, depth: 1, scope: vec![(def.namespace.xml, Prefix::DEFAULT)] };
    writer.raw(r#"<?xml version="1.0" encoding="utf-8"?><"#);
    let name = list.as_deref().unwrap_or(def.name);
    writer.raw(name);
    writer.raw(r#" xmlns:i=""#);
    writer.raw(INSTANCE);
    writer.raw(r#"" xmlns=""#);
    writer.raw(def.namespace.xml);
    writer.raw("\"");
    let mut written = Ok(());
    body.styled(Style { case: Case::Pascal, nulls: true }, &mut |value| {
        let content = Content {
            writer: &mut writer,
            prefix: Prefix::DEFAULT,
            name,
            kind: if list.is_some() { Shape::ListOf(object) } else { Shape::One(object) },
        };
        written = value.serialize(content).map(drop);
    });
    written.map_err(|Refused(reason)| Unwritable { format: "xml", reason })
}

struct Writer<'o> {
    out: &'o mut Vec<u8>,
    /// How many elements are open around and including the one being written; the root is 1.
    depth: u16,
    /// The namespaces that have a prefix here, innermost last.
    scope: Vec<(&'static str, Prefix)>,
}

/// `dNp1:`, where N is the depth of the element that declares it; 0 is no prefix.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Prefix(u16);

impl Prefix {
    const DEFAULT: Self = Self(0);
}

impl Writer<'_> {
    fn raw(&mut self, text: &str) {
        self.out.extend_from_slice(text.as_bytes());
    }

    fn tag(&mut self, prefix: Prefix, name: &str) {
        if prefix != Prefix::DEFAULT {
            self.raw(&format!("d{}p1:", prefix.0));
        }
        self.raw(name);
    }

    /// The prefix that means `namespace` here: the innermost one that no later one hides.
    fn prefix_of(&self, namespace: &str) -> Option<Prefix> {
        let at = self.scope.iter().rposition(|(known, _)| *known == namespace)?;
        let (_, prefix) = self.scope[at];
        let hidden = self.scope[at + 1..].iter().any(|(_, later)| *later == prefix);
        (!hidden).then_some(prefix)
    }

    /// Text, with what XML cannot hold replaced: the original ends the document there instead.
    fn text(&mut self, text: &str) {
        let holds = |c: char| matches!(c, '\t' | '\n' | ' '..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..);
        let cleaned: String;
        let text = if text.chars().all(holds) {
            text
        } else {
            // Line ends become line feeds, as every reader of XML takes them (XML 1.0 section 2.11)
            // and as the original writes them.
            let lines = text.replace("\r\n", "\n").replace('\r', "\n");
            cleaned = lines.chars().map(|c| if holds(c) { c } else { '\u{FFFD}' }).collect();
            &cleaned
        };
        self.raw(&partial_escape(text));
    }

    /// Writes a child of the element at `self.depth`.
    fn child<T: Serialize + ?Sized>(
        &mut self,
        namespace: &'static str,
        name: &str,
        kind: Shape,
        value: &T,
    ) -> Result<(), Refused> {
        let outside = self.scope.len();
        self.depth += 1;
        self.raw("<");
        let prefix = if let Some(prefix) = self.prefix_of(namespace) {
            self.tag(prefix, name);
            prefix
        } else {
            self.raw(name);
            self.raw(" xmlns=\"");
            self.raw(namespace);
            self.raw("\"");
            self.scope.push((namespace, Prefix::DEFAULT));
            Prefix::DEFAULT
        };
        value.serialize(Content { writer: self, prefix, name, kind })?;
        self.depth -= 1;
        self.scope.truncate(outside);
        Ok(())
    }
}

/// What an element holds.
#[derive(Clone, Copy)]
enum Shape {
    One(Kind),
    /// The root of a batch, a list that is no member of anything.
    ListOf(Kind),
}

/// The inside of an element whose tag is begun.
struct Content<'w, 'o, 'n> {
    writer: &'w mut Writer<'o>,
    prefix: Prefix,
    name: &'n str,
    kind: Shape,
}

#[derive(Debug)]
struct Refused(String);

impl Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Refused {}

impl ser::Error for Refused {
    fn custom<T: Display>(message: T) -> Self {
        Self(message.to_string())
    }
}

impl<'w, 'o, 'n> Content<'w, 'o, 'n> {
    /// Declares the namespace of what is inside, if it has none here; a null declares it too.
    fn declare(&mut self) {
        let inner = match self.kind {
            Shape::One(Kind::List(Kind::Object(def))) => def.namespace.xml,
            Shape::One(Kind::Object(def)) | Shape::ListOf(Kind::Object(def)) => def.namespace.xml,
            Shape::One(Kind::List(_) | Kind::Dictionary) | Shape::ListOf(_) => ARRAYS,
            Shape::One(Kind::String | Kind::Bool | Kind::Int32) => return,
        };
        if self.writer.prefix_of(inner).is_none() {
            let depth = self.writer.depth;
            self.writer.raw(&format!(" xmlns:d{depth}p1=\"{inner}\""));
            self.writer.scope.push((inner, Prefix(depth)));
        }
    }

    fn leaf(self, text: &str) {
        self.writer.raw(">");
        self.writer.text(text);
        self.close();
    }

    fn close(self) {
        self.writer.raw("</");
        self.writer.tag(self.prefix, self.name);
        self.writer.raw(">");
    }

    fn parent(self) -> Parent<'w, 'o, 'n> {
        Parent { content: self, open: false, key: None, at: 0 }
    }
}

/// An element that is getting children.
struct Parent<'w, 'o, 'n> {
    content: Content<'w, 'o, 'n>,
    /// Whether the `>` of the start tag is written.
    open: bool,
    key: Option<String>,
    /// Where the next member is expected in the type's list of fields.
    at: usize,
}

impl Parent<'_, '_, '_> {
    fn open(&mut self) {
        if !self.open {
            self.content.writer.raw(">");
            self.open = true;
        }
    }

    fn item<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Refused> {
        self.open();
        let kind = match self.content.kind {
            Shape::One(Kind::List(item)) => *item,
            Shape::ListOf(item) => item,
            Shape::One(_) => return Err(Refused::custom("a list where none is declared")),
        };
        let Some((namespace, name)) = item(kind) else {
            return Err(Refused::custom("lists of collections are not used"));
        };
        self.content.writer.child(namespace, name, Shape::One(kind), value)
    }

    fn member<T: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> Result<(), Refused> {
        self.open();
        let def = self.def()?;
        let rest = def.fields.iter().enumerate().skip(self.at);
        let (at, field) = rest
            .into_iter()
            .find(|(_, field)| field.name == name)
            .ok_or_else(|| Refused::custom("a member that is not declared"))?;
        self.at = at + 1;
        let namespace = def.namespace_of(field).xml;
        self.content.writer.child(namespace, name, Shape::One(field.kind), value)
    }

    fn def(&self) -> Result<&'static TypeDef, Refused> {
        match self.content.kind {
            Shape::One(Kind::Object(def)) => Ok(def),
            _ => Err(Refused::custom("an object where none is declared")),
        }
    }

    fn end(self) {
        if self.open { self.content.close() } else { self.content.writer.raw(" />") }
    }
}

/// Kinds of values that no [`Kind`] describes.
macro_rules! undeclared {
    ($($method:ident($type:ty))*) => {$(
        fn $method(self, _: $type) -> Result<(), Refused> {
            Err(undeclared())
        }
    )*};
}
impl<'w, 'o, 'n> Serializer for Content<'w, 'o, 'n> {
    type Ok = ();
    type Error = Refused;
    type SerializeSeq = Parent<'w, 'o, 'n>;
    type SerializeMap = Parent<'w, 'o, 'n>;
    type SerializeStruct = Parent<'w, 'o, 'n>;
    type SerializeTuple = Impossible<(), Refused>;
    type SerializeTupleStruct = Impossible<(), Refused>;
    type SerializeTupleVariant = Impossible<(), Refused>;
    type SerializeStructVariant = Impossible<(), Refused>;

    fn serialize_none(mut self) -> Result<(), Refused> {
        self.declare();
        self.writer.raw(" i:nil=\"true\" />");
        Ok(())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Refused> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), Refused> {
        self.serialize_none()
    }

    fn serialize_str(self, text: &str) -> Result<(), Refused> {
        self.leaf(text);
        Ok(())
    }

    fn serialize_bool(self, value: bool) -> Result<(), Refused> {
        self.leaf(if value { "true" } else { "false" });
        Ok(())
    }

    fn serialize_i32(self, value: i32) -> Result<(), Refused> {
        self.leaf(&value.to_string());
        Ok(())
    }

    fn serialize_seq(mut self, _: Option<usize>) -> Result<Self::SerializeSeq, Refused> {
        self.declare();
        Ok(self.parent())
    }

    fn serialize_map(mut self, _: Option<usize>) -> Result<Self::SerializeMap, Refused> {
        self.declare();
        Ok(self.parent())
    }

    fn serialize_struct(
        mut self,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStruct, Refused> {
        self.declare();
        Ok(self.parent())
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), Refused> {
        value.serialize(self)
    }

    fn collect_str<T: Display + ?Sized>(self, value: &T) -> Result<(), Refused> {
        self.serialize_str(&value.to_string())
    }

    undeclared! {
        serialize_i8(i8) serialize_i16(i16) serialize_i64(i64) serialize_u8(u8)
        serialize_u16(u16) serialize_u32(u32) serialize_u64(u64) serialize_f32(f32)
        serialize_f64(f64) serialize_char(char) serialize_bytes(&[u8])
        serialize_unit_struct(&'static str)
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
    ) -> Result<(), Refused> {
        Err(undeclared())
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<(), Refused> {
        Err(undeclared())
    }

    fn serialize_tuple(self, _: usize) -> Result<Self::SerializeTuple, Refused> {
        Err(undeclared())
    }

    fn serialize_tuple_struct(
        self,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleStruct, Refused> {
        Err(undeclared())
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, Refused> {
        Err(undeclared())
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, Refused> {
        Err(undeclared())
    }
}

fn undeclared() -> Refused {
    Refused::custom("a kind of value that DTOs do not have")
}

impl ser::SerializeSeq for Parent<'_, '_, '_> {
    type Ok = ();
    type Error = Refused;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Refused> {
        self.item(value)
    }

    fn end(self) -> Result<(), Refused> {
        self.end();
        Ok(())
    }
}

impl ser::SerializeMap for Parent<'_, '_, '_> {
    type Ok = ();
    type Error = Refused;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Refused> {
        let key = serde_json::to_value(key).map_err(Refused::custom)?;
        self.key = key.as_str().map(str::to_owned);
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Refused> {
        let key = self.key.take().ok_or_else(undeclared)?;
        self.open();
        let writer = &mut *self.content.writer;
        let prefix = writer.prefix_of(ARRAYS).ok_or_else(undeclared)?;
        writer.depth += 1;
        writer.raw("<");
        writer.tag(prefix, ENTRY);
        writer.raw(">");
        let text = Shape::One(Kind::String);
        writer.child(ARRAYS, "Key", text, &key)?;
        writer.child(ARRAYS, "Value", text, value)?;
        writer.raw("</");
        writer.tag(prefix, ENTRY);
        writer.raw(">");
        writer.depth -= 1;
        Ok(())
    }

    fn end(self) -> Result<(), Refused> {
        self.end();
        Ok(())
    }
}

impl ser::SerializeStruct for Parent<'_, '_, '_> {
    type Ok = ();
    type Error = Refused;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> Result<(), Refused> {
        self.member(name, value)
    }

    fn end(self) -> Result<(), Refused> {
        self.end();
        Ok(())
    }
}
