//! Signing in, and asking who one is (`fixtures/wire`, rules A6–A8).

use std::time::Duration;

use actix_web::http::StatusCode;
use async_trait::async_trait;
use data_encoding::BASE64URL_NOPAD;
use zeroize::Zeroizing;

use super::{Access, Answer, Context, Operation, Refusal, Route, Spec, refusal};
use crate::auth::tokens::{self, Issued};
use crate::auth::{Caller, TOKEN_COOKIE, TOKEN_PROVIDER, credentials, origin, session};
use crate::dto::{Dictionary, Dto, ResponseError, ResponseStatus, SERVICE_STACK};
use crate::error::Error;
use crate::http::Exchange;
use crate::random;
use crate::store::{NewSession, User};

crate::dto! {
    /// Signs in, with a user's name and password.
    pub struct Authenticate in SERVICE_STACK {
        /// `credentials`, the default, or `logout`.
        pub provider: Option<String>,
        /// Carried through, unread.
        pub state: Option<String>,
        /// The user's name or e-mail address.
        pub user_name: Option<String>,
        /// The password.
        pub password: Option<String>,
        /// Whether the session outlives the browser.
        pub remember_me: Option<bool>,
        /// Whether the tokens come as cookies, out of the reach of scripts, and not in the reply.
        pub use_token_cookie: Option<bool>,
        /// Not used here.
        pub access_token: Option<String>,
        /// Not used here.
        pub access_token_secret: Option<String>,
        /// Not used here.
        pub return_url: Option<String>,
        /// Not used here.
        pub error_view: Option<String>,
        /// Carried through, unread.
        pub meta: Option<Dictionary>,
    }
}

crate::dto! {
    /// Who is signed in.
    pub struct AuthenticateResponse in SERVICE_STACK {
        /// The user's id.
        pub user_id: Option<String>,
        /// The session's id.
        pub session_id: Option<String>,
        /// The name the user signs in with.
        pub user_name: Option<String>,
        /// The name to show.
        pub display_name: Option<String>,
        /// Not used here.
        pub referrer_url: Option<String>,
        /// A token that stands for the sign-in.
        pub bearer_token: Option<String>,
        /// A token that gets the next bearer token.
        pub refresh_token: Option<String>,
        /// Not used here.
        pub profile_url: Option<String>,
        /// The user's roles.
        pub roles: Option<Vec<String>>,
        /// The user's permissions.
        pub permissions: Option<Vec<String>>,
        /// Why nobody is signed in.
        pub response_status: Option<ResponseStatus>,
        /// Nothing, so far.
        pub meta: Option<Dictionary>,
    }
}

/// The operation.
pub struct SignIn;

#[async_trait(?Send)]
impl Operation for SignIn {
    type Request = Authenticate;
    type Response = AuthenticateResponse;

    const SPEC: Spec = Spec {
        summary: "Signs in and out, and tells who is signed in",
        routes: &[
            Route { path: "/auth", verbs: &["GET", "POST"] },
            Route { path: "/auth/{provider}", verbs: &["GET", "POST"] },
        ],
        verbs: &["GET", "POST"],
        access: Access::Anyone,
        request: Authenticate::DEF,
        response: AuthenticateResponse::DEF,
        refusals: &[
            NOTHING_GIVEN.of(USER_NAME),
            NOTHING_GIVEN.of(PASSWORD),
            Refusal::new(401, "Unauthorized", "Nobody is signed in, or the credentials are wrong."),
            refusal::TOKEN,
            refusal::CROSS_SITE,
            Refusal::new(404, "NotFound", "There is no such provider."),
            Refusal::new(405, "NotSupportedException", "Signing in takes a POST.").under("GET"),
            refusal::GUESSED,
        ],
    };

    async fn execute(
        &self,
        cx: &Context<'_>,
        request: Authenticate,
    ) -> Result<Answer<AuthenticateResponse>, Error> {
        let provider = request.provider.as_deref().unwrap_or_default().to_ascii_lowercase();
        let nothing_sent = request.user_name.is_none() && request.password.is_none();
        match (provider.as_str(), cx.exchange.verb()) {
            ("logout", _) => sign_out(cx).await,
            ("", "GET") => who(cx).await,
            ("", _) if nothing_sent => who(cx).await,
            ("credentials", "GET") => Err(Error::sign_in_by_get()),
            ("" | "credentials", _) if cx.exchange.app.providers.has("credentials") => {
                sign_in(cx, &request).await
            }
            // Their credentials come with each request; there is nothing to sign in to.
            (known, _) if cx.exchange.app.providers.has(known) => {
                let caller = cx.exchange.identify().await?.ok_or_else(Error::not_authenticated)?;
                Ok(described(&caller.user, None).into())
            }
            _ => Err(Error::unknown_provider(&provider)),
        }
    }

