//! Answers and refusals as HTTP, and the one place that logs a failure.

use actix_web::HttpResponse;
use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue, LOCATION, RETRY_AFTER, VARY,
    WWW_AUTHENTICATE,
};
use actix_web::http::{ConnectionType, StatusCode};

use super::exchange::X_REQUEST_ID;
use super::negotiate::{Asked, reply_format};
use super::{Exchange, cors, upgrade};
use crate::dto::{AnyDto, ErrorResponse};
use crate::error::{Error, Reason};
use crate::format::{Format, Formats, Host};
use crate::metadata;
use crate::operation::{Answer, AnyOperation};

/// In which way a reply is written.
pub(super) struct Manner<'a> {
    formats: &'a Formats,
    asked: Asked<'a>,
    callback: Option<&'a str>,
}

impl<'a> Manner<'a> {
    /// In the format asked for, handed to the function `callback` if there is one.
    pub(super) fn of(formats: &'a Formats, asked: Asked<'a>, callback: Option<&'a str>) -> Self {
        Self { formats, asked: Asked { callback: callback.is_some(), ..asked }, callback }
    }

    /// The format of a reply without a body.
    fn format(&self) -> &'a dyn Format {
        reply_format(self.formats, self.asked, &|_| true).0
    }
}

/// A body, and what goes with it.
struct Written<'a> {
    body: Vec<u8>,
    format: &'a dyn Format,
    label: &'static str,
}

/// An operation's answer.
pub(super) fn answer(
    exchange: &Exchange<'_>,
    manner: &Manner<'_>,
    operation: &dyn AnyOperation,
    answer: Answer<Box<dyn AnyDto>>,
) -> HttpResponse {
    let (mut response, format) = match &answer.response {
        None => (HttpResponse::new(StatusCode::NO_CONTENT), manner.format()),
        Some(dto) => match written(exchange, manner, dto.as_ref()) {
            Ok(Written { body, format, label }) => (with_body(answer.status, label, body), format),
            Err(error) => return refusal(exchange, manner, Some(operation), &error),
        },
    };
    let head = format.head(operation.spec().name());
    for (name, value) in head.into_iter().chain(answer.headers) {
        append(&mut response, name, &value);
    }
    response
}

fn append(response: &mut HttpResponse, name: &str, value: &str) {
    if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
        response.headers_mut().append(name, value);
    }
}

/// A refusal: as the operation's own response type where there is an operation.
pub(super) fn refusal(
    exchange: &Exchange<'_>,
    manner: &Manner<'_>,
    operation: Option<&dyn AnyOperation>,
    error: &Error,
) -> HttpResponse {
    log(exchange, error);
    if error.is_to_nobody() {
        exchange.app.metrics.refused_nobody(exchange.operation);
    }
    let status = error.response_status(&exchange.id);
    let dto: Box<dyn AnyDto> = match operation {
        Some(operation) => operation.refusal(status),
        None => Box::new(ErrorResponse { response_status: Some(status) }),
    };
    let mut response = match written(exchange, manner, dto.as_ref()) {
        Ok(Written { body, format, label }) => {
            let mut response = with_body(error.status(), label, body);
            // A page keeps its policy; a refusal is no file to save.
            if !format.is_data() {
                for (name, value) in format.head("") {
                    append(&mut response, name, &value);
                }
            }
            response
        }
        Err(_) => HttpResponse::new(error.status()),
    };
    if let Reason::Phrase(phrase) = error.reason() {
        response.head_mut().reason = Some(phrase);
    }
    if error.status() == StatusCode::REQUEST_TIMEOUT {
        // What is missing of the body is not waited for any more.
        response.head_mut().set_connection_type(ConnectionType::Close);
    }
    let headers = response.headers_mut();
    if error.challenges()
        && let Ok(challenge) = HeaderValue::from_str(exchange.app.providers.challenge())
    {
        headers.insert(WWW_AUTHENTICATE, challenge);
    }
    if let Some(wait) = error.retry_after() {
        // Rounded up: a client that waits so long is not sent away again.
        let seconds = wait.as_millis().div_ceil(1000).max(1);
        headers.insert(RETRY_AFTER, HeaderValue::from(u64::try_from(seconds).unwrap_or(u64::MAX)));
    }
    response
}

