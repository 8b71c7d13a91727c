//! Browsers: which pages may read replies, and whose cookies are not taken.

use crate::support::{ALICE, GENERATE, PASSWORD, Reply, TestApp};

const FRIEND: &str = "https://app.example";
const FOREIGN: &str = "https://evil.example";

fn access_control(reply: &Reply) -> Vec<&(String, String)> {
    reply.headers.iter().filter(|(name, _)| name.starts_with("Access-Control-")).collect()
}

fn preflight(app: &TestApp, origin: &str) -> Reply {
    let headers = [
        ("Origin", origin),
        ("Access-Control-Request-Method", "PUT"),
        ("Access-Control-Request-Headers", "authorization,content-type"),
    ];
    app.send("OPTIONS", GENERATE, &headers, b"")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_configured_origin_may_send_credentials_and_read_replies() {
    let app =
        TestApp::signing(&[("FOUNDRY_CORS_ORIGINS", "https://other.example,https://app.example")])
            .await;
    let reply = preflight(&app, FRIEND).expect(204);
    assert_eq!(reply.header("Access-Control-Allow-Origin"), Some(FRIEND));
    assert_eq!(reply.header("Access-Control-Allow-Credentials"), Some("true"));
    assert!(reply.header("Access-Control-Allow-Methods").unwrap().contains("PUT"));
    let allowed = reply.header("Access-Control-Allow-Headers").unwrap();
    assert!(allowed.contains("Content-Type") && allowed.contains("Authorization"), "{allowed}");

    for (authorization, status) in [(ALICE, 200), ("", 401)] {
        let headers = [("Origin", FRIEND), ("Authorization", authorization)];
        let reply = app.send("PUT", GENERATE, &headers, b"").expect(status);
        assert_eq!(reply.header("Access-Control-Allow-Origin"), Some(FRIEND));
        assert_eq!(reply.header("Access-Control-Allow-Credentials"), Some("true"));
        let exposed = reply.header("Access-Control-Expose-Headers").unwrap();
        assert!(exposed.contains("X-Cookies"), "{exposed}");
        let vary: Vec<&str> = reply
            .headers
            .iter()
            .filter(|(name, _)| name == "Vary")
            .flat_map(|(_, value)| value.split(", "))
            .collect();
        assert_eq!(vary, ["Accept", "Origin"]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn no_other_origin_is_told_anything() {
    let friends = TestApp::signing(&[("FOUNDRY_CORS_ORIGINS", FRIEND)]).await;
    for origin in [FOREIGN, "null", "http://app.example", "https://app.example.evil.example"] {
        let reply = preflight(&friends, origin).expect(404);
        assert!(access_control(&reply).is_empty(), "{origin}: {reply:?}");
    }
    let nobody = TestApp::signing(&[]).await;
    assert!(access_control(&preflight(&nobody, FRIEND).expect(404)).is_empty());
    let headers = [("Origin", FRIEND), ("Authorization", ALICE)];
    let reply = nobody.send("PUT", GENERATE, &headers, b"").expect(200);
    assert!(access_control(&reply).is_empty());
    assert_eq!(reply.header("Vary"), Some("Accept"));
}

fn sign_in(app: &TestApp, headers: &[(&str, &str)], token_cookie: bool) -> Reply {
    let body = format!(
        "{{\"userName\":\"alice\",\"password\":\"{PASSWORD}\",\"useTokenCookie\":{token_cookie}}}"
    );
    let mut all = vec![("Content-Type", "application/json")];
    all.extend_from_slice(headers);
    app.send("POST", "/auth/credentials", &all, body.as_bytes())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn cookies_are_not_taken_from_another_sites_page() {
    let app = TestApp::signing(&[("FOUNDRY_CORS_ORIGINS", FRIEND)]).await;
    let ours = [("Origin", "http://test")];
    let replies = [false, true].map(|token| sign_in(&app, &ours, token).expect(200));
    let one = |reply: usize, name: &str| {
        let set = replies[reply].headers.iter().filter(|(name, _)| name == "Set-Cookie");
        let mut pairs = set.map(|(_, cookie)| cookie.split(';').next().unwrap());
        pairs.find(|pair| pair.starts_with(name)).unwrap()
    };
    let (session, token, refresh) = (one(0, "ss-id="), one(1, "ss-tok="), one(1, "ss-reftok="));

    let foreign = [
        ("Origin", FOREIGN),
        ("Origin", "null"),
        ("Origin", "http://test:81"),
        ("Origin", "https://test.evil.example"),
        ("Sec-Fetch-Site", "cross-site"),
    ];
    for header in foreign {
        for cookies in [session, token] {
            let reply = app.send("PUT", GENERATE, &[header, ("Cookie", cookies)], b"").expect(403);
            assert!(!reply.text().contains("otpauth"), "{header:?}");
        }
        sign_in(&app, &[header], true).expect(403);
        let cookies = ("Cookie", refresh);
        let reply = app.send("POST", "/access-token", &[header, cookies], b"").expect(403);
        assert_eq!(reply.header("Set-Cookie"), None);
        for verb in ["GET", "POST"] {
            app.send(verb, "/auth/logout", &[header, ("Cookie", session)], b"").expect(403);
        }
        // What a page cannot send by accident is nobody's forgery.
        app.send("PUT", GENERATE, &[header, ("Authorization", ALICE)], b"").expect(200);
    }
    for header in [
        ("Origin", FRIEND),
        ("Origin", "http://test"),
        ("Origin", "https://test"),
        ("Sec-Fetch-Site", "same-origin"),
    ] {
        for cookies in [session, token] {
            app.send("PUT", GENERATE, &[header, ("Cookie", cookies)], b"").expect(200).uri();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn behind_https_a_plain_page_of_the_same_host_is_another_site() {
    let app = TestApp::signing(&[("FOUNDRY_PUBLIC_URL", "https://api.example/base")]).await;
    sign_in(&app, &[("Origin", "http://test")], true).expect(403);
    sign_in(&app, &[("Origin", "http://api.example")], true).expect(403);
    sign_in(&app, &[("Origin", "https://api.example.evil.example")], true).expect(403);
    let reply = sign_in(&app, &[("Origin", "https://api.example")], true).expect(200);
    for (_, cookie) in reply.headers.iter().filter(|(name, _)| name == "Set-Cookie") {
        assert!(cookie.ends_with("; Secure"), "{cookie}");
    }
}
