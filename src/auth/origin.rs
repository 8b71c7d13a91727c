//! Which site a request comes from, as far as browsers tell.
//!
//! A browser sends our cookies with whatever page makes it send a request. `SameSite=Lax` keeps
//! them back from other sites' forms and scripts, in browsers that know it and on sites that share
//! no domain with ours; this is the second lock. Requests that browsers did not make carry none of
//! these headers and are not touched, nor are those whose credentials are in `Authorization`, which
//! no page sends by accident.

use actix_web::http::header::{HOST, ORIGIN};
use actix_web::http::uri::Authority;

use crate::error::Error;
use crate::http::Exchange;

/// Refuses a request that would change something if a page of another site made it, unless that
/// site is configured as a friend.
///
/// # Errors
/// 403.
pub fn refuse_foreign(exchange: &Exchange<'_>) -> Result<(), Error> {
    if matches!(exchange.request.method().as_str(), "GET" | "HEAD" | "OPTIONS") {
        return Ok(());
    }
    refuse_foreign_visit(exchange)
}

/// The same for what even a GET changes, such as a logout: also refuses a link on another site.
///
/// # Errors
/// 403.
pub fn refuse_foreign_visit(exchange: &Exchange<'_>) -> Result<(), Error> {
    let header = |name: &str| exchange.request.headers().get(name)?.to_str().ok();
    let foreign = match exchange.request.headers().get(ORIGIN) {
        Some(origin) => !origin.to_str().is_ok_and(|origin| is_ours(exchange, origin)),
        None => header("Sec-Fetch-Site") == Some("cross-site"),
    };
    if foreign { Err(Error::cross_site()) } else { Ok(()) }
}

/// Whether pages of `origin` may use our cookies: our own, and those that are configured.
fn is_ours(exchange: &Exchange<'_>, origin: &str) -> bool {
    let origin = origin.to_ascii_lowercase();
    is_friend(exchange, &origin) || is_same(exchange, &origin)
}

/// Whether `origin` is one that is configured.
#[must_use]
pub fn is_friend(exchange: &Exchange<'_>, origin: &str) -> bool {
    exchange.app.config.cors_origins.iter().any(|known| known.eq_ignore_ascii_case(origin))
}

fn is_same(exchange: &Exchange<'_>, origin: &str) -> bool {
    let config = &exchange.app.config;
    if let Some(url) = &config.public_url {
        let url = url.to_ascii_lowercase();
        let rest = url.strip_prefix(origin);
        if rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/')) {
            return true;
        }
    }
    let Some((scheme, host)) = origin.split_once("://") else { return false };
    if scheme != "https" && (scheme != "http" || exchange.is_secure()) {
        return false;
    }
    let default = if scheme == "https" { ":443" } else { ":80" };
    let request = exchange.request;
    let named = request.headers().get(HOST).and_then(|host| host.to_str().ok());
    // HTTP/1.0 has no `Host`; a target in absolute form names it all the same.
    let named = named.or_else(|| request.uri().authority().map(Authority::as_str));
    let named = named.unwrap_or_default().to_ascii_lowercase();
    named.strip_suffix(default).unwrap_or(&named) == host
}
