//! Where something is wrong.
//!
//! An error of this reader knows its place from the start. One of a visitor does not: it is given the place of the value
//! that was read, by each container it passes on its way out; the innermost comes first.

use super::map::NOWHERE;
use super::{Deserializer, Opened};
use crate::Error;
use crate::error::{Kind, Place};
use crate::grammar::{self, Fault};

impl<'de> Deserializer<'de> {
    /// The error for a production that did not match.
    #[cold]
    pub(super) fn fault(&mut self, error: nom::Err<Fault<'de>>) -> Error {
        match error {
            nom::Err::Error(fault) | nom::Err::Failure(fault) => {
                self.error_at(fault.what.into(), self.whole.len() - fault.at.len())
            }
            nom::Err::Incomplete(_) => self.error(Kind::Expected("more text")),
        }
    }

    /// An error at the cursor.
    #[cold]
    pub(super) fn error(&mut self, kind: Kind) -> Error {
        self.error_at(kind, self.offset())
    }

    /// An error at an offset.
    #[cold]
    pub(super) fn error_at(&mut self, kind: Kind, offset: usize) -> Error {
        let place = Place::near(self.wrong, self.whole, offset);
        self.wrong = Some(place);
        Error::at(kind, place)
    }

    /// The error for text that does not fit the type, the value being at an offset or behind the layout there.
    #[cold]
    pub(super) fn invalid(&mut self, offset: usize, found: &str, expected: &'static str) -> Error {
        self.error_at(Kind::invalid(found, expected), self.past_layout(offset))
    }

    /// Gives an error that knows no place that of the value at an offset, or behind the layout there.
    #[cold]
    pub(crate) fn place_at(&mut self, error: Error, offset: usize) -> Error {
        let error = error.or_at(self.whole, self.wrong, self.past_layout(offset));
        self.wrong = error.place();
        error
    }

    /// The same for a value that begins so many bytes before the end.
    #[cold]
    pub(super) fn place(&mut self, error: Error, left: usize) -> Error {
        self.place_at(error, self.whole.len() - left)
    }

    /// Gives what a visitor says of a container as a whole, such as a missing member, the place of its bracket.
    #[cold]
    pub(super) fn begun_at(&mut self, opened: Opened, error: Error) -> Error {
        self.place_at(error, if opened.at == NOWHERE { 0 } else { opened.at })
    }

    /// The offset of what follows the layout that may be at this one.
    fn past_layout(&self, offset: usize) -> usize {
        match grammar::blank(&self.whole[offset..]) {
            Ok((rest, _)) if self.formatted => self.whole.len() - rest.len(),
            _ => offset,
        }
    }
}
