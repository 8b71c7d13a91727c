//! The productions of `GRAMMAR.md`: each function reads one token off the front of its input and returns the rest.
//!
//! They are `nom` parsers, so they compose and can be tested alone; they know no types and build no tree. What a
//! failure means to the caller is a [`Fault`]: the sentence, and the input at which it is true.
//!
//! Adding a production: write it in `GRAMMAR.md` first, then a function of the same name with the production as
//! the first line of its comment.

use nom::branch::alt;
use nom::bytes::complete::{is_not, tag};
use nom::combinator::recognize;
use nom::multi::many0_count;
use nom::{IResult, Parser as _};

use crate::error::Kind;
use crate::scan;

/// What a production gives back: the rest of the input and the token.
pub(crate) type Parsed<'a, T = &'a str> = IResult<&'a str, T, Fault<'a>>;

/// Why a production did not match, and where.
#[derive(Debug)]
pub(crate) struct Fault<'a> {
    pub(crate) at: &'a str,
    pub(crate) what: Syntax,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Syntax {
    Expected(&'static str),
    /// The same, and there is nothing left that could be it.
    Ended(&'static str),
    Unclosed(char),
}

impl From<Syntax> for Kind {
    fn from(syntax: Syntax) -> Self {
        match syntax {
            Syntax::Expected(what) => Self::Expected(what),
            Syntax::Ended(what) => Self::Ended(what),
            Syntax::Unclosed(open) => Self::Unclosed(open),
        }
    }
}

impl<'a> nom::error::ParseError<&'a str> for Fault<'a> {
    fn from_error_kind(at: &'a str, _: nom::error::ErrorKind) -> Self {
        Self { at, what: Syntax::Expected("a value") }
    }

    fn append(_: &'a str, _: nom::error::ErrorKind, other: Self) -> Self {
        other
    }
}

#[cold]
fn fault<T>(at: &str, what: Syntax) -> Parsed<'_, T> {
    Err(nom::Err::Failure(Fault { at, what }))
}

/// Text as it stands in the document, and whether quotes in it are doubled.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Text<'a> {
    pub(crate) raw: &'a str,
    pub(crate) doubled: bool,
}

impl<'a> Text<'a> {
    pub(crate) const fn plain(raw: &'a str) -> Self {
        Self { raw, doubled: false }
    }

    /// The text itself, each doubled quote made one.
    pub(crate) fn undoubled(self) -> std::borrow::Cow<'a, str> {
        if self.doubled { self.raw.replace("\"\"", "\"").into() } else { self.raw.into() }
    }
}

/// `quoted = '"' , { any - '"' | '""' } , '"' ;`
#[inline]
pub(crate) fn quoted(input: &str) -> Parsed<'_, Text<'_>> {
    let Some(body) = input.strip_prefix('"') else {
        return fault(input, Syntax::Expected("`\"`"));
    };
    let end = scan::byte(b'"', body.as_bytes());
    match body.as_bytes().get(end + 1) {
        Some(b'"') => doubled(input, body),
        _ if end == body.len() => fault(input, Syntax::Unclosed('"')),
        _ => Ok((&body[end + 1..], Text::plain(&body[..end]))),
    }
}

/// The same production, for text that has a doubled quote in it.
#[inline(never)]
fn doubled<'a>(input: &'a str, body: &'a str) -> Parsed<'a, Text<'a>> {
    let (rest, raw) = recognize(many0_count(alt((is_not("\""), tag("\"\""))))).parse(body)?;
    match rest.strip_prefix('"') {
        Some(rest) => Ok((rest, Text { raw, doubled: true })),
        None => fault(input, Syntax::Unclosed('"')),
    }
}

/// `braced = '{' , { any - ( '{' | '}' | '"' ) | string | braced } , '}' ;`
///
/// Square brackets inside do not count, as they do not in `ServiceStack.Text`.
pub(crate) fn braced(input: &str) -> Parsed<'_> {
    balanced(input, b'{', b'}')
}

/// `bracketed = '[' , { any - ( '[' | ']' | '"' ) | string | bracketed } , ']' ;`
///
/// Braces inside do not count, as they do not in `ServiceStack.Text`.
pub(crate) fn bracketed(input: &str) -> Parsed<'_> {
    balanced(input, b'[', b']')
}

