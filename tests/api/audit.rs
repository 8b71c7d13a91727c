//! What is kept of what was done and refused, and how it is printed.

use std::process::Command;
use std::sync::Arc;

use foundry_api::store::{AuditRow, Event, Store};
use serde_json::{Value, json};

use crate::authenticator::{Client, VERIFY, wrong_code};
use crate::support::{self, GENERATE, NOW, TestApp};

const ALICE: &str = "id-of-alice";

/// An audit row for verbs that want one.
pub fn event(id: &str) -> Event {
    support::event(id, ALICE)
}

pub async fn rows(store: &dyn Store, user: Option<&str>) -> Vec<AuditRow> {
    let mut rows = Vec::new();
    let mut each = |row| {
        rows.push(row);
        true
    };
    store.events(user, NOW, &mut each).await.unwrap();
    rows
}

async fn everything_a_signed_in_caller_does_or_is_refused_leaves_one_row(store: Arc<dyn Store>) {
    let app = TestApp::on(store.clone()).await;
    let alice = Client::of(&*store, ALICE, "a").await;
    let other = Client::of(&*store, ALICE, "b").await;
    let body = |value: Value| value;
    let phone = alice.enrol(&app);
    alice.verify(&app, &wrong_code(&app, &[&phone])).expect(400);
    alice.verify(&app, &phone.code(&app)).expect(200);
    other.generate(&app).expect(401);
    alice.put(&app, GENERATE, &body(json!({ "organisationId": "foreign" }))).expect(403);
    alice.put(&app, VERIFY, &body(json!({ "code": "1" }))).expect(400);
    alice.reset(&app, Some("nobody"), "123456").expect(403);
    for _ in 0..5 {
        alice.verify(&app, &wrong_code(&app, &[&phone])).expect(400);
    }
    alice.verify(&app, "123456").expect(429);
    let path = "/json/reply/VerifyTwoFactorAuthenticationCodeRequest";
    app.send("DELETE", path, &[("Authorization", crate::support::ALICE)], b"").expect(405);
    let foreign = ("Origin", "https://evil.example");
    let session = ("Cookie", "ss-id=session-a");
    app.send("PUT", GENERATE, &[session, foreign], b"").expect(403);
    for verb in ["GET", "POST"] {
        app.send(verb, "/auth/logout", &[session, foreign], b"").expect(403);
    }
    // Nobody in particular leaves none.
    app.send("PUT", GENERATE, &[("Cookie", "ss-id=guess"), foreign], b"").expect(401);
    app.send("POST", "/auth/logout", &[foreign], b"").expect(403);
    app.send("PUT", VERIFY, &[], b"").expect(401);
    app.send("PUT", VERIFY, &[("Cookie", "ss-id=guess")], b"").expect(401);

    let (generate, verify) =
        ("GenerateTwoFactorAuthenticationKeyRequest", "VerifyTwoFactorAuthenticationCodeRequest");
    let mut expected = vec![
        ("Authenticate", "ok", "", false),
        ("Authenticate", "ok", "", false),
        (generate, "ok", "org1", true),
        (verify, "InvalidCode", "org1", false),
        (verify, "Confirmed", "org1", true),
        (generate, "TwoFactorRequired", "org1", false),
        (generate, "Forbidden", "foreign", false),
        (generate, "Forbidden", "", false),
        ("Authenticate", "Forbidden", "", false),
        ("Authenticate", "Forbidden", "", false),
        (verify, "InvalidCode", "", false),
        ("ResetTwoFactorAuthenticationRequest", "Forbidden", "org1", false),
        (verify, "TooManyRequests", "org1", false),
        (verify, "NotImplementedException", "", false),
    ];
    expected.extend([(verify, "InvalidCode", "org1", false); 5]);
    let kept = rows(&*store, Some(ALICE)).await;
    let mut seen: Vec<(&str, &str, &str, bool)> = kept
        .iter()
        .map(|row| (&*row.action, &*row.outcome, &*row.organisation, row.fingerprint.is_some()))
        .collect();
    seen.sort_unstable();
    expected.sort_unstable();
    assert_eq!(seen, expected);
    assert!(kept.iter().all(|row| row.user_name.as_deref() == Some("alice")));
    assert!(kept.iter().all(|row| row.address == "127.0.0.1" && !row.request_id.is_empty()));
    // The same key is recognised by its fingerprint when it is made and when it is confirmed.
    let mut prints: Vec<_> = kept.iter().filter_map(|row| row.fingerprint.clone()).collect();
    prints.dedup();
    assert_eq!(prints.len(), 1);
    assert_eq!(rows(&*store, None).await.len(), kept.len());
    assert!(rows(&*store, Some("id-of-bob")).await.is_empty());
}

