//! User name and password with each request:
//!
//! ```text
//! Authorization: Basic base64(name ":" password)
//! ```
//!
//! The scheme's case does not matter, the password may hold colons, both are UTF-8 (RFC 7617,
//! `fixtures/wire`, need 37). An empty password is not looked at here: that is how API keys travel
//! (rule A4).

use async_trait::async_trait;
use data_encoding::BASE64;
use zeroize::Zeroizing;

use super::{Caller, Provider, Source, credentials, session};
use crate::error::Error;
use crate::http::Exchange;

/// Basic authentication.
pub struct Basic;

#[async_trait(?Send)]
impl Provider for Basic {
    fn name(&self) -> &'static str {
        "basic"
    }

    fn source(&self) -> Source {
        Source::Header
    }

    async fn identify(&self, exchange: &Exchange<'_>) -> Result<Option<Caller>, Error> {
        match exchange.authorization("Basic") {
            // Boxed: every request asks, few have it.
            Some(encoded) => Box::pin(caller(exchange, encoded)).await,
            None => Ok(None),
        }
    }
}

async fn caller(exchange: &Exchange<'_>, encoded: &str) -> Result<Option<Caller>, Error> {
    // Anything that is no pair is refused as if nothing had been sent (rule A4), by `Providers`: it
    // may still be an API key.
    let decoded = Zeroizing::new(BASE64.decode(encoded.as_bytes()).unwrap_or_default());
    let Ok(pair) = std::str::from_utf8(&decoded) else { return Ok(None) };
    let Some((name, password)) = pair.split_once(':') else { return Ok(None) };
    if password.is_empty() {
        return Ok(None);
    }
    let Some(user) = credentials::check(exchange, name, password).await? else {
        // A client that shows a wrong password has lost its session, too (`fixtures/wire`,
        // camel/0749).
        session::end(exchange, "Unauthorized").await?;
        return Err(Error::bad_credentials());
    };
    Ok(Some(Caller::new(user, Basic.name(), None)))
}
