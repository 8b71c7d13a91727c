//! When reading or writing JSV goes wrong.
//!
//! Adding an error: a variant of [`Kind`] that says what stood there or what was expected, its sentence in
//! `Display`, its category, and a row in `tests/suite/errors.rs`, where every message is asserted with its place.

use std::fmt;

/// What went wrong, and where.
///
/// ```
/// let error = jsv::from_str::<Vec<u8>>("[1,2,x]").unwrap_err();
/// assert_eq!(error.to_string(), "invalid number `x` at line 1 column 6");
/// assert_eq!((error.line(), error.column()), (1, 6));
/// assert!(error.is_data());
/// ```
pub struct Error(Box<Inner>);

struct Inner {
    kind: Kind,
    place: Option<Place>,
}

/// A line and a column, both counted from 1, the column in characters.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    offset: usize,
    line: usize,
    column: usize,
}

/// `Result` with [`Error`].
pub type Result<T> = std::result::Result<T, Error>;

/// What kind of trouble an [`Error`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Category {
    /// The reader or writer underneath failed.
    Io,
    /// The text is not JSV.
    Syntax,
    /// The text is JSV, but does not fit the type that was asked for, or the value has no text.
    Data,
    /// The text ended too early.
    Eof,
}

#[derive(Debug)]
pub(crate) enum Kind {
    /// Something else had to stand here.
    Expected(&'static str),
    /// The same, but the text ended.
    Ended(&'static str),
    /// A quote or bracket without its partner; the place is where it was opened.
    Unclosed(char),
    /// A closing bracket that nothing opened.
    Unopened(char),
    /// Text directly after a value that had already ended.
    AfterValue,
    /// Text after the whole document.
    TrailingText,
    /// Unquoted text whose quote or bracket would unbalance the containers around it.
    Ambiguous,
    /// A declared member whose name is hidden in another one: `{A,B:1}`.
    HiddenMember(String),
    TooDeep(usize),
    NotUtf8,
    Invalid {
        found: String,
        expected: &'static str,
    },
    /// A value of the data model that has no text in this place.
    Unwritable(&'static str),
    Custom(String),
    Io(std::io::Error),
}

impl Kind {
    /// Text that does not fit; a long one is shown by its beginning.
    pub(crate) fn invalid(found: &str, expected: &'static str) -> Self {
        const SHOWN: usize = 40;
        let found = match found.char_indices().nth(SHOWN) {
            Some((end, _)) => format!("{}…", &found[..end]),
            None => found.to_owned(),
        };
        Self::Invalid { found, expected }
    }
}

impl Error {
    /// The line of the trouble, counted from 1; 0 when there is no text to point at.
    #[must_use]
    pub fn line(&self) -> usize {
        self.0.place.map_or(0, |place| place.line)
    }

    /// The column of the trouble in characters, counted from 1; 0 when there is no text to point at.
    #[must_use]
    pub fn column(&self) -> usize {
        self.0.place.map_or(0, |place| place.column)
    }

    /// The byte offset of the trouble, when there is a text to point at.
    #[must_use]
    pub fn offset(&self) -> Option<usize> {
        self.0.place.map(|place| place.offset)
    }

    /// What kind of trouble this is.
    #[must_use]
    pub fn classify(&self) -> Category {
        match self.0.kind {
            Kind::Expected(_)
            | Kind::Unopened(_)
            | Kind::AfterValue
            | Kind::TrailingText
            | Kind::Ambiguous
            | Kind::HiddenMember(_)
            | Kind::TooDeep(_)
            | Kind::NotUtf8 => Category::Syntax,
            Kind::Ended(_) | Kind::Unclosed(_) => Category::Eof,
            Kind::Invalid { .. } | Kind::Unwritable(_) | Kind::Custom(_) => Category::Data,
            Kind::Io(_) => Category::Io,
        }
    }

    /// Whether the reader or writer underneath failed.
    #[must_use]
    pub fn is_io(&self) -> bool {
        self.classify() == Category::Io
    }

    /// Whether the text is not JSV.
    #[must_use]
    pub fn is_syntax(&self) -> bool {
        self.classify() == Category::Syntax
    }

    /// Whether the text does not fit the type, or the value has no text.
    #[must_use]
    pub fn is_data(&self) -> bool {
        self.classify() == Category::Data
    }

    /// Whether the text ended too early.
    #[must_use]
    pub fn is_eof(&self) -> bool {
        self.classify() == Category::Eof
    }

    #[cold]
    pub(crate) fn at(kind: Kind, place: Place) -> Self {
        Self(Box::new(Inner { kind, place: Some(place) }))
    }

    #[cold]
    pub(crate) fn not_utf8(bytes: &[u8], error: std::str::Utf8Error) -> Self {
        let valid = String::from_utf8_lossy(&bytes[..error.valid_up_to()]);
        Self::at(Kind::NotUtf8, Place::of(&valid, valid.len()))
    }

    #[cold]
    pub(crate) fn unplaced(kind: Kind) -> Self {
        Self(Box::new(Inner { kind, place: None }))
    }

    /// The same error about a text that is not the end of the document.
    #[cold]
    pub(crate) fn amid_document(mut self) -> Self {
        if let Kind::Ended(what) = self.0.kind {
            self.0.kind = Kind::Expected(what);
        }
        self
    }

    #[cold]
    pub(crate) fn custom_text(text: &str) -> Self {
        Self::unplaced(Kind::Custom(text.to_owned()))
    }

    #[cold]
    pub(crate) fn io(error: std::io::Error) -> Self {
        Self::unplaced(Kind::Io(error))
    }

    /// Where the trouble is, if that is known.
    pub(crate) fn place(&self) -> Option<Place> {
        self.0.place
    }

    /// What went wrong, for a place that the caller knows better.
    pub(crate) fn without_place(&self) -> impl fmt::Display + '_ {
        &self.0.kind
    }

    /// Gives an error that was born in a visitor, which knows no text, the place of the value it looked at.
    ///
    /// Layers that flatten errors to text, such as `erased_serde`, hand our own messages back to us. If this one ends
    /// with the place where something was wrong last, that is taken out of the text again, so that it is neither lost
    /// nor said twice. Any other place in a text is one in another document.
    #[cold]
    pub(crate) fn or_at(mut self, whole: &str, last: Option<Place>, offset: usize) -> Self {
        if self.0.place.is_some() || matches!(self.0.kind, Kind::Io(_)) {
            return self;
        }
        let mut place = Place::near(last, whole, offset);
        if let Kind::Custom(message) = &mut self.0.kind
            && let Some(last) = last
            && let Some(said) = message.strip_suffix(&last.to_string())
        {
            message.truncate(said.len());
            place = last;
        }
        self.0.place = Some(place);
        self
    }
}

impl Place {
    fn of(whole: &str, offset: usize) -> Self {
        let before = &whole.as_bytes()[..offset];
        let line = 1 + memchr::memchr_iter(b'\n', before).count();
        Self { offset, line, column: column(whole, offset) }
    }

    /// The same, counted from another place in the text. A type may go on after an error, to meet many: each counted
    /// from the beginning would take time in proportion to the square of the text.
    pub(crate) fn near(known: Option<Self>, whole: &str, offset: usize) -> Self {
        // From the beginning, which may be a byte order mark, it is no way further.
        let Some(known) = known.filter(|known| known.offset > 0 && offset > 0) else {
            return Self::of(whole, offset);
        };
        let (from, to) = (known.offset.min(offset), known.offset.max(offset));
        let Some(between) = whole.get(from..to) else { return Self::of(whole, offset) };
        let lines = memchr::memchr_iter(b'\n', between.as_bytes()).count();
        let is_behind = offset >= known.offset;
        let line = if is_behind { known.line + lines } else { known.line.saturating_sub(lines) };
        let characters = between.chars().count();
        let column = match (lines, is_behind) {
            (0, true) => known.column + characters,
            (0, false) => known.column.saturating_sub(characters),
            _ => column(whole, offset),
        };
        Self { offset, line, column }
    }
}

/// The column of an offset, counted from where its line begins.
fn column(whole: &str, offset: usize) -> usize {
    let before = &whole[..offset];
    // No editor shows a byte order mark.
    let mark = usize::from(whole.starts_with('\u{feff}')) * '\u{feff}'.len_utf8();
    let start = memchr::memrchr(b'\n', before.as_bytes()).map_or(mark.min(offset), |at| at + 1);
    1 + before[start..].chars().count()
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, " at line {} column {}", self.line, self.column)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Kind::Expected(what) | Kind::Ended(what) => write!(f, "expected {what}"),
            Kind::Unclosed(what) => write!(f, "`{what}` is not closed"),
            Kind::Unopened(what) => write!(f, "`{what}` closes nothing"),
            Kind::AfterValue => f.write_str("text after a quoted or bracketed value"),
            Kind::TrailingText => f.write_str("text after the end of the document"),
            Kind::Ambiguous => f.write_str(
                "unquoted text with an unbalanced quote or bracket inside another value",
            ),
            Kind::HiddenMember(name) => write!(f, "member `{name}` is part of another name"),
            Kind::TooDeep(1) => f.write_str("nested deeper than 1 level"),
            Kind::TooDeep(limit) => write!(f, "nested deeper than {limit} levels"),
            Kind::NotUtf8 => f.write_str("text is not UTF-8"),
            Kind::Invalid { found, expected } => write!(f, "invalid {expected} `{found}`"),
            Kind::Unwritable(what) => write!(f, "{what} cannot be written as JSV"),
            Kind::Custom(message) => f.write_str(message),
            Kind::Io(error) => error.fmt(f),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.kind.fmt(f)?;
        match self.0.place {
            Some(place) => place.fmt(f),
            None => Ok(()),
        }
    }
}

/// One line, because `unwrap` is where people meet it.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Error({:?}, line: {}, column: {})", self.0.kind, self.line(), self.column())
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.0.kind {
            Kind::Io(error) => Some(error),
            _ => None,
        }
    }
}

impl serde::de::Error for Error {
    #[cold]
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::unplaced(Kind::Custom(message.to_string()))
    }
}

impl serde::ser::Error for Error {
    #[cold]
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::unplaced(Kind::Custom(message.to_string()))
    }
}

impl From<Error> for std::io::Error {
    fn from(error: Error) -> Self {
        match error.0.kind {
            Kind::Io(error) => error,
            Kind::Ended(_) | Kind::Unclosed(_) => {
                Self::new(std::io::ErrorKind::UnexpectedEof, error)
            }
            _ => Self::new(std::io::ErrorKind::InvalidData, error),
        }
    }
}
