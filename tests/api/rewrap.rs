//! Moving keys to another sealing key, with the program itself, while keys are made and verified; cut
//! off by `kill -9` and started again; and refusing keys that are not what their ids say.
//! `REWRAP_ROWS=100000 tests/run --test api rewrap` does it with as many rows; without the variable it
//! is fewer, so that the tests stay quick.

use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use foundry_api::random::{Random as _, id};
use foundry_api::seal::{Place, Sealed, Sealer};
use foundry_api::store::{self, PendingKey, Store};
use foundry_api::two_factor::Secret;

use crate::authenticator::Client;
use crate::process;
use crate::support::{NOW, SeededRandom, TestApp, new_postgres_database};

const OLD: &str = "test:AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";
const BOTH: &str = "new:AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=,\
                    test:AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";
const NEW: &str = "new:AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=";

/// Of a stale file: other keys under the ids of [`BOTH`].
const STRANGE_NEW: &str = "new:AwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwM=,\
                           test:AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";
const STRANGE_OLD: &str = "new:AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=,\
                           test:AwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwM=";

fn rows() -> usize {
    std::env::var("REWRAP_ROWS").map_or(4000, |rows| rows.parse().unwrap())
}

const INSERT: &str = "INSERT INTO two_factor_keys (organisation_id, user_id, place, serial, key_id, \
    sealing_key_id, sealed, fingerprint, created_at, expires_at) \
    VALUES ('org1', $1, 5, 1, $2, $3, $4, 'print', $5, $5)";

/// Active keys of as many users, each with its own secret, under the old sealing key.
macro_rules! fill {
    ($connection:expr) => {{
        use sqlx::Connection as _;
        let mut connection = $connection;
        let mut transaction = connection.begin().await.unwrap();
        let sealer = Sealer::parse(OLD).unwrap();
        let random = SeededRandom::from(1 << 40);
        for number in 0..rows() {
            let (user, key) = (format!("user{number:07}"), id(&random).unwrap());
            let mut nonce = [0; 12];
            random.fill(&mut nonce).unwrap();
            let place = Place { organisation: "org1", user: &user, key: &key };
            let sealed = sealer.seal(&secret_of(number), nonce, place);
            sqlx::query(INSERT)
                .bind(&user)
                .bind(&key)
                .bind(&sealed.sealing_key)
                .bind(&sealed.bytes)
                .bind(NOW.as_millis())
                .execute(&mut *transaction)
                .await
                .unwrap();
        }
        transaction.commit().await.unwrap();
        connection.close().await.unwrap();
    }};
}

fn secret_of(number: usize) -> Secret {
    let mut bytes = [7; 20];
    bytes[..8].copy_from_slice(&(number as u64).to_be_bytes());
    Secret::from_bytes(bytes)
}

