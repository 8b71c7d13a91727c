//! A request's way through the service, one step a line.

use std::borrow::Cow;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use actix_web::http::header::{
    ACCEPT, AUTHORIZATION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderName,
};
use actix_web::rt::time::timeout;
use actix_web::{HttpRequest, HttpResponse, web};
use futures_util::StreamExt as _;

use super::bounds::{Place, Places};
use super::connection::{Traffic, Underway};
use super::content_encoding::{Undecodable, decoded};
use super::input::{Entry, Input, query_value, text};
use super::negotiate::Asked;
use super::reply::{self, Manner};
use super::route::{self, Matched, Target};
use super::{Exchange, cors, documents, health, upgrade};
use crate::app::App;
use crate::dto::{AnyDto, TypeDef};
use crate::error::Error;
use crate::format::Format;
use crate::operation::{Answer, Context};

/// How long the work on a request may take once it was read. What takes longer waits for a database
/// that is not coming; nobody knows then what it has done.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// Answers a request.
pub(super) async fn dispatch(
    app: web::Data<App>,
    places: Arc<Places>,
    request: HttpRequest,
    payload: web::Payload,
) -> HttpResponse {
    // Without them the request is refused, once it is known in which format.
    let room = Room::take(&places, &request);
    let mut exchange = match Exchange::begin(&app, &request) {
        Ok(exchange) => exchange,
        Err(error) => return reply::bare(&error),
    };
    if let Some(response) = fixed(&app, &exchange).await {
        return reply::finished(&exchange, response);
    }
    if let Some(response) = cors::preflight(&exchange) {
        return reply::finished(&exchange, response);
    }
    let path = request.uri().path();
    let response = match route::find(&app.operations, &app.formats, exchange.verb(), path) {
        Target::Operation(matched) => operate(&mut exchange, matched, payload, room.as_ref()).await,
        Target::Unknown(unknown) => {
            let said = Said::of(&request);
            let manner = said.manner(&app, unknown.suffix, Some(unknown.format));
            reply::refusal(&exchange, &manner, None, &Error::unknown_operation(&unknown.name))
        }
        Target::Nothing => reply::nothing_here(),
    };
    reply::finished(&exchange, response)
}

/// A place among the requests under way, in the process and on the connection.
struct Room {
    _place: Place,
    _underway: Option<Underway>,
}

impl Room {
    /// Nothing, if there is none.
    fn take(places: &Arc<Places>, request: &HttpRequest) -> Option<Self> {
        let underway = request.conn_data::<Traffic>().map(Traffic::enter);
        Some(Self { _place: places.take("requests")?, _underway: underway })
    }
}

/// What a request says about the format of its reply, its path apart.
struct Said<'a> {
    accept: Option<Cow<'a, str>>,
    content_type: Option<Cow<'a, str>>,
    named: Option<String>,
    callback: Option<String>,
}

impl<'a> Said<'a> {
    fn of(request: &'a HttpRequest) -> Self {
        Self {
            accept: joined(request, &ACCEPT),
            content_type: header(request, &CONTENT_TYPE),
            named: query_value(request.query_string(), "format"),
            callback: callback(request),
        }
    }

    /// The manner of the reply, where the path names a format by its suffix or as a route does.
    fn manner<'m>(
        &'m self,
        app: &'m App,
        suffix: Option<&'m dyn Format>,
        route: Option<&'m dyn Format>,
    ) -> Manner<'m> {
        let asked = Asked {
            suffix,
            named: self.named.as_deref(),
            route,
            accept: self.accept.as_deref(),
            content_type: self.content_type.as_deref(),
            ..Asked::default()
        };
        Manner::of(&app.formats, asked, self.callback.as_deref())
    }
}

/// What is not an operation.
enum Fixed {
    Reply(HttpResponse),
    Readiness,
}

impl Fixed {
    /// What the path means, which matches as those of operations do.
    fn find(exchange: &Exchange<'_>) -> Option<Self> {
        if !matches!(exchange.request.method().as_str(), "GET" | "HEAD") {
            return None;
        }
        let path = exchange.request.path().to_ascii_lowercase();
        let segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
        match segments[..] {
            [] => Some(Self::Reply(reply::to_metadata(exchange))),
            ["health", "live"] => Some(Self::Reply(health::live())),
            ["health", "ready"] => Some(Self::Readiness),
            _ => documents::find(exchange, &segments).map(Self::Reply),
        }
    }
}

async fn fixed(app: &App, exchange: &Exchange<'_>) -> Option<HttpResponse> {
    match Fixed::find(exchange)? {
        Fixed::Reply(response) => Some(response),
        // Boxed, as is all that few requests come to: what a request may have to hold, each has to.
        Fixed::Readiness => Some(Box::pin(health::ready(app)).await),
    }
}

async fn operate(
    exchange: &mut Exchange<'_>,
    matched: Matched<'_>,
    payload: web::Payload,
    room: Option<&Room>,
) -> HttpResponse {
    let (app, request) = (exchange.app, exchange.request);
    exchange.operation = matched.operation.spec().name();
    let answers = matched.verbs.contains(&exchange.verb());
    if !answers && matched.predefined.is_none() {
        // As if the route were not there (`fixtures/wire`, rule R2).
        return reply::nothing_here();
    }
    let said = Said::of(request);
    let manner = said.manner(app, matched.suffix, matched.predefined);
    let operation = matched.operation;
    let outcome = if room.is_none() {
        Err(Error::full())
    } else if answers {
        run(exchange, matched, said.content_type.as_deref(), payload).await
    } else {
        Box::pin(refuse_verb(exchange, operation.spec())).await
    };
    match outcome {
        Ok(answer) => reply::answer(exchange, &manner, operation, answer),
        Err(error) => reply::refusal(exchange, &manner, Some(operation), &error),
    }
}

