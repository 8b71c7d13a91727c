//! Postgres' sink: a batch is one statement, so one round trip and one commit.

use async_trait::async_trait;
use sqlx::Connection as _;
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool};

use super::{Sink, Write};
use crate::store::PENDING_KEPT;

/// Where its connections come from.
pub(in crate::store) enum PostgresSink {
    /// They are the writer's own.
    Own(Box<PgConnectOptions>),
    /// They are borrowed.
    Pool(PgPool),
}

/// A connection, of whichever it is.
pub(in crate::store) enum Connection {
    Own(PgConnection),
    Pooled(PoolConnection<sqlx::Postgres>),
}

/// The first part takes the locks on the rows of the users, in the order of their keys, so that two
/// batches never wait for each other in a circle, and gives each user as many numbers as there are
/// new keys. Whoever comes at the same time waits there and gets the numbers after them, so no two
/// keys ever take one place, and a place is only taken from the oldest of the ring. A key is
/// `behind` as many keys as come after it in the same batch.
///
/// The arrays are taken apart in lists of columns, row by row. In a `FROM` each of them would become
/// a table first.
const ADD_PENDING_KEYS: &str = "
WITH life AS (
    INSERT INTO two_factors (organisation_id, user_id, serial)
    SELECT unnest($1::text[]), unnest($2::text[]), unnest($3::bigint[])
    ON CONFLICT (organisation_id, user_id)
        DO UPDATE SET serial = two_factors.serial + excluded.serial
    RETURNING organisation_id, user_id, serial
), audited AS (
    INSERT INTO audit
        (organisation_id, id, at, user_id, action, outcome, address, request_id, fingerprint)
    SELECT unnest($13::text[]), unnest($14::text[]), unnest($15::bigint[]), unnest($16::text[]),
        unnest($17::text[]), unnest($18::text[]), unnest($19::text[]), unnest($20::text[]),
        unnest($21::text[])
)
INSERT INTO two_factor_keys (organisation_id, user_id, place, serial, key_id, sealing_key_id,
    sealed, fingerprint, created_at, expires_at)
SELECT life.organisation_id, life.user_id, (life.serial - behind) % 5, life.serial - behind,
    key_id, sealing_key_id, sealed, fingerprint, created_at, expires_at
FROM (
    SELECT unnest($4::text[]), unnest($5::text[]), unnest($6::bigint[]), unnest($7::text[]),
        unnest($8::text[]), unnest($9::bytea[]), unnest($10::text[]), unnest($11::bigint[]),
        unnest($12::bigint[])
) AS given (organisation_id, user_id, behind, key_id, sealing_key_id, sealed, fingerprint,
    created_at, expires_at)
JOIN life ON life.organisation_id = given.organisation_id AND life.user_id = given.user_id
ON CONFLICT (organisation_id, user_id, place) DO UPDATE SET
    serial = excluded.serial, key_id = excluded.key_id, sealing_key_id = excluded.sealing_key_id,
    sealed = excluded.sealed, fingerprint = excluded.fingerprint,
    created_at = excluded.created_at, expires_at = excluded.expires_at";

#[async_trait]
impl Sink for PostgresSink {
    type Connection = Connection;

    async fn connect(&self) -> sqlx::Result<Connection> {
        Ok(match self {
            Self::Own(options) => Connection::Own(PgConnection::connect_with(options).await?),
            Self::Pool(pool) => Connection::Pooled(pool.acquire().await?),
        })
    }

