//! Users and their memberships, as an operator manages them: with the program's own commands.

use std::io::Write as _;
use std::process::{Command, Stdio};
use std::sync::Arc;

use foundry_api::store::{self, Store};

use crate::support::{PASSWORD, populate};

/// What a command says, and whether it did what it was told.
fn users(url: &str, arguments: &[&str]) -> (bool, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_foundry-api"));
    command.arg("users").args(arguments).env("DATABASE_URL", url);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // One that refuses its arguments does not read it.
    let _unread = child.stdin.take().unwrap().write_all(PASSWORD.as_bytes());
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap() + &String::from_utf8_lossy(&output.stderr);
    (output.status.success(), text)
}

/// A store of its own with the people that there are in every test.
async fn peopled() -> (tempfile::TempDir, String, Arc<dyn Store>) {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("test.db").display());
    let store = store::open(&url).await.unwrap();
    store.migrate().await.unwrap();
    populate(&*store).await;
    (folder, url, store)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn joining_again_keeps_an_administrator_who_is_not_named_one_way_or_the_other() {
    let (_folder, url, store) = peopled().await;
    for (options, administrator) in [
        (&[][..], false),
        (&["--administrator"], true),
        (&[], true),
        (&["--default"], true),
        (&["--no-administrator"], false),
        (&["--default", "--administrator"], true),
        (&["--default", "--no-administrator"], false),
    ] {
        let (done, told) = users(&url, &[&["join", "bob", "org1"], options].concat());
        assert!(done, "{told}");
        // Each time from the database: what another process has changed is known after a second.
        let fresh = store::open(&url).await.unwrap();
        let member = fresh.membership("id-of-bob", "org1", &[]).await.unwrap().unwrap();
        assert_eq!(member.administrator, administrator, "{options:?}");
        fresh.close().await;
    }
    let both = ["join", "bob", "org1", "--administrator", "--no-administrator"];
    assert!(!users(&url, &both).0);
    store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn nobody_is_named_by_the_address_of_somebody_else() {
    let (_folder, url, store) = peopled().await;
    let add =
        |name: &str, email: &str| users(&url, &["add", name, "--email", email, "--password-stdin"]);
    for (name, email) in [
        ("alice@example.com", "evil@example.com"),
        ("ALICE@example.com", "evil@example.com"),
        ("evil", "alice"),
        ("evil", "BOB"),
    ] {
        let (done, told) = add(name, email);
        assert!(!done && told.contains("already"), "{told}");
    }
    assert!(add("carol@example.com", "carol@example.com").0);
    assert_eq!(store.users().await.unwrap().len(), 3);
    store.close().await;
}
