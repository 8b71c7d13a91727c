//! A database that does as it is told, for the tests of those who drive one.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use sqlx::error::{DatabaseError, ErrorKind};
use tokio::sync::Semaphore;

/// What a database is told: each statement takes a permit, and then comes the next fault, if there is one.
pub(super) struct Orders {
    pub(super) permits: Semaphore,
    pub(super) faults: Mutex<VecDeque<Fault>>,
    connected: AtomicUsize,
}

pub(super) enum Fault {
    Code(&'static str),
    Lost,
    Panic,
}

impl Orders {
    pub(super) fn with(permits: usize) -> Self {
        Self {
            permits: Semaphore::new(permits),
            faults: Mutex::default(),
            connected: AtomicUsize::new(0),
        }
    }

    /// A connection is opened.
    pub(super) fn connect(&self) {
        self.connected.fetch_add(1, Ordering::SeqCst);
    }

    /// How often one was.
    pub(super) fn connected(&self) -> usize {
        self.connected.load(Ordering::SeqCst)
    }

    /// A statement, one of whose rows may be `poisoned`.
    pub(super) async fn obey(&self, poisoned: bool) -> sqlx::Result<()> {
        self.permits.acquire().await.unwrap().forget();
        let fault = self.faults.lock().unwrap().pop_front();
        match fault {
            Some(Fault::Code(code)) => Err(Refusal(code).into()),
            Some(Fault::Lost) => Err(std::io::Error::other("reset").into()),
            Some(Fault::Panic) => panic!("as told"),
            None if poisoned => Err(Refusal("22021").into()),
            None => Ok(()),
        }
    }
}

impl<I: IntoIterator<Item = Fault>> From<I> for Orders {
    fn from(faults: I) -> Self {
        Self { faults: Mutex::new(faults.into_iter().collect()), ..Self::with(1000) }
    }
}

/// A database's refusal with that code.
#[derive(Debug, thiserror::Error)]
#[error("refused with {0}")]
struct Refusal(&'static str);

impl DatabaseError for Refusal {
    fn message(&self) -> &str {
        self.0
    }
    fn code(&self) -> Option<Cow<'_, str>> {
        Some(self.0.into())
    }
    fn kind(&self) -> ErrorKind {
        ErrorKind::Other
    }
    fn as_error(&self) -> &(dyn std::error::Error + Send + Sync + 'static) {
        self
    }
    fn as_error_mut(&mut self) -> &mut (dyn std::error::Error + Send + Sync + 'static) {
        self
    }
    fn into_error(self: Box<Self>) -> Box<dyn std::error::Error + Send + Sync + 'static> {
        self
    }
}
