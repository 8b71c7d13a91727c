//! Moving keys to another sealing key, with the program itself, while keys are made and verified; cut
//! off by `kill -9` and started again. `REWRAP_ROWS=100000 tests/run --test api rewrap` does it with
//! as many rows; without the variable it is fewer, so that the tests stay quick.

use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use foundry_api::random::{Random as _, id};
use foundry_api::seal::{Place, Sealer};
use foundry_api::store::{self, Store};
use foundry_api::two_factor::Secret;

use crate::authenticator::Client;
use crate::support::{NOW, SeededRandom, TestApp, new_postgres_database};

const OLD: &str = "test:AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";
const BOTH: &str = "new:AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=,\
                    test:AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";
const NEW: &str = "new:AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=";

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
    let output = command(url, keys, arguments).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap() + &String::from_utf8_lossy(&output.stderr);
    (output.status.success(), text)
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
