//! Bearer and refresh tokens: ours, and those of issuers elsewhere; how they are used, and how they end.

use std::sync::Arc;
use std::time::Duration;

use data_encoding::{BASE64, BASE64URL_NOPAD};
use foundry_api::auth::public_key::PublicKey;
use foundry_api::auth::tokens::{BEARER, GRACE, ROTATION, SIGN_IN};
use foundry_api::store::Store;
use ring::hmac;
use serde_json::json;

use crate::support::{
    GENERATE, NOW, PASSWORD, Reply, SeededRandom, TestApp, memory, populate, user,
};

/// The HS256 key of the recorded host: the bytes 1 to 32.
pub fn key() -> Vec<u8> {
    (1..=32).collect()
}

async fn start() -> TestApp {
    on(memory().await).await
}

async fn on(store: Arc<dyn Store>) -> TestApp {
    populate(&*store).await;
    TestApp::with(store, &[("FOUNDRY_JWT_KEY", &BASE64.encode(&key()))], |app| app)
}

/// A token as the host that is being replaced mints it.
fn host_token(header: &serde_json::Value, claims: &serde_json::Value, key: &[u8]) -> String {
    signed(&header.to_string(), &claims.to_string(), key)
}

/// A token of this header and these claims, whatever they are, with their HMAC.
pub fn signed(header: &str, claims: &str, key: &[u8]) -> String {
    let part = |text: &str| BASE64URL_NOPAD.encode(text.as_bytes());
    let message = format!("{}.{}", part(header), part(claims));
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), message.as_bytes());
    format!("{message}.{}", BASE64URL_NOPAD.encode(tag.as_ref()))
}

fn hs256() -> serde_json::Value {
    json!({"typ": "JWT", "alg": "HS256", "kid": "AQI"})
}

/// Alice's token, with other claims where they are given.
pub fn claims(other: &serde_json::Value) -> serde_json::Value {
    let mut claims = json!({
        "sub": 1, "iat": NOW.as_secs() - 60, "exp": NOW.as_secs() + 60, "name": "Alice A",
        "iss": "ssjwt", "preferred_username": "alice", "email": "alice@example.com",
        "roles": [], "perms": [], "jid": 418,
    });
    for (name, value) in other.as_object().unwrap() {
        claims[name] = value.clone();
    }
    claims
}

fn put(app: &TestApp, header: &str, value: &str) -> Reply {
    app.send("PUT", GENERATE, &[(header, value)], b"")
}

pub fn bearer(app: &TestApp, token: &str) -> Reply {
    put(app, "Authorization", &format!("Bearer {token}"))
}

fn sign_in(app: &TestApp, more: &str) -> Reply {
    let body = format!("{{\"userName\":\"alice\",\"password\":\"{PASSWORD}\"{more}}}");
    app.send("POST", "/api/Authenticate", &[("Content-Type", "application/json")], body.as_bytes())
        .expect(200)
}

fn text(reply: &Reply, member: &str) -> String {
    reply.json()[member].as_str().unwrap_or_else(|| panic!("no {member}: {reply:?}")).to_owned()
}

fn cookie(reply: &Reply, name: &str) -> Option<String> {
    let mut set = reply.headers.iter().filter(|(header, _)| header == "Set-Cookie");
    let (_, cookie) = set.find(|(_, cookie)| cookie.starts_with(&format!("{name}=")))?;
    let (pair, attributes) = cookie.split_once("; ").unwrap();
    assert!(attributes.starts_with("Path=/; SameSite=Lax; HttpOnly; Max-Age="), "{cookie}");
    Some(pair[name.len() + 1..].to_owned())
}

fn refresh(app: &TestApp, headers: &[(&str, &str)], body: &str) -> Reply {
    let mut all = vec![("Content-Type", "application/json")];
    all.extend_from_slice(headers);
    app.send("POST", "/api/GetAccessToken", &all, body.as_bytes())
}

