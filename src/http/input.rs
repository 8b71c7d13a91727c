//! What a request says: its path, its query, its body (`fixtures/wire`, rules B1–B11).

use std::borrow::Cow;

use actix_web::web::Bytes;
use serde::de::DeserializeSeed;

use super::form::{self, FORM, Fields, MULTIPART};
use crate::dto::{Bind, Dto, Member, TypeDef};
use crate::error::Error;
use crate::format::{Format, Formats, essence};

/// What a request says, not yet read as any type.
#[derive(Default)]
pub struct Input<'a> {
    body: Body<'a>,
    /// Fields that win over the body.
    winning: Vec<(String, String)>,
    /// Fields that fill members the body leaves unset.
    filling: Vec<(String, String)>,
    batch: bool,
}

/// A body, by the way it is read.
#[derive(Default)]
enum Body<'a> {
    #[default]
    None,
    Document {
        format: &'a dyn Format,
        media_type: &'a str,
        bytes: Bytes,
    },
    Fields(Vec<(String, String)>),
}

/// Where a request came in, as far as reading it goes.
pub struct Entry<'a> {
    /// The type that the request is of.
    pub def: &'static TypeDef,
    /// The format that the route names, if it names one.
    pub predefined: Option<&'a dyn Format>,
    /// The format that the suffix names.
    pub suffix: Option<&'a dyn Format>,
    /// Members that the path holds.
    pub members: Vec<(&'static str, String)>,
    /// The query, percent-encoded.
    pub query: &'a str,
    /// The request's `Content-Type`.
    pub content_type: Option<&'a str>,
    /// Whether a list is expected.
    pub batch: bool,
}

impl<'a> Entry<'a> {
    /// The format of the body. On a route of the operation's own the `Content-Type` says it. On a
    /// predefined one the route does, whatever the `Content-Type` is (rule P2), except that
    /// `/api/{Operation}.jsv` also takes JSV (need 13), and that routes whose format is only
    /// written (`/csv/reply/…`) leave it to the `Content-Type`.
    fn format(&self, formats: &'a Formats) -> Option<&'a dyn Format> {
        let reads = |format: &&dyn Format| format.reads();
        let named = self.content_type.and_then(|given| formats.of_media_type(given)).filter(reads);
        let Some(route) = self.predefined else { return named };
        let is_route = |format: &dyn Format| format.name() == route.name();
        let suffix = self.suffix.filter(reads).filter(|_| !named.is_some_and(is_route));
        suffix.or(Some(route).filter(reads)).or(named)
    }
}

impl<'a> Input<'a> {
    /// What a request with this body says.
    ///
    /// # Errors
    /// [`Error::unsupported_media_type`] when the body is in no format that is read here,
    /// [`Error::unreadable`] when it is not made of the parts that it should be made of.
    pub async fn of(formats: &'a Formats, entry: &Entry<'a>, body: Bytes) -> Result<Self, Error> {
        let mut input = Input { batch: entry.batch, ..Input::default() };
        let Fields(query) = urlencoded(entry, entry.query.as_bytes())?;
        // On the operation's own route the query wins over the body (rule B6); on predefined ones
        // it fills what the body leaves open (need 14). An empty value says nothing.
        if entry.predefined.is_some() {
            input.filling = query;
        } else {
            input.winning = query;
            input.winning.retain(|(_, value)| !value.is_empty());
        }
        let members = entry.members.iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
        input.winning.extend(members);
        let body = without_mark(body);
        if body.is_empty() {
            return Ok(input);
        }
        if let Some(Fields(fields)) = fields(entry, &body).await? {
            // A form wins over the query (rule B6).
            input.filling.append(&mut input.winning);
            input.body = Body::Fields(fields);
            return Ok(input);
        }
        let format = entry
            .format(formats)
            .ok_or_else(|| Error::unsupported_media_type(entry.content_type, &readable(formats)))?;
        let media_type = entry.content_type.unwrap_or_else(|| format.media_types()[0].name);
        input.body = Body::Document { format, media_type, bytes: body };
        Ok(input)
    }

    /// Whether a list of requests was sent.
    #[must_use]
    pub fn is_batch(&self) -> bool {
        self.batch
    }

    /// The request, as the operation's type. A member that nothing was said about is unset.
    ///
    /// # Errors
    /// [`Error::unreadable`], with line and column.
    pub fn read<T: Dto>(&self) -> Result<T, Error> {
        let request = match &self.body {
            Body::None => T::default(),
            Body::Document { format, media_type, bytes } => decode::<T>(*format, &text(bytes))
                .map_err(|reason| unreadable(media_type, T::DEF, &reason))?,
            Body::Fields(fields) => set(T::default(), fields, false)?,
        };
        self.completed(request)
    }

