//! The operation: whose key, where it is kept, and that it is nowhere else.

use std::sync::Arc;

use foundry_api::seal::Place;
use foundry_api::store::Store;

use crate::support::{ALICE, GENERATE, Log, NOW, TestApp};

/// The request of the original's page (`fixtures/metadata/seed.txt`), as it stands there.
const SEED_REQUEST: &str = "{\n\torganisationId: org1\n}";

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_seed_pages_request_is_answered_as_the_page_shows() {
    let app = TestApp::start().await;
    let headers = [("Accept", "text/jsv"), ("Content-Type", "text/jsv")];
    let reply = app.generate(&headers, SEED_REQUEST).expect(200);
    assert_eq!(reply.header("Content-Type"), Some("text/jsv"));
    assert!(reply.text().starts_with("{twoFactorUri:\"otpauth://totp/"), "{}", reply.text());
    assert!(reply.text().ends_with("\"}"), "{}", reply.text());
}

async fn the_key_that_was_shown_is_the_one_that_is_sealed_in_the_store(store: Arc<dyn Store>) {
    let app = TestApp::on(store).await;
    for (body, organisation, label) in [
        ("{}", "org1", "Foundry%20%28First%20%26%20Co%29:alice%40example.com"),
        (
            "{\"organisationId\":\"\"}",
            "org1",
            "Foundry%20%28First%20%26%20Co%29:alice%40example.com",
        ),
        ("{\"organisationId\":\"org2\"}", "org2", "Second%20Ltd:alice%40example.com"),
    ] {
        let json = ("Content-Type", "application/json");
        let uri = app.generate(&[json], body).expect(200).uri();
        let (shown, query) = uri.strip_prefix("otpauth://totp/").unwrap().split_once('?').unwrap();
        assert_eq!(shown, label);
        let secret = query.strip_prefix("secret=").unwrap().split('&').next().unwrap();
        let newest = app.store.keys(organisation, "id-of-alice", NOW).await.unwrap().remove(0);
        let place = Place { organisation, user: "id-of-alice", key: &newest.id };
        let kept = app.sealer.open(&newest.sealed, place).unwrap();
        assert_eq!(data_encoding::BASE32_NOPAD.encode(kept.as_bytes()), secret);
        assert_eq!(newest.fingerprint, app.sealer.fingerprint(&kept));
    }
}

crate::on_each_store! { the_key_that_was_shown_is_the_one_that_is_sealed_in_the_store }

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_codes_of_another_program_are_those_of_the_key() {
    let app = TestApp::start().await;
    let uri = app.generate(&[], "").expect(200).uri();
    let ours = totp_rs::Totp::from_url(&uri).unwrap();
    let secret = uri.split("secret=").nth(1).unwrap().split('&').next().unwrap();
    for seconds in [0, 59, 1_111_111_109, 1_795_000_000_u64] {
        let run = std::process::Command::new("oathtool")
            .args(["--totp", "--base32", &format!("--now=@{seconds}"), secret])
            .output()
            .expect("oathtool; tests/run installs it");
        assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
        let theirs = String::from_utf8(run.stdout).unwrap();
        assert_eq!(theirs.trim(), ours.generate(seconds).to_string(), "at {seconds} s");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn no_secret_and_no_password_is_in_the_log_at_any_level() {
    let log = Log::catch();
    let app = TestApp::start().await;
    let uri = app.generate(&[], "").expect(200).uri();
    app.generate(&[("Content-Type", "application/json")], "{\"organisationId\":\"x").expect(400);
    app.send("PUT", GENERATE, &[("Authorization", "Basic YWxpY2U6aHVudGVyMg==")], b"").expect(401);
    let login = "{\"userName\":\"alice\",\"password\":\"hunter2\"}";
    let json = ("Content-Type", "application/json");
    app.send("POST", "/auth/credentials", &[json], login.as_bytes()).expect(401);
    let secret = uri.split("secret=").nth(1).unwrap().split('&').next().unwrap();
    let bytes = data_encoding::BASE32_NOPAD.decode(secret.as_bytes()).unwrap();
    let text = log.text();
    assert!(text.contains("refused"), "the log was not caught");
    for form in [
        secret.to_owned(),
        data_encoding::HEXLOWER.encode(&bytes),
        data_encoding::HEXUPPER.encode(&bytes),
        data_encoding::BASE64.encode(&bytes),
        "hunter2".to_owned(),
        "aHVudGVyMg".to_owned(),
        ALICE.split(' ').nth(1).unwrap().to_owned(),
    ] {
        assert!(!text.contains(&form), "the log holds {form}");
    }
}
