//! Formatted text made compact, by the rule of the contract: a line break outside quotes right after `{`, `[` or `,`,
//! or before `}` or `]`, marks a formatted document, and then the white space around keys, values and separators is
//! layout. Written apart from the crate's reader, which reads such text as it stands.

const BLANK: [char; 4] = [' ', '\t', '\n', '\r'];
const BREAK: [char; 2] = ['\n', '\r'];

/// The text without its layout, or none for a text that is not formatted.
pub(crate) fn compact(text: &str) -> Option<String> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if !text.trim_matches(BLANK).starts_with(['{', '[']) {
        return None;
    }
    is_formatted(text).then(|| without_layout(text))
}

/// A text, without white space if it holds brackets, separators or quotes.
pub(crate) fn comparable(text: &str) -> String {
    if text.contains(['{', '}', '[', ']', ',', ':', '"']) {
        text.replace(BLANK, "")
    } else {
        text.to_owned()
    }
}

/// The text without the white space around its parts.
fn without_layout(text: &str) -> String {
    tokens(text, true).iter().map(|token| token.trim_matches(BLANK)).collect()
}

fn is_formatted(text: &str) -> bool {
    let tokens = tokens(text, false);
    tokens.iter().enumerate().any(|(index, token)| {
        let before = index.checked_sub(1).map(|before| tokens[before]);
        let next = tokens.get(index + 1).copied();
        let blank = &token[token.trim_end_matches(BLANK).len()..];
        let part = !is_mark(token) && !(is_opening(before) && token.starts_with('"'));
        part && ((matches!(before, Some("{" | "[" | ",")) && token.starts_with(BREAK))
            || (matches!(next, Some("}" | "]")) && blank.contains(BREAK)))
    })
}

/// Whether there is a quote that neither opens nor closes a text, or a bracket without its partner.
pub(crate) fn has_strays(text: &str) -> bool {
    let mut open = Vec::new();
    let mut before = None;
    for token in tokens(text.strip_prefix('\u{feff}').unwrap_or(text), true) {
        let quotes = token.matches('"').count();
        let is_text = is_opening(before) && token.trim_start_matches(BLANK).starts_with('"');
        let is_whole = match token {
            "{" | "[" => {
                open.push(token);
                true
            }
            "}" => open.pop() == Some("{"),
            "]" => open.pop() == Some("["),
            _ => quotes == 0 || (is_text && quotes % 2 == 0),
        };
        if !is_whole {
            return true;
        }
        before = Some(token);
    }
    !open.is_empty()
}

fn is_mark(token: &str) -> bool {
    matches!(token, "{" | "}" | "[" | "]" | "," | ":")
}

fn is_opening(token: Option<&str>) -> bool {
    matches!(token, None | Some("{" | "[" | "," | ":"))
}

/// Brackets, commas, colons, quoted texts, and the stretches between them. A quote opens a text only where a key or
/// value begins; in a formatted document white space may stand before it.
fn tokens(text: &str, formatted: bool) -> Vec<&str> {
    let mut tokens: Vec<&str> = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let blank = if formatted { rest.len() - rest.trim_start_matches(BLANK).len() } else { 0 };
        let opening = is_opening(tokens.last().copied());
        let token = if opening && rest[blank..].starts_with('"') {
            &rest[..blank + quoted(&rest[blank..]).len()]
        } else {
            let end = rest.find(['{', '}', '[', ']', ',', ':']).unwrap_or(rest.len());
            &rest[..end.max(1)]
        };
        tokens.push(token);
        rest = &rest[token.len()..];
    }
    tokens
}

fn quoted(text: &str) -> &str {
    let mut at = 1;
    while let Some(quote) = text[at..].find('"') {
        at += quote + 1;
        if !text[at..].starts_with('"') {
            return &text[..at];
        }
        at += 1;
    }
    text
}
