//! What the recorded host's operation did, in the place of ours.
//!
//! It takes its orders from `organisationId`: most values ask for a text, a refusal or a shape of
//! the reply, the others are echoed in an otpauth URI, so that the recordings show what was bound.

use actix_web::http::StatusCode;
use actix_web::http::header::{ACCEPT, CONTENT_TYPE, HOST};
use async_trait::async_trait;
use foundry_api::dto::{Dictionary, ResponseError, ResponseStatus};
use foundry_api::error::Error;
use foundry_api::operation::{
    Answer, Context, GenerateTwoFactorAuthenticationKeyRequest as Asked,
    GenerateTwoFactorAuthenticationKeyResponse as Key, GenerateTwoFactorKey, Operation, Spec,
};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// The operation under the name and routes of ours.
pub struct RecordedOperation;

const URI: &str = "otpauth://totp/Infrastructure:user%40company.com?secret=JBSWY3DPEHPK3PXP\
                   &issuer=Infrastructure";

/// Values of this many characters and more are bound, but not shown.
const SHOWN: usize = 64;

/// Texts that test the writers.
const TEXTS: &[(&str, &str)] = &[
    ("quotes", "a \"quoted\" 'single' value"),
    ("comma", "a,b:c"),
    ("colon", "a:b"),
    ("braces", "{a}[b]"),
    ("brackets", "x[b]"),
    ("slash", "a/b\\c"),
    ("newline", "line1\nline2\r\nline3\ttab"),
    ("unicode", "héllo 中文 😀 \u{2028} \u{7F}"),
    ("html", "<b>&amp; \"x\"</b> 'y' `z` + ="),
    ("control", "a\u{1}b\u{1F}c\0d"),
    ("space", " leading and trailing "),
    ("number", "12345"),
    ("nullword", "null"),
    ("trueword", "true"),
    ("date", "/Date(1)/"),
    ("formula", "=1+1"),
    // A lone surrogate leaves the original as U+FFFD, too.
    ("surrogate", "a\u{FFFD}b"),
    ("emptyuri", ""),
];

/// Refusals by the service: status, code, message.
const REFUSALS: &[(&str, u16, &str, &str)] = &[
    ("missing", 404, "NotFound", "Organisation not found"),
    ("invalid-noparam", 400, "ArgumentException", "The organisation is invalid"),
    ("aggregate", 400, "AggregateException", "One or more errors occurred. (one) (two)"),
    ("forbidden", 403, "Forbidden", "You may not do that"),
    ("forbidden2", 403, "Forbidden", "explicit 403"),
    ("conflict", 409, "Conflict", "Already configured"),
    ("unauthorized", 401, "Unauthorized", "Not you"),
    ("badrequest", 400, "BadRequest", "Bad one"),
    ("badrequest-code", 400, "MyErrorCode", "Bad two"),
    ("toomany", 429, "TooMany", "Slow down"),
    ("locked", 423, "Locked", "Account locked"),
    ("precondition", 412, "PreconditionFailed", "pre"),
    ("http405", 405, "MethodNotAllowed", "nope"),
    ("notimpl", 405, "NotImplementedException", "not implemented"),
    ("notsupported", 405, "NotSupportedException", "not supported"),
    ("unauthaccess", 403, "UnauthorizedAccessException", "no access"),
    ("filenotfound", 404, "FileNotFoundException", "no file"),
    ("serialization", 400, "SerializationException", "bad serial"),
    ("optimistic", 409, "OptimisticConcurrencyException", "row changed"),
    ("format", 400, "FormatException", "bad format"),
    ("returnerror", 409, "Returned", "returned not thrown"),
];

/// Refusals of an argument: code, message of the field.
const ARGUMENTS: &[(&str, &str, &str)] = &[
    ("invalid", "ArgumentException", "The organisation is invalid"),
    ("argnull", "ArgumentNullException", "Value cannot be null."),
    ("argrange", "ArgumentOutOfRangeException", "too big"),
];

/// What the original answers with 500.
pub const UNHANDLED: &[&str] =
    &["boom", "inner", "nullref", "invalidop", "timeout", "keynotfound", "authex", "http500"];

#[async_trait(?Send)]
impl Operation for RecordedOperation {
    type Request = Asked;
    type Response = Key;
    const SPEC: Spec = GenerateTwoFactorKey::SPEC;

    fn validate(&self, request: &Asked) -> Result<(), Error> {
        match request.organisation_id.as_deref() {
            Some(id) if id.starts_with("validation") => Err(validation(id)),
            _ => Ok(()),
        }
    }

