//! Python: data classes, as the `servicestack` package sends them.

use super::{Code, Comment, Language, Model, Options, sentence};
use crate::dto::{Case, Kind, names};

/// Python.
pub(super) struct Python;

impl Language for Python {
    fn id(&self) -> &'static str {
        "python"
    }

    fn title(&self) -> &'static str {
        "Python"
    }

    fn comment(&self) -> &'static Comment {
        const { &Comment { open: "\"\"\" Options:", line: "", off: "#", close: "\"\"\"", namespace: "" } }
    }

    fn options(&self) -> &'static [(&'static str, &'static str)] {
        &[("AddDescriptionAsComments", "True")]
    }

    fn write(&self, model: &Model, options: &Options, out: &mut Code) {
        out.line("from dataclasses import dataclass");
        out.line("from typing import *");
        out.blank();
        out.line("from dataclasses_json import LetterCase, Undefined, dataclass_json");
        out.line("from servicestack import *");
        let letters = match options.case {
            Case::Camel => "CAMEL",
            Case::Pascal => "PASCAL",
        };
        for declared in &model.types {
            out.blank();
            out.blank();
            document(declared.def.doc, options, out);
            for (path, verbs) in declared.routes() {
                out.line(format!("# @Route(\"{path}\", \"{verbs}\")"));
            }
            out.line(format!(
                "@dataclass_json(letter_case=LetterCase.{letters}, undefined=Undefined.EXCLUDE)"
            ));
            out.line("@dataclass");
            let returns = declared.response().map(|response| format!("IReturn[{response}]"));
            let bases: Vec<String> = returns.into_iter().chain(declared.marker()).collect();
            let bases =
                if bases.is_empty() { String::new() } else { format!("({})", bases.join(", ")) };
            out.line(format!("class {}{bases}:", declared.def.name));
            out.indented(|out| {
                for member in declared.def.fields {
                    document(member.doc, options, out);
                    let name = names::snake(member.name);
                    out.line(format!("{name}: Optional[{}] = None", type_of(member.kind)));
                }
                if declared.def.fields.is_empty() {
                    out.line("pass");
                }
            });
        }
    }
}

fn document(doc: &str, options: &Options, out: &mut Code) {
    if options.comments() {
        out.line(format!("# {}", sentence(doc)));
    }
}

fn type_of(kind: Kind) -> String {
    match kind {
        Kind::String => "str".into(),
        Kind::Bool => "bool".into(),
        Kind::Int32 => "int".into(),
        Kind::List(item) => format!("List[{}]", type_of(*item)),
        Kind::Dictionary => "Dict[str, str]".into(),
        Kind::Object(def) => def.name.into(),
    }
}
