//! TypeScript: as classes, as declarations alone, and as the JavaScript module that the classes
//! compile to, with its types in JSDoc.
//!
//! The client library has the marker interfaces, but finds them by shape: the documents stand alone.
//! Values go to and come from JSON as they are, so the name of a member is its name there.

use super::{Code, Comment, Declared, Language, Model, Options, sentence};
use crate::dto::{FieldDef, Kind, TypeDef};

/// Classes.
pub(super) struct TypeScript;
/// Declarations.
pub(super) struct Declarations;
/// A JavaScript module.
pub(super) struct Module;

/// What they all heed. Everything lies in one module, so there is no namespace to name.
const OPTIONS: &[(&str, &str)] =
    &[("MakePropertiesOptional", "True"), ("AddDescriptionAsComments", "True")];

impl Language for TypeScript {
    fn id(&self) -> &'static str {
        "typescript"
    }

    fn title(&self) -> &'static str {
        "TypeScript"
    }

    fn comment(&self) -> &'static Comment {
        &Comment::STAR
    }

    fn options(&self) -> &'static [(&'static str, &'static str)] {
        OPTIONS
    }

    fn has(&self, _: &TypeDef) -> bool {
        false
    }

    fn write(&self, model: &Model, options: &Options, out: &mut Code) {
        interfaces("export ", model, out);
        for declared in &model.types {
            let name = declared.def.name;
            describe(declared, options, out);
            let implements = implements(declared);
            let clause = if implements.is_empty() {
                String::new()
            } else {
                format!(" implements {}", implements.join(", "))
            };
            out.line(format!("export class {name}{clause}"));
            out.block("{", "}", |out| {
                for member in declared.def.fields {
                    document(member.doc, options, out);
                    let end = if optional(member, options) { "?" } else { "!" };
                    let name = member.spelled(options.case);
                    out.line(format!("public {name}{end}: {};", type_of(member.kind)));
                }
                out.blank();
                out.line(format!(
                    "public constructor(init?: Partial<{name}>) {{ (Object as any).assign(this, init); }}"
                ));
                if let (Some(verb), Some(response)) = (declared.verb(), declared.response()) {
                    out.line(format!("public getTypeName() {{ return '{name}'; }}"));
                    out.line(format!("public getMethod() {{ return '{verb}'; }}"));
                    out.line(format!("public createResponse() {{ return new {response}(); }}"));
                }
            });
            out.blank();
        }
    }
}

impl Language for Declarations {
    fn id(&self) -> &'static str {
        "typescript.d"
    }

    fn title(&self) -> &'static str {
        "TypeScript declarations"
    }

    fn comment(&self) -> &'static Comment {
        &Comment::STAR
    }

    fn options(&self) -> &'static [(&'static str, &'static str)] {
        const {
            &[
                ("GlobalNamespace", ""),
                ("MakePropertiesOptional", "True"),
                ("AddDescriptionAsComments", "True"),
            ]
        }
    }

    fn has(&self, _: &TypeDef) -> bool {
        false
    }

    fn write(&self, model: &Model, options: &Options, out: &mut Code) {
        let namespace = options.get("GlobalNamespace");
        if namespace.is_empty() {
            declare(model, options, out);
        } else {
            let head = format!("declare module {namespace} {{");
            out.block(&head, "}", |out| declare(model, options, out));
        }
    }
}

fn declare(model: &Model, options: &Options, out: &mut Code) {
    interfaces("", model, out);
    for declared in &model.types {
        describe(declared, options, out);
        let extends = implements(declared);
        let clause = if extends.is_empty() {
            String::new()
        } else {
            format!(" extends {}", extends.join(", "))
        };
        out.line(format!("interface {}{clause}", declared.def.name));
        out.block("{", "}", |out| {
            for member in declared.def.fields {
                document(member.doc, options, out);
                let end = if optional(member, options) { "?" } else { "" };
                let name = member.spelled(options.case);
                out.line(format!("{name}{end}: {};", type_of(member.kind)));
            }
        });
        out.blank();
    }
}

impl Language for Module {
    fn id(&self) -> &'static str {
        "mjs"
    }

    fn title(&self) -> &'static str {
        "JavaScript"
    }

    fn media_type(&self) -> &'static str {
        "text/javascript; charset=utf-8"
    }

    fn comment(&self) -> &'static Comment {
        &Comment::STAR
    }

    fn options(&self) -> &'static [(&'static str, &'static str)] {
        &[("AddDescriptionAsComments", "True")]
    }

    fn has(&self, _: &TypeDef) -> bool {
        false
    }

    fn write(&self, model: &Model, options: &Options, out: &mut Code) {
        out.line("\"use strict\";");
        out.blank();
        for declared in &model.types {
            let name = declared.def.name;
            describe(declared, options, out);
            out.block(&format!("export class {name} {{"), "}", |out| {
                let members = declared.def.fields;
                let shape: Vec<String> = members
                    .iter()
                    .map(|member| {
                        format!("{}?:{}", member.spelled(options.case), type_of(member.kind))
                    })
                    .collect();
                out.line(format!("/** @param {{{{{}}}}} [init] */", shape.join(",")));
                out.line("constructor(init) { Object.assign(this, init) }");
                for member in members {
                    let says = if options.comments() {
                        format!(" {}", sentence(member.doc))
                    } else {
                        String::new()
                    };
                    out.line(format!("/** @type {{{}|undefined}}{says} */", type_of(member.kind)));
                    out.line(format!("{};", member.spelled(options.case)));
                }
                if let (Some(verb), Some(response)) = (declared.verb(), declared.response()) {
                    out.line(format!("getTypeName() {{ return '{name}' }}"));
                    out.line(format!("getMethod() {{ return '{verb}' }}"));
                    out.line(format!("createResponse() {{ return new {response}() }}"));
                }
            });
            out.blank();
        }
    }
}

/// The interfaces that requests are marked by.
fn interfaces(export: &str, model: &Model, out: &mut Code) {
    if model.requests().next().is_none() {
        return;
    }
    out.line(format!("{export}interface IReturn<T>"));
    out.block("{", "}", |out| out.line("createResponse(): T;"));
    out.blank();
    let mut markers: Vec<String> = model.requests().filter_map(Declared::marker).collect();
    markers.sort();
    markers.dedup();
    for marker in markers {
        out.line(format!("{export}interface {marker} {{}}"));
    }
    out.blank();
}

fn implements(declared: &Declared) -> Vec<String> {
    let returns = declared.response().map(|response| format!("IReturn<{response}>"));
    returns.into_iter().chain(declared.marker()).collect()
}

fn describe(declared: &Declared, options: &Options, out: &mut Code) {
    document(declared.def.doc, options, out);
    for (path, verbs) in declared.routes() {
        out.line(format!("// @Route(\"{path}\", \"{verbs}\")"));
    }
}

fn document(doc: &str, options: &Options, out: &mut Code) {
    if options.comments() {
        out.line(format!("/** @description {} */", sentence(doc)));
    }
}

fn optional(member: &FieldDef, options: &Options) -> bool {
    !member.required || options.is_on("MakePropertiesOptional")
}

fn type_of(kind: Kind) -> String {
    match kind {
        Kind::String => "string".into(),
        Kind::Bool => "boolean".into(),
        Kind::Int32 => "number".into(),
        Kind::List(item) => format!("{}[]", type_of(*item)),
        Kind::Dictionary => "{ [index:string]: string; }".into(),
        Kind::Object(def) => def.name.into(),
    }
}
