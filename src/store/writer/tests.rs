//! The writer over a database that does as it is told.

use std::collections::HashSet;

use tokio::sync::Semaphore;

use super::*;
use crate::clock::Timestamp;
use crate::seal::Sealed;
use crate::store::StoreError;
use crate::store::fake::{Fault, Orders};

/// Keeps keys in memory.
struct Fake {
    orders: Orders,
    committed: Mutex<Vec<Vec<String>>>,
    poison: HashSet<&'static str>,
}

impl Fake {
    fn with(permits: usize) -> Self {
        Self::of(Orders::with(permits))
    }

    fn failing(faults: impl IntoIterator<Item = Fault>) -> Self {
        Self::of(Orders::from(faults))
    }

    fn of(orders: Orders) -> Self {
        Self { orders, committed: Mutex::default(), poison: HashSet::new() }
    }
}

#[async_trait]
impl Sink for Arc<Fake> {
    type Connection = ();

    async fn connect(&self) -> sqlx::Result<()> {
        self.orders.connect();
        Ok(())
    }

    async fn write(&self, (): &mut (), writes: &[&Write]) -> sqlx::Result<()> {
        let poisoned = writes.iter().any(|write| self.poison.contains(&*write.key.id));
        self.orders.obey(poisoned).await?;
        let ids = writes.iter().map(|write| write.key.id.clone()).collect();
        self.committed.lock().unwrap().push(ids);
        Ok(())
    }

    async fn disconnect(&self, (): ()) {}
}

const ONE_LANE: Settings = Settings {
    lanes: 1,
    batch: 100,
    spacing: Duration::ZERO,
    queue: 8,
    keep: true,
    patience: Duration::from_mins(1),
};

type Pending = tokio::task::JoinHandle<Result<()>>;

struct Story {
    fake: Arc<Fake>,
    writer: Arc<Writer<Arc<Fake>>>,
}

impl Story {
    fn of(fake: Fake, settings: Settings) -> Self {
        let fake = Arc::new(fake);
        let writer = Arc::new(Writer::start(fake.clone(), settings));
        Self { fake, writer }
    }

    /// A user adds a key; the write is in the queue or on its way when this returns.
    async fn add(&self, user: &str, id: &str) -> Pending {
        let (key, event) = row(user, id);
        let writer = self.writer.clone();
        let pending = tokio::spawn(async move { writer.add(key, event).await });
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
        pending
    }

    async fn add_all(&self, keys: &[(&str, &str)]) -> Vec<Pending> {
        let mut all = Vec::new();
        for (user, id) in keys {
            all.push(self.add(user, id).await);
        }
        all
    }

    fn committed(&self) -> Vec<Vec<String>> {
        self.fake.committed.lock().unwrap().clone()
    }
}

fn row(user: &str, id: &str) -> (PendingKey, Event) {
    let at = Timestamp::from_millis(0);
    let key = PendingKey {
        id: id.into(),
        organisation: "org".into(),
        user: user.into(),
        sealed: Sealed { sealing_key: "k".into(), bytes: vec![1] },
        fingerprint: "f".into(),
        created_at: at,
        expires_at: at,
    };
    let event = Event {
        id: id.into(),
        at,
        organisation: "org".into(),
        user: user.into(),
        target: None,
        action: "Test",
        outcome: "ok",
        address: String::new(),
        request_id: String::new(),
        fingerprint: None,
    };
    (key, event)
}

async fn outcomes(pending: Vec<Pending>) -> Vec<bool> {
    let mut outcomes = Vec::new();
    for pending in pending {
        outcomes.push(pending.await.unwrap().is_ok());
    }
    outcomes
}

#[tokio::test]
async fn a_lone_write_goes_at_once_and_what_comes_meanwhile_goes_together() {
    let story = Story::of(Fake::with(0), ONE_LANE);
    let pending = story.add_all(&[("a", "1"), ("b", "2"), ("c", "3"), ("b", "4")]).await;
    assert!(pending.iter().all(|pending| !pending.is_finished()), "answered before the commit");
    story.fake.orders.permits.add_permits(2);
    assert_eq!(outcomes(pending).await, [true; 4]);
    assert_eq!(story.committed(), [vec!["1"], vec!["2", "3", "4"]]);
    assert_eq!(story.fake.orders.connected(), 1, "a connection serves many batches");
}

#[tokio::test]
async fn a_connection_that_is_not_kept_serves_one_batch() {
    let story = Story::of(Fake::with(3), Settings { batch: 1, keep: false, ..ONE_LANE });
    let pending = story.add_all(&[("a", "1"), ("b", "2"), ("c", "3")]).await;
    assert_eq!(outcomes(pending).await, [true; 3]);
    assert_eq!(story.committed(), [["1"], ["2"], ["3"]]);
    assert_eq!(story.fake.orders.connected(), 3);
}

#[tokio::test]
async fn those_who_are_passed_over_keep_their_turn() {
    let story = Story::of(Fake::with(0), Settings { lanes: 2, batch: 1, ..ONE_LANE });
    let keys = [("a", "1"), ("a", "2"), ("a", "3"), ("b", "4"), ("a", "5"), ("b", "6")];
    let pending = story.add_all(&keys).await;
    story.fake.orders.permits.add_permits(keys.len());
    assert_eq!(outcomes(pending).await, [true; 6]);
    let order: Vec<String> = story.committed().into_iter().flatten().collect();
    for (user, theirs) in [("a", ["1", "2", "3", "5"].as_slice()), ("b", &["4", "6"])] {
        let committed: Vec<&str> =
            order.iter().map(|id| &**id).filter(|id| keys.contains(&(user, *id))).collect();
        assert_eq!(committed, theirs);
    }
}

