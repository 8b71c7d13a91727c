//! Why a request was refused, for two readers: the client and the log.
//!
//! An [`Error`] holds what the client is told (status, code, sentence, fields) and, apart from
//! that, what only the log is told (the cause of an internal failure). Its constructors are named
//! for what went wrong, and each fixes status, code and reason phrase, so that no call site picks a
//! status. To add a refusal: add a constructor here, declare it where documents look
//! ([`Refusal`](crate::operation::Refusal)), and add a row to the table tests in `tests/api/errors.rs`
//! and `tests/api/refusals.rs`.

use std::time::Duration;

use actix_web::http::StatusCode;

use crate::dto::{Dictionary, ResponseError, ResponseStatus};
use crate::random::Exhausted;
use crate::store::StoreError;

/// A refusal of a request.
pub struct Error(Box<Inner>);

struct Inner {
    status: StatusCode,
    code: &'static str,
    reason: Reason,
    message: String,
    fields: Vec<ResponseError>,
    meta: Option<Dictionary>,
    challenge: bool,
    retry_after: Option<Duration>,
    cause: Option<Cause>,
    recorded: bool,
}

type Cause = Box<dyn std::error::Error + Send + Sync>;

/// What stands behind the number on the status line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The phrase that HTTP has for the status: refusals of the pipeline (`fixtures/wire`,
    /// rule E3).
    Standard,
    /// A phrase of our own; for refusals by the operation, the error code (rule E3).
    Phrase(&'static str),
}

