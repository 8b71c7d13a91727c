//! Structs and maps: `{name:value,name:value}`.
//!
//! The two differ in their names. A struct's are trimmed and matched against the declared ones, so that the
//! visitor always sees a declared name; a map's are data, kept as they stand. A struct usually comes in
//! declaration order, so the next declared name is compared first, right in the document.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::BorrowedStrDeserializer;
use serde::de::{Deserialize, DeserializeSeed, MapAccess, Visitor};

use super::key::Key;
use super::{Context, Deserializer, Opened};
use crate::error::Kind;
use crate::grammar::Text;
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
                        value = members.entries.conclude(value);
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
            return visitor.visit_map(NoEntries);
        }
        Err(self.error(Kind::Expected("`{`")))
    }

    /// A map. It may come without braces, as all of a document or of an unquoted text.
    #[inline]
    pub(super) fn map<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value> {
        if self.peek() != Some(b'{') {
            self.skip_blank();
        }
        if self.peek() == Some(b'{') {
            let opened = self.enter()?;
            return self.entries(opened, visitor);
        }
        if self.at_empty() {
            return visitor.visit_map(NoEntries);
        }
        let opened = Opened { at: NOWHERE, around: self.around };
        if self.around.context == Context::Document {
            return self.entries(opened, visitor);
        }
        if matches!(self.peek(), Some(b'"' | b'[')) {
            return Err(self.error(Kind::Expected("`{`")));
        }
        self.within_bare_text(false, |de| de.entries(opened, visitor))
    }

    fn entries<V: Visitor<'de>>(&mut self, opened: Opened, visitor: V) -> Result<V::Value> {
        let mut map = Map(Entries::new(self, opened));
        let mut value = visitor.visit_map(&mut map);
        if map.0.state != State::Closed || value.is_err() {
            value = map.0.conclude(value);
        }
        value
    }

    /// Gives what a visitor says of a container as a whole, such as a missing member, the place of its bracket.
    #[cold]
    pub(super) fn begun_at(&self, opened: Opened, error: Error) -> Error {
        let start = if opened.at == NOWHERE { 0 } else { opened.at };
        error.or_at(self.whole, start)
    }
}

/// Where a container began that has no bracket.
pub(super) const NOWHERE: usize = usize::MAX;

/// The entries between two braces, whatever their names mean.
pub(super) struct Entries<'a, 'de> {
    pub(super) de: &'a mut Deserializer<'de>,
    opened: Opened,
    state: State,
}

/// Where the cursor is between entries. The first two are the byte that the cursor is then at, so that one comparison
/// answers for both; the others are bytes that are in no text.
#[derive(Clone, Copy, PartialEq)]
#[repr(u8)]
enum State {
    /// At the opening brace.
    Brace = b'{',
    /// Behind an entry.
    More = b',',
    /// Before the first entry, if there is one.
    First = 0xfd,
    /// Between two entries of a map without braces.
    Open = 0xfe,
    Closed = 0xff,
}

impl<'a, 'de> Entries<'a, 'de> {
    /// The entries of a container that has been entered, the cursor being at its brace.
    #[inline]
    fn at_brace(de: &'a mut Deserializer<'de>, opened: Opened) -> Self {
        de.surround(Context::Object);
        Self { de, opened, state: State::Brace }
    }

    /// The same, or those of a container without braces.
    #[inline]
    pub(super) fn new(de: &'a mut Deserializer<'de>, opened: Opened) -> Self {
        de.surround(Context::Object);
        let state = if opened.at == NOWHERE { State::First } else { State::Brace };
        Self { de, opened, state }
    }