/// The name of `?callback=`. It counts only beside an `Authorization` header, which no script tag of
/// another site can send: by its cookies alone such a tag could read a key.
fn callback(request: &HttpRequest) -> Option<String> {
    request.headers().get(AUTHORIZATION)?;
    query_value(request.query_string(), "callback").filter(|name| !name.is_empty())
}

async fn run(
    exchange: &Exchange<'_>,
    matched: Matched<'_>,
    content_type: Option<&str>,
    payload: web::Payload,
) -> Result<Answer<Box<dyn AnyDto>>, Error> {
    let app = exchange.app;
    let def = matched.operation.spec().request;
    let body = body(exchange.request, payload, app.config.body_limit, def);
    // Below, a request begins before its body is looked at, even where both came together.
    let body = in_time(app.bounds.body, 2, body).await.ok_or_else(Error::slow_body)??;
    let entry = Entry {
        def,
        predefined: matched.predefined,
        suffix: matched.suffix,
        members: matched.members,
        query: exchange.request.query_string(),
        content_type,
        batch: matched.batch,
    };
    let input = Input::of(&app.formats, &entry, body).await?;
    answered(matched.operation.call(exchange, input)).await
}

async fn answered<T>(work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    let late = || Err(Error::unavailable("the work on the request took too long"));
    in_time(ANSWER_WITHIN, 1, work).await.unwrap_or_else(late)
}

/// What comes of some work, unless it takes longer. It is tried as often as `tries` before a timer is
/// set, which most work then does not need.
async fn in_time<T>(limit: Duration, tries: u8, work: impl Future<Output = T>) -> Option<T> {
    let mut work = pin!(work);
    let mut left = tries;
    let at_once = poll_fn(|context| match work.as_mut().poll(context) {
        Poll::Ready(done) => Poll::Ready(Some(done)),
        Poll::Pending if left <= 1 => Poll::Ready(None),
        Poll::Pending => {
            left -= 1;
            context.waker().wake_by_ref();
            Poll::Pending
        }
    });
    match at_once.await {
        Some(done) => Some(done),
        None => timeout(limit, work).await.ok(),
    }
}

/// On predefined routes, whoever is not signed in learns that first (rule P5).
async fn refuse_verb(
    exchange: &Exchange<'_>,
    spec: &crate::operation::Spec,
) -> Result<Answer<Box<dyn AnyDto>>, Error> {
    let refused = async {
        let cx = Context::new(exchange, exchange.admit(spec.access).await?);
        Err(cx.refused(Error::wrong_verb(exchange.verb(), spec.name())).await)
    };
    answered(refused).await
}

/// The whole body, decoded, up to the limit.
async fn body(
    request: &HttpRequest,
    payload: web::Payload,
    limit: usize,
    def: &TypeDef,
) -> Result<web::Bytes, Error> {
    let announced = header(request, &CONTENT_LENGTH).and_then(|length| length.parse().ok());
    if announced.is_some_and(|length: usize| length > limit) {
        return Err(Error::too_large(limit));
    }
    let _reading = request.conn_data::<Traffic>().map(Traffic::read);
    let mut body = web::Bytes::new();
    let mut more = web::BytesMut::new();
    let mut chunks = payload;
    let end = upgrade::end_of_body(request);
    while end.is_none_or(|end| body.len() + more.len() < end) {
        let Some(chunk) = chunks.next().await else {
            if end.is_some() {
                return Err(Error::broken_body());
            }
            break;
        };
        let mut chunk = chunk.map_err(|_| Error::broken_body())?;
        if let Some(end) = end {
            chunk.truncate(end - body.len() - more.len());
        }
        if body.len() + more.len() + chunk.len() > limit {
            return Err(Error::too_large(limit));
        }
        // Nearly always there is one chunk, which then is the body.
        if body.is_empty() {
            body = chunk;
        } else {
            more.extend_from_slice(&chunk);
        }
    }
    if !more.is_empty() {
        body = [&*body, &*more].concat().into();
    }
    let codings = joined(request, &CONTENT_ENCODING).filter(|_| !body.is_empty());
    let Some(codings) = codings else { return Ok(body) };
    decoded(&codings, body, limit).map_err(|why| match why {
        Undecodable::Unknown => Error::unsupported_encoding(&codings),
        Undecodable::TooLarge => Error::too_large(limit),
        Undecodable::Broken => {
            let media_type = header(request, &CONTENT_TYPE).unwrap_or_default();
            let reason = format!("The body is not what its Content-Encoding says: {codings}.");
            Error::unreadable(&media_type, &def.full_name(), &reason)
        }
    })
}

/// A header's value. Where it is not UTF-8, as a parameter that nobody reads may be, the rest of it
/// counts none the less.
fn header<'a>(request: &'a HttpRequest, name: &HeaderName) -> Option<Cow<'a, str>> {
    request.headers().get(name).map(|value| text(value.as_bytes()))
}

/// A header's lines as one list.
fn joined<'a>(request: &'a HttpRequest, name: &HeaderName) -> Option<Cow<'a, str>> {
    let lines = request.headers().get_all(name);
    let mut lines = lines.map(|line| text(line.as_bytes()));
    let first = lines.next()?;
    Some(lines.fold(first, |all, line| all + "," + line))
}
