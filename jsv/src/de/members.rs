//! Structs: `{Name:value,Name:value}`.
//!
//! The names are trimmed and matched against the declared ones, so that the visitor always sees a declared name. A
//! struct usually comes in declaration order, so the next declared name is compared first, right in the document.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::{BorrowedStrDeserializer, StringDeserializer};
use serde::de::{Deserialize, DeserializeSeed, MapAccess, Visitor};

use super::Deserializer;
use super::map::{Entries, NoEntries, State};
use crate::error::Kind;
use crate::{Error, Result, grammar, scan};

impl<'de> Deserializer<'de> {
    /// A struct with these member names.
    #[inline]
    pub(super) fn members<V: Visitor<'de>>(
        &mut self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        // The value is large. It is made where the caller wants it, and not copied there, if it is one variable on
        // all ways out of this function.
        let mut value;
        if self.peek() == Some(b'{') || (self.skip_blank() && self.peek() == Some(b'{')) {
            match self.enter() {
                Ok(opened) => {
                    let entries = Entries::at_brace(self, opened);
                    let ahead = fields.iter();
                    let mut members = Members { fields, ahead, odd: (0, usize::MAX), entries };
                    value = visitor.visit_map(&mut members);
                    if members.entries.state != State::Closed || value.is_err() {
                        value = members.conclude(value);
                    }
                }
                Err(error) => value = Err(error),
            }
        } else {
            value = self.no_members(visitor);
        }
        value
    }

    /// A struct where there is no text has no members; anything else must be in braces.
    #[cold]
    fn no_members<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value> {
        if self.at_empty() {
            return self.deeper(|_| visitor.visit_map(NoEntries));
        }
        Err(self.error(Kind::Expected("`{`")))
    }
}

struct Members<'a, 'de> {
    fields: &'static [&'static str],
    /// The declared names that follow the last one read.
    ahead: std::slice::Iter<'static, &'static str>,
    /// Where the last name began that was not simply the next one, and where it ended, in bytes before the end.
    odd: (usize, usize),
    entries: Entries<'a, 'de>,
}

impl<'de> MapAccess<'de> for &mut Members<'_, 'de> {
    type Error = Error;

    #[inline]
    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>> {
        match self.next_name()? {
            Some(name) => self.key(seed, name).map(Some),
            None => Ok(None),
        }
    }

    #[inline(always)]
    #[expect(clippy::inline_always, reason = "once for every member")]
    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value> {
        self.entries.value(seed)
    }

    // These two do what the trait's own would; written here, they become part of the visitor's loop.

    /// What comes of a name is one byte where the error has nothing to say. If there is one, the name is read again.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "once for every member")]
    fn next_key<K: Deserialize<'de>>(&mut self) -> Result<Option<K>> {
        let Some(name) = self.next_name()? else { return Ok(None) };
        match K::deserialize(BorrowedStrDeserializer::<Unsaid>::new(name)) {
            Ok(key) => Ok(Some(key)),
            Err(Unsaid) => self.key(PhantomData, name).map(Some),
        }
    }

    #[inline(always)]
    #[expect(clippy::inline_always, reason = "once for every member")]
    fn next_value<T: Deserialize<'de>>(&mut self) -> Result<T> {
        self.next_value_seed(PhantomData)
    }
}

