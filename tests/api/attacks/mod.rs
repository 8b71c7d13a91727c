//! Attacks on authentication: what somebody would try who wants to be somebody else.
//!
//! | file | who attacks |
//! |---|---|
//! | `tokens.rs` | whoever makes up a token, or shows a credential of one kind as one of another |
//! | `browsers.rs` | a page of another site, in the browser of somebody who is signed in |
//! | `guessing.rs` | whoever guesses passwords, or wants to know who and what there is |
//! | `floods.rs` | whoever wants nobody else to be signed in |
//!
//! Adding an attack: a row to the table of its kind, or a file here. What a good credential can do
//! is told in `sessions.rs`, `tokens.rs` and `api_keys.rs`; here each test shows first that the
//! door opens for the right one, so that none of them passes because nothing works.

mod browsers;
mod floods;
mod guessing;
mod tokens;

use data_encoding::BASE64;
use foundry_api::auth::session::hash;
use foundry_api::store::ApiKey;

use crate::support::{NOW, PASSWORD, Reply, TestApp};

/// Alice's API key.
const API_KEY: &str = "testkey-0123456789abcdefghij";

async fn give_alice_an_api_key(app: &TestApp) {
    let key = ApiKey {
        id: "one".into(),
        user: "id-of-alice".into(),
        description: String::new(),
        created_at: NOW,
        expires_at: None,
        revoked_at: None,
    };
    app.store.add_api_key(&hash(API_KEY), &key).await.unwrap();
}

fn basic(name: &str, password: &str) -> String {
    format!("Basic {}", BASE64.encode(format!("{name}:{password}").as_bytes()))
}

/// Signs a user in, with members beside name and password and header lines.
fn sign_in(app: &TestApp, user: &str, more: &str, headers: &[(&str, &str)]) -> Reply {
    let body = format!("{{\"userName\":\"{user}\",\"password\":\"{PASSWORD}\"{more}}}");
    let mut all = vec![("Content-Type", "application/json")];
    all.extend_from_slice(headers);
    app.send("POST", "/auth/credentials", &all, body.as_bytes())
}

/// The whole values of the `Set-Cookie` lines.
fn set_cookies(reply: &Reply) -> Vec<&str> {
    let lines = reply.headers.iter().filter(|(name, _)| name == "Set-Cookie");
    lines.map(|(_, value)| value.as_str()).collect()
}

/// What a reply sets a cookie to.
#[track_caller]
fn cookie(reply: &Reply, name: &str) -> String {
    let set = set_cookies(reply);
    let pairs = set.iter().filter_map(|cookie| cookie.split("; ").next()?.split_once('='));
    let found = pairs.filter(|(known, _)| *known == name).map(|(_, value)| value.to_owned()).next();
    found.unwrap_or_else(|| panic!("no {name} in {set:?}"))
}