#[tokio::test]
async fn one_users_keys_are_never_on_two_ways_at_once() {
    let story = Story::of(Fake::with(0), Settings { lanes: 2, ..ONE_LANE });
    let pending = story.add_all(&[("a", "1"), ("a", "2"), ("b", "3"), ("a", "4")]).await;
    story.fake.orders.permits.add_permits(3);
    assert_eq!(outcomes(pending).await, [true; 4]);
    let order: Vec<String> =
        story.committed().into_iter().flatten().filter(|id| id != "3").collect();
    assert_eq!(order, ["1", "2", "4"]);
}

#[tokio::test]
async fn a_slow_commit_does_not_hold_the_next_batch_up() {
    let spacing = Duration::from_micros(500);
    let story = Story::of(Fake::with(0), Settings { lanes: 2, spacing, ..ONE_LANE });
    let first = story.add("a", "1").await;
    let second = story.add("b", "2").await;
    // Nothing is committed yet, and still the second one has set off.
    while story.fake.orders.connected() < 2 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    story.fake.orders.permits.add_permits(2);
    assert_eq!(outcomes(vec![first, second]).await, [true; 2]);
}

#[tokio::test]
async fn a_full_queue_refuses() {
    let story = Story::of(Fake::with(0), Settings { queue: 2, ..ONE_LANE });
    let pending = story.add_all(&[("a", "1"), ("b", "2"), ("c", "3")]).await;
    let refused = story.add("d", "4").await.await.unwrap();
    assert!(matches!(refused, Err(StoreError::Unavailable(_))));
    story.fake.orders.permits.add_permits(2);
    assert_eq!(outcomes(pending).await, [true; 3]);
}

#[tokio::test]
async fn a_poison_row_fails_alone() {
    let mut fake = Fake::with(1000);
    fake.orders.permits = Semaphore::new(0);
    fake.poison = HashSet::from(["3"]);
    let story = Story::of(fake, ONE_LANE);
    let users = [("a", "1"), ("b", "2"), ("c", "3"), ("d", "4"), ("e", "5"), ("f", "6")];
    let pending = story.add_all(&users).await;
    story.fake.orders.permits.add_permits(1000);
    assert_eq!(outcomes(pending).await, [true, true, false, true, true, true]);
    let kept: Vec<String> = story.committed().into_iter().flatten().collect();
    assert_eq!(kept, ["1", "2", "4", "5", "6"]);
}

#[tokio::test]
async fn a_deadlock_is_tried_again_and_not_for_ever() {
    let story = Story::of(Fake::failing([Fault::Code("40P01"), Fault::Code("40001")]), ONE_LANE);
    assert!(story.add("a", "1").await.await.unwrap().is_ok());

    let story = Story::of(Fake::failing((0..9).map(|_| Fault::Code("40P01"))), ONE_LANE);
    let refused = story.add("a", "1").await.await.unwrap();
    assert!(matches!(refused, Err(StoreError::Unavailable(_))));
    assert_eq!(story.fake.orders.faults.lock().unwrap().len(), 4);
}

#[tokio::test]
async fn a_lost_connection_is_an_unknown_outcome_and_nothing_is_written_twice() {
    for fault in [Fault::Lost, Fault::Code("57P01"), Fault::Code("XX000")] {
        let story = Story::of(Fake::failing([fault]), ONE_LANE);
        let refused = story.add("a", "1").await.await.unwrap();
        assert!(matches!(refused, Err(StoreError::Unavailable(_))));
        assert!(story.committed().is_empty());
        // The next one goes by a new connection.
        assert!(story.add("a", "2").await.await.unwrap().is_ok());
        assert_eq!(story.fake.orders.connected(), 2);
    }
}

#[tokio::test]
async fn a_full_disk_is_not_blamed_on_the_rows() {
    let mut fake = Fake::failing([Fault::Code("53100")]);
    fake.orders.permits = Semaphore::new(1);
    let story = Story::of(fake, ONE_LANE);
    let pending = story.add_all(&[("a", "1")]).await;
    assert_eq!(outcomes(pending).await, [false]);
    story.fake.orders.faults.lock().unwrap().push_back(Fault::Code("53100"));
    let (a, b) = (story.add("a", "2").await, story.add("b", "3").await);
    story.fake.orders.permits.add_permits(2);
    assert_eq!(outcomes(vec![a, b]).await, [false, true]);
}

#[tokio::test]
async fn a_panic_holds_nobody_up() {
    let story = Story::of(Fake::failing([Fault::Panic]), ONE_LANE);
    let refused = story.add("a", "1").await.await.unwrap();
    assert!(matches!(refused, Err(StoreError::Unavailable(_))));
    assert!(story.add("a", "2").await.await.unwrap().is_ok());
}

#[tokio::test]
async fn closing_finishes_what_was_taken_and_takes_no_more() {
    let story = Story::of(Fake::with(0), ONE_LANE);
    let pending = story.add_all(&[("a", "1"), ("b", "2")]).await;
    let writer = story.writer.clone();
    let closing = tokio::spawn(async move { writer.close().await });
    tokio::task::yield_now().await;
    assert!(!closing.is_finished());
    assert!(story.add("c", "3").await.await.unwrap().is_err());
    story.fake.orders.permits.add_permits(2);
    closing.await.unwrap();
    assert_eq!(outcomes(pending).await, [true; 2]);
}
