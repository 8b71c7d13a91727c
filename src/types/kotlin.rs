//! Kotlin. As in Java, the name of a field is its name in JSON.

use super::{Code, Comment, Language, Model, Options, java, sentence};
use crate::dto::{Kind, TypeDef};

/// Kotlin.
pub(super) struct Kotlin;

impl Language for Kotlin {
    fn id(&self) -> &'static str {
        "kotlin"
    }

    fn title(&self) -> &'static str {
        "Kotlin"
    }

    fn comment(&self) -> &'static Comment {
        &Comment::STAR
    }

    fn options(&self) -> &'static [(&'static str, &'static str)] {
        &[("Package", ""), ("AddDescriptionAsComments", "True")]
    }

    fn has(&self, def: &TypeDef) -> bool {
        java::has(def)
    }

    fn write(&self, model: &Model, options: &Options, out: &mut Code) {
        if !options.get("Package").is_empty() {
            out.line(format!("package {}", options.get("Package")));
            out.blank();
        }
        out.line("import java.util.*");
        out.line("import net.servicestack.client.*");
        for declared in &model.types {
            out.blank();
            document(declared.def.doc, options, out);
            for (at, (path, verbs)) in declared.routes().enumerate() {
                let comment = if at == 0 { "" } else { "// " };
                out.line(format!("{comment}@Route(Path=\"{path}\", Verbs=\"{verbs}\")"));
            }
            let returns = declared.response().map(|response| format!("IReturn<{response}>"));
            let bases: Vec<String> = returns.into_iter().chain(declared.marker()).collect();
            let bases =
                if bases.is_empty() { String::new() } else { format!(" : {}", bases.join(", ")) };
            let name = declared.def.name;
            out.line(format!("open class {name}{bases}"));
            out.block("{", "}", |out| {
                for member in declared.def.fields {
                    document(member.doc, options, out);
                    let (name, kind) = (member.spelled(options.case), type_of(member.kind));
                    out.line(format!("open var {name}:{kind}? = null"));
                }
                if let Some(response) = declared.response() {
                    out.line(format!(
                        "companion object {{ private val responseType = {response}::class.java }}"
                    ));
                    out.line(format!("override fun getResponseType(): Any? = {name}.responseType"));
                }
            });
        }
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
        Kind::Int32 => "Int".into(),
        Kind::List(item) => format!("ArrayList<{}>", type_of(*item)),
        Kind::Dictionary => "HashMap<String,String>".into(),
        Kind::Object(def) => def.name.into(),
    }
}