    fn refuse(status: ResponseStatus) -> AuthenticateResponse {
        AuthenticateResponse { response_status: Some(status), ..Default::default() }
    }
}

/// The members' names in errors.
const USER_NAME: &str = "UserName";
const PASSWORD: &str = "Password";

const NOTHING_GIVEN: Refusal =
    Refusal::new(400, "ValidationException", "There is no name, or no password.").under("POST");

/// How long a session lives.
const SESSION: Duration = Duration::from_hours(14 * 24);
/// How long it lives when the user asked to be remembered.
const REMEMBERED: Duration = Duration::from_hours(28 * 24);

async fn sign_in(
    cx: &Context<'_>,
    request: &Authenticate,
) -> Result<Answer<AuthenticateResponse>, Error> {
    let exchange = cx.exchange;
    origin::refuse_foreign(exchange)?;
    let (name, password) = filled_in(request)?;
    let user = credentials::check(exchange, name, password).await?.ok_or_else(Error::bad_login)?;
    let app = exchange.app;
    let remember = request.remember_me == Some(true);
    // Whatever id the client came with, it gets another one.
    let id = random::token(&*app.random)?;
    let now = exchange.now;
    let session = NewSession {
        id_hash: session::hash(&id),
        user: user.id.clone(),
        created_at: now,
        expires_at: now.plus(if remember { REMEMBERED } else { SESSION }),
    };
    let in_cookies = request.use_token_cookie == Some(true);
    let issued = tokens::issue(exchange, &user, &session.id_hash, in_cookies)?;
    let event = exchange.event("Authenticate", &user.id, "", "ok", None)?;
    let sign_in = issued.as_ref().map(|issued| &issued.sign_in);
    // Who signs in by token cookies has those, and no session beside them (`fixtures/wire`,
    // tokcookie/0094).
    let session = (!in_cookies || issued.is_none()).then_some(&session);
    if !app.store.add_session(&user, session, sign_in, &event).await? {
        // The password has been changed since it was looked up, or the user disabled.
        return Err(Error::bad_login());
    }

    let mut answer = Answer::from(described(&user, Some(&id)));
    for cookie in session_cookies(exchange, &user, &id, remember)? {
        answer = answer.with_header("Set-Cookie", cookie);
    }
    Ok(match issued {
        Some(issued) if in_cookies => in_token_cookies(exchange, answer, &issued),
        Some(issued) => in_body(answer, &issued),
        None => answer,
    })
}

fn in_body(
    mut answer: Answer<AuthenticateResponse>,
    issued: &Issued,
) -> Answer<AuthenticateResponse> {
    if let Some(response) = &mut answer.response {
        response.bearer_token = Some(issued.bearer.to_string());
        response.refresh_token = Some(issued.refresh.to_string());
    }
    answer
}

/// Out of the reach of scripts, so not in the body as well.
fn in_token_cookies(
    exchange: &Exchange<'_>,
    answer: Answer<AuthenticateResponse>,
    issued: &Issued,
) -> Answer<AuthenticateResponse> {
    answer
        .with_header("Set-Cookie", tokens::bearer_cookie(exchange, &issued.bearer))
        .with_header(
            "Set-Cookie",
            tokens::refresh_cookie(exchange, &issued.refresh, tokens::SIGN_IN),
        )
        .with_header("X-Cookies", format!("{TOKEN_COOKIE},{}", tokens::REFRESH_COOKIE))
}

/// `ss-pid` is the session only of a user who asked to be remembered (rule A6).
fn session_cookies(
    exchange: &Exchange<'_>,
    user: &User,
    id: &str,
    remember: bool,
) -> Result<[String; 4], Error> {
    let secure = exchange.is_secure();
    let lasting = if remember { REMEMBERED } else { SESSION };
    let (option, permanent) = if remember {
        ("perm", Zeroizing::new(id.to_owned()))
    } else {
        ("temp", random::token(&*exchange.app.random)?)
    };
    Ok([
        session::cookie("ss-id", id, remember.then_some(REMEMBERED), secure),
        session::cookie("ss-pid", &permanent, Some(lasting), secure),
        session::cookie("ss-opt", option, Some(lasting), secure),
        session::cookie("X-UAId", &user.id, Some(lasting), secure),
    ])
}

