//! What happens by itself: expired rows are removed by one instance at a time, and readiness looks at
//! the sealing keys.

use std::sync::Arc;
use std::time::Duration;

use actix_web::web;
use foundry_api::app::App;
use foundry_api::auth::session::hash;
use foundry_api::background::Sweeper;
use foundry_api::clock::{SystemClock, Timestamp};
use foundry_api::config::Config;
use foundry_api::seal::Sealer;
use foundry_api::store::{Event, NewSignIn, Store, Swept};

use crate::authenticator::Client;
use crate::support::{NOW, SEALING_KEYS, StillClock, TestApp, event, execute, holder, migrated};

const ALICE: &str = "id-of-alice";
const LATER: Duration = Duration::from_hours(30 * 24);

async fn what_has_expired_is_removed_in_batches_and_nothing_else(store: Arc<dyn Store>) {
    let app = TestApp::on(store.clone()).await;
    let alice = Client::of(&*store, ALICE, "a").await;
    alice.confirmed(&app);
    for _ in 0..3 {
        alice.enrol(&app);
    }
    let unexpired = store.sweep(NOW, NOW.minus(Duration::from_mins(10)), 100).await.unwrap();
    assert_eq!(unexpired, Swept::default());
    let later = NOW.plus(LATER);
    let sweep = || store.sweep(later, later.minus(Duration::from_mins(10)), 2);
    let first = Swept { keys: 2, sessions: 1, verifications: 1, ..Swept::default() };
    assert_eq!(sweep().await.unwrap(), first);
    assert_eq!(sweep().await.unwrap(), Swept { keys: 1, ..Swept::default() });
    assert_eq!(sweep().await.unwrap(), Swept::default());
    app.clock.advance(LATER);
    let again = Client::of(&*store, ALICE, "b").await;
    let unknown = again.generate(&app);
    assert_eq!(unknown.status, 401, "the session of {NOW:?} has expired");
    assert_eq!(store.keys("org1", ALICE, later).await.unwrap().len(), 1);
}

/// A sign-in with a refresh token, as a user gets one who wants it in a cookie.
async fn sign_in(store: &dyn Store, name: &str, user: &str, ends: Timestamp) {
    let sign_in = NewSignIn {
        id: format!("sign-in-{name}"),
        user: user.into(),
        session_hash: hash(name),
        token_hash: hash(&format!("{name}-0")),
        rotates: true,
        created_at: NOW,
        expires_at: ends,
    };
    let event = Event {
        organisation: String::new(),
        action: "Authenticate",
        ..event(format!("sign-in-{name}"), user)
    };
    let holder = holder(store, user).await;
    assert!(store.add_session(&holder, None, Some(&sign_in), &event).await.unwrap());
}

async fn sign_ins_of_those_who_never_return_go_with_their_tokens(store: Arc<dyn Store>) {
    crate::support::populate(&*store).await;
    let ends = NOW.plus(Duration::from_hours(1));
    for (name, user) in [("a", ALICE), ("b", "id-of-bob"), ("c", ALICE)] {
        sign_in(&*store, name, user, ends).await;
    }
    sign_in(&*store, "later", ALICE, ends.plus(LATER)).await;
    // Those that were replaced stay, to be known when they come back, as long as the sign-in.
    for name in ["a", "later"] {
        let [first, second] = [format!("{name}-0"), format!("{name}-1")].map(|token| hash(&token));
        let sign_in = format!("sign-in-{name}");
        assert!(store.rotate_refresh_token(&first, &second, &sign_in, NOW).await.unwrap());
    }
    let sweep = |now: Timestamp| store.sweep(now, NOW.minus(LATER), 2);
    let before = ends.minus(Duration::from_millis(1));
    assert_eq!(sweep(before).await.unwrap(), Swept::default());
    let used = store.refresh_token(&hash("a-0"), before).await.unwrap().unwrap();
    assert_eq!(used.replaced_at, Some(NOW));
    let first = Swept { refresh_tokens: 3, sign_ins: 2, ..Swept::default() };
    assert_eq!(sweep(ends).await.unwrap(), first);
    let second = Swept { refresh_tokens: 1, sign_ins: 1, ..Swept::default() };
    assert_eq!(sweep(ends).await.unwrap(), second);
    assert_eq!(sweep(ends).await.unwrap(), Swept::default());
    assert_eq!(store.sign_in_user("sign-in-later", ends).await.unwrap().unwrap().id, ALICE);
    for token in ["later-0", "later-1"] {
        assert!(store.refresh_token(&hash(token), ends).await.unwrap().is_some(), "{token}");
    }
}

/// As by an older program, which refreshes a sign-in while it ends.
const END: &str = "DELETE FROM sign_ins WHERE id IN ('sign-in-x', 'sign-in-y', 'sign-in-z')";

async fn refresh_tokens_without_a_sign_in_are_removed(url: &str) {
    let store = migrated(url).await;
    crate::support::populate(&*store).await;
    for name in ["a", "x", "y", "z"] {
        sign_in(&*store, name, ALICE, NOW.plus(LATER)).await;
    }
    execute(url, &[END]).await;
    let sweep = || store.sweep(NOW, NOW.minus(LATER), 500);
    assert_eq!(sweep().await.unwrap(), Swept { refresh_tokens: 3, ..Swept::default() });
    assert_eq!(sweep().await.unwrap(), Swept::default());
    assert!(store.refresh_token(&hash("a-0"), NOW).await.unwrap().is_some());
    store.close().await;
}

