//! Guessing passwords, and asking the service who and what there is.

use std::net::TcpStream;
use std::time::{Duration, Instant};

use data_encoding::BASE64;
use foundry_api::auth::session::hash;
use foundry_api::auth::tokens::{GRACE, ROTATION};
use foundry_api::store::ApiKey;
use serde_json::json;

use super::{API_KEY, basic, cookie, give_alice_an_api_key, sign_in};
use crate::authenticator::{RESET, VERIFY};
use crate::support::{
    ALICE, BOB, GENERATE, Log, NOW, PASSWORD, Reply, TestApp, memory, populate, user,
};

async fn start() -> TestApp {
    let store = memory().await;
    populate(&*store).await;
    let app = TestApp::with(store, &[("FOUNDRY_JWT_KEY", &BASE64.encode(&[1; 32]))], |app| app);
    app.store.add_user(&user("carol"), &["org1".to_owned()], NOW).await.unwrap();
    app.store.disable_user("id-of-carol", NOW).await.unwrap();
    app
}

/// All of a reply that its receiver can tell from another one.
fn seen(mut reply: Reply) -> (u16, String, Vec<(String, String)>, String) {
    reply.headers.retain(|(name, _)| name != "Date");
    reply.headers.sort();
    let text = String::from_utf8(reply.bytes).unwrap();
    (reply.status, reply.reason, reply.headers, text)
}

/// Asserts that all of these get one answer, and one that refuses.
#[track_caller]
fn assert_same<'a>(what: &str, asked: &[&'a str], ask: impl Fn(&'a str) -> Reply) {
    let first = seen(ask(asked[0]));
    assert!(first.0 >= 400, "{what}: {first:?}");
    for other in &asked[1..] {
        assert_eq!(seen(ask(other)), first, "{what}: {other} is told apart from {}", asked[0]);
    }
}

