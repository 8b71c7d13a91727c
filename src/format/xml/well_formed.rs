//! What XML asks of a document and quick-xml leaves to those who read its events: XML 1.0 (fifth
//! edition) and Namespaces in XML 1.0.
//!
//! Each check is of one piece, as it stands in the document.

/// What is wrong, and where in bytes.
pub(super) type Fault = (usize, String);

/// XML's white space.
pub(super) const BLANKS: [char; 4] = [' ', '\t', '\r', '\n'];

/// Whether a document may hold a character at all.
pub(super) fn is_character(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{FFFD}' | '\u{10000}'..)
}

/// A whole document: no character in it is one that none may hold.
pub(super) fn characters(document: &str) -> Result<(), Fault> {
    // Of many bytes at once: hardly any document holds one.
    let control = |byte: u8| byte < b' ' && !matches!(byte, b'\t' | b'\n' | b'\r');
    let bytes = document.as_bytes();
    // U+FFFE and U+FFFF, in UTF-8.
    let no_character = |at: &usize| {
        bytes[*at..].starts_with(b"\xEF\xBF\xBE") || bytes[*at..].starts_with(b"\xEF\xBF\xBF")
    };
    let first = bytes.iter().position(|byte| control(*byte));
    match first.or_else(|| memchr::memchr_iter(0xEF, bytes).find(no_character)) {
        Some(offset) => Err((offset, "a character that XML does not have".into())),
        None => Ok(()),
    }
}

/// The text between tags and references.
pub(super) fn text(text: &str, offset: usize) -> Result<(), Fault> {
    match text.find("]]>") {
        Some(at) => Err((offset + at, "']]>' outside of CDATA".into())),
        None => Ok(()),
    }
}

/// What stands between `<!--` and `-->`.
pub(super) fn comment(content: &str, offset: usize) -> Result<(), Fault> {
    let last = content.ends_with('-').then(|| content.len() - 1);
    match content.find("--").or(last) {
        Some(at) => Err((offset + at, "'--' in a comment".into())),
        None => Ok(()),
    }
}

/// What stands between `<?` and `?>` and is no declaration.
pub(super) fn instruction(content: &str, offset: usize) -> Result<(), Fault> {
    let target = content.split(BLANKS).next().unwrap_or_default();
    if is_name(target) && !target.eq_ignore_ascii_case("xml") {
        Ok(())
    } else {
        Err((offset, format!("a processing instruction cannot be called '{target}'")))
    }
}

/// What stands between `<?xml` and `?>`.
pub(super) fn declaration(content: &str, offset: usize) -> Result<(), Fault> {
    let mut expected = ["version", "encoding", "standalone"].iter();
    for attribute in Attributes::of(content, offset) {
        let Attribute { name, value, offset } = attribute?;
        let begins = expected.len() == 3;
        if (begins && name != "version") || !expected.any(|known| *known == name) {
            return Err((offset, format!("'{name}' has no place in the declaration")));
        }
        let fits = match name {
            "encoding" => ["utf-8", "us-ascii"].iter().any(|n| value.eq_ignore_ascii_case(n)),
            "standalone" => ["yes", "no"].contains(&value),
            _ => value.strip_prefix("1.").is_some_and(|minor| {
                !minor.is_empty() && minor.bytes().all(|byte| byte.is_ascii_digit())
            }),
        };
        if !fits {
            return Err((offset, format!("the {name} '{value}' is not read")));
        }
    }
    if expected.len() == 3 { Err((offset, "a declaration without version".into())) } else { Ok(()) }
}

/// The name of an element or attribute, in parts.
pub(super) fn name(name: &str, offset: usize) -> Result<(), Fault> {
    let fits = match name.split_once(':') {
        Some((prefix, local)) => is_name(prefix) && is_name(local),
        None => is_name(name),
    };
    if fits { Ok(()) } else { Err((offset, format!("'{name}' is not a name"))) }
}

/// A name without colon (`NCName`).
fn is_name(name: &str) -> bool {
    let mut characters = name.chars();
    characters.next().is_some_and(begins_name) && characters.all(continues_name)
}

