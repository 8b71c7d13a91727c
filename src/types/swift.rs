//! Swift. Members are in camel case, as the original writes them whatever its case is; what they are called
//! in JSON is said apart where it is something else.

use super::{Code, Comment, Language, Model, Options, sentence};
use crate::dto::{Case, Kind, TypeDef};

/// Swift.
pub(super) struct Swift;

impl Language for Swift {
    fn id(&self) -> &'static str {
        "swift"
    }

    fn title(&self) -> &'static str {
        "Swift"
    }

    fn comment(&self) -> &'static Comment {
        &Comment::STAR
    }

    fn options(&self) -> &'static [(&'static str, &'static str)] {
        &[("AddDescriptionAsComments", "True")]
    }

    /// The library has the tokens' types as well, but not `Authenticate`.
    fn has(&self, def: &TypeDef) -> bool {
        const HAS: &[&str] = &[
            "ResponseStatus",
            "ResponseError",
            "ErrorResponse",
            "GetAccessToken",
            "GetAccessTokenResponse",
        ];
        HAS.contains(&def.name)
    }

    fn write(&self, model: &Model, options: &Options, out: &mut Code) {
        out.line("import Foundation");
        out.line("import ServiceStack");
        for declared in &model.types {
            out.blank();
            document(declared.def.doc, options, out);
            for (path, verbs) in declared.routes() {
                out.line(format!("// @Route(\"{path}\", \"{verbs}\")"));
            }
            let returns = declared.response().map(|_| "IReturn".to_owned());
            let bases = returns.into_iter().chain(declared.marker());
            let bases: Vec<String> = bases.chain(["Codable".to_owned()]).collect();
            out.line(format!("public class {} : {}", declared.def.name, bases.join(", ")));
            out.block("{", "}", |out| {
                if let Some(response) = declared.response() {
                    out.line(format!("public typealias Return = {response}"));
                    out.blank();
                }
                for member in declared.def.fields {
                    document(member.doc, options, out);
                    out.line(format!("public var {}:{}?", member.camel, type_of(member.kind)));
                }
                coding_keys(declared.def, options.case, out);
                out.blank();
                out.line("required public init(){}");
            });
        }
    }
}

fn coding_keys(def: &TypeDef, case: Case, out: &mut Code) {
    if def.fields.iter().all(|member| member.spelled(case) == member.camel) {
        return;
    }
    out.blank();
    out.block("private enum CodingKeys: String, CodingKey {", "}", |out| {
        for member in def.fields {
            out.line(format!("case {} = \"{}\"", member.camel, member.spelled(case)));
        }
    });
}

fn document(doc: &str, options: &Options, out: &mut Code) {
    if options.comments() {
        out.line(format!("/** {} */", sentence(doc)));
    }
}

fn type_of(kind: Kind) -> String {
    match kind {
        Kind::String => "String".into(),
        Kind::Bool => "Bool".into(),
        Kind::Int32 => "Int".into(),
        Kind::List(item) => format!("[{}]", type_of(*item)),
        Kind::Dictionary => "[String:String]".into(),
        Kind::Object(def) => def.name.into(),
    }
}