const SAME_ID: (&str, &str) = ("X-Request-Id", "same");

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn who_and_what_there_is_cannot_be_asked() {
    let app = start().await;
    let json = ("Content-Type", "application/json");
    let names =
        ["alice", "alice@example.com", "nobody", "nobody@example.com", "carol", "", "a\u{0}b"];
    let send = |verb: &str, path: &str, headers: &[(&str, &str)], body: &serde_json::Value| {
        let all = [headers, &[SAME_ID, json]].concat();
        app.send(verb, path, &all, body.to_string().as_bytes())
    };
    for path in ["/auth", "/auth/credentials", "/api/Authenticate", "/xml/reply/Authenticate"] {
        // Without a name nobody is asked for.
        let named: Vec<&str> = names.into_iter().filter(|name| !name.is_empty()).collect();
        assert_same(path, &named, |name| {
            send("POST", path, &[], &json!({"userName": name, "password": "wrong"}))
        });
    }
    assert_same("Basic", &names, |name| {
        send("PUT", GENERATE, &[("Authorization", &basic(name, "wrong"))], &json!({}))
    });
    let foreign = ["foreign", "unknown", "org2' OR '1'='1"];
    assert_same("organisations, generate", &foreign, |id| {
        send("PUT", GENERATE, &[("Authorization", ALICE)], &json!({ "organisationId": id }))
    });
    assert_same("organisations, verify", &foreign, |id| {
        let body = json!({ "organisationId": id, "code": "123456" });
        send("PUT", VERIFY, &[("Authorization", ALICE)], &body)
    });
    assert_same("organisations, reset", &foreign, |id| {
        let body = json!({ "organisationId": id, "callerCode": "123456" });
        send("PUT", RESET, &[("Authorization", ALICE)], &body)
    });
    // By a member, whom nobody made an administrator, and by an administrator for those elsewhere.
    app.store.join("id-of-alice", "org1", false, Some(true), NOW).await.unwrap();
    for (caller, organisation, targets) in [
        (BOB, "org2", &["id-of-alice", "id-of-carol", "nobody"][..]),
        (ALICE, "org1", &["id-of-bob", "id-of-carol", "nobody"]),
    ] {
        assert_same("users, reset", targets, |target| {
            let code = "123456";
            let body =
                json!({"organisationId": organisation, "targetUserId": target, "callerCode": code});
            send("PUT", RESET, &[("Authorization", caller)], &body)
        });
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn what_has_ended_is_told_apart_from_what_never_was_by_nobody() {
    let app = start().await;
    give_alice_an_api_key(&app).await;
    let revoked = ApiKey {
        id: "revoked".into(),
        user: "id-of-alice".into(),
        description: String::new(),
        created_at: NOW,
        expires_at: None,
        revoked_at: None,
    };
    let expired = ApiKey { id: "expired".into(), expires_at: Some(NOW), ..revoked.clone() };
    let disabled = ApiKey { id: "disabled".into(), user: "id-of-carol".into(), ..revoked.clone() };
    for key in [&revoked, &expired, &disabled] {
        app.store.add_api_key(&hash(&key.id), key).await.unwrap();
    }
    app.store.revoke_api_key("revoked", NOW).await.unwrap();
    let near = &API_KEY[..API_KEY.len() - 1];
    assert_same("API keys", &["unknown", "revoked", "expired", "disabled", near], |key| {
        let bearer = format!("Bearer {key}");
        app.send("PUT", GENERATE, &[SAME_ID, ("Authorization", &bearer)], b"")
    });

    let session = cookie(&sign_in(&app, "alice", "", &[]).expect(200), "ss-id");
    let in_cookies = ",\"useTokenCookie\":true";
    let over = cookie(&sign_in(&app, "alice", in_cookies, &[]).expect(200), "ss-reftok");
    for ended in [format!("ss-id={session}"), format!("ss-reftok={over}")] {
        app.send("POST", "/auth/logout", &[("Cookie", &ended)], b"").expect(200);
    }
    let stolen = cookie(&sign_in(&app, "alice", in_cookies, &[]).expect(200), "ss-reftok");
    let refresh = |token: &str| {
        let cookies = format!("ss-reftok={token}");
        app.send("POST", "/access-token", &[SAME_ID, ("Cookie", &cookies)], b"")
    };
    app.clock.advance(ROTATION);
    refresh(&stolen).expect(200);
    app.clock.advance(GRACE);
    assert_same("refresh tokens", &["unknown", &over, &stolen, &session], refresh);
    let late = cookie(&sign_in(&app, "alice", "", &[]).expect(200), "ss-id");
    app.clock.advance(Duration::from_hours(15 * 24));
    assert_same("sessions", &["unknown", &session, &late], |id| {
        app.send("PUT", GENERATE, &[SAME_ID, ("X-ss-id", id)], b"")
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn wrong_passwords_are_counted_alike_for_whoever_there_is_and_is_not() {
    // As it is written, and in another case: a name's counts, an address' does not.
    for end in ["", "@example.com"] {
        let mut courses = Vec::new();
        for name in ["alice", "nobody", "carol"] {
            let app = start().await;
            let name = format!("{name}{end}");
            let course: Vec<_> = (0..8)
                .map(|number| {
                    let name = if number % 2 == 0 { &name } else { &name.to_uppercase() };
                    let guess = basic(name, &format!("wrong{number}"));
                    seen(app.send("PUT", GENERATE, &[SAME_ID, ("Authorization", &guess)], b""))
                })
                .collect();
            assert!(course.iter().any(|seen| seen.0 == 429), "{course:?}");
            courses.push(course);
        }
        assert_eq!(courses[0], courses[1]);
        assert_eq!(courses[0], courses[2]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn guesses_sent_at_once_are_no_more_than_those_sent_one_after_the_other() {
    use std::io::{Read as _, Write as _};
    let app = start().await;
    // All heads first, so that the guesses arrive together; then what is left of them.
    let mut guesses: Vec<TcpStream> = (0..40)
        .map(|number| {
            let authorization = basic("alice", &format!("guess{number}"));
            let mut stream = TcpStream::connect(app.address).unwrap();
            stream.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
            let head = format!(
                "PUT {GENERATE} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\
                 Content-Length: 0\r\nAuthorization: {authorization}\r\n"
            );
            stream.write_all(head.as_bytes()).unwrap();
            stream
        })
        .collect();
    for stream in &mut guesses {
        stream.write_all(b"\r\n").unwrap();
    }
    let looked_at = guesses
        .iter_mut()
        .map(|stream| {
            let mut reply = String::new();
            stream.read_to_string(&mut reply).unwrap();
            assert!(
                reply.starts_with("HTTP/1.1 401") || reply.starts_with("HTTP/1.1 429"),
                "{reply}"
            );
            reply.starts_with("HTTP/1.1 401")
        })
        .filter(|looked_at| *looked_at)
        .count();
    assert_eq!(looked_at, 5, "guesses were looked at before the first ones were counted");
    // The owner, who sends the right one from many places at once, is not in each other's way.
    app.clock.advance(Duration::from_mins(20));
    let mut owners: Vec<TcpStream> = (0..40)
        .map(|_| {
            let mut stream = TcpStream::connect(app.address).unwrap();
            stream.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
            let head = format!(
                "PUT {GENERATE} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\
                 Content-Length: 0\r\nAuthorization: {}\r\n\r\n",
                basic("bob", PASSWORD)
            );
            stream.write_all(head.as_bytes()).unwrap();
            stream
        })
        .collect();
    for stream in &mut owners {
        let mut reply = String::new();
        stream.read_to_string(&mut reply).unwrap();
        // Bob has no default organisation.
        assert!(reply.starts_with("HTTP/1.1 400"), "{reply}");
    }
}

/// The least time that two requests take that are sent in turn. Whatever else the machine does makes
/// some of them slower and none of them faster.
fn least(app: &TestApp, turns: usize, one: (&str, &str), other: (&str, &str)) -> [Duration; 2] {
    let mut least = [Duration::MAX; 2];
    for turn in 0..2 * turns {
        let (which, header) = if turn % 2 == 0 { (0, one) } else { (1, other) };
        // The same guess once a second is looked at each time.
        app.clock.advance(Duration::from_secs(1));
        let began = Instant::now();
        app.send("PUT", GENERATE, &[header], b"").expect(401);
        least[which] = least[which].min(began.elapsed());
    }
    least
}

/// How many times as long one may take. What tells a user from nobody is whether a password is
/// hashed at all, which is a factor of a hundred: this is far below that, and far above what is
/// between two requests that do the same.
const APART: u32 = 5;

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn how_long_a_refusal_takes_says_nothing_about_what_there_is() {
    let app = start().await;
    give_alice_an_api_key(&app).await;
    // One wrong password sent now and then is one guess, so nobody is sent away meanwhile.
    let of = |name: &str| basic(name, "wrong");
    let (known, unknown, disabled) = (of("alice"), of("nobody"), of("carol"));
    let near = format!("Bearer {}x", &API_KEY[..API_KEY.len() - 1]);
    let far = format!("Bearer {}", "y".repeat(API_KEY.len()));
    for (what, turns, one, other) in [
        ("a user that is not there", 20, &known, &unknown),
        ("a user that is disabled", 20, &known, &disabled),
        ("an API key that is nearly right", 100, &near, &far),
    ] {
        let [one, other] = least(&app, turns, ("Authorization", one), ("Authorization", other));
        let close = one <= other * APART && other <= one * APART;
        assert!(close, "{what}: {one:?} and {other:?}");
    }
    // The bound means something: a password costs that much more than no password.
    let [hashed, nothing] =
        least(&app, 50, ("Authorization", &known), ("Authorization", "Basic Og=="));
    assert!(hashed > nothing * APART, "{hashed:?} and {nothing:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn what_a_client_sends_begins_no_line_of_the_log_and_no_header() {
    const MARK: &str = "injected-5b1c";
    let log = Log::catch();
    let app = start().await;
    let json = ("Content-Type", "application/json");
    for end in ["\n", "\r\n", "\r", "\u{2028}", "\u{1b}[2K\r"] {
        let text = format!("x{end}{MARK}: yes");
        let bodies = [
            ("POST", "/auth", json!({"userName": text, "password": "x", "state": text})),
            ("PUT", GENERATE, json!({ "organisationId": text })),
            ("PUT", VERIFY, json!({ "code": text })),
            ("PUT", RESET, json!({ "targetUserId": text, "callerCode": "123456" })),
            ("POST", "/access-token", json!({ "refreshToken": text })),
        ];
        let encoded: String = text.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let paths = [
            format!("{GENERATE}?organisationId={encoded}&format={encoded}&callback={encoded}"),
            format!("/auth/{encoded}"),
            format!("/api/{encoded}"),
        ];
        let mut replies: Vec<Reply> = bodies
            .iter()
            .map(|(verb, path, body)| {
                let headers = [json, ("Authorization", ALICE)];
                app.send(verb, path, &headers, body.to_string().as_bytes())
            })
            .collect();
        replies.extend(paths.iter().flat_map(|path| {
            ["GET", "POST", "PUT"]
                .map(|verb| app.send(verb, path, &[("Authorization", ALICE)], b""))
        }));
        for reply in replies {
            let named = reply.headers.iter().any(|(name, _)| name.to_lowercase().contains(MARK));
            assert!(!named && reply.status < 500, "{reply:?}");
        }
    }
    let odd = app.send("PUT", GENERATE, &[("X-Request-Id", "a b; c=\"d\"")], b"").expect(401);
    assert_ne!(odd.header("X-Request-Id"), Some("a b; c=\"d\""));
    let text = log.text();
    assert!(text.contains("answered"), "nothing was caught");
    let line = text.lines().find(|line| line.trim_start().starts_with(MARK));
    assert_eq!(line, None);
}
