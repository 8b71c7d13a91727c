//! What every operation must have: a recorded exchange in every format.
//!
//! Exchanges are `fixtures/http/<operation>/<case>.<format>.http`. One written by hand is enough for
//! a case, `<case>.json.http`; `BLESS=1 tests/run` makes those in the other formats from it.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use foundry_api::format::Formats;
use foundry_api::http::route::{self, Target};
use foundry_api::operation::Operations;

use crate::golden::{files, root};

/// The format that a file's name says.
fn format_of(file: &Path) -> Option<String> {
    let name = file.file_name()?.to_str()?.strip_suffix(".http")?;
    Some(name.rsplit_once('.')?.1.to_owned())
}

/// The name of the operation that an exchange's request goes to.
fn operation_of(text: &str) -> Option<&'static str> {
    let mut line = text.lines().next()?.split(' ');
    let (verb, path) = (line.next()?, line.next()?);
    let path = path.split('?').next()?;
    match route::find(&Operations::standard(), &Formats::standard(), verb, path) {
        Target::Operation(matched) => Some(matched.operation.spec().name()),
        _ => None,
    }
}

#[test]
fn every_operation_has_a_recorded_exchange_in_every_format() {
    let covered: BTreeSet<(Option<&str>, Option<String>)> = files(&root())
        .iter()
        .map(|file| (operation_of(&fs::read_to_string(file).unwrap()), format_of(file)))
        .collect();
    let mut missing = Vec::new();
    for operation in Operations::standard().iter() {
        for format in Formats::standard().iter() {
            let (operation, format) = (operation.spec().name(), format.name());
            if !covered.contains(&(Some(operation), Some(format.to_owned()))) {
                missing.push(format!("{operation} in {format}"));
            }
        }
    }
    assert!(
        missing.is_empty(),
        "no recorded exchange of {}.\nWrite the request of fixtures/http/<operation>/ok.json.http, \
         end it with a line `---`, run BLESS=1 tests/run and read what it recorded.",
        missing.join(", ")
    );
}

/// Makes, from each exchange in JSON, those in the formats that it lacks, still without replies.
pub fn complete(folder: &Path) {
    for file in files(folder).iter().filter(|file| format_of(file).as_deref() == Some("json")) {
        let text = fs::read_to_string(file).unwrap();
        let (request, _) = text.split_once("\n---\n").unwrap_or((text.trim_end(), ""));
        for format in Formats::standard().iter() {
            let name =
                file.to_str().unwrap().replace(".json.http", &format!(".{}.http", format.name()));
            let asked = format!("Accept: {}", format.media_types()[0].name);
            if !Path::new(&name).exists() {
                let request = request.replace("Accept: application/json", &asked);
                fs::write(name, format!("{request}\n---\n")).unwrap();
            }
        }
    }
}
