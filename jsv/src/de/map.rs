//! Maps, `{name:value,name:value}`, and what structs have in common with them: all but the names, which are data in a
//! map and kept as they stand. Those of a struct are in [`super::members`].

use serde::de::{DeserializeSeed, MapAccess, Visitor};

use super::key::Key;
use super::{Context, Deserializer, Opened};
use crate::error::Kind;
use crate::grammar::Text;
use crate::{Error, Result, grammar, scan};

impl<'de> Deserializer<'de> {
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
            return self.deeper(|_| visitor.visit_map(NoEntries));
        }
        let opened = Opened { at: NOWHERE, around: self.around };
        if self.around.context == Context::Document {
            return self.deeper(|de| de.entries(opened, visitor));
        }
        if matches!(self.peek(), Some(b'"' | b'[')) {
            return Err(self.error(Kind::Expected("`{`")));
        }
        self.within_bare_text(false, |de| de.deeper(|de| de.entries(opened, visitor)))
    }

    fn entries<V: Visitor<'de>>(&mut self, opened: Opened, visitor: V) -> Result<V::Value> {
        let mut map = Map(Entries::new(self, opened));
        let mut value = visitor.visit_map(&mut map);
        if map.0.state != State::Closed || value.is_err() {
            value = map.0.conclude(value);
        }
        value
    }
}

/// Where a container began that has no bracket.
pub(super) const NOWHERE: usize = usize::MAX;

/// The entries between two braces, whatever their names mean.
pub(super) struct Entries<'a, 'de> {
    pub(super) de: &'a mut Deserializer<'de>,
    opened: Opened,
    pub(super) state: State,
}

/// Where the cursor is between entries. The first two are the byte that the cursor is then at, so that one comparison
/// answers for both; the others are bytes that are in no text.
#[derive(Clone, Copy, PartialEq)]
#[repr(u8)]
pub(super) enum State {
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
    pub(super) fn at_brace(de: &'a mut Deserializer<'de>, opened: Opened) -> Self {
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
    pub(super) fn at_end(&self) -> bool {
        self.state == State::More && self.de.peek() == Some(b'}')
    }

    /// Steps over the closing brace.
    #[inline]
    pub(super) fn end(&mut self) -> Result<bool> {
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
                if grammar::is_blank(byte)
                    && self.de.rest.trim_start_matches(grammar::BLANK).starts_with('}') =>
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
            None => Err(self.de.error_at(Kind::Unclosed('{'), self.opened.at)),
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
            value = Err(self.de.place(error, left));
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
    pub(super) fn conclude<T>(&mut self, value: Result<T>) -> Result<T> {
        match value {
            Ok(_) => self.close().and(value),
            Err(error) => Err(self.de.begun_at(self.opened, error)),
        }
    }
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
            Err(error) => Err(self.0.de.place(error, left)),
        }
    }

    #[inline]
    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value> {
        self.0.value(seed)
    }
}

/// The members of a struct that is not there.
pub(super) struct NoEntries;

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
                if scan::structural(key.as_bytes()) < key.len() {
                    self.note_stray(start, key);
                }
                Text::plain(if self.formatted { key.trim_end_matches(grammar::BLANK) } else { key })
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