    /// Whether another entry follows; the cursor is then at its name.
    #[inline]
    pub(super) fn advance(&mut self) -> Result<bool> {
        match self.state {
            State::More => match self.de.peek() {
                Some(b',') => {
                    self.de.advance();
                    return Ok(true);
                }
                Some(b'}') => return self.end(),
                _ => {}
            },
            State::Brace => {
                self.de.advance();
                // Behind the brace a name follows, unless a bracket or white space does.
                let plain = self.de.peek().is_some_and(|byte| byte > b' ' && byte != b'}');
                if plain && !self.de.formatted {
                    self.state = State::More;
                    return Ok(true);
                }
                self.state = State::First;
            }
            _ => {}
        }
        self.begin_or_end()
    }

    /// Whether the cursor is at the closing brace, behind an entry.
    #[inline]
    fn at_end(&self) -> bool {
        self.state == State::More && self.de.peek() == Some(b'}')
    }

    /// Steps over the closing brace.
    #[inline]
    fn end(&mut self) -> Result<bool> {
        self.state = State::Closed;
        self.de.leave(self.opened, '}')?;
        Ok(false)
    }

    #[inline(never)]
    fn begin_or_end(&mut self) -> Result<bool> {
        match (self.de.peek(), self.state) {
            (Some(b'}'), State::First | State::More) if self.opened.at != NOWHERE => self.end(),
            (Some(byte), _) if grammar::is_blank(byte) && self.de.skip_blank() => self.advance(),
            // White space alone is an empty container.
            (Some(byte), State::First)
                if grammar::is_blank(byte) && self.de.rest.trim_ascii_start().starts_with('}') =>
            {
                self.de.skip_any_blank();
                self.begin_or_end()
            }
            (Some(b'}'), State::First) => self.odd_end(),
            (Some(_), State::First) if self.opened.at == NOWHERE => {
                self.state = State::Open;
                Ok(true)
            }
            (Some(_), State::First) => {
                self.state = State::More;
                Ok(true)
            }
            // Without braces the end of the document ends the map, behind a comma too.
            (Some(b','), State::Open) if self.de.rest.len() > 1 => {
                self.de.advance();
                Ok(true)
            }
            (None, State::First) if self.opened.at == NOWHERE => {
                self.state = State::Closed;
                Ok(false)
            }
            (None | Some(b','), State::Open) => {
                self.de.rest = "";
                self.state = State::Closed;
                Ok(false)
            }
            _ => self.odd_end(),
        }
    }

    #[cold]
    fn odd_end(&mut self) -> Result<bool> {
        match self.de.peek() {
            _ if self.state == State::Closed => Ok(false),
            None => Err(Error::at(Kind::Unclosed('{'), self.de.whole, self.opened.at)),
            Some(b'}') => Err(self.de.error(Kind::Unopened('}'))),
            Some(_) => Err(self.de.error(Kind::AfterValue)),
        }
    }

    #[inline(always)]
    #[expect(clippy::inline_always, reason = "once for every member")]
    pub(super) fn value<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value> {
        let left = self.de.rest.len();
        let mut value = seed.deserialize(&mut *self.de);
        if let Err(error) = value {
            value = Err(place(error, self.de.whole, left));
        }
        value
    }

    /// Checks that the visitor has asked for everything there is.
    pub(super) fn close(&mut self) -> Result<()> {
        if self.state != State::Closed && self.advance()? {
            return Err(self.de.error(Kind::Expected("`}`")));
        }
        Ok(())
    }

    /// What is left to do when the visitor stopped before the end, or with an error.
    #[cold]
    fn conclude<T>(&mut self, value: Result<T>) -> Result<T> {
        match value {
            Ok(_) => self.close().and(value),
            Err(error) => Err(self.de.begun_at(self.opened, error)),
        }
    }
}

/// Gives an error that knows no place that of a value, so many bytes before the end.
#[cold]
pub(super) fn place(error: Error, whole: &str, left: usize) -> Error {
    error.or_at(whole, whole.len() - left)
}

struct Map<'a, 'de>(Entries<'a, 'de>);

impl<'de> MapAccess<'de> for &mut Map<'_, 'de> {
    type Error = Error;

