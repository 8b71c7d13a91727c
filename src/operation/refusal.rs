//! What a call may be refused with, as documents tell of it: what holds for every call is here, and what an
//! operation decides on stands in its [`Spec`]. `tests/api/openapi.rs` provokes each of them, and holds
//! what the service answers to this.

use super::{Access, Spec};

/// A refusal, as documents tell of it.
#[derive(Debug)]
pub struct Refusal {
    /// The status.
    pub status: u16,
    /// The code that programs compare.
    pub code: &'static str,
    /// The member that is to blame.
    pub field: Option<&'static str>,
    /// The only verb under which it happens, if it is not every one.
    pub verb: Option<&'static str>,
    /// When it happens, in a sentence.
    pub when: &'static str,
}

impl Refusal {
    /// A refusal under every verb, with no member to blame.
    pub(super) const fn new(status: u16, code: &'static str, when: &'static str) -> Self {
        Self { status, code, field: None, verb: None, when }
    }

    /// The same for which that member is to blame.
    pub(super) const fn of(self, field: &'static str) -> Self {
        Self { field: Some(field), ..self }
    }

    /// The same under that verb alone.
    pub(super) const fn under(self, verb: &'static str) -> Self {
        Self { verb: Some(verb), ..self }
    }
}

/// Of every call.
const ANY: &[Refusal] = &[
    Refusal::new(400, "SerializationException", "The request cannot be read."),
    Refusal::new(500, "InternalServerError", "The service failed; the message has an id."),
    Refusal::new(
        503,
        "ServiceUnavailable",
        "The service is full, or the database cannot be reached.",
    ),
];

/// Of calls that have a body.
const WITH_BODY: &[Refusal] = &[
    Refusal::new(400, "BadRequest", "The body did not come as it was announced."),
    Refusal::new(408, "RequestTimeout", "The body did not come in time."),
    Refusal::new(413, "RequestTooLarge", "The body is too large."),
    Refusal::new(
        415,
        "UnsupportedMediaType",
        "The body is of a type, or in an encoding, that is not read here.",
    ),
];

/// Of calls that somebody has to be signed in for.
const SIGNED_IN: &[Refusal] = &[
    Refusal::new(401, "Unauthorized", "Nobody is signed in, or the credentials are wrong."),
    TOKEN,
    CROSS_SITE,
    GUESSED,
];

/// A token is expired, not valid yet, or no token.
pub(super) const TOKEN: Refusal =
    Refusal::new(401, "TokenException", "The token is not valid now.");

/// Cookies came with a request that another site made a browser send.
pub(super) const CROSS_SITE: Refusal =
    Refusal::new(403, "Forbidden", "A page of another site made the browser send cookies.");

/// Passwords were guessed.
pub(super) const GUESSED: Refusal =
    Refusal::new(429, "TooManyRequests", "There were too many wrong passwords.");

impl Spec {
    /// What a call under that verb may be refused with, by status.
    #[must_use]
    pub fn refusals_under(&self, verb: &str) -> Vec<&'static Refusal> {
        let with_body = if verb == "GET" { &[] } else { WITH_BODY };
        let signed_in = if self.access == Access::SignedIn { SIGNED_IN } else { &[] };
        let mut all: Vec<&'static Refusal> = [ANY, with_body, signed_in, self.refusals]
            .into_iter()
            .flatten()
            .filter(|refusal| refusal.verb.is_none_or(|only| only == verb))
            .collect();
        all.sort_by_key(|refusal| refusal.status);
        all
    }
}
