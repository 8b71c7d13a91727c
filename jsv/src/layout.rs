//! Whether a document is formatted: the layout rule of `GRAMMAR.md`.
//!
//! A line break outside quotes right after `{`, `[` or `,`, or before `}` or `]` (blanks of an indented bracket
//! may stand between), marks a formatted document. In one, white space around names, values and separators is
//! layout; in any other it is data, as `ServiceStack.Text` has it.

use crate::grammar;

/// Looks for the first line break that marks a formatted document, in one pass.
pub(crate) fn is_formatted(text: &str) -> bool {
    let bytes = text.as_bytes();
    // Layout is what stands around the parts of a document; a single text has none.
    if !text.starts_with(['{', '[']) && !text.trim_start().starts_with(['{', '[']) {
        return false;
    }
    if memchr::memchr2(b'\n', b'\r', bytes).is_none() {
        return false;
    }
    let mut at = 0;
    let mut opens = true;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            // A quote opens a text only where a name or a value begins.
            b'"' if opens => match grammar::quoted(&text[at..]) {
                Ok((rest, _)) => {
                    at = text.len() - rest.len();
                    opens = false;
                    continue;
                }
                Err(_) => return false,
            },
            b'\n' | b'\r' if marks(bytes, at) => return true,
            _ => {}
        }
        opens = matches!(byte, b'{' | b'[' | b',' | b':');
        at += 1;
    }
    false
}

/// Whether the line break at this offset stands where only layout puts one.
fn marks(bytes: &[u8], at: usize) -> bool {
    let before = match at.checked_sub(1).map(|previous| bytes[previous]) {
        Some(b'\r') if bytes[at] == b'\n' => at.checked_sub(2).map(|previous| bytes[previous]),
        other => other,
    };
    // Only the last break of a run looks ahead, so that a run is walked once.
    let next = bytes[at + 1..].iter().position(|byte| !matches!(byte, b' ' | b'\t'));
    matches!(before, Some(b'{' | b'[' | b','))
        || matches!(next.map(|next| bytes[at + 1 + next]), Some(b'}' | b']'))
}

#[cfg(test)]
mod tests {
    use super::is_formatted;

    #[test]
    fn only_a_line_break_beside_a_bracket_or_comma_is_layout() {
        for text in ["{\nA:a}", "{A:a,\r\nB:b}", "[a\n]", "[a\n\t]", "{A:\n{B:b\n}}", "[\"x\",\ny]"]
        {
            assert!(is_formatted(text), "{text:?}");
        }
        for text in ["{A:a}", "{A:\na}", "{A:a\n,B:b}", "{A:\"x,\ny\"}", "\n[a]\n"] {
            assert!(!is_formatted(text), "{text:?}");
        }
    }
}
