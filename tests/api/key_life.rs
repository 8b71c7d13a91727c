//! A key's life as its owner meets it: confirmed, checked, locked, replaced, reset.

use std::sync::Arc;
use std::time::Duration;

use foundry_api::clock::Clock as _;
use foundry_api::seal::Sealer;
use foundry_api::store::{KeyState, Store};
use serde_json::{Value, json};

use crate::authenticator::{Authenticator, Client, RESET, VERIFY, refusal, wrong_code};
use crate::support::{GENERATE, Log, NOW, SEALING_KEYS, SeededRandom, TestApp};

const ALICE: &str = "id-of-alice";

async fn a_key_is_pending_until_a_code_confirms_it_and_each_step_counts_once(
    store: Arc<dyn Store>,
) {
    let app = TestApp::on(store.clone()).await;
    let alice = Client::of(&*store, ALICE, "a").await;
    let phone = alice.enrol(&app);
    let first = phone.code(&app);
    assert_eq!(alice.verify(&app, &first).expect(200).json(), json!({ "status": "Confirmed" }));
    let kept = store.keys("org1", ALICE, NOW).await.unwrap();
    assert_eq!(kept.len(), 1);
    assert_eq!(kept[0].state, KeyState::Active);

    let message = refusal(alice.verify(&app, &first), 400, "InvalidCode");
    assert!(message.contains("used before"), "{message}");
    app.next_step();
    let second = phone.code(&app);
    assert_eq!(alice.verify(&app, &second).expect(200).json(), json!({ "status": "Verified" }));
    refusal(alice.verify(&app, &second), 400, "InvalidCode");
    // The step before is within the window, but steps only go forward.
    refusal(alice.verify(&app, &first), 400, "InvalidCode");
}

async fn codes_of_the_steps_beside_now_count_and_no_others(store: Arc<dyn Store>) {
    let app = TestApp::on(store.clone()).await;
    let alice = Client::of(&*store, ALICE, "a").await;
    let phone = alice.confirmed(&app);
    app.clock.advance(Duration::from_hours(1));
    let now = app.clock.now();
    let (early, late) = (Duration::from_secs(30), Duration::from_mins(1));
    refusal(alice.verify(&app, &phone.code_at(now.minus(late))), 400, "InvalidCode");
    refusal(alice.verify(&app, &phone.code_at(now.plus(late))), 400, "InvalidCode");
    alice.verify(&app, &phone.code_at(now.minus(early))).expect(200);
    alice.verify(&app, &phone.code_at(now.plus(early))).expect(200);
    // Now a later step was used.
    refusal(alice.verify(&app, &phone.code_at(now)), 400, "InvalidCode");
}

async fn what_is_not_six_digits_is_refused_and_not_counted(store: Arc<dyn Store>) {
    let app = TestApp::on(store.clone()).await;
    let alice = Client::of(&*store, ALICE, "a").await;
    let phone = alice.enrol(&app);
    let code = phone.code(&app);
    for text in [
        format!(" {code}"),
        format!("{code} "),
        format!("{code}\n"),
        code[..5].to_owned(),
        format!("{code}0"),
        "１２３４５６".to_owned(),
        "+12345".to_owned(),
    ] {
        refusal(alice.verify(&app, &text), 400, "InvalidCode");
        refusal(alice.reset(&app, None, &text), 400, "InvalidCode");
    }
    for (path, field) in [(VERIFY, "Code"), (RESET, "CallerCode")] {
        let reply = alice.put(&app, path, &json!({})).expect(400).json();
        assert_eq!(reply["responseStatus"]["errorCode"], "ValidationException");
        assert_eq!(reply["responseStatus"]["errors"][0]["fieldName"], field);
    }
    alice.verify(&app, &code).expect(200);
}

