//! Bearer and refresh tokens that this service makes.
//!
//! A sign-in gives a bearer token (a JWT that names the sign-in) and a refresh token (160 bits, kept as
//! SHA-256) that gets the next bearer token. Both hang on the sign-in in the store: a
//! logout, a changed password or a disabled user ends them at once, and [`SIGN_IN`] after it was
//! made a sign-in is over however often it was refreshed.
//!
//! There are two kinds of refresh token, because there are two kinds of client:
//!
//! - one in the cookie `ss-reftok` rotates: the first use after [`ROTATION`] sets its successor as the
//!   next cookie, and a token that comes back after it was replaced was stolen from somebody, so the
//!   whole sign-in ends (RFC 9700 section 4.14.2). A browser that sends two requests at once, or did
//!   not get the reply, is given [`GRACE`], and the same [`successor`] again: were it another one,
//!   a thief could begin a line of tokens of his own, which never meets the owner's. What was
//!   replaced is known for as long as the sign-in lasts, however often that happened since;
//! - one in a reply's body does not: the client libraries that hold it have no member in
//!   `GetAccessTokenResponse` to learn a successor from, and send the same token again and again,
//!   some twice in a row (`fixtures/wire`, needs 5 and 42). A rotating one would sign them out.
//!
//! Without a key to sign with there are no tokens, and sessions, Basic and API keys remain.

use std::time::Duration;

use data_encoding::BASE64URL_NOPAD;
use zeroize::Zeroizing;

use super::bearer::TOKEN_COOKIE;
use super::jwt::{ISSUER, NewClaims};
use super::session::{self, cookie, cookie_value, hash};
use crate::clock::Timestamp;
use crate::error::Error;
use crate::http::Exchange;
use crate::random;
use crate::store::{NewSignIn, RefreshToken, User};

/// How long a bearer token lives: as long as those of the original.
pub const BEARER: Duration = Duration::from_hours(14 * 24);
/// How long a sign-in can be refreshed.
pub const SIGN_IN: Duration = Duration::from_hours(90 * 24);
/// How old a refresh token in a cookie gets before its use replaces it. Each one that was replaced is kept,
/// and so there are not more than this allows.
pub const ROTATION: Duration = Duration::from_mins(10);
/// How long a refresh token that was replaced is still taken for a request that was doubled.
pub const GRACE: Duration = Duration::from_secs(30);
/// The cookie that holds a refresh token.
pub const REFRESH_COOKIE: &str = "ss-reftok";

/// The tokens of a new sign-in.
pub struct Issued {
    /// The bearer token.
    pub bearer: Zeroizing<String>,
    /// The refresh token.
    pub refresh: Zeroizing<String>,
    /// What to keep of it.
    pub sign_in: NewSignIn,
}

/// The tokens of a new sign-in, where tokens can be made.
///
/// # Errors
/// When there is no randomness.
pub fn issue(
    exchange: &Exchange<'_>,
    user: &User,
    session_hash: &[u8],
    in_cookies: bool,
) -> Result<Option<Issued>, Error> {
    let app = exchange.app;
    if !app.jwt.signs() {
        return Ok(None);
    }
    let id = random::id(&*app.random)?;
    let refresh = random::token(&*app.random)?;
    let Some(bearer) = bearer(exchange, user, &id)? else { return Ok(None) };
    let sign_in = NewSignIn {
        id,
        user: user.id.clone(),
        session_hash: session_hash.to_vec(),
        token_hash: hash(&refresh),
        rotates: in_cookies,
        created_at: exchange.now,
        expires_at: exchange.now.plus(SIGN_IN),
    };
    Ok(Some(Issued { bearer, refresh, sign_in }))
}

/// A bearer token of a sign-in, where tokens can be made.
///
/// # Errors
/// When there is no randomness.
pub fn bearer(
    exchange: &Exchange<'_>,
    user: &User,
    sign_in: &str,
) -> Result<Option<Zeroizing<String>>, Error> {
    let claims = NewClaims {
        iss: ISSUER,
        sub: &user.id,
        iat: exchange.now.as_secs(),
        exp: exchange.now.plus(BEARER).as_secs(),
        name: &user.name,
        preferred_username: &user.name,
        email: &user.email,
        sid: sign_in,
        jti: &random::id(&*exchange.app.random)?,
    };
    Ok(exchange.app.jwt.sign(&claims))
}

/// Whether a refresh token that is used is replaced by that, or was before.
#[must_use]
pub fn is_replaced(token: &RefreshToken, now: Timestamp) -> bool {
    token.rotates && (token.replaced_at.is_some() || now >= token.created_at.plus(ROTATION))
}

/// The length of a successor in bytes: that of a random token.
const SUCCESSOR_LEN: usize = 20;

/// What replaces a refresh token, each time the same, where tokens can be made: nobody can tell it who
/// has only the token.
#[must_use]
pub fn successor(exchange: &Exchange<'_>, token: &str) -> Option<Zeroizing<String>> {
    let tag = exchange.app.jwt.derive("refresh-token", token)?;
    Some(Zeroizing::new(BASE64URL_NOPAD.encode(&tag.as_ref()[..SUCCESSOR_LEN])))
}

/// The sign-ins that the tokens of a request belong to, and that its session was made with, be bearer
/// token and session expired or not: a sign-in lasts longer than both.
///
/// # Errors
/// The store's.
pub async fn sign_ins_of(exchange: &Exchange<'_>) -> Result<Vec<String>, Error> {
    let app = exchange.app;
    let bearer = exchange.authorization("Bearer");
    let cookie = cookie_value(exchange.request, TOKEN_COOKIE);
    let mut found: Vec<String> =
        bearer.into_iter().chain(cookie).filter_map(|token| app.jwt.sign_in_of(token)).collect();
    if let Some(token) = cookie_value(exchange.request, REFRESH_COOKIE) {
        let token = app.store.refresh_token(&hash(token), exchange.now).await?;
        found.extend(token.map(|token| token.sign_in));
    }
    if let Some(id) = session::id_of(exchange.request) {
        found.extend(app.store.sign_in_of(&hash(&id), exchange.now).await?);
    }
    found.sort();
    found.dedup();
    Ok(found)
}

/// The cookie of a bearer token.
#[must_use]
pub fn bearer_cookie(exchange: &Exchange<'_>, token: &str) -> String {
    cookie(TOKEN_COOKIE, token, Some(BEARER), exchange.is_secure())
}

/// The cookie of a refresh token.
#[must_use]
pub fn refresh_cookie(exchange: &Exchange<'_>, token: &str, left: Duration) -> String {
    cookie(REFRESH_COOKIE, token, Some(left), exchange.is_secure())
}