impl<'de> Members<'_, 'de> {
    /// The name of the next member, if there is one; the cursor is then behind its colon.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "once for every member")]
    fn next_name(&mut self) -> Result<Option<&'de str>> {
        match self.expected() {
            Some(name) => Ok(Some(name)),
            None if self.entries.at_end() => {
                self.entries.end()?;
                Ok(None)
            }
            None => match self.later() {
                Some(name) => Ok(Some(name)),
                None => self.any_name(),
            },
        }
    }

    /// What comes of a name, or the error about it with its place.
    #[inline(never)]
    fn key<K: DeserializeSeed<'de>>(&mut self, seed: K, name: &'de str) -> Result<K::Value> {
        let key = if self.is_doubled(name) {
            seed.deserialize(StringDeserializer::new(name.replace("\"\"", "\"")))
        } else {
            seed.deserialize(BorrowedStrDeserializer::new(name))
        };
        key.map_err(|error| self.refused(name, error))
    }

    /// Steps over the brace or comma, the declared name whose turn it is, and the colon, if they stand there. This is
    /// what `members` and `member` of the grammar come to where nothing is out of the ordinary.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "once for every member")]
    fn expected(&mut self) -> Option<&'static str> {
        let name = *self.ahead.as_slice().first()?;
        let de = &mut *self.entries.de;
        de.rest = after(de.rest, self.entries.state as u8, name)?;
        self.ahead.next();
        self.entries.state = State::More;
        Some(name)
    }

    /// Whether this name, the last one read, stands in quotes and has quotes in it.
    fn is_doubled(&self, name: &str) -> bool {
        let de = &*self.entries.de;
        let quoted = |text: &str| text.trim_start().starts_with('"');
        name.contains("\"\"")
            && self.odd.1 == de.rest.len()
            && quoted(&de.whole[de.whole.len() - self.odd.0..])
    }

    /// The same for those that follow the next one, some of which were left out.
    #[inline(never)]
    fn later(&mut self) -> Option<&'static str> {
        let mut ahead = self.ahead.clone();
        ahead.next();
        while let Some(&name) = ahead.next() {
            let de = &mut *self.entries.de;
            if let Some(rest) = after(de.rest, self.entries.state as u8, name) {
                de.rest = rest;
                self.ahead = ahead;
                self.entries.state = State::More;
                return Some(name);
            }
        }
        None
    }

    /// A name that is not written like one of those ahead, or none.
    #[inline(never)]
    fn any_name(&mut self) -> Result<Option<&'de str>> {
        if !self.entries.advance()? {
            return Ok(None);
        }
        let start = self.entries.de.rest.len();
        let name = self.name()?;
        self.odd = (start, self.entries.de.rest.len());
        Ok(Some(name))
    }

    /// The index of the declared name whose turn it is.
    fn next(&self) -> usize {
        self.fields.len() - self.ahead.len()
    }

    /// The declared name of this index; those behind it are the next ones.
    fn found(&mut self, index: usize) -> &'static str {
        self.ahead = self.fields[index + 1..].iter();
        self.fields[index]
    }

    /// Gives an error about a name, such as one that a visitor does not know, its place.
    #[cold]
    fn refused(&mut self, name: &str, error: Error) -> Error {
        let left = self.entries.de.rest.len();
        let start = if self.odd.1 == left { self.odd.0 } else { left + name.len() + 1 };
        self.entries.de.place(error, start)
    }

    /// What is left to do when the visitor stopped before the end, or with an error. If that was right behind a name,
    /// which it then has seen before, the error is about the name.
    #[cold]
    fn conclude<T>(&mut self, mut value: Result<T>) -> Result<T> {
        if let Err(error) = value {
            let de = &*self.entries.de;
            let name = self.next().checked_sub(1).map_or("", |last| self.fields[last]);
            let before = de.whole[..de.offset()].strip_suffix(':');
            let behind_name = self.odd.1 == de.rest.len()
                || before.is_some_and(|before| !name.is_empty() && before.ends_with(name));
            let stopped = self.entries.state == State::More && behind_name;
            value = Err(if stopped { self.refused(name, error) } else { error });
        }
        self.entries.conclude(value)
    }

    /// Reads a member's name and the colon: the declared name if there is one, else the name as it stands.
    #[inline(never)]
    fn name(&mut self) -> Result<&'de str> {
        let next = self.next();
        for index in (next..self.fields.len()).chain(0..next) {
            let de = &mut *self.entries.de;
            let named = de.rest.strip_prefix(self.fields[index]);
            if let Some(rest) = named.and_then(|rest| rest.strip_prefix(':')) {
                de.rest = rest;
                return Ok(self.found(index));
            }
        }
        self.name_in_another_case()
    }

    #[inline(never)]
    fn name_in_another_case(&mut self) -> Result<&'de str> {
        let next = self.next();
        let de = &mut *self.entries.de;
        if !matches!(de.peek(), Some(b'"' | b'{')) {
            let end = scan::byte(b':', de.rest.as_bytes());
            if end > 0
                && let Some(rest) = de.rest.get(end + 1..)
                && let Some(index) = find(self.fields, next, &de.rest[..end], &de.options)
            {
                de.rest = rest;
                return Ok(self.found(index));
            }
        }
        if de.peek().is_some_and(grammar::is_blank) && de.skip_blank() {
            return self.name();
        }
        self.odd_name()
    }

    /// A name with quotes or white space around it, or one that is not declared.
    #[inline(never)]
    fn odd_name(&mut self) -> Result<&'de str> {
        let next = self.next();
        let de = &mut *self.entries.de;
        let start = de.offset();
        let bare = !matches!(de.peek(), Some(b'"' | b'{'));
        let text = de.key()?;
        let undoubled = text.undoubled();
        let name = if bare { unquoted(text.raw.trim()) } else { &*undoubled };
        if let Some(index) = find(self.fields, next, name, &de.options) {
            return Ok(self.found(index));
        }
        if bare && let Some(at) = text.raw.rfind([',', '}']) {
            // `{A,B:1}` would hide B in the unknown member `A,B`.
            let tail = text.raw[at + 1..].trim_start();
            if let Some(index) = find(self.fields, next, unquoted(tail.trim_end()), &de.options) {
                let kind = Kind::HiddenMember(self.fields[index].to_owned());
                return Err(de.error_at(kind, start + text.raw.len() - tail.len()));
            }
        }
        Ok(if bare { unquoted(text.raw.trim()) } else { text.raw })
    }
}

