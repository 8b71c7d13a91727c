//! Postgres, 13 or later. Also speaks to what speaks its protocol (YugabyteDB, Citus by
//! `organisation_id`) and has what the statements are made of:
//!
//! - keys: `ON CONFLICT`, data-modifying `WITH`, `unnest` of several arrays, `FOR UPDATE` in the order of
//!   `COLLATE "C"`;
//! - lookups: `unnest … WITH ORDINALITY`;
//! - signing in: `ROW_NUMBER`, `FOR UPDATE … SKIP LOCKED`;
//! - rewrapping and sweeping: comparison of rows, `FOR UPDATE … SKIP LOCKED`;
//! - the census of `/metrics`: `TABLESAMPLE SYSTEM`, `pg_relation_size`. Without these two it fails and is
//!   counted as failed, and the rest works;
//! - migrations: `DO`, with an exception caught; storage parameters.

use std::sync::LazyLock;
use std::time::Duration;

use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPoolOptions};
use sqlx::{ConnectOptions as _, Connection as _};

use super::gather;
use super::gather::postgres::{Gathered, KINDS};
use super::lookups::Lookups;
use super::schema::migrator;
use super::writer::postgres::PostgresSink;
use super::writer::{Settings, Writer};
use super::{Coalesce, Options, Result, StoreError};
use crate::clock::Timestamp;

/// The end of a statement whose rows are to be held until the transaction ends.
macro_rules! held {
    () => {
        " FOR UPDATE"
    };
}

/// The same, of those rows that nobody else holds: such a statement waits for nobody.
macro_rules! held_if_free {
    () => {
        " FOR UPDATE SKIP LOCKED"
    };
}

#[path = "verbs/mod.rs"]
mod verbs;
pub(super) use self::verbs::people::{membership_of, user_of};

pub(super) type Handle = Postgres;
pub(super) type Database = sqlx::Postgres;
type Pool = sqlx::PgPool;
pub(super) type Row = sqlx::postgres::PgRow;

static MIGRATOR: LazyLock<Migrator> =
    LazyLock::new(|| migrator(sqlx::migrate!("src/store/migrations/postgres")));

/// The most connections one instance keeps.
const CONNECTIONS: u32 = 16;
/// How long a request waits for one of them before it is answered 503.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long a connection that comes back to the pool may take to say that it is alive. One whose
/// server has vanished without a word would stay away for as long as TCP hopes, a quarter of an hour,
/// and with it its place in the pool.
const SIGN_OF_LIFE: Duration = Duration::from_secs(2);

/// How keys are written: one batch at a time while commits are fast, up to eight while they are slow.
const COALESCED: Settings = Settings {
    lanes: 8,
    batch: 512,
    spacing: Duration::from_micros(500),
    queue: 4096,
    keep: true,
    patience: PATIENCE,
};
/// The same without coalescing: each key a statement and a commit, on a connection from a pool.
const SINGLE: Settings = Settings {
    lanes: CONNECTIONS as usize,
    batch: 1,
    spacing: Duration::ZERO,
    keep: false,
    ..COALESCED
};

/// How lookups are made: one or two statements of a kind at a time, each for all that waits.
const GATHERED: gather::Settings =
    gather::Settings { lanes: 2, batch: 256, queue: 16 * 1024, keep: true, patience: PATIENCE };
const _: () = assert!(GATHERED.lanes * KINDS < CONNECTIONS as usize, "some are for the rest");
/// The same without coalescing: each lookup a statement on a connection from the pool.
const ALONE: gather::Settings =
    gather::Settings { lanes: CONNECTIONS as usize, batch: 1, keep: false, ..GATHERED };

/// The Postgres store.
#[derive(Debug)]
pub struct Postgres {
    pool: Pool,
    lookups: Lookups,
    questions: Gathered,
    writer: Writer<PostgresSink>,
}

impl Postgres {
    pub(super) fn open(url: &str, options: Options) -> Result<Self> {
        let Options { coalesce, hurry } = options;
        // The parser's error may quote the URL, which may hold a password.
        let mut options: PgConnectOptions = url
            .parse()
            .map_err(|_| StoreError::Failed("DATABASE_URL is not a Postgres URL".into()))?;
        let configured = options.get_options().is_some_and(|set| set.contains(STATEMENT_TIMEOUT));
        if hurry && !configured {
            // Else statements that nobody waits for any more would pile up behind a lock, each on a
            // connection of its own.
            options = options.options([(STATEMENT_TIMEOUT, PATIENCE.as_millis())]);
        }
        let options = options.application_name("foundry-api").disable_statement_logging();
        let pool = || PgPoolOptions::new().max_connections(CONNECTIONS).acquire_timeout(PATIENCE);
        let (written, asked) = match coalesce {
            Coalesce::All => (COALESCED, GATHERED),
            Coalesce::Nothing => (SINGLE, ALONE),
            Coalesce::NothingUnpooled => (Settings { keep: true, ..SINGLE }, ALONE),
        };
        let sink = if written.keep {
            PostgresSink::Own(Box::new(options.clone()))
        } else {
            PostgresSink::Pool(pool().connect_lazy_with(options.clone()))
        };
        let pool = pool()
            // Asking whether a connection lives costs a round trip each time; a dead one shows
            // itself on use.
            .test_before_acquire(false)
            .after_release(|connection, _| Box::pin(is_alive(connection)))
            .connect_lazy_with(options);
        Ok(Self {
            lookups: Lookups::default(),
            questions: Gathered::start(&pool, asked),
            writer: Writer::start(sink, written),
            pool,
        })
    }
}

