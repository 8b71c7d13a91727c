//! Gathered lookups over a database that does as it is told.

use std::collections::HashSet;

use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

use super::*;
use crate::store::StoreError;
use crate::store::fake::{Fault, Orders};

/// Answers even numbers with their doubles.
struct Fake {
    orders: Orders,
    asked: Mutex<Vec<Vec<u32>>>,
    poison: HashSet<u32>,
}

impl Fake {
    fn with(permits: usize) -> Self {
        Self::of(Orders::with(permits))
    }

    fn failing(faults: impl IntoIterator<Item = Fault>) -> Self {
        Self::of(Orders::from(faults))
    }

    fn of(orders: Orders) -> Self {
        Self { orders, asked: Mutex::default(), poison: HashSet::new() }
    }
}

#[async_trait]
impl Source for Arc<Fake> {
    type Connection = ();
    type Question = u32;
    type Answer = u32;

    async fn connect(&self) -> sqlx::Result<()> {
        self.orders.connect();
        Ok(())
    }

    async fn ask(&self, (): &mut (), questions: &[&u32]) -> sqlx::Result<Vec<Option<u32>>> {
        self.asked.lock().unwrap().push(questions.iter().map(|number| **number).collect());
        self.orders.obey(questions.iter().any(|number| self.poison.contains(number))).await?;
        Ok(questions.iter().map(|number| (*number % 2 == 0).then_some(*number * 2)).collect())
    }
}

const ONE_LANE: Settings =
    Settings { lanes: 1, batch: 100, queue: 8, keep: true, patience: Duration::from_mins(1) };

type Pending = JoinHandle<Result<Option<u32>>>;

struct Story {
    fake: Arc<Fake>,
    gather: Arc<Gather<Arc<Fake>>>,
}

impl Story {
    fn of(fake: Fake, settings: Settings) -> Self {
        let fake = Arc::new(fake);
        let gather = Arc::new(Gather::start(fake.clone(), settings));
        Self { fake, gather }
    }

    /// Somebody asks; the question waits or is on its way when this returns.
    async fn ask(&self, number: u32) -> Pending {
        let gather = self.gather.clone();
        let pending = tokio::spawn(async move { gather.find(number).await });
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
        pending
    }

    async fn ask_all(&self, numbers: impl IntoIterator<Item = u32>) -> Vec<Pending> {
        let mut all = Vec::new();
        for number in numbers {
            all.push(self.ask(number).await);
        }
        all
    }

    fn connections(&self) -> usize {
        self.fake.orders.connected()
    }

    fn asked(&self) -> Vec<Vec<u32>> {
        self.fake.asked.lock().unwrap().clone()
    }
}

/// What everybody was told; the failures as `Err(())`.
async fn told(pending: Vec<Pending>) -> Vec<std::result::Result<Option<u32>, ()>> {
    let mut told = Vec::new();
    for pending in pending {
        told.push(pending.await.unwrap().map_err(|_| ()));
    }
    told
}

#[tokio::test]
async fn a_lone_question_goes_at_once_and_what_comes_meanwhile_goes_together() {
    let story = Story::of(Fake::with(0), ONE_LANE);
    let pending = story.ask_all([1, 2, 3, 4]).await;
    assert_eq!(story.asked(), [[1]]);
    story.fake.orders.permits.add_permits(2);
    assert_eq!(told(pending).await, [Ok(None), Ok(Some(4)), Ok(None), Ok(Some(8))]);
    assert_eq!(story.asked(), [vec![1], vec![2, 3, 4]]);
    assert_eq!(story.connections(), 1, "kept while there was something to ask");
}

#[tokio::test]
async fn a_connection_that_is_not_kept_is_given_back_after_each_statement() {
    let story = Story::of(Fake::with(9), Settings { keep: false, batch: 1, ..ONE_LANE });
    told(story.ask_all([1, 2, 3]).await).await;
    assert_eq!((story.connections(), story.asked().len()), (3, 3));
}

#[tokio::test]
async fn a_slow_statement_does_not_hold_the_next_lane_up() {
    let story = Story::of(Fake::with(0), Settings { lanes: 2, ..ONE_LANE });
    let pending = story.ask_all([1, 2, 3, 4, 5]).await;
    assert_eq!(story.asked(), [[1], [2]]);
    story.fake.orders.permits.add_permits(3);
    told(pending).await;
    assert_eq!(story.asked(), [vec![1], vec![2], vec![3, 4, 5]]);
}

#[tokio::test]
async fn a_statement_holds_no_more_than_it_may() {
    let story = Story::of(Fake::with(0), Settings { batch: 2, ..ONE_LANE });
    let pending = story.ask_all([1, 2, 3, 4]).await;
    story.fake.orders.permits.add_permits(3);
    told(pending).await;
    assert_eq!(story.asked(), [vec![1], vec![2, 3], vec![4]]);
}

#[tokio::test]
async fn a_full_queue_refuses() {
    let story = Story::of(Fake::with(0), Settings { queue: 2, ..ONE_LANE });
    let pending = story.ask_all([2, 4, 6]).await;
    let refused = story.ask(8).await.await.unwrap();
    assert!(matches!(refused, Err(StoreError::Unavailable(_))));
    story.fake.orders.permits.add_permits(2);
    assert_eq!(told(pending).await, [Ok(Some(4)), Ok(Some(8)), Ok(Some(12))]);
}

