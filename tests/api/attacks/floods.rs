//! Keeping others from being signed in: by many requests, or by many wrong passwords.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use foundry_api::auth::password;

use super::basic;
use crate::support::{
    ALICE, BOB, GENERATE, Log, PASSWORD, Reply, SeededRandom, TestApp, memory, populate,
};

/// A service that hears from its clients through a proxy.
async fn start() -> TestApp {
    let store = memory().await;
    populate(&*store).await;
    TestApp::with(store, &[("FOUNDRY_TRUSTED_PROXIES", "127.0.0.1")], |app| app)
}

fn put(app: &TestApp, from: &str, authorization: &str, id: &str) -> Reply {
    let headers =
        [("X-Forwarded-For", from), ("Authorization", authorization), ("X-Request-Id", id)];
    app.send("PUT", GENERATE, &headers, b"")
}

const HERE: &str = "192.0.2.1";
const THERE: &str = "192.0.2.2";

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn one_address_that_sends_as_much_as_it_can_keeps_nobody_else_out() {
    let log = Log::catch();
    let app = start().await;
    let (over, sent_away) = (AtomicBool::new(false), AtomicUsize::new(0));
    let flood = || {
        let same = basic("nobody", "the same");
        while !over.load(Ordering::Relaxed) {
            let reply = put(&app, HERE, &same, "flood-of-passwords");
            sent_away.fetch_add(usize::from(reply.status != 401), Ordering::Relaxed);
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..80 {
            scope.spawn(flood);
        }
        let others: Vec<u16> = (0..20)
            .map(|number| {
                std::thread::sleep(Duration::from_millis(50));
                let own = basic(&format!("user{number}"), "wrong");
                put(&app, THERE, &own, "other").status
            })
            .collect();
        let right = put(&app, THERE, ALICE, "other").status;
        over.store(true, Ordering::Relaxed);
        assert_eq!(others, [401; 20]);
        assert_eq!(right, 200);
    });
    assert!(sent_away.load(Ordering::Relaxed) > 0, "it was looked at each time");
    let text = log.text();
    assert!(text.contains("flood-of-passwords"), "nothing was caught");
    let loud = |line: &&str| line.contains("flood-of-passwords") && line.contains("ERROR");
    assert_eq!(text.lines().find(loud), None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn an_old_password_goes_on_being_looked_at_and_is_taken_when_it_is_right() {
    let app = start().await;
    let looked_at = |name: &str| {
        app.clock.advance(Duration::from_mins(5));
        let old = basic(name, "old");
        let mut replies = (0..20).map(|_| put(&app, HERE, &old, "a"));
        let looked_at = replies.position(|reply| reply.status != 401).unwrap();
        let refused = put(&app, HERE, &old, "a").expect(429);
        assert_eq!(refused.header("Retry-After"), Some("30"));
        looked_at
    };
    let [bob, nobody] = ["bob", "nobody"].map(looked_at);
    assert_eq!([bob, nobody], [11; 2], "the first one, and ten more");
    // Nobody else there has to wait.
    put(&app, HERE, ALICE, "a").expect(200);
    put(&app, HERE, &basic("carol", "wrong"), "a").expect(401);
    // Once a second is often enough to be asked for the new password.
    app.clock.advance(Duration::from_secs(30));
    for _ in 0..20 {
        app.clock.advance(Duration::from_secs(1));
        put(&app, HERE, &basic("bob", "old"), "a").expect(401);
    }
    let old = password::hash("old", &SeededRandom::default()).unwrap();
    app.store.set_password("id-of-bob", &old).await.unwrap();
    // Who has no default organisation.
    put(&app, HERE, &basic("bob", "old"), "a").expect(400);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_password_that_is_longer_than_any_is_nobodys_and_counts_for_nobody() {
    let app = start().await;
    let long = "x".repeat(password::PASSWORD_MAX + 1);
    let wrong = put(&app, HERE, &basic("alice", "wrong"), "a").expect(401);
    for number in 0..60 {
        let name = if number % 2 == 0 { "alice" } else { &format!("user{number}") };
        let refused = put(&app, HERE, &basic(name, &format!("{long}{number}")), "a").expect(401);
        assert_eq!((&refused.reason, &refused.bytes), (&wrong.reason, &wrong.bytes));
    }
    put(&app, HERE, &basic("bob", &long[1..]), "a").expect(401);
    put(&app, HERE, ALICE, "a").expect(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn who_was_signed_in_from_an_address_does_not_wait_for_the_guesses_of_others_there() {
    let app = start().await;
    put(&app, HERE, ALICE, "a").expect(200);
    for number in 0..51 {
        put(&app, HERE, &basic(&format!("user{number}"), "wrong"), "a");
    }
    put(&app, HERE, BOB, "a").expect(429);
    put(&app, THERE, BOB, "a").expect(400);
    put(&app, HERE, ALICE, "a").expect(200);
    // By another name and with another password that is: this one is looked at.
    put(&app, HERE, &basic("alice@example.com", PASSWORD), "a").expect(200);
    put(&app, HERE, &basic("alice", "wrong"), "a").expect(401);
}