async fn five_wrong_codes_lock_for_longer_each_time_until_a_good_one(store: Arc<dyn Store>) {
    let app = TestApp::on(store.clone()).await;
    let alice = Client::of(&*store, ALICE, "a").await;
    let phone = alice.confirmed(&app);
    for lock in [30, 60, 120, 240, 480, 900, 900] {
        let wrong = wrong_code(&app, &[&phone]);
        for _ in 0..5 {
            refusal(alice.verify(&app, &wrong), 400, "InvalidCode");
        }
        for _ in 0..3 {
            let reply = alice.verify(&app, &phone.code(&app));
            assert_eq!(reply.header("Retry-After"), Some(&*lock.to_string()));
            refusal(reply, 429, "TooManyRequests");
        }
        // One lock for both operations.
        refusal(alice.reset(&app, None, &phone.code(&app)), 429, "TooManyRequests");
        app.clock.advance(Duration::from_millis(lock * 1000 - 1));
        refusal(alice.verify(&app, &phone.code(&app)), 429, "TooManyRequests");
        app.clock.advance(Duration::from_millis(1));
    }
    alice.verify(&app, &phone.code(&app)).expect(200);
    let wrong = wrong_code(&app, &[&phone]);
    for _ in 0..5 {
        refusal(alice.verify(&app, &wrong), 400, "InvalidCode");
    }
    assert_eq!(alice.verify(&app, &wrong).expect(429).header("Retry-After"), Some("30"));
}

async fn the_count_and_the_used_steps_are_known_to_every_instance(store: Arc<dyn Store>) {
    let app = TestApp::on(store.clone()).await;
    let another = |seed| {
        TestApp::with(store.clone(), &[], |mut app| {
            app.random = Arc::new(SeededRandom::from(seed));
            app
        })
    };
    let alice = Client::of(&*store, ALICE, "a").await;
    let phone = alice.confirmed(&app);
    let code = phone.code(&app);
    let (second, third) = (another(1_000_000), another(2_000_000));
    for _ in 0..5 {
        refusal(alice.verify(&second, &code), 400, "InvalidCode");
    }
    refusal(alice.verify(&third, &code), 429, "TooManyRequests");
    refusal(alice.verify(&app, &code), 429, "TooManyRequests");
}

async fn the_active_key_works_until_another_is_confirmed(store: Arc<dyn Store>) {
    let app = TestApp::on(store.clone()).await;
    let alice = Client::of(&*store, ALICE, "a").await;
    let old = alice.confirmed(&app);
    let (unused, new) = (alice.enrol(&app), alice.enrol(&app));
    app.next_step();
    assert_eq!(alice.verify(&app, &old.code(&app)).expect(200).json()["status"], "Verified");
    // The same step as the old key's code: another key's code is another code.
    assert_eq!(alice.verify(&app, &new.code(&app)).expect(200).json()["status"], "Confirmed");
    app.next_step();
    refusal(alice.verify(&app, &old.code(&app)), 400, "InvalidCode");
    refusal(alice.verify(&app, &unused.code(&app)), 400, "InvalidCode");
    assert_eq!(alice.verify(&app, &new.code(&app)).expect(200).json()["status"], "Verified");
}

async fn with_an_active_key_a_new_one_wants_a_code_of_the_same_session(store: Arc<dyn Store>) {
    let app = TestApp::on(store.clone()).await;
    let alice = Client::of(&*store, ALICE, "a").await;
    let other = Client::of(&*store, ALICE, "b").await;
    let phone = alice.confirmed(&app);
    alice.generate(&app).expect(200);
    let message = refusal(other.generate(&app), 401, "TwoFactorRequired");
    assert!(message.contains("Verify a code"), "{message}");
    // Another organisation has keys of its own.
    other.put(&app, GENERATE, &json!({ "organisationId": "org2" })).expect(200);
    app.clock.advance(Duration::from_secs(599));
    alice.generate(&app).expect(200);
    app.clock.advance(Duration::from_secs(1));
    refusal(alice.generate(&app), 401, "TwoFactorRequired");
    alice.verify(&app, &phone.code(&app)).expect(200);
    alice.generate(&app).expect(200);
    refusal(other.generate(&app), 401, "TwoFactorRequired");
}

