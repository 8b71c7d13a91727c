//! Forged tokens, and credentials of one kind shown as those of another.

use std::net::TcpListener;
use std::time::Duration;

use data_encoding::{BASE64, BASE64URL, BASE64URL_NOPAD};
use foundry_api::auth::public_key::PublicKey;
use serde_json::json;

use super::{API_KEY, cookie, give_alice_an_api_key, sign_in};
use crate::support::{GENERATE, NOW, PASSWORD, Reply, TestApp, memory, populate};
use crate::tokens::{bearer, claims, key, signed};

const RSA: &str = include_str!("../../../fixtures/jwt/rs256.pem");
const RS256: &str = include_str!("../../../fixtures/jwt/rs256.jwt");
const HS256: &str = r#"{"typ":"JWT","alg":"HS256"}"#;

/// A service that takes tokens of an HS256 key and of an RSA key.
async fn start() -> TestApp {
    let store = memory().await;
    populate(&*store).await;
    TestApp::with(store, &[("FOUNDRY_JWT_KEY", &BASE64.encode(&key()))], |mut app| {
        app.jwt = app.jwt.with_public_key(PublicKey::from_pem(RSA).unwrap());
        app
    })
}

fn alice() -> String {
    claims(&json!({})).to_string()
}

/// The same in a token that nobody has signed.
fn unsigned(header: &str) -> String {
    let part = |text: &str| BASE64URL_NOPAD.encode(text.as_bytes());
    format!("{}.{}.", part(header), part(&alice()))
}

/// `none` in upper and lower case, letter by letter.
fn spellings_of_none() -> Vec<String> {
    let spell = |bits: u32| {
        let letters = "none".chars().enumerate();
        letters
            .map(|(at, c)| if bits >> at & 1 == 1 { c.to_ascii_uppercase() } else { c })
            .collect()
    };
    (0..16).map(spell).collect()
}

/// Tokens by whoever does not have the HS256 key.
fn without_the_key() -> Vec<String> {
    let der = RSA.lines().filter(|line| !line.starts_with('-')).collect::<String>();
    let der = BASE64.decode(der.as_bytes()).unwrap();
    let mut forged = Vec::new();
    for none in spellings_of_none() {
        let header = format!("{{\"typ\":\"JWT\",\"alg\":\"{none}\"}}");
        forged.extend([unsigned(&header), format!("{}AA", unsigned(&header))]);
        forged.push(signed(&header, &alice(), b""));
    }
    for header in [r#"{"typ":"JWT","alg":""}"#, r#"{"typ":"JWT","alg":null}"#, r#"{"typ":"JWT"}"#] {
        forged.push(unsigned(header));
    }
    // The public key is known to everybody, as is whatever a token says of itself.
    let public: [&[u8]; 5] = [
        RSA.as_bytes(),
        RSA.trim().as_bytes(),
        &der,
        &der[22..],
        der.rsplit(|b| *b == 3).next().unwrap(),
    ];
    for secret in public.into_iter().chain([b"".as_slice(), b"secret", b"AQI", &[0; 32]]) {
        for header in [HS256, r#"{"typ":"JWT","alg":"RS256"}"#, r#"{"typ":"JWT","alg":"ES256"}"#] {
            forged.push(signed(header, &alice(), secret));
        }
    }
    // A key of the attacker's own, named by where it is to be found: each header is signed with
    // what a service would use that looked there.
    let secret = BASE64URL_NOPAD.encode(b"attacker");
    for (name, value, secret) in [
        ("kid", json!("/dev/null"), b"".as_slice()),
        ("kid", json!("../../../../../../dev/null"), b""),
        ("kid", json!("x' UNION SELECT 'attacker' -- "), b"attacker"),
        ("kid", json!("x\"; SELECT 'attacker'"), b"attacker"),
        ("kid", json!("|echo attacker"), b"attacker"),
        ("jwk", json!({"kty": "oct", "k": secret, "alg": "HS256"}), b"attacker"),
        ("x5c", json!([BASE64.encode(b"attacker")]), b"attacker"),
    ] {
        let mut header = json!({"typ": "JWT", "alg": "HS256"});
        header[name] = value;
        forged.push(signed(&header.to_string(), &alice(), secret));
    }
    forged
}

