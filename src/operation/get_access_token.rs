//! The next bearer token, for a refresh token (`fixtures/wire`, needs 5, 27, 36 and 38–40).
//!
//! The token is in the body, or else in the cookie `ss-reftok`. Who sends it in the body gets the
//! bearer token in the body; who sends the cookie, or asks for cookies, gets a cookie and an empty
//! object. Which tokens are replaced when they are used is told in [`tokens`].

use async_trait::async_trait;

use super::{Access, Answer, Context, Operation, Route, Spec, refusal};
use crate::auth::session::{cookie_value, hash};
use crate::auth::{TOKEN_COOKIE, origin, tokens};
use crate::dto::{Dictionary, Dto, ResponseStatus, SERVICE_STACK};
use crate::error::Error;
use crate::store::RefreshToken;

crate::dto! {
    /// Asks for the next bearer token.
    pub struct GetAccessToken in SERVICE_STACK {
        /// The refresh token; that of the cookie when absent.
        pub refresh_token: Option<String>,
        /// Whether the bearer token comes as a cookie, out of the reach of scripts.
        pub use_token_cookie: Option<bool>,
        /// Carried through, unread.
        pub meta: Option<Dictionary>,
    }
}

crate::dto! {
    /// The next bearer token.
    pub struct GetAccessTokenResponse in SERVICE_STACK {
        /// The bearer token, unless it came as a cookie.
        pub access_token: Option<String>,
        /// Nothing, so far.
        pub meta: Option<Dictionary>,
        /// Why there is no token.
        pub response_status: Option<ResponseStatus>,
    }
}

/// The operation.
pub struct Refresh;

#[async_trait(?Send)]
impl Operation for Refresh {
    type Request = GetAccessToken;
    type Response = GetAccessTokenResponse;

    const SPEC: Spec = Spec {
        summary: "Gives the next bearer token for a refresh token",
        routes: &[Route { path: "/access-token", verbs: &["POST"] }],
        verbs: &["POST"],
        access: Access::Anyone,
        request: GetAccessToken::DEF,
        response: GetAccessTokenResponse::DEF,
        refusals: &[refusal::TOKEN, refusal::CROSS_SITE],
    };

    async fn execute(
        &self,
        cx: &Context<'_>,
        request: GetAccessToken,
    ) -> Result<Answer<GetAccessTokenResponse>, Error> {
        let exchange = cx.exchange;
        origin::refuse_foreign(exchange)?;
        let sent = request.refresh_token.as_deref().filter(|token| !token.is_empty());
        let in_cookie = sent.is_none() || request.use_token_cookie == Some(true);
        let presented = sent
            .or_else(|| cookie_value(exchange.request, tokens::REFRESH_COOKIE))
            .ok_or_else(|| Error::bad_token("There is no refresh token"))?;
        let hashed = hash(presented);
        let token = usable(cx, &hashed).await?;

        let bearer = tokens::bearer(exchange, &token.user, &token.sign_in)?
            .ok_or_else(|| Error::bad_token(NOT_VALID))?;
        let mut answer = Answer::from(GetAccessTokenResponse::default());
        let mut names = Vec::new();
        if in_cookie {
            answer = answer.with_header("Set-Cookie", tokens::bearer_cookie(exchange, &bearer));
            names.push(TOKEN_COOKIE);
        } else if let Some(response) = &mut answer.response {
            response.access_token = Some(bearer.to_string());
        }
        if tokens::is_replaced(&token, exchange.now) {
            let successor = replaced(cx, presented, &hashed, &token).await?;
            answer = answer.with_header("Set-Cookie", successor);
        }
        if token.rotates {
            // Scripts see by this that there is one, replaced or not (needs 36).
            names.push(tokens::REFRESH_COOKIE);
        }
        if !names.is_empty() {
            answer = answer.with_header("X-Cookies", names.join(","));
        }
        Ok(answer)
    }

    fn refuse(status: ResponseStatus) -> GetAccessTokenResponse {
        GetAccessTokenResponse { response_status: Some(status), ..Default::default() }
    }
}

/// What is said of a token that is unknown, expired, revoked or stolen: which, is nobody's business.
const NOT_VALID: &str = "Refresh token is not valid";

/// The token, if it may be used. One that was replaced some time ago is in two hands, and nobody can
/// tell which of them is its owner's: its sign-in ends.
async fn usable(cx: &Context<'_>, hashed: &[u8]) -> Result<RefreshToken, Error> {
    let exchange = cx.exchange;
    let store = &exchange.app.store;
    let token = store.refresh_token(hashed, exchange.now).await?;
    let token = token.ok_or_else(|| Error::bad_token(NOT_VALID))?;
    let replaced = token.replaced_at.filter(|at| exchange.now >= at.plus(tokens::GRACE));
    if replaced.is_some() {
        let event = exchange.event("GetAccessToken", &token.user.id, "", "Reused", None)?;
        store.end_sign_in(&token.sign_in, &event).await?;
        tracing::warn!(request_id = exchange.id, user = token.user.id, "a refresh token came back");
        return Err(Error::bad_token(NOT_VALID));
    }
    Ok(token)
}

/// The cookie with the token's successor.
async fn replaced(
    cx: &Context<'_>,
    presented: &str,
    hashed: &[u8],
    token: &RefreshToken,
) -> Result<String, Error> {
    let exchange = cx.exchange;
    let store = &exchange.app.store;
    let successor =
        tokens::successor(exchange, presented).ok_or_else(|| Error::bad_token(NOT_VALID))?;
    let (next, sign_in) = (hash(&successor), &token.sign_in);
    if !store.rotate_refresh_token(hashed, &next, sign_in, exchange.now).await? {
        // It has ended since it was looked up.
        return Err(Error::bad_token(NOT_VALID));
    }
    let left = exchange.now.until(token.expires_at);
    Ok(tokens::refresh_cookie(exchange, &successor, left))
}