#[tokio::test]
async fn a_question_that_is_refused_fails_alone() {
    let mut fake = Fake::with(0);
    fake.poison = HashSet::from([6]);
    let story = Story::of(fake, ONE_LANE);
    let pending = story.ask_all([0, 2, 4, 6, 8, 10]).await;
    story.fake.orders.permits.add_permits(1000);
    let expected = [Ok(Some(0)), Ok(Some(4)), Ok(Some(8)), Err(()), Ok(Some(16)), Ok(Some(20))];
    assert_eq!(told(pending).await, expected);
}

#[tokio::test]
async fn what_nobody_waits_for_is_not_asked() {
    let story = Story::of(Fake::with(0), ONE_LANE);
    let pending = story.ask_all([2, 4, 6]).await;
    pending[1].abort();
    tokio::task::yield_now().await;
    story.fake.orders.permits.add_permits(2);
    for pending in pending.into_iter().step_by(2) {
        pending.await.unwrap().unwrap();
    }
    assert_eq!(story.asked(), [[2], [6]]);
}

#[tokio::test]
async fn whoever_leaves_takes_no_answer_from_the_others() {
    let story = Story::of(Fake::with(0), ONE_LANE);
    let pending = story.ask_all([2, 4, 6]).await;
    // It was this one's request that the statement on its way began with.
    pending[0].abort();
    story.fake.orders.permits.add_permits(2);
    let told = told(pending.into_iter().skip(1).collect()).await;
    assert_eq!(told, [Ok(Some(8)), Ok(Some(12))]);
}

#[tokio::test]
async fn a_dead_connection_is_left_once_and_a_dead_database_told_of() {
    for fault in [Fault::Lost, Fault::Code("57P01")] {
        let story = Story::of(Fake::failing([fault]), ONE_LANE);
        assert_eq!(story.ask(2).await.await.unwrap().unwrap(), Some(4));
        assert_eq!(story.asked(), [[2], [2]]);
        assert_eq!(story.connections(), 2);
    }

    let story = Story::of(Fake::failing([Fault::Lost, Fault::Lost]), ONE_LANE);
    let refused = story.ask(2).await.await.unwrap();
    assert!(matches!(refused, Err(StoreError::Unavailable(_))));
    assert_eq!(story.ask(2).await.await.unwrap().unwrap(), Some(4), "and then all is well again");
}

#[tokio::test]
async fn a_failure_of_the_database_is_told_to_all_who_asked_together() {
    let mut fake = Fake::failing([]);
    fake.orders.permits = Semaphore::new(0);
    let story = Story::of(fake, ONE_LANE);
    let pending = story.ask_all([2, 4, 6]).await;
    story.fake.orders.permits.add_permits(1);
    while story.asked().len() < 2 {
        tokio::task::yield_now().await;
    }
    story.fake.orders.faults.lock().unwrap().push_back(Fault::Code("57P03"));
    story.fake.orders.permits.add_permits(1);
    let mut unavailable = 0;
    for pending in pending {
        match pending.await.unwrap() {
            Err(StoreError::Unavailable(_)) => unavailable += 1,
            other => assert_eq!(other.unwrap(), Some(4)),
        }
    }
    assert_eq!(unavailable, 2);
    assert_eq!(story.asked(), [vec![2], vec![4, 6]], "nothing is halved for want of a database");
}

#[tokio::test]
async fn a_database_that_says_nothing_is_not_waited_for_for_ever() {
    let patience = Duration::from_millis(20);
    let story = Story::of(Fake::with(0), Settings { patience, ..ONE_LANE });
    let refused = story.ask(2).await.await.unwrap();
    assert!(matches!(refused, Err(StoreError::Unavailable(_))));
    story.fake.orders.permits.add_permits(1);
    assert_eq!(story.ask(2).await.await.unwrap().unwrap(), Some(4));
}

#[tokio::test]
async fn a_panic_holds_nobody_up() {
    let mut fake = Fake::failing([Fault::Panic]);
    fake.orders.permits = Semaphore::new(0);
    let story = Story::of(fake, ONE_LANE);
    let pending = story.ask_all([2, 4]).await;
    story.fake.orders.permits.add_permits(2);
    assert_eq!(told(pending).await, [Err(()), Ok(Some(8))]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn everybody_gets_an_answer_and_the_right_one() {
    let settings = Settings { lanes: 3, batch: 7, queue: 10_000, ..ONE_LANE };
    let story = Story::of(Fake::with(10_000), settings);
    let pending: Vec<_> = (0..2000)
        .map(|number| {
            let gather = story.gather.clone();
            tokio::spawn(async move {
                for number in [number, number + 1] {
                    let expected = (number % 2 == 0).then_some(number * 2);
                    assert_eq!(gather.find(number).await.unwrap(), expected);
                }
            })
        })
        .collect();
    for pending in pending {
        pending.await.unwrap();
    }
    assert!(story.asked().iter().all(|asked| (1..=7).contains(&asked.len())));
    assert_eq!(story.asked().iter().map(Vec::len).sum::<usize>(), 4000);
}
