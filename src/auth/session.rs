//! Sessions: a random id in a cookie, its SHA-256 in the store.
//!
//! ```text
//! Cookie: ss-id=…; ss-pid=…; ss-opt=temp      or      X-ss-id: …
//! ```
//!
//! `ss-id` is the session. `ss-pid` outlives the browser, and is the session only when
//! `ss-opt=perm` says that the user asked for that; else it is a value of no use to anyone
//! (`fixtures/wire`, rules A6 and A8). Each sign-in makes an id of its own: one that was there
//! before, perhaps because somebody else put it there, never becomes a session.

use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::http::header::COOKIE;
use async_trait::async_trait;
use ring::digest;

use super::{Caller, Provider, Source};
use crate::error::Error;
use crate::http::Exchange;

/// Sessions. The provider is named for the way to get one: `credentials`.
pub struct Session;

#[async_trait(?Send)]
impl Provider for Session {
    fn name(&self) -> &'static str {
        "credentials"
    }

    fn source(&self) -> Source {
        Source::Cookie
    }

    async fn identify(&self, exchange: &Exchange<'_>) -> Result<Option<Caller>, Error> {
        let Some(id) = id_of(exchange.request) else { return Ok(None) };
        let credential = hash(&id);
        // A session that has ended is no session: the client may hold its cookie for ever
        // (need 33).
        let user = exchange.app.store.session_user(&credential, exchange.now).await?;
        Ok(user.map(|user| Caller::new(user, self.name(), Some(credential))))
    }
}

/// A refusal to end what the cookies of a request stand for, session or token. Where they are somebody's
/// it is one of a caller who is signed in, so it leaves an audit row.
pub async fn kept(exchange: &Exchange<'_>, refusal: Error) -> Error {
    match exchange.app.providers.of_cookies(exchange).await {
        Ok(Some(caller)) => exchange.refused(&caller, "", refusal).await,
        Ok(None) => refusal,
        Err(failure) => failure,
    }
}

/// Ends the session that a request carries, if it is one, with the tokens made with it.
///
/// # Errors
/// The store's, or no randomness for the audit row.
pub async fn end(exchange: &Exchange<'_>, outcome: &'static str) -> Result<(), Error> {
    let Some(id) = id_of(exchange.request) else { return Ok(()) };
    let (store, hash) = (&exchange.app.store, hash(&id));
    let Some(user) = store.session_user(&hash, exchange.now).await? else { return Ok(()) };
    let event = exchange.event("Logout", &user.id, "", outcome, None)?;
    Ok(store.end_session(&hash, &event).await?)
}

/// The longest id that is looked up.
const ID_MAX: usize = 64;

/// The session's id that a request carries.
#[must_use]
pub fn id_of(request: &HttpRequest) -> Option<String> {
    let header = request.headers().get("X-ss-id").and_then(|value| value.to_str().ok());
    let permanent = cookie_value(request, "ss-opt") == Some("perm");
    header
        .or_else(|| cookie_value(request, "ss-id"))
        .or_else(|| cookie_value(request, "ss-pid").filter(|_| permanent))
        .filter(|id| !id.is_empty() && id.len() <= ID_MAX)
        .map(str::to_owned)
}

/// The value of a cookie. Pairs that are odd, or no text at all, do not hide the others (need 33).
#[must_use]
pub fn cookie_value<'a>(request: &'a HttpRequest, name: &str) -> Option<&'a str> {
    request
        .headers()
        .get_all(COOKIE)
        .flat_map(|line| line.as_bytes().split(|byte| *byte == b';'))
        .filter_map(|pair| std::str::from_utf8(pair).ok()?.trim().split_once('='))
        .find(|(given, _)| *given == name)
        .map(|(_, value)| value)
}

/// How a session's id is stored.
#[must_use]
pub fn hash(id: &str) -> Vec<u8> {
    digest::digest(&digest::SHA256, id.as_bytes()).as_ref().to_vec()
}

/// A cookie for the whole site, out of reach of scripts. `lasting` is its `Max-Age`, in whole
/// seconds; never `Expires`, whose comma some clients take for the end of the cookie (need 33).
#[must_use]
pub fn cookie(name: &str, value: &str, lasting: Option<Duration>, secure: bool) -> String {
    let mut cookie = format!("{name}={value}; Path=/; SameSite=Lax; HttpOnly");
    if let Some(lasting) = lasting {
        cookie.push_str("; Max-Age=");
        cookie.push_str(&lasting.as_secs().to_string());
    }
    if secure {
        cookie.push_str("; Secure");
    }
    cookie
}
