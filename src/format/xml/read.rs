//! Reading a data contract: quick-xml's events become a small tree, the tree a serde deserializer.
//!
//! A body is at most some tens of kilobytes, so a tree costs nothing that matters, and it is
//! complete before any of it is used. No document type is read, so there are no entities but XML's
//! own, and nothing to expand.

use quick_xml::NsReader;
use quick_xml::events::{BytesStart, Event};
use quick_xml::name::{NamespaceResolver, QName, ResolveResult};
use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

use super::super::{Unreadable, Visit, mark, without_place};
use super::well_formed::{self, Attribute, Attributes, BLANKS, Fault};
use super::{ENTRY, INSTANCE, item};
use crate::dto::{FieldDef, Kind, TypeDef};

/// How deep elements may be nested.
const DEPTH: usize = 64;

/// An element.
struct Element {
    namespace: String,
    name: String,
    nil: bool,
    text: String,
    children: Vec<Element>,
    /// Where its start tag begins, in bytes.
    offset: usize,
}

/// Reads a whole document.
pub(super) fn document(
    text: &str,
    def: &'static TypeDef,
    visit: &mut Visit<'_>,
) -> Result<(), Unreadable> {
    let at = |(offset, message): Fault| Unreadable::at(text, offset, &message);
    let root = tree(text).map_err(at)?;
    let list = format!("ArrayOf{}", def.name);
    let object = Kind::Object(def);
    let kind = if root.name == list { Kind::List(&LIST) } else { object };
    if root.namespace != def.namespace.xml || (root.name != def.name && root.name != list) {
        return Err(at((root.offset, expected(def.name, def.namespace.xml))));
    }
    let node = Node { element: &root, kind, item: Some(def) };
    visit(&mut <dyn erased_serde::Deserializer>::erase(node)).map_err(|error| located(text, &error))
}

fn expected(name: &str, namespace: &str) -> String {
    format!("expected the element '{name}' of the namespace '{namespace}'")
}

/// The kind of a batch's root; what its items are stands in [`Node::item`].
static LIST: Kind = Kind::String;

/// Errors of the tree's deserializer are marked with the offset of the element they are about.
fn located(text: &str, error: &dyn std::fmt::Display) -> Unreadable {
    let marked = Unreadable::marked(text, &error.to_string());
    marked.unwrap_or_else(|| Unreadable::said(text, error))
}

fn tree(text: &str) -> Result<Element, Fault> {
    well_formed::characters(text)?;
    let mut reader = NsReader::from_str(text);
    reader.config_mut().expand_empty_elements = true;
    let mut open: Vec<Element> = Vec::new();
    let mut root: Option<Element> = None;
    loop {
        let offset = position(reader.buffer_position());
        let (namespace, event) = match reader.read_resolved_event() {
            Ok(read) => read,
            Err(error) => return Err((position(reader.error_position()), error.to_string())),
        };
        match event {
            Event::Start(start) => {
                if root.is_some() {
                    return Err((offset, "an element after the root".into()));
                }
                if open.len() == DEPTH {
                    return Err((offset, format!("elements nested deeper than {DEPTH}")));
                }
                let namespace = namespace_of(&namespace, offset)?.unwrap_or_default().to_owned();
                open.push(begin(reader.resolver(), &start, namespace, offset)?);
            }
            Event::End(_) => {
                if let Some(element) = open.pop() {
                    match open.last_mut() {
                        Some(parent) => parent.children.push(element),
                        None => root = Some(element),
                    }
                }
            }
            Event::Text(part) => {
                well_formed::text(&part, offset)?;
                match open.last_mut() {
                    Some(element) => element.text.push_str(&part.xml10_content()),
                    None if is_blank(&part) => {}
                    None => return Err(outside(offset)),
                }
            }
            Event::CData(part) => {
                let element = open.last_mut().ok_or_else(|| outside(offset))?;
                element.text.push_str(&part.xml10_content());
            }
            Event::GeneralRef(reference) => {
                let element = open.last_mut().ok_or_else(|| outside(offset))?;
                element.text.push(well_formed::referred(&reference, offset)?);
            }
            Event::Decl(_) if offset > 0 => {
                return Err((offset, "a declaration that is not at the start".into()));
            }
            Event::Decl(part) => well_formed::declaration(&part["xml".len()..], "<?xml".len())?,
            Event::DocType(_) => return Err((offset, "a document type, which is not read".into())),
            Event::Comment(part) => well_formed::comment(&part, offset + "<!--".len())?,
            Event::PI(part) => well_formed::instruction(&part, offset)?,
            // They are expanded.
            Event::Empty(_) => {}
            Event::Eof => break,
        }
    }
    if let Some(unclosed) = open.last() {
        return Err((text.len(), format!("the element '{}' is not closed", unclosed.name)));
    }
    root.ok_or_else(|| (text.len(), "there is no element".into()))
}