/// Tokens that the key's owner has signed and that are none of those that are taken.
fn signed_all_the_same() -> Vec<String> {
    let header = |text: &str| signed(text, &alice(), &key());
    let said = |text: &str| signed(HS256, text, &key());
    let exp = NOW.as_secs() + 60;
    let mut odd = vec![
        header(r#"{"typ":"JWT","alg":"HS512"}"#),
        header(r#"{"typ":"JWT","alg":"HS384"}"#),
        header(r#"{"typ":"JWT","alg":"RS256"}"#),
        header(r#"{"typ":"JWT","alg":"hs256"}"#),
        header(r#"{"typ":"JWT","alg":["HS256"]}"#),
        header(r#"{"typ":"JWT","alg":"none","alg":"HS256"}"#),
        header(r#"{"typ":"JWT","alg":"HS256","alg":"none"}"#),
        header(r#"{"typ":"JWT","alg":"HS256","crit":["exp"]}"#),
        header(r#"{"typ":"JWT","alg":"HS256","crit":[]}"#),
        header(r#"{"typ":"JWT","alg":"HS256","crit":"exp"}"#),
        header(r#"{"typ":"JWT","alg":"HS256","crit":["b64"],"b64":false}"#),
        header(r#"{"typ":"JWTR","alg":"HS256"}"#),
        header(r#"{"typ":"at+jwt","alg":"HS256"}"#),
        header("[]"),
        header("{}"),
        said(&format!(
            r#"{{"preferred_username":"bob","preferred_username":"alice","exp":{exp}}}"#
        )),
        said(&format!(r#"{{"preferred_username":"alice","exp":1,"exp":{exp}}}"#)),
        said(&format!(
            r#"{{"preferred_username":"alice","iss":"else","iss":"ssjwt","exp":{exp}}}"#
        )),
        said(r#"{"preferred_username":"alice"}"#),
    ];
    for exp in ["null", "\"9999999999\"", "[]", "1e99", "1e400", "true", "99999999999999999999999"]
    {
        odd.push(said(&format!(r#"{{"preferred_username":"alice","exp":{exp}}}"#)));
    }
    for (claim, value) in [
        ("iss", json!("https://issuer.example")),
        ("iss", json!("ssjwt ")),
        ("iss", json!("SSJWT")),
        ("iss", json!(["ssjwt"])),
        ("nbf", json!("1")),
        ("preferred_username", json!(["alice"])),
        ("preferred_username", json!("alice\u{0}")),
        ("preferred_username", json!(" alice")),
        ("preferred_username", json!("alice' OR '1'='1")),
        ("preferred_username", json!("%")),
    ] {
        odd.push(said(&claims(&json!({ claim: value })).to_string()));
    }
    // Larger than any token, and deeper than any reader likes.
    odd.push(said(&claims(&json!({"name": "x".repeat(7000)})).to_string()));
    odd.push(said(&claims(&json!({"name": "x".repeat(40_000)})).to_string()));
    let deep = format!("{{\"exp\":{exp},\"x\":{}1{}}}", "[".repeat(2000), "]".repeat(2000));
    odd.push(said(&deep));
    odd
}

/// A good token whose last part is another one.
fn with_other_signatures(good: &str) -> Vec<String> {
    let (message, signature) = good.rsplit_once('.').unwrap();
    let bytes = BASE64URL_NOPAD.decode(signature.as_bytes()).unwrap();
    let of = |bytes: &[u8]| format!("{message}.{}", BASE64URL_NOPAD.encode(bytes));
    let mut forged: Vec<String> = (0..bytes.len()).map(|length| of(&bytes[..length])).collect();
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1 << (at % 8);
        forged.push(of(&changed));
    }
    forged.push(of(&[&bytes[..], &[0]].concat()));
    forged.push(of(&[&[0], &bytes[..]].concat()));
    forged.push(of(&[&bytes[..], &bytes[..]].concat()));
    forged.push(of(&vec![0; bytes.len()]));
    for end in ["A", "=", "==", ".", "%", "\u{e9}"] {
        forged.push(format!("{good}{end}"));
    }
    // Other letters for the same bytes: one token must not have two spellings.
    let last = signature.chars().last().unwrap();
    let letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let at = letters.find(last).unwrap();
    let next = letters.as_bytes()[at ^ 1] as char;
    forged.push(format!("{}{next}", &good[..good.len() - 1]));
    forged.push(format!("{message}.{}", BASE64URL.encode(&[&bytes[..], &[1, 2]].concat())));
    // Another message under the same signature.
    let (header, _) = message.split_once('.').unwrap();
    let bob = claims(&json!({"preferred_username": "bob"})).to_string();
    forged.push(format!("{header}.{}.{signature}", BASE64URL_NOPAD.encode(bob.as_bytes())));
    forged.push(format!("{message}.{message}.{signature}"));
    forged
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_forged_token_is_as_good_as_none_and_says_nothing_of_why() {
    let app = start().await;
    let good = signed(HS256, &alice(), &key());
    bearer(&app, &good).expect(200).uri();
    bearer(&app, RS256.trim()).expect(200).uri();
    // Which key it was signed with is not for the token to say.
    let odd_kid = r#"{"typ":"JWT","alg":"HS256","kid":"../../dev/null","jku":"x","x5u":["y"]}"#;
    bearer(&app, &signed(odd_kid, &alice(), &key())).expect(200).uri();

    let anonymous = app.send("PUT", GENERATE, &[], b"").expect(401);
    let mut forged = without_the_key();
    forged.extend(signed_all_the_same());
    forged.extend(with_other_signatures(&good));
    forged.extend(with_other_signatures(RS256.trim()));
    // Whoever cannot sign is not told either that the time of the token is over, or has not come.
    for time in [json!({"exp": 1}), json!({"nbf": NOW.as_secs() + 60})] {
        forged.push(signed(HS256, &claims(&time).to_string(), b"attacker"));
    }
    assert!(forged.len() > 700, "{}", forged.len());
    for token in forged {
        for reply in [
            bearer(&app, &token),
            app.send("PUT", GENERATE, &[("Cookie", &format!("ss-tok={token}"))], b""),
        ] {
            assert_eq!(reply.status, 401, "{token}");
            assert_eq!(reply.text(), anonymous.text(), "{token}");
            assert_eq!(reply.header("Www-Authenticate"), anonymous.header("Www-Authenticate"));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_key_is_not_fetched_from_where_a_token_says() {
    let app = start().await;
    let attacker = TcpListener::bind("127.0.0.1:0").unwrap();
    attacker.set_nonblocking(true).unwrap();
    let url = format!("http://{}/keys.json", attacker.local_addr().unwrap());
    for name in ["jku", "x5u", "kid", "iss"] {
        let mut header = json!({"typ": "JWT", "alg": "HS256"});
        header[name] = json!(url);
        let said = claims(&json!({"iss": url, "jku": url})).to_string();
        bearer(&app, &signed(&header.to_string(), &said, b"attacker")).expect(401);
        bearer(&app, &signed(&header.to_string(), &said, &key())).expect(401);
    }
    let nobody = attacker.accept().err().map(|error| error.kind());
    assert_eq!(nobody, Some(std::io::ErrorKind::WouldBlock), "somebody went to {url}");
}

/// A place for a credential in a request: the request that shows it there.
type Place = (&'static str, fn(&TestApp, &str) -> Reply);

const PLACES: &[Place] = &[
    ("ss-id", |app, it| put(app, "Cookie", &format!("ss-id={it}"))),
    ("X-ss-id", |app, it| put(app, "X-ss-id", it)),
    ("ss-pid", |app, it| put(app, "Cookie", &format!("ss-pid={it}; ss-opt=perm"))),
    ("ss-tok", |app, it| put(app, "Cookie", &format!("ss-tok={it}"))),
    ("Bearer", |app, it| put(app, "Authorization", &format!("Bearer {it}"))),
    ("Basic user", |app, it| put(app, "Authorization", &basic(it, ""))),
    ("Basic password", |app, it| put(app, "Authorization", &basic("alice", it))),
    ("password", |app, it| {
        let body = json!({"userName": "alice", "password": it}).to_string();
        app.send("POST", "/auth", &[("Content-Type", "application/json")], body.as_bytes())
    }),
    ("refreshToken", |app, it| {
        let body = json!({ "refreshToken": it }).to_string();
        let json = ("Content-Type", "application/json");
        app.send("POST", "/access-token", &[json], body.as_bytes())
    }),
    ("ss-reftok", |app, it| {
        app.send("POST", "/access-token", &[("Cookie", &format!("ss-reftok={it}"))], b"")
    }),
];

fn put(app: &TestApp, name: &str, value: &str) -> Reply {
    app.send("PUT", GENERATE, &[(name, value)], b"")
}

fn basic(name: &str, password: &str) -> String {
    format!("Basic {}", BASE64.encode(format!("{name}:{password}").as_bytes()))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_credential_is_good_in_its_own_place_and_in_no_other() {
    let app = start().await;
    give_alice_an_api_key(&app).await;
    let in_body = sign_in(&app, "alice", "", &[]).expect(200);
    let in_cookies = sign_in(&app, "alice", ",\"useTokenCookie\":true", &[]).expect(200);
    let member = |name: &str| in_body.json()[name].as_str().unwrap().to_owned();
    let session: &[&str] = &["ss-id", "X-ss-id", "ss-pid"];
    let token: &[&str] = &["ss-tok", "Bearer"];
    let refresh: &[&str] = &["refreshToken", "ss-reftok"];
    let credentials = [
        ("a session", member("sessionId"), session),
        ("the permanent id of one that is not", cookie(&in_cookies, "ss-pid"), &[]),
        ("a token", member("bearerToken"), token),
        ("a token of a cookie", cookie(&in_cookies, "ss-tok"), token),
        ("a refresh token", member("refreshToken"), refresh),
        ("a refresh token of a cookie", cookie(&in_cookies, "ss-reftok"), refresh),
        ("an API key", API_KEY.to_owned(), &["Bearer", "Basic user"]),
        ("a password", PASSWORD.to_owned(), &["Basic password", "password"]),
        ("the user's id", "id-of-alice".to_owned(), &[]),
        ("the user's name", "alice".to_owned(), &[]),
        // What is kept of a session and of an API key, should somebody have read the database.
        ("a session's hash", hex_of(&member("sessionId")), &[]),
        ("an API key's hash", hex_of(API_KEY), &[]),
    ];
    for (what, credential, own) in credentials {
        // So that what are wrong passwords are not so many that none is looked at.
        app.clock.advance(Duration::from_mins(30));
        for (place, show) in PLACES {
            let reply = show(&app, &credential);
            let expected = if own.contains(place) { 200 } else { 401 };
            assert_eq!(reply.status, expected, "{what} as {place}: {reply:?}");
            let refused =
                !reply.text().contains("otpauth") && super::set_cookies(&reply).is_empty();
            assert!(refused || own.contains(place), "{what} as {place}: {reply:?}");
        }
    }
}

fn hex_of(credential: &str) -> String {
    data_encoding::HEXLOWER.encode(&foundry_api::auth::session::hash(credential))
}