/// An error that nobody will see.
#[derive(Debug)]
struct Unsaid;

impl fmt::Display for Unsaid {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        Ok(())
    }
}

impl std::error::Error for Unsaid {}

impl serde::de::Error for Unsaid {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self
    }
}

/// A name out of its quotes, which white space may have kept from being taken for such.
fn unquoted(name: &str) -> &str {
    let inner = name.strip_prefix('"').and_then(|name| name.strip_suffix('"'));
    inner.filter(|inner| !inner.is_empty()).unwrap_or(name)
}

/// What follows a certain byte, a name and its colon.
#[inline(always)]
#[expect(clippy::inline_always, reason = "once for every member")]
fn after<'de>(text: &'de str, lead: u8, name: &str) -> Option<&'de str> {
    let (&first, bytes) = text.as_bytes().split_first()?;
    let length = name.len();
    let found = bytes.len() > length
        && first == lead
        && bytes[length] == b':'
        && same(&bytes[..length], name.as_bytes());
    if found { text[length + 1..].strip_prefix(':') } else { None }
}

/// Equality of short texts without a call: by two overlapping words, those of eight bytes first, which are the right
/// ones for most names.
#[inline(always)]
#[expect(clippy::inline_always, reason = "once for every member")]
fn same(one: &[u8], other: &[u8]) -> bool {
    match one.len() {
        8..=16 => same_ends::<8>(one, other),
        4..=7 => same_ends::<4>(one, other),
        17..=32 => same_ends::<16>(one, other),
        _ => one.iter().eq(other),
    }
}

/// Whether two texts, no longer than two words of this size, begin and end with the same word.
#[inline(always)]
#[expect(clippy::inline_always, reason = "once for every member")]
fn same_ends<const WORD: usize>(one: &[u8], other: &[u8]) -> bool {
    one.len() == other.len()
        && (one.first_chunk::<WORD>() == other.first_chunk())
            & (one.last_chunk::<WORD>() == other.last_chunk())
}

/// The declared name that is meant, those from `next` on first: to the letter, then without case.
fn find(fields: &[&str], next: usize, name: &str, options: &crate::Options) -> Option<usize> {
    let ordered = || (next..fields.len()).chain(0..next.min(fields.len()));
    ordered().find(|&index| fields[index] == name).or_else(|| {
        if options.case_sensitive {
            return None;
        }
        ordered().find(|&index| same_name(fields[index], name))
    })
}

/// Equal without case, character by character, as .NET's ordinal comparison has it.
pub(super) fn same_name(declared: &str, name: &str) -> bool {
    if declared.is_ascii() {
        return declared.eq_ignore_ascii_case(name);
    }
    let upper = |text: &str| text.chars().map(simple_upper).collect::<Vec<_>>();
    upper(declared) == upper(name)
}

/// The upper case of a character, if it is one character.
fn simple_upper(character: char) -> char {
    let mut upper = character.to_uppercase();
    match (upper.next(), upper.next()) {
        (Some(upper), None) => upper,
        _ => character,
    }
}
