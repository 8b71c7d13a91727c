//! The operations as JSON, in the shape of ServiceStack's `MetadataTypes`: what `x inspect`, IDE
//! plugins and other code generators read (`fixtures/wire`, need 58).

use serde_json::{Map, Value, json};

use super::Site;
use crate::dto::{BaseType, Case, FieldDef, Kind, TypeDef};
use crate::operation::{Access, Spec};
use crate::types::{LANGUAGES, Model, Options, sentence, verb_of};

/// The document of `/types/metadata.json`, of the types that `options` ask for.
#[must_use]
pub fn types(site: &Site<'_>, options: &Options) -> Value {
    let model = Model::of(site.operations, options, |_| false);
    let wanted = |def: &TypeDef| model.types.iter().any(|known| known.def.name == def.name);
    let specs: Vec<&'static Spec> =
        site.operations.iter().map(super::super::operation::AnyOperation::spec).collect();
    let is_message = |def: &TypeDef| {
        specs.iter().any(|spec| [spec.request.name, spec.response.name].contains(&def.name))
    };
    let parts: Vec<Value> = model
        .types
        .iter()
        .filter(|declared| !is_message(declared.def))
        .map(|declared| described(declared.def, None))
        .collect();
    let operations: Vec<Value> =
        specs.iter().filter(|spec| wanted(spec.request)).map(|spec| operation(spec)).collect();
    let mut namespaces: Vec<&str> =
        model.types.iter().map(|declared| declared.def.namespace.clr).collect();
    namespaces.sort_unstable();
    namespaces.dedup();
    json!({
        "config": { "baseUrl": site.base_url, "addReturnMarker": true, "makePartial": true,
                    "makeVirtual": true, "addDescriptionAsComments": true },
        "namespaces": namespaces,
        "types": parts,
        "operations": operations,
    })
}

/// The document of `/metadata/app.json`.
#[must_use]
pub fn app(site: &Site<'_>) -> Value {
    let options = Options::of(LANGUAGES[0], &[], site.base_url, "", site.host.case);
    let languages: Map<String, Value> = LANGUAGES
        .iter()
        .map(|language| (language.id().to_owned(), json!(language.title())))
        .collect();
    let providers = ["credentials", "basic", "jwt", "apikey"].map(|name| json!({ "name": name }));
    let media_types: Map<String, Value> = site
        .formats
        .iter()
        .map(|format| (format.name().to_owned(), json!(format.media_types()[0].name)))
        .collect();
    let case = match site.host.case {
        Case::Camel => "CamelCase",
        Case::Pascal => "Default",
    };
    json!({
        "app": {
            "baseUrl": site.base_url,
            "serviceName": site.title(),
            "apiVersion": env!("CARGO_PKG_VERSION"),
            "jsTextCase": case,
        },
        "contentTypeFormats": media_types,
        "httpHandlers": { "metadata": "/metadata", "openapi": "/openapi.json", "enrol": "/enrol" },
        "plugins": {
            "loaded": ["metadata", "types", "auth"],
            "auth": {
                "hasAuthSecret": false,
                "authProviders": providers,
            },
            "languages": languages,
        },
        "api": types(site, &options),
    })
}

fn operation(spec: &'static Spec) -> Value {
    let routes: Vec<Value> = spec
        .routes
        .iter()
        .map(|route| json!({ "path": route.path, "verbs": route.verbs.join(",") }))
        .collect();
    json!({
        "request": described(spec.request, Some(spec.response.name)),
        "response": described(spec.response, None),
        "actions": spec.verbs,
        "method": verb_of(spec),
        "returnType": { "name": spec.response.name, "namespace": spec.response.namespace.clr },
        "routes": routes,
        "requiresAuth": spec.access == Access::SignedIn,
        "description": spec.summary,
    })
}

fn described(def: &'static TypeDef, response: Option<&str>) -> Value {
    let mut described = json!({
        "name": def.name,
        "namespace": def.namespace.clr,
        "description": sentence(def.doc),
        "properties": def.fields.iter().map(property).collect::<Vec<_>>(),
    });
    if let Some(base) = def.base {
        described["inherits"] = inherited(base, response);
    }
    if let Some(response) = response {
        described["implements"] = json!([{
            "name": "IReturn`1",
            "namespace": "ServiceStack",
            "genericArgs": [response],
        }]);
    }
    described
}

fn inherited(base: &BaseType, argument: Option<&str>) -> Value {
    json!({
        "name": format!("{}`1", base.name),
        "namespace": base.namespace.clr,
        "genericArgs": [argument.unwrap_or("TResponse")],
    })
}

fn property(field: &FieldDef) -> Value {
    let (name, namespace, arguments) = kind(field.kind);
    let mut described = json!({
        "name": field.name,
        "type": name,
        "namespace": namespace,
        "description": sentence(field.doc),
        "isRequired": field.required,
    });
    if !arguments.is_empty() {
        described["genericArgs"] = json!(arguments);
    }
    if matches!(field.kind, Kind::Bool | Kind::Int32) {
        described["isValueType"] = json!(true);
        if !field.required {
            described["type"] = json!("Nullable`1");
            described["genericArgs"] = json!([name]);
        }
    }
    described
}

/// The CLR's name of a kind, its namespace and its type arguments.
fn kind(kind: Kind) -> (&'static str, &'static str, Vec<&'static str>) {
    match kind {
        Kind::String => ("String", "System", Vec::new()),
        Kind::Bool => ("Boolean", "System", Vec::new()),
        Kind::Int32 => ("Int32", "System", Vec::new()),
        Kind::List(item) => ("List`1", "System.Collections.Generic", vec![self::kind(*item).0]),
        Kind::Dictionary => {
            ("Dictionary`2", "System.Collections.Generic", vec!["String", "String"])
        }
        Kind::Object(def) => (def.name, def.namespace.clr, Vec::new()),
    }
}