fn command(url: &str, keys: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_foundry-api"));
    command.arg("keys").args(arguments);
    command.env("DATABASE_URL", url).env("FOUNDRY_SEALING_KEYS", keys);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn run(url: &str, keys: &str, arguments: &[&str]) -> (bool, String) {
    process::told(command(url, keys, arguments).output().unwrap())
}

async fn count(store: &dyn Store, id: &str) -> u64 {
    let counts = store.sealing_key_counts().await.unwrap();
    counts.iter().find(|(known, _)| known == id).map_or(0, |(_, count)| *count)
}

/// Lets the rewrap run until it has moved some, and kills it.
async fn kill_in_the_middle(store: &dyn Store, mut child: Child) {
    let total = count(store, "test").await;
    let deadline = Instant::now() + Duration::from_mins(2);
    while count(store, "test").await == total {
        assert!(Instant::now() < deadline, "nothing was moved");
        assert!(child.try_wait().unwrap().is_none(), "it ended before anything was seen moved");
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let left = count(store, "test").await;
    assert!((1..total).contains(&left), "killed too late: {left} of {total} are left");
}

async fn rewrapping_loses_nothing(url: &str) {
    let store = store::open(url).await.unwrap();
    crate::support::populate(&*store).await;
    let app = TestApp::with(store.clone(), &[("FOUNDRY_KEY_RATE", "0")], |mut app| {
        app.sealer = Sealer::parse(BOTH).unwrap();
        app
    });
    let alice = Client::of(&*store, "id-of-alice", "a").await;
    let phone = alice.confirmed(&app);

    let (ok, told) = run(url, BOTH, &["rewrap", "--dry-run"]);
    assert!(ok && told.contains(&format!("{} secrets would be moved to 'new'", rows())), "{told}");
    assert_eq!(count(&*store, "new").await, 1);
    let (ok, told) = run(url, NEW, &["status"]);
    assert!(!ok && told.contains("NOT CONFIGURED"), "{told}");

    let stop = Arc::new(AtomicBool::new(false));
    let made = std::thread::scope(|scope| {
        // A key is made and verified, again and again, while the rows move.
        let working = scope.spawn(|| {
            let mut phone = phone.clone();
            let mut made = 0;
            while !stop.load(Ordering::SeqCst) {
                app.next_step();
                alice.verify(&app, &phone.code(&app)).expect(200);
                let next = alice.enrol(&app);
                alice.verify(&app, &next.code(&app)).expect(200);
                phone = next;
                made += 1;
            }
            made
        });
        let handle = tokio::runtime::Handle::current();
        let moving = || {
            tokio::task::block_in_place(|| {
                handle.block_on(async {
                    let child = command(url, BOTH, &["rewrap"]).spawn().unwrap();
                    kill_in_the_middle(&*store, child).await;
                });
            });
            run(url, BOTH, &["rewrap"])
        };
        let told = std::panic::catch_unwind(std::panic::AssertUnwindSafe(moving));
        stop.store(true, Ordering::SeqCst);
        let made: usize = working.join().unwrap();
        let (ok, told) = told.unwrap();
        assert!(ok, "{told}");
        made
    });
    assert!(made > 0);
    assert_eq!(count(&*store, "test").await, 0);
    let (ok, told) = run(url, NEW, &["status"]);
    assert!(ok, "{told}");
    let sealer = Sealer::parse(NEW).unwrap();
    for number in 0..rows() {
        let user = format!("user{number:07}");
        let keys = store.keys("org1", &user, NOW).await.unwrap();
        let place = Place { organisation: "org1", user: &user, key: &keys[0].id };
        let opened = sealer.open(&keys[0].sealed, place).unwrap();
        assert!(keys.len() == 1 && opened.as_bytes() == secret_of(number).as_bytes());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn rewrapping_loses_nothing_on_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("test.db").display());
    store::open(&url).await.unwrap().migrate().await.unwrap();
    fill!(<sqlx::SqliteConnection as sqlx::Connection>::connect(&url).await.unwrap());
    rewrapping_loses_nothing(&url).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn rewrapping_loses_nothing_on_postgres() {
    let url = new_postgres_database().await;
    store::open(&url).await.unwrap().migrate().await.unwrap();
    fill!(<sqlx::PgConnection as sqlx::Connection>::connect(&url).await.unwrap());
    rewrapping_loses_nothing(&url).await;
}

/// A service with these keys, which has been asked whether it is ready until it knew them: where the
/// database takes too long it has not looked at them.
async fn looked_at(store: &Arc<dyn Store>, keys: &'static str) -> TestApp {
    let app = TestApp::with(store.clone(), &[], |mut app| {
        app.sealer = Sealer::parse(keys).unwrap();
        app
    });
    let known = app.app.sealer.ids().count();
    let deadline = Instant::now() + Duration::from_mins(1);
    while store.canaries().await.unwrap().len() < known {
        assert!(Instant::now() < deadline, "the keys were not looked at");
        app.send("GET", "/health/ready", &[], b"");
    }
    app
}

async fn a_key_that_is_not_the_one_of_its_id_moves_nothing(url: &str) {
    let store = store::open(url).await.unwrap();
    store.migrate().await.unwrap();
    crate::support::populate(&*store).await;
    let alice = Client::of(&*store, "id-of-alice", "a").await;
    let before = looked_at(&store, OLD).await;
    let phone = alice.confirmed(&before);
    drop(before);
    let app = looked_at(&store, BOTH).await;

    for (keys, strange) in [(STRANGE_NEW, "'new'"), (STRANGE_OLD, "'test'")] {
        for arguments in [&["rewrap"][..], &["rewrap", "--dry-run"]] {
            let (ok, told) = run(url, keys, arguments);
            assert!(!ok && told.contains("nothing was moved") && told.contains(strange), "{told}");
            assert!(!told.contains("would be moved"), "{told}");
            assert!(!told.contains("AwMD") && !told.contains("AgIC"), "{told}");
        }
        assert_eq!((count(&*store, "new").await, count(&*store, "test").await), (0, 1));
        let (ok, told) = run(url, keys, &["status"]);
        assert!(!ok && told.contains("NOT THE KEY OF THIS ID") && told.contains(strange), "{told}");
    }
    let (ok, told) = run(url, BOTH, &["status"]);
    assert!(ok && told.contains("test\t1\topens"), "{told}");

    let (ok, told) = run(url, BOTH, &["rewrap"]);
    assert!(ok && told.contains("Moved 1 secrets to 'new'."), "{told}");
    let (ok, told) = run(url, STRANGE_NEW, &["status"]);
    assert!(!ok && told.contains("new\t1\tNOT THE KEY OF THIS ID"), "{told}");
    app.next_step();
    alice.verify(&app, &phone.code(&app)).expect(200);
}

async fn the_first_rewrap_to_a_key_tells_it_from_others_under_its_id(url: &str) {
    let store = store::open(url).await.unwrap();
    store.migrate().await.unwrap();
    crate::support::populate(&*store).await;
    let alice = Client::of(&*store, "id-of-alice", "a").await;
    let app = TestApp::with(store.clone(), &[], |app| app);
    alice.confirmed(&app);
    // What neither this key nor any other opens stays, and is told.
    let torn = PendingKey {
        id: "torn".into(),
        organisation: "org2".into(),
        user: "id-of-alice".into(),
        sealed: Sealed { sealing_key: "test".into(), bytes: vec![7; 48] },
        fingerprint: "0123456789ab".into(),
        created_at: NOW,
        expires_at: NOW.plus(Duration::from_mins(10)),
    };
    store.add_pending_key(torn, crate::audit::event("torn")).await.unwrap();

    let (ok, told) = run(url, BOTH, &["rewrap"]);
    assert!(!ok && told.contains("Moved 1 secrets to 'new'."), "{told}");
    assert!(told.contains("1 secrets do not open with the key that they name"), "{told}");
    assert!(!told.contains("an instance still seals"), "{told}");
    assert_eq!((count(&*store, "new").await, count(&*store, "test").await), (1, 1));
    let (ok, told) = run(url, STRANGE_NEW, &["rewrap"]);
    assert!(!ok && told.contains("nothing was moved") && told.contains("'new'"), "{told}");
    // Of the key that others still seal with it has kept nothing: that is up to them.
    let canaries = store.canaries().await.unwrap();
    let ids: Vec<_> = canaries.iter().map(|canary| &*canary.sealing_key).collect();
    assert_eq!(ids, ["new"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_rewrap_to_a_strange_key_is_refused_on_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    let url = |name: &str| format!("sqlite:{}", folder.path().join(name).display());
    a_key_that_is_not_the_one_of_its_id_moves_nothing(&url("known.db")).await;
    the_first_rewrap_to_a_key_tells_it_from_others_under_its_id(&url("first.db")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_rewrap_to_a_strange_key_is_refused_on_postgres() {
    let url = new_postgres_database().await;
    a_key_that_is_not_the_one_of_its_id_moves_nothing(&url).await;
    let url = new_postgres_database().await;
    the_first_rewrap_to_a_key_tells_it_from_others_under_its_id(&url).await;
}
