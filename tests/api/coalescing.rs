//! Keys that are written together: each as if it had been written alone.

use std::sync::Arc;
use std::time::Duration;

use foundry_api::random::id;
use foundry_api::seal::Sealed;
use foundry_api::store::{self, Coalesce, Event, Options, PendingKey, Store};
use sqlx::{Connection as _, PgConnection};

use crate::support::{self, NOW, SeededRandom, new_postgres_database};

fn key(user: &str, number: usize) -> PendingKey {
    PendingKey {
        id: format!("key{number}"),
        organisation: "org1".into(),
        user: user.into(),
        sealed: Sealed { sealing_key: "test".into(), bytes: vec![7; 48] },
        fingerprint: "0123456789ab".into(),
        created_at: NOW,
        expires_at: NOW.plus(Duration::from_mins(10)),
    }
}

fn event(random: &SeededRandom, user: &str, address: &str) -> Event {
    Event { address: address.into(), ..support::event(id(random).unwrap(), user) }
}

/// Adds a key for each user and address at once, in this order; tells which were kept.
async fn add(store: &Arc<dyn Store>, rows: &[(String, &str)]) -> Vec<bool> {
    let random = SeededRandom::default();
    let mut adding = Vec::new();
    for (number, (user, address)) in rows.iter().enumerate() {
        let (key, event) = (key(user, number), event(&random, user, address));
        let store = store.clone();
        adding.push(tokio::spawn(async move {
            store.add_pending_key(key.clone(), event.clone()).await.is_ok()
        }));
    }
    let mut kept = Vec::new();
    for adding in adding {
        kept.push(adding.await.unwrap());
    }
    kept
}

async fn ids(store: &dyn Store, user: &str) -> Vec<String> {
    let keys = store.keys("org1", user, NOW).await.unwrap();
    keys.into_iter().map(|key| key.id).collect()
}

async fn many_keys_of_one_user_leave_the_newest_five_in_order(store: Arc<dyn Store>) {
    let rows: Vec<_> = (0..40).map(|_| ("a".to_owned(), "127.0.0.1")).collect();
    assert!(add(&store, &rows).await.into_iter().all(|kept| kept));
    assert_eq!(ids(&*store, "a").await, ["key39", "key38", "key37", "key36", "key35"]);
}

async fn users_written_together_get_their_own_keys(store: Arc<dyn Store>) {
    let rows: Vec<_> = (0..60).map(|n| (format!("user{}", n % 20), "127.0.0.1")).collect();
    assert!(add(&store, &rows).await.into_iter().all(|kept| kept));
    for user in 0..20 {
        let expected = [user + 40, user + 20, user].map(|number| format!("key{number}"));
        assert_eq!(ids(&*store, &format!("user{user}")).await, expected);
    }
}

crate::on_each_store! {
    many_keys_of_one_user_leave_the_newest_five_in_order
    users_written_together_get_their_own_keys
}

/// How many audit rows there are, and how many transactions wrote them.
async fn audit(url: &str) -> (i64, i64) {
    let mut connection = PgConnection::connect(url).await.unwrap();
    sqlx::query_as("SELECT count(*), count(DISTINCT xmin::text) FROM audit")
        .fetch_one(&mut connection)
        .await
        .unwrap()
}

async fn opened(coalesce: Coalesce) -> (String, Arc<dyn Store>) {
    let url = new_postgres_database().await;
    let store = store::open_with(&url, Options { coalesce, ..Options::default() }).await.unwrap();
    store.migrate().await.unwrap();
    (url, store)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn keys_share_commits_and_each_has_its_audit_row() {
    let rows: Vec<_> = (0..200).map(|n| (format!("user{}", n % 150), "127.0.0.1")).collect();
    let (url, store) = opened(Coalesce::All).await;
    assert!(add(&store, &rows).await.into_iter().all(|kept| kept));
    let (kept, transactions) = audit(&url).await;
    assert_eq!(kept, 200);
    assert!(transactions <= 50, "200 keys took {transactions} commits");

    let (url, store) = opened(Coalesce::Nothing).await;
    assert!(add(&store, &rows).await.into_iter().all(|kept| kept));
    assert_eq!(audit(&url).await, (200, 200));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_row_that_postgres_refuses_fails_alone() {
    let (url, store) = opened(Coalesce::All).await;
    let rows: Vec<_> = (0..50)
        .map(|n| (format!("user{n}"), if n == 33 { "nul\0" } else { "127.0.0.1" }))
        .collect();
    let kept = add(&store, &rows).await;
    assert_eq!(kept.iter().position(|kept| !kept), Some(33));
    assert_eq!(kept.iter().filter(|kept| !**kept).count(), 1);
    assert_eq!(audit(&url).await.0, 49);
    assert!(ids(&*store, "user33").await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn closing_keeps_what_was_taken() {
    let (url, store) = opened(Coalesce::All).await;
    let random = SeededRandom::default();
    let mut adding = Vec::new();
    for number in 0..100 {
        let user = format!("user{number}");
        let (key, event, store) = (key(&user, number), event(&random, &user, ""), store.clone());
        adding.push(tokio::spawn(async move {
            store.add_pending_key(key.clone(), event.clone()).await.is_ok()
        }));
    }
    tokio::task::yield_now().await;
    store.close().await;
    let mut kept = 0;
    for adding in adding {
        kept += i64::from(adding.await.unwrap());
    }
    assert_eq!(audit(&url).await.0, kept, "answered and kept are not the same");
}
