//! A batch's way through its connection, and what happens when it fails.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::queue::{Batch, Waiting};
use super::{Shared, Sink, Write};
use crate::store::failure::{Failure, Halves, refuse, unavailable};
use crate::store::{StoreError, result_code};

/// How often a batch is tried that the database gave up for the sake of another transaction.
const ATTEMPTS: u32 = 5;
/// How long the first of the next attempts waits; each one waits twice as long.
const BACK_OFF: Duration = Duration::from_millis(2);

/// What a failed statement says about its batch.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    /// Nothing is kept, and the same statement may do better now.
    Again,
    /// Nothing is kept, and one of the rows is the reason.
    Row,
    /// Nothing is kept, and no row is to blame.
    Whole,
    /// Nobody knows.
    Unknown,
}

impl<S: Sink> Shared<S> {
    /// Sends a batch off, and after it those that are due when it is done.
    pub(super) fn drive(this: &Arc<Self>, batch: Batch<S::Connection>) {
        let shared = this.clone();
        this.runtime.spawn(async move {
            let mut next = Some(batch);
            while let Some(batch) = next {
                let mut flight = Flight { shared: &shared, users: batch.users(), landed: false };
                let mut connection = batch.connection;
                shared.settle(&mut connection, batch.waiting).await;
                if !shared.settings.keep
                    && let Some(connection) = connection.take()
                {
                    shared.sink.disconnect(connection).await;
                }
                next = flight.land(connection);
            }
        });
    }

    /// Commits a batch and answers everybody in it.
    async fn settle(&self, connection: &mut Option<S::Connection>, waiting: Vec<Waiting>) {
        let mut halves = Halves::of(waiting);
        while let Some(half) = halves.next() {
            let writes: Vec<&Write> = half.iter().map(|waiting| &*waiting.write).collect();
            match self.commit(connection, &writes).await {
                Ok(()) => {
                    self.counts.commits.fetch_add(1, Ordering::Relaxed);
                    self.counts.rows.fetch_add(writes.len() as u64, Ordering::Relaxed);
                    for Waiting { write, reply, .. } in half {
                        // Who does not wait any more has hung up.
                        let _gone = reply.send(Ok(write));
                    }
                }
                Err(failure) => {
                    if let Some((refused, error)) = halves.failed(half, failure) {
                        refuse(refused.into_iter().map(|waiting| waiting.reply), error);
                    }
                }
            }
        }
    }

    async fn commit(
        &self,
        connection: &mut Option<S::Connection>,
        writes: &[&Write],
    ) -> std::result::Result<(), Failure> {
        let mut attempt = 0;
        loop {
            attempt += 1;
            let tried = tokio::time::timeout(
                self.settings.patience,
                self.attempt(&mut *connection, writes),
            );
            let Ok(outcome) = tried.await else {
                *connection = None;
                return Err(Failure::Whole(unavailable("the database took too long")));
            };
            let Err(error) = outcome else { return Ok(()) };
            match verdict(&error) {
                Verdict::Again if attempt < ATTEMPTS => {
                    tokio::time::sleep(BACK_OFF * (1 << attempt)).await;
                }
                Verdict::Row => return Err(Failure::Row(error.into())),
                Verdict::Again | Verdict::Whole => return Err(Failure::Whole(error.into())),
                Verdict::Unknown => {
                    // Whatever broke this connection has most likely broken the idle ones, too.
                    *connection = None;
                    self.lock().drop_idle();
                    return Err(Failure::Whole(StoreError::Unavailable(error)));
                }
            }
        }
    }

    async fn attempt(
        &self,
        connection: &mut Option<S::Connection>,
        writes: &[&Write],
    ) -> sqlx::Result<()> {
        let connection = match connection {
            Some(connection) => connection,
            None => connection.insert(self.sink.connect().await?),
        };
        self.sink.write(connection, writes).await
    }
}

/// A batch on its way. Should its task end early, its users are not held up for ever.
struct Flight<'a, S: Sink> {
    shared: &'a Arc<Shared<S>>,
    users: Vec<u64>,
    landed: bool,
}

impl<S: Sink> Flight<'_, S> {
    /// Ends it, and gives the batch that follows on the same connection.
    fn land(&mut self, connection: Option<S::Connection>) -> Option<Batch<S::Connection>> {
        self.landed = true;
        let mut queue = self.shared.lock();
        queue.finish(&self.users);
        if let Some(connection) = connection {
            queue.rest(connection);
        }
        let next = Shared::next(self.shared, &mut queue);
        if queue.started() == 0 {
            self.shared.drained.notify_waiters();
        }
        next
    }
}

impl<S: Sink> Drop for Flight<'_, S> {
    fn drop(&mut self) {
        if !self.landed
            && let Some(next) = self.land(None)
        {
            Shared::drive(self.shared, next);
        }
    }
}

/// Whether a failure is one row's, and a statement without that row may succeed.
pub(in crate::store) fn blames_a_row(error: &sqlx::Error) -> bool {
    verdict(error) == Verdict::Row
}

/// What a failure says about the batch. Only an answer of the server that leaves it running is
/// certain; whatever ends the connection may have come after the commit.
fn verdict(error: &sqlx::Error) -> Verdict {
    let sqlx::Error::Database(refusal) = error else {
        return match error {
            sqlx::Error::Encode(_) => Verdict::Row,
            _ => Verdict::Unknown,
        };
    };
    let Some(code) = refusal.code() else { return Verdict::Unknown };
    match &*code {
        // Serialization failure, deadlock.
        "40001" | "40P01" => Verdict::Again,
        code if code.len() == 5 => match &code[..2] {
            // Cardinality, data, integrity, limits of the program.
            "21" | "22" | "23" | "54" => Verdict::Row,
            // Connection, transaction resolution unknown, operator's intervention, system.
            "08" | "40" | "57" | "58" | "XX" => Verdict::Unknown,
            _ => Verdict::Whole,
        },
        // SQLite: too big; constraints; type mismatch.
        code => match result_code(code) {
            Some(18..=20) => Verdict::Row,
            _ => Verdict::Whole,
        },
    }
}
