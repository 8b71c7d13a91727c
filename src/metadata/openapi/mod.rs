//! OpenAPI 3.1: the operations for tools that know nothing of ServiceStack.
//!
//! ```text
//! mod.rs       the document, its paths and security schemes
//! schema.rs    the schemas of the DTOs
//! refusal.rs   what a call may be refused with
//! page.rs      the document as a page
//! kept.rs      both as they are sent
//! ```

mod kept;
mod page;
mod refusal;
mod schema;

use serde_json::{Map, Value, json};

use super::{Site, is_data, sample};
use crate::dto::TypeDef;
use crate::format::Format;
use crate::operation::{Access, Spec};
use crate::types::sentence;

pub use kept::Kept;
pub use page::page;

/// The document of `/openapi.json`.
#[must_use]
pub fn document(site: &Site<'_>) -> Value {
    let mut paths = Map::new();
    for operation in site.operations.iter() {
        let spec = operation.spec();
        for route in spec.routes {
            let verbs = route.verbs.iter().map(|verb| {
                let id = operation_id(spec, verb, route.path);
                (verb.to_ascii_lowercase(), call(site, spec, verb, &id, Reached::Route(route.path)))
            });
            paths.insert(route.path.to_owned(), Value::Object(verbs.collect()));
        }
        let path = format!("/api/{}", spec.name());
        let verbs = spec.verbs.iter().map(|verb| {
            let id = operation_id(spec, verb, "api");
            (verb.to_ascii_lowercase(), call(site, spec, verb, &id, Reached::Api))
        });
        paths.insert(path, Value::Object(verbs.collect()));
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": site.title(),
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Second-factor keys for authenticator apps. Every operation also answers \
                            below /{format}/reply/, and on its own path with the suffix of a format.",
        },
        "servers": [{ "url": site.base_url }],
        "paths": paths,
        "components": {
            "schemas": schema::all(site),
            "securitySchemes": security_schemes(),
        },
    })
}

