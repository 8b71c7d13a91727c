//! What went wrong, shown in the text it went wrong in.

use std::{fmt, io};

use unicode_width::UnicodeWidthChar as _;

/// How many characters of a line are shown, and how many of those at most before the place.
const WIDTH: usize = 76;
const BEFORE: usize = 50;

/// Trouble with a file.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// It is malformed.
    Text(String),
    /// It cannot be read or written.
    File(String, io::Error),
}

impl Trouble {
    /// At a line and a column, both counted from 1, the column in characters.
    pub(crate) fn in_text(
        file: &str,
        text: &[u8],
        (line, column): (usize, usize),
        message: &str,
    ) -> Self {
        let bytes = text.split(|byte| *byte == b'\n').nth(line.saturating_sub(1)).unwrap_or(b"");
        let shown = String::from_utf8_lossy(bytes.strip_suffix(b"\r").unwrap_or(bytes));
        let shown = shown.trim_start_matches('\u{feff}');
        let before = column.saturating_sub(1);
        let start = before.saturating_sub(BEFORE);
        let mut characters = shown.chars().skip(start);
        let mut part: String = characters.by_ref().take(WIDTH).map(visible).collect();
        let mut caret: usize = part.chars().take(before - start).filter_map(char::width).sum();
        if start > 0 {
            part.insert(0, '…');
            caret += 1;
        }
        if characters.next().is_some() {
            part.push('…');
        }
        let name = if file == crate::arguments::STANDARD_INPUT { "<stdin>" } else { file };
        let margin = " ".repeat(line.to_string().len());
        let caret = " ".repeat(caret);
        Self::Text(format!(
            "{name}:{line}:{column}: {message}\n {line} | {part}\n {margin} | {caret}^\n"
        ))
    }

    pub(crate) fn with_file(file: &str, error: io::Error) -> Self {
        Self::File(file.to_owned(), error)
    }

    pub(crate) fn is_broken_pipe(&self) -> bool {
        matches!(self, Self::File(_, error) if error.kind() == io::ErrorKind::BrokenPipe)
    }

    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Text(_) => 1,
            Self::File(..) => 3,
        }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(report) => f.write_str(report),
            Self::File(file, error) => writeln!(f, "jsv: {file}: {error}"),
        }
    }
}

/// Each character with a width of its own, so that the caret stands right: a tab is a blank, and what a terminal would
/// obey is shown as a picture of it.
fn visible(character: char) -> char {
    match character {
        '\t' => ' ',
        '\0'..='\u{1f}' => char::from_u32(0x2400 + u32::from(character)).unwrap_or('\u{fffd}'),
        '\u{7f}' => '\u{2421}',
        '\u{80}'..='\u{9f}'
        | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{feff}' => '\u{fffd}',
        _ => character,
    }
}
