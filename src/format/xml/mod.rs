//! `application/xml` as .NET's `DataContractSerializer` reads and writes it: quick-xml cuts and
//! escapes, the data contract on top is ours (`fixtures/wire`, rules B9 and S5).
//!
//! What the contract asks and serde's view of a value does not hold (namespaces, what a null is the
//! null of) comes from the [`TypeDef`], which both halves walk alongside the value.

mod read;
mod well_formed;
mod write;

use super::{Format, Host, MediaType, Unreadable, Unwritable, Visit};
use crate::dto::{AnyDto, Kind, TypeDef};

/// The namespace of `nil`.
const INSTANCE: &str = "http://www.w3.org/2001/XMLSchema-instance";
/// The namespace of dictionary entries and of lists of plain values.
const ARRAYS: &str = "http://schemas.microsoft.com/2003/10/Serialization/Arrays";
/// The element that an entry of a dictionary from text to text is.
const ENTRY: &str = "KeyValueOfstringstring";

/// What the element of an item of a list is called: its namespace and its name. Lists of collections
/// are not used.
fn item(kind: Kind) -> Option<(&'static str, &'static str)> {
    match kind {
        Kind::Object(def) => Some((def.namespace.xml, def.name)),
        Kind::Bool => Some((ARRAYS, "boolean")),
        Kind::Int32 => Some((ARRAYS, "int")),
        Kind::String => Some((ARRAYS, "string")),
        Kind::List(_) | Kind::Dictionary => None,
    }
}

/// XML.
pub struct Xml;

impl Format for Xml {
    fn name(&self) -> &'static str {
        "xml"
    }

    fn media_types(&self) -> &'static [MediaType] {
        const { &[MediaType::plain("application/xml"), MediaType::plain("text/xml")] }
    }

    fn write(&self, body: &dyn AnyDto, _: Host, out: &mut Vec<u8>) -> Result<(), Unwritable> {
        write::document(body, out)
    }

    fn reads(&self) -> bool {
        true
    }

    fn read(
        &self,
        text: &str,
        def: &'static TypeDef,
        visit: &mut Visit<'_>,
    ) -> Result<(), Unreadable> {
        read::document(text, def, visit)
    }
}