fn begins_name(c: char) -> bool {
    matches!(c,
        'A'..='Z' | '_' | 'a'..='z' | '\u{C0}'..='\u{D6}' | '\u{D8}'..='\u{F6}'
        | '\u{F8}'..='\u{2FF}' | '\u{370}'..='\u{37D}' | '\u{37F}'..='\u{1FFF}'
        | '\u{200C}'..='\u{200D}' | '\u{2070}'..='\u{218F}' | '\u{2C00}'..='\u{2FEF}'
        | '\u{3001}'..='\u{D7FF}' | '\u{F900}'..='\u{FDCF}' | '\u{FDF0}'..='\u{FFFD}'
        | '\u{10000}'..='\u{EFFFF}')
}

fn continues_name(c: char) -> bool {
    begins_name(c)
        || matches!(c, '-' | '.' | '0'..='9' | '\u{B7}' | '\u{300}'..='\u{36F}'
            | '\u{203F}'..='\u{2040}')
}

/// What a reference, without its `&` and `;`, stands for. There are no entities but XML's own.
pub(super) fn referred(reference: &str, offset: usize) -> Result<char, Fault> {
    let number = |digits: &str, radix| {
        let plain = digits.chars().all(|c| c.is_digit(radix));
        let code = u32::from_str_radix(digits, radix).ok().filter(|_| plain)?;
        char::from_u32(code).filter(|c| is_character(*c))
    };
    let character = match reference.strip_prefix('#') {
        Some(hexadecimal) if hexadecimal.starts_with('x') => number(&hexadecimal[1..], 16),
        Some(decimal) => number(decimal, 10),
        None => match reference {
            "amp" => Some('&'),
            "lt" => Some('<'),
            "gt" => Some('>'),
            "apos" => Some('\''),
            "quot" => Some('"'),
            _ => return Err((offset, "an entity that XML does not define".into())),
        },
    };
    character.ok_or_else(|| (offset, "a reference to no character".into()))
}

/// An attribute, its value as it is written.
pub(super) struct Attribute<'a> {
    pub(super) name: &'a str,
    pub(super) value: &'a str,
    /// Where its name begins, in bytes.
    pub(super) offset: usize,
}

/// The attributes of a tag or a declaration, up to the first fault.
pub(super) struct Attributes<'a> {
    rest: &'a str,
    /// Where the rest begins, in bytes.
    offset: usize,
}

impl<'a> Attributes<'a> {
    /// What follows the name, at `offset` in the document.
    pub(super) fn of(rest: &'a str, offset: usize) -> Self {
        Self { rest, offset }
    }

    fn read(&mut self) -> Result<Option<Attribute<'a>>, Fault> {
        let start = self.rest.trim_start_matches(BLANKS);
        let offset = self.offset + (self.rest.len() - start.len());
        if start.is_empty() {
            return Ok(None);
        }
        if offset == self.offset {
            return Err((offset, "an attribute without a blank before it".into()));
        }
        let whole = start.split_once('=').and_then(|(given, rest)| {
            let rest = rest.trim_start_matches(BLANKS);
            let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''))?;
            let (value, rest) = rest[1..].split_once(quote)?;
            Some((given.trim_end_matches(BLANKS), value, rest))
        });
        let Some((given, value, rest)) = whole else {
            return Err((offset, "an attribute without a quoted value".into()));
        };
        name(given, offset)?;
        check_value(value, offset)?;
        self.offset = offset + (start.len() - rest.len());
        self.rest = rest;
        Ok(Some(Attribute { name: given, value, offset }))
    }
}

impl<'a> Iterator for Attributes<'a> {
    type Item = Result<Attribute<'a>, Fault>;

    fn next(&mut self) -> Option<Self::Item> {
        let read = self.read();
        if read.is_err() {
            self.rest = "";
        }
        read.transpose()
    }
}

/// No tag begins in an attribute's value, and all references in it are to something.
fn check_value(value: &str, offset: usize) -> Result<(), Fault> {
    if value.contains('<') {
        return Err((offset, "'<' in an attribute's value".into()));
    }
    for reference in value.split('&').skip(1) {
        let (reference, _) = reference
            .split_once(';')
            .ok_or_else(|| (offset, "a reference that is not closed".to_owned()))?;
        referred(reference, offset)?;
    }
    Ok(())
}
