//! What a call may be refused with, by status and in every format. Which refusals there are is the
//! operations' to say ([`crate::operation::Refusal`]).

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{Site, is_data, schema};
use crate::dto::{AnyDto, Dto as _, ResponseError, ResponseStatus, Styled};
use crate::dto::{Style, TypeDef};
use crate::operation::{Refusal, Spec};

/// Refusals by their status.
pub(super) fn by_status(spec: &Spec, verb: &str) -> BTreeMap<u16, Vec<&'static Refusal>> {
    let mut found: BTreeMap<u16, Vec<&'static Refusal>> = BTreeMap::new();
    for refusal in spec.refusals_under(verb) {
        found.entry(refusal.status).or_default().push(refusal);
    }
    found
}

/// What an example of a refusal is called: codes that blame several members are told apart by those.
fn name(refusal: &Refusal) -> String {
    match refusal.field {
        Some(field) => format!("{}.{field}", refusal.code),
        None => refusal.code.to_owned(),
    }
}

/// What refusals look like in every format, each with an example.
pub(super) fn content(
    site: &Site<'_>,
    spec: &'static Spec,
    refusals: &[&Refusal],
    only_default: bool,
) -> Value {
    let mut content = Map::new();
    for format in site.formats.iter().filter(|format| is_data(*format)) {
        let is_default = format.name() == site.formats.default().name();
        if only_default && !is_default {
            continue;
        }
        let mut examples = Map::new();
        for refusal in refusals {
            let mut out = Vec::new();
            let example = Example { def: spec.response, status: status(refusal) };
            if format.write(&example, site.host, &mut out).is_err() {
                continue;
            }
            let text = String::from_utf8_lossy(&out);
            let value = match serde_json::from_str::<Value>(&text) {
                Ok(value) if is_default => value,
                _ => json!(text),
            };
            // Two of one code differ in why, which the description says.
            let example = json!({ "summary": refusal.when, "value": value });
            examples.entry(name(refusal)).or_insert(example);
        }
        let schema =
            if is_default { schema::reference(spec.response) } else { json!({ "type": "string" }) };
        let name = format.media_types()[0].name.to_owned();
        content.insert(name, json!({ "schema": schema, "examples": examples }));
    }
    Value::Object(content)
}

fn status(refusal: &Refusal) -> ResponseStatus {
    let errors = refusal.field.map(|field| ResponseError {
        error_code: Some(refusal.code.to_owned()),
        field_name: Some(field.to_owned()),
        message: Some(refusal.when.to_owned()),
        meta: None,
    });
    ResponseStatus {
        error_code: Some(refusal.code.to_owned()),
        message: Some(refusal.when.to_owned()),
        stack_trace: None,
        errors: Some(errors.into_iter().collect()),
        meta: None,
    }
}

/// The response of some operation that carries a refusal and nothing else.
struct Example {
    def: &'static TypeDef,
    status: ResponseStatus,
}

impl AnyDto for Example {
    fn def(&self) -> &'static TypeDef {
        self.def
    }

    fn is_list(&self) -> bool {
        false
    }

    fn styled(&self, style: Style, write: &mut dyn FnMut(&dyn erased_serde::Serialize)) {
        write(&Members(self, style));
    }
}

struct Members<'a>(&'a Example, Style);

impl serde::Serialize for Members<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct as _;
        let Self(example, style) = self;
        let mut members =
            serializer.serialize_struct(example.def.name, example.def.fields.len())?;
        for field in example.def.fields {
            let name = field.spelled(style.case);
            if matches!(field.kind, crate::dto::Kind::Object(def) if def.name == ResponseStatus::DEF.name)
            {
                members.serialize_field(name, &Styled(&example.status, *style))?;
            } else if style.nulls {
                members.serialize_field(name, &None::<()>)?;
            } else {
                members.skip_field(name)?;
            }
        }
        members.end()
    }
}
