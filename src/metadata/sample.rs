//! Made-up values: a type's members, each with a placeholder, as the formats themselves write them.
//! So a page shows what the service reads and writes, in formats that were added later too.

use erased_serde::Serialize as ErasedSerialize;
use serde::ser::{SerializeMap as _, SerializeSeq as _, SerializeStruct as _};
use serde::{Serialize, Serializer};

use super::layout;
use crate::dto::{AnyDto, Kind, Style, TypeDef};
use crate::format::{Format, Host};

/// The deepest that parts are nested.
const DEPTH: usize = 8;

/// A sample of that type, laid out for reading. Formats that cannot write it show nothing.
pub(super) fn text(format: &dyn Format, def: &'static TypeDef, host: Host) -> String {
    let mut out = Vec::new();
    if format.write(&Sample(def), host, &mut out).is_err() {
        return String::new();
    }
    layout::of(format.name(), &String::from_utf8_lossy(&out))
}

/// A value of that type.
struct Sample(&'static TypeDef);

impl AnyDto for Sample {
    fn def(&self) -> &'static TypeDef {
        self.0
    }

    fn is_list(&self) -> bool {
        false
    }

    fn styled(&self, style: Style, write: &mut dyn FnMut(&dyn ErasedSerialize)) {
        write(&Value { kind: Kind::Object(self.0), style, depth: 0 });
    }
}

struct Value {
    kind: Kind,
    style: Style,
    depth: usize,
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let inner = |kind| Self { kind, style: self.style, depth: self.depth + 1 };
        match self.kind {
            Kind::String => serializer.serialize_str("String"),
            Kind::Bool => serializer.serialize_bool(false),
            Kind::Int32 => serializer.serialize_i32(0),
            Kind::List(item) => {
                let mut items = serializer.serialize_seq(Some(1))?;
                items.serialize_element(&inner(*item))?;
                items.end()
            }
            Kind::Dictionary => {
                let mut entries = serializer.serialize_map(Some(1))?;
                entries.serialize_entry("String", "String")?;
                entries.end()
            }
            Kind::Object(def) => {
                let fields = if self.depth < DEPTH { def.fields } else { &[] };
                let mut members = serializer.serialize_struct(def.name, fields.len())?;
                for field in fields {
                    let name = field.spelled(self.style.case);
                    members.serialize_field(name, &inner(field.kind))?;
                }
                members.end()
            }
        }
    }
}
