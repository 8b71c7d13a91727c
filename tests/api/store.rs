//! What a store promises, as one story each, told to both.

use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use foundry_api::random::id;
use foundry_api::seal::Sealed;
use foundry_api::store::{
    self, ApiKey, Event, KeyState, Membership, NewSession, NewSignIn, NewUser, PendingKey, Store,
    StoreError, User,
};

use crate::support::{self, NOW, SeededRandom, execute, migrated, populate, user};

fn key(number: u32) -> PendingKey {
    PendingKey {
        id: format!("key{number}"),
        organisation: "org1".into(),
        user: "id-of-alice".into(),
        sealed: Sealed { sealing_key: "test".into(), bytes: vec![7; 48] },
        fingerprint: "0123456789ab".into(),
        created_at: NOW,
        expires_at: NOW.plus(Duration::from_mins(10)),
    }
}

fn event(random: &SeededRandom) -> Event {
    support::event(id(random).unwrap(), "id-of-alice")
}

async fn ids(store: &dyn Store, at: u64) -> Vec<String> {
    let now = NOW.plus(Duration::from_secs(at));
    let keys = store.keys("org1", "id-of-alice", now).await.unwrap();
    assert!(keys.iter().all(|key| key.state == KeyState::Pending));
    keys.into_iter().map(|key| key.id).collect()
}

async fn the_newest_five_pending_keys_are_kept_until_they_expire(store: Arc<dyn Store>) {
    let random = SeededRandom::default();
    for number in 1..=7 {
        store.add_pending_key(key(number), event(&random)).await.unwrap();
    }
    assert_eq!(ids(&*store, 0).await, ["key7", "key6", "key5", "key4", "key3"]);
    assert_eq!(ids(&*store, 599).await.len(), 5);
    assert!(ids(&*store, 600).await.is_empty());
    assert!(store.keys("org2", "id-of-alice", NOW).await.unwrap().is_empty());
}

async fn keys_made_at_once_take_places_of_their_own(store: Arc<dyn Store>) {
    let random = Arc::new(SeededRandom::default());
    let adding = (1..=100).map(|number| {
        let (store, random) = (store.clone(), random.clone());
        tokio::spawn(async move {
            store.add_pending_key(key(number), event(&random)).await.unwrap();
        })
    });
    for task in adding.collect::<Vec<_>>() {
        task.await.unwrap();
    }
    let mut left = ids(&*store, 0).await;
    assert_eq!(left.len(), 5);
    left.sort();
    left.dedup();
    assert_eq!(left.len(), 5);
}

async fn a_key_and_its_audit_row_are_kept_together_or_not_at_all(store: Arc<dyn Store>) {
    let random = SeededRandom::default();
    let twice = event(&random);
    store.add_pending_key(key(1), twice.clone()).await.unwrap();
    assert!(matches!(
        store.add_pending_key(key(2), twice.clone()).await,
        Err(StoreError::Conflict)
    ));
    assert_eq!(ids(&*store, 0).await, ["key1"]);
}

async fn names_and_addresses_are_taken_once(store: Arc<dyn Store>) {
    populate(&*store).await;
    let same_name = NewUser { email: "other@example.com".into(), id: "x".into(), ..user("alice") };
    let same_email = NewUser {
        email: "ALICE@example.com".into(),
        id: "x".into(),
        name: "other".into(),
        ..user("alice")
    };
    // Whoever is named by an address would be taken for its owner, and the other way round.
    let named_by_email = NewUser { email: "other@example.com".into(), ..user("Alice@Example.com") };
    let email_by_name = NewUser { email: "ALICE".into(), ..user("other") };
    for taken in [same_name, same_email, named_by_email, email_by_name] {
        let added = store.add_user(&taken, &[], NOW).await;
        assert!(matches!(added, Err(StoreError::Conflict)));
    }
    let nowhere = store.add_user(&user("carol"), &["nowhere".to_owned()], NOW).await;
    assert!(matches!(nowhere, Err(StoreError::Missing("organisation"))));
    assert!(store.user_named("carol").await.unwrap().is_none());

    assert_eq!(store.user_named("alice").await.unwrap().unwrap().id, "id-of-alice");
    assert_eq!(store.user_named("Alice@Example.com").await.unwrap().unwrap().id, "id-of-alice");
    assert!(store.user_named("ALICE").await.unwrap().is_none());
    assert_eq!(store.user_addressed("Alice@Example.com").await.unwrap().unwrap().id, "id-of-alice");
    assert!(store.user_addressed("alice").await.unwrap().is_none());
    let both = NewUser { email: "dora@example.com".into(), ..user("dora@example.com") };
    store.add_user(&both, &[], NOW).await.unwrap();
}

