//! What a call may be refused with: the table of contract section 7, once for all operations. To add
//! a refusal: a line in [`REFUSALS`].

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{Site, is_data, schema};
use crate::dto::{AnyDto, Dto as _, ResponseError, ResponseStatus, Styled};
use crate::dto::{Style, TypeDef};
use crate::operation::Spec;

/// A refusal.
pub(super) struct Refusal {
    status: u16,
    code: &'static str,
    /// The member that is to blame.
    field: Option<&'static str>,
    /// Where it can happen.
    whom: Whom,
    /// When it happens, in a sentence.
    pub(super) when: &'static str,
}

/// Which operations can be refused so.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Whom {
    /// Every operation.
    Any,
    /// Those with that member in the request.
    With(&'static str),
}

const fn refusal(
    status: u16,
    code: &'static str,
    field: Option<&'static str>,
    whom: Whom,
    when: &'static str,
) -> Refusal {
    Refusal { status, code, field, whom, when }
}

const REFUSALS: &[Refusal] = &[
    refusal(400, "SerializationException", None, Whom::Any, "The body cannot be read."),
    refusal(
        400,
        "ValidationException",
        Some("OrganisationId"),
        Whom::With("OrganisationId"),
        "The organisation is missing and there is no default one, or its id is malformed.",
    ),
    refusal(400, "ValidationException", None, Whom::Any, "A member's value will not do."),
    refusal(400, "InvalidCode", Some("Code"), Whom::With("Code"), "The code is wrong."),
    refusal(
        400,
        "InvalidCode",
        Some("CallerCode"),
        Whom::With("CallerCode"),
        "The caller's code is wrong.",
    ),
    refusal(
        401,
        "Unauthorized",
        None,
        Whom::Any,
        "Nobody is signed in, or the credentials are wrong.",
    ),
    refusal(401, "TokenException", None, Whom::Any, "The token is not valid now."),
    refusal(
        401,
        "TwoFactorRequired",
        None,
        Whom::With("OrganisationId"),
        "A key is active: a code of it has to be verified first.",
    ),
    refusal(
        403,
        "Forbidden",
        Some("OrganisationId"),
        Whom::With("OrganisationId"),
        "The organisation is not there, or the caller is no member of it.",
    ),
    refusal(404, "NotFound", None, Whom::With("Provider"), "There is no such provider."),
    refusal(
        405,
        "NotImplementedException",
        None,
        Whom::Any,
        "The verb is none of this operation's.",
    ),
    refusal(413, "RequestTooLarge", None, Whom::Any, "The body is too large."),
    refusal(
        415,
        "UnsupportedMediaType",
        None,
        Whom::Any,
        "The body is of a type that is not read here.",
    ),
    refusal(429, "TooManyRequests", None, Whom::Any, "Too many keys, sign-ins or codes."),
    refusal(
        500,
        "InternalServerError",
        None,
        Whom::Any,
        "The service failed; the message has an id.",
    ),
    refusal(503, "ServiceUnavailable", None, Whom::Any, "The database cannot be reached."),
];

/// The refusals of an operation, by status.
pub(super) fn by_status(spec: &Spec) -> BTreeMap<u16, Vec<&'static Refusal>> {
    let mut found: BTreeMap<u16, Vec<&'static Refusal>> = BTreeMap::new();
    for refusal in REFUSALS {
        let applies = match refusal.whom {
            Whom::Any => true,
            Whom::With(member) => spec.request.field(member).is_some(),
        };
        if applies {
            found.entry(refusal.status).or_default().push(refusal);
        }
    }
    found
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
            examples.insert(
                refusal.code.to_owned(),
                json!({ "summary": refusal.when, "value": value }),
            );
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