/// By which kind of path an operation is reached.
#[derive(Clone, Copy)]
enum Reached {
    /// A path of its own, where `Accept` and `Content-Type` choose the format.
    Route(&'static str),
    /// `/api/`, which is JSON.
    Api,
}

fn operation_id(spec: &Spec, verb: &str, path: &str) -> String {
    let words = path.split(['/', '{', '}']).filter(|word| !word.is_empty());
    let path: Vec<&str> = words.collect();
    format!("{}_{}_{}", spec.name(), verb.to_ascii_lowercase(), path.join("_").replace('-', "_"))
}

fn call(site: &Site<'_>, spec: &'static Spec, verb: &str, id: &str, by: Reached) -> Value {
    let mut call = json!({
        "operationId": id,
        "summary": spec.summary,
        "description": sentence(spec.request.doc),
        "tags": [spec.name()],
        "responses": responses(site, spec, verb, by),
    });
    let parameters = parameters(site, spec, verb, by);
    if !parameters.is_empty() {
        call["parameters"] = Value::Array(parameters);
    }
    if verb != "GET" {
        let readable = site.data_formats().filter(|format| format.reads());
        call["requestBody"] = json!({
            "required": spec.request.fields.iter().any(|field| field.required),
            "content": content(site, readable, spec.request, by),
        });
    }
    if spec.access == Access::SignedIn {
        call["security"] = json!([{ "session": [] }, { "bearer": [] }, { "basic": [] }]);
    }
    call
}

/// Members in the path; for GET, the others in the query.
fn parameters(site: &Site<'_>, spec: &Spec, verb: &str, by: Reached) -> Vec<Value> {
    let path = match by {
        Reached::Route(path) => path,
        Reached::Api => "",
    };
    let in_path =
        |name: &str| path.split('/').any(|part| part.eq_ignore_ascii_case(&format!("{{{name}}}")));
    let described = |field: &crate::dto::FieldDef, name: &str, place: &str| {
        json!({
            "name": name,
            "in": place,
            "required": place == "path",
            "description": sentence(field.doc),
            "schema": schema::of(field.kind),
        })
    };
    let fields = spec.request.fields.iter();
    fields
        .filter_map(|field| {
            if in_path(field.name) {
                let name = path
                    .split('/')
                    .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
                    .find(|name| name.eq_ignore_ascii_case(field.name))?;
                Some(described(field, name, "path"))
            } else {
                // Dictionaries have no spelling in a query that tools agree on.
                (verb == "GET" && schema::is_plain(field.kind))
                    .then(|| described(field, field.spelled(site.host.case), "query"))
            }
        })
        .collect()
}

fn responses(site: &Site<'_>, spec: &'static Spec, verb: &str, by: Reached) -> Value {
    let mut answer = json!({
        "description": sentence(spec.response.doc),
        "content": content(site, site.formats.iter(), spec.response, by),
        "headers": headers(&["Cache-Control", "X-Request-Id"]),
    });
    if spec.name() == "Authenticate" {
        answer["headers"]["Set-Cookie"] =
            json!({ "description": "The session.", "schema": { "type": "string" } });
    }
    let mut responses = Map::from_iter([("200".to_owned(), answer)]);
    for (status, refusals) in refusal::by_status(spec, verb) {
        let mut named = vec!["Cache-Control", "X-Request-Id"];
        if refusals.iter().any(|refusal| refusal.code == "Unauthorized") {
            named.push("WWW-Authenticate");
        }
        if [429, 503].contains(&status) {
            named.push("Retry-After");
        }
        let sentences: Vec<&str> = refusals.iter().map(|refusal| refusal.when).collect();
        responses.insert(
            status.to_string(),
            json!({
                "description": sentences.join(" "),
                "content": refusal::content(site, spec, &refusals, matches!(by, Reached::Api)),
                "headers": headers(&named),
            }),
        );
    }
    Value::Object(responses)
}

fn headers(names: &[&str]) -> Value {
    let described = names.iter().map(|name| {
        let description = match *name {
            "Cache-Control" => "Always no-store: replies hold keys and tokens.",
            "X-Request-Id" => "The id of this exchange, which is in the service's log too.",
            "WWW-Authenticate" => "How to sign in, where the request said nothing of it.",
            _ => "After how many seconds it makes sense to try again.",
        };
        ((*name).to_owned(), json!({ "description": description, "schema": { "type": "string" } }))
    });
    Value::Object(described.collect())
}

/// A value of that type in every format, each with an example.
fn content<'a>(
    site: &Site<'_>,
    formats: impl Iterator<Item = &'a dyn Format>,
    def: &'static TypeDef,
    by: Reached,
) -> Value {
    let mut content = Map::new();
    for format in formats {
        if matches!(by, Reached::Api) && format.name() != site.formats.default().name() {
            continue;
        }
        let name = format.media_types()[0].name.to_owned();
        content.insert(name, media(site, format, def));
    }
    Value::Object(content)
}

/// What a media type holds. JSON has the type's schema, other texts their example.
fn media(site: &Site<'_>, format: &dyn Format, def: &'static TypeDef) -> Value {
    if !is_data(format) {
        return json!({ "schema": { "type": "string" } });
    }
    let text = sample::text(format, def, site.host);
    if format.name() == site.formats.default().name() {
        let example = serde_json::from_str::<Value>(&text).unwrap_or(Value::Null);
        return json!({ "schema": schema::reference(def), "example": example });
    }
    json!({ "schema": { "type": "string" }, "example": text })
}

fn security_schemes() -> Value {
    json!({
        "session": {
            "type": "apiKey", "in": "cookie", "name": "ss-id",
            "description": "The session that POST /auth/credentials begins.",
        },
        "bearer": {
            "type": "http", "scheme": "bearer", "bearerFormat": "JWT",
            "description": "A token of a sign-in, or an API key.",
        },
        "basic": { "type": "http", "scheme": "basic", "description": "Name and password." },
    })
}