async fn of_two_added_at_once_with_one_name_for_both_one_is_added(store: Arc<dyn Store>) {
    for number in 0..20 {
        let owner = user(&format!("owner{number}"));
        let namesake = NewUser {
            id: format!("namesake{number}"),
            name: owner.email.clone(),
            email: format!("namesake{number}@example.com"),
            password_hash: String::new(),
        };
        let adding = [owner, namesake].map(|user| {
            let store = store.clone();
            tokio::spawn(async move { store.add_user(&user, &[], NOW).await })
        });
        let mut added = 0;
        for task in adding {
            match task.await.unwrap() {
                Ok(()) => added += 1,
                Err(error) => assert!(matches!(error, StoreError::Conflict), "{error}"),
            }
        }
        assert_eq!(added, 1);
    }
}

async fn a_membership_is_of_enabled_users_alone(store: Arc<dyn Store>) {
    populate(&*store).await;
    let member = |user: &'static str, organisation: &'static str| {
        let store = store.clone();
        async move { store.membership(user, organisation, b"credential").await.unwrap() }
    };
    assert!(!member("id-of-alice", "org1").await.unwrap().administrator);
    store.join("id-of-alice", "org1", false, Some(true), NOW).await.unwrap();
    assert!(member("id-of-alice", "org1").await.unwrap().administrator);
    assert!(!member("id-of-alice", "org2").await.unwrap().administrator);
    // What says nothing of it changes nothing about it.
    store.join("id-of-alice", "org1", true, None, NOW).await.unwrap();
    assert!(member("id-of-alice", "org1").await.unwrap().administrator);
    store.join("id-of-alice", "org1", false, Some(false), NOW).await.unwrap();
    assert!(!member("id-of-alice", "org1").await.unwrap().administrator);
    assert!(member("id-of-alice", "foreign").await.is_none());
    assert!(member("id-of-alice", "unknown").await.is_none());
    store.disable_user("id-of-alice", NOW).await.unwrap();
    assert!(member("id-of-alice", "org1").await.is_none());
}

/// What the credentials of a user number are hashed to.
fn hash(kind: &str, number: usize) -> Vec<u8> {
    format!("{kind} of {number}").into_bytes()
}

/// A user with a session, a sign-in and an API key, which one third of them have had and one third,
/// disabled, still have.
async fn holder(store: &dyn Store, random: &SeededRandom, number: usize) {
    let expires_at = if number % 3 == 1 { NOW } else { NOW.plus(Duration::from_secs(1)) };
    let holder = user(&format!("holder{number}"));
    let organisation = if number.is_multiple_of(2) { "org1" } else { "org2" };
    store.add_user(&holder, &[organisation.to_owned()], NOW).await.unwrap();
    let session = NewSession {
        id_hash: hash("session", number),
        user: holder.id.clone(),
        created_at: NOW,
        expires_at,
    };
    let sign_in = NewSignIn {
        id: format!("sign-in{number}"),
        user: holder.id.clone(),
        session_hash: hash("session", number),
        token_hash: hash("token", number),
        rotates: false,
        created_at: NOW,
        expires_at,
    };
    let kept = crate::support::holder(store, &holder.id).await;
    store.add_session(&kept, Some(&session), Some(&sign_in), &event(random)).await.unwrap();
    if number % 3 == 2 {
        store.disable_user(&holder.id, NOW).await.unwrap();
    }
    let api_key = ApiKey {
        id: format!("key{number}"),
        user: holder.id,
        description: String::new(),
        created_at: NOW,
        expires_at: Some(expires_at),
        revoked_at: None,
    };
    store.add_api_key(&hash("key", number), &api_key).await.unwrap();
}

