//! SQLite, embedded: one file, no server. Writers come one after the other, so a transaction that
//! takes the write lock at its start is atomic as a whole.

use std::os::unix::fs::OpenOptionsExt as _;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use sqlx::migrate::Migrator;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{ConnectOptions as _, Connection as _};

use super::lookups::{By, Lookups};
use super::questions::ONE;
use super::schema::migrator;
use super::writer::sqlite::SqliteSink;
use super::writer::{Settings, Writer};
use super::{
    COUNTED_MOST, Coalesce, Event, Membership, Options, PendingKey, Result, StoreError, User,
    result_code,
};
use crate::clock::Timestamp;

/// The end of a statement whose rows are to be held until the transaction ends: the transaction has the
/// write lock already.
macro_rules! held {
    () => {
        ""
    };
}

/// Likewise.
macro_rules! held_if_free {
    () => {
        ""
    };
}

#[path = "verbs/mod.rs"]
#[expect(clippy::duplicate_mod, reason = "compiled once for each database, on purpose")]
mod verbs;
use self::verbs::people::{membership_of, user_of};

pub(super) type Handle = Sqlite;
pub(super) type Database = sqlx::Sqlite;
type Pool = sqlx::SqlitePool;
pub(super) type Row = sqlx::sqlite::SqliteRow;

static MIGRATOR: LazyLock<Migrator> =
    LazyLock::new(|| migrator(sqlx::migrate!("src/store/migrations/sqlite")));

/// The most connections to the file; one writes, the others read.
const CONNECTIONS: u32 = 4;
/// How long a request waits for a connection or for the write lock before it is answered 503.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long it waits before it opens a file again that another one was about to open.
const BETWEEN_ATTEMPTS: Duration = Duration::from_millis(10);

/// How keys are written: what came during one transaction is the next one.
const COALESCED: Settings = Settings {
    lanes: 1,
    batch: 256,
    spacing: Duration::ZERO,
    queue: 1024,
    keep: true,
    // Waiting for the write lock is in it.
    patience: PATIENCE.saturating_mul(2),
};
/// The same without coalescing: each key a transaction.
const SINGLE: Settings = Settings { batch: 1, ..COALESCED };

/// The embedded store.
#[derive(Debug)]
pub struct Sqlite {
    pool: Pool,
    lookups: Lookups,
    questions: Questions,
    writer: Writer<SqliteSink>,
}

impl Sqlite {
    pub(super) async fn open(path: &str, options: Options) -> Result<Self> {
        let settings = if options.coalesce == Coalesce::All { COALESCED } else { SINGLE };
        let in_memory = path == ":memory:";
        if !in_memory {
            owned(path.trim_start_matches("//"))?;
        }
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            // A commit is on the disk before it returns.
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(PATIENCE)
            .disable_statement_logging();
        let pool = SqlitePoolOptions::new()
            // A database in memory belongs to its connection, and must outlive idleness.
            .max_connections(if in_memory { 1 } else { CONNECTIONS })
            .idle_timeout(None)
            .max_lifetime(None)
            .acquire_timeout(PATIENCE)
            .after_release(|connection, _| Box::pin(is_idle(connection)));
        let pool = connected(pool, options).await?;
        let writer = Writer::start(SqliteSink(pool.clone()), settings);
        let questions = Questions(pool.clone());
        Ok(Self { pool, lookups: Lookups::default(), questions, writer })
    }
}

/// The pool with its first connection, which gives a new file its write-ahead log. Of two that do so
/// SQLite refuses one at once, however long it would wait: each holds what the other needs. So here
/// is no least number of connections, which the pool would see to beside this one.
async fn connected(pool: SqlitePoolOptions, options: SqliteConnectOptions) -> sqlx::Result<Pool> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match pool.clone().connect_with(options.clone()).await {
            Err(error) if is_locked(&error) && Instant::now() < deadline => {
                tokio::time::sleep(BETWEEN_ATTEMPTS).await;
            }
            outcome => return outcome,
        }
    }
}

/// Whether another connection is in the way.
fn is_locked(error: &sqlx::Error) -> bool {
    const SQLITE_BUSY: u32 = 5;
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    code.and_then(|code| result_code(&code)) == Some(SQLITE_BUSY)
}

/// Makes the file where there is none, for its owner's eyes only, whatever folder it is in: it holds
/// password hashes. SQLite gives the files beside it the same mode.
fn owned(path: &str) -> Result<()> {
    let mut options = std::fs::OpenOptions::new();
    match options.write(true).create_new(true).mode(0o600).open(path) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => {
            Err(StoreError::Failed(error.into()))
        }
        _ => Ok(()),
    }
}

/// The lookups: a statement each. There is no way to and fro that many could share.
#[derive(Debug)]
struct Questions(Pool);

impl Questions {
    async fn user(&self, by: By<'_>, now: Timestamp) -> Result<Option<User>> {
        let query = sqlx::query(by.statement(&ONE));
        let query = match by {
            By::Session(hash) | By::ApiKey(hash) => query.bind(hash).bind(now.as_millis()),
            By::SignIn(id) => query.bind(id).bind(now.as_millis()),
            By::Name(name) => query.bind(name).bind(name.to_lowercase()),
            By::Address(address) => query.bind(address.to_lowercase()),
        };
        let row = query.fetch_optional(&self.0).await?;
        Ok(row.as_ref().map(user_of).transpose()?)
    }

