//! Users and their memberships, as an operator manages them: with the program's own commands, beside a
//! service that runs.

use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use foundry_api::auth::password;
use foundry_api::store::{self, Store};

use crate::process;
use crate::support::{ALICE, GENERATE, PASSWORD, SeededRandom, TestApp, populate};

/// What a command says, and whether it did what it was told.
fn users(url: &str, arguments: &[&str]) -> (bool, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_foundry-api"));
    command.arg("users").args(arguments).env("DATABASE_URL", url);
    process::told(process::output(&mut command, PASSWORD))
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

/// What another process has changed holds on every instance after that.
const EVERYWHERE_AFTER: Duration = Duration::from_millis(1_050);

/// A service on the database that `url` names, with the people that there are in every test.
async fn service(url: &str) -> TestApp {
    let store = store::open(url).await.unwrap();
    store.migrate().await.unwrap();
    TestApp::on(store).await
}

async fn whoever_leaves_an_organisation_has_left_it_within_a_second(url: &str) {
    const FIRST: &str = "{\"organisationId\":\"org1\"}";
    let app = service(url).await;
    let ask = |body: &str| app.generate(&[("Content-Type", "application/json")], body);
    ask(FIRST).expect(200);
    ask("").expect(200);
    let (done, told) = users(url, &["leave", "alice", "org1"]);
    assert!(done && told.contains("no default organisation"), "{told}");
    tokio::time::sleep(EVERYWHERE_AFTER).await;
    let refused = ask(FIRST).expect(403);
    assert_eq!(refused.json()["responseStatus"]["errors"][0]["fieldName"], "OrganisationId");
    // It was the default one. Nobody chose another.
    let unnamed = ask("").expect(400);
    assert_eq!(unnamed.json()["responseStatus"]["errorCode"], "ValidationException");
    ask("{\"organisationId\":\"org2\"}").expect(200);
    let (_, list) = users(url, &["list"]);
    assert!(list.contains("alice\talice@example.com\t-\tenabled\t"), "{list}");

    for organisation in ["org1", "foreign", "unknown"] {
        let (done, told) = users(url, &["leave", "alice", organisation]);
        assert!(!done && told.contains("is no member of"), "{told}");
    }
    assert!(users(url, &["join", "alice", "org1", "--default"]).0);
    assert_eq!(users(url, &["leave", "alice", "org2"]).1, "alice is no member of org2 any more.\n");
    tokio::time::sleep(EVERYWHERE_AFTER).await;
    ask("").expect(200);
    ask("{\"organisationId\":\"org2\"}").expect(403);
}

async fn whoever_was_disabled_is_enabled_again(url: &str) {
    let app = service(url).await;
    app.generate(&[], "").expect(200);
    let passwd = ["passwd", "alice", "--password-stdin"];
    assert_eq!(users(url, &passwd).1, "Changed the password of alice.\n");
    assert!(users(url, &["disable", "alice"]).0);
    tokio::time::sleep(EVERYWHERE_AFTER).await;
    app.generate(&[], "").expect(401);
    // A password by itself lets nobody in.
    let (done, told) = users(url, &passwd);
    assert!(done && told.contains("stays disabled"), "{told}");
    tokio::time::sleep(EVERYWHERE_AFTER).await;
    app.generate(&[], "").expect(401);
    assert_eq!(users(url, &["enable", "alice"]), (true, "Enabled alice.\n".into()));
    tokio::time::sleep(EVERYWHERE_AFTER).await;
    app.generate(&[], "").expect(200);
    assert!(!users(url, &["enable", "nobody"]).0);
}

crate::on_each_database! {
    whoever_leaves_an_organisation_has_left_it_within_a_second
    whoever_was_disabled_is_enabled_again
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_password_that_was_set_elsewhere_is_taken_at_once() {
    let (_folder, url, store) = peopled().await;
    let app = TestApp::with(store.clone(), &[], |app| app);
    let put = |credentials: &str| app.send("PUT", GENERATE, &[("Authorization", credentials)], b"");
    let other = password::hash("another", &SeededRandom::default()).unwrap();
    store.set_password("id-of-alice", &other).await.unwrap();
    // The service knows her by now, with the password that she has now.
    put(ALICE).expect(401);
    let (done, told) = users(&url, &["passwd", "alice", "--password-stdin"]);
    assert!(done, "{told}");
    put(ALICE).expect(200);
    store.close().await;
}
