//! Where we differ from the original on purpose: rules over what is asked and what was recorded, each
//! with what we answer instead, so that a rule hides no defect.
//!
//! A rule looks at the row alone, never at our reply. Those that apply change the expected reply, one
//! after the other; what they leave is compared to the byte. Some say that we answer a request as we
//! (and the recordings, in rows of their own) answer another one: [`Expected::like`].
//!
//! Adding one: a function in the file of what differs, and a line in [`RULES`] with the reason.

mod reply;
mod request;
mod sign_in;

use super::expected::{Body, Expected};
use super::host::Host;
use super::row::{Request, Row};

/// A difference.
pub struct Rule {
    pub name: &'static str,
    /// Changes the expected reply, if it is about this row.
    pub apply: fn(&Row, &Host, &mut Expected) -> bool,
}

/// All of them, in the order in which they are looked at.
pub const RULES: &[Rule] = &[
    // What a link or a form of another site can say does not change the verb.
    Rule {
        name: "the verb is overridden by the header of a POST alone",
        apply: request::overridden,
    },
    // RFC 9112 section 3: what is no URI is refused before it is looked at.
    Rule {
        name: "bytes in the request's target are percent-encoded, or 400",
        apply: request::raw_target,
    },
    // RFC 9112 section 6.3: no length is no body. 411 is the recorded host's.
    Rule { name: "a request without a length has no body", apply: request::without_length },
    // A body is held in memory.
    Rule { name: "bodies have a limit: 413", apply: request::too_large },
    // Nothing is lost silently: a key must not land in another organisation than was meant.
    Rule { name: "a body of an unreadable media type: 415", apply: request::unreadable_type },
    Rule { name: "what is malformed is refused, with line and column", apply: request::malformed },
    Rule { name: "a body that the original ignores is read", apply: request::read_not_ignored },
    Rule { name: "the query fills members on predefined routes", apply: request::query_fills },
    Rule {
        name: "the XML member is accepted in the root's namespace",
        apply: request::in_the_roots_namespace,
    },
    // As later versions of the original do.
    Rule { name: "/api/{Operation}.{format} names the reply's format", apply: request::api_suffix },
    // Clients take a redirect for an error, or follow it with another verb.
    Rule { name: "no redirect after signing in", apply: sign_in::redirect },
    // They change the wire under a client's feet.
    Rule { name: "?jsconfig= and ?debug= are not offered", apply: request::configured },
    // Clients can show a body, and a credential that cannot be read is no failure of ours.
    Rule { name: "an unparseable credential is a 401", apply: sign_in::bad_credential },
    Rule { name: "a 401 has a body and is never a redirect", apply: sign_in::unauthenticated },
    // Users have a name and an address; tokens are in the body.
    Rule { name: "a sign-in has tokens, no picture and no other name", apply: sign_in::signed_in },
    // An exception's text tells others what they should not know; the page and `ErrorResponse` are
    // what clients cannot read.
    Rule { name: "a failure of ours is a 500 that says no more", apply: reply::failure },
    Rule { name: "members missing from a sign-in are a 400", apply: sign_in::without_members },
    Rule { name: "an error page has its real status", apply: reply::error_page },
    Rule {
        name: "refusals are the operation's response, in XML and CSV too",
        apply: reply::refusal_type,
    },
    // A defect: the original's document ends in the middle.
    Rule { name: "what XML cannot hold becomes U+FFFD", apply: reply::cut_short },
    // The two hosts of the original disagree with each other. JSON by default, every alias counts.
    Rule { name: "Accept is read as RFC 9110 says", apply: reply::negotiated },
    // As the original's page of the operation shows it.
    Rule { name: "JSV that nobody names is text/jsv", apply: reply::jsv_label },
    Rule { name: "pages are labelled with their charset", apply: reply::page_label },
    // RFC 9110 section 9.3.2; the bytes behind it are the recorded host's.
    Rule { name: "a reply to HEAD has no body", apply: reply::head },
    // What browsers and crawlers ask every service for; the recorded host has neither.
    Rule { name: "an icon and a robots.txt are served", apply: reply::small_documents },
];

const OPERATION: &str = "GenerateTwoFactorAuthenticationKeyRequest";

fn is_auth(request: &Request) -> bool {
    let path = request.bare_path().to_lowercase();
    path.starts_with("/auth") || path.ends_with("/authenticate")
}

/// Whether a rule has already said what the reply is, in whatever format.
fn settled(expected: &Expected) -> bool {
    matches!(expected.body, Body::Refusal { .. })
}
