//! Quotes and brackets in unquoted text.
//!
//! When a container that had some in it is left, it is cut out again the way `ServiceStack.Text` does it, by counting;
//! if that cut ends elsewhere, the original would read something else from here on, and that is an error. The recount
//! makes a stray cost time in proportion to the depth limit, nothing worse.

use super::{Context, Deserializer, Opened};
use crate::error::Kind;
use crate::{Result, grammar};

/// Quotes and brackets without a partner in their text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Strays {
    /// Where the first of them is. It is forgotten when the container it is in turns out to be no trouble to others.
    first: usize,
    last: usize,
}

impl Deserializer<'_> {
    /// Remembers where the text that begins at an offset has a quote or bracket without a partner, if it has one.
    #[cold]
    pub(super) fn note_stray(&mut self, start: usize, text: &str) {
        if let Some(at) = grammar::unpaired(text) {
            let last = start + at;
            self.stray = Some(Strays { first: self.stray.map_or(last, |stray| stray.first), last });
        }
    }

    /// Cuts out the container that ends at the cursor again.
    #[cold]
    pub(super) fn recount(&mut self, opened: Opened, stray: Strays) -> Result<()> {
        if opened.around.context == Context::Document {
            self.stray = None;
            return Ok(());
        }
        let text = &self.whole[opened.at..self.offset()];
        let from_here = &self.whole[opened.at..];
        let cut = match text.as_bytes().first() {
            Some(b'{') => grammar::braced(from_here),
            _ => grammar::bracketed(from_here),
        };
        let inside = stray.first >= opened.at;
        if !cut.is_ok_and(|(_, found)| found == text) {
            // Those before this container led no count astray that is at an end.
            return Err(
                self.error_at(Kind::Ambiguous, if inside { stray.first } else { stray.last })
            );
        }
        if self.level <= 1 || (inside && grammar::unpaired(text).is_none()) {
            self.stray = None;
        }
        Ok(())
    }
}
