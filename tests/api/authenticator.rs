//! What a user has: a session, and an authenticator app that has scanned a QR code.

use std::time::Duration;

use foundry_api::auth::session;
use foundry_api::clock::{Clock as _, Timestamp};
use foundry_api::store::{Event, NewSession, Store};
use serde_json::Value;
use totp_rs::Totp;

use crate::support::{GENERATE, NOW, Reply, TestApp, event, holder};

/// The operations' own routes.
pub const VERIFY: &str = "/users/2fa/verify";
pub const RESET: &str = "/users/2fa/reset";

/// An authenticator app with one entry. Reads the URI with a parser of its own.
#[derive(Clone)]
pub struct Authenticator(Totp);

impl Authenticator {
    #[track_caller]
    pub fn scan(uri: &str) -> Self {
        Self(Totp::from_url(uri).unwrap())
    }

    pub fn code_at(&self, at: Timestamp) -> String {
        self.0.generate(u64::try_from(at.as_secs()).unwrap()).to_string()
    }

    /// The code that the app shows at the hour of the service's clock.
    pub fn code(&self, app: &TestApp) -> String {
        self.code_at(app.clock.now())
    }

    pub fn secret(&self) -> &[u8] {
        self.0.secret().as_bytes()
    }
}

/// Six digits that are the code of none of these apps for a quarter of an hour around now.
pub fn wrong_code(app: &TestApp, of: &[&Authenticator]) -> String {
    let now = app.clock.now().minus(Duration::from_secs(450));
    let near: Vec<String> = of
        .iter()
        .flat_map(|app| {
            (0..30).map(move |step| app.code_at(now.plus(Duration::from_secs(30 * step))))
        })
        .collect();
    let mut codes = (0..1000).map(|number| format!("{number:06}"));
    codes.find(|code| !near.contains(code)).unwrap()
}

/// Somebody who is signed in.
#[derive(Clone)]
pub struct Client {
    cookie: String,
}

impl Client {
    /// A session of that user, made in the store as signing in makes it.
    pub async fn of(store: &dyn Store, user: &str, name: &str) -> Self {
        let id_of_session = format!("session-{name}");
        let new = NewSession {
            id_hash: session::hash(&id_of_session),
            user: user.to_owned(),
            created_at: NOW,
            expires_at: NOW.plus(Duration::from_hours(14 * 24)),
        };
        let event = Event {
            organisation: String::new(),
            action: "Authenticate",
            ..event(format!("sign-in-{name}"), user)
        };
        let holder = holder(store, user).await;
        assert!(store.add_session(&holder, Some(&new), None, &event).await.unwrap());
        Self { cookie: format!("ss-id={id_of_session}") }
    }

    pub fn put(&self, app: &TestApp, path: &str, body: &Value) -> Reply {
        let headers = [
            ("Cookie", &*self.cookie),
            ("Content-Type", "application/json"),
            ("Accept", "application/json"),
        ];
        app.send("PUT", path, &headers, body.to_string().as_bytes())
    }

    pub fn generate(&self, app: &TestApp) -> Reply {
        self.put(app, GENERATE, &serde_json::json!({}))
    }

    pub fn verify(&self, app: &TestApp, code: &str) -> Reply {
        self.put(app, VERIFY, &serde_json::json!({ "code": code }))
    }

    pub fn reset(&self, app: &TestApp, target: Option<&str>, code: &str) -> Reply {
        let body = serde_json::json!({ "targetUserId": target, "callerCode": code });
        self.put(app, RESET, &body)
    }

    /// Asks for a key and scans it.
    #[track_caller]
    pub fn enrol(&self, app: &TestApp) -> Authenticator {
        Authenticator::scan(&self.generate(app).expect(200).uri())
    }

    /// Asks for a key, scans it and confirms it; its code of this step is used up then.
    #[track_caller]
    pub fn confirmed(&self, app: &TestApp) -> Authenticator {
        let authenticator = self.enrol(app);
        let reply = self.verify(app, &authenticator.code(app)).expect(200);
        assert_eq!(reply.json()["status"], "Confirmed");
        authenticator
    }
}

impl TestApp {
    /// To the next time step.
    pub fn next_step(&self) {
        self.clock.advance(Duration::from_secs(30));
    }
}

/// Asserts a refusal with that status and code; gives its message.
#[track_caller]
pub fn refusal(reply: Reply, status: u16, code: &str) -> String {
    let body = reply.expect(status).json();
    assert_eq!(body["responseStatus"]["errorCode"], code, "{body}");
    body["responseStatus"]["message"].as_str().unwrap().to_owned()
}