crate::on_each_database! { refresh_tokens_without_a_sign_in_are_removed }

async fn a_lease_is_held_by_one_until_it_expires_or_is_given_back(store: Arc<dyn Store>) {
    let until = NOW.plus(Duration::from_mins(1));
    let take = |holder: &'static str, now| {
        let store = store.clone();
        async move { store.take_lease("work", holder, now, now.plus(until_span())).await.unwrap() }
    };
    assert!(take("a", NOW).await);
    assert!(!take("b", NOW).await);
    assert!(take("a", NOW).await, "its holder takes it again");
    assert!(!take("b", until.minus(Duration::from_millis(1))).await);
    assert!(take("b", until).await, "it has expired");
    store.give_lease("work", "a").await.unwrap();
    assert!(!take("a", until).await, "it was not a's to give back");
    store.give_lease("work", "b").await.unwrap();
    assert!(take("a", until).await);
}

fn until_span() -> Duration {
    Duration::from_mins(1)
}

fn sweeping_app(store: &Arc<dyn Store>) -> web::Data<App> {
    let config = Config::from_lookup(|_| None).unwrap();
    let mut app = App::standard(config, store.clone(), Sealer::parse(SEALING_KEYS).unwrap());
    app.clock = StillClock::at(NOW.plus(LATER));
    web::Data::new(app)
}

async fn the_sweeper_works_alone_and_stops_when_told(store: Arc<dyn Store>) {
    let app = TestApp::on(store.clone()).await;
    let alice = Client::of(&*store, ALICE, "a").await;
    for _ in 0..3 {
        alice.enrol(&app);
    }
    // Somebody else is at it.
    let now = NOW.plus(LATER);
    assert!(store.take_lease("sweep", "other", now, now.plus(until_span())).await.unwrap());
    let (first, second) = (sweeping_app(&store), sweeping_app(&store));
    let kept = store.clone();
    let swept = std::thread::spawn(move || {
        actix_web::rt::System::new().block_on(async move {
            let idle = Sweeper::start(first).unwrap();
            tokio::time::sleep(Duration::from_millis(200)).await;
            idle.stop().await;
            let before = kept.keys("org1", ALICE, NOW).await.unwrap().len();
            kept.give_lease("sweep", "other").await.unwrap();
            let busy = Sweeper::start(second).unwrap();
            for _ in 0..500 {
                if kept.keys("org1", ALICE, NOW).await.unwrap().is_empty() {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            busy.stop().await;
            let after = kept.keys("org1", ALICE, NOW).await.unwrap().len();
            let free = kept.take_lease("sweep", "next", now, now).await.unwrap();
            (before, after, free)
        })
    });
    // Three pending keys until the lease was free, then none; and the lease was given back.
    assert_eq!(swept.join().unwrap(), (3, 0, true));
}

async fn readiness_notices_a_sealing_key_that_is_not_the_one_of_its_id(store: Arc<dyn Store>) {
    crate::support::populate(&*store).await;
    let with = |keys: &'static str| {
        TestApp::with(store.clone(), &[], move |mut app| {
            app.sealer = Sealer::parse(keys).unwrap();
            // Postgres has a clock of its own, which this one is compared with.
            app.clock = Arc::new(SystemClock);
            app
        })
    };
    let ready = |app: &TestApp| app.send("GET", "/health/ready", &[], b"");
    let first = with(SEALING_KEYS);
    ready(&first).expect(200);
    ready(&first).expect(200);
    let new = "new:AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=";
    let second = with(new);
    ready(&second).expect(200);
    let wrong = "new:AwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwM=";
    let third = with(wrong);
    let reply = ready(&third).expect(503);
    assert_eq!(reply.text(), "{\"status\":\"not ready\",\"check\":\"sealing\"}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn however_many_ask_for_readiness_the_database_is_asked_by_one() {
    use sqlx::Connection as _;
    let url = crate::support::new_postgres_database().await;
    let store = foundry_api::store::open(&url).await.unwrap();
    store.migrate().await.unwrap();
    let app = TestApp::with(store, &[], |mut app| {
        app.clock = Arc::new(SystemClock);
        app
    });
    std::thread::scope(|scope| {
        for _ in 0..32 {
            scope.spawn(|| {
                for _ in 0..8 {
                    app.send("GET", "/health/ready", &[], b"").expect(200);
                }
            });
        }
    });
    let mut connection = sqlx::PgConnection::connect(&url).await.unwrap();
    let used: i64 = sqlx::query_scalar(
        "SELECT COUNT(*) FROM pg_stat_activity \
         WHERE datname = current_database() AND application_name = 'foundry-api'",
    )
    .fetch_one(&mut connection)
    .await
    .unwrap();
    // One at a time, while those of its questions before are asked whether they still live: of a look there
    // are eight at the most. If each of the 32 asked, it would be all sixteen.
    assert!((1..=8).contains(&used), "{used} connections");
}

crate::on_each_store! {
    what_has_expired_is_removed_in_batches_and_nothing_else
    sign_ins_of_those_who_never_return_go_with_their_tokens
    a_lease_is_held_by_one_until_it_expires_or_is_given_back
    the_sweeper_works_alone_and_stops_when_told
    readiness_notices_a_sealing_key_that_is_not_the_one_of_its_id
}
