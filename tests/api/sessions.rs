//! Signing in by every route, being signed in by the cookie, and not being so any more.

use std::sync::Arc;
use std::time::Duration;

use foundry_api::auth::password;
use foundry_api::store::{self, NewUser, Store};

use crate::support::{GENERATE, NOW, PASSWORD, Reply, SeededRandom, TestApp, user};

fn cookies(reply: &Reply) -> String {
    let set = reply.headers.iter().filter(|(name, _)| name == "Set-Cookie");
    let pairs: Vec<&str> = set.map(|(_, value)| value.split(';').next().unwrap()).collect();
    pairs.join("; ")
}

fn sign_in(app: &TestApp, path: &str, media_type: &str, body: &str) -> Reply {
    app.send("POST", path, &[("Content-Type", media_type)], body.as_bytes())
}

fn sign_in_as_alice(app: &TestApp) -> String {
    let body = format!("{{\"UserName\":\"alice\",\"Password\":\"{PASSWORD}\"}}");
    cookies(&sign_in(app, "/auth/credentials", "application/json", &body).expect(200))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn every_way_to_sign_in_gives_a_session_that_gets_a_key() {
    let app = TestApp::start().await;
    let json = format!(
        "{{\"provider\":\"credentials\",\"userName\":\"alice\",\"password\":\"{PASSWORD}\"}}"
    );
    let jsv = format!("{{provider:credentials,userName:alice,password:\"{PASSWORD}\"}}");
    let xml = format!(
        "<Authenticate xmlns=\"http://schemas.servicestack.net/types\">\
         <UserName>alice</UserName><Password>{PASSWORD}</Password></Authenticate>"
    );
    let form = "userName=alice&password=p%40ss%3Aw0rd";
    for (path, media_type, body) in [
        ("/auth/credentials", "application/json", &*json),
        ("/auth/credentials", "application/x-www-form-urlencoded", form),
        ("/auth", "text/jsv", &jsv),
        ("/json/reply/Authenticate", "application/json", &json),
        ("/jsv/reply/Authenticate", "application/jsv", &jsv),
        ("/xml/reply/Authenticate", "application/xml", &xml),
        ("/api/Authenticate", "application/json", &json),
    ] {
        let reply = sign_in(&app, path, media_type, body).expect(200);
        let cookies = cookies(&reply);
        assert!(cookies.contains("ss-id=") && cookies.contains("ss-pid="), "{path}: {cookies}");
        for (_, cookie) in reply.headers.iter().filter(|(name, _)| name == "Set-Cookie") {
            assert!(cookie.contains("; Path=/; SameSite=Lax; HttpOnly"), "{cookie}");
            assert!(!cookie.contains("Expires"), "{cookie}");
        }
        app.send("PUT", GENERATE, &[("Cookie", &cookies)], b"").expect(200).uri();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_session_counts_by_cookie_or_header_until_it_ends() {
    let app = TestApp::start().await;
    let cookies = sign_in_as_alice(&app);
    let id = cookies.split("; ").find_map(|pair| pair.strip_prefix("ss-id=")).unwrap().to_owned();
    let put = |headers: &[(&str, &str)]| app.send("PUT", GENERATE, headers, b"");
    put(&[("X-ss-id", &id)]).expect(200).uri();
    put(&[("Cookie", &format!("junk; a=b=c; ss-id={id}"))]).expect(200).uri();
    put(&[("Cookie", &format!("x=\u{e9}; ss-id={id}; \u{e9}"))]).expect(200).uri();
    let head = format!("PUT {GENERATE} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n");
    let latin =
        [head.as_bytes(), b"Content-Length: 0\r\nCookie: x=\xe9; \xff=y; ss-id=", id.as_bytes()];
    app.raw(&[&latin.concat()[..], b"\r\n\r\n"].concat()).expect(200).uri();
    put(&[("Cookie", "ss-id=wrong")]).expect(401);
    let who = app.send("GET", "/auth", &[("Cookie", &cookies)], b"").expect(200);
    assert_eq!(who.json()["userName"], "alice");
    app.send("GET", "/auth", &[], b"").expect(401);

    app.send("POST", "/auth/logout", &[("Cookie", &cookies)], b"").expect(200);
    put(&[("Cookie", &cookies)]).expect(401);

    let cookies = sign_in_as_alice(&app);
    app.clock.advance(Duration::from_hours(15 * 24));
    put(&[("Cookie", &cookies)]).expect(401);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_credential_that_cannot_be_read_beats_a_good_session() {
    let app = TestApp::signing(&[]).await;
    let cookies = sign_in_as_alice(&app);
    let put = |authorization: &str| {
        let headers = [("Cookie", &*cookies), ("Authorization", authorization)];
        app.send("PUT", GENERATE, &headers, b"")
    };
    for unreadable in [
        "Basic !!!",
        "Basic YWxpY2U=",
        "Basic Og==",
        "Basic /w==",
        "Basic",
        "Basic ",
        "Bearer",
        "Bearer zzz",
        "Bearer a.b.c",
        "bearer\tzzz",
        "Digest username=\"x\"",
        "Foo bar",
        "Basic \u{e9}",
        ",",
    ] {
        let reply = put(unreadable).expect(401);
        assert_eq!(reply.json()["responseStatus"]["message"], "Not Authenticated", "{unreadable}");
        assert!(reply.header("Www-Authenticate").is_some(), "{unreadable}");
    }
    // It has not ended the session, as a wrong password would.
    put("").expect(200).uri();
    put(" ").expect(200).uri();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_wrong_name_and_a_wrong_password_get_the_same_answer() {
    let app = TestApp::start().await;
    for (name, password) in [("alice", "wrong"), ("nobody", PASSWORD), ("ALICE", PASSWORD)] {
        let body = format!("{{\"userName\":\"{name}\",\"password\":\"{password}\"}}");
        let reply = sign_in(&app, "/api/Authenticate", "application/json", &body).expect(401);
        assert_eq!(reply.reason, "Unauthorized");
        let expected = r#"{"responseStatus":{"errorCode":"Unauthorized","message":"Invalid Username or Password","errors":[]}}"#;
        assert_eq!(reply.text(), expected, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn disabling_a_user_or_changing_the_password_ends_the_sessions() {
    let app = TestApp::start().await;
    let cookies = sign_in_as_alice(&app);
    let hash = user("alice").password_hash;
    app.store.set_password("id-of-alice", &hash).await.unwrap();
    app.send("PUT", GENERATE, &[("Cookie", &cookies)], b"").expect(401);

    let cookies = sign_in_as_alice(&app);
    app.store.disable_user("id-of-alice", crate::support::NOW).await.unwrap();
    app.send("PUT", GENERATE, &[("Cookie", &cookies)], b"").expect(401);
    let body = format!("userName=alice&password={PASSWORD}");
    sign_in(&app, "/auth/credentials", "application/x-www-form-urlencoded", &body).expect(401);
}

fn sign_in_with(app: &TestApp, password: &str) -> Reply {
    let body = format!("{{\"userName\":\"alice\",\"password\":\"{password}\"}}");
    sign_in(app, "/auth/credentials", "application/json", &body)
}

fn hash_of(password: &str) -> String {
    password::hash(password, &SeededRandom::default()).unwrap()
}

/// By another process, so that this one knows the user still as it was.
async fn an_old_password_signs_nobody_in_once_another_process_has_set_a_new_one(url: &str) {
    let store = store::open(url).await.unwrap();
    store.migrate().await.unwrap();
    let app = TestApp::on(store).await;
    let (new, other) = (hash_of("another"), store::open(url).await.unwrap());
    let session = cookies(&sign_in_with(&app, PASSWORD).expect(200));
    other.set_password("id-of-alice", &new).await.unwrap();
    let late = sign_in_with(&app, PASSWORD).expect(401);
    assert_eq!(late.json()["responseStatus"]["message"], "Invalid Username or Password");
    assert!(!cookies(&late).contains("ss-id"), "{late:?}");
    tokio::time::sleep(foundry_api::cache::LIFE).await;
    app.send("PUT", GENERATE, &[("Cookie", &session)], b"").expect(401);
    sign_in_with(&app, "another").expect(200);
    other.disable_user("id-of-alice", NOW).await.unwrap();
    sign_in_with(&app, "another").expect(401);
    other.close().await;
}

mod an_old_password_signs_nobody_in {
    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn on_sqlite() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("test.db").display());
        super::an_old_password_signs_nobody_in_once_another_process_has_set_a_new_one(&url).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 1)]
    async fn on_postgres() {
        let url = crate::support::new_postgres_database().await;
        super::an_old_password_signs_nobody_in_once_another_process_has_set_a_new_one(&url).await;
    }
}

async fn no_session_outlives_the_password_that_it_was_made_with(store: Arc<dyn Store>) {
    let app = TestApp::on(store.clone()).await;
    let passwords = [PASSWORD, "another"];
    let hashes = passwords.map(hash_of);
    let runtime = tokio::runtime::Handle::current();
    let mut made = 0;
    for (round, wait) in [10, 18, 26, 34, 42, 50].into_iter().enumerate() {
        let (old, new) = (passwords[round % 2], &hashes[(round + 1) % 2]);
        let replies: Vec<Reply> = std::thread::scope(|scope| {
            let sign_in = || sign_in_with(&app, old);
            let signing_in: Vec<_> = (0..6).map(|_| scope.spawn(sign_in)).collect();
            // While some of them have been looked up, and wait for their password to be checked.
            std::thread::sleep(Duration::from_millis(wait));
            tokio::task::block_in_place(|| {
                runtime.block_on(store.set_password("id-of-alice", new)).unwrap();
            });
            signing_in.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        for reply in replies.iter().filter(|reply| reply.status == 200) {
            made += 1;
            app.send("PUT", GENERATE, &[("Cookie", &cookies(reply))], b"").expect(401);
        }
    }
    assert!(made > 0, "nobody came in");
    sign_in_with(&app, passwords[0]).expect(200);
}

crate::on_each_store! { no_session_outlives_the_password_that_it_was_made_with }

fn basic(name: &str, password: &str) -> String {
    format!("Basic {}", data_encoding::BASE64.encode(format!("{name}:{password}").as_bytes()))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_sign_in_makes_a_new_session_and_a_permanent_one_only_when_asked() {
    let app = TestApp::start().await;
    let value = |cookies: &str, name: &str| {
        let pairs = cookies.split("; ").filter_map(|pair| pair.split_once('='));
        pairs.filter(|(known, _)| *known == name).map(|(_, value)| value.to_owned()).next().unwrap()
    };
    let body = format!("{{\"userName\":\"alice\",\"password\":\"{PASSWORD}\"}}");
    let json = ("Content-Type", "application/json");
    let planted = ("Cookie", "ss-id=planted; ss-pid=planted; ss-opt=perm");
    let reply = app.send("POST", "/auth", &[json, planted], body.as_bytes()).expect(200);
    let set = cookies(&reply);
    let (id, permanent) = (value(&set, "ss-id"), value(&set, "ss-pid"));
    assert!(id != "planted" && permanent != "planted" && id != permanent);
    assert_eq!(reply.json()["sessionId"], id);
    assert_eq!(value(&set, "ss-opt"), "temp");
    assert_eq!(value(&set, "X-UAId"), "id-of-alice");
    let (_, first) = reply.headers.iter().find(|(_, cookie)| cookie.starts_with("ss-id=")).unwrap();
    assert!(!first.contains("Max-Age"), "{first}");
    let put = |cookies: &str| app.send("PUT", GENERATE, &[("Cookie", cookies)], b"").status;
    assert_eq!(put(&format!("ss-id={id}")), 200);
    assert_eq!(put(&format!("ss-pid={permanent}; ss-opt=perm")), 401);
    assert_eq!(put("ss-id=planted; ss-pid=planted; ss-opt=perm"), 401);

    let remember = body.replace('}', ",\"rememberMe\":true}");
    let set = cookies(&app.send("POST", "/auth", &[json], remember.as_bytes()).expect(200));
    let permanent = value(&set, "ss-pid");
    app.clock.advance(Duration::from_hours(27 * 24));
    assert_eq!(put(&format!("ss-pid={permanent}; ss-opt=perm")), 200);
    assert_eq!(put(&format!("ss-pid={permanent}; ss-opt=temp")), 401);
    assert_eq!(put(&format!("ss-id={id}")), 401);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn what_is_missing_of_a_login_is_named_and_others_are_told_where_to_go() {
    let app = TestApp::start().await;
    let post = |path: &str, body: &str| {
        app.send("POST", path, &[("Content-Type", "application/json")], body.as_bytes())
    };
    let reply = post("/auth/credentials", "{}").expect(400);
    assert_eq!(reply.reason, "ValidationException");
    let status = &reply.json()["responseStatus"];
    assert_eq!(status["errors"][0]["fieldName"], "UserName");
    assert_eq!(status["errors"][1]["fieldName"], "Password");
    assert_eq!(status["errors"][1]["meta"]["PropertyName"], "Password");
    let reply = post("/auth/credentials", "{\"userName\":\"alice\"}").expect(400);
    assert_eq!(reply.json()["responseStatus"]["errors"].as_array().unwrap().len(), 1);
    post("/auth/foo", "{}").expect(404);
    let reply = post("/auth/basic", "{\"userName\":\"alice\",\"password\":\"x\"}").expect(401);
    assert!(reply.header("Www-Authenticate").is_some());
    let reply = app.send("GET", "/auth/credentials?UserName=alice&Password=x", &[], b"");
    assert_eq!(reply.expect(405).reason, "NotSupportedException");
    // Who asks whether anybody is signed in is not asked to sign in.
    let reply = app.send("GET", "/auth", &[], b"").expect(401);
    assert_eq!(reply.header("Www-Authenticate"), None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn guessing_is_slowed_down_and_a_slip_is_not() {
    let app = TestApp::start().await;
    let put = |name: &str, password: &str| {
        app.send("PUT", GENERATE, &[("Authorization", &basic(name, password))], b"")
    };
    for password in ["one", "two"] {
        put("alice", password).expect(401);
    }
    put("alice", PASSWORD).expect(200);
    // An old password in somebody's settings, sent again and again, is one guess.
    for _ in 0..10 {
        put("alice", "old").expect(401);
    }
    // By one way or the other, and by name or address, a guess is a guess.
    let form = "application/x-www-form-urlencoded";
    for number in 0..2 {
        let body = format!("userName=ALICE@example.com&password=wrong{number}");
        sign_in(&app, "/auth", form, &body).expect(401);
        put("alice", &format!("guess{number}")).expect(401);
    }
    put("alice@example.com", PASSWORD).expect(429);
    let body = format!("userName=alice@EXAMPLE.com&password={PASSWORD}");
    sign_in(&app, "/auth", form, &body).expect(429);
    let refused = put("alice", PASSWORD).expect(429);
    assert_eq!(refused.json()["responseStatus"]["errorCode"], "TooManyRequests");
    assert_eq!(refused.header("Retry-After"), Some("1"));
    put("bob", PASSWORD).expect(400);
    app.clock.advance(Duration::from_secs(1));
    put("alice", "another").expect(401);
    assert_eq!(put("alice", PASSWORD).expect(429).header("Retry-After"), Some("2"));
    app.clock.advance(Duration::from_secs(2));
    put("alice@example.com", PASSWORD).expect(200);
    put("alice", "slip").expect(401);
    put("alice", PASSWORD).expect(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_password_hash_of_asp_net_identity_is_taken_and_replaced() {
    let app = TestApp::start().await;
    // PBKDF2 with HMAC-SHA512, 1000 iterations, by Python's hashlib.
    let old =
        "AQAAAAIAAAPoAAAAEAABAgMEBQYHCAkKCwwNDg+yRIKoP11mMxrEj+rbcNVBopi+Av1KbJGSBWmnNbIxaw==";
    let carol = NewUser { password_hash: old.into(), ..user("carol") };
    app.store.add_user(&carol, &["org1".to_owned()], NOW).await.unwrap();
    let put = |password: &str| {
        app.send("PUT", GENERATE, &[("Authorization", &basic("carol", password))], b"")
    };
    put("wrong").expect(401);
    assert_eq!(app.store.user_named("carol").await.unwrap().unwrap().password_hash, old);
    put(PASSWORD).expect(200).uri();
    let new = app.store.user_named("carol").await.unwrap().unwrap().password_hash.clone();
    assert!(new.starts_with("$argon2id$"), "{new}");
    put(PASSWORD).expect(200).uri();
    assert!(!app.store.upgrade_password("id-of-carol", old, "late").await.unwrap());
    assert_eq!(app.store.user_named("carol").await.unwrap().unwrap().password_hash, new);
}