    /// With what is said beside the body.
    fn completed<T: Dto>(&self, request: T) -> Result<T, Error> {
        set(set(request, &self.winning, false)?, &self.filling, true)
    }

    /// The requests of a batch, at most `most`, each with what is said beside the body. A single one
    /// is a batch of one (rule P7).
    ///
    /// # Errors
    /// [`Error::unreadable`], with line and column; [`Error::invalid`] when there are too many.
    pub fn read_batch<T: Dto>(&self, most: usize) -> Result<Vec<T>, Error> {
        let requests: Vec<T> = match &self.body {
            Body::Document { format, media_type, bytes } => {
                let text = text(bytes);
                decode::<Vec<T>>(*format, &text)
                    .or_else(|list| {
                        decode::<T>(*format, &text).map(|one| vec![one]).map_err(|_| list)
                    })
                    .map_err(|reason| unreadable(media_type, T::DEF, &reason))?
            }
            Body::None | Body::Fields(_) => return Ok(vec![self.read()?]),
        };
        if requests.len() > most {
            let message =
                format!("A batch may hold {most} requests, this one has {}.", requests.len());
            return Err(Error::invalid("", &message));
        }
        requests.into_iter().map(|request| self.completed(request)).collect()
    }
}

fn decode<T: Member + Described>(format: &dyn Format, text: &str) -> Result<T, String> {
    let mut read = None;
    format
        .read(text, T::def(), &mut |deserializer| {
            read = Some(Bind::<T>::new().deserialize(deserializer)?);
            Ok(())
        })
        .map_err(|error| error.to_string())?;
    read.ok_or_else(|| "nothing was read".to_owned())
}

/// What a document holds: a DTO, or a list of it.
trait Described {
    fn def() -> &'static TypeDef;
}

impl<T: Dto> Described for T {
    fn def() -> &'static TypeDef {
        T::DEF
    }
}

impl<T: Dto> Described for Vec<T> {
    fn def() -> &'static TypeDef {
        T::DEF
    }
}

fn unreadable(media_type: &str, def: &TypeDef, reason: &str) -> Error {
    Error::unreadable(media_type, &def.full_name(), reason)
}

/// Sets members by name; with `fill`, only those that are unset.
fn set<T: Dto>(mut request: T, fields: &[(String, String)], fill: bool) -> Result<T, Error> {
    for (name, value) in fields {
        request
            .set(name, value, fill)
            .map_err(|reason| unreadable(FORM, T::DEF, &format!("{name}: {reason}")))?;
    }
    Ok(request)
}

/// The fields of a body that is a form; nothing, if it is none.
async fn fields(entry: &Entry<'_>, body: &Bytes) -> Result<Option<Fields>, Error> {
    let Some(content_type) = entry.content_type else { return Ok(None) };
    let given = essence(content_type);
    let is = |name: &str| given.eq_ignore_ascii_case(name);
    if is(FORM) {
        return urlencoded(entry, body).map(Some);
    }
    if !is(MULTIPART) {
        return Ok(None);
    }
    Box::pin(Fields::multipart(content_type, body.clone()))
        .await
        .map(Some)
        .map_err(|reason| unreadable(content_type, entry.def, &reason))
}

/// The fields of a form or of the query.
fn urlencoded(entry: &Entry<'_>, encoded: &[u8]) -> Result<Fields, Error> {
    Fields::urlencoded(encoded).map_err(|reason| unreadable(FORM, entry.def, &reason))
}

/// The value of a field of the query, if it is there.
#[must_use]
pub fn query_value(query: &str, name: &str) -> Option<String> {
    form::value(query.as_bytes(), name)
}

/// A body without the mark some writers begin with (rule B2).
fn without_mark(body: Bytes) -> Bytes {
    const MARK: &[u8] = b"\xEF\xBB\xBF";
    if body.starts_with(MARK) { body.slice(MARK.len()..) } else { body }
}

/// A body as text: always UTF-8, whatever its charset says, with what is not replaced by U+FFFD
/// (rule B2). A header's value likewise.
pub(super) fn text(bytes: &[u8]) -> Cow<'_, str> {
    // Nearly all is UTF-8, and this looks at it some bytes at a time, where the other does one by one.
    std::str::from_utf8(bytes).map_or_else(|_| String::from_utf8_lossy(bytes), Cow::Borrowed)
}

/// The media types that bodies may have, for people.
fn readable(formats: &Formats) -> String {
    let mut names: Vec<&str> = formats
        .iter()
        .filter(|format| format.reads())
        .map(|format| format.media_types()[0].name)
        .collect();
    names.extend([FORM, MULTIPART]);
    let last = names.pop().unwrap_or_default();
    format!("{} or {last}", names.join(", "))
}