async fn a_code_that_is_sent_with_a_password_proves_nothing_to_whoever_has_only_that(
    store: Arc<dyn Store>,
) {
    let app = TestApp::on(store.clone()).await;
    let put = |path: &str, body: Value| {
        let json = ("Content-Type", "application/json");
        let headers = [("Authorization", crate::support::ALICE), json];
        app.send("PUT", path, &headers, body.to_string().as_bytes())
    };
    let generate = || put(GENERATE, json!({}));
    let verify = |phone: &Authenticator| {
        let reply = put(VERIFY, json!({ "code": phone.code(&app) })).expect(200);
        reply.json()["status"].as_str().unwrap().to_owned()
    };
    let phone = Authenticator::scan(&generate().expect(200).uri());
    assert_eq!(verify(&phone), "Confirmed");
    let message = refusal(generate(), 401, "TwoFactorRequired");
    assert!(message.contains("session"), "{message}");
    app.next_step();
    assert_eq!(verify(&phone), "Verified");
    refusal(generate(), 401, "TwoFactorRequired");
    // The owner signs in; what that session proves is its own.
    app.next_step();
    let alice = Client::of(&*store, ALICE, "a").await;
    alice.verify(&app, &phone.code(&app)).expect(200);
    alice.generate(&app).expect(200);
    refusal(generate(), 401, "TwoFactorRequired");
    // Whoever has both factors gets rid of a key without a session.
    app.next_step();
    put(RESET, json!({ "callerCode": phone.code(&app) })).expect(200);
    generate().expect(200);
}

async fn a_key_that_was_asked_for_while_another_was_confirmed_does_not_count(
    store: Arc<dyn Store>,
) {
    let app = TestApp::on(store.clone()).await;
    let alice = Client::of(&*store, ALICE, "a").await;
    let phone = alice.enrol(&app);
    // What a thief's request has written that saw no active key and came to its write last.
    let thiefs = alice.enrol(&app);
    let kept = store.keys("org1", ALICE, NOW).await.unwrap().remove(0);
    alice.verify(&app, &phone.code(&app)).expect(200);
    let late = foundry_api::store::PendingKey {
        id: kept.id,
        organisation: "org1".into(),
        user: ALICE.into(),
        sealed: kept.sealed,
        fingerprint: kept.fingerprint,
        created_at: NOW,
        expires_at: kept.expires_at,
    };
    let event = crate::audit::event("late");
    store.add_pending_key(late.clone(), event.clone()).await.unwrap();
    refusal(alice.verify(&app, &thiefs.code(&app)), 400, "InvalidCode");
    app.next_step();
    assert_eq!(alice.verify(&app, &phone.code(&app)).expect(200).json()["status"], "Verified");
}

async fn whoever_may_make_a_key_is_told_why_a_code_is_wrong(store: Arc<dyn Store>) {
    let app = TestApp::on(store.clone()).await;
    let alice = Client::of(&*store, ALICE, "a").await;
    let message = refusal(alice.verify(&app, "123456"), 400, "InvalidCode");
    assert!(message.contains("no two-factor key"), "{message}");
    let phone = alice.enrol(&app);
    for (ahead, said) in [(true, "90 seconds fast"), (false, "300 seconds slow")] {
        let at = if ahead {
            app.clock.now().plus(Duration::from_secs(90))
        } else {
            app.clock.now().minus(Duration::from_mins(5))
        };
        let message = refusal(alice.verify(&app, &phone.code_at(at)), 400, "InvalidCode");
        assert!(message.contains(said), "{message}");
    }
    app.clock.advance(Duration::from_secs(601));
    let newer = alice.enrol(&app);
    let message = refusal(alice.verify(&app, &phone.code(&app)), 400, "InvalidCode");
    assert!(message.contains("older QR code"), "{message}");
    alice.verify(&app, &newer.code(&app)).expect(200);

    // Somebody else in a session of hers: the same codes, and nothing told.
    let newest = alice.enrol(&app);
    let other = Client::of(&*store, ALICE, "b").await;
    let ahead = app.clock.now().plus(Duration::from_secs(90));
    let told = refusal(other.verify(&app, &newest.code_at(ahead)), 400, "InvalidCode");
    let used = refusal(other.verify(&app, &newer.code(&app)), 400, "InvalidCode");
    assert_eq!((&*told, &*used), ("The code is wrong.", "The code is wrong."));
}

