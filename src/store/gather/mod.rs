//! Gathered lookups: many questions, one statement.
//!
//! A statement that looks one thing up costs its way to the database and back, and several times what the
//! looking up costs. So what is asked while a statement is on its way is asked together by the next one:
//!
//! ```text
//! request ─ find ─┐
//! request ─ find ─┼ queue ─ lane ─ one statement ─ answers
//! request ─ find ─┘
//! ```
//!
//! The rules:
//! - while a lane is free a question goes at once: nobody waits for company;
//! - an answer is of a statement that began after the question was asked, so it shows whatever had been
//!   committed by then;
//! - what cannot wait any more is refused ([`Settings::queue`]), and what nobody waits for any more is not
//!   asked;
//! - a question that the database refuses (a text that it cannot hold) fails alone: those that it was asked
//!   with are halved until it is by itself;
//! - nothing is changed by asking, so what a connection breaks over is asked once more.
//!
//! Each database has its [`Source`], in the file of its name. Adding a kind of question: bind it there, beside
//! the statement in [`questions`](super::questions).

pub(super) mod postgres;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::FutureExt as _;
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use super::Result;
use super::failure::{Failure, Halves, refuse, unavailable};
use super::writer::lane::blames_a_row;

/// What answers questions of a kind.
#[async_trait]
pub(super) trait Source: Send + Sync + 'static {
    type Connection: Send + 'static;
    type Question: Send + Sync + 'static;
    type Answer: Send + 'static;

    /// A connection, for as long as there is something to ask.
    async fn connect(&self) -> sqlx::Result<Self::Connection>;

    /// The answers, each in the place of its question; `None` where there is nothing.
    async fn ask(
        &self,
        connection: &mut Self::Connection,
        questions: &[&Self::Question],
    ) -> sqlx::Result<Vec<Option<Self::Answer>>>;
}

/// How much is asked at a time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Settings {
    /// The most statements on their way at a time.
    pub(super) lanes: usize,
    /// The most questions of a statement.
    pub(super) batch: usize,
    /// The most questions that wait.
    pub(super) queue: usize,
    /// Whether a lane keeps its connection from one statement to the next while there is something to
    /// ask. All lanes of all kinds together must leave some of the pool to others then.
    pub(super) keep: bool,
    /// How long a statement may take, waiting for a connection included.
    pub(super) patience: Duration,
}

/// Takes questions of a kind and answers them.
pub(super) struct Gather<S: Source>(Arc<Shared<S>>);

struct Shared<S: Source> {
    source: S,
    settings: Settings,
    /// Where statements are driven: the runtime that opened the store, and that outlives the workers.
    runtime: Handle,
    queue: Mutex<Queue<S>>,
}

struct Queue<S: Source> {
    waiting: VecDeque<Waiting<S>>,
    /// Lanes in use.
    lanes: usize,
}

/// A question, and who waits for its answer.
struct Waiting<S: Source> {
    question: S::Question,
    reply: oneshot::Sender<Result<Option<S::Answer>>>,
}

impl<S: Source> Gather<S> {
    /// Must be called on the runtime that is to drive it.
    pub(super) fn start(source: S, settings: Settings) -> Self {
        Self(Arc::new(Shared {
            source,
            settings,
            runtime: Handle::current(),
            queue: Mutex::new(Queue { waiting: VecDeque::new(), lanes: 0 }),
        }))
    }

    /// What there is to a question.
    pub(super) async fn find(&self, question: S::Question) -> Result<Option<S::Answer>> {
        let (reply, replied) = oneshot::channel();
        let opens = {
            let mut queue = self.0.lock();
            if queue.waiting.len() >= self.0.settings.queue {
                return Err(unavailable("too many lookups are waiting"));
            }
            queue.waiting.push_back(Waiting { question, reply });
            let opens = queue.lanes < self.0.settings.lanes;
            queue.lanes += usize::from(opens);
            opens
        };
        if opens {
            Shared::run(&self.0);
        }
        replied.await.unwrap_or_else(|_| Err(unavailable("the lookup was given up")))
    }
}

impl<S: Source> Shared<S> {
    fn lock(&self) -> MutexGuard<'_, Queue<S>> {
        // Nothing panics while it holds the lock, except for want of memory.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A lane: asks until nothing waits.
    fn run(this: &Arc<Self>) {
        let shared = this.clone();
        this.runtime.spawn(async move {
            let mut connection = None;
            while let Some(batch) = shared.next() {
                // A panic is told to those whose questions it came of, and holds nobody else up.
                let settled =
                    AssertUnwindSafe(shared.settle(&mut connection, batch)).catch_unwind();
                if settled.await.is_err() || !shared.settings.keep {
                    connection = None;
                }
            }
        });
    }

    /// The oldest questions that somebody waits for. If nothing waits, the lane is closed.
    fn next(&self) -> Option<Vec<Waiting<S>>> {
        let mut queue = self.lock();
        let mut batch = Vec::new();
        while batch.len() < self.settings.batch
            && let Some(waiting) = queue.waiting.pop_front()
        {
            if !waiting.reply.is_closed() {
                batch.push(waiting);
            }
        }
        if batch.is_empty() {
            queue.lanes -= 1;
            return None;
        }
        Some(batch)
    }

    /// Asks, and tells everybody what there is.
    async fn settle(&self, connection: &mut Option<S::Connection>, batch: Vec<Waiting<S>>) {
        let mut halves = Halves::of(batch);
        while let Some(half) = halves.next() {
            let questions: Vec<_> = half.iter().map(|waiting| &waiting.question).collect();
            match self.ask(connection, &questions).await {
                Ok(answers) => {
                    for (waiting, answer) in half.into_iter().zip(answers) {
                        // Who does not wait any more has hung up.
                        let _gone = waiting.reply.send(Ok(answer));
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

    async fn ask(
        &self,
        connection: &mut Option<S::Connection>,
        questions: &[&S::Question],
    ) -> std::result::Result<Vec<Option<S::Answer>>, Failure> {
        let asking = async {
            match self.attempt(connection, questions).await {
                // Most likely the connection had been dead for a while.
                Err(error) if is_end(&error) => {
                    *connection = None;
                    self.attempt(connection, questions).await
                }
                outcome => outcome,
            }
        };
        let outcome = tokio::time::timeout(self.settings.patience, asking).await;
        let failure = match outcome {
            Ok(Ok(answers)) => return Ok(answers),
            Ok(Err(error)) if blames_a_row(&error) => Failure::Row(error.into()),
            Ok(Err(error)) => Failure::Whole(error.into()),
            Err(_) => Failure::Whole(unavailable("the database took too long")),
        };
        if matches!(failure, Failure::Whole(_)) {
            // It may be in the middle of something.
            *connection = None;
        }
        Err(failure)
    }

    async fn attempt(
        &self,
        connection: &mut Option<S::Connection>,
        questions: &[&S::Question],
    ) -> sqlx::Result<Vec<Option<S::Answer>>> {
        let connection = match connection {
            Some(connection) => connection,
            None => connection.insert(self.source.connect().await?),
        };
        self.source.ask(connection, questions).await
    }
}

/// Whether a connection ended over a statement, or had ended before it: broken, or closed by a server
/// that stopped or crashed (Postgres' codes `57P01` and `57P02`).
fn is_end(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) => true,
        sqlx::Error::Database(refusal) => {
            refusal.code().is_some_and(|code| matches!(&*code, "57P01" | "57P02"))
        }
        _ => false,
    }
}

impl<S: Source> std::fmt::Debug for Gather<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Gather").field("settings", &self.0.settings).finish_non_exhaustive()
    }
}
