//! The one type model under all languages: which types the operations have, and which are asked for.

use super::Options;
use crate::dto::{Kind, TypeDef};
use crate::operation::{Operations, Spec};

/// A type to write.
pub struct Declared {
    /// Its description.
    pub def: &'static TypeDef,
    /// The operation that it asks for, if it is a request.
    pub request: Option<&'static Spec>,
}

impl Declared {
    /// The response's name, for a request.
    #[must_use]
    pub fn response(&self) -> Option<&'static str> {
        self.request.map(|spec| spec.response.name)
    }

    /// The verb that clients send it with, for a request.
    #[must_use]
    pub fn verb(&self) -> Option<&'static str> {
        self.request.map(verb_of)
    }

    /// The marker interface of that verb, `IPut`.
    #[must_use]
    pub fn marker(&self) -> Option<String> {
        self.verb().map(marker)
    }

    /// Path and verbs of its routes, as the attributes of most languages have them.
    pub fn routes(&self) -> impl Iterator<Item = (&'static str, String)> {
        let routes = self.request.map_or(&[][..], |spec| spec.routes);
        routes.iter().map(|route| (route.path, route.verbs.join(",")))
    }
}

/// The verb that clients send an operation with: the one that changes something, where it has more
/// than one.
#[must_use]
pub fn verb_of(spec: &'static Spec) -> &'static str {
    spec.verbs.iter().find(|verb| **verb != "GET").or(spec.verbs.first()).copied().unwrap_or("POST")
}

fn marker(verb: &'static str) -> String {
    let (first, rest) = verb.split_at(1);
    format!("I{first}{}", rest.to_ascii_lowercase())
}

/// The types to write, each after those it is made of: parts, responses, requests.
pub struct Model {
    /// The types.
    pub types: Vec<Declared>,
}

impl Model {
    /// The types that `options` ask for, without those that `has` says are there anyway. A type that
    /// is named is written even so.
    #[must_use]
    pub fn of(operations: &Operations, options: &Options, has: impl Fn(&TypeDef) -> bool) -> Self {
        let all = all(operations);
        let include = Selection::of(options.get("IncludeTypes"), &all);
        let exclude = Selection::of(options.get("ExcludeTypes"), &all);
        let wanted = |declared: &Declared| {
            let name = declared.def.name;
            let asked = match &include {
                None => !has(declared.def),
                Some(names) => {
                    names.named.contains(&name)
                        || names.referred.contains(&name) && !has(declared.def)
                }
            };
            asked && !exclude.as_ref().is_some_and(|names| names.named.contains(&name))
        };
        Self { types: all.into_iter().filter(wanted).collect() }
    }

    /// The declared types that are requests.
    pub fn requests(&self) -> impl Iterator<Item = &Declared> {
        self.types.iter().filter(|declared| declared.request.is_some())
    }
}

/// Every type of every operation, once.
fn all(operations: &Operations) -> Vec<Declared> {
    let specs: Vec<&'static Spec> =
        operations.iter().map(super::super::operation::AnyOperation::spec).collect();
    let mut types = Vec::new();
    for spec in &specs {
        parts(spec.request, &mut types);
        parts(spec.response, &mut types);
    }
    for spec in &specs {
        add(spec.response, None, &mut types);
    }
    for spec in &specs {
        add(spec.request, Some(spec), &mut types);
    }
    types
}

fn add(def: &'static TypeDef, request: Option<&'static Spec>, types: &mut Vec<Declared>) {
    match types.iter_mut().find(|known| known.def.name == def.name) {
        Some(known) => known.request = known.request.or(request),
        None => types.push(Declared { def, request }),
    }
}

/// The types that members of `def` hold, innermost first.
fn parts(def: &'static TypeDef, types: &mut Vec<Declared>) {
    for field in def.fields {
        let mut kind = field.kind;
        while let Kind::List(item) = kind {
            kind = *item;
        }
        if let Kind::Object(part) = kind
            && part.name != def.name
            && !types.iter().any(|known| known.def.name == part.name)
        {
            parts(part, types);
            add(part, None, types);
        }
    }
}

/// What `IncludeTypes` or `ExcludeTypes` says: `Name`, or `Name.*` for all that it leads to.
struct Selection {
    named: Vec<&'static str>,
    referred: Vec<&'static str>,
}

impl Selection {
    fn of(list: &str, all: &[Declared]) -> Option<Self> {
        if list.is_empty() {
            return None;
        }
        let mut selection = Self { named: Vec::new(), referred: Vec::new() };
        for item in list.split(',').map(str::trim) {
            let (name, deep) = item.strip_suffix(".*").map_or((item, false), |name| (name, true));
            let Some(declared) = all.iter().find(|known| known.def.name == name) else { continue };
            selection.named.push(declared.def.name);
            if deep {
                let mut led_to = Vec::new();
                parts(declared.def, &mut led_to);
                if let Some(spec) = declared.request {
                    selection.named.push(spec.response.name);
                    parts(spec.response, &mut led_to);
                }
                selection.referred.extend(led_to.iter().map(|part| part.def.name));
            }
        }
        Some(selection)
    }
}

/// Documentation as one line.
#[must_use]
pub fn sentence(doc: &str) -> String {
    doc.split_whitespace().collect::<Vec<_>>().join(" ")
}
