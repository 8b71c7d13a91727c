//! F#, where a type must stand after those it names.

use super::clr::{self, Item};
use super::{Code, Comment, Language, Model, Options};
use crate::dto::{FieldDef, Kind};

/// F#.
pub(super) struct FSharp;

impl Language for FSharp {
    fn id(&self) -> &'static str {
        "fsharp"
    }

    fn title(&self) -> &'static str {
        "F#"
    }

    fn comment(&self) -> &'static Comment {
        &Comment { open: "(* Options:", line: "", off: "//", close: "*)", namespace: "" }
    }

    fn options(&self) -> &'static [(&'static str, &'static str)] {
        clr::OPTIONS
    }

    fn write(&self, model: &Model, options: &Options, out: &mut Code) {
        let own: Vec<String> =
            clr::spaces(model, options).into_iter().map(|space| space.name).collect();
        let mut declared = Vec::new();
        for space in clr::spaces(model, options) {
            out.line(format!("namespace {}", space.name));
            out.blank();
            for import in clr::imports(model, options) {
                // A namespace of ours can be opened once it is declared.
                if !own.contains(&import) || declared.contains(&import) {
                    out.line(format!("open {import}"));
                }
            }
            out.blank();
            out.indented(|out| {
                for item in &space.items {
                    write_item(item, options, out);
                    out.blank();
                }
            });
            declared.push(space.name);
        }
    }
}

fn write_item(item: &Item, options: &Options, out: &mut Code) {
    match item {
        Item::Interface(name, members) => {
            out.line(format!("type {name} ="));
            out.indented(|out| {
                for member in members {
                    out.line(format!(
                        "abstract {}: {} with get, set",
                        member.name,
                        type_of(member)
                    ));
                }
            });
        }
        Item::Base(base, members) => {
            out.line("[<AllowNullLiteral>]");
            out.line(format!("type {}<'TResponse>() =", base.name));
            out.indented(|out| {
                if let Some(base) = base.base {
                    out.line(format!("inherit {}<'TResponse>()", base.name));
                }
                for member in members {
                    property(member, options, out);
                }
                for interface in base.implements {
                    implement(interface, members, options, out);
                }
            });
        }
        Item::Dto(declared) => {
            summary(declared.def.doc, options, out);
            if !options.listing {
                for (path, verbs) in declared.routes() {
                    out.line(format!("[<Route(\"{path}\", \"{verbs}\")>]"));
                }
            }
            out.line("[<AllowNullLiteral>]");
            out.line(format!("type {}() =", declared.def.name));
            out.indented(|out| {
                if let Some(base) = declared.def.base {
                    let response = declared.response().unwrap_or_default();
                    out.line(format!("inherit {}<{response}>()", base.name));
                }
                for member in clr::own(declared.def) {
                    property(member, options, out);
                }
                for marker in clr::markers(declared, options, ("<", ">")) {
                    out.line(format!("interface {marker}"));
                }
            });
        }
    }
}

/// An interface of the client library is a mark; one of the original wants the members.
fn implement(interface: &str, members: &[&FieldDef], options: &Options, out: &mut Code) {
    if members.is_empty() || options.listing {
        out.line(format!("interface {interface}"));
        return;
    }
    out.line(format!("interface {interface} with"));
    out.indented(|out| {
        for member in members {
            let name = member.name;
            out.line(format!("member this.{name}"));
            out.indented(|out| {
                out.line(format!("with get () = this.{name}"));
                out.line(format!("and set value = this.{name} <- value"));
            });
        }
    });
}

fn property(member: &FieldDef, options: &Options, out: &mut Code) {
    summary(member.doc, options, out);
    let kind = type_of(member);
    let start = if clr::is_value(member.kind) && !member.required {
        "Nullable()"
    } else if clr::is_value(member.kind) {
        "Unchecked.defaultof<_>"
    } else {
        "null"
    };
    out.line(format!("member val {}: {kind} = {start} with get, set", member.name));
}

fn summary(doc: &str, options: &Options, out: &mut Code) {
    clr::summary("///", doc, options, out);
}

fn type_of(member: &FieldDef) -> String {
    let kind = kind(member.kind);
    if clr::is_value(member.kind) && !member.required { format!("Nullable<{kind}>") } else { kind }
}

fn kind(kind: Kind) -> String {
    match kind {
        Kind::String => "string".into(),
        Kind::Bool => "bool".into(),
        Kind::Int32 => "int".into(),
        Kind::List(item) => format!("ResizeArray<{}>", self::kind(*item)),
        Kind::Dictionary => "Dictionary<string, string>".into(),
        Kind::Object(def) => def.name.into(),
    }
}
