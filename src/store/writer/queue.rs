//! What waits and what is on its way. No waiting happens here, and no input or output.

use std::collections::{HashSet, VecDeque};
use std::hash::{BuildHasher as _, RandomState};
use std::time::Instant;

use tokio::sync::oneshot;

use super::Write;
use crate::store::Result;

/// What a write comes to. It goes back to where it came from, for its memory to be freed by the thread
/// that it belongs to: anywhere else that takes several times as long.
pub(super) type Reply = Result<Box<Write>>;

/// A write, and who waits for it.
pub(super) struct Waiting {
    /// Boxed, since queues move it about.
    pub(super) write: Box<Write>,
    pub(super) reply: oneshot::Sender<Reply>,
    /// A hash of organisation and user. Two users with one hash are written one after the other,
    /// which costs time and nothing else.
    whose: u64,
}

/// What goes to the database together, and the connection it goes by, if there is one already.
pub(super) struct Batch<C> {
    pub(super) waiting: Vec<Waiting>,
    pub(super) connection: Option<C>,
}

pub(super) struct Queue<C> {
    waiting: VecDeque<Waiting>,
    /// Whose writes are on their way.
    busy: HashSet<u64>,
    hasher: RandomState,
    /// Batches on their way.
    started: usize,
    /// Writes on their way.
    on_way: usize,
    last_start: Option<Instant>,
    idle: Vec<C>,
    closed: bool,
}

impl<C> Default for Queue<C> {
    fn default() -> Self {
        Self {
            waiting: VecDeque::new(),
            busy: HashSet::new(),
            hasher: RandomState::new(),
            started: 0,
            on_way: 0,
            last_start: None,
            idle: Vec::new(),
            closed: false,
        }
    }
}

impl Waiting {
    pub(super) fn new(write: Write, reply: oneshot::Sender<Reply>) -> Self {
        Self { write: Box::new(write), reply, whose: 0 }
    }
}

impl<C> Queue<C> {
    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed
    }

    /// Batches on their way.
    pub(super) fn started(&self) -> usize {
        self.started
    }

    /// Writes on their way.
    pub(super) fn on_way(&self) -> usize {
        self.on_way
    }

    pub(super) fn last_start(&self) -> Option<Instant> {
        self.last_start
    }

    pub(super) fn push(&mut self, mut waiting: Waiting) {
        let key = &waiting.write.key;
        waiting.whose = self.hasher.hash_one((&key.organisation, &key.user));
        self.waiting.push_back(waiting);
    }

    /// Starts a batch of at most `most` writes: the oldest whose users have nothing on its way.
    pub(super) fn start(&mut self, most: usize, now: Instant) -> Option<Batch<C>> {
        let (mut taken, mut passed_over) = (Vec::new(), Vec::new());
        while taken.len() < most
            && let Some(waiting) = self.waiting.pop_front()
        {
            let is_busy = self.busy.contains(&waiting.whose);
            if is_busy { &mut passed_over } else { &mut taken }.push(waiting);
        }
        for waiting in passed_over.into_iter().rev() {
            self.waiting.push_front(waiting);
        }
        if taken.is_empty() {
            return None;
        }
        self.busy.extend(taken.iter().map(|waiting| waiting.whose));
        self.started += 1;
        self.on_way += taken.len();
        self.last_start = Some(now);
        Some(Batch { waiting: taken, connection: self.idle.pop() })
    }

    /// A batch is done: its users may write again.
    pub(super) fn finish(&mut self, users: &[u64]) {
        for user in users {
            self.busy.remove(user);
        }
        self.started -= 1;
        self.on_way -= users.len();
    }

    /// Keeps a connection for the next batch.
    pub(super) fn rest(&mut self, connection: C) {
        self.idle.push(connection);
    }

    /// Connections that have nothing to do; all of them may be bad once one of them broke.
    pub(super) fn drop_idle(&mut self) {
        self.idle.clear();
    }

    /// Takes no more writes. Once nothing is left to do, gives the connections.
    pub(super) fn close(&mut self) -> Option<Vec<C>> {
        self.closed = true;
        (self.started == 0 && self.waiting.is_empty()).then(|| std::mem::take(&mut self.idle))
    }
}

impl<C> Batch<C> {
    /// Whose writes it has.
    pub(super) fn users(&self) -> Vec<u64> {
        self.waiting.iter().map(|waiting| waiting.whose).collect()
    }
}