fn written<'a>(
    exchange: &Exchange<'_>,
    manner: &Manner<'a>,
    dto: &dyn AnyDto,
) -> Result<Written<'a>, Error> {
    let (format, label) = reply_format(manner.formats, manner.asked, &|format| format.shows(dto));
    exchange.replied_in.set(format.name());
    let host = Host { case: exchange.app.config.name_case };
    let mut body = Vec::with_capacity(256);
    let callback = manner.callback.filter(|_| format.is_data());
    if let Some(name) = callback {
        body.extend_from_slice(callee(name).as_bytes());
        body.push(b'(');
    }
    format.write(dto, host, &mut body).map_err(Error::internal)?;
    if callback.is_some() {
        body.push(b')');
    }
    // A suffix wins over the callback and keeps its label (`fixtures/wire`, rule N8).
    let is_script = callback.is_some() && manner.asked.suffix.is_none();
    Ok(Written { body, format, label: if is_script { "text/javascript" } else { label } })
}

/// The name of a callback, with all that does not belong into one replaced (rule N8).
fn callee(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect()
}

fn with_body(status: StatusCode, label: &'static str, body: Vec<u8>) -> HttpResponse {
    let mut response = HttpResponse::new(status).set_body(body).map_into_boxed_body();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(label));
    // Replies hold keys and tokens (SECURITY.md, R29).
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Nothing is here, or not under this verb (`fixtures/wire`, rules R2 and R3).
pub(super) fn nothing_here() -> HttpResponse {
    let mut response =
        HttpResponse::new(StatusCode::NOT_FOUND).set_body("404").map_into_boxed_body();
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, plain);
    response
}

/// The way from `/` to what the service offers.
pub(super) fn to_metadata(exchange: &Exchange<'_>) -> HttpResponse {
    let mut response = HttpResponse::new(StatusCode::FOUND);
    let prefix = exchange.app.config.public_url.as_deref().map_or("", metadata::prefix);
    append(&mut response, LOCATION.as_str(), &format!("{prefix}/metadata"));
    response
}

/// A refusal before there is an exchange to refuse.
pub(super) fn bare(error: &Error) -> HttpResponse {
    tracing::error!(cause = cause_chain(error), "a request could not be begun");
    title_case(HttpResponse::new(error.status()))
}

/// What every reply has.
pub(super) fn finished(exchange: &Exchange<'_>, mut response: HttpResponse) -> HttpResponse {
    response.headers_mut().insert(VARY, HeaderValue::from_static("Accept"));
    cors::allow(exchange, &mut response);
    exchange.count(response.status());
    tracing::debug!(
        request_id = exchange.id,
        operation = exchange.operation,
        verb = exchange.verb(),
        status = response.status().as_u16(),
        "answered"
    );
    labelled(exchange, response)
}

/// What replies to operators have, too: which request they answer, and whether they are the last.
pub(super) fn labelled(exchange: &Exchange<'_>, mut response: HttpResponse) -> HttpResponse {
    if let Ok(id) = HeaderValue::from_str(&exchange.id) {
        response.headers_mut().insert(X_REQUEST_ID, id);
    }
    if upgrade::is_last(exchange.request) {
        response.head_mut().set_connection_type(ConnectionType::Close);
    }
    title_case(response)
}

/// Some clients look header names up in their case (need 28).
fn title_case(mut response: HttpResponse) -> HttpResponse {
    response.head_mut().set_camel_case_headers(true);
    response
}

/// Once for each failure: what is ours to mend loudly, what is the client's quietly, and quietly too
/// what is full, or whoever fills it would fill the log as well. Never what the client is told, which
/// may quote what it sent.
fn log(exchange: &Exchange<'_>, error: &Error) {
    let (id, operation, code) = (&exchange.id, exchange.operation, error.code());
    let cause = cause_chain(error);
    if error.status().is_server_error() && !error.is_full() {
        tracing::error!(request_id = id, operation, code, cause, "failed");
    } else {
        tracing::debug!(request_id = id, operation, code, cause, "refused");
    }
}

fn cause_chain(error: &Error) -> String {
    let mut chain = String::new();
    let mut cause = error.cause().map(|cause| cause as &dyn std::error::Error);
    while let Some(error) = cause {
        if !chain.is_empty() {
            chain.push_str(": ");
        }
        chain.push_str(&error.to_string());
        cause = error.source();
    }
    chain
}
