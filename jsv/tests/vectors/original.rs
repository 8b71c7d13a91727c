//! The original's reader, modelled: it cuts a value's text out, hands it to the type, and goes on behind it. Slow and
//! obvious, independent of the crate, and above all a witness: it notes where the original drops text.
//!
//! The model is not trusted. What it says of a row counts only if it gives the very result that was recorded for the
//! row; see `judge.rs`. Sections are those of the description of the original that the rows come with.

use crate::json::J;
use crate::read::{enum_text, from_pairs};
use crate::shape::{Kind, Members, Shape};

/// Text that the original dropped, and where one sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Loss {
    /// A quote or bracket is not closed (2.1, 2.2, 2.4).
    Unclosed,
    /// A closing bracket closes nothing (2.5).
    Unopened,
    /// Text behind a quoted or bracketed value, or in place of a colon or comma (2.1).
    Junk,
    /// Text behind the end of a struct or map (2.1).
    Trailing,
    /// A member's text does not fit its type (2.3).
    Misfit,
    /// A declared member whose name is part of another (2.1).
    Hidden,
    /// More than the one character of a `char` (2.6).
    Characters,
}

/// How to read where rows or types differ.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Manner {
    /// Without the known faults: keys with quotes in them, U+200B (2.2, 2.5).
    pub(crate) repaired: bool,
    /// `ThrowOnError`.
    pub(crate) strict: bool,
    /// `ConvertObjectTypesIntoStringDictionary`.
    pub(crate) objects: bool,
    /// As the reader of most lists does it, for those that have an own one (2.4): `List<int>`, `string[]`, lists of
    /// structs.
    pub(crate) uniform: bool,
}

/// A refusal; the original's reasons do not matter.
#[derive(Debug, PartialEq)]
pub(crate) struct Refused;

type Reading<T> = Result<T, Refused>;

pub(crate) struct Original {
    manner: Manner,
    /// How many values are around the one being read.
    level: usize,
    pub(crate) losses: Vec<Loss>,
}

/// What the original makes of a document.
pub(crate) fn read(text: &str, shape: &Shape, manner: Manner) -> (Reading<J>, Vec<Loss>) {
    let mut original = Original { manner, level: 0, losses: Vec::new() };
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let value = original.value(text, shape);
    (value, original.losses)
}

impl Original {
    fn lose(&mut self, loss: Loss) {
        self.losses.push(loss);
    }

    pub(crate) fn value(&mut self, text: &str, shape: &Shape) -> Reading<J> {
        if let Shape::Nullable(inner) = shape {
            let null = text.is_empty() || (text == "\"\"" && !matches!(**inner, Shape::Char));
            return if null { Ok(J::Null) } else { self.value(text, inner) };
        }
        if text.is_empty() {
            return Ok(if shape.is_nullable() { J::Null } else { shape.default() });
        }
        self.level += 1;
        let value = self.present(text, shape);
        self.level -= 1;
        value
    }

    fn present(&mut self, text: &str, shape: &Shape) -> Reading<J> {
        match shape {
            Shape::Text => self.text(text).map(J::Text),
            Shape::Uri => self.text(text).and_then(|uri| {
                if uri.contains(':') || uri.starts_with('/') {
                    Ok(J::Text(uri))
                } else {
                    Err(Refused)
                }
            }),
            Shape::Object => self.object(text),
            Shape::Struct(members) => self.members(text, members),
            Shape::Map(key, value) => self.map(text, key, value),
            Shape::List(element, kind) => self.list(text, element, *kind),
            Shape::Bytes if text.starts_with('[') => {
                self.list(text, &Shape::Int("u8"), Kind::Array)
            }
            _ => {
                let text = self.text(text)?;
                self.scalar(&text, shape)
            }
        }
    }

    /// 2.2: a quote first means quotes first and last, doubled ones between.
    fn text(&mut self, text: &str) -> Reading<String> {
        if text == "\u{200b}" && !self.manner.repaired {
            return Ok(String::new());
        }
        let Some(body) = text.strip_prefix('"') else { return Ok(text.to_owned()) };
        let end = eat_quoted(text);
        if end.is_none() {
            self.lose(Loss::Unclosed);
        } else if end != Some(text.len()) {
            self.lose(Loss::Junk);
        }
        let mut characters = body.chars();
        characters.next_back().ok_or(Refused)?;
        Ok(characters.as_str().replace("\"\"", "\""))
    }