async fn a_bearer_token_of_ours_ends_with_its_sign_in(store: Arc<dyn Store>) {
    let app = on(store).await;
    let token = || text(&sign_in(&app, ""), "bearerToken");
    let first = token();
    bearer(&app, &first).expect(200).uri();
    put(&app, "Cookie", &format!("ss-tok={first}")).expect(200).uri();
    // The scheme's case does not matter, and a stale cookie beside it does not either
    // (`fixtures/wire`, need 37).
    let headers = [("Authorization", &*format!("bearer {first}")), ("Cookie", "ss-id=gone")];
    app.send("PUT", GENERATE, &headers, b"").expect(200).uri();

    let second = token();
    let authorization = format!("Bearer {first}");
    app.send("POST", "/auth/logout", &[("Authorization", &authorization)], b"").expect(200);
    bearer(&app, &first).expect(401);
    bearer(&app, &second).expect(200);

    app.store.set_password("id-of-alice", &user("alice").password_hash).await.unwrap();
    bearer(&app, &second).expect(401);
    let third = token();
    app.clock.advance(BEARER);
    let expired = bearer(&app, &third).expect(401);
    assert_eq!(expired.json()["responseStatus"]["errorCode"], "TokenException");
    assert_eq!(expired.json()["responseStatus"]["message"], "Token has expired");
    assert_eq!(expired.header("Www-Authenticate"), None);

    let fourth = token();
    app.store.disable_user("id-of-alice", NOW).await.unwrap();
    bearer(&app, &fourth).expect(401);
}

async fn a_logout_by_the_session_ends_its_token_at_once(store: Arc<dyn Store>) {
    let app = on(store).await;
    let reply = sign_in(&app, "");
    let token = text(&reply, "bearerToken");
    // Whose it is has just been looked up.
    bearer(&app, &token).expect(200).uri();
    let session = format!("ss-id={}", text(&reply, "sessionId"));
    app.send("POST", "/auth/logout", &[("Cookie", &session)], b"").expect(200);
    bearer(&app, &token).expect(401);
}

