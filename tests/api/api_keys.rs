//! API keys: by Bearer and by Basic, until they expire or are revoked.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Output, Stdio};
use std::sync::Arc;
use std::time::Duration;

use data_encoding::BASE64;
use foundry_api::auth::session::hash;
use foundry_api::cache::LIFE;
use foundry_api::store::{ApiKey, Store};

use crate::process;
use crate::support::{GENERATE, NOW, TestApp, populate};

const KEY: &str = "testkey-0123456789abcdefghij";

fn key(id: &str, expires_in: Option<Duration>) -> ApiKey {
    ApiKey {
        id: id.into(),
        user: "id-of-alice".into(),
        description: "nightly report".into(),
        created_at: NOW,
        expires_at: expires_in.map(|span| NOW.plus(span)),
        revoked_at: None,
    }
}

fn status(app: &TestApp, authorization: &str) -> u16 {
    app.send("PUT", GENERATE, &[("Authorization", authorization)], b"").status
}

async fn a_key_signs_its_user_in_until_it_ends(store: Arc<dyn Store>) {
    populate(&*store).await;
    store.add_api_key(&hash(KEY), &key("one", None)).await.unwrap();
    store.add_api_key(&hash("short"), &key("two", Some(Duration::from_mins(1)))).await.unwrap();
    let app = TestApp::with(store, &[], |app| app);
    let basic = |key: &str| format!("Basic {}", BASE64.encode(format!("{key}:").as_bytes()));

    assert_eq!(status(&app, &format!("Bearer {KEY}")), 200);
    assert_eq!(status(&app, &format!("bearer {KEY}")), 200);
    assert_eq!(status(&app, &basic(KEY)), 200);
    assert_eq!(status(&app, "Bearer short"), 200);
    for wrong in ["testkey-0123456789abcdefghik", "TESTKEY-0123456789ABCDEFGHIJ", "alice"] {
        assert_eq!(status(&app, &format!("Bearer {wrong}")), 401, "{wrong}");
        assert_eq!(status(&app, &basic(wrong)), 401, "{wrong}");
    }
    let long = "k".repeat(300);
    assert_eq!(status(&app, &format!("Bearer {long}")), 401);
    // Neither in the query, where logs would have it, nor in a header of its own
    // (`fixtures/wire`, rule A5).
    app.send("PUT", &format!("{GENERATE}?apikey={KEY}"), &[], b"").expect(401);
    app.send("PUT", GENERATE, &[("X-Api-Key", KEY)], b"").expect(401);

    app.clock.advance(Duration::from_mins(1));
    assert_eq!(status(&app, "Bearer short"), 401);
    assert!(app.store.revoke_api_key("one", NOW).await.unwrap());
    assert!(!app.store.revoke_api_key("none", NOW).await.unwrap());
    assert_eq!(status(&app, &format!("Bearer {KEY}")), 401);
    let listed = app.store.api_keys().await.unwrap();
    assert_eq!(listed.len(), 2);
    assert_eq!(listed.iter().filter(|key| key.revoked_at == Some(NOW)).count(), 1);
}

async fn a_disabled_users_keys_are_of_no_use(store: Arc<dyn Store>) {
    populate(&*store).await;
    store.add_api_key(&hash(KEY), &key("one", None)).await.unwrap();
    let app = TestApp::with(store, &[], |app| app);
    assert_eq!(status(&app, &format!("Bearer {KEY}")), 200);
    app.store.disable_user("id-of-alice", NOW).await.unwrap();
    assert_eq!(status(&app, &format!("Bearer {KEY}")), 401);
}

/// Runs the command on an embedded store in that folder.
fn run(folder: &Path, arguments: &[&str], input: &str) -> Output {
    process::output(&mut process::command(folder, arguments), input)
}

#[track_caller]
fn said(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn keys_are_managed_on_the_command_line_and_shown_once() {
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| run(folder.path(), arguments, "secret");
    said(&run(&["users", "add", "alice", "--email", "alice@example.com", "--password-stdin"]));
    let add = ["api-keys", "add", "alice", "--description", "nightly report"];
    let key = said(&run(&add));
    let key = key.trim();
    assert!(key.len() >= 27 && !key.contains(char::is_whitespace), "{key}");
    assert!(!run(&["api-keys", "add", "nobody"]).status.success());
    for wrong in ["tomorrow", "2001-01-01T00:00:00Z"] {
        assert!(!run(&["api-keys", "add", "alice", "--expires", wrong]).status.success());
    }
    said(&run(&["api-keys", "add", "alice", "--expires", "2100-01-01T00:00:00Z"]));
    let list = said(&run(&["api-keys", "list"]));
    assert_eq!(list.lines().count(), 2, "{list}");
    assert!(!list.contains(key) && list.contains("2100-01-01T00:00:00Z"), "{list}");
    let line = list.lines().find(|line| line.ends_with("\tvalid\tnightly report")).unwrap();
    let (id, _) = line.split_once('\t').unwrap();

    let url = format!("sqlite:{}", folder.path().join("foundry.db").display());
    let store = foundry_api::store::open(&url).await.unwrap();
    let user = store.api_key_user(&hash(key), NOW).await.unwrap().unwrap();
    assert_eq!(user.name, "alice");
    said(&run(&["api-keys", "revoke", id]));
    assert!(!run(&["api-keys", "revoke", "none"]).status.success());
    // Another process revoked it, which this one sees within a second.
    tokio::time::sleep(LIFE).await;
    assert!(store.api_key_user(&hash(key), NOW).await.unwrap().is_none());
    assert!(said(&run(&["api-keys", "list"])).contains("\trevoked\tnightly report"));
}

/// Starts the service, waits until it listens, and ends it.
fn start_and_stop(folder: &Path, key: &str) -> (bool, String) {
    use std::io::{BufRead as _, BufReader};
    let mut child = process::command(folder, &[])
        .envs([("FOUNDRY_LISTEN", "127.0.0.1:0"), ("FOUNDRY_JWT_KEY", key)])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let listens = lines.map_while(Result::ok).any(|line| line.contains("Listening on "));
    child.kill().unwrap();
    let output = child.wait_with_output().unwrap();
    (listens, String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn the_embedded_store_makes_a_signing_key_that_only_its_owner_may_read() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("data");
    assert!(start_and_stop(&folder, "").0);
    assert_eq!(folder.metadata().unwrap().permissions().mode() & 0o777, 0o700);
    let file = folder.join("signing.key");
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let key = std::fs::read_to_string(&file).unwrap();
    assert_eq!(BASE64.decode(key.trim().as_bytes()).unwrap().len(), 32);
    assert!(start_and_stop(&folder, "").0);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), key);

    let (listens, log) = start_and_stop(&folder, "c2hvcnQ=");
    assert!(!listens && log.contains("FOUNDRY_JWT_KEY") && !log.contains("c2hvcnQ="), "{log}");
}

crate::on_each_store! {
    a_key_signs_its_user_in_until_it_ends
    a_disabled_users_keys_are_of_no_use
}
