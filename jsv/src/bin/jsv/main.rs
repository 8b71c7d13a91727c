//! The command `jsv`, for people who meet a `.jsv` file: JSV to JSON and back, pretty-printed, checked.
//!
//! It reads one document, as a value of no type, and writes it out again; `arguments` says what is asked for, `json`
//! knows the other format and `trouble` shows where a document is wrong.
//!
//! Adding a command: a variant of `arguments::Command` with its word and its lines in `HELP`, an arm in [`run`] and a
//! test in `tests/command.rs`.

mod arguments;
mod json;
mod trouble;

use std::fs::File;
use std::io::{self, IsTerminal as _, Read, Write as _};
use std::process::ExitCode;

use arguments::{Arguments, Command};
use jsv::{Options, Value};
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use trouble::Trouble;

fn main() -> ExitCode {
    let arguments = match Arguments::parse(std::env::args_os().skip(1)) {
        Ok(arguments) => arguments,
        Err(misuse) => {
            tell(&format!("jsv: {misuse}; `jsv --help` shows how it is used\n"));
            return ExitCode::from(2);
        }
    };
    let mut worst = 0;
    for file in &arguments.files {
        let Err(trouble) = run(&arguments, file) else { continue };
        // Whoever reads our output may have seen enough of it.
        if trouble.is_broken_pipe() {
            break;
        }
        tell(&trouble.to_string());
        worst = worst.max(trouble.exit_code());
    }
    ExitCode::from(worst)
}

/// Reports trouble. Who has closed standard error does not want to know; the exit code tells all the same.
fn tell(report: &str) {
    io::stderr().write_all(report.as_bytes()).unwrap_or_default();
}

/// Does what was asked to one file.
fn run(arguments: &Arguments, file: &str) -> Result<(), Trouble> {
    let text = match arguments.command {
        Command::Help => return print(arguments::HELP),
        Command::Version => return print(concat!("jsv ", env!("CARGO_PKG_VERSION"), "\n")),
        _ => read(file, arguments.max_bytes)?,
    };
    let document = Document { file, text: &text };
    match arguments.command {
        Command::ToJson => {
            print(&json::write(&document.jsv::<Value>()?, arguments.types, arguments.pretty))
        }
        Command::FromJson => compact(&document.json()?, file),
        Command::Pretty => print(&(written(&document.jsv()?, file, true)? + "\n")),
        Command::Compact => compact(&document.jsv()?, file),
        Command::Check => document.jsv::<Walked>().map(|Walked| ()),
        Command::Help | Command::Version => Ok(()),
    }
}

/// A text and where it came from.
struct Document<'a> {
    file: &'a str,
    text: &'a [u8],
}

impl<'a> Document<'a> {
    fn jsv<T: Deserialize<'a>>(&self) -> Result<T, Trouble> {
        // Files end with a line break, and a single text would have it for its last character.
        let text = self.text.strip_suffix(b"\n").unwrap_or(self.text);
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        jsv::from_slice(text).map_err(|error| {
            let message = error.to_string();
            let (line, column) = (error.line(), error.column());
            let place = format!(" at line {line} column {column}");
            let message = message.strip_suffix(&place).unwrap_or(&message);
            Trouble::in_text(self.file, self.text, (line, column), message)
        })
    }

    fn json(&self) -> Result<Value, Trouble> {
        json::read(self.text)
            .map_err(|(place, message)| Trouble::in_text(self.file, self.text, place, &message))
    }
}

/// All of a file, or of standard input if the name is `-`, if it is no longer than allowed.
fn read(file: &str, limit: u64) -> Result<Vec<u8>, Trouble> {
    let source: Box<dyn Read> = if file == arguments::STANDARD_INPUT {
        Box::new(io::stdin())
    } else {
        Box::new(File::open(file).map_err(|error| Trouble::with_file(file, error))?)
    };
    let mut text = Vec::new();
    let read = source.take(limit.saturating_add(1)).read_to_end(&mut text);
    read.map_err(|error| Trouble::with_file(file, error))?;
    if text.len() as u64 > limit {
        let message = format!("longer than {limit} bytes; --max-bytes allows more");
        return Err(Trouble::with_file(file, io::Error::other(message)));
    }
    Ok(text)
}

fn written(value: &Value, file: &str, indented: bool) -> Result<String, Trouble> {
    let text = Options::new().indented(indented).to_string(value);
    text.map_err(|error| Trouble::with_file(file, error.into()))
}

/// Writes a document on one line. What follows it is a line break only on a terminal, for `ServiceStack` refuses a
/// document with one.
fn compact(value: &Value, file: &str) -> Result<(), Trouble> {
    let end = if io::stdout().is_terminal() { "\n" } else { "" };
    print(&(written(value, file, false)? + end))
}

fn print(text: &str) -> Result<(), Trouble> {
    let mut out = io::stdout().lock();
    let printed = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    printed.map_err(|error| Trouble::with_file("standard output", error))
}

/// A document that has been looked at and not kept.
struct Walked;

impl<'de> Deserialize<'de> for Walked {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Walked)
    }
}

impl<'de> Visitor<'de> for Walked {
    type Value = Walked;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("any value")
    }

    fn visit_unit<E>(self) -> Result<Walked, E> {
        Ok(self)
    }

    fn visit_str<E>(self, _: &str) -> Result<Walked, E> {
        Ok(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Walked, A::Error> {
        while let Some(Walked) = list.next_element()? {}
        Ok(self)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Walked, A::Error> {
        while let Some((Walked, Walked)) = map.next_entry()? {}
        Ok(self)
    }
}