fn position(at: u64) -> usize {
    usize::try_from(at).unwrap_or(usize::MAX)
}

fn is_blank(text: &str) -> bool {
    text.trim_start_matches(BLANKS).is_empty()
}

fn outside(offset: usize) -> Fault {
    (offset, "text outside the root element".into())
}

/// The namespace that a name is in, if it is in one.
fn namespace_of<'n>(found: &ResolveResult<'n>, offset: usize) -> Result<Option<&'n str>, Fault> {
    match found {
        ResolveResult::Bound(namespace) => Ok(Some(namespace.into_inner())),
        ResolveResult::Unbound => Ok(None),
        ResolveResult::Unknown(_) => Err((offset, "a prefix that is not declared".into())),
    }
}

/// Reads a start tag.
fn begin(
    scope: &NamespaceResolver,
    start: &BytesStart<'_>,
    namespace: String,
    offset: usize,
) -> Result<Element, Fault> {
    let name = start.name();
    well_formed::name(name.as_ref(), offset)?;
    if name.prefix().is_some_and(|prefix| prefix.is_xmlns()) {
        return Err((offset, "an element with the prefix of declarations".into()));
    }
    let mut nil = false;
    let mut names = Vec::new();
    let written = name.as_ref().len();
    for attribute in Attributes::of(&start[written..], offset + "<".len() + written) {
        let Attribute { name, value, offset } = attribute?;
        let (space, local) = scope.resolve_attribute(QName(name));
        let (space, local) = (namespace_of(&space, offset)?, local.into_inner());
        nil |= space == Some(INSTANCE) && local == "nil" && matches!(value.trim(), "true" | "1");
        let prefix = name.strip_prefix("xmlns:");
        if prefix.is_some() || name == "xmlns" {
            declares(prefix, value, offset)?;
        }
        names.push((space, local, offset));
    }
    names.sort_unstable();
    if let Some(twice) =
        names.windows(2).find(|pair| pair[0].1 == pair[1].1 && pair[0].0 == pair[1].0)
    {
        return Err((twice[1].2, format!("a second attribute '{}'", twice[1].1)));
    }
    let name = start.local_name().as_ref().to_owned();
    Ok(Element { namespace, name, nil, text: String::new(), children: Vec::new(), offset })
}

/// The declaration of a namespace. Names are compared as they are written, so none may be written
/// otherwise than it is.
fn declares(prefix: Option<&str>, value: &str, offset: usize) -> Result<(), Fault> {
    if value.contains('&') {
        return Err((offset, "a reference in the name of a namespace, which is not read".into()));
    }
    if value.is_empty() && prefix.is_some() {
        return Err((offset, "a prefix without a namespace".into()));
    }
    Ok(())
}

/// An element, and what is declared to be in it.
#[derive(Clone, Copy)]
struct Node<'a> {
    element: &'a Element,
    kind: Kind,
    /// For the root of a batch: what its items are.
    item: Option<&'static TypeDef>,
}

type Fail = serde::de::value::Error;

impl<'a> Node<'a> {
    fn fail(&self, message: &str) -> Fail {
        Fail::custom(mark(self.element.offset, message))
    }

    fn text(&self) -> Result<&'a str, Fail> {
        if self.element.children.is_empty() {
            Ok(&self.element.text)
        } else {
            Err(self.fail(&format!("the element '{}' holds elements, not text", self.element.name)))
        }
    }

    fn children(&self) -> Result<&'a [Element], Fail> {
        if is_blank(&self.element.text) {
            Ok(&self.element.children)
        } else {
            Err(self.fail(&format!("the element '{}' holds text, not elements", self.element.name)))
        }
    }
}

/// Scalars are read from their text.
macro_rules! from_text {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fail> {
            (&mut jsv::Deserializer::new(self.text()?.trim()))
                .$method(visitor)
                .map_err(|error| self.fail(&without_place(&error)))
        }
    )*};
}