    #[inline]
    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>> {
        if !self.0.advance()? {
            return Ok(None);
        }
        let left = self.0.de.rest.len();
        match seed.deserialize(Key(self.0.de)) {
            Ok(key) => Ok(Some(key)),
            Err(error) => Err(place(error, self.0.de.whole, left)),
        }
    }

    #[inline]
    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value> {
        self.0.value(seed)
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
    fn key<K: DeserializeSeed<'de>>(&self, seed: K, name: &'de str) -> Result<K::Value> {
        let key = seed.deserialize(BorrowedStrDeserializer::new(name));
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
    fn refused(&self, name: &str, error: Error) -> Error {
        let left = self.entries.de.rest.len();
        let start = if self.odd.1 == left { self.odd.0 } else { left + name.len() + 1 };
        place(error, self.entries.de.whole, start)
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
        let name = text.undoubled();
        let name = if bare { unquoted(name.trim()) } else { &*name };
        if let Some(index) = find(self.fields, next, name, &de.options) {
            return Ok(self.found(index));
        }
        if bare && let Some(at) = text.raw.rfind([',', '}']) {
            // `{A,B:1}` would hide B in the unknown member `A,B`.
            let hidden = text.raw[at + 1..].trim();
            if let Some(index) = find(self.fields, next, hidden, &de.options) {
                let kind = Kind::HiddenMember(self.fields[index].to_owned());
                return Err(Error::at(kind, de.whole, start + at + 1));
            }
        }
        Ok(text.raw)
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

/// Equality of short texts without a call: by two overlapping words.
#[inline(always)]
#[expect(clippy::inline_always, reason = "once for every member")]
fn same(one: &[u8], other: &[u8]) -> bool {
    if one.len() != other.len() || one.len() > 32 {
        return one.iter().eq(other);
    }
    if let (Some(a), Some(b), Some(c), Some(d)) = (
        one.first_chunk::<16>(),
        other.first_chunk::<16>(),
        one.last_chunk::<16>(),
        other.last_chunk::<16>(),
    ) {
        return a == b && c == d;
    }
    if let (Some(a), Some(b), Some(c), Some(d)) = (
        one.first_chunk::<8>(),
        other.first_chunk::<8>(),
        one.last_chunk::<8>(),
        other.last_chunk::<8>(),
    ) {
        return a == b && c == d;
    }
    if let (Some(a), Some(b), Some(c), Some(d)) = (
        one.first_chunk::<4>(),
        other.first_chunk::<4>(),
        one.last_chunk::<4>(),
        other.last_chunk::<4>(),
    ) {
        return a == b && c == d;
    }
    one.iter().eq(other)
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

/// The members of a struct that is not there.
struct NoEntries;

impl<'de> MapAccess<'de> for NoEntries {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, _: K) -> Result<Option<K::Value>> {
        Ok(None)
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, _: T) -> Result<T::Value> {
        Err(Error::custom_text("there is no value without a name"))
    }
}

impl<'de> Deserializer<'de> {
    /// A name and the colon behind it.
    pub(super) fn key(&mut self) -> Result<Text<'de>> {
        if self.peek().is_some_and(grammar::is_blank) {
            self.skip_blank();
        }
        let start = self.offset();
        let text = match self.peek() {
            Some(b'"') => self.take(grammar::quoted)?,
            Some(b'{') => Text::plain(self.take(grammar::braced)?),
            _ => {
                let key = self.take(grammar::bare_key)?;
                if let Some(at) = key.bytes().position(|byte| b"\"{}[]".contains(&byte)) {
                    self.note_stray(start + at);
                }
                Text::plain(if self.formatted { key.trim_ascii_end() } else { key })
            }
        };
        self.colon()?;
        Ok(text)
    }

    pub(super) fn colon(&mut self) -> Result<()> {
        if self.peek() != Some(b':') {
            self.skip_blank();
        }
        self.take(grammar::colon)
    }
}
