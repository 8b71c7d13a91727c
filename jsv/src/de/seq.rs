//! Lists: `[a,b]`, an element between any two separators, no text between them being null.
//!
//! The brackets are optional, as they are to `ServiceStack.Text`: where a list is asked for, any other value is a
//! list of one, and a document without brackets is a list of all its elements. `}` separates like `,`.

use serde::de::{DeserializeSeed, SeqAccess, Visitor};

use super::map::NOWHERE;
use super::{Context, Deserializer, Opened};
use crate::error::Kind;
use crate::{Error, Result, grammar};

/// The content of a list that holds nothing but one null; see `GRAMMAR.md`, "a list of one null".
pub(crate) const ONE_NULL: u8 = b'\x0b';

/// How deep a list may be for its length to be guessed by its text: a document that is a list or has some. In what is
/// deeper there are many short ones.
const LEVELS_OF_LONG_LISTS: usize = 2;

/// How deep a list may be for its length to be guessed by that of the one before it.
pub(super) const LEVELS_OF_LISTS: usize = 8;

/// Lists of so many elements are not worth a guess: a vector begins with room for as many.
const UNGUESSED: usize = 4;

impl<'de> Deserializer<'de> {
    #[inline]
    pub(super) fn seq<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value> {
        // One variable on all ways out, so that it is not copied.
        let mut value;
        if self.peek() == Some(b'[') || (self.skip_blank() && self.peek() == Some(b'[')) {
            match self.enter() {
                Ok(opened) => {
                    let mut list = self.open_list(opened);
                    value = visitor.visit_seq(&mut list);
                    if list.state != State::Closed || value.is_err() {
                        value = list.conclude(value);
                    }
                }
                Err(error) => value = Err(error),
            }
        } else {
            value = self.unbracketed(visitor);
        }
        value
    }

    #[inline(always)]
    #[expect(clippy::inline_always, reason = "once for every list, which is made where it stays")]
    fn open_list<'a>(&'a mut self, opened: Opened) -> List<'a, 'de> {
        let context = match opened.around.context {
            Context::Document => Context::OuterList,
            _ => Context::List,
        };
        self.surround(context);
        // Behind the bracket an element follows, unless a bracket or white space does.
        let first = self.rest.as_bytes().get(1).copied();
        let plain = first.is_some_and(|byte| byte > b' ' && byte != b']' && byte.is_ascii());
        self.advance();
        if !plain || self.formatted {
            let mut list = List { de: self, opened, context, state: State::First, count: 0 };
            list.skip_blank_content();
            return list;
        }
        if first == Some(b'{') && self.level <= LEVELS_OF_LONG_LISTS {
            self.look_for_bracket();
        }
        List { de: self, opened, context, state: State::Ready, count: 0 }
    }

    /// Looks for the next `]`, unless it is known already: so no byte is looked at twice.
    #[inline(never)]
    fn look_for_bracket(&mut self) {
        let here = self.offset();
        if self.bracket < here {
            let found = memchr::memchr(b']', self.rest.as_bytes());
            self.bracket = found.map_or(usize::MAX, |at| here + at);
        }
    }

    /// A value that does not begin with a bracket, where a list is asked for.
    #[inline(never)]
    fn unbracketed<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value> {
        if self.around.context == Context::Document {
            return self.whole_document(visitor);
        }
        if self.at_empty() {
            return self.of_one(State::Closed, visitor);
        }
        if matches!(self.peek(), Some(b'"' | b'{')) {
            return self.of_one(State::One, visitor);
        }
        self.within_bare_text(true, |de| {
            if de.rest.is_empty() {
                return de.of_one(State::Closed, visitor);
            }
            if de.peek() == Some(b'[') {
                return de.seq(visitor);
            }
            de.surround(Context::OpenList);
            de.of_one(State::One, visitor)
        })
    }

    /// A list of the one value at the cursor or, if it is closed already, of none.
    fn of_one<V: Visitor<'de>>(&mut self, state: State, visitor: V) -> Result<V::Value> {
        let opened = Opened { at: NOWHERE, around: self.around };
        let context = Context::OpenList;
        self.deeper(|de| visitor.visit_seq(&mut List { de, opened, context, state, count: 0 }))
    }

    /// A document without brackets, or with white space around them.
    fn whole_document<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value> {
        let start = self.offset();
        self.rest = self.rest.trim();
        self.whole = &self.whole[..start + blank_before(&self.whole[start..]) + self.rest.len()];
        self.tail = 0;
        if self.rest.is_empty() {
            return self.of_one(State::Closed, visitor);
        }
        let mut list = if self.peek() == Some(b'[') {
            let opened = self.enter()?;
            self.open_list(opened)
        } else {
            let opened = Opened { at: NOWHERE, ..self.enter()? };
            self.surround(Context::OpenList);
            List { de: self, opened, context: Context::OpenList, state: State::First, count: 0 }
        };
        let value = visitor.visit_seq(&mut list)?;
        list.close()?;
        Ok(value)
    }
}

/// The elements of a list, with brackets or without. Whatever a list looks like, a visitor sees this one type, so that an
/// element is read in one place of the program: there the compiler can put it, without a copy on the way.
pub(super) struct List<'a, 'de> {
    de: &'a mut Deserializer<'de>,
    opened: Opened,
    context: Context,
    state: State,
    /// How many elements have been asked for.
    count: usize,
}

#[derive(Clone, Copy, PartialEq)]
enum State {
    /// Before the first element, if there is one.
    First,
    /// Before the first element, which there is.
    Ready,
    /// Before the one null of a list that holds nothing else.
    Gap,
    More,
    /// Before the only element, which stands without brackets.
    One,
    Closed,
}