impl<'de> Deserializer<'de> for Node<'de> {
    type Error = Fail;

    from_text! {
        deserialize_bool deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64
        deserialize_f32 deserialize_f64
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fail> {
        match self.kind {
            _ if self.element.nil => visitor.visit_unit(),
            Kind::Object(def) => visitor.visit_map(Members::of(self.children()?, def)),
            Kind::Dictionary => {
                visitor.visit_map(Entries { rest: self.children()?.iter(), value: None })
            }
            Kind::List(item) => {
                let kind = self.item.map_or(*item, Kind::Object);
                visitor.visit_seq(Items { rest: self.children()?.iter(), kind })
            }
            Kind::String | Kind::Bool | Kind::Int32 => visitor.visit_str(self.text()?),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fail> {
        if self.element.nil { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    serde::forward_to_deserialize_any! {
        i128 u128 char str string bytes byte_buf unit unit_struct newtype_struct seq tuple
        tuple_struct map struct enum identifier ignored_any
    }
}

/// The children that are members; others are skipped, as in the original.
struct Members<'a> {
    members: std::vec::IntoIter<(&'a Element, &'static FieldDef)>,
    value: Option<(&'a Element, &'static FieldDef)>,
}

impl<'a> Members<'a> {
    /// A member's name counts in its case, its namespace is that of the class that declares it, or
    /// that of the element around it. Of several the first counts, as in the original.
    fn of(children: &'a [Element], def: &'static TypeDef) -> Self {
        let mut members: Vec<(&Element, &FieldDef)> = Vec::new();
        for child in children {
            let field = def.fields.iter().find(|field| {
                field.name == child.name
                    && (child.namespace == def.namespace_of(field).xml
                        || child.namespace == def.namespace.xml)
            });
            // A second one is an element that the contract does not know.
            if let Some(field) = field
                && !members.iter().any(|(_, known)| known.name == field.name)
            {
                members.push((child, field));
            }
        }
        Self { members: members.into_iter(), value: None }
    }
}

impl<'de> MapAccess<'de> for Members<'de> {
    type Error = Fail;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Fail> {
        self.value = self.members.next();
        let Some((_, field)) = self.value else { return Ok(None) };
        seed.deserialize(serde::de::value::StrDeserializer::new(field.name)).map(Some)
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, Fail> {
        let (element, field) =
            self.value.take().ok_or_else(|| Fail::custom("a value before its key"))?;
        seed.deserialize(Node { element, kind: field.kind, item: None })
    }
}

/// The items of a list. What is none would be a request that nobody answers, so unlike a member that
/// is not known it is an error.
struct Items<'a> {
    rest: std::slice::Iter<'a, Element>,
    kind: Kind,
}

impl<'de> SeqAccess<'de> for Items<'de> {
    type Error = Fail;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Fail> {
        let Some(element) = self.rest.next() else { return Ok(None) };
        let node = Node { element, kind: self.kind, item: None };
        match item(self.kind) {
            Some((namespace, name))
                if (&*element.namespace, &*element.name) != (namespace, name) =>
            {
                Err(node.fail(&expected(name, namespace)))
            }
            _ => seed.deserialize(node).map(Some),
        }
    }
}

/// The entries of a dictionary, each an element with a `Key` and a `Value`.
struct Entries<'a> {
    rest: std::slice::Iter<'a, Element>,
    value: Option<&'a Element>,
}

impl<'de> MapAccess<'de> for Entries<'de> {
    type Error = Fail;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Fail> {
        let Some(entry) = self.rest.find(|child| child.name == ENTRY) else { return Ok(None) };
        let node = Node { element: entry, kind: Kind::Dictionary, item: None };
        let part = |name: &str| {
            entry
                .children
                .iter()
                .find(|child| child.name == name)
                .ok_or_else(|| node.fail("a dictionary's entry has a Key and a Value"))
        };
        node.children()?;
        self.value = Some(part("Value")?);
        seed.deserialize(Node { element: part("Key")?, kind: Kind::String, item: None }).map(Some)
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, Fail> {
        let element = self.value.take().ok_or_else(|| Fail::custom("a value before its key"))?;
        seed.deserialize(Node { element, kind: Kind::String, item: None })
    }
}