async fn a_reset_names_whose_keys_it_was_about_and_the_one_that_it_removed(store: Arc<dyn Store>) {
    const BOB: &str = "id-of-bob";
    let app = TestApp::on(store.clone()).await;
    store.join(BOB, "org1", true, Some(true), NOW).await.unwrap();
    store.add_user(&crate::support::user("carol"), &["org2".to_owned()], NOW).await.unwrap();
    let alice = Client::of(&*store, ALICE, "a").await;
    let bob = Client::of(&*store, BOB, "b").await;
    let (hers, his) = (alice.confirmed(&app), bob.confirmed(&app));
    let her_print = store.keys("org1", ALICE, NOW).await.unwrap().remove(0).fingerprint;
    let his_print = store.keys("org1", BOB, NOW).await.unwrap().remove(0).fingerprint;
    app.next_step();
    // Who is no member is not named: that would be a text that the caller made up.
    alice.reset(&app, Some(BOB), &hers.code(&app)).expect(403);
    for stranger in ["id-of-carol", "nobody"] {
        bob.reset(&app, Some(stranger), &his.code(&app)).expect(403);
    }
    bob.reset(&app, Some(ALICE), &hers.code(&app)).expect(400);
    // Her keys, and once more, where there are none.
    for _ in 0..2 {
        bob.reset(&app, Some(ALICE), &his.code(&app)).expect(200);
        app.next_step();
    }
    let code = his.code(&app);
    // Of a batch each is about its own.
    let batch = json!([{ "targetUserId": ALICE, "callerCode": code }, { "callerCode": "1" }]);
    let path = "/json/reply/ResetTwoFactorAuthenticationRequest[]";
    bob.put(&app, path, &batch).expect(400);
    app.next_step();
    bob.reset(&app, Some(BOB), &his.code(&app)).expect(200);

    let (hers, his) = (Some(&*her_print), Some(&*his_print));
    let mut expected = vec![
        (ALICE, Some(BOB), Some("bob"), "org1", "Forbidden", None),
        (BOB, None, None, "org1", "Forbidden", None),
        (BOB, None, None, "org1", "Forbidden", None),
        (BOB, Some(ALICE), Some("alice"), "org1", "InvalidCode", None),
        (BOB, Some(ALICE), Some("alice"), "org1", "ok", hers),
        (BOB, Some(ALICE), Some("alice"), "org1", "ok", None),
        (BOB, Some(ALICE), Some("alice"), "org1", "ok", None),
        (BOB, None, None, "", "InvalidCode", None),
        (BOB, None, None, "org1", "ok", his),
    ];
    let mut kept = rows(&*store, None).await;
    kept.retain(|row| row.action == "ResetTwoFactorAuthenticationRequest");
    let mut seen: Vec<_> = kept
        .iter()
        .map(|row| {
            let (target, name) = (row.target.as_deref(), row.target_name.as_deref());
            let print = row.fingerprint.as_deref();
            (&*row.user, target, name, &*row.organisation, &*row.outcome, print)
        })
        .collect();
    seen.sort_unstable();
    expected.sort_unstable();
    assert_eq!(seen, expected);
    let mut about_her = rows(&*store, Some(ALICE)).await;
    about_her.retain(|row| row.target.as_deref() == Some(ALICE));
    assert_eq!(about_her.len(), 4, "what others did to her is found by her");
    // Only of keys of others it says whose they are.
    let others = rows(&*store, None).await.into_iter().filter(|row| row.target.is_some()).count();
    assert_eq!(others, 5);
}

