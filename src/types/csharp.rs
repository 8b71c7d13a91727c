//! C#.

use super::clr::{self, Item};
use super::{Code, Comment, Language, Model, Options};
use crate::dto::{FieldDef, Kind};

/// C#.
pub(super) struct CSharp;

impl Language for CSharp {
    fn id(&self) -> &'static str {
        "csharp"
    }

    fn title(&self) -> &'static str {
        "C#"
    }

    fn comment(&self) -> &'static Comment {
        &Comment::STAR
    }

    fn options(&self) -> &'static [(&'static str, &'static str)] {
        &[
            ("GlobalNamespace", ""),
            ("MakePartial", "True"),
            ("MakeVirtual", "True"),
            ("AddDescriptionAsComments", "True"),
            ("AddNamespaces", ""),
        ]
    }

    fn write(&self, model: &Model, options: &Options, out: &mut Code) {
        for import in clr::imports(model, options) {
            out.line(format!("using {import};"));
        }
        out.blank();
        for mut space in clr::spaces(model, options) {
            space.items.sort_by_key(Item::name);
            out.line(format!("namespace {}", space.name));
            out.block("{", "}", |out| {
                for item in &space.items {
                    write_item(item, options, out);
                    out.blank();
                }
            });
            out.blank();
        }
    }
}

fn write_item(item: &Item, options: &Options, out: &mut Code) {
    let partial = if options.is_on("MakePartial") { "partial " } else { "" };
    match item {
        Item::Interface(name, members) => {
            out.line(format!("public {partial}interface {name}"));
            out.block("{", "}", |out| {
                for member in members {
                    out.line(format!("{} {} {{ get; set; }}", type_of(member), member.name));
                }
            });
        }
        Item::Base(base, members) => {
            let derived = base.base.map(|base| format!("{}<TResponse>", base.name));
            let implemented = base.implements.iter().map(|name| (*name).to_owned());
            let inherits: Vec<String> = derived.into_iter().chain(implemented).collect();
            let head = format!("public {partial}class {}<TResponse>", base.name);
            class(&head, &inherits, members.iter().copied(), options, out);
        }
        Item::Dto(declared) => {
            summary(declared.def.doc, options, out);
            if !options.listing {
                for (path, verbs) in declared.routes() {
                    out.line(format!("[Route(\"{path}\", \"{verbs}\")]"));
                }
            }
            let response = declared.response().unwrap_or_default();
            let derived = declared.def.base.map(|base| format!("{}<{response}>", base.name));
            let markers = clr::markers(declared, options, ("<", ">"));
            let inherits: Vec<String> = derived.into_iter().chain(markers).collect();
            let head = format!("public {partial}class {}", declared.def.name);
            class(&head, &inherits, clr::own(declared.def), options, out);
        }
    }
}

fn class(
    head: &str,
    inherits: &[String],
    members: impl Iterator<Item = &'static FieldDef>,
    options: &Options,
    out: &mut Code,
) {
    out.line(head);
    if !inherits.is_empty() {
        out.indented(|out| out.line(format!(": {}", inherits.join(", "))));
    }
    let kept = if options.is_on("MakeVirtual") { "virtual " } else { "" };
    out.block("{", "}", |out| {
        for member in members {
            summary(member.doc, options, out);
            out.line(format!("public {kept}{} {} {{ get; set; }}", type_of(member), member.name));
        }
    });
}

fn summary(doc: &str, options: &Options, out: &mut Code) {
    clr::summary("///", doc, options, out);
}

fn type_of(member: &FieldDef) -> String {
    let nullable = if clr::is_value(member.kind) && !member.required { "?" } else { "" };
    format!("{}{nullable}", kind(member.kind))
}

fn kind(kind: Kind) -> String {
    match kind {
        Kind::String => "string".into(),
        Kind::Bool => "bool".into(),
        Kind::Int32 => "int".into(),
        Kind::List(item) => format!("List<{}>", self::kind(*item)),
        Kind::Dictionary => "Dictionary<string, string>".into(),
        Kind::Object(def) => def.name.into(),
    }
}
