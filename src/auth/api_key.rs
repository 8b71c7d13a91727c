//! API keys, for programs: made on the command line, shown once, kept as SHA-256.
//!
//! ```text
//! Authorization: Bearer KEY      or      Authorization: Basic base64(KEY ":")
//! ```
//!
//! A key is 160 random bits, so its hash needs neither salt nor work; and since it is found by that
//! hash, the time it takes says nothing about how much of a guess was right.

use async_trait::async_trait;
use data_encoding::BASE64;
use zeroize::Zeroizing;

use super::{Caller, Provider, Source, jwt, session};
use crate::error::Error;
use crate::http::Exchange;

/// The longest key that is looked up, in bytes.
const KEY_MAX: usize = 256;

/// API keys.
pub struct ApiKey;

#[async_trait(?Send)]
impl Provider for ApiKey {
    fn name(&self) -> &'static str {
        "apikey"
    }

    fn source(&self) -> Source {
        Source::Header
    }

    async fn identify(&self, exchange: &Exchange<'_>) -> Result<Option<Caller>, Error> {
        let Some(key) = key_of(exchange) else { return Ok(None) };
        if key.len() > KEY_MAX {
            return Err(Error::not_authenticated());
        }
        let hash = session::hash(&key);
        let user = exchange.app.store.api_key_user(&hash, exchange.now).await?;
        let user = user.ok_or_else(Error::not_authenticated)?;
        Ok(Some(Caller::new(user, self.name(), Some(hash))))
    }
}

fn key_of(exchange: &Exchange<'_>) -> Option<Zeroizing<String>> {
    if let Some(key) = exchange.authorization("Bearer") {
        return (!jwt::is_token(key)).then(|| Zeroizing::new(key.to_owned()));
    }
    let decoded = BASE64.decode(exchange.authorization("Basic")?.as_bytes()).ok()?;
    let pair = Zeroizing::new(String::from_utf8(decoded).ok()?);
    let key = pair.strip_suffix(':').filter(|key| !key.is_empty() && !key.contains(':'))?;
    Some(Zeroizing::new(key.to_owned()))
}