crate::on_each_store! {
    everything_a_signed_in_caller_does_or_is_refused_leaves_one_row
    a_reset_names_whose_keys_it_was_about_and_the_one_that_it_removed
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn what_a_client_sent_stays_in_its_column_of_the_table() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("test.db").display());
    let store = foundry_api::store::open(&url).await.unwrap();
    store.migrate().await.unwrap();
    let sent = [
        ("org  Reset  ok", "org \\u{20}Reset \\u{20}ok"),
        (" org ", "\\u{20}org\\u{20}"),
        ("org\u{A0}\u{3000}x", "org\\u{a0}\\u{3000}x"),
        ("org\u{3164}\u{2800}x", "org\\u{3164}\\u{2800}x"),
        ("a\u{202E}b\u{2066}c\u{200D}d", "a\\u{202e}b\\u{2066}c\\u{200d}d"),
        ("a\u{2028}b\u{85}c\nd", "a\\u{2028}b\\u{85}c\\nd"),
        ("\u{301}a", "\\u{301}a"),
        ("Müller's \"e\u{301}\" สมชาย", "Müller's \"e\u{301}\" สมชาย"),
    ];
    for (id, (organisation, _)) in sent.iter().enumerate() {
        let organisation = (*organisation).to_owned();
        let at = NOW.plus(std::time::Duration::from_secs(id as u64));
        store.record(&Event { organisation, at, ..event(&id.to_string()) }).await.unwrap();
    }
    store.close().await;
    let table = audit(&url, &[]);
    assert_eq!(table.lines().count(), sent.len() + 1, "{table}");
    for (line, (_, shown)) in table.lines().skip(1).zip(&sent) {
        let columns: Vec<_> = line.split("  ").filter(|cell| !cell.trim().is_empty()).collect();
        assert_eq!(columns.len(), 9, "{line}");
        assert_eq!(columns[2].trim(), *shown, "{line}");
    }
    let lines = audit(&url, &["--json"]);
    for (line, (organisation, _)) in lines.lines().zip(&sent) {
        let row: Value = serde_json::from_str(line).unwrap();
        assert_eq!(row["organisation"], *organisation);
    }
}

fn audit(url: &str, arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_foundry-api"))
        .arg("audit")
        .args(arguments)
        .env("DATABASE_URL", url)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_command_prints_a_table_or_json_lines_of_whom_and_since_when() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("test.db").display());
    let store = foundry_api::store::open(&url).await.unwrap();
    store.migrate().await.unwrap();
    crate::support::populate(&*store).await;
    store.record(&event("1")).await.unwrap();
    let odd = "nobody\u{1b}[2J";
    let later = NOW.plus(std::time::Duration::from_mins(1));
    let strange = Event { user: odd.into(), at: later, ..event("2") };
    store.record(&strange).await.unwrap();
    let reset = Event { user: "id-of-bob".into(), target: Some(ALICE.into()), ..event("3") };
    store.record(&reset).await.unwrap();
    store.close().await;

    let table = audit(&url, &[]);
    assert_eq!(table.lines().count(), 4, "{table}");
    assert!(table.contains("nobody\\u{1b}[2J"), "{table}");
    assert!(table.lines().nth(1).unwrap().contains("alice"), "{table}");
    assert!(!table.contains('\u{1b}'), "{table}");
    let lines = audit(&url, &["--user", "alice", "--json"]);
    let (hers, to_her) = lines.trim_end().split_once('\n').unwrap();
    let row: Value = serde_json::from_str(hers).unwrap();
    assert_eq!(row["at"], "2026-11-18T11:06:40Z");
    assert_eq!((&row["userName"], &row["action"]), (&json!("alice"), &json!("Test")));
    assert_eq!((&row["target"], &row["targetName"]), (&Value::Null, &Value::Null));
    let row: Value = serde_json::from_str(to_her).unwrap();
    assert_eq!((&row["user"], &row["userName"]), (&json!("id-of-bob"), &json!("bob")));
    assert_eq!((&row["target"], &row["targetName"]), (&json!(ALICE), &json!("alice")));
    let table = audit(&url, &["--user", "bob"]);
    let columns: Vec<_> = table.lines().nth(1).unwrap().split_whitespace().collect();
    assert_eq!(columns[1..6], ["bob", "org1", "Test", "alice", "ok"], "{table}");
    let lines = audit(&url, &["--since", "2026-11-18T11:07:00Z", "--json"]);
    let row: Value = serde_json::from_str(lines.trim_end()).unwrap();
    assert_eq!((&row["user"], &row["userName"]), (&json!(odd), &Value::Null));
    assert_eq!(audit(&url, &["--since", "2027-01-01T00:00:00Z", "--json"]), "");
}