async fn what_many_ask_at_once_is_answered_to_each(store: Arc<dyn Store>) {
    populate(&*store).await;
    let random = SeededRandom::default();
    for number in 0..30 {
        holder(&*store, &random, number).await;
    }
    let asking = (0..60).map(|number| {
        let store = store.clone();
        tokio::spawn(async move {
            let (session, key) = (hash("session", number), hash("key", number));
            let (name, sign_in) = (format!("holder{number}"), format!("sign-in{number}"));
            let member = format!("id-of-{name}");
            let address = format!("HOLDER{number}@example.com");
            let (session, sign_in, key, named, addressed, one, two) = tokio::join!(
                store.session_user(&session, NOW),
                store.sign_in_user(&sign_in, NOW),
                store.api_key_user(&key, NOW),
                store.user_named(&name),
                store.user_named(&address),
                store.membership(&member, "org1", b"credential"),
                store.membership(&member, "org2", b"credential"),
            );
            let id = |user: Result<Option<Arc<User>>, _>| {
                user.map(|user| user.map(|user| user.id.clone())).unwrap()
            };
            let whose = |good: bool| (good && number < 30).then(|| member.clone());
            let has = number % 3 == 0;
            assert_eq!([id(session), id(sign_in), id(key)], [(); 3].map(|()| whose(has)));
            assert_eq!([id(named), id(addressed)], [(); 2].map(|()| whose(true)));
            let organisation = |membership: Result<Option<Arc<Membership>>, _>| {
                membership.map(|one| one.map(|one| one.organisation.name.clone())).unwrap()
            };
            let enabled = number < 30 && number % 3 != 2;
            let (first, second) = (enabled && number.is_multiple_of(2), enabled && number % 2 == 1);
            assert_eq!(organisation(one).as_deref(), first.then_some("First & Co"));
            assert_eq!(organisation(two).as_deref(), second.then_some("Second"));
        })
    });
    // Texts that Postgres cannot hold: there is nothing, and nobody else is to notice.
    let odd = (0..60).map(|number| {
        let store = store.clone();
        tokio::spawn(async move {
            let name = format!("holder{number}\0");
            assert!(store.user_named(&name).await.unwrap().is_none());
            assert!(store.sign_in_user(&name, NOW).await.unwrap().is_none());
            assert!(store.membership("id-of-alice", &name, b"").await.unwrap().is_none());
        })
    });
    let asking: Vec<_> = asking.collect();
    for task in odd.collect::<Vec<_>>().into_iter().chain(asking) {
        task.await.unwrap();
    }
}

async fn a_migrated_store_is_ready_and_migrating_again_changes_nothing(store: Arc<dyn Store>) {
    assert!(store.ready().await.unwrap());
    store.migrate().await.unwrap();
    assert!(store.ready().await.unwrap());
}

/// What a newer program leaves behind when it is taken back: a step that this one does not know.
const NEWER_STEP: &[&str] = &[
    "CREATE TABLE of_a_newer_program (id TEXT PRIMARY KEY)",
    "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
     SELECT 99, 'newer', TRUE, checksum, 0 FROM _sqlx_migrations WHERE version = 1",
];

/// A new file is given a write-ahead log and a schema, neither of which two can do at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_new_file_may_be_opened_by_two_at_once() {
    let folder = tempfile::tempdir().unwrap();
    for number in 0..150 {
        let url = format!("sqlite:{}", folder.path().join(format!("{number}.db")).display());
        let opened = || async {
            let store = store::open(&url).await.unwrap();
            store.migrate().await.unwrap();
            assert!(store.ready().await.unwrap());
            store.close().await;
        };
        tokio::join!(opened(), opened());
    }
}

async fn an_older_program_starts_on_a_newer_schema(url: &str) {
    migrated(url).await.close().await;
    execute(url, NEWER_STEP).await;
    let store = store::open(url).await.unwrap();
    assert!(store.ready().await.unwrap());
    store.migrate().await.unwrap();
    assert!(store.ready().await.unwrap());
    populate(&*store).await;
    store.close().await;
    for arguments in [&["migrate"] as &[&str], &["users", "list"]] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_foundry-api"));
        let output = command.args(arguments).env("DATABASE_URL", url).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {output:?}");
    }
}

crate::on_each_database! { an_older_program_starts_on_a_newer_schema }

crate::on_each_store! {
    the_newest_five_pending_keys_are_kept_until_they_expire
    keys_made_at_once_take_places_of_their_own
    a_key_and_its_audit_row_are_kept_together_or_not_at_all
    names_and_addresses_are_taken_once
    of_two_added_at_once_with_one_name_for_both_one_is_added
    a_membership_is_of_enabled_users_alone
    what_many_ask_at_once_is_answered_to_each
    a_migrated_store_is_ready_and_migrating_again_changes_nothing
}
