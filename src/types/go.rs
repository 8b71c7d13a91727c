//! Go.

use super::{Code, Comment, Language, Model, Options, sentence};
use crate::dto::{Kind, SERVICE_STACK};

/// Go.
pub(super) struct Go;

impl Language for Go {
    fn id(&self) -> &'static str {
        "go"
    }

    fn title(&self) -> &'static str {
        "Go"
    }

    fn comment(&self) -> &'static Comment {
        &Comment::STAR
    }

    fn options(&self) -> &'static [(&'static str, &'static str)] {
        &[("GlobalNamespace", "dtos"), ("AddDescriptionAsComments", "True")]
    }

    fn write(&self, model: &Model, options: &Options, out: &mut Code) {
        out.indent = "\t";
        // A package's name is one word.
        let package = options.get("GlobalNamespace").rsplit('.').next().unwrap_or("dtos");
        out.line(format!("package {package}"));
        let own: Vec<&str> = model.types.iter().map(|declared| declared.def.name).collect();
        let borrows = |kind: Kind| type_of(kind, &own).contains("servicestack.");
        let requests = model.requests().next().is_some();
        if requests || model.types.iter().any(|d| d.def.fields.iter().any(|f| borrows(f.kind))) {
            out.blank();
            out.line("import servicestack \"github.com/ServiceStack/servicestack-go\"");
        }
        for declared in &model.types {
            let name = declared.def.name;
            out.blank();
            document(&format!("{name}: {}", sentence(declared.def.doc)), options, out);
            for (path, verbs) in declared.routes() {
                out.line(format!("// @Route(\"{path}\", \"{verbs}\")"));
            }
            out.block(&format!("type {name} struct {{"), "}", |out| {
                for member in declared.def.fields {
                    document(&sentence(member.doc), options, out);
                    let (name, json) = (member.name, member.spelled(options.case));
                    let kind = match member.kind {
                        // Otherwise no and zero could not be told from nothing.
                        Kind::Bool | Kind::Int32 if !member.required => {
                            format!("*{}", type_of(member.kind, &own))
                        }
                        Kind::Object(_) => format!("*{}", type_of(member.kind, &own)),
                        _ => type_of(member.kind, &own),
                    };
                    out.line(format!("{name} {kind} `json:\"{json},omitempty\"`"));
                }
            });
            if let (Some(verb), Some(response)) = (declared.verb(), declared.response()) {
                let response = own_or_borrowed(response, &own);
                let (first, rest) = verb.split_at(1);
                let verb = format!("servicestack.Http{first}{}", rest.to_ascii_lowercase());
                out.blank();
                out.line(format!("func ({name}) CreateResponse() (r {response}) {{ return }}"));
                out.line(format!("func ({name}) HttpMethod() string {{ return {verb} }}"));
            }
        }
    }
}

fn document(text: &str, options: &Options, out: &mut Code) {
    if options.comments() {
        out.line(format!("// {text}"));
    }
}

fn own_or_borrowed(name: &str, own: &[&str]) -> String {
    if own.contains(&name) { name.to_owned() } else { format!("servicestack.{name}") }
}

fn type_of(kind: Kind, own: &[&str]) -> String {
    match kind {
        Kind::String => "string".into(),
        Kind::Bool => "bool".into(),
        Kind::Int32 => "int".into(),
        Kind::List(item) => format!("[]{}", type_of(*item, own)),
        Kind::Dictionary => "map[string]string".into(),
        Kind::Object(def) if def.namespace.clr == SERVICE_STACK.clr => {
            own_or_borrowed(def.name, own)
        }
        Kind::Object(def) => def.name.into(),
    }
}
