//! The DTOs in the languages of their users: what "Add ServiceStack Reference" tools fetch from
//! `/types/{lang}`.
//!
//! ```text
//! operations ─ model.rs    which types there are, and which of them are asked for
//! query ────── options.rs  what the client wants of them, and the comment that says so
//! a language ─ {lang}.rs   one file that spells the model out
//! ```
//!
//! The tools read the comment at the top more strictly than the code below it (`fixtures/wire`,
//! needs 50–57): it begins with the first byte, lists every option in use, and is what an update is
//! made from.
//!
//! Adding a language: a file with a [`Language`], a line in [`LANGUAGES`], and a compiler or parser
//! for it in `tests/types`.

mod clr;
mod code;
mod csharp;
mod dart;
mod fsharp;
mod go;
mod java;
mod kotlin;
mod model;
mod options;
mod php;
mod python;
mod ruby;
mod rust;
mod swift;
mod typescript;
mod vbnet;

use code::Code;
pub use model::{Declared, Model, sentence, verb_of};
pub use options::{Comment, Options};

use crate::dto::TypeDef;

/// A language that DTOs are written in.
pub trait Language: Sync {
    /// The name in the path, lower case.
    fn id(&self) -> &'static str;

    /// The name that people know it by.
    fn title(&self) -> &'static str;

    /// The `Content-Type` (need 56).
    fn media_type(&self) -> &'static str {
        "text/plain; charset=utf-8"
    }

    /// How the options stand at the top.
    fn comment(&self) -> &'static Comment;

    /// The options it heeds besides those that all do, with their defaults.
    fn options(&self) -> &'static [(&'static str, &'static str)] {
        &[("GlobalNamespace", ""), ("AddDescriptionAsComments", "True")]
    }

    /// Whether its client library has this type, so that it need not be written.
    fn has(&self, def: &TypeDef) -> bool {
        def.namespace.clr == crate::dto::SERVICE_STACK.clr
    }

    /// Writes the types.
    fn write(&self, model: &Model, options: &Options, out: &mut Code);
}

/// The languages, in the order in which pages name them.
pub const LANGUAGES: &[&dyn Language] = &[
    &csharp::CSharp,
    &typescript::TypeScript,
    &typescript::Declarations,
    &typescript::Module,
    &python::Python,
    &java::Java,
    &kotlin::Kotlin,
    &swift::Swift,
    &dart::Dart,
    &fsharp::FSharp,
    &vbnet::VbNet,
    &php::Php,
    &go::Go,
    &ruby::Ruby,
    &rust::Rust,
];

/// The language of that name, whatever its case.
#[must_use]
pub fn language(id: &str) -> Option<&'static dyn Language> {
    LANGUAGES.iter().copied().find(|language| language.id().eq_ignore_ascii_case(id))
}

/// The document of `/types/{lang}`: the comment and the types.
#[must_use]
pub fn document(language: &dyn Language, model: &Model, options: &Options) -> String {
    let mut out = Code::default();
    options.write(language, &mut out);
    language.write(model, options, &mut out);
    out.finish()
}

/// The types alone, as a metadata page lists them.
#[must_use]
pub fn listing(language: &dyn Language, model: &Model, options: &Options) -> String {
    let mut out = Code::default();
    language.write(model, options, &mut out);
    out.finish()
}
