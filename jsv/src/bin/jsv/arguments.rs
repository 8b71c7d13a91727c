//! What is asked for on the command line.

use std::ffi::OsString;

pub(crate) const HELP: &str = "\
JSV, the text format of ServiceStack, to JSON and back.

Usage: jsv COMMAND [OPTION...] [FILE]

  to-json [--types] [--pretty]   writes a JSV document as JSON
  from-json                      writes a JSON document as JSV
  pretty                         writes a JSV document with a line for each member and element
  compact                        writes a JSV document on one line
  check                          writes nothing if the documents are JSV; takes many files

Without a FILE, or if it is `-`, standard input is read. The result goes to standard output.

  --types          numbers, True and False become JSON's; otherwise every value is a string,
                   for JSV does not tell `1` from the text \"1\"
  --pretty         writes JSON with a line for each member and element
  --max-bytes N    refuses a document longer than N bytes (268435456)
  --               what follows is a FILE, whatever it begins with
  -h, --help       shows this
  -V, --version    shows the version

What is null in JSON is nothing in JSV: a member is left out, an element is a gap.

The exit code is 0 if all went well, 1 if a document is malformed, 2 if the command line is, and
3 if something could not be read or written.
";

/// The name that stands for standard input.
pub(crate) const STANDARD_INPUT: &str = "-";

/// A document takes a few times its length in memory, so this is what a small machine can bear.
const MAX_BYTES: u64 = 256 << 20;

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Command {
    ToJson,
    FromJson,
    Pretty,
    Compact,
    Check,
    Help,
    Version,
}

impl Command {
    const WORDS: [(&str, Self); 8] = [
        ("to-json", Self::ToJson),
        ("from-json", Self::FromJson),
        ("pretty", Self::Pretty),
        ("compact", Self::Compact),
        ("check", Self::Check),
        ("help", Self::Help),
        ("-V", Self::Version),
        ("--version", Self::Version),
    ];

    fn named(word: &str) -> Option<Self> {
        let (_, command) = Self::WORDS.into_iter().find(|(name, _)| *name == word)?;
        Some(command)
    }
}

#[derive(Debug)]
pub(crate) struct Arguments {
    pub(crate) command: Command,
    pub(crate) types: bool,
    pub(crate) pretty: bool,
    pub(crate) max_bytes: u64,
    pub(crate) files: Vec<String>,
}

impl Arguments {
    /// The arguments behind the program's name, or what is wrong with them.
    pub(crate) fn parse(words: impl Iterator<Item = OsString>) -> Result<Self, String> {
        let words: Result<Vec<String>, _> = words.map(OsString::into_string).collect();
        let words = words.map_err(|word| format!("{} is not UTF-8", word.display()))?;
        let mut options = words.iter().take_while(|word| *word != "--");
        if options.any(|word| matches!(word.as_str(), "-h" | "--help")) {
            return Ok(Self::of(Command::Help));
        }
        let mut words = words.into_iter();
        let command_word = words.next().ok_or("what to do is missing")?;
        let command = Command::named(&command_word);
        let command = command.ok_or_else(|| format!("there is no command `{command_word}`"))?;
        let mut arguments = Self::of(command);
        arguments.files.clear();
        while let Some(word) = words.next() {
            match word.as_str() {
                "--" => arguments.files.extend(words.by_ref()),
                "--types" if command == Command::ToJson => arguments.types = true,
                "--pretty" if command == Command::ToJson => arguments.pretty = true,
                "--max-bytes" => {
                    let number = words.next().ok_or("--max-bytes needs a number")?;
                    let bytes = number.parse().map_err(|_| format!("`{number}` is no number"))?;
                    arguments.max_bytes = bytes;
                }
                option if option.starts_with('-') && option != STANDARD_INPUT => {
                    return Err(format!("`{command_word}` has no option `{option}`"));
                }
                _ => arguments.files.push(word),
            }
        }
        if arguments.files.is_empty() {
            arguments.files.push(STANDARD_INPUT.to_owned());
        }
        if arguments.files.len() > 1 && command != Command::Check {
            return Err(format!("`{command_word}` takes one file"));
        }
        Ok(arguments)
    }

    fn of(command: Command) -> Self {
        Self {
            command,
            types: false,
            pretty: false,
            max_bytes: MAX_BYTES,
            files: vec![STANDARD_INPUT.to_owned()],
        }
    }
}
