//! The writer: many pending keys, one statement, one commit.
//!
//! A commit costs the same for one row as for a hundred. So a request does not write its key itself:
//! it hands it to the [`Writer`] and waits. What waits goes to the database together, and each
//! request is answered after the commit that holds its key, never before.
//!
//! ```text
//! request ─ add ─┐                     ┌ connection ─ one statement, one commit ─┐
//! request ─ add ─┼ queue.rs ─ lane.rs ─┤                                         ├ replies
//! request ─ add ─┘     └ pace.rs       └ connection ─ one statement, one commit ─┘
//! ```
//!
//! The rules:
//! - with nothing on its way a write goes at once: nobody waits for company;
//! - while batches are on their way the next one fills, and starts when they are done, or
//!   [`Settings::spacing`] after the last of them and when it has as many writes as all of them
//!   together, whichever comes first. So a fast disk sees few, large batches one after the other,
//!   and on a slow one several are on their way at a time, without ever getting small;
//! - the keys of one user in one organisation are never in two batches on their way: they are
//!   numbered in the order in which they came;
//! - what cannot wait any more is refused ([`Settings::queue`]);
//! - a row that the database refuses fails its own request: its batch, of which then nothing is
//!   kept, is halved until the row is alone;
//! - when the connection breaks before the commit is confirmed, nobody knows whether it happened.
//!   Each request of the batch is told so (503, never "not stored"). A retry is harmless: what may
//!   have been kept is a pending key that nobody has seen, one of five.
//!
//! Each database has a [`Sink`], in the file of its name. Adding one: write its file, and give it to
//! [`Writer::start`] where the store is opened.

pub(super) mod lane;
mod pace;
pub(super) mod postgres;
mod queue;
pub(super) mod sqlite;
#[cfg(test)]
mod tests;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::runtime::Handle;
use tokio::sync::{Notify, oneshot};

use self::pace::Metronome;
use self::queue::{Queue, Waiting};
use super::failure::unavailable;
use super::{Event, Load, PendingKey, Result};

/// A pending key and its audit row, on their way to the database.
pub(super) struct Write {
    pub(super) key: PendingKey,
    pub(super) event: Event,
}

/// What a database does with a batch.
#[async_trait]
pub(super) trait Sink: Send + Sync + 'static {
    /// What batches go by.
    type Connection: Send + 'static;

    /// Opens a connection, or borrows one.
    async fn connect(&self) -> sqlx::Result<Self::Connection>;

    /// Commits all of `writes`, or none. They are in the order in which they came.
    async fn write(&self, connection: &mut Self::Connection, writes: &[&Write])
    -> sqlx::Result<()>;

    /// Closes a connection as its database likes it, or gives it back.
    async fn disconnect(&self, connection: Self::Connection);
}

/// How much is done at a time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Settings {
    /// The most batches on their way at a time, each on a connection of its own.
    pub(super) lanes: usize,
    /// The most writes of a batch.
    pub(super) batch: usize,
    /// The least time between the starts of two batches, unless none is on its way.
    pub(super) spacing: Duration,
    /// The most writes that wait.
    pub(super) queue: usize,
    /// Whether a connection is kept for the batches that follow.
    pub(super) keep: bool,
    /// How long a batch may take, connecting included, before its outcome counts as unknown.
    pub(super) patience: Duration,
}

/// Takes writes and answers them once they are committed.
pub(super) struct Writer<S: Sink>(Arc<Shared<S>>);

struct Shared<S: Sink> {
    sink: S,
    settings: Settings,
    /// Where batches are driven: the runtime that opened the store, and that outlives the workers.
    runtime: Handle,
    queue: Mutex<Queue<S::Connection>>,
    metronome: Metronome,
    drained: Notify,
    counts: Counts,
}

/// What was done since the start.
#[derive(Default)]
struct Counts {
    rows: AtomicU64,
    commits: AtomicU64,
    turned_away: AtomicU64,
}

impl<S: Sink> Writer<S> {
    /// A writer that has not connected yet. Must be called on the runtime that is to drive it.
    pub(super) fn start(sink: S, settings: Settings) -> Self {
        Self(Arc::new(Shared {
            sink,
            settings,
            runtime: Handle::current(),
            queue: Mutex::new(Queue::default()),
            metronome: Metronome::default(),
            drained: Notify::new(),
            counts: Counts::default(),
        }))
    }

    /// The same load with what the writer has to do and has done.
    pub(super) fn load(&self, load: Load) -> Load {
        let (waiting, batches) = {
            let queue = self.0.lock();
            (queue.len() as u64, queue.started() as u64)
        };
        let count = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let Counts { rows, commits, turned_away } = &self.0.counts;
        Load {
            waiting,
            batches,
            rows: count(rows),
            commits: count(commits),
            turned_away: count(turned_away),
            ..load
        }
    }

    /// Keeps a pending key and its audit row. `Ok` means committed.
    pub(super) async fn add(&self, key: PendingKey, event: Event) -> Result<()> {
        let (reply, replied) = oneshot::channel();
        let write = Write { key, event };
        let batch = {
            let mut queue = self.0.lock();
            if queue.is_closed() {
                return Err(unavailable("the writer is closed"));
            }
            if queue.len() >= self.0.settings.queue {
                self.0.counts.turned_away.fetch_add(1, Ordering::Relaxed);
                return Err(unavailable("too many writes are waiting"));
            }
            queue.push(Waiting::new(write, reply));
            Shared::next(&self.0, &mut queue)
        };
        if let Some(batch) = batch {
            Shared::drive(&self.0, batch);
        }
        // The sender is dropped unused only with its runtime; then nobody knows what was committed.
        let written = replied.await.unwrap_or_else(|_| Err(unavailable("the writer was stopped")));
        written.map(drop)
    }

    /// Takes no more writes, finishes those it has, and closes its connections.
    pub(super) async fn close(&self) {
        let idle = loop {
            let drained = self.0.drained.notified();
            if let Some(idle) = self.0.lock().close() {
                break idle;
            }
            drained.await;
        };
        for connection in idle {
            self.0.sink.disconnect(connection).await;
        }
    }
}

impl<S: Sink> Shared<S> {
    fn lock(&self) -> MutexGuard<'_, Queue<S::Connection>> {
        // Nothing panics while it holds the lock, except for want of memory.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S: Sink> std::fmt::Debug for Writer<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Writer").field("settings", &self.0.settings).finish_non_exhaustive()
    }
}

impl<S: Sink> Drop for Writer<S> {
    fn drop(&mut self) {
        self.0.metronome.stop();
    }
}