/// Name and password, both of which must be there.
fn filled_in(request: &Authenticate) -> Result<(&str, &str), Error> {
    let name = request.user_name.as_deref().unwrap_or_default();
    let password = request.password.as_deref().unwrap_or_default();
    let members = [(USER_NAME, "User Name", name), (PASSWORD, "Password", password)];
    let missing: Vec<_> = members.iter().filter(|(_, _, value)| value.is_empty()).collect();
    if missing.is_empty() {
        return Ok((name, password));
    }
    // In the original's words (`fixtures/wire`, rule A7).
    let lines = missing
        .iter()
        .map(|(field, label, _)| format!("\n -- {field}: '{label}' must not be empty."));
    let message = format!("Validation failed: {}", lines.collect::<String>());
    let refusal = Error::refused(StatusCode::BAD_REQUEST, "ValidationException", message);
    Err(missing.into_iter().fold(refusal, |refusal, (field, label, _)| {
        refusal.with_field(ResponseError {
            error_code: Some("NotEmpty".to_owned()),
            field_name: Some((*field).to_owned()),
            message: Some(format!("'{label}' must not be empty.")),
            meta: Some(Dictionary(vec![("PropertyName".to_owned(), (*label).to_owned())])),
        })
    }))
}

async fn who(cx: &Context<'_>) -> Result<Answer<AuthenticateResponse>, Error> {
    let exchange = cx.exchange;
    let Some(caller) = exchange.identify().await? else {
        // Where one can sign in, being told so is no challenge (`fixtures/wire`, camel/0750 and
        // auth-jwt/0018).
        let can_sign_in = exchange.app.providers.has("credentials");
        return Err(if can_sign_in { Error::nobody() } else { Error::not_authenticated() });
    };
    let response = described(&caller.user, session_of(exchange, &caller).as_deref());
    if caller.provider == TOKEN_PROVIDER {
        // A token of the original says nothing of roles unless it has some, and ours have none.
        return Ok(AuthenticateResponse { roles: None, permissions: None, ..response }.into());
    }
    Ok(response.into())
}

/// How many bytes of a token's hash name it: as long a text as the original's ids.
const TOKEN_NAME: usize = 15;

/// What a caller is told as the id of the session: its own, which only who holds it already is told.
/// A token has one, too, in the original (`fixtures/wire`, tokcookie/0098); ours names the token and
/// opens nothing.
fn session_of(exchange: &Exchange<'_>, caller: &Caller) -> Option<String> {
    let credential = caller.credential.as_deref()?;
    if caller.provider == TOKEN_PROVIDER {
        return Some(BASE64URL_NOPAD.encode(&credential[..TOKEN_NAME]));
    }
    session::id_of(exchange.request).filter(|id| session::hash(id) == credential)
}

/// Ends the session and the sign-in of whatever the request carries, and takes the cookies back.
async fn sign_out(cx: &Context<'_>) -> Result<Answer<AuthenticateResponse>, Error> {
    let exchange = cx.exchange;
    if let Err(refusal) = origin::refuse_foreign_visit(exchange) {
        return Err(Box::pin(session::kept(exchange, refusal)).await);
    }
    let store = &exchange.app.store;
    session::end(exchange, "ok").await?;
    for sign_in in tokens::sign_ins_of(exchange).await? {
        if let Some(user) = store.sign_in_user(&sign_in, exchange.now).await? {
            let event = exchange.event("Logout", &user.id, "", "ok", None)?;
            store.end_sign_in(&sign_in, &event).await?;
        }
    }
    let mut answer = Answer::from(AuthenticateResponse::default());
    for name in ["ss-id", "ss-pid", "ss-opt", "X-UAId", TOKEN_COOKIE, tokens::REFRESH_COOKIE] {
        let gone = session::cookie(name, "", Some(Duration::ZERO), exchange.is_secure());
        answer = answer.with_header("Set-Cookie", gone);
    }
    Ok(answer)
}

fn described(user: &User, session: Option<&str>) -> AuthenticateResponse {
    AuthenticateResponse {
        user_id: Some(user.id.clone()),
        session_id: session.map(str::to_owned),
        user_name: Some(user.name.clone()),
        display_name: Some(user.name.clone()),
        roles: Some(Vec::new()),
        permissions: Some(Vec::new()),
        ..Default::default()
    }
}
