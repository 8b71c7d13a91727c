//! Bearer tokens: in `Authorization`, or in the cookie `ss-tok`.
//!
//! A token of this service names its sign-in and is good for as long as that is: it ends with the
//! logout, with a changed password, with the user. A token of the host that is being replaced, or of
//! an issuer whose public key is configured, is good until it expires, for the user of ours that has
//! its `preferred_username` as name or address, or else its `email` as address. What it says of the
//! user's id is not looked at, because ids are not shared. A token that fits no enabled user is as
//! good as none.

use std::sync::Arc;

use async_trait::async_trait;
use ring::digest;

use super::jwt::{self, Claims, Unfit};
use super::session::{cookie_value, hash};
use super::{Caller, Provider, Source};
use crate::error::Error;
use crate::http::Exchange;
use crate::store::User;

/// The cookie that holds a bearer token.
pub const TOKEN_COOKIE: &str = "ss-tok";

/// The name of the providers that take one.
pub const TOKEN_PROVIDER: &str = "jwt";

/// Bearer tokens in `Authorization`.
pub struct Bearer;

#[async_trait(?Send)]
impl Provider for Bearer {
    fn name(&self) -> &'static str {
        TOKEN_PROVIDER
    }

    fn source(&self) -> Source {
        Source::Header
    }

    async fn identify(&self, exchange: &Exchange<'_>) -> Result<Option<Caller>, Error> {
        match exchange.authorization("Bearer").filter(|token| jwt::is_token(token)) {
            Some(token) => caller(exchange, token).await.map(Some),
            None => Ok(None),
        }
    }
}

/// Bearer tokens in a cookie.
pub struct TokenCookie;

#[async_trait(?Send)]
impl Provider for TokenCookie {
    fn name(&self) -> &'static str {
        TOKEN_PROVIDER
    }

    fn source(&self) -> Source {
        Source::Cookie
    }

    async fn identify(&self, exchange: &Exchange<'_>) -> Result<Option<Caller>, Error> {
        match cookie_value(exchange.request, TOKEN_COOKIE).filter(|token| !token.is_empty()) {
            Some(token) => caller(exchange, token).await.map(Some),
            None => Ok(None),
        }
    }
}

async fn caller(exchange: &Exchange<'_>, token: &str) -> Result<Caller, Error> {
    let sha256 = digest::digest(&digest::SHA256, token.as_bytes());
    let claims =
        exchange.app.jwt.verify_hashed(token, &sha256, exchange.now).map_err(
            |unfit| match unfit {
                Unfit::Invalid => Error::not_authenticated(),
                Unfit::Expired => Error::bad_token("Token has expired"),
                Unfit::TooEarly => Error::bad_token("Token not valid yet"),
            },
        )?;
    let user = user_of(exchange, &claims).await?.ok_or_else(Error::not_authenticated)?;
    // A sign-in goes on from one of its tokens to the next. Other tokens stand for themselves:
    // hosts number theirs from the start again whenever they are restarted.
    let credential = Some(claims.sid.as_deref().map_or_else(|| sha256.as_ref().to_vec(), hash));
    let auth_time = claims.auth_time();
    Ok(Caller { user, provider: TOKEN_PROVIDER, credential, amr: claims.amr.clone(), auth_time })
}

async fn user_of(exchange: &Exchange<'_>, claims: &Claims) -> Result<Option<Arc<User>>, Error> {
    let store = &exchange.app.store;
    if let Some(sign_in) = &claims.sid {
        return Ok(store.sign_in_user(sign_in, exchange.now).await?);
    }
    let name = claims.preferred_username.as_deref().filter(|name| !name.is_empty());
    let address = claims.email.as_deref().filter(|address| !address.is_empty());
    let user = match (name, address) {
        (Some(name), _) => store.user_named(name).await?,
        // Not as a name: somebody else's may be written like it.
        (None, Some(address)) => store.user_addressed(address).await?,
        (None, None) => None,
    };
    Ok(user.filter(|user| user.disabled_at.is_none()))
}