    async fn execute(&self, cx: &Context<'_>, request: Asked) -> Result<Answer<Key>, Error> {
        let id = request.organisation_id.unwrap_or_default();
        if let Some(error) = refusal(&id) {
            return Err(error);
        }
        let uri = |uri: &str| Key { two_factor_uri: Some(uri.into()), ..Key::default() };
        let status = |code: Option<&str>, message: Option<&str>, uri: Option<&str>| Key {
            response_status: Some(ResponseStatus {
                error_code: code.map(Into::into),
                message: message.map(Into::into),
                ..ResponseStatus::default()
            }),
            two_factor_uri: uri.map(Into::into),
        };
        let key = match &*id {
            "null" => {
                let status = StatusCode::NO_CONTENT;
                return Ok(Answer { response: None, status, headers: Vec::new() });
            }
            "nulluri" => Key::default(),
            "emptystatus" => status(None, None, Some("x")),
            "okstatus" => status(None, Some("fine"), Some("x")),
            "dto-errstatus" => status(Some("DtoErr"), Some("error in 200"), None),
            "result201" => {
                let mut answer = Answer::from(uri(&shown(&id)))
                    .with_header("Location", "http://127.0.0.1/users/1".into());
                answer.status = StatusCode::CREATED;
                return Ok(answer);
            }
            "session" => {
                let caller = cx.caller()?;
                uri(&format!("{}|{}|{}", caller.user.name, caller.provider, caller.user.id))
            }
            "echo-type" => uri(&echo_type(cx)),
            _ => match TEXTS.iter().find(|(name, _)| *name == id) {
                Some((_, text)) => uri(text),
                None => uri(&shown(&id)),
            },
        };
        Ok(key.into())
    }

    fn refuse(status: ResponseStatus) -> Key {
        GenerateTwoFactorKey::refuse(status)
    }
}

/// The URI, or the echo, that shows what was bound.
fn shown(id: &str) -> String {
    /// As `Uri.EscapeDataString` escapes.
    const ESCAPED: &AsciiSet =
        &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
    if let Some(text) = id.strip_prefix("echo:") {
        return text.to_owned();
    }
    if id.starts_with("len") {
        return id.encode_utf16().count().to_string();
    }
    if id.is_empty() || id.encode_utf16().count() >= SHOWN {
        return URI.to_owned();
    }
    format!("{URI}&org={}", utf8_percent_encode(id, ESCAPED))
}

fn echo_type(cx: &Context<'_>) -> String {
    let request = cx.exchange.request;
    let header = |name| {
        let value = request.headers().get(name).and_then(|value| value.to_str().ok());
        value.unwrap_or_default()
    };
    let path = request.path();
    format!(
        "{}|{}|{}|{path}|http://{}{path}",
        header(CONTENT_TYPE),
        header(ACCEPT),
        cx.exchange.verb(),
        header(HOST)
    )
}

fn refusal(id: &str) -> Option<Error> {
    if UNHANDLED.contains(&id) {
        return Some(Error::internal(id.to_owned()));
    }
    if let Some((_, status, code, message)) = REFUSALS.iter().find(|(name, ..)| *name == id) {
        let status = StatusCode::from_u16(*status).unwrap();
        return Some(Error::refused(status, code, *message));
    }
    let bad = StatusCode::BAD_REQUEST;
    if let Some((_, code, message)) = ARGUMENTS.iter().find(|(name, ..)| *name == id) {
        let outer = format!("{message}\nParameter name: OrganisationId");
        let field = field(code, "OrganisationId", message, &[]);
        return Some(Error::refused(bad, code, outer).with_field(field));
    }
    match id {
        "custom-status" => {
            let teapot = StatusCode::from_u16(418).unwrap();
            let error = Error::refused(teapot, "CustomStatusException", "I am a teapot");
            Some(error.with_reason("Short And Stout"))
        }
        "meta" => {
            let meta = [("Key One", "Value, 1"), ("k2", "v\"2")];
            Some(
                Error::refused(bad, "MetaCode", "Meta message")
                    .with_field(field("E1", "OrganisationId", "first", &meta))
                    .with_field(field("E2", "Other", "second, with comma", &[]))
                    .with_meta("TraceId", "abc-123")
                    .with_meta("camelKey", "x"),
            )
        }
        "verror" => {
            let (empty, length) =
                ("'Organisation Id' must not be empty.", "must be 3 to 5 characters, not 6.");
            let message =
                format!("{empty}\n\n  - {empty} [OrganisationId]\n  - {length} [OrganisationId]");
            Some(
                Error::refused(bad, "NotEmpty", message)
                    .with_field(field("NotEmpty", "OrganisationId", empty, &[]))
                    .with_field(field("Length", "OrganisationId", length, &[])),
            )
        }
        _ => None,
    }
}

/// The validator before the operation: three to five characters, all of them digits.
fn validation(id: &str) -> Error {
    let count = id.encode_utf16().count().to_string();
    let length = format!(
        "'Organisation Id' must be between 3 and 5 characters. You entered {count} characters."
    );
    let digits = format!("'Organisation Id' must be digits, was \"{id}\"");
    let named = [("PropertyName", "Organisation Id"), ("PropertyValue", id)];
    let lengths =
        [("MinLength", "3"), ("MaxLength", "5"), ("TotalLength", &*count), named[0], named[1]];
    let pattern = [("RegularExpression", "^[0-9]+$"), named[0], named[1]];
    Error::refused(StatusCode::BAD_REQUEST, "Length", &*length)
        .with_field(field("Length", "OrganisationId", &length, &lengths))
        .with_field(field("MustBeDigits", "OrganisationId", &digits, &pattern))
}

fn field(code: &str, name: &str, message: &str, meta: &[(&str, &str)]) -> ResponseError {
    let entries = meta.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
    ResponseError {
        error_code: Some(code.into()),
        field_name: Some(name.into()),
        message: Some(message.into()),
        meta: (!meta.is_empty()).then(|| Dictionary(entries.collect())),
    }
}