/// Counts brackets outside quotes in one pass, whatever the nesting.
fn balanced(input: &str, open: u8, close: u8) -> Parsed<'_> {
    let mut level = 0usize;
    let mut quoted = false;
    for at in memchr::memchr3_iter(open, close, b'"', input.as_bytes()) {
        match input.as_bytes()[at] {
            b'"' => quoted = !quoted,
            _ if quoted => {}
            byte if byte == open => level += 1,
            _ if level > 1 => level -= 1,
            _ => return Ok((&input[at + 1..], &input[..=at])),
        }
    }
    fault(input, Syntax::Unclosed(char::from(open)))
}

/// Where a text has the first quote or bracket that has no partner in it, as `braced` and `bracketed` count, each its
/// own. If it has none, it leads neither of them astray, whatever is around it.
pub(crate) fn unpaired(text: &str) -> Option<usize> {
    /// How many brackets of a kind are open, and where the outermost of them is.
    #[derive(Clone, Copy, Default)]
    struct Open(usize, usize);
    let (mut brace, mut bracket, mut quote) = (Open::default(), Open::default(), None);
    let bytes = text.as_bytes();
    let mut at = scan::structural(bytes);
    while let Some(&byte) = bytes.get(at) {
        let open = if matches!(byte, b'{' | b'}') { &mut brace } else { &mut bracket };
        match (byte, open.0) {
            (b'"', _) => quote = if quote.is_none() { Some(at) } else { None },
            (b',', _) => {}
            _ if quote.is_some() => {}
            (b'{' | b'[', 0) => *open = Open(1, at),
            (b'{' | b'[', _) => open.0 += 1,
            (_, 0) => return Some(at),
            _ => open.0 -= 1,
        }
        at += 1;
        at += scan::structural(&bytes[at..]);
    }
    let opened = [brace, bracket].into_iter().filter(|open| open.0 > 0).map(|open| open.1);
    opened.chain(quote).min()
}

/// `bare_member = { any - ( ',' | '}' ) } ;`
#[expect(clippy::unnecessary_wraps, reason = "a production like the others")]
pub(crate) fn bare_member(input: &str) -> Parsed<'_> {
    let bytes = input.as_bytes();
    let end = memchr::memchr2(b',', b'}', bytes).unwrap_or(bytes.len());
    Ok((&input[end..], &input[..end]))
}

/// `bare_element = { any - ( ',' | '}' | '"' | '[' | ']' ) | string | '[' , bare_element , ']' } ;`
///
/// Square brackets outside quotes pair up, so that the one that closes the list is the first without a partner.
pub(crate) fn bare_element(input: &str) -> Parsed<'_> {
    let bytes = input.as_bytes();
    let mut open = 0usize;
    let mut quoted = false;
    let mut at = 0;
    loop {
        at += scan::structural(&bytes[at..]);
        match bytes.get(at) {
            Some(b'"') => quoted = !quoted,
            Some(b'[' | b']') if quoted => {}
            Some(b'[') => open += 1,
            Some(b']') if open > 0 => open -= 1,
            None | Some(b']' | b',' | b'}') => return Ok((&input[at..], &input[..at])),
            Some(_) => {}
        }
        at += 1;
    }
}

/// `bare_key = any , { any - ':' } ;`
///
/// The first character is never the colon, so a key is never empty: an empty one is written `""`. Text that ends in a
/// key was cut off, unless there is a separator that somebody may have taken for the key's end.
pub(crate) fn bare_key(input: &str) -> Parsed<'_> {
    const WHAT: &str = "a name and `:`";
    let bytes = input.as_bytes();
    match bytes.get(1..).and_then(|after| memchr::memchr(b':', after)) {
        Some(at) => Ok((&input[at + 1..], &input[..=at])),
        None if memchr::memchr2(b',', b'}', bytes).is_some() => {
            fault(input, Syntax::Expected(WHAT))
        }
        None => fault(input, Syntax::Ended(WHAT)),
    }
}

/// `colon = ':' ;`
pub(crate) fn colon(input: &str) -> Parsed<'_, ()> {
    match input.strip_prefix(':') {
        Some(rest) => Ok((rest, ())),
        None if input.is_empty() => fault(input, Syntax::Ended("`:`")),
        None => fault(input, Syntax::Expected("`:`")),
    }
}