    /// 2.1: where the value that begins here ends.
    fn eat_value(&mut self, text: &str, at: usize) -> usize {
        let rest = &text[at..];
        let cut = match rest.bytes().next() {
            None | Some(b',' | b'}') => Some(0),
            Some(b'"') => eat_quoted(rest),
            Some(b'{') => eat_balanced(rest, b'{', b'}'),
            Some(b'[') => eat_balanced(rest, b'[', b']'),
            Some(_) => Some(rest.find([',', '}']).unwrap_or(rest.len())),
        };
        if cut.is_none() {
            self.lose(Loss::Unclosed);
        }
        at + cut.unwrap_or(rest.len())
    }

    /// 2.1: a quoted key, one in braces, or everything up to a colon that is not the first character.
    fn eat_key<'t>(&mut self, text: &'t str, at: usize) -> Reading<(&'t str, usize)> {
        let rest = text.get(at..).ok_or(Refused)?;
        let end = match rest.bytes().next().ok_or(Refused)? {
            b'"' => eat_quoted(rest).ok_or(Refused)?,
            b'{' => eat_balanced(rest, b'{', b'}').ok_or(Refused)?,
            first => {
                let first = if first.is_ascii() {
                    1
                } else {
                    rest.chars().next().map_or(1, char::len_utf8)
                };
                first + rest[first..].find(':').ok_or(Refused)?
            }
        };
        // The character after it is skipped, whatever it is, and must be there.
        match rest[end..].chars().next() {
            None => Err(Refused),
            Some(':') => Ok((&rest[..end], at + end + 1)),
            Some(other) => {
                self.lose(Loss::Junk);
                Ok((&rest[..end], at + end + other.len_utf8()))
            }
        }
    }

    /// 2.3: members by name, any character between them.
    fn members(&mut self, text: &str, members: &Members) -> Reading<J> {
        if !text.starts_with('{') {
            return Err(Refused);
        }
        let all = members.all();
        let mut values: Vec<J> = all.iter().map(|(_, shape)| shape.default()).collect();
        let content = text[1..].trim_ascii_start();
        let mut at = if content.is_empty() || content.starts_with('}') { text.len() } else { 1 };
        let mut closed = content.starts_with('}');
        if closed && content.trim_end().len() > 1 {
            self.lose(Loss::Trailing);
        }
        while at < text.len() {
            let (key, after) = self.eat_key(text, at)?;
            let end = self.eat_value(text, after);
            let losses = self.losses.len();
            let name = key.trim();
            let unquoted = name.strip_prefix('"').and_then(|name| name.strip_suffix('"'));
            let doubled = unquoted.is_some_and(|name| name.contains('"'));
            let name = unquoted.filter(|name| !name.is_empty()).unwrap_or(name);
            let repaired = if doubled && self.manner.repaired {
                name.replace("\"\"", "\"")
            } else {
                name.to_owned()
            };
            match all.iter().position(|(declared, _)| same_name(declared, &repaired)) {
                Some(index)
                    if self.manner.strict
                        && after == end
                        && matches!(all[index].1, Shape::Int(_)) =>
                {
                    return Err(Refused);
                }
                Some(index) => match self.value(&text[after..end], &all[index].1) {
                    Ok(value) => values[index] = value,
                    Err(Refused) if self.manner.strict => return Err(Refused),
                    Err(Refused) => {
                        self.losses.truncate(losses);
                        self.lose(Loss::Misfit);
                    }
                },
                None if members.exact => return Err(Refused),
                None => self.hidden(key, &all),
            }
            at = end + self.separator(text, end, true);
            closed = at == text.len() && text[end..].starts_with('}');
        }
        if !closed {
            self.lose(Loss::Unclosed);
        }
        Ok(J::Map(
            all.iter().zip(values).map(|((name, _), value)| ((*name).to_owned(), value)).collect(),
        ))
    }

    /// A member without a colon is read as the beginning of the next one's name.
    fn hidden(&mut self, key: &str, all: &[(&str, Shape)]) {
        if key.starts_with(['"', '{']) {
            return;
        }
        let last = key.rsplit([',', '}']).next().unwrap_or(key);
        let name = last.trim();
        let unquoted = name.strip_prefix('"').and_then(|name| name.strip_suffix('"'));
        let hidden = unquoted.filter(|name| !name.is_empty()).unwrap_or(name);
        if last.len() < key.len() && all.iter().any(|(name, _)| same_name(name, hidden)) {
            self.lose(Loss::Hidden);
        }
    }

    /// The length of what is skipped behind a value: in a struct any character, elsewhere a comma or brace.
    fn separator(&mut self, text: &str, at: usize, any: bool) -> usize {
        match text[at..].chars().next() {
            None => 0,
            Some(',') => 1,
            Some('}') => {
                if at + 1 < text.len() {
                    self.lose(Loss::Trailing);
                }
                1
            }
            Some(_) if !any => {
                self.lose(Loss::Junk);
                0
            }
            Some(other) => {
                self.lose(Loss::Junk);
                other.len_utf8()
            }
        }
    }

    /// 2.5: braces optional, keys as they stand.
    fn map(&mut self, text: &str, key_shape: &Shape, value_shape: &Shape) -> Reading<J> {
        let mut at = usize::from(text.starts_with('{'));
        if self.level > 1 && text.starts_with('[') {
            // A list: its brackets become part of a name and a value.
            self.lose(Loss::Junk);
        }
        let mut pairs: Vec<(J, J)> = Vec::new();
        let mut closed = at == 0;
        // An empty map is one whatever follows.
        let content = text[at..].trim_ascii_start();
        if content.is_empty() || content.starts_with('}') {
            if at == 0 {
                self.lose(Loss::Unopened);
            } else if content.is_empty() {
                self.lose(Loss::Unclosed);
            } else if content.trim_end().len() > 1 {
                self.lose(Loss::Trailing);
            }
            return Ok(J::Map(Vec::new()));
        }
        while at < text.len() {
            let (key, after) = self.eat_key(text, at)?;
            let end = self.eat_value(text, after);
            let key = self.key(key)?;
            let key = if matches!(key_shape, Shape::Text) {
                J::Text(key)
            } else {
                self.value(&key, key_shape)?
            };
            let value = match (&text[after..end], value_shape) {
                ("", shape)
                    if !shape.is_nullable()
                        && !matches!(shape, Shape::Nullable(_))
                        && !self.manner.uniform =>
                {
                    return Err(Refused);
                }
                (text, shape) => self.value(text, shape)?,
            };
            match pairs.iter_mut().find(|(other, _)| *other == key) {
                Some(pair) => pair.1 = value,
                None => pairs.push((key, value)),
            }
            at = end + self.separator(text, end, false);
            if at == text.len() && text[end..].starts_with('}') {
                if !text.starts_with('{') {
                    self.lose(Loss::Unopened);
                }
                closed = true;
            }
        }
        if !closed {
            self.lose(Loss::Unclosed);
        }
        Ok(from_pairs(key_shape, pairs))
    }

    /// 2.5, "current bugs": stripped without un-doubling, and then once more.
    fn key(&mut self, key: &str) -> Reading<String> {
        let Some(inner) = key.strip_prefix('"').and_then(|key| key.strip_suffix('"')) else {
            return Ok(key.to_owned());
        };
        if self.manner.repaired {
            return Ok(inner.replace("\"\"", "\""));
        }
        if inner.is_empty() {
            return Ok("\u{200b}".to_owned());
        }
        let Some(body) = inner.strip_prefix('"') else { return Ok(inner.to_owned()) };
        let mut characters = body.chars();
        characters.next_back();
        let again = characters.as_str().replace("\"\"", "\"");
        Ok(if again.is_empty() { "\u{200b}".to_owned() } else { again })
    }

    /// 2.4: the outer brackets go, unchecked; then values and separators.
    fn list(&mut self, text: &str, element: &Shape, kind: Kind) -> Reading<J> {
        let array = kind == Kind::Array;
        let cut = self.level > 1 && text.trim().starts_with('[');
        let mut content = text.trim();
        let strips =
            if array && matches!(element, Shape::Text) && !self.manner.uniform { 2 } else { 1 };
        for _ in 0..strips {
            if let Some(body) = content.strip_prefix('[') {
                if !body.ends_with(']') {
                    self.lose(Loss::Unclosed);
                }
                let mut characters = body.chars();
                characters.next_back().ok_or(Refused)?;
                content = characters.as_str();
            }
            if strips == 2 {
                content = content.trim();
            }
        }
        // U+200B is white space to the original here, and text everywhere else.
        if content
            .trim_matches(|c: char| c.is_whitespace() || (c == '\u{200b}' && !self.manner.repaired))
            .is_empty()
        {
            return Ok(J::List(Vec::new()));
        }
        let own = content.starts_with('{')
            && matches!(element, Shape::Struct(_))
            && !array
            && !self.manner.uniform;
        let int = matches!(element, Shape::Int("i32")) && !array && !self.manner.uniform;
        let mut list = if int {
            self.int_list(content)?
        } else {
            self.elements(content, element, kind, (own, cut))?
        };
        if kind == Kind::Set {
            let all = std::mem::take(&mut list);
            all.into_iter().for_each(|value| {
                if !list.contains(&value) {
                    list.push(value);
                }
            });
        }
        Ok(J::List(list))
    }

    fn elements(
        &mut self,
        content: &str,
        element: &Shape,
        kind: Kind,
        (own, cut): (bool, bool),
    ) -> Reading<Vec<J>> {
        let uniform = self.manner.uniform;
        let values = !element.is_nullable() || matches!(element, Shape::Nullable(_));
        let number = matches!(element, Shape::Int(_)) && kind == Kind::Array;
        if !uniform && content == "," && values {
            // A value type's list of two gaps comes out as one.
            return Ok(vec![self.value("", element)?]);
        }
        let no_last_gap =
            own || (!uniform && kind == Kind::Array && matches!(element, Shape::Struct(_)));
        let mut list = Vec::new();
        let mut at = 0;
        while at < content.len() {
            let end = self.eat_value(content, at);
            let text = &content[at..end];
            if cut && !text.starts_with(['"', '{', '[']) && !is_balanced(text) {
                // A list in something is cut out by its brackets and quotes, also those in unquoted text.
                self.lose(Loss::Unclosed);
            }
            let blank_null =
                text.trim().is_empty() && matches!(element, Shape::Map(..) | Shape::Struct(_));
            let bracketed = text.ends_with(['}', ']']) && text.starts_with(['{', '[']);
            if blank_null && !text.is_empty() {
                // White space between a value and its comma, read as a value of its own.
                self.lose(Loss::Junk);
            }
            if number && !uniform && text.is_empty() {
                return Err(Refused);
            }
            list.push(if blank_null { J::Null } else { self.value(text, element)? });
            at = end;
            match content[at..].chars().next() {
                None => {}
                Some(',' | '}') => {
                    at += 1;
                    if at == content.len() && !no_last_gap {
                        list.push(self.value("", element)?);
                    }
                }
                Some(other) if own => {
                    self.lose(Loss::Junk);
                    at += other.len_utf8();
                }
                Some(_) if bracketed => {}
                Some(_) => self.lose(Loss::Junk),
            }
        }
        Ok(list)
    }

    /// 2.4: `List<int>` splits at separators; no quotes, no gaps, but a comma may end it.
    fn int_list(&mut self, content: &str) -> Reading<Vec<J>> {
        let content = content.strip_suffix([',', '}']).unwrap_or(content);
        let number = |text: &str| {
            let text = text.trim();
            let text = text.strip_prefix('+').unwrap_or(text);
            text.parse::<i32>().map(|number| J::Int(number.into())).map_err(|_| Refused)
        };
        content.split([',', '}']).map(number).collect()
    }

    fn object(&mut self, text: &str) -> Reading<J> {
        // `{}` alone stays text for no reason one could give.
        if self.manner.objects && (text != "{}" || self.manner.repaired) {
            if text.starts_with('{') {
                return self.map(text, &Shape::Text, &Shape::Object);
            }
            if text.starts_with('[') {
                return self.list(text, &Shape::Object, Kind::List);
            }
        }
        self.text(text).map(J::Text)
    }

    /// 2.6.
    fn scalar(&mut self, text: &str, shape: &Shape) -> Reading<J> {
        match shape {
            Shape::Bool => bool(text.trim()).map(J::Bool).ok_or(Refused),
            Shape::Int(name) => integer(text, name).map(J::Int).ok_or(Refused),
            Shape::F32 => float::<f32>(text)
                .map(|number| J::Float(number.to_string().parse().unwrap_or(0.0)))
                .ok_or(Refused),
            Shape::F64 => float::<f64>(text).map(J::Float).ok_or(Refused),
            Shape::Char => {
                let mut characters = text.chars();
                let first = characters.next().unwrap_or(if self.manner.repaired {
                    '\0'
                } else {
                    '\u{200b}'
                });
                if !characters.as_str().is_empty() {
                    self.lose(Loss::Characters);
                }
                Ok(J::Text(first.to_string()))
            }
            Shape::Enum(names) => enum_text(names, text.trim()).map(J::Text).ok_or(Refused),
            Shape::Bytes => crate::scalars::base64(text).ok_or(Refused),
            Shape::TimeSpan => {
                let (ticks, lossy) = crate::scalars::timespan_with_losses(text).ok_or(Refused)?;
                if lossy {
                    self.lose(Loss::Misfit);
                }
                Ok(J::Map(vec![("ticks".to_owned(), J::Int(ticks))]))
            }
            _ => Err(Refused),
        }
    }
}

