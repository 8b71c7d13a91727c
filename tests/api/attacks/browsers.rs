//! Pages of other sites, and whoever sits between a browser and the service.

use std::collections::BTreeSet;

use foundry_api::auth::tokens::ROTATION;
use foundry_api::operation::{Access, Operations};

use super::{cookie, set_cookies, sign_in};
use crate::audit::rows;
use crate::support::{GENERATE, NOW, Reply, TestApp};

/// What a browser does without asking its page or the service first: it sends cookies, and says
/// that the page is another site's.
const FOREIGN: &[(&str, &str)] = &[
    ("Origin", "https://evil.example"),
    ("Origin", "null"),
    ("Origin", "https://test.evil.example"),
    ("Origin", "http://test.:80"),
    ("Origin", "http://test@evil.example"),
    ("Origin", "file://"),
    ("Origin", ""),
    ("Origin", "http://t\u{e9}st"),
    ("Sec-Fetch-Site", "cross-site"),
];

/// Every verb and path of every operation, with what a page could put into it.
fn routes() -> Vec<(&'static str, String, String, Access)> {
    let mut all = Vec::new();
    for operation in Operations::standard().iter() {
        let spec = operation.spec();
        let mut paths: Vec<(String, &[&'static str])> = Vec::new();
        for route in spec.routes {
            for provider in ["credentials", "logout", "basic", "jwt", "apikey"] {
                paths.push((route.path.replace("{provider}", provider), route.verbs));
            }
        }
        for format in ["json", "xml", "jsv", "csv", "html"] {
            paths.push((format!("/{format}/reply/{}", spec.name()), spec.verbs));
            paths.push((format!("/{format}/oneway/{}", spec.name()), spec.verbs));
        }
        paths.push((format!("/api/{}", spec.name()), spec.verbs));
        paths.sort();
        paths.dedup();
        for (path, verbs) in paths {
            for verb in verbs {
                all.push((*verb, path.clone(), spec.name().to_owned(), spec.access));
            }
        }
    }
    all
}

/// A form of the page: the one kind of body that needs no leave. Its members are of no use here,
/// so that what is refused is the page, not the members.
const FORM: (&str, &str) = ("Content-Type", "application/x-www-form-urlencoded");

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn no_route_does_anything_for_another_sites_page() {
    let app = TestApp::signing(&[]).await;
    let session = sign_in(&app, "alice", ",\"rememberMe\":true", &[]);
    let tokens = sign_in(&app, "alice", ",\"useTokenCookie\":true", &[]);
    let cookies = [
        format!("ss-id={}", cookie(&session, "ss-id")),
        format!("ss-pid={}; ss-opt=perm", cookie(&session, "ss-pid")),
        format!("ss-tok={}", cookie(&tokens, "ss-tok")),
        format!("ss-reftok={}", cookie(&tokens, "ss-reftok")),
    ];
    let before = rows(&*app.store, None).await.len();
    let (mut tried, mut operations) = (0, BTreeSet::new());
    for (verb, path, operation, access) in routes() {
        // Reading who one is changes nothing, and no other site's page can read the reply.
        let reads = verb == "GET" && !path.ends_with("logout");
        for foreign in FOREIGN {
            for cookies in &cookies {
                let of_page = [*foreign, ("Cookie", cookies), FORM];
                let reply = app.send(verb, &path, &of_page, b"");
                let at = format!("{verb} {path} {foreign:?} {cookies}: {reply:?}");
                let refused: &[u16] = match access {
                    // The refresh cookie signs nobody in.
                    Access::SignedIn if cookies.starts_with("ss-reftok") => &[401],
                    Access::SignedIn => &[403],
                    Access::Anyone if reads => &[200, 401, 405],
                    Access::Anyone => &[401, 403],
                };
                assert!(refused.contains(&reply.status), "{at}");
                assert!(
                    set_cookies(&reply).is_empty() && !reply.text().contains("otpauth"),
                    "{at}"
                );
                assert!(
                    !reply.headers.iter().any(|(name, _)| name.starts_with("Access-C")),
                    "{at}"
                );
                tried += 1;
            }
        }
        operations.insert(operation);
    }
    assert_eq!(operations.len(), Operations::standard().iter().count());
    assert!(tried > 1000, "{tried}");
    // What is left of it is that alice, whose cookies they were, was refused.
    let (done, refused): (Vec<_>, Vec<_>) =
        rows(&*app.store, None).await.into_iter().partition(|row| row.outcome != "Forbidden");
    assert_eq!(done.len(), before, "something was done: {done:?}");
    assert!(refused.len() > 100 && refused.iter().all(|row| row.user == "id-of-alice"));
    assert!(app.store.keys("org1", "id-of-alice", NOW).await.unwrap().is_empty());
    // The same from a page of ours, with each of the cookies that sign somebody in: it is neither
    // the cookies nor the form that were refused.
    for cookies in &cookies[..3] {
        let own = [("Origin", "http://test"), ("Cookie", cookies), FORM];
        app.send("PUT", GENERATE, &own, b"").expect(200).uri();
    }
    let own = [("Origin", "http://test"), ("Cookie", &*cookies[3]), FORM];
    assert!(!set_cookies(&app.send("POST", "/access-token", &own, b"").expect(200)).is_empty());
    // Not even with a password does another site's page sign anybody in, as somebody else perhaps.
    for foreign in FOREIGN {
        sign_in(&app, "bob", "", &[*foreign]).expect(403);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_logout_that_another_sites_page_asks_for_leaves_a_row_of_whose_it_would_have_been() {
    let app = TestApp::signing(&[]).await;
    let session = cookie(&sign_in(&app, "alice", "", &[]), "ss-id");
    let token = cookie(&sign_in(&app, "bob", ",\"useTokenCookie\":true", &[]), "ss-tok");
    let refusals = |user: &'static str| {
        let store = app.store.clone();
        async move {
            let all = rows(&*store, Some(user)).await;
            all.iter().filter(|row| row.outcome == "Forbidden").count()
        }
    };
    for (count, verb) in ["GET", "POST"].into_iter().enumerate() {
        let ask = |cookies: String| {
            let page = [("Sec-Fetch-Site", "cross-site"), ("Cookie", &*cookies)];
            app.send(verb, "/auth/logout", &page, b"").expect(403);
        };
        ask(format!("ss-id={session}"));
        // A session that is none does not stand before the token, nor a token that is none for anybody.
        ask(format!("ss-id=gone; ss-tok={token}"));
        ask("ss-id=gone; ss-tok=gone".to_owned());
        assert_eq!(refusals("id-of-alice").await, count + 1, "{verb}");
        assert_eq!(refusals("id-of-bob").await, count + 1, "{verb}");
    }
    assert_eq!(rows(&*app.store, None).await.len(), 2 + 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_session_is_never_one_that_was_there_before_the_sign_in() {
    let app = TestApp::signing(&[]).await;
    let bobs = cookie(&sign_in(&app, "bob", "", &[]).expect(200), "ss-id");
    let who = |header: (&str, &str)| {
        let reply = app.send("GET", "/auth", &[header], b"");
        (reply.status == 200).then(|| reply.json()["userName"].as_str().unwrap().to_owned())
    };
    let mut seen = BTreeSet::from([bobs.clone()]);
    for planted in ["planted", &*bobs, ""] {
        let in_cookies =
            format!("ss-id={planted}; ss-pid={planted}; ss-opt=perm; ss-tok={planted}");
        for header in [("Cookie", &*in_cookies), ("X-ss-id", planted)] {
            for more in ["", ",\"rememberMe\":true"] {
                let reply = sign_in(&app, "alice", more, &[header]).expect(200);
                let id = cookie(&reply, "ss-id");
                assert_eq!(reply.json()["sessionId"], id);
                assert!(seen.insert(id.clone()), "{id} was there before");
                assert_eq!(who(("X-ss-id", &id)).as_deref(), Some("alice"));
            }
        }
    }
    // What was planted did not become alice's, and what was bob's stayed bob's.
    assert_eq!(who(("X-ss-id", "planted")), None);
    assert_eq!(who(("X-ss-id", &bobs)).as_deref(), Some("bob"));
}

/// Settings, or header lines.
type Pairs = &'static [(&'static str, &'static str)];

/// The attributes of a cookie, sorted; its `Max-Age` without the number, which must be one.
#[track_caller]
fn attributes(cookie: &str) -> Vec<&str> {
    let mut found: Vec<&str> = cookie
        .split("; ")
        .skip(1)
        .map(|attribute| match attribute.split_once("Max-Age=") {
            Some((_, number)) => {
                assert!(number.parse::<u32>().is_ok(), "{cookie}");
                "Max-Age"
            }
            None => attribute,
        })
        .collect();
    found.sort_unstable();
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn every_cookie_is_out_of_reach_and_secure_where_the_client_sees_https() {
    const HTTPS: (&str, &str) = ("X-Forwarded-Proto", "https");
    let ways: [(Pairs, Pairs, bool); 9] = [
        (&[], &[], false),
        (&[], &[HTTPS], false),
        (&[], &[("Forwarded", "proto=https"), ("X-Forwarded-Ssl", "on")], false),
        (&[("FOUNDRY_PUBLIC_URL", "https://api.example")], &[], true),
        (&[("FOUNDRY_PUBLIC_URL", "http://api.example")], &[], false),
        (&[("FOUNDRY_TRUSTED_PROXIES", "127.0.0.1")], &[HTTPS], true),
        (&[("FOUNDRY_TRUSTED_PROXIES", "127.0.0.1")], &[("X-Forwarded-Proto", "http")], false),
        // What the client wrote stands before what the proxy added.
        (
            &[("FOUNDRY_TRUSTED_PROXIES", "127.0.0.1")],
            &[HTTPS, ("X-Forwarded-Proto", "http")],
            false,
        ),
        (&[("FOUNDRY_TRUSTED_PROXIES", "10.0.0.0/8")], &[HTTPS], false),
    ];
    for (settings, headers, secure) in ways {
        let app = TestApp::signing(settings).await;
        let mut cookies = Vec::new();
        let mut keep =
            |reply: &Reply| cookies.extend(set_cookies(reply).into_iter().map(str::to_owned));
        keep(&sign_in(&app, "alice", "", headers).expect(200));
        let remember = ",\"rememberMe\":true,\"useTokenCookie\":true";
        let reply = sign_in(&app, "alice", remember, headers).expect(200);
        keep(&reply);
        let refresh = format!("ss-reftok={}", cookie(&reply, "ss-reftok"));
        let with = |cookies| [headers, &[("Cookie", cookies)]].concat();
        app.clock.advance(ROTATION);
        keep(&app.send("POST", "/access-token", &with(&refresh), b"").expect(200));
        let session = format!("ss-id={}", cookie(&reply, "ss-id"));
        keep(&app.send("POST", "/auth/logout", &with(&session), b"").expect(200));
        assert_eq!(cookies.len(), 4 + 6 + 2 + 6, "{cookies:?}");
        for cookie in cookies {
            let mut expected = vec!["HttpOnly", "Max-Age", "Path=/", "SameSite=Lax"];
            if secure {
                expected.push("Secure");
            }
            // A session of a browser ends with it.
            if cookie.starts_with("ss-id=") && !cookie.contains("Max-Age") {
                expected.retain(|attribute| *attribute != "Max-Age");
            }
            assert_eq!(attributes(&cookie), expected, "{settings:?} {headers:?} {cookie}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn only_a_trusted_proxy_says_where_a_request_comes_from() {
    let claimed: &[(&str, &str)] = &[
        ("X-Forwarded-For", "203.0.113.9"),
        ("X-Real-Ip", "203.0.113.10"),
        ("Forwarded", "for=203.0.113.11;host=evil.example;proto=https"),
        ("X-Forwarded-Host", "evil.example"),
        ("X-Forwarded-Proto", "https"),
        ("X-Original-Url", "/health/live"),
        ("X-Rewrite-Url", "/health/live"),
    ];
    for (trusted, address) in [("10.0.0.0/8", "127.0.0.1"), ("127.0.0.0/8", "203.0.113.9")] {
        let app = TestApp::signing(&[("FOUNDRY_TRUSTED_PROXIES", trusted)]).await;
        let reply = sign_in(&app, "alice", "", claimed).expect(200);
        let session = format!("ss-id={}", cookie(&reply, "ss-id"));
        let put = |more: &[(&str, &str)]| {
            app.send("PUT", GENERATE, &[claimed, &[("Cookie", &session)], more].concat(), b"")
        };
        put(&[]).expect(200).uri();
        // Nobody's word makes another host ours.
        put(&[("Origin", "https://evil.example")]).expect(403);
        let kept = rows(&*app.store, None).await;
        assert_eq!(kept.len(), 3, "{kept:?}");
        assert!(kept.iter().all(|row| row.address == address), "{trusted}: {kept:?}");
        let page = app.send("GET", "/metadata", claimed, b"").expect(200);
        assert!(!page.text().contains("evil.example"), "{}", page.text());
    }
}