    async fn write(&self, connection: &mut Connection, writes: &[&Write]) -> sqlx::Result<()> {
        let mut lives = Lives::default();
        let mut keys = Keys::default();
        let mut audit = Audit::default();
        for user in by_user(writes).chunk_by(|a, b| whose(a) == whose(b)) {
            lives.push(user);
            let kept = usize::try_from(PENDING_KEPT).unwrap_or(usize::MAX);
            // Those before the newest five would be overwritten by the same statement, which the
            // database refuses; nobody could ever use them.
            for (behind, write) in user.iter().rev().take(kept).enumerate() {
                keys.push(write, behind);
            }
            for write in user {
                audit.push(write);
            }
        }
        let query = sqlx::query(ADD_PENDING_KEYS)
            .bind(lives.organisation)
            .bind(lives.user)
            .bind(lives.count)
            .bind(keys.organisation)
            .bind(keys.user)
            .bind(keys.behind)
            .bind(keys.id)
            .bind(keys.sealing_key)
            .bind(keys.sealed)
            .bind(keys.fingerprint)
            .bind(keys.created_at)
            .bind(keys.expires_at)
            .bind(audit.organisation)
            .bind(audit.id)
            .bind(audit.at)
            .bind(audit.user)
            .bind(audit.action)
            .bind(audit.outcome)
            .bind(audit.address)
            .bind(audit.request_id)
            .bind(audit.fingerprint);
        let connection = match connection {
            Connection::Own(connection) => connection,
            Connection::Pooled(connection) => &mut **connection,
        };
        query.execute(connection).await.map(|_| ())
    }

    async fn disconnect(&self, connection: Connection) {
        if let Connection::Own(connection) = connection {
            // The server notices by itself, should the farewell not reach it.
            let _lost = connection.close().await;
        }
    }
}

/// The writes by organisation and user; those of one user in the order in which they came.
fn by_user<'a>(writes: &[&'a Write]) -> Vec<&'a Write> {
    let mut sorted = writes.to_vec();
    sorted.sort_by_key(|write| whose(write));
    sorted
}

fn whose(write: &Write) -> (&str, &str) {
    (&write.key.organisation, &write.key.user)
}

/// Rows as columns, the way `unnest` takes them.
macro_rules! columns {
    ($name:ident { $($column:ident: $type:ty,)* }) => {
        #[derive(Default)]
        struct $name<'a> { $($column: Vec<$type>,)* }
    };
}

columns! { Lives { organisation: &'a str, user: &'a str, count: i64, } }

columns! { Keys {
    organisation: &'a str,
    user: &'a str,
    behind: i64,
    id: &'a str,
    sealing_key: &'a str,
    sealed: &'a [u8],
    fingerprint: &'a str,
    created_at: i64,
    expires_at: i64,
} }

columns! { Audit {
    organisation: &'a str,
    id: &'a str,
    at: i64,
    user: &'a str,
    action: &'a str,
    outcome: &'a str,
    address: &'a str,
    request_id: &'a str,
    fingerprint: Option<&'a str>,
} }

impl<'a> Lives<'a> {
    fn push(&mut self, writes: &[&'a Write]) {
        let (organisation, user) = whose(writes[0]);
        self.organisation.push(organisation);
        self.user.push(user);
        self.count.push(i64::try_from(writes.len()).unwrap_or(i64::MAX));
    }
}

impl<'a> Keys<'a> {
    fn push(&mut self, write: &'a Write, behind: usize) {
        let key = &write.key;
        self.organisation.push(&key.organisation);
        self.user.push(&key.user);
        self.behind.push(i64::try_from(behind).unwrap_or(i64::MAX));
        self.id.push(&key.id);
        self.sealing_key.push(&key.sealed.sealing_key);
        self.sealed.push(&key.sealed.bytes);
        self.fingerprint.push(&key.fingerprint);
        self.created_at.push(key.created_at.as_millis());
        self.expires_at.push(key.expires_at.as_millis());
    }
}

impl<'a> Audit<'a> {
    fn push(&mut self, write: &'a Write) {
        let event = &write.event;
        self.organisation.push(&event.organisation);
        self.id.push(&event.id);
        self.at.push(event.at.as_millis());
        self.user.push(&event.user);
        self.action.push(event.action);
        self.outcome.push(event.outcome);
        self.address.push(&event.address);
        self.request_id.push(&event.request_id);
        self.fingerprint.push(event.fingerprint.as_deref());
    }
}
