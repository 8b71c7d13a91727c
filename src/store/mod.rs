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
//! - what belongs together (a key and its audit row) is one transaction;
//! - a database that is gone is [`StoreError::Unavailable`], and whoever waits for one may stop: a
//!   connection over which nothing comes any more is not used again.
//!
//! Adding a verb: declare it in the file of its subject, write it in the file of that name in
//! `verbs/` (or in both stores, where it must be one statement), and add it to the story in
//! `tests/api/store.rs`, which runs on both. A lookup that nearly every request needs is a question
//! (`questions.rs`), which Postgres is asked for many at a time (`gather/`). Adding a store: a file like
//! `sqlite.rs`, against which `verbs/` is compiled; a folder of migrations (`schema.rs`); its
//! `Sink` in `writer/`; how it answers the questions, by itself or, for many at a time, a
//! `Source` in `gather/`; a variant of [`Named`] with its line in [`named`] and in
//! [`open_with`].

mod api_keys;
mod audit;
mod failure;
#[cfg(test)]
mod fake;
mod gather;
mod keys;
mod lookups;
mod people;
mod postgres;
mod questions;
mod records;
mod schema;
mod sessions;
mod sqlite;
mod statistics;
mod tokens;
mod writer;

use std::sync::Arc;

use sqlx::migrate::MigrateError;

pub use api_keys::{ApiKey, ApiKeys};
pub use audit::Audit;
pub use keys::{Judge, Keys, Reseal};
pub use people::{IsKnown, People};
pub use postgres::Postgres;
pub use records::{
    Attempt, AuditRow, Checked, Event, Hint, Judgement, KeyState, Membership, NewSession, NewUser,
    Organisation, PendingKey, Purpose, Rewrapped, SealedRow, StoredKey, Swept, User,
};
pub use schema::Schema;
pub use sessions::{SESSIONS_KEPT, Sessions};
pub use sqlite::Sqlite;
pub use statistics::{COUNTED_MOST, Census, Load, SEALING_KEYS_MOST, Statistics};
pub use tokens::{NewSignIn, RefreshToken, SIGN_INS_KEPT, Tokens};

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
            | sqlx::Error::WorkerCrashed
            // What a connection says that ends while it is made, or in the middle of an answer.
            | sqlx::Error::Protocol(_) => true,
            sqlx::Error::Database(refusal) => {
                if refusal.is_unique_violation() {
                    return Self::Conflict;
                }
                refusal.code().is_some_and(|code| is_down(&code))
            }
            _ => false,
        };
        if down { Self::Unavailable(error) } else { Self::Failed(error.into()) }
    }
}

impl From<MigrateError> for StoreError {
    fn from(error: MigrateError) -> Self {
        match error {
            MigrateError::Execute(error) => error.into(),
            other => Self::Failed(other.into()),
        }
    }
}

/// Whether a database's error code says that it may do better soon.
fn is_down(code: &str) -> bool {
    if code.len() == 5 {
        // Postgres: connection exceptions, no resources, operator intervention (a statement that
        // took too long, too), system errors such as those of its disk, aborted by a concurrent
        // transaction; a server that is a replica still.
        return ["08", "53", "57", "58", "40"].iter().any(|class| code.starts_with(class))
            || code == "25006";
    }
    // SQLite: busy, locked, the disk fails or is full, cannot open.
    matches!(result_code(code), Some(5 | 6 | 10 | 13 | 14))
}

/// `SQLite`'s primary result code; what is told beside it, in the upper bits, are details of it
/// (<https://sqlite.org/rescode.html>).
fn result_code(code: &str) -> Option<u32> {
    code.parse::<u32>().ok().map(|code| code & 0xFF)
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

/// What of that which waits at the same time goes to the database together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coalesce {
    /// Pending keys are committed together, and lookups made together.
    All,
    /// Nothing: each is a statement on a connection from a pool, for comparing, and for finding out
    /// what is wrong.
    Nothing,
    /// Nothing, with connections that are kept for keys and not asked for a sign of life before each
    /// of them: the most that can be had of Postgres by single statements, for comparing.
    NothingUnpooled,
}

/// How a store works.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// What is done together.
    pub coalesce: Coalesce,
    /// Whether the database is told to give up a statement that takes longer than a request would
    /// wait for it. Commands that go through whole tables have more time.
    pub hurry: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { coalesce: Coalesce::All, hurry: true }
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
    match named(url) {
        Some(Named::Postgres) => Ok(Arc::new(Postgres::open(url, options)?)),
        Some(Named::Sqlite(path)) => Ok(Arc::new(Sqlite::open(path, options).await?)),
        None => Err(StoreError::Failed("DATABASE_URL is not postgres://… or sqlite:PATH".into())),
    }
}

/// What the URL of a store names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Named<'a> {
    /// A Postgres server.
    Postgres,
    /// The file of an embedded store.
    Sqlite(&'a str),
}

/// The store that `url` names, if it names one.
#[must_use]
pub fn named(url: &str) -> Option<Named<'_>> {
    match url.split_once(':')? {
        ("postgres" | "postgresql", rest) => rest.starts_with("//").then_some(Named::Postgres),
        ("sqlite", rest) => {
            let path = rest.strip_prefix("//").unwrap_or(rest);
            // Without a name each connection would have a database of its own, for a while.
            (!path.is_empty()).then_some(Named::Sqlite(path))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_names_a_server_or_a_file() {
        for (url, store) in [
            ("postgres://name:word@host/foundry", Some(Named::Postgres)),
            ("postgresql:///foundry?host=/run/postgresql", Some(Named::Postgres)),
            ("sqlite:data/x.db", Some(Named::Sqlite("data/x.db"))),
            ("sqlite:/srv/x.db", Some(Named::Sqlite("/srv/x.db"))),
            ("sqlite://x.db", Some(Named::Sqlite("x.db"))),
            ("sqlite:///srv/x.db", Some(Named::Sqlite("/srv/x.db"))),
            ("sqlite:////srv/x.db", Some(Named::Sqlite("//srv/x.db"))),
            ("sqlite::memory:", Some(Named::Sqlite(":memory:"))),
            ("sqlite:", None),
            ("sqlite://", None),
            ("postgres:foundry", None),
            ("mysql://host/foundry", None),
            ("nonsense", None),
        ] {
            assert_eq!(named(url), store, "{url}");
        }
    }

    #[test]
    fn what_may_be_over_soon_is_told_from_what_is_a_defect() {
        for code in ["08006", "53300", "57014", "57P03", "58030", "40001", "25006"] {
            assert!(is_down(code), "{code}");
        }
        // Busy, busy with a snapshot, locked, no more writing, short read, full, cannot open.
        for code in ["5", "517", "6", "778", "522", "13", "14"] {
            assert!(is_down(code), "{code}");
        }
        // A syntax error, a value too long, no such table; a constraint, a misuse.
        for code in ["42601", "22001", "42P01", "19", "2067", "21", "1"] {
            assert!(!is_down(code), "{code}");
        }
        let cut_off = sqlx::Error::Protocol("unexpected response from SSLRequest: 0x00".into());
        assert!(matches!(StoreError::from(cut_off), StoreError::Unavailable(_)));
    }
}