impl Error {
    fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            status,
            code,
            reason: Reason::Standard,
            message: message.into(),
            fields: Vec::new(),
            meta: None,
            challenge: false,
            retry_after: None,
            cause: None,
            recorded: false,
        }))
    }

    /// A refusal that the operation itself decides on: the reason phrase is the code (rule E3).
    #[must_use]
    pub fn refused(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        let mut error = Self::new(status, code, message);
        error.0.reason = Reason::Phrase(code);
        error
    }

    /// The body could not be read as its format. `reason` names line and column.
    #[must_use]
    pub fn unreadable(media_type: &str, type_name: &str, reason: &str) -> Self {
        // The unpaired quote is the original's (`fixtures/wire`, rule B10).
        let message = format!(
            "Could not deserialize '{media_type}' request using {type_name}'\nError: {reason}"
        );
        Self::new(StatusCode::BAD_REQUEST, "SerializationException", message)
    }

    /// The request carries no credentials, or none that mean anything.
    #[must_use]
    pub fn not_authenticated() -> Self {
        let mut error = Self::new(StatusCode::UNAUTHORIZED, "Unauthorized", "Not Authenticated");
        error.0.challenge = true;
        error
    }

    /// A user name and password that do not fit each other, sent with the request itself.
    #[must_use]
    pub fn bad_credentials() -> Self {
        Self::bad_login().with_reason("Invalid Username or Password")
    }

    /// The same, sent to be signed in: the phrase is HTTP's own then (`fixtures/wire`, rule A7).
    #[must_use]
    pub fn bad_login() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "Unauthorized", "Invalid Username or Password")
    }

    /// A token that is not valid now: expired, or not yet valid.
    #[must_use]
    pub fn bad_token(message: &'static str) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "TokenException", message)
    }

    /// Signed in, but not for this: one answer whether the thing exists or not.
    #[must_use]
    pub fn forbidden(field: &'static str, message: &str) -> Self {
        let mut error = Self::refused(StatusCode::FORBIDDEN, "Forbidden", message);
        error.0.fields.push(field_error("Forbidden", field, message));
        error
    }

    /// A page of another site made a browser send this.
    #[must_use]
    pub fn cross_site() -> Self {
        let message = "Cookies are not taken from another site's page.";
        Self::refused(StatusCode::FORBIDDEN, "Forbidden", message)
    }

    /// Nobody is signed in, said to whoever asked just that: without a challenge (`fixtures/wire`,
    /// rule A8).
    #[must_use]
    pub fn nobody() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "Unauthorized", "Not Authenticated")
    }

    /// A sign-in by GET, whose password would stand in logs and histories (`fixtures/wire`, rule
    /// A7).
    #[must_use]
    pub fn sign_in_by_get() -> Self {
        let message = "GET Authenticate requests are disabled, to enable set \
                       AuthFeature.AllowGetAuthenticateRequests = req => true";
        Self::refused(StatusCode::METHOD_NOT_ALLOWED, "NotSupportedException", message)
    }

    /// A member whose value will not do.
    #[must_use]
    pub fn invalid(field: &'static str, message: &str) -> Self {
        let code = "ValidationException";
        let mut error = Self::refused(StatusCode::BAD_REQUEST, code, message);
        error.0.fields.push(field_error(code, field, message));
        error
    }

    /// A code that is not accepted, in that member.
    #[must_use]
    pub fn invalid_code(field: &'static str, message: &str) -> Self {
        let code = "InvalidCode";
        let mut error = Self::refused(StatusCode::BAD_REQUEST, code, message);
        error.0.fields.push(field_error(code, field, message));
        error
    }

    /// Signed in, but for this a code must have been verified a short while ago.
    #[must_use]
    pub fn two_factor_required() -> Self {
        let message = "You have a two-factor key. Verify a code of it first, then ask again, both in one \
                       session or by one token.";
        Self::refused(StatusCode::UNAUTHORIZED, "TwoFactorRequired", message)
    }

    /// Too many requests of one kind; `retry_after` is when the next one has a chance.
    #[must_use]
    pub fn too_many(message: &str, retry_after: Duration) -> Self {
        let mut error = Self::refused(StatusCode::TOO_MANY_REQUESTS, "TooManyRequests", message);
        error.0.retry_after = Some(retry_after);
        error
    }

    /// A body in a format that is not read here.
    #[must_use]
    pub fn unsupported_media_type(media_type: Option<&str>, readable: &str) -> Self {
        let message = match media_type {
            Some(given) => format!("A body of '{given}' cannot be read here. Send {readable}."),
            None => format!("The request has a body but no Content-Type. Send {readable}."),
        };
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "UnsupportedMediaType", message)
    }

    /// A body with a `Content-Encoding` that is not undone here (RFC 9110 section 15.5.16).
    #[must_use]
    pub fn unsupported_encoding(codings: &str) -> Self {
        let message = format!(
            "The Content-Encoding '{codings}' cannot be undone here. Send gzip, deflate, br or zstd."
        );
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "UnsupportedMediaType", message)
    }

    /// A body over the limit, which is in bytes.
    #[must_use]
    pub fn too_large(limit: usize) -> Self {
        let message = format!("The request's body is over the limit of {limit} bytes.");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "RequestTooLarge", message)
    }

    /// The body ended early or its transfer was broken.
    #[must_use]
    pub fn broken_body() -> Self {
        let message = "The request's body could not be received as it was announced.";
        Self::new(StatusCode::BAD_REQUEST, "BadRequest", message)
    }

    /// The body did not come within the time for it.
    #[must_use]
    pub fn slow_body() -> Self {
        let message = "The request's body did not arrive in time.";
        Self::new(StatusCode::REQUEST_TIMEOUT, "RequestTimeout", message)
    }

    /// As much is under way as the service takes at once: requests, or passwords that are checked.
    /// Whoever is full says so in the log, now and then; the refusals themselves do not.
    #[must_use]
    pub fn full() -> Self {
        let message = "The service is not available at the moment.";
        let mut error = Self::new(StatusCode::SERVICE_UNAVAILABLE, "ServiceUnavailable", message);
        error.0.retry_after = Some(Duration::from_secs(1));
        error
    }

    /// A predefined route that names no operation (`fixtures/wire`, rule P6).
    #[must_use]
    pub fn unknown_operation(name: &str) -> Self {
        let message = format!("The operation '{name}' does not exist for this service");
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "NotImplementedException", message)
    }

    /// A verb that the operation does not have, on a predefined route (`fixtures/wire`, rule P5).
    #[must_use]
    pub fn wrong_verb(verb: &str, operation: &str) -> Self {
        let mut name = verb.to_ascii_lowercase();
        if let Some(first) = name.get_mut(..1) {
            first.make_ascii_uppercase();
        }
        let message = format!(
            "Could not find method named {name}({operation}) or Any({operation}) on Service \
             UserAccountsService"
        );
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "NotImplementedException", message)
    }

    /// Something that the service leans on does not answer; it may soon.
    #[must_use]
    pub fn unavailable(cause: impl Into<Cause>) -> Self {
        let mut error = Self::full();
        error.0.cause = Some(cause.into());
        error
    }

    /// A failure of ours. The client learns only that it happened; `cause` is for the log.
    #[must_use]
    pub fn internal(cause: impl Into<Cause>) -> Self {
        let code = "InternalServerError";
        let mut error = Self::new(StatusCode::INTERNAL_SERVER_ERROR, code, String::new());
        error.0.cause = Some(cause.into());
        error
    }

    /// A provider of sign-ins that does not exist (`fixtures/wire`, rule A7).
    #[must_use]
    pub fn unknown_provider(name: &str) -> Self {
        let message = format!("No configuration was added for OAuth provider '{name}'");
        Self::refused(StatusCode::NOT_FOUND, "NotFound", message)
    }

    /// The same refusal with another phrase behind its status.
    #[must_use]
    pub fn with_reason(mut self, phrase: &'static str) -> Self {
        self.0.reason = Reason::Phrase(phrase);
        self
    }

    /// The same refusal with more said about it.
    #[must_use]
    pub fn with_meta(mut self, key: &str, value: &str) -> Self {
        let entries = &mut self.0.meta.get_or_insert_default().0;
        entries.push((key.to_owned(), value.to_owned()));
        self
    }

    /// The same refusal with one more thing that is wrong with a member.
    #[must_use]
    pub fn with_field(mut self, field: ResponseError) -> Self {
        self.0.fields.push(field);
        self
    }

    /// The same refusal, whose audit row has been kept together with what it changed.
    #[must_use]
    pub fn recorded(mut self) -> Self {
        self.0.recorded = true;
        self
    }

    /// Whether there is an audit row of it already.
    #[must_use]
    pub fn is_recorded(&self) -> bool {
        self.0.recorded
    }

    /// The status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.0.status
    }

    /// The code that programs compare.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.0.code
    }

    /// What stands behind the number on the status line.
    #[must_use]
    pub fn reason(&self) -> Reason {
        self.0.reason
    }

    /// Whether nobody is signed in, or not well enough to be known: such a refusal is counted and
    /// leaves no audit row. A 401 to somebody, who is to show a code first, has left one.
    #[must_use]
    pub fn is_to_nobody(&self) -> bool {
        self.0.status == StatusCode::UNAUTHORIZED && !self.0.recorded
    }

    /// Whether the reply names a way to authenticate.
    #[must_use]
    pub fn challenges(&self) -> bool {
        self.0.challenge
    }

    /// When trying again makes sense.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// Whether it is [`Error::full`].
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.0.status == StatusCode::SERVICE_UNAVAILABLE && self.0.cause.is_none()
    }

    /// What only the log may know.
    #[must_use]
    pub fn cause(&self) -> Option<&(dyn std::error::Error + Send + Sync)> {
        self.0.cause.as_deref()
    }

    /// What the client is told. A failure of ours is told by the id of the request alone, which is
    /// in the log beside the cause.
    #[must_use]
    pub fn response_status(&self, request_id: &str) -> ResponseStatus {
        let message = if self.0.status == StatusCode::INTERNAL_SERVER_ERROR {
            format!("An internal error occurred. Its id is {request_id}.")
        } else {
            self.0.message.clone()
        };
        ResponseStatus {
            error_code: Some(self.0.code.to_owned()),
            message: Some(message),
            stack_trace: None,
            errors: Some(self.0.fields.clone()),
            meta: self.0.meta.clone(),
        }
    }
}

fn field_error(code: &str, field: &str, message: &str) -> ResponseError {
    ResponseError {
        error_code: Some(code.to_owned()),
        field_name: Some(field.to_owned()),
        message: Some(message.to_owned()),
        meta: None,
    }
}

impl From<Exhausted> for Error {
    fn from(cause: Exhausted) -> Self {
        Self::internal(cause)
    }
}

impl From<StoreError> for Error {
    fn from(cause: StoreError) -> Self {
        match cause {
            StoreError::Unavailable(_) => Self::unavailable(cause),
            StoreError::Conflict | StoreError::Missing(_) | StoreError::Failed(_) => {
                Self::internal(cause)
            }
        }
    }
}