/// Whether the quotes of unquoted text, and its square brackets outside of them, pair up.
fn is_balanced(text: &str) -> bool {
    let (mut level, mut quoted) = (0, false);
    for byte in text.bytes() {
        match byte {
            b'"' => quoted = !quoted,
            b'[' if !quoted => level += 1,
            b']' if !quoted && level == 0 => return false,
            b']' if !quoted => level -= 1,
            _ => {}
        }
    }
    level == 0 && !quoted
}

/// The end of the quoted text at the front: the first quote that no other follows.
fn eat_quoted(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut at = 1;
    while at < bytes.len() {
        if bytes[at] == b'"' {
            if bytes.get(at + 1) != Some(&b'"') {
                return Some(at + 1);
            }
            at += 1;
        }
        at += 1;
    }
    None
}

/// The end of the brackets at the front, quotes toggling, the other kind of bracket not counting.
fn eat_balanced(text: &str, open: u8, close: u8) -> Option<usize> {
    let (mut level, mut quoted) = (0, false);
    for (at, byte) in text.bytes().enumerate() {
        if byte == b'"' {
            quoted = !quoted;
        } else if !quoted && byte == open {
            level += 1;
        } else if !quoted && byte == close {
            level -= 1;
            if level == 0 {
                return Some(at + 1);
            }
        }
    }
    None
}