async fn the_clock_is_told_to_be_off_for_each_key_that_can_be_confirmed(store: Arc<dyn Store>) {
    let app = TestApp::on(store.clone()).await;
    let alice = Client::of(&*store, ALICE, "a").await;
    let phones: Vec<Authenticator> = (0..7).map(|_| alice.enrol(&app)).collect();
    let ahead = app.clock.now().plus(Duration::from_secs(90));
    for phone in &phones[2..] {
        let message = refusal(alice.verify(&app, &phone.code_at(ahead)), 400, "InvalidCode");
        assert!(message.contains("90 seconds fast"), "{message}");
    }
}

async fn a_key_that_does_not_open_does_not_take_the_others_with_it(store: Arc<dyn Store>) {
    let log = Log::catch();
    let app = TestApp::on(store.clone()).await;
    let with = |seed, keys: String| {
        TestApp::with(store.clone(), &[], |mut app| {
            app.sealer = Sealer::parse(&keys).unwrap();
            app.random = Arc::new(SeededRandom::from(seed));
            app
        })
    };
    let lost = "lost:AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=";
    let rotated = with(1_000_000, format!("{lost},{SEALING_KEYS}"));
    let alice = Client::of(&*store, ALICE, "a").await;
    let phone = alice.confirmed(&app);
    let unopened = alice.enrol(&rotated);

    // The new sealing key is taken away again, and one pending key with it.
    app.next_step();
    assert_eq!(alice.verify(&app, &phone.code(&app)).expect(200).json()["status"], "Verified");
    let passed_over = "a two-factor key was passed over";
    let text = log.text();
    let mut lines = text.lines().filter(|line| line.contains(passed_over));
    assert!(lines.any(|line| line.contains("ERROR") && line.contains("'lost'")), "{text}");
    for _ in 0..5 {
        let message = refusal(alice.verify(&app, &unopened.code(&app)), 400, "InvalidCode");
        assert!(message.contains("cannot be checked"), "{message}");
    }
    // What could be guessed at is guarded all the same.
    refusal(alice.verify(&app, &unopened.code(&app)), 429, "TooManyRequests");
    app.next_step();
    let other = alice.enrol(&app);
    assert_eq!(alice.verify(&app, &other.code(&app)).expect(200).json()["status"], "Confirmed");

    // Without any key that opens there is nothing to guess, and nobody is locked out.
    let without = with(2_000_000, lost.to_owned());
    for _ in 0..6 {
        refusal(alice.verify(&without, "123456"), 500, "InternalServerError");
    }
    app.next_step();
    alice.verify(&app, &other.code(&app)).expect(200);
}

async fn an_expired_key_confirms_nothing(store: Arc<dyn Store>) {
    let app = TestApp::on(store.clone()).await;
    let alice = Client::of(&*store, ALICE, "a").await;
    let phone = alice.enrol(&app);
    app.clock.advance(Duration::from_mins(10));
    refusal(alice.verify(&app, &phone.code(&app)), 400, "InvalidCode");
    let phone = alice.enrol(&app);
    app.clock.advance(Duration::from_secs(599));
    alice.verify(&app, &phone.code(&app)).expect(200);
}

async fn a_reset_wants_a_fresh_code_removes_all_keys_and_ends_all_sessions(store: Arc<dyn Store>) {
    let app = TestApp::on(store.clone()).await;
    let alice = Client::of(&*store, ALICE, "a").await;
    let other = Client::of(&*store, ALICE, "b").await;
    let pending = alice.enrol(&app);
    let message = refusal(alice.reset(&app, None, &pending.code(&app)), 400, "InvalidCode");
    assert!(message.contains("no confirmed"), "{message}");
    let phone = alice.confirmed(&app);
    // Used up by the confirmation.
    refusal(alice.reset(&app, None, &phone.code(&app)), 400, "InvalidCode");
    app.next_step();
    assert_eq!(alice.reset(&app, None, &phone.code(&app)).expect(200).json(), json!({}));
    assert!(store.keys("org1", ALICE, NOW).await.unwrap().is_empty());
    alice.generate(&app).expect(401);
    other.generate(&app).expect(401);
    let again = Client::of(&*store, ALICE, "c").await;
    again.confirmed(&app);
}

