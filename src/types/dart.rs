//! Dart, which has no reflection: each class says how it is read and written, and a table at the end
//! says how to make one. Fields are in camel case whatever the names in JSON are: one that is named as
//! its type would hide it.

use super::{Code, Comment, Declared, Language, Model, Options, sentence};
use crate::dto::{Kind, TypeDef};

/// Dart.
pub(super) struct Dart;

impl Language for Dart {
    fn id(&self) -> &'static str {
        "dart"
    }

    fn title(&self) -> &'static str {
        "Dart"
    }

    fn comment(&self) -> &'static Comment {
        &Comment::STAR
    }

    fn options(&self) -> &'static [(&'static str, &'static str)] {
        &[("GlobalNamespace", "dtos"), ("AddDescriptionAsComments", "True")]
    }

    fn write(&self, model: &Model, options: &Options, out: &mut Code) {
        out.line("import 'package:servicestack/servicestack.dart';");
        for declared in &model.types {
            out.blank();
            document(declared.def.doc, options, out);
            for (path, verbs) in declared.routes() {
                out.line(format!("// @Route(\"{path}\", \"{verbs}\")"));
            }
            let returns = declared.response().map(|response| format!("IReturn<{response}>"));
            let bases = returns.into_iter().chain(declared.marker());
            let bases: Vec<String> = bases.chain(["IConvertible".to_owned()]).collect();
            out.line(format!("class {} implements {}", declared.def.name, bases.join(", ")));
            out.block("{", "}", |out| class(declared, options, out));
        }
        out.blank();
        let library = options.get("GlobalNamespace");
        let head = format!(
            "TypeContext _ctx = TypeContext(library: '{library}', types: <String, TypeInfo> {{"
        );
        out.block(&head, "});", |out| {
            for declared in &model.types {
                let name = declared.def.name;
                out.line(format!("'{name}': TypeInfo(TypeOf.Class, create:() => {name}()),"));
            }
            for item in lists(model) {
                out.line(format!(
                    "'List<{item}>': TypeInfo(TypeOf.Class, create:() => <{item}>[]),"
                ));
            }
        });
    }
}

fn class(declared: &Declared, options: &Options, out: &mut Code) {
    let (name, fields) = (declared.def.name, declared.def.fields);
    for member in fields {
        document(member.doc, options, out);
        out.line(format!("{}? {};", type_of(member.kind), member.camel));
    }
    out.blank();
    let named: Vec<String> = fields.iter().map(|member| format!("this.{}", member.camel)).collect();
    let named = if named.is_empty() { String::new() } else { format!("{{{}}}", named.join(",")) };
    out.line(format!("{name}({named});"));
    out.line(format!("{name}.fromJson(Map<String, dynamic> json) {{ fromMap(json); }}"));
    out.blank();
    out.block("fromMap(Map<String, dynamic> json) {", "}", |out| {
        for member in fields {
            let name = member.spelled(options.case);
            out.line(format!("{} = {};", member.camel, read(member.kind, name)));
        }
        out.line("return this;");
    });
    out.blank();
    out.block("Map<String, dynamic> toJson() => {", "};", |out| {
        for member in fields {
            let name = member.spelled(options.case);
            out.line(format!("'{name}': {},", written(member.kind, member.camel)));
        }
    });
    out.blank();
    if let Some(response) = declared.response() {
        out.line(format!("createResponse() => {response}();"));
        out.line(format!("getResponseTypeName() => \"{response}\";"));
    }
    out.line(format!("getTypeName() => \"{name}\";"));
    out.line("TypeContext? context = _ctx;");
}

fn read(kind: Kind, name: &str) -> String {
    match kind {
        Kind::String | Kind::Bool | Kind::Int32 => format!("json['{name}']"),
        Kind::Dictionary => format!("JsonConverters.toStringMap(json['{name}'])"),
        Kind::List(_) | Kind::Object(_) => {
            format!("JsonConverters.fromJson(json['{name}'],'{}',context!)", type_of(kind))
        }
    }
}

fn written(kind: Kind, name: &str) -> String {
    match kind {
        Kind::String | Kind::Bool | Kind::Int32 | Kind::Dictionary => name.to_owned(),
        Kind::List(_) | Kind::Object(_) => {
            format!("JsonConverters.toJson({name},'{}',context!)", type_of(kind))
        }
    }
}

/// The DTOs that are held in lists.
fn lists(model: &Model) -> Vec<&'static str> {
    let mut items = Vec::new();
    let fields = model.types.iter().flat_map(|declared: &Declared| {
        let def: &'static TypeDef = declared.def;
        def.fields
    });
    for field in fields {
        if let Kind::List(Kind::Object(item)) = field.kind
            && !items.contains(&item.name)
        {
            items.push(item.name);
        }
    }
    items
}

fn document(doc: &str, options: &Options, out: &mut Code) {
    if options.comments() {
        out.line(format!("/// {}", sentence(doc)));
    }
}

fn type_of(kind: Kind) -> String {
    match kind {
        Kind::String => "String".into(),
        Kind::Bool => "bool".into(),
        Kind::Int32 => "int".into(),
        Kind::List(item) => format!("List<{}>", type_of(*item)),
        Kind::Dictionary => "Map<String,String?>".into(),
        Kind::Object(def) => def.name.into(),
    }
}
