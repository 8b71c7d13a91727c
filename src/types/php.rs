//! PHP.

use super::{Code, Comment, Declared, Language, Model, Options, sentence};
use crate::dto::Kind;

/// PHP.
pub(super) struct Php;

impl Language for Php {
    fn id(&self) -> &'static str {
        "php"
    }

    fn title(&self) -> &'static str {
        "PHP"
    }

    fn media_type(&self) -> &'static str {
        "text/javascript; charset=utf-8"
    }

    fn comment(&self) -> &'static Comment {
        const {
            &Comment {
                open: "<?php namespace {namespace};\n/* Options:",
                namespace: "dtos",
                ..Comment::STAR
            }
        }
    }

    fn options(&self) -> &'static [(&'static str, &'static str)] {
        &[("GlobalNamespace", "dtos"), ("AddDescriptionAsComments", "True")]
    }

    fn write(&self, model: &Model, options: &Options, out: &mut Code) {
        out.line("use Exception;");
        out.line("use JsonSerializable;");
        out.line("use ServiceStack\\{IReturn,IGet,IPost,IPut,IDelete,IPatch};");
        out.line("use ServiceStack\\{ResponseStatus,ResponseError};");
        out.line("use ServiceStack\\{JsonConverters,Returns};");
        for declared in &model.types {
            out.blank();
            document(declared.def.doc, options, out);
            for (path, verbs) in declared.routes() {
                out.line(format!("// @Route(\"{path}\", \"{verbs}\")"));
            }
            if let Some(response) = declared.response() {
                out.line(format!("#[Returns('{response}')]"));
            }
            let returns = declared.response().map(|_| "IReturn".to_owned());
            let bases = returns.into_iter().chain(declared.marker());
            let bases: Vec<String> = bases.chain(["JsonSerializable".to_owned()]).collect();
            out.line(format!("class {} implements {}", declared.def.name, bases.join(", ")));
            out.block("{", "}", |out| class(declared, options, out));
        }
    }
}

fn class(declared: &Declared, options: &Options, out: &mut Code) {
    let fields = declared.def.fields;
    out.block("public function __construct(", ") {", |out| {
        for (at, member) in fields.iter().enumerate() {
            let says = if options.comments() {
                format!(" {}", sentence(member.doc))
            } else {
                String::new()
            };
            out.line(format!("/** @var {}|null{says} */", documented(member.kind)));
            let comma = if at + 1 < fields.len() { "," } else { "" };
            let name = member.spelled(options.case);
            out.line(format!("public ?{} ${name}=null{comma}", type_of(member.kind)));
        }
    });
    out.line("}");
    out.blank();
    out.line("/** @throws Exception */");
    out.block("public function fromMap($o): void {", "}", |out| {
        for member in fields {
            let name = member.spelled(options.case);
            let value = read(member.kind, name);
            out.line(format!("if (isset($o['{name}'])) $this->{name} = {value};"));
        }
    });
    out.blank();
    out.line("public function jsonSerialize(): mixed");
    out.block("{", "}", |out| {
        out.line("$o = [];");
        for member in fields {
            let name = member.spelled(options.case);
            let value = written(member.kind, name);
            out.line(format!("if (isset($this->{name})) $o['{name}'] = {value};"));
        }
        out.line("return empty($o) ? new class(){} : $o;");
    });
    if let (Some(verb), Some(response)) = (declared.verb(), declared.response()) {
        let name = declared.def.name;
        out.line(format!("public function getTypeName(): string {{ return '{name}'; }}"));
        out.line(format!("public function getMethod(): string {{ return '{verb}'; }}"));
        out.line(format!("public function createResponse(): mixed {{ return new {response}(); }}"));
    }
}

fn read(kind: Kind, name: &str) -> String {
    let value = format!("$o['{name}']");
    match kind {
        Kind::Object(def) => format!("JsonConverters::from('{}', {value})", def.name),
        Kind::List(Kind::Object(def)) => {
            format!("JsonConverters::fromArray('{}', {value})", def.name)
        }
        Kind::String | Kind::Bool | Kind::Int32 | Kind::Dictionary | Kind::List(_) => value,
    }
}

fn written(kind: Kind, name: &str) -> String {
    let value = format!("$this->{name}");
    match kind {
        Kind::Object(def) => format!("JsonConverters::to('{}', {value})", def.name),
        Kind::List(Kind::Object(def)) => {
            format!("JsonConverters::toArray('{}', {value})", def.name)
        }
        Kind::String | Kind::Bool | Kind::Int32 | Kind::Dictionary | Kind::List(_) => value,
    }
}

fn document(doc: &str, options: &Options, out: &mut Code) {
    if options.comments() {
        out.line(format!("/** @description {} */", sentence(doc)));
    }
}

fn documented(kind: Kind) -> String {
    match kind {
        Kind::List(item) => format!("array<{}>", documented(*item)),
        Kind::Dictionary => "array<string,string>".into(),
        Kind::String | Kind::Bool | Kind::Int32 | Kind::Object(_) => type_of(kind),
    }
}

fn type_of(kind: Kind) -> String {
    match kind {
        Kind::String => "string".into(),
        Kind::Bool => "bool".into(),
        Kind::Int32 => "int".into(),
        Kind::List(_) | Kind::Dictionary => "array".into(),
        Kind::Object(def) => def.name.into(),
    }
}
