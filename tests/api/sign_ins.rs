//! Sign-ins that are ended, refreshed and made at the same time.

use std::sync::Arc;
use std::time::Duration;

use data_encoding::BASE64;
use foundry_api::auth::session::hash;
use foundry_api::auth::tokens::ROTATION;
use foundry_api::random::id;
use foundry_api::store::{self, Event, NewSession, NewSignIn, SESSIONS_KEPT, SIGN_INS_KEPT, Store};

use crate::audit::rows;
use crate::support::{self, NOW, PASSWORD, Reply, SeededRandom, TestApp, holder, populate};
use crate::tokens::key;

const ALICE: &str = "id-of-alice";

/// Another instance than those that count from zero.
fn instance(store: Arc<dyn Store>, count: u64) -> TestApp {
    TestApp::with(store, &[("FOUNDRY_JWT_KEY", &BASE64.encode(&key()))], |mut app| {
        app.random = Arc::new(SeededRandom::from(count));
        app
    })
}

fn sign_in(app: &TestApp, more: &str) -> Reply {
    let body = format!("{{\"userName\":\"alice\",\"password\":\"{PASSWORD}\"{more}}}");
    app.send("POST", "/auth", &[("Content-Type", "application/json")], body.as_bytes()).expect(200)
}

fn log_out(app: &TestApp, header: (&str, &str)) -> Reply {
    app.send("POST", "/auth/logout", &[header], b"")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_logout_on_two_instances_at_once_is_one_on_both() {
    let url = crate::support::new_postgres_database().await;
    let stores = [store::open(&url).await.unwrap(), store::open(&url).await.unwrap()];
    stores[0].migrate().await.unwrap();
    populate(&*stores[0]).await;
    let apps = [instance(stores[0].clone(), 0), instance(stores[1].clone(), 1_000_000)];
    for round in 0..24 {
        let reply = sign_in(&apps[round % 2], "").json();
        let text = |member: &str| reply[member].as_str().unwrap().to_owned();
        let cookie = format!("ss-id={}", text("sessionId"));
        let bearer = format!("Bearer {}", text("bearerToken"));
        std::thread::scope(|scope| {
            let one = scope.spawn(|| log_out(&apps[0], ("Cookie", &*cookie)));
            let other = scope.spawn(|| log_out(&apps[1], ("Authorization", &*bearer)));
            for reply in [one.join().unwrap(), other.join().unwrap()] {
                let headers = reply.expect(200).headers;
                let is_taken_back = |(_, value): &(String, String)| value.starts_with("ss-id=; ");
                assert!(headers.iter().any(is_taken_back), "{headers:?}");
            }
        });
        let done = rows(&*stores[0], Some(ALICE)).await;
        let count = done.iter().filter(|row| row.action == "Logout").count();
        assert!((round + 1..=2 * round + 2).contains(&count), "{count} in {round}");
    }
}

/// A sign-in of alice's, made as the operation makes one: what it is called, and when.
struct Made {
    session: NewSession,
    sign_in: NewSignIn,
}

impl Made {
    fn new(name: &str, user: &str, age: Duration) -> Self {
        let (created_at, expires_at) = (NOW.minus(age), NOW.plus(Duration::from_hours(24)));
        let session = NewSession { id_hash: hash(name), user: user.into(), created_at, expires_at };
        let sign_in = NewSignIn {
            id: format!("sign-in-{name}"),
            user: user.into(),
            session_hash: hash(name),
            token_hash: hash(&format!("token-{name}")),
            rotates: true,
            created_at,
            expires_at,
        };
        Self { session, sign_in }
    }

    /// Whether session, sign-in and refresh token are good for anything.
    async fn counts(&self, store: &dyn Store) -> [bool; 3] {
        let session = store.session_user(&self.session.id_hash, NOW).await.unwrap();
        let sign_in = store.sign_in_user(&self.sign_in.id, NOW).await.unwrap();
        let token = store.refresh_token(&self.sign_in.token_hash, NOW).await.unwrap();
        [session.is_some(), sign_in.is_some(), token.is_some()]
    }

    async fn keep(&self, store: &dyn Store, random: &SeededRandom) {
        let holder = holder(store, &self.session.user).await;
        let event = event(random, &self.session.user);
        let (session, sign_in) = (Some(&self.session), Some(&self.sign_in));
        assert!(store.add_session(&holder, session, sign_in, &event).await.unwrap());
    }
}

fn event(random: &SeededRandom, user: &str) -> Event {
    support::event(id(random).unwrap(), user)
}

async fn whatever_ends_a_sign_in_at_once_waits_for_nobody_in_a_circle(store: Arc<dyn Store>) {
    populate(&*store).await;
    let random = SeededRandom::default();
    let alice = holder(&*store, ALICE).await;
    for round in 0..12 {
        let made: Vec<Made> = (0..6)
            .map(|number| Made::new(&format!("{round}-{number}"), ALICE, Duration::ZERO))
            .collect();
        for one in &made {
            one.keep(&*store, &random).await;
        }
        let late = Made::new(&format!("{round}-late"), ALICE, Duration::ZERO);
        let [by_session, by_id, ending, signing_in] = [(); 4].map(|()| event(&random, ALICE));
        let (one, other) = (&made[round % 6].sign_in, &made[(round + 3) % 6].sign_in);
        let next = hash(&format!("next-{round}"));
        let later = NOW.plus(Duration::from_hours(25));
        let done = tokio::join!(
            store.end_session(&one.session_hash, &by_session),
            store.end_sign_in(&one.id, &by_id),
            store.end_sign_in(&other.id, &ending),
            store.rotate_refresh_token(&other.token_hash, &next, &other.id, NOW),
            store.set_password(ALICE, &alice.password_hash),
            store.add_session(&alice, Some(&late.session), Some(&late.sign_in), &signing_in),
            store.sweep(later, later, 100),
        );
        done.0.unwrap();
        done.1.unwrap();
        done.2.unwrap();
        done.3.unwrap();
        done.4.unwrap();
        done.5.unwrap();
        done.6.unwrap();
    }
}

/// What an instance does that ends the sign-ins of everybody, and has not committed yet.
const ENDING: [&str; 2] = ["DELETE FROM refresh_tokens", "DELETE FROM sign_ins"];

const WAITING: &str = "SELECT COUNT(*) FROM pg_stat_activity \
    WHERE datname = current_database() AND wait_event_type = 'Lock'";

const TOKENS: &str = "SELECT COUNT(*) FROM refresh_tokens";

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_refresh_that_meets_a_logout_is_refused_and_leaves_nothing() {
    use sqlx::{Connection as _, Executor as _, PgConnection};
    let url = crate::support::new_postgres_database().await;
    let store = store::open(&url).await.unwrap();
    store.migrate().await.unwrap();
    populate(&*store).await;
    let app = instance(store, 0);
    let reply = sign_in(&app, ",\"useTokenCookie\":true");
    let mut cookies = reply.headers.iter().map(|(_, value)| value.split(';').next().unwrap());
    let token = cookies.find(|pair| pair.starts_with("ss-reftok=")).unwrap();
    app.clock.advance(ROTATION);
    let (mut ending, mut watching) =
        (PgConnection::connect(&url).await.unwrap(), PgConnection::connect(&url).await.unwrap());
    let mut logout = ending.begin().await.unwrap();
    for statement in ENDING {
        logout.execute(statement).await.unwrap();
    }
    let runtime = tokio::runtime::Handle::current();
    let reply = std::thread::scope(|scope| {
        let refreshing =
            scope.spawn(|| app.send("POST", "/access-token", &[("Cookie", token)], b""));
        tokio::task::block_in_place(|| {
            runtime.block_on(async {
                let mut waiting = 0_i64;
                while waiting == 0 && !refreshing.is_finished() {
                    waiting = sqlx::query_scalar(WAITING).fetch_one(&mut watching).await.unwrap();
                }
                logout.commit().await.unwrap();
            });
        });
        refreshing.join().unwrap()
    });
    let reply = reply.expect(401);
    let status = &reply.json()["responseStatus"];
    assert_eq!(status["errorCode"], "TokenException");
    assert_eq!(status["message"], "Refresh token is not valid");
    assert_eq!(reply.header("Set-Cookie"), None);
    let left: i64 = sqlx::query_scalar(TOKENS).fetch_one(&mut watching).await.unwrap();
    assert_eq!(left, 0);
}

async fn nothing_is_refreshed_of_a_sign_in_that_has_ended(store: Arc<dyn Store>) {
    populate(&*store).await;
    let random = SeededRandom::default();
    let refresh = |one: &Made, now| {
        let (sign_in, store) = (one.sign_in.clone(), store.clone());
        async move {
            let next = hash("next");
            let done = store.rotate_refresh_token(&sign_in.token_hash, &next, &sign_in.id, now);
            let done = done.await.unwrap();
            assert_eq!(store.refresh_token(&next, now).await.unwrap().is_some(), done);
            done
        }
    };
    let one = Made::new("one", ALICE, Duration::ZERO);
    one.keep(&*store, &random).await;
    store.end_sign_in(&one.sign_in.id, &event(&random, ALICE)).await.unwrap();
    assert!(!refresh(&one, NOW).await);
    let other = Made::new("other", ALICE, Duration::ZERO);
    other.keep(&*store, &random).await;
    assert!(!refresh(&other, other.sign_in.expires_at).await);
    assert!(refresh(&other, NOW).await);
    // Only what the second one has is left.
    let later = other.sign_in.expires_at;
    let swept = store.sweep(later, later, 100).await.unwrap();
    assert_eq!((swept.refresh_tokens, swept.sign_ins), (2, 1));
}

async fn the_newest_sign_ins_of_a_user_are_kept_with_what_hangs_on_them(store: Arc<dyn Store>) {
    const MORE: u64 = 5;
    populate(&*store).await;
    let random = SeededRandom::default();
    let kept = u64::try_from(SIGN_INS_KEPT).unwrap();
    assert_eq!(SESSIONS_KEPT, SIGN_INS_KEPT);
    let bobs = Made::new("bobs", "id-of-bob", Duration::from_hours(100));
    bobs.keep(&*store, &random).await;
    let mut made = Vec::new();
    for number in 0..kept + MORE {
        let one = Made::new(&number.to_string(), ALICE, Duration::from_secs(1000 - number));
        one.keep(&*store, &random).await;
        // Who it is has just been looked up.
        assert_eq!(one.counts(&*store).await, [true; 3], "{number}");
        made.push(one);
    }
    for (number, one) in made.iter().enumerate() {
        let is_new = number >= usize::try_from(MORE).unwrap();
        assert_eq!(one.counts(&*store).await, [is_new; 3], "{number}");
    }
    assert_eq!(bobs.counts(&*store).await, [true; 3]);
    // What has run out goes as well, some of it with each that comes.
    let again = made[0].sign_in.expires_at;
    let mut late = Made::new("late", ALICE, Duration::ZERO);
    late.session.created_at = again;
    late.sign_in.created_at = again;
    let until = again.plus(Duration::from_hours(1));
    late.session.expires_at = until;
    late.sign_in.expires_at = until;
    late.keep(&*store, &random).await;
    let swept = store.sweep(again, NOW, 1000).await.unwrap();
    // With bob's.
    let left = kept - 20 + 1;
    assert_eq!([swept.sign_ins, swept.refresh_tokens], [left; 2]);
    assert_eq!(swept.sessions, left - 20);
}

crate::on_each_store! {
    the_newest_sign_ins_of_a_user_are_kept_with_what_hangs_on_them
    nothing_is_refreshed_of_a_sign_in_that_has_ended
    whatever_ends_a_sign_in_at_once_waits_for_nobody_in_a_circle
}
