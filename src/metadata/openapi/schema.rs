//! The schemas of the DTOs.

use serde_json::{Map, Value, json};

use super::Site;
use crate::dto::{Case, Kind, TypeDef};
use crate::types::{LANGUAGES, Model, Options, sentence};

/// The schemas of all types, by name, with the names of members as the host spells them.
pub(super) fn all(site: &Site<'_>) -> Value {
    let options = Options::of(LANGUAGES[0], &[], "", "", site.host.case);
    let model = Model::of(site.operations, &options, |_| false);
    let schemas = model
        .types
        .iter()
        .map(|declared| (declared.def.name.to_owned(), schema(declared.def, site.host.case)));
    Value::Object(schemas.collect())
}

fn schema(def: &TypeDef, case: Case) -> Value {
    let properties: Map<String, Value> = def
        .fields
        .iter()
        .map(|field| {
            let mut schema = of(field.kind);
            schema["description"] = json!(sentence(field.doc));
            (field.spelled(case).to_owned(), schema)
        })
        .collect();
    let required: Vec<&str> =
        def.fields.iter().filter(|field| field.required).map(|field| field.spelled(case)).collect();
    let mut schema = json!({
        "type": "object",
        "description": sentence(def.doc),
        "properties": properties,
    });
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    schema
}

/// The schema of a kind.
pub(super) fn of(kind: Kind) -> Value {
    match kind {
        Kind::String => json!({ "type": "string" }),
        Kind::Bool => json!({ "type": "boolean" }),
        Kind::Int32 => json!({ "type": "integer", "format": "int32" }),
        Kind::List(item) => json!({ "type": "array", "items": of(*item) }),
        Kind::Dictionary => {
            json!({ "type": "object", "additionalProperties": { "type": "string" } })
        }
        Kind::Object(def) => reference(def),
    }
}

/// Whether a kind is a single value.
pub(super) fn is_plain(kind: Kind) -> bool {
    matches!(kind, Kind::String | Kind::Bool | Kind::Int32)
}

/// A reference to a type's schema.
pub(super) fn reference(def: &TypeDef) -> Value {
    json!({ "$ref": format!("#/components/schemas/{}", def.name) })
}
