//! Visual Basic.

use super::clr::{self, Item};
use super::{Code, Comment, Language, Model, Options};
use crate::dto::{FieldDef, Kind};

/// Visual Basic.
pub(super) struct VbNet;

impl Language for VbNet {
    fn id(&self) -> &'static str {
        "vbnet"
    }

    fn title(&self) -> &'static str {
        "VB.NET"
    }

    fn comment(&self) -> &'static Comment {
        &Comment { open: "' Options:", line: "'", off: "''", close: "", namespace: "" }
    }

    fn options(&self) -> &'static [(&'static str, &'static str)] {
        clr::OPTIONS
    }

    fn write(&self, model: &Model, options: &Options, out: &mut Code) {
        for import in clr::imports(model, options) {
            out.line(format!("Imports {import}"));
        }
        out.blank();
        // Without this, the project's own root namespace would come before ours.
        out.block("Namespace Global", "End Namespace", |out| {
            for space in clr::spaces(model, options) {
                out.blank();
                out.block(&format!("Namespace {}", space.name), "End Namespace", |out| {
                    for item in &space.items {
                        out.blank();
                        write_item(item, options, out);
                    }
                });
            }
        });
    }
}

fn write_item(item: &Item, options: &Options, out: &mut Code) {
    match item {
        Item::Interface(name, members) => {
            out.block(&format!("Public Interface {name}"), "End Interface", |out| {
                for member in members {
                    out.line(format!("Property {} As {}", member.name, type_of(member)));
                }
            });
        }
        Item::Base(base, members) => {
            let head = format!("Partial Public Class {}(Of TResponse)", base.name);
            out.block(&head, "End Class", |out| {
                if let Some(base) = base.base {
                    out.line(format!("Inherits {}(Of TResponse)", base.name));
                }
                for interface in base.implements {
                    out.line(format!("Implements {interface}"));
                }
                for member in members {
                    let interfaces: Vec<String> = base
                        .implements
                        .iter()
                        .map(|interface| format!("{interface}.{}", member.name))
                        .collect();
                    let implements = if options.listing || interfaces.is_empty() {
                        String::new()
                    } else {
                        format!(" Implements {}", interfaces.join(", "))
                    };
                    property(member, &implements, options, out);
                }
            });
        }
        Item::Dto(declared) => {
            summary(declared.def.doc, options, out);
            if !options.listing {
                for (path, verbs) in declared.routes() {
                    out.line(format!("<Route(\"{path}\", \"{verbs}\")>"));
                }
            }
            let head = format!("Partial Public Class {}", declared.def.name);
            out.block(&head, "End Class", |out| {
                let response = declared.response().unwrap_or_default();
                if let Some(base) = declared.def.base {
                    out.line(format!("Inherits {}(Of {response})", base.name));
                }
                for marker in clr::markers(declared, options, ("(Of ", ")")) {
                    out.line(format!("Implements {marker}"));
                }
                for member in clr::own(declared.def) {
                    property(member, "", options, out);
                }
            });
        }
    }
}

fn property(member: &FieldDef, implements: &str, options: &Options, out: &mut Code) {
    summary(member.doc, options, out);
    let (name, kind) = (member.name, type_of(member));
    out.line(format!("Public Overridable Property {name} As {kind}{implements}"));
}

fn summary(doc: &str, options: &Options, out: &mut Code) {
    clr::summary("'''", doc, options, out);
}

fn type_of(member: &FieldDef) -> String {
    let kind = kind(member.kind);
    if clr::is_value(member.kind) && !member.required {
        format!("Nullable(Of {kind})")
    } else {
        kind
    }
}

fn kind(kind: Kind) -> String {
    match kind {
        Kind::String => "String".into(),
        Kind::Bool => "Boolean".into(),
        Kind::Int32 => "Integer".into(),
        Kind::List(item) => format!("List(Of {})", self::kind(*item)),
        Kind::Dictionary => "Dictionary(Of String, String)".into(),
        Kind::Object(def) => def.name.into(),
    }
}
