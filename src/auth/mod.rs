//! Who is calling.
//!
//! A [`Provider`] looks at a request for credentials of its kind and gives one of three answers:
//! none here (`Ok(None)`), a [`Caller`], or a refusal. [`Providers`] asks them in turn and stops at
//! the first that does not say "none here". Whether anyone *must* be signed in is not decided here
//! but by the operation's [`Access`](crate::operation::Access).
//!
//! Credentials in the `Authorization` header come before cookies: a client that sends a token means
//! it, whatever cookies it still holds (`fixtures/wire`, need 37), and a wrong one is refused
//! although a cookie would do (rule A4). So is one that cannot be read, or is of a scheme that is
//! not known here: whoever sent it is not to be taken for whose cookies those are. Cookies come along
//! without anybody meaning it, so they are not taken from another site's page ([`origin`]). Adding a
//! provider: write its file, add one line to [`Providers::standard`].

mod api_key;
mod basic;
mod bearer;
mod counts;
pub mod credentials;
mod guesses;
mod identity;
pub mod jwt;
mod mac;
mod network;
pub mod origin;
pub mod password;
mod places;
pub mod public_key;
pub mod session;
pub mod throttle;
pub mod tokens;

use std::sync::Arc;

use async_trait::async_trait;

pub use api_key::ApiKey;
pub use basic::Basic;
pub use bearer::{Bearer, TOKEN_COOKIE, TOKEN_PROVIDER, TokenCookie};
pub use session::Session;

use crate::clock::Timestamp;
use crate::error::Error;
use crate::http::Exchange;
use crate::store::User;

/// Who is calling, and by which credentials.
#[derive(Clone)]
pub struct Caller {
    /// The user.
    pub user: Arc<User>,
    /// The name of the provider that knows.
    pub provider: &'static str,
    /// SHA-256 of what was shown: the session's id, or the token. Things that hold for "the same
    /// session or token" are kept under it. A password that comes with each request is neither:
    /// whoever else knows it shows the same.
    pub credential: Option<Vec<u8>>,
    /// How the caller proved to be the user, where a token says so (RFC 8176).
    pub amr: Vec<String>,
    /// When the caller did, where a token says so.
    pub auth_time: Option<Timestamp>,
}

impl Caller {
    /// A caller whose credentials say nothing of how they were come by.
    #[must_use]
    pub fn new(user: Arc<User>, provider: &'static str, credential: Option<Vec<u8>>) -> Self {
        Self { user, provider, credential, amr: Vec::new(), auth_time: None }
    }
}

/// Where a provider's credentials travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// In `Authorization`.
    Header,
    /// In a cookie, or a header that stands for one.
    Cookie,
}

/// A way to authenticate.
#[async_trait(?Send)]
pub trait Provider: Send + Sync + 'static {
    /// Its name, lower case; also the scheme of its challenge.
    fn name(&self) -> &'static str;

    /// Where its credentials travel.
    fn source(&self) -> Source;

    /// Looks for credentials of its kind.
    ///
    /// # Errors
    /// Credentials of its kind that are wrong, or a store that does not answer.
    async fn identify(&self, exchange: &Exchange<'_>) -> Result<Option<Caller>, Error>;
}

/// The providers.
pub struct Providers {
    list: Vec<Box<dyn Provider>>,
    challenge: String,
}

impl Providers {
    /// The providers of the service. The first one is who an unauthenticated reply names.
    #[must_use]
    pub fn standard() -> Self {
        Self::new(vec![
            Box::new(Session),
            Box::new(Basic),
            Box::new(Bearer),
            Box::new(ApiKey),
            Box::new(TokenCookie),
        ])
    }

    /// These providers. The first one is who an unauthenticated reply names.
    #[must_use]
    pub fn new(mut list: Vec<Box<dyn Provider>>) -> Self {
        let first = list.first().map_or("credentials", |provider| provider.name());
        // As the original spells it (rule A1); every value quoted (need 41).
        // An API key travels as the user name of Basic.
        let scheme = if first == "apikey" { "Basic" } else { first };
        let challenge = format!("{scheme} realm=\"/auth/{first}\"");
        list.sort_by_key(|provider| provider.source());
        Self { list, challenge }
    }

    /// The `WWW-Authenticate` of replies to nobody.
    #[must_use]
    pub fn challenge(&self) -> &str {
        &self.challenge
    }

    /// Whether there is a provider of that name.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.list.iter().any(|provider| provider.name() == name)
    }

    /// Whose cookies a request carries, if anyone's, whatever page sent it. Cookies that are wrong, or
    /// have expired, are nobody's.
    ///
    /// # Errors
    /// A store that does not answer.
    pub async fn of_cookies(&self, exchange: &Exchange<'_>) -> Result<Option<Caller>, Error> {
        for provider in self.list.iter().filter(|provider| provider.source() == Source::Cookie) {
            match provider.identify(exchange).await {
                Ok(None) => {}
                Err(refusal) if !refusal.status().is_server_error() => {}
                answer => return answer,
            }
        }
        Ok(None)
    }

    /// Who is calling, if anyone.
    ///
    /// # Errors
    /// The first provider's whose credentials are there and wrong; or that of credentials in the
    /// header that no provider can read.
    pub async fn identify(&self, exchange: &Exchange<'_>) -> Result<Option<Caller>, Error> {
        for provider in &self.list {
            if provider.source() == Source::Cookie && exchange.has_authorization() {
                return Err(Error::not_authenticated());
            }
            if let Some(caller) = provider.identify(exchange).await? {
                if provider.source() == Source::Cookie
                    && let Err(refusal) = origin::refuse_foreign(exchange)
                {
                    // Boxed, as is all that few requests come to.
                    return Err(Box::pin(exchange.refused(&caller, "", refusal)).await);
                }
                return Ok(Some(caller));
            }
        }
        Ok(None)
    }
}
