//! The secret is nowhere but in its sealed row: makes keys, forces each error path, and searches
//! what the service has written.

use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use data_encoding::{BASE32_NOPAD, BASE64, BASE64_NOPAD, BASE64URL_NOPAD, HEXLOWER, HEXUPPER};
use foundry_api::store::{self, Store};
use serde_json::json;

use crate::authenticator::{Authenticator, Client, VERIFY, wrong_code};
use crate::support::{ALICE as BASIC, Log, TestApp};

const ALICE: &str = "id-of-alice";

/// The ways to spell bytes.
pub fn spellings(secret: &[u8]) -> Vec<Vec<u8>> {
    let each = |prefix: &str| {
        let pairs: Vec<String> = secret.iter().map(|byte| format!("{prefix}{byte:02X}")).collect();
        pairs.concat()
    };
    let (percent, escaped) = (each("%"), each("\\x").to_lowercase());
    let base32 = BASE32_NOPAD.encode(secret);
    vec![
        secret.to_vec(),
        base32.to_lowercase().into_bytes(),
        base32.into_bytes(),
        HEXLOWER.encode(secret).into_bytes(),
        HEXUPPER.encode(secret).into_bytes(),
        BASE64.encode(secret).into_bytes(),
        BASE64_NOPAD.encode(secret).into_bytes(),
        BASE64URL_NOPAD.encode(secret).into_bytes(),
        percent.to_lowercase().into_bytes(),
        percent.into_bytes(),
        escaped.into_bytes(),
        format!("{secret:?}").into_bytes(),
    ]
}

#[track_caller]
pub fn assert_absent(place: &str, text: &[u8], needles: &[Vec<u8>]) {
    assert!(!text.is_empty(), "there is nothing in {place} to search");
    // Once through the text for all needles: a log of all tests is long.
    let mut by_first: Vec<Vec<&[u8]>> = vec![Vec::new(); 256];
    for needle in needles {
        by_first[usize::from(needle[0])].push(needle);
    }
    for (at, first) in text.iter().enumerate() {
        for needle in &by_first[usize::from(*first)] {
            let found = text[at..].starts_with(needle);
            assert!(!found, "{place} holds {:?}", String::from_utf8_lossy(needle));
        }
    }
}

/// Every way that an operation ends; gives the error bodies.
fn every_ending(app: &TestApp, client: &Client, phone: &Authenticator) -> Vec<u8> {
    let json = [("Content-Type", "application/json"), ("Authorization", BASIC)];
    let code = phone.code(app);
    let mut bodies = Vec::new();
    let mut keep = |reply: crate::support::Reply, status: u16| {
        bodies.extend(reply.expect(status).bytes);
    };
    keep(client.verify(app, &wrong_code(app, &[phone])), 400);
    keep(client.verify(app, &format!("{code} ")), 400);
    keep(client.verify(app, &code), 200);
    keep(client.verify(app, &code), 400);
    keep(client.reset(app, Some("nobody"), &code), 403);
    keep(client.reset(app, None, &code), 400);
    keep(client.put(app, VERIFY, &json!({ "organisationId": "foreign", "code": code })), 403);
    keep(client.put(app, VERIFY, &json!({ "code": { "is": code } })), 400);
    let broken = format!("{{\"code\":\"{code}");
    keep(app.send("PUT", VERIFY, &json, broken.as_bytes()), 400);
    keep(app.send("PUT", VERIFY, &[], broken.as_bytes()), 415);
    keep(app.send("PUT", VERIFY, &json[..1], b"{}"), 401);
    keep(app.send("DELETE", "/api/VerifyTwoFactorAuthenticationCodeRequest", &json, b""), 405);
    for _ in 0..3 {
        keep(client.verify(app, &wrong_code(app, &[phone])), 400);
    }
    keep(client.verify(app, &code), 429);
    app.clock.advance(Duration::from_secs(601));
    keep(client.generate(app), 401);
    bodies
}

async fn nothing_but_the_sealed_row_holds_the_secret(store: Arc<dyn Store>) -> Vec<Vec<u8>> {
    let log = Log::catch();
    let app = TestApp::on(store.clone()).await;
    let client = Client::of(&*store, ALICE, "a").await;
    let pending = client.enrol(&app);
    let phone = client.enrol(&app);
    let mut needles = spellings(phone.secret());
    needles.extend(spellings(pending.secret()));
    let mut bodies = every_ending(&app, &client, &phone);
    // A row that does not open: copied to somebody else.
    let broken = TestApp::with(store.clone(), &[], |mut app| {
        let other = "test:CQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQk=";
        app.sealer = foundry_api::seal::Sealer::parse(other).unwrap();
        app
    });
    broken.clock.advance(Duration::from_secs(4000));
    bodies.extend(client.verify(&broken, "123456").expect(500).bytes);
    assert_absent("the error bodies", &bodies, &needles);
    let metrics = app.app.metrics.text();
    assert!(metrics.contains("VerifyTwoFactorAuthenticationCodeRequest"), "{metrics}");
    assert_absent("the metrics", metrics.as_bytes(), &needles);
    let rows = crate::audit::rows(&*store, None).await;
    assert_absent("the audit", format!("{rows:?}").as_bytes(), &needles);
    let text = log.text();
    assert!(text.contains("InvalidCode") && text.contains("does not belong"), "nothing caught");
    assert_absent("the log", text.as_bytes(), &needles);
    needles
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn no_secret_is_in_logs_bodies_audit_or_the_embedded_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("test.db");
    let store = store::open(&format!("sqlite:{}", path.display())).await.unwrap();
    store.migrate().await.unwrap();
    let needles = nothing_but_the_sealed_row_holds_the_secret(store.clone()).await;
    let mut files = 0;
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let path = entry.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        if !bytes.is_empty() {
            assert_absent(&path.display().to_string(), &bytes, &needles);
            files += 1;
        }
    }
    assert!(files > 0);
    store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn no_secret_is_in_logs_bodies_audit_or_a_dump_of_postgres() {
    let url = crate::support::new_postgres_database().await;
    let store = store::open(&url).await.unwrap();
    store.migrate().await.unwrap();
    let needles = nothing_but_the_sealed_row_holds_the_secret(store.clone()).await;
    let programs = std::env::var("PG_BINDIR").expect("tests/run sets PG_BINDIR");
    let dump = Command::new(format!("{programs}/pg_dump")).arg(&url).output().unwrap();
    assert!(dump.status.success(), "{}", String::from_utf8_lossy(&dump.stderr));
    let text = String::from_utf8_lossy(&dump.stdout);
    assert!(text.contains("COPY public.two_factor_keys") && text.contains(ALICE), "{text}");
    assert_absent("the dump", &dump.stdout, &needles);
    store.close().await;
}