impl List<'_, '_> {
    /// White space alone is an empty list, and one certain white space a list of one null.
    #[inline(never)]
    fn skip_blank_content(&mut self) {
        match self.de.peek() {
            Some(byte) if byte <= b' ' || !byte.is_ascii() => self.blank_content(),
            _ => {}
        }
    }

    #[cold]
    fn blank_content(&mut self) {
        let content = self.de.rest;
        let after = content.trim_start();
        let blank = &content[..content.len() - after.len()];
        let kept = std::mem::replace(&mut self.de.rest, after);
        if !(after.starts_with(']') && self.at_close()) {
            self.de.rest = kept;
        } else if blank.as_bytes() == [ONE_NULL] {
            self.state = State::Gap;
        }
    }

    /// Whether the `]` at the cursor closes this list.
    #[inline]
    fn at_close(&self) -> bool {
        match self.context {
            Context::List => true,
            Context::OuterList => self.de.at_last_bracket(),
            _ => false,
        }
    }

    /// Whether another element follows; the cursor is then at it.
    #[inline]
    fn advance(&mut self) -> Result<bool> {
        match self.state {
            State::More => {
                if let Some(rest) = self.de.rest.strip_prefix(',') {
                    self.de.rest = rest;
                    return Ok(true);
                }
                if self.context == Context::List && self.de.peek() == Some(b']') {
                    return self.end();
                }
            }
            State::Ready => {
                self.state = State::More;
                return Ok(true);
            }
            State::One => {
                self.state = State::Closed;
                return Ok(true);
            }
            _ => {}
        }
        self.begin_or_end()
    }

    /// Steps over the closing bracket.
    #[inline]
    fn end(&mut self) -> Result<bool> {
        self.state = State::Closed;
        if let Some(length) = self.de.lengths.get_mut(self.de.level) {
            *length = self.count;
        }
        self.de.leave(self.opened, ']')?;
        Ok(false)
    }

    #[inline(never)]
    fn begin_or_end(&mut self) -> Result<bool> {
        match (self.de.peek(), self.state) {
            (Some(b']'), State::First | State::More) if self.at_close() => self.end(),
            (Some(byte), State::First | State::More)
                if grammar::is_blank(byte) && self.de.skip_blank() =>
            {
                self.advance()
            }
            (Some(_), State::First | State::Gap) => {
                self.state = State::More;
                Ok(true)
            }
            _ => self.odd_separator(),
        }
    }

    #[cold]
    fn odd_separator(&mut self) -> Result<bool> {
        match self.de.peek() {
            _ if self.state == State::Closed => Ok(false),
            None if self.context == Context::OpenList => {
                self.state = State::Closed;
                Ok(false)
            }
            None => Err(self.de.error_at(Kind::Unclosed('['), self.opened.at)),
            Some(b'}') => {
                self.de.note_stray(self.de.offset(), "}");
                self.de.advance();
                Ok(true)
            }
            // `[[1][2]]`: a bracket ends a value as surely as a comma.
            Some(_) if self.after_bracket() => Ok(true),
            Some(_) => Err(self.de.error(Kind::AfterValue)),
        }
    }

    /// Whether the value before ended with its bracket.
    fn after_bracket(&self) -> bool {
        let before = &self.de.whole[..self.de.offset()];
        let before =
            if self.de.formatted { before.trim_end_matches(grammar::BLANK) } else { before };
        before.ends_with(['}', ']'])
    }

    /// About how many structs there are to the end of the list, or to the first list in one of them: as many as are
    /// in the first kilobyte, for each such stretch. An eighth more than that, because those to come may be shorter.
    #[inline(never)]
    fn guess(&self) -> Option<usize> {
        const SAMPLE: usize = 1024;
        let length = self.de.bracket.checked_sub(self.de.offset())?;
        let sample = self.de.rest.as_bytes().get(..length)?;
        let sample = sample.first_chunk::<SAMPLE>()?;
        let (mut count, mut end) = (0, 0);
        for at in memchr::memchr_iter(b'}', sample) {
            if let Some(b",{") = sample.get(at + 1..at + 3) {
                count += 1;
                end = at + 2;
            }
        }
        let guess = length / (end / count.max(1)).max(1);
        (count > 0).then_some(guess + guess / 8)
    }

    /// Checks that the visitor has asked for everything there is.
    fn close(&mut self) -> Result<()> {
        if self.state != State::Closed && self.advance()? {
            return Err(self.de.error(Kind::Expected("the end of the list")));
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

impl<'de> SeqAccess<'de> for &mut List<'_, 'de> {
    type Error = Error;

    #[inline]
    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>> {
        if self.state == State::Closed || !self.advance()? {
            return Ok(None);
        }
        self.count += 1;
        let left = self.de.rest.len();
        match seed.deserialize(&mut *self.de) {
            Ok(value) => Ok(Some(value)),
            Err(error) => Err(self.de.place(error, left)),
        }
    }

    /// A guess, so that what the elements are put into is not moved time and again while it grows: where a list of
    /// structs is long, by its text; else as many as in the last list of that level, the lists in the members of one
    /// name being much alike. No length is taken twice, so all guesses together are no more than there are elements;
    /// and what serde makes of one is limited to a megabyte.
    #[inline]
    fn size_hint(&self) -> Option<usize> {
        if self.state != State::Ready {
            return None;
        }
        if self.de.level <= LEVELS_OF_LONG_LISTS {
            return self.guess();
        }
        self.de.lengths.get(self.de.level).copied().filter(|&length| length > UNGUESSED)
    }
}

/// How many bytes of white space a text begins with.
fn blank_before(text: &str) -> usize {
    text.len() - text.trim_start().len()
}
