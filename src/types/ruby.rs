//! Ruby.

use super::{Code, Comment, Language, Model, Options, sentence};
use crate::dto::{Kind, names};

/// Ruby.
pub(super) struct Ruby;

impl Language for Ruby {
    fn id(&self) -> &'static str {
        "ruby"
    }

    fn title(&self) -> &'static str {
        "Ruby"
    }

    fn comment(&self) -> &'static Comment {
        const {
            &Comment {
                open: "# Options:\n=begin",
                line: "",
                off: "#",
                close: "=end",
                namespace: "",
            }
        }
    }

    fn options(&self) -> &'static [(&'static str, &'static str)] {
        &[("AddDescriptionAsComments", "True")]
    }

    fn write(&self, model: &Model, options: &Options, out: &mut Code) {
        out.line("require 'servicestack'");
        let own: Vec<&str> = model.types.iter().map(|declared| declared.def.name).collect();
        if let Some(marker) = markers(model) {
            out.blank();
            out.line("# Which verb a request is sent with.");
            for name in marker {
                out.line(format!("module {name}; end unless defined?({name})"));
            }
        }
        for declared in &model.types {
            let name = declared.def.name;
            out.blank();
            document(declared.def.doc, options, out);
            for (path, verbs) in declared.routes() {
                out.line(format!("# @Route(\"{path}\", \"{verbs}\")"));
            }
            out.block(&format!("class {name}"), "end", |out| {
                out.line("include ServiceStack::DTO");
                if let Some(marker) = declared.marker() {
                    out.line(format!("include {marker}"));
                }
                for member in declared.def.fields {
                    out.blank();
                    document(member.doc, options, out);
                    out.line(format!("# @return [{}]", documented(member.kind, &own)));
                    out.line(format!("attr_accessor :{}", names::snake(member.name)));
                }
                out.blank();
                out.block("def self.properties", "end", |out| {
                    out.block("{", "}", |out| {
                        for member in declared.def.fields {
                            let kind = of_dtos(member.kind, &own);
                            let kind = kind.map(|kind| format!(", type: {kind}"));
                            out.line(format!(
                                "{}: {{ name: '{}'{} }},",
                                names::snake(member.name),
                                member.spelled(options.case),
                                kind.unwrap_or_default()
                            ));
                        }
                    });
                });
                if let (Some(verb), Some(response)) = (declared.verb(), declared.response()) {
                    out.blank();
                    out.line(format!("def response_type() = {}", scoped(response, &own)));
                    out.line(format!("def get_type_name() = '{name}'"));
                    out.line(format!("def get_method() = '{verb}'"));
                }
            });
        }
    }
}

fn markers(model: &Model) -> Option<Vec<String>> {
    let mut markers: Vec<String> = model.requests().filter_map(super::Declared::marker).collect();
    markers.sort();
    markers.dedup();
    (!markers.is_empty()).then_some(markers)
}

fn document(doc: &str, options: &Options, out: &mut Code) {
    if options.comments() {
        out.line(format!("# {}", sentence(doc)));
    }
}

/// A type's constant: the library's own stand in its module.
fn scoped(name: &str, own: &[&str]) -> String {
    if own.contains(&name) { name.to_owned() } else { format!("ServiceStack::{name}") }
}

/// What the library must know to read a member: the class of the DTOs it holds.
fn of_dtos(kind: Kind, own: &[&str]) -> Option<String> {
    match kind {
        Kind::Object(def) => Some(scoped(def.name, own)),
        Kind::List(item) => of_dtos(*item, own).map(|item| format!("[{item}]")),
        Kind::String | Kind::Bool | Kind::Int32 | Kind::Dictionary => None,
    }
}

fn documented(kind: Kind, own: &[&str]) -> String {
    match kind {
        Kind::String => "String".into(),
        Kind::Bool => "Boolean".into(),
        Kind::Int32 => "Integer".into(),
        Kind::List(item) => format!("Array<{}>", documented(*item, own)),
        Kind::Dictionary => "Hash{String => String}".into(),
        Kind::Object(def) => scoped(def.name, own),
    }
}