/// `blank = { ' ' | TAB | CR | LF } ;`
#[expect(clippy::unnecessary_wraps, reason = "a production like the others")]
pub(crate) fn blank(input: &str) -> Parsed<'_> {
    let end = input.bytes().position(|byte| !is_blank(byte)).unwrap_or(input.len());
    Ok((&input[end..], &input[..end]))
}

/// A text without the blanks around it.
pub(crate) fn unblank(text: &str) -> &str {
    text.trim_matches(BLANK)
}

/// The white space that lays out a formatted document.
pub(crate) const BLANK: [char; 4] = [' ', '\t', '\r', '\n'];

/// Whether this byte is one of them.
pub(crate) const fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn reads<'a, T: PartialEq + std::fmt::Debug>(
        production: impl Fn(&'a str) -> Parsed<'a, T>,
        input: &'a str,
        rest: &str,
        token: T,
    ) {
        let (left, found) = production(input).unwrap();
        assert_eq!((left, found), (rest, token), "{input}");
    }

    #[track_caller]
    fn fails<'a, T: std::fmt::Debug>(
        production: impl Fn(&'a str) -> Parsed<'a, T>,
        input: &'a str,
        at: &str,
        what: Syntax,
    ) {
        match production(input).unwrap_err() {
            nom::Err::Failure(fault) => assert_eq!((fault.at, fault.what), (at, what), "{input}"),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_quoted_text_ends_at_a_quote_that_is_not_doubled() {
        reads(quoted, "\"a,b\",c", ",c", Text::plain("a,b"));
        reads(quoted, "\"\"", "", Text::plain(""));
        reads(quoted, "\"a\"\"b\"}", "}", Text { raw: "a\"\"b", doubled: true });
        reads(quoted, "\"\"\"\"", "", Text { raw: "\"\"", doubled: true });
        fails(quoted, "\"a\"\"", "\"a\"\"", Syntax::Unclosed('"'));
        fails(quoted, "\"", "\"", Syntax::Unclosed('"'));
        fails(quoted, "a", "a", Syntax::Expected("`\"`"));
        assert_eq!(Text { raw: "a\"\"b\"\"\"\"", doubled: true }.undoubled(), "a\"b\"\"");
    }

    #[test]
    fn braces_and_brackets_pair_up_outside_quotes() {
        reads(braced, "{a:{b:c}},d", ",d", "{a:{b:c}}");
        reads(braced, "{\"}\"}x", "x", "{\"}\"}");
        reads(braced, "{[}]", "]", "{[}");
        reads(bracketed, "[[a],{],b", ",b", "[[a],{]");
        fails(braced, "{a:{b}", "{a:{b}", Syntax::Unclosed('{'));
        fails(bracketed, "[\"]", "[\"]", Syntax::Unclosed('['));
    }

    #[test]
    fn what_has_a_partner_leads_no_count_astray() {
        for text in ["", "a", "\"a\"", "a\"{]\"b", "{[}]", "[{a:\"\"\"\"}]", "{}[][[]]"] {
            assert_eq!(unpaired(text), None, "{text}");
        }
        for (text, at) in [
            ("a\"b", 1),
            ("\"a\"b\"", 4),
            ("a]", 1),
            ("}{", 0),
            ("[[]", 0),
            ("[]{\"}\"", 2),
            ("\"]\"[\"", 3),
        ] {
            assert_eq!(unpaired(text), Some(at), "{text}");
        }
    }

    #[test]
    fn unquoted_text_ends_at_a_separator() {
        reads(bare_member, "a:[b]\"c,d", ",d", "a:[b]\"c");
        reads(bare_element, "a[b]c],d", "],d", "a[b]c");
        reads(bare_element, "a{b\"}", "}", "a{b\"");
        reads(bare_key, ":a:b", ":b", ":a");
        reads(bare_key, "é:b", ":b", "é");
        fails(bare_key, ":", ":", Syntax::Ended("a name and `:`"));
        fails(bare_key, "", "", Syntax::Ended("a name and `:`"));
        fails(bare_key, "a,b", "a,b", Syntax::Expected("a name and `:`"));
        fails(colon, "", "", Syntax::Ended("`:`"));
        fails(colon, "x", "x", Syntax::Expected("`:`"));
        reads(blank, " \t\r\nx ", "x ", " \t\r\n");
        reads(colon, ":x", "x", ());
    }
}