async fn an_administrator_resets_a_member_and_nobody_else_does(store: Arc<dyn Store>) {
    let app = TestApp::on(store.clone()).await;
    store.join("id-of-bob", "org1", true, Some(true), NOW).await.unwrap();
    let carol = crate::support::user("carol");
    store.add_user(&carol, &["org2".to_owned()], NOW).await.unwrap();
    let (alice, bob) =
        (Client::of(&*store, ALICE, "a").await, Client::of(&*store, "id-of-bob", "b").await);
    let (hers, his) = (alice.confirmed(&app), bob.confirmed(&app));
    app.next_step();
    let mut said = Vec::new();
    for (caller, target, code) in [
        (&alice, "id-of-bob", hers.code(&app)),
        (&bob, "id-of-carol", his.code(&app)),
        (&bob, "nobody", his.code(&app)),
    ] {
        said.push(refusal(caller.reset(&app, Some(target), &code), 403, "Forbidden"));
    }
    said.dedup();
    assert_eq!(said, ["You may not reset the keys of this user."]);
    // The administrator's own code, not the member's.
    refusal(bob.reset(&app, Some(ALICE), &hers.code(&app)), 400, "InvalidCode");
    bob.reset(&app, Some(ALICE), &his.code(&app)).expect(200);
    alice.generate(&app).expect(401);
    assert!(store.keys("org1", ALICE, NOW).await.unwrap().is_empty());
    assert_eq!(store.keys("org1", "id-of-bob", NOW).await.unwrap().len(), 1);
    bob.generate(&app).expect(200);
    refusal(bob.reset(&app, Some(ALICE), &his.code(&app)), 400, "InvalidCode");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_user_gets_so_many_keys_a_minute_and_then_the_time_to_wait() {
    let store = crate::support::memory().await;
    crate::support::populate(&*store).await;
    let app = TestApp::with(store.clone(), &[("FOUNDRY_KEY_RATE", "3")], |app| app);
    let alice = Client::of(&*store, ALICE, "a").await;
    let bob = Client::of(&*store, "id-of-bob", "b").await;
    // What makes no key uses nothing up.
    for _ in 0..5 {
        let foreign = json!({ "organisationId": "foreign" });
        refusal(alice.put(&app, GENERATE, &foreign), 403, "Forbidden");
    }
    let mut keys: Vec<Authenticator> = (0..2).map(|_| alice.enrol(&app)).collect();
    app.clock.advance(Duration::from_secs(20));
    keys.push(alice.enrol(&app));
    let reply = alice.generate(&app);
    assert_eq!(reply.header("Retry-After"), Some("40"));
    refusal(reply, 429, "TooManyRequests");
    bob.put(&app, GENERATE, &json!({ "organisationId": "org2" })).expect(200);
    app.clock.advance(Duration::from_secs(39));
    alice.generate(&app).expect(429);
    app.clock.advance(Duration::from_secs(1));
    // Never more than three in any minute.
    alice.generate(&app).expect(200);
    alice.generate(&app).expect(200);
    assert_eq!(alice.generate(&app).expect(429).header("Retry-After"), Some("20"));
    alice.verify(&app, &keys[0].code(&app)).expect(200);
}

crate::on_each_store! {
    a_key_is_pending_until_a_code_confirms_it_and_each_step_counts_once
    codes_of_the_steps_beside_now_count_and_no_others
    what_is_not_six_digits_is_refused_and_not_counted
    five_wrong_codes_lock_for_longer_each_time_until_a_good_one
    the_count_and_the_used_steps_are_known_to_every_instance
    the_active_key_works_until_another_is_confirmed
    with_an_active_key_a_new_one_wants_a_code_of_the_same_session
    a_code_that_is_sent_with_a_password_proves_nothing_to_whoever_has_only_that
    a_key_that_was_asked_for_while_another_was_confirmed_does_not_count
    whoever_may_make_a_key_is_told_why_a_code_is_wrong
    the_clock_is_told_to_be_off_for_each_key_that_can_be_confirmed
    a_key_that_does_not_open_does_not_take_the_others_with_it
    an_expired_key_confirms_nothing
    a_reset_wants_a_fresh_code_removes_all_keys_and_ends_all_sessions
    an_administrator_resets_a_member_and_nobody_else_does
}