async fn a_logout_by_a_session_that_is_over_ends_its_sign_in(store: Arc<dyn Store>) {
    let app = on(store.clone()).await;
    let reply = sign_in(&app, "");
    let body = format!("{{\"refreshToken\":\"{}\"}}", text(&reply, "refreshToken"));
    let session = format!("ss-id={}", text(&reply, "sessionId"));
    app.clock.advance(Duration::from_hours(15 * 24));
    put(&app, "Cookie", &session).expect(401);
    let token = text(&refresh(&app, &[], &body).expect(200), "accessToken");
    bearer(&app, &token).expect(200).uri();
    let log_out = || app.send("POST", "/auth/logout", &[("Cookie", &session)], b"").expect(200);
    log_out();
    refresh(&app, &[], &body).expect(401);
    bearer(&app, &token).expect(401);
    log_out();
    let rows = crate::audit::rows(&*store, Some("id-of-alice")).await;
    assert_eq!(rows.iter().filter(|row| row.action == "Logout").count(), 1, "{rows:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn tokens_of_the_host_that_is_replaced_are_taken_as_they_are() {
    let app = start().await;
    let said = |other: serde_json::Value| host_token(&hs256(), &claims(&other), &key());
    for good in [
        json!({}),
        json!({"sub": "1"}),
        json!({"iss": null}),
        json!({"preferred_username": null}),
        json!({"preferred_username": "alice@example.com"}),
        json!({"nbf": NOW.as_secs(), "aud": ["api"]}),
    ] {
        bearer(&app, &said(good)).expect(200).uri();
    }
    for nobody in [
        json!({"preferred_username": "nobody"}),
        json!({"preferred_username": null, "email": null}),
        json!({"preferred_username": null, "email": "alice"}),
        json!({"preferred_username": 1}),
        json!({"sid": "no-such-sign-in"}),
        json!({"iss": "https://issuer.example"}),
        json!({"exp": null}),
    ] {
        let reply = bearer(&app, &said(nobody)).expect(401);
        let challenge = "credentials realm=\"/auth/credentials\"";
        assert_eq!(reply.header("Www-Authenticate"), Some(challenge));
    }
    for (other, message) in [
        (json!({"exp": NOW.as_secs()}), "Token has expired"),
        (json!({"nbf": NOW.as_secs() + 1}), "Token not valid yet"),
    ] {
        let reply = bearer(&app, &said(other)).expect(401);
        assert_eq!(reply.json()["responseStatus"]["errorCode"], "TokenException");
        assert_eq!(reply.json()["responseStatus"]["message"], message);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_token_that_no_key_of_ours_fits_is_as_good_as_none() {
    let app = start().await;
    let good = host_token(&hs256(), &claims(&json!({})), &key());
    let none = host_token(&json!({"typ": "JWT", "alg": "none"}), &claims(&json!({})), &key());
    let unsigned = format!("{}.", none.rsplit_once('.').unwrap().0);
    let jwtr = host_token(&json!({"typ": "JWTR", "alg": "HS256"}), &claims(&json!({})), &key());
    let other_key = host_token(&hs256(), &claims(&json!({})), &[9; 32]);
    let anonymous = app.send("PUT", GENERATE, &[], b"").expect(401);
    for token in [
        "garbage",
        "aaa.bbb.ccc",
        "..",
        "a.b.c.d",
        &none,
        &unsigned,
        &jwtr,
        &other_key,
        &good[..good.len() - 2],
        &good.to_uppercase(),
    ] {
        let reply = bearer(&app, token).expect(401);
        assert_eq!(reply.text(), anonymous.text(), "{token}");
        assert_eq!(reply.header("Www-Authenticate"), anonymous.header("Www-Authenticate"));
    }
    // In the path of a request a token would stand in logs.
    app.send("PUT", &format!("{GENERATE}?ss-tok={good}"), &[], b"").expect(401);
    // A session would do, but a client that sends a token means it.
    let session = cookie(&sign_in(&app, ",\"rememberMe\":true"), "ss-id").unwrap();
    let cookies = format!("ss-id={session}");
    app.send("PUT", GENERATE, &[("Authorization", "Bearer x.y.z"), ("Cookie", &cookies)], b"")
        .expect(401);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_public_key_is_used_with_its_own_algorithm_only() {
    for (pem, token, other) in [
        (
            include_str!("../../fixtures/jwt/rs256.pem"),
            include_str!("../../fixtures/jwt/rs256.jwt"),
            include_str!("../../fixtures/jwt/es256.jwt"),
        ),
        (
            include_str!("../../fixtures/jwt/es256.pem"),
            include_str!("../../fixtures/jwt/es256.jwt"),
            include_str!("../../fixtures/jwt/rs256.jwt"),
        ),
    ] {
        let store = memory().await;
        populate(&*store).await;
        let app = TestApp::with(store, &[], |mut app| {
            app.jwt = app.jwt.with_public_key(PublicKey::from_pem(pem).unwrap());
            app
        });
        bearer(&app, token.trim()).expect(200).uri();
        bearer(&app, other.trim()).expect(401);
        // The key is public: whoever takes it for an HMAC key lets anybody in.
        for secret in [pem, pem.trim()] {
            let forged = host_token(&hs256(), &claims(&json!({})), secret.as_bytes());
            bearer(&app, &forged).expect(401);
        }
        let (message, signature) = token.trim().rsplit_once('.').unwrap();
        let (header, _) = message.split_once('.').unwrap();
        let claims = BASE64URL_NOPAD.encode(claims(&json!({})).to_string().as_bytes());
        bearer(&app, &format!("{header}.{claims}.{signature}")).expect(401);
        // Without a key to sign with, a sign-in gives a session and no tokens.
        let reply = sign_in(&app, "").json();
        assert!(reply.get("bearerToken").is_none() && reply.get("refreshToken").is_none());
        assert!(reply["sessionId"].is_string());
    }
}

async fn a_refresh_token_in_a_body_stays_the_same_until_its_sign_in_ends(store: Arc<dyn Store>) {
    let app = on(store).await;
    let reply = sign_in(&app, "");
    let body = format!("{{\"refreshToken\":\"{}\"}}", text(&reply, "refreshToken"));
    // The libraries send what has expired along with it (need 38), and the same token twice.
    let expired = host_token(&hs256(), &claims(&json!({"exp": 1})), &key());
    let stale = format!("Bearer {expired}");
    for _ in 0..3 {
        let headers = [("Authorization", &*stale), ("Cookie", "ss-id=gone; ss-tok=gone")];
        let next = refresh(&app, &headers, &body).expect(200);
        assert_eq!(cookie(&next, "ss-tok"), None);
        bearer(&app, &text(&next, "accessToken")).expect(200).uri();
        app.clock.advance(Duration::from_hours(24));
    }
    let in_cookie = body.replace('}', ",\"useTokenCookie\":true}");
    let next = refresh(&app, &[], &in_cookie).expect(200);
    assert_eq!(next.text(), "{}");
    assert_eq!(next.header("X-Cookies"), Some("ss-tok"));
    put(&app, "Cookie", &format!("ss-tok={}", cookie(&next, "ss-tok").unwrap())).expect(200);

    let session = format!("ss-id={}", text(&reply, "sessionId"));
    app.send("POST", "/auth/logout", &[("Cookie", &session)], b"").expect(200);
    let gone = refresh(&app, &[], &body).expect(401);
    assert_eq!(gone.json()["responseStatus"]["errorCode"], "TokenException");

    let old = format!("{{\"refreshToken\":\"{}\"}}", text(&sign_in(&app, ""), "refreshToken"));
    app.store.set_password("id-of-alice", &user("alice").password_hash).await.unwrap();
    refresh(&app, &[], &old).expect(401);

    let late = format!("{{\"refreshToken\":\"{}\"}}", text(&sign_in(&app, ""), "refreshToken"));
    app.clock.advance(SIGN_IN.saturating_sub(Duration::from_secs(1)));
    refresh(&app, &[], &late).expect(200);
    app.clock.advance(Duration::from_secs(1));
    refresh(&app, &[], &late).expect(401);
}

async fn a_refresh_token_in_a_cookie_is_replaced_and_must_not_come_back(store: Arc<dyn Store>) {
    let app = on(store).await;
    let reply = sign_in(&app, ",\"useTokenCookie\":true");
    assert_eq!(reply.header("X-Cookies"), Some("ss-tok,ss-reftok"));
    for member in ["bearerToken", "refreshToken"] {
        assert!(reply.json().get(member).is_none(), "{member} is where scripts can read it");
    }
    // The tokens are all there is: the id of a session comes along, as clients expect it, and is none.
    put(&app, "X-ss-id", &text(&reply, "sessionId")).expect(401);
    let first = cookie(&reply, "ss-reftok").unwrap();
    let by_cookie = |token: &str| by_cookie(&app, token);
    app.clock.advance(ROTATION);
    let reply = by_cookie(&first).expect(200);
    assert_eq!(reply.text(), "{}");
    assert_eq!(reply.header("X-Cookies"), Some("ss-tok,ss-reftok"));
    let second = cookie(&reply, "ss-reftok").unwrap();
    let bearer_cookie = format!("ss-tok={}", cookie(&reply, "ss-tok").unwrap());
    assert_ne!(first, second);
    put(&app, "Cookie", &bearer_cookie).expect(200).uri();

    // Two tabs at once, or a reply that got lost: there is one successor.
    app.clock.advance(GRACE.saturating_sub(Duration::from_secs(1)));
    assert_eq!(cookie(&by_cookie(&first).expect(200), "ss-reftok").unwrap(), second);
    by_cookie(&second).expect(200);
    // Later than that it is a thief, or the victim of one: nobody stays signed in.
    app.clock.advance(Duration::from_secs(1));
    by_cookie(&first).expect(401);
    by_cookie(&second).expect(401);
    put(&app, "Cookie", &bearer_cookie).expect(401);
}

fn by_cookie(app: &TestApp, token: &str) -> Reply {
    refresh(app, &[("Cookie", &format!("ss-reftok={token}"))], "{}")
}

/// The refresh token of a new sign-in, in a cookie.
fn sign_in_by_cookie(app: &TestApp) -> String {
    cookie(&sign_in(app, ",\"useTokenCookie\":true"), "ss-reftok").unwrap()
}

/// The successor of a refresh token that is old enough to have one.
fn rotated(app: &TestApp, token: &str) -> String {
    app.clock.advance(ROTATION);
    cookie(&by_cookie(app, token).expect(200), "ss-reftok").unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn however_often_it_is_refreshed_a_sign_in_keeps_few_tokens() {
    let app = start().await;
    let mut token = sign_in_by_cookie(&app);
    let mut replaced = 0;
    for _ in 0..30 {
        app.clock.advance(ROTATION / 10);
        let reply = by_cookie(&app, &token).expect(200);
        assert_eq!(reply.header("X-Cookies"), Some("ss-tok,ss-reftok"));
        let bearer_cookie = format!("ss-tok={}", cookie(&reply, "ss-tok").unwrap());
        put(&app, "Cookie", &bearer_cookie).expect(200).uri();
        if let Some(next) = cookie(&reply, "ss-reftok") {
            token = next;
            replaced += 1;
        }
    }
    assert_eq!(replaced, 3);
}

async fn a_stolen_refresh_token_shows_itself_however_often_it_was_replaced(store: Arc<dyn Store>) {
    let app = on(store).await;
    for turns in [1, 25] {
        let stolen = sign_in_by_cookie(&app);
        let mut newest = stolen.clone();
        for _ in 0..turns {
            newest = rotated(&app, &newest);
        }
        app.clock.advance(GRACE);
        by_cookie(&app, &stolen).expect(401);
        by_cookie(&app, &newest).expect(401);
    }
}

async fn two_who_use_a_refresh_token_at_once_do_not_both_go_on(store: Arc<dyn Store>) {
    let app = on(store.clone()).await;
    let first = sign_in_by_cookie(&app);
    let (owners, thiefs) = (rotated(&app, &first), cookie(&by_cookie(&app, &first), "ss-reftok"));
    assert_eq!(Some(&owners), thiefs.as_ref());
    let newer = rotated(&app, &owners);
    app.clock.advance(GRACE);
    by_cookie(&app, &owners).expect(401);
    by_cookie(&app, &newer).expect(401);

    // While the signing key is being changed, instances do not make the same of a token.
    let key = BASE64.encode(&[9; 32]);
    let other = TestApp::with(store, &[("FOUNDRY_JWT_KEY", &key)], |mut other| {
        other.clock = app.clock.clone();
        other.random = Arc::new(SeededRandom::from(1_000_000));
        other
    });
    let first = sign_in_by_cookie(&app);
    let owners = rotated(&app, &first);
    let thiefs = cookie(&by_cookie(&other, &first).expect(200), "ss-reftok").unwrap();
    assert_ne!(owners, thiefs);
    let newer = rotated(&app, &owners);
    app.clock.advance(GRACE);
    by_cookie(&other, &thiefs).expect(401);
    by_cookie(&app, &newer).expect(401);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_next_token_is_to_be_had_by_every_route_and_only_for_a_refresh_token() {
    let app = start().await;
    let reply = sign_in(&app, "");
    let body = format!("{{\"refreshToken\":\"{}\"}}", text(&reply, "refreshToken"));
    let json = ("Content-Type", "application/json");
    for path in ["/access-token", "/api/GetAccessToken", "/json/reply/GetAccessToken"] {
        let next = app.send("POST", path, &[json], body.as_bytes()).expect(200);
        text(&next, "accessToken");
    }
    app.send("GET", "/access-token", &[], b"").expect(404);
    app.send("GET", "/api/GetAccessToken", &[], b"").expect(405);
    let bearer_token = text(&reply, "bearerToken");
    for body in [
        "{}".to_owned(),
        "{\"refreshToken\":\"unknown\"}".to_owned(),
        format!("{{\"refreshToken\":\"{bearer_token}\"}}"),
    ] {
        let reply = refresh(&app, &[], &body).expect(401);
        assert_eq!(reply.json()["responseStatus"]["errorCode"], "TokenException");
    }
    bearer(&app, &text(&reply, "refreshToken")).expect(401);
}

crate::on_each_store! {
    a_bearer_token_of_ours_ends_with_its_sign_in
    a_logout_by_the_session_ends_its_token_at_once
    a_logout_by_a_session_that_is_over_ends_its_sign_in
    a_refresh_token_in_a_body_stays_the_same_until_its_sign_in_ends
    a_refresh_token_in_a_cookie_is_replaced_and_must_not_come_back
    a_stolen_refresh_token_shows_itself_however_often_it_was_replaced
    two_who_use_a_refresh_token_at_once_do_not_both_go_on
}
