//! Rust, for the crate `servicestack`.

use super::{Code, Comment, Language, Model, Options, sentence};
use crate::dto::{Case, Kind, names};

/// Rust.
pub(super) struct Rust;

impl Language for Rust {
    fn id(&self) -> &'static str {
        "rust"
    }

    fn title(&self) -> &'static str {
        "Rust"
    }

    fn comment(&self) -> &'static Comment {
        &Comment::STAR
    }

    fn options(&self) -> &'static [(&'static str, &'static str)] {
        &[("AddDescriptionAsComments", "True")]
    }

    fn write(&self, model: &Model, options: &Options, out: &mut Code) {
        out.line("use serde::{Deserialize, Serialize};");
        let own: Vec<&str> = model.types.iter().map(|declared| declared.def.name).collect();
        let borrowed = borrowed(model, &own);
        if !borrowed.is_empty() {
            out.line(format!("use servicestack::{{{}}};", borrowed.join(", ")));
        }
        let rename = match options.case {
            Case::Camel => "camelCase",
            Case::Pascal => "PascalCase",
        };
        for declared in &model.types {
            let name = declared.def.name;
            out.blank();
            document(declared.def.doc, options, out);
            for (path, verbs) in declared.routes() {
                out.line(format!("// @Route(\"{path}\", \"{verbs}\")"));
            }
            out.line("#[derive(Serialize, Deserialize, Clone, Default)]");
            out.line(format!("#[serde(default, rename_all = \"{rename}\")]"));
            out.block(&format!("pub struct {name} {{"), "}", |out| {
                for member in declared.def.fields {
                    document(member.doc, options, out);
                    out.line("#[serde(skip_serializing_if = \"Option::is_none\")]");
                    let field = names::snake(member.name);
                    out.line(format!("pub {field}: Option<{}>,", type_of(member.kind)));
                }
            });
            if let (Some(verb), Some(response)) = (declared.verb(), declared.response()) {
                out.blank();
                out.block(&format!("impl IRequest for {name} {{"), "}", |out| {
                    out.line(format!("const NAME: &'static str = \"{name}\";"));
                    out.line(format!("const VERB: &'static str = \"{verb}\";"));
                });
                out.blank();
                out.block(&format!("impl IReturn for {name} {{"), "}", |out| {
                    out.line(format!("type Response = {response};"));
                });
            }
        }
    }
}

/// What is taken from the crate.
fn borrowed(model: &Model, own: &[&str]) -> Vec<&'static str> {
    let mut names = Vec::new();
    if model.requests().next().is_some() {
        names.extend(["IRequest", "IReturn"]);
    }
    for declared in &model.types {
        names.extend(declared.response());
        for field in declared.def.fields {
            let mut kind = field.kind;
            while let Kind::List(item) = kind {
                kind = *item;
            }
            if let Kind::Object(def) = kind {
                names.push(def.name);
            }
        }
    }
    names.retain(|name| !own.contains(name));
    names.sort_unstable();
    names.dedup();
    names
}

fn document(doc: &str, options: &Options, out: &mut Code) {
    if options.comments() {
        out.line(format!("/// {}", sentence(doc)));
    }
}

fn type_of(kind: Kind) -> String {
    match kind {
        Kind::String => "String".into(),
        Kind::Bool => "bool".into(),
        Kind::Int32 => "i32".into(),
        Kind::List(item) => format!("Vec<{}>", type_of(*item)),
        Kind::Dictionary => "std::collections::HashMap<String, String>".into(),
        Kind::Object(def) => def.name.into(),
    }
}
