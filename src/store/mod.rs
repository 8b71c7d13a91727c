//! What is kept, and the promises about it.
//!
//! [`Store`] is the boundary: verbs of the domain by subject ([`People`], [`Sessions`], [`Keys`]…),
//! no SQL types, chosen once by [`open`] from the scheme of the URL. Two stores keep it: Postgres,
//! which the service is made for, and an embedded SQLite file. What they share is written once, in
//! `verbs/`, and compiled against each; what a database does in its own way (opening, the atomic
//! statements) is in the file of its name.
//!
//! The rules:
//! - a verb that returns `Ok` has been committed, and is still there after `kill -9`;
//! - a lookup returns `Option`: nothing there is an answer, not an error;
//! - times and ids are handed in, never asked of the database;
//! - what belongs together (a key and its audit row) is one transaction.
//!
//! Adding a verb: declare it in the file of its subject, write it in the file of that name in
//! `verbs/` (or in both stores, where it must be one statement), and add it to the story in
//! `tests/api/store.rs`, which runs on both. Adding a store:
//! a file like `sqlite.rs`, a folder of migrations, and a line in [`open`].

mod api_keys;
mod audit;
mod keys;
mod lookups;
mod people;
mod postgres;
mod records;
mod schema;
mod sessions;
mod sqlite;
mod statistics;
mod tokens;
mod writer;

use std::sync::Arc;

pub use api_keys::{ApiKey, ApiKeys};
pub use audit::Audit;
pub use keys::{Judge, Keys, Reseal};
pub use people::People;
pub use postgres::Postgres;
pub use records::{
    Attempt, AuditRow, Checked, Event, Hint, Judgement, KeyState, Membership, NewSession, NewUser,
    Organisation, PendingKey, Purpose, Rewrapped, SealedRow, StoredKey, Swept, User,
};
pub use schema::Schema;
pub use sessions::Sessions;
pub use sqlite::Sqlite;
pub use statistics::{COUNTED_MOST, Census, Load, SEALING_KEYS_MOST, Statistics};
pub use tokens::{NewSignIn, RefreshToken, Tokens};

/// How many pending keys of one user in one organisation are kept: the newest ones.
pub const PENDING_KEPT: i64 = 5;

/// The place of the active key; the pending ones are at 0 up to [`PENDING_KEPT`].
pub const ACTIVE_PLACE: i16 = 5;

/// Why a verb failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database does not answer, or has no room for another connection; it may soon.
    #[error("the database is not available")]
    Unavailable(#[source] sqlx::Error),
    /// Something of that name is there already.
    #[error("something of that name exists already")]
    Conflict,
    /// What the verb is about does not exist; for the command line, which names it.
    #[error("there is no {0} of that name")]
    Missing(&'static str),
    /// The database refused or misread a statement. A defect.
    #[error("the database failed")]
    Failed(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        let down = match &error {
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed => true,
            sqlx::Error::Database(refusal) => {
                if refusal.is_unique_violation() {
                    return Self::Conflict;
                }
                // Postgres: connection exceptions, no resources, operator intervention, aborted by
                // a concurrent transaction. SQLite: busy, locked, disk full, cannot open.
                refusal.code().is_some_and(|code| {
                    ["08", "53", "57P", "40"].iter().any(|class| code.starts_with(class))
                        && code.len() == 5
                        || matches!(&*code, "5" | "6" | "13" | "14" | "261" | "517")
                })
            }
            _ => false,
        };
        if down { Self::Unavailable(error) } else { Self::Failed(error.into()) }
    }
}

/// What a verb returns.
pub type Result<T> = std::result::Result<T, StoreError>;

/// Where everything is kept.
pub trait Store:
    Schema + People + Sessions + Tokens + ApiKeys + Keys + Audit + Statistics + 'static
{
}

impl<T> Store for T where
    T: Schema + People + Sessions + Tokens + ApiKeys + Keys + Audit + Statistics + 'static
{
}

/// How a store works.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Whether pending keys that wait at the same time are committed together. `false` sends each by
    /// itself: for comparing, and for finding out what is wrong.
    pub coalesce: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { coalesce: true }
    }
}

/// Opens the store that `url` names, with the options that fit most. See [`open_with`].
///
/// # Errors
/// As [`open_with`].
pub async fn open(url: &str) -> Result<Arc<dyn Store>> {
    open_with(url, Options::default()).await
}

/// Opens the store that `url` names: `postgres://…`, `postgresql://…` or `sqlite:PATH`. A database
/// that is down is not an error here, only when it is used; a file that cannot be opened is.
///
/// # Errors
/// [`StoreError`] when the URL makes no sense. Its text holds no part of the URL, which may hold a
/// password.
pub async fn open_with(url: &str, options: Options) -> Result<Arc<dyn Store>> {
    match url.split_once(':') {
        Some(("postgres" | "postgresql", _)) => Ok(Arc::new(Postgres::open(url, options)?)),
        Some(("sqlite", path)) => Ok(Arc::new(Sqlite::open(path, options).await?)),
        _ => Err(StoreError::Failed("DATABASE_URL is not postgres://… or sqlite:…".into())),
    }
}