/// Postgres' own name of the setting.
const STATEMENT_TIMEOUT: &str = "statement_timeout";

async fn is_alive(connection: &mut PgConnection) -> sqlx::Result<bool> {
    let answered = tokio::time::timeout(SIGN_OF_LIFE, connection.ping()).await;
    answered.unwrap_or(Err(sqlx::Error::PoolTimedOut)).map(|()| true)
}

/// Whoever migrates at the same time waits for a lock that the library takes.
async fn take_steps(pool: &Pool) -> Result<()> {
    Ok(MIGRATOR.run(pool).await?)
}

async fn begin(pool: &Pool) -> Result<sqlx::Transaction<'static, Database>> {
    Ok(pool.begin().await?)
}

/// The most pages of the table that are looked at to estimate how many keys are pending: 8 MiB.
const SAMPLE_PAGES: i64 = 1024;

const COUNT_PENDING: &str = "SELECT COUNT(*) FROM two_factor_keys TABLESAMPLE SYSTEM ($1) \
    WHERE place < 5 AND expires_at > $2";

/// Counts the pending keys, in a large table those of some of its pages: there is no index on when
/// they expire, so that a new key in the place of an old one leaves the indexes alone.
async fn count_pending(connection: &mut sqlx::PgConnection, now: Timestamp) -> Result<Option<u64>> {
    let pages: i64 = sqlx::query_scalar(
        "SELECT pg_relation_size('two_factor_keys') / current_setting('block_size')::bigint",
    )
    .fetch_one(&mut *connection)
    .await?;
    #[expect(clippy::cast_precision_loss, reason = "an estimate")]
    let share = SAMPLE_PAGES as f64 / pages.max(SAMPLE_PAGES) as f64;
    let found: i64 = sqlx::query_scalar(COUNT_PENDING)
        .bind(share * 100.0)
        .bind(now.as_millis())
        .fetch_one(connection)
        .await?;
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "an estimate of something that is not negative"
    )]
    Ok(Some((found as f64 / share).round() as u64))
}

async fn clock(pool: &Pool) -> Result<Option<Timestamp>> {
    let now = "SELECT (EXTRACT(EPOCH FROM clock_timestamp()) * 1000)::BIGINT";
    Ok(Some(Timestamp::from_millis(sqlx::query_scalar(now).fetch_one(pool).await?)))
}

/// Holds the rows of one or two users, in one order for everybody, until the transaction ends. Keys
/// are made under the same lock (`writer/postgres.rs`), in the order of bytes as there.
const LOCK_TWO_FACTORS: &str = "SELECT user_id, wrong_codes, locked_until FROM two_factors \
    WHERE organisation_id = $1 AND user_id IN ($2, $3) ORDER BY user_id COLLATE \"C\" FOR UPDATE";

/// Whether an enabled user has that password's hash, and will until the transaction ends: whoever sets
/// another one, or disables the user, waits, and ends what the transaction has kept.
const HOLD_PASSWORD: &str = "SELECT 1 FROM users \
    WHERE id = $1 AND password_hash = $2 AND disabled_at IS NULL FOR SHARE";

/// Rows that others hold are passed over, so a batch waits for nobody and cannot deadlock.
const NEXT_SEALED: &str = "SELECT organisation_id, user_id, place, key_id, sealing_key_id, sealed \
    FROM two_factor_keys WHERE sealing_key_id <> $1 \
    AND (organisation_id, user_id, place) > ($2, $3, $4) \
    ORDER BY organisation_id, user_id, place LIMIT $5 FOR UPDATE SKIP LOCKED";

/// Likewise.
const SWEEP_KEYS: &str = "DELETE FROM two_factor_keys WHERE (organisation_id, user_id, place) IN \
    (SELECT organisation_id, user_id, place FROM two_factor_keys \
    WHERE place < 5 AND expires_at <= $1 LIMIT $2 FOR UPDATE SKIP LOCKED)";

/// The refresh tokens of the sign-ins that ended first.
const SWEEP_REFRESH_TOKENS: &str = "DELETE FROM refresh_tokens WHERE token_hash IN \
    (SELECT t.token_hash FROM (SELECT id FROM sign_ins \
    WHERE expires_at <= $1 ORDER BY expires_at, id LIMIT $2) AS s \
    JOIN refresh_tokens t ON t.sign_in_id = s.id \
    FOR UPDATE OF t SKIP LOCKED)";

/// Those of them that have no refresh tokens any more.
const SWEEP_SIGN_INS: &str = "DELETE FROM sign_ins WHERE id IN \
    (SELECT s.id FROM sign_ins s WHERE s.id IN (SELECT id FROM sign_ins \
    WHERE expires_at <= $1 ORDER BY expires_at, id LIMIT $2) \
    AND NOT EXISTS (SELECT 1 FROM refresh_tokens t WHERE t.sign_in_id = s.id) \
    FOR UPDATE OF s SKIP LOCKED)";