fn same_name(declared: &str, name: &str) -> bool {
    let fold = |text: &str| text.chars().flat_map(char::to_uppercase).collect::<String>();
    fold(declared) == fold(name)
}

fn bool(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "y" | "Y" | "on" => Some(true),
        "0" | "f" | "F" | "n" | "N" | "off" => Some(false),
        _ => text.to_lowercase().parse().ok(),
    }
}

fn integer(text: &str, name: &str) -> Option<i128> {
    let text = text
        .trim_matches([' ', '\t', '\n', '\u{b}', '\u{c}', '\r', '\u{85}', '\u{a0}', '\u{200b}']);
    if text.starts_with('+')
        || (text.starts_with("-0") && text.len() > 2)
        || (text.starts_with('-') && name.starts_with('u'))
    {
        return None;
    }
    let number: i128 = text.parse().ok()?;
    let bits: u32 = name[1..].parse().ok()?;
    let (low, high) = if name.starts_with('i') {
        (-(1i128 << (bits - 1)), (1i128 << (bits - 1)) - 1)
    } else {
        (0, (1i128 << bits) - 1)
    };
    (low..=high).contains(&number).then_some(number)
}

fn float<T: std::str::FromStr>(text: &str) -> Option<T> {
    let text = text.trim().to_lowercase();
    let (sign, digits) = match text.split_at_checked(1) {
        Some((sign @ ("+" | "-"), digits)) => (sign, digits),
        _ => ("", &*text),
    };
    match digits {
        "nan" => return "nan".parse().ok(),
        "infinity" => return format!("{sign}inf").parse().ok(),
        _ => {}
    }
    let (whole, fraction) = digits.split_at(digits.find(['.', 'e']).unwrap_or(digits.len()));
    let digits = whole.replace(',', "") + fraction;
    let plain = digits.starts_with(|first: char| first.is_ascii_digit() || first == '.');
    if !plain || whole.starts_with(',') {
        return None;
    }
    format!("{sign}{digits}").parse().ok()
}
