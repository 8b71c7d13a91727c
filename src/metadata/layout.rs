//! Samples with line breaks. The formats write none; people want them.

/// `text` laid out as its format may be. What is of no known format is left as it is.
pub(super) fn of(format: &str, text: &str) -> String {
    match format {
        "json" => brackets(text, &JSON),
        "jsv" => brackets(text, &JSV),
        "xml" => elements(text),
        _ => text.to_owned(),
    }
}

/// How a format of brackets is laid out.
struct Brackets {
    indent: &'static str,
    /// Whether a bracket that is a member's value begins a line.
    bracket_begins_line: bool,
    /// Whether a backslash in quotes hides the next letter.
    escapes: bool,
}

const JSON: Brackets = Brackets { indent: "  ", bracket_begins_line: false, escapes: true };
const JSV: Brackets = Brackets { indent: "\t", bracket_begins_line: true, escapes: false };

fn brackets(text: &str, style: &Brackets) -> String {
    let mut out = String::with_capacity(text.len() * 2);
    let mut depth = 0_usize;
    let mut letters = text.chars().peekable();
    let mut quoted = false;
    while let Some(letter) = letters.next() {
        if quoted {
            out.push(letter);
            if letter == '\\' && style.escapes {
                out.extend(letters.next());
            } else if letter == '"' {
                quoted = false;
            }
            continue;
        }
        match letter {
            '{' | '[' => {
                out.push(letter);
                if letters.next_if(|next| matches!(next, '}' | ']')).is_some() {
                    out.push(if letter == '{' { '}' } else { ']' });
                    continue;
                }
                depth += 1;
                line(&mut out, depth, style);
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                line(&mut out, depth, style);
                out.push(letter);
            }
            ',' => {
                out.push(letter);
                line(&mut out, depth, style);
            }
            ':' => {
                out.push_str(": ");
                if style.bracket_begins_line && matches!(letters.peek(), Some('{' | '[')) {
                    line(&mut out, depth, style);
                }
            }
            '"' => {
                quoted = true;
                out.push(letter);
            }
            other => out.push(other),
        }
    }
    out
}

fn line(out: &mut String, depth: usize, style: &Brackets) {
    out.push('\n');
    for _ in 0..depth {
        out.push_str(style.indent);
    }
}

/// Each element on a line of its own, unless it holds text.
fn elements(text: &str) -> String {
    let mut out = String::with_capacity(text.len() * 2);
    let mut depth = 0_usize;
    let mut after_text = false;
    for (at, part) in text.split_inclusive('>').enumerate() {
        let (before, tag) = part.split_at(part.find('<').unwrap_or(part.len()));
        out.push_str(before);
        after_text |= !before.is_empty();
        let closes = tag.starts_with("</");
        if closes {
            depth = depth.saturating_sub(1);
        }
        if at > 0 && !(closes && after_text) {
            out.push('\n');
            for _ in 0..depth {
                out.push_str("  ");
            }
        }
        out.push_str(tag);
        if !closes && !tag.ends_with("/>") && !tag.starts_with("<?") {
            depth += 1;
        }
        after_text = false;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_are_indented_and_what_is_quoted_is_not_touched() {
        assert_eq!(
            of("json", r#"{"a":["x{,\"}",{}],"b":{"c":1}}"#),
            "{\n  \"a\": [\n    \"x{,\\\"}\",\n    {}\n  ],\n  \"b\": {\n    \"c\": 1\n  }\n}"
        );
        assert_eq!(
            of("jsv", r#"{a:"x,""{",b:{c:d}}"#),
            "{\n\ta: \"x,\"\"{\",\n\tb: \n\t{\n\t\tc: d\n\t}\n}"
        );
    }

    #[test]
    fn elements_are_indented_and_text_stays_where_it_is() {
        assert_eq!(
            of("xml", "<?xml?><a><b>text</b><c/><d><e>x</e></d></a>"),
            "<?xml?>\n<a>\n  <b>text</b>\n  <c/>\n  <d>\n    <e>x</e>\n  </d>\n</a>"
        );
    }
}
