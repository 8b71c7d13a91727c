//! What happens without a request: rows that are of no use any more are removed.
//!
//! Of all instances on one database one does it at a time, the one that holds the lease: a row with
//! a time limit, so that an instance that was killed is followed by another. Batches are small and
//! so is their number in one round; what is left waits for the next.
//!
//! To remove more kinds of rows: a field of `Swept`, a statement in `Keys::sweep`, and a field of the
//! log line below.

use std::time::{Duration, Instant};

use actix_web::web;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::app::App;
use crate::operation::STEP_UP;
use crate::random::{self, Exhausted};
use crate::store::{StoreError, Swept};

/// From the end of one round to the beginning of the next.
const PAUSE: Duration = Duration::from_mins(1);
/// How long a round has before another instance may begin one.
const LEASE: Duration = Duration::from_mins(3);
/// How long a stop waits for the batch under way, whose database may have vanished.
const STOP_WITHIN: Duration = Duration::from_secs(5);
/// The most rows of a kind that one statement removes.
const BATCH: u32 = 500;
/// The most batches of one round.
const BATCHES: u32 = 200;
/// The name of the lease.
const NAME: &str = "sweep";

/// Removes expired rows until it is stopped.
pub struct Sweeper {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Sweeper {
    /// Starts, with a round at once.
    ///
    /// # Errors
    /// When there is no randomness for the instance's name.
    pub fn start(app: web::Data<App>) -> Result<Self, Exhausted> {
        let holder = random::id(&*app.random)?;
        let (stop, stopped) = watch::channel(false);
        let task = actix_web::rt::spawn(run(app, holder, stopped));
        Ok(Self { stop, task })
    }

    /// Waits for the batch under way, and gives the lease back.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        if tokio::time::timeout(STOP_WITHIN, &mut self.task).await.is_err() {
            // A batch that is cut off is done or not, and the lease expires.
            self.task.abort();
        }
    }
}

async fn run(app: web::Data<App>, holder: String, mut stopped: watch::Receiver<bool>) {
    while !*stopped.borrow() {
        // A round that outlives its lease waits for a database that is not coming.
        match tokio::time::timeout(LEASE, round(&app, &holder, &stopped)).await {
            Ok(Ok(swept)) => told(swept),
            Ok(Err(error)) => tracing::warn!(%error, "expired rows could not be removed"),
            Err(error) => tracing::warn!(%error, "expired rows could not be removed in time"),
        }
        tokio::select! {
            () = tokio::time::sleep(PAUSE) => {}
            _ = stopped.changed() => {}
        }
    }
    if let Err(error) = app.store.give_lease(NAME, &holder).await {
        tracing::debug!(%error, "a lease was not given back, and will expire");
    }
}

/// Says what a round has removed, if anything.
fn told(swept: Swept) {
    if swept == Swept::default() {
        return;
    }
    let Swept { keys, sessions, verifications, refresh_tokens, sign_ins } = swept;
    tracing::info!(
        keys,
        sessions,
        verifications,
        refresh_tokens,
        sign_ins,
        "removed what has expired"
    );
}

/// One round: batches until one finds nothing, if the lease is ours.
async fn round(
    app: &App,
    holder: &str,
    stopped: &watch::Receiver<bool>,
) -> Result<Swept, StoreError> {
    let now = app.clock.now();
    let mut swept = Swept::default();
    if !app.store.take_lease(NAME, holder, now, now.plus(LEASE)).await? {
        return Ok(swept);
    }
    for _ in 0..BATCHES {
        let began = Instant::now();
        let batch = app.store.sweep(now, now.minus(STEP_UP), BATCH).await?;
        swept += batch;
        if batch == Swept::default() || *stopped.borrow() {
            break;
        }
        // Half of the time is left to those who wait for the file of the embedded store.
        tokio::time::sleep(began.elapsed()).await;
    }
    Ok(swept)
}