    async fn membership(
        &self,
        user: &str,
        organisation: &str,
        credential: &[u8],
    ) -> Result<Option<Membership>> {
        let query = sqlx::query(ONE.membership).bind(organisation).bind(user).bind(credential);
        let row = query.fetch_optional(&self.0).await?;
        Ok(row.as_ref().map(membership_of).transpose()?)
    }
}

/// Whether a connection can be used again. On a full disk SQLite takes a transaction back by itself;
/// the driver, which then finds none to take back, would count one for ever and begin no other.
async fn is_idle(connection: &mut SqliteConnection) -> sqlx::Result<bool> {
    // What was still to be done on it has been done when this is answered.
    connection.ping().await?;
    Ok(!connection.is_in_transaction())
}

/// The steps in one transaction, which has the write lock from its beginning: whoever migrates at the same
/// time waits, and finds them taken.
async fn take_steps(pool: &Pool) -> Result<()> {
    let mut transaction = begin(pool).await?;
    // What `run` is made of: that itself takes no connection in a future which other threads may drive.
    MIGRATOR.run_direct(None, &mut *transaction, false).await?;
    Ok(transaction.commit().await?)
}

async fn begin(pool: &Pool) -> Result<sqlx::Transaction<'static, Database>> {
    Ok(pool.begin_with("BEGIN IMMEDIATE").await?)
}

const NEXT_SERIAL: &str = "INSERT INTO two_factors (organisation_id, user_id, serial) \
    VALUES ($1, $2, 1) \
    ON CONFLICT (organisation_id, user_id) DO UPDATE SET serial = two_factors.serial + 1 \
    RETURNING serial";

const TAKE_PLACE: &str = "INSERT OR REPLACE INTO two_factor_keys \
    (organisation_id, user_id, place, serial, key_id, sealing_key_id, sealed, fingerprint, \
    created_at, expires_at) VALUES ($1, $2, $3 % 5, $3, $4, $5, $6, $7, $8, $9)";

pub(super) async fn add_pending_key(
    connection: &mut SqliteConnection,
    key: &PendingKey,
    event: &Event,
) -> sqlx::Result<()> {
    let serial: i64 = sqlx::query_scalar(NEXT_SERIAL)
        .bind(&key.organisation)
        .bind(&key.user)
        .fetch_one(&mut *connection)
        .await?;
    sqlx::query(TAKE_PLACE)
        .bind(&key.organisation)
        .bind(&key.user)
        .bind(serial)
        .bind(&key.id)
        .bind(&key.sealed.sealing_key)
        .bind(&key.sealed.bytes)
        .bind(&key.fingerprint)
        .bind(key.created_at.as_millis())
        .bind(key.expires_at.as_millis())
        .execute(&mut *connection)
        .await?;
    verbs::audit::insert_event(connection, event).await
}

const COUNT_PENDING: &str = "SELECT COUNT(*), COALESCE(SUM(place < 5 AND expires_at > $1), 0) \
    FROM (SELECT place, expires_at FROM two_factor_keys LIMIT $2)";

/// Counts the pending keys, unless there are more keys than are looked at in a moment.
async fn count_pending(
    connection: &mut sqlx::SqliteConnection,
    now: Timestamp,
) -> Result<Option<u64>> {
    let (seen, pending): (i64, i64) = sqlx::query_as(COUNT_PENDING)
        .bind(now.as_millis())
        .bind(i64::from(COUNTED_MOST))
        .fetch_one(connection)
        .await?;
    Ok((seen < i64::from(COUNTED_MOST)).then(|| u64::try_from(pending).unwrap_or(0)))
}

async fn clock(_: &Pool) -> Result<Option<Timestamp>> {
    Ok(None)
}

/// The transaction that reads this has the write lock already.
const LOCK_TWO_FACTORS: &str = "SELECT user_id, wrong_codes, locked_until FROM two_factors \
    WHERE organisation_id = $1 AND user_id IN ($2, $3) ORDER BY user_id";

/// Likewise.
const HOLD_PASSWORD: &str =
    "SELECT 1 FROM users WHERE id = $1 AND password_hash = $2 AND disabled_at IS NULL";

const NEXT_SEALED: &str = "SELECT organisation_id, user_id, place, key_id, sealing_key_id, sealed \
    FROM two_factor_keys WHERE sealing_key_id <> $1 \
    AND (organisation_id, user_id, place) > ($2, $3, $4) \
    ORDER BY organisation_id, user_id, place LIMIT $5";

const SWEEP_KEYS: &str = "DELETE FROM two_factor_keys WHERE (organisation_id, user_id, place) IN \
    (SELECT organisation_id, user_id, place FROM two_factor_keys \
    WHERE place < 5 AND expires_at <= $1 LIMIT $2)";

/// The refresh tokens of the sign-ins that ended first.
const SWEEP_REFRESH_TOKENS: &str = "DELETE FROM refresh_tokens WHERE token_hash IN \
    (SELECT t.token_hash FROM (SELECT id FROM sign_ins \
    WHERE expires_at <= $1 ORDER BY expires_at, id LIMIT $2) AS s \
    JOIN refresh_tokens t ON t.sign_in_id = s.id)";

/// Those of them that have no refresh tokens any more.
const SWEEP_SIGN_INS: &str = "DELETE FROM sign_ins WHERE id IN \
    (SELECT s.id FROM sign_ins s WHERE s.id IN (SELECT id FROM sign_ins \
    WHERE expires_at <= $1 ORDER BY expires_at, id LIMIT $2) \
    AND NOT EXISTS (SELECT 1 FROM refresh_tokens t WHERE t.sign_in_id = s.id))";
