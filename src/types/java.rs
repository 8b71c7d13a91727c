//! Java: one class that holds the others, so that one file is enough. The library (Gson) takes the name of
//! a field for its name in JSON.

use super::{Code, Comment, Language, Model, Options, sentence};
use crate::dto::{Kind, TypeDef};

/// Java.
pub(super) struct Java;

/// What the client library of Java and Kotlin has; `Authenticate` is not among it.
pub(super) fn has(def: &TypeDef) -> bool {
    ["ResponseStatus", "ResponseError", "ErrorResponse"].contains(&def.name)
}

/// What it heeds.
const OPTIONS: &[(&str, &str)] =
    &[("Package", ""), ("GlobalNamespace", "dtos"), ("AddDescriptionAsComments", "True")];

impl Language for Java {
    fn id(&self) -> &'static str {
        "java"
    }

    fn title(&self) -> &'static str {
        "Java"
    }

    fn comment(&self) -> &'static Comment {
        &Comment::STAR
    }

    fn options(&self) -> &'static [(&'static str, &'static str)] {
        OPTIONS
    }

    fn has(&self, def: &TypeDef) -> bool {
        has(def)
    }

    fn write(&self, model: &Model, options: &Options, out: &mut Code) {
        if !options.get("Package").is_empty() {
            out.line(format!("package {};", options.get("Package")));
            out.blank();
        }
        out.line("import java.util.*;");
        out.line("import net.servicestack.client.*;");
        out.blank();
        out.line(format!("public class {}", options.get("GlobalNamespace")));
        out.block("{", "}", |out| {
            for declared in &model.types {
                let name = declared.def.name;
                document(declared.def.doc, options, out);
                // The annotation can stand once; further routes are told in comments.
                for (at, (path, verbs)) in declared.routes().enumerate() {
                    let comment = if at == 0 { "" } else { "// " };
                    out.line(format!("{comment}@Route(Path=\"{path}\", Verbs=\"{verbs}\")"));
                }
                let returns = declared.response().map(|response| format!("IReturn<{response}>"));
                let bases: Vec<String> = returns.into_iter().chain(declared.marker()).collect();
                let bases = if bases.is_empty() {
                    String::new()
                } else {
                    format!(" implements {}", bases.join(", "))
                };
                out.line(format!("public static class {name}{bases}"));
                out.block("{", "}", |out| class(declared.def, declared.response(), options, out));
                out.blank();
            }
        });
    }
}

fn class(def: &'static TypeDef, response: Option<&str>, options: &Options, out: &mut Code) {
    for member in def.fields {
        document(member.doc, options, out);
        let field = member.spelled(options.case);
        out.line(format!("public {} {field} = null;", type_of(member.kind)));
    }
    for member in def.fields {
        let (kind, field, name) = (type_of(member.kind), member.spelled(options.case), member.name);
        out.blank();
        out.line(format!("public {kind} get{name}() {{ return {field}; }}"));
        out.line(format!(
            "public {} set{name}({kind} value) {{ this.{field} = value; return this; }}",
            def.name
        ));
    }
    if let Some(response) = response {
        out.blank();
        out.line(format!("private static Object responseType = {response}.class;"));
        out.line("public Object getResponseType() { return responseType; }");
    }
}

fn document(doc: &str, options: &Options, out: &mut Code) {
    if options.comments() {
        out.line(format!("/** {} */", sentence(doc)));
    }
}

fn type_of(kind: Kind) -> String {
    match kind {
        Kind::String => "String".into(),
        Kind::Bool => "Boolean".into(),
        Kind::Int32 => "Integer".into(),
        Kind::List(item) => format!("ArrayList<{}>", type_of(*item)),
        Kind::Dictionary => "HashMap<String,String>".into(),
        Kind::Object(def) => def.name.into(),
    }
}
