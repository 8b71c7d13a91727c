//! What is done to all keys: moving them to another sealing key, removing what has expired; and the
//! leases under which it is done.

use ring::digest;
use sqlx::Row as _;

use super::super::{
    Database, NEXT_SEALED, SWEEP_KEYS, SWEEP_REFRESH_TOKENS, SWEEP_SIGN_INS, begin,
};
use super::Connection;
use crate::clock::Timestamp;
use crate::seal::Sealed;
use crate::store::{Reseal, Result, Rewrapped, SEALING_KEYS_MOST, SealedRow, Swept};

type Pool = sqlx::Pool<Database>;

pub(super) async fn sealing_key_counts(pool: &Pool) -> Result<Vec<(String, u64)>> {
    let rows = sqlx::query(
        "SELECT sealing_key_id, COUNT(*) FROM two_factor_keys \
         GROUP BY sealing_key_id ORDER BY sealing_key_id",
    )
    .fetch_all(pool)
    .await?;
    rows.iter()
        .map(|row| {
            let count: i64 = row.try_get(1)?;
            Ok((row.try_get(0)?, u64::try_from(count).unwrap_or(0)))
        })
        .collect()
}

/// The next id after another one: a step in the index, over all the rows between them.
const NEXT_SEALING_KEY: &str = "SELECT sealing_key_id FROM two_factor_keys \
    WHERE sealing_key_id > $1 ORDER BY sealing_key_id LIMIT 1";

pub(super) async fn sealing_keys_in_use(connection: &mut Connection) -> Result<Vec<String>> {
    let mut ids: Vec<String> = Vec::new();
    while ids.len() < SEALING_KEYS_MOST {
        let next = sqlx::query_scalar(NEXT_SEALING_KEY)
            .bind(ids.last().map_or("", String::as_str))
            // Planned for this id: a plan for any id may read the whole table for a rare one.
            .persistent(false)
            .fetch_optional(&mut *connection)
            .await?;
        let Some(next) = next else { break };
        ids.push(next);
    }
    Ok(ids)
}

/// Changes a row only as it was read.
const RESEAL: &str = "UPDATE two_factor_keys SET sealing_key_id = $5, sealed = $6 \
    WHERE organisation_id = $1 AND user_id = $2 AND place = $3 AND key_id = $4 AND sealed = $7";

pub(super) async fn rewrap(
    pool: &Pool,
    sealing_key: &str,
    after: Option<&SealedRow>,
    limit: u32,
    reseal: &Reseal<'_>,
) -> Result<Rewrapped> {
    let mut transaction = begin(pool).await?;
    let rows = sqlx::query(NEXT_SEALED)
        .bind(sealing_key)
        .bind(after.map_or("", |row| &row.organisation))
        .bind(after.map_or("", |row| &row.user))
        .bind(after.map_or(-1, |row| row.place))
        .bind(i64::from(limit))
        .fetch_all(&mut *transaction)
        .await?;
    let mut done = Rewrapped::default();
    for row in rows {
        let row = SealedRow {
            organisation: row.try_get(0)?,
            user: row.try_get(1)?,
            place: row.try_get(2)?,
            id: row.try_get(3)?,
            sealed: Sealed { sealing_key: row.try_get(4)?, bytes: row.try_get(5)? },
        };
        done.seen += 1;
        if let Some(sealed) = reseal(&row) {
            let moved = sqlx::query(RESEAL)
                .bind(&row.organisation)
                .bind(&row.user)
                .bind(row.place)
                .bind(&row.id)
                .bind(&sealed.sealing_key)
                .bind(&sealed.bytes)
                .bind(&row.sealed.bytes)
                .execute(&mut *transaction)
                .await?;
            done.moved += moved.rows_affected();
        }
        done.last = Some(row);
    }
    transaction.commit().await?;
    Ok(done)
}

pub(super) async fn canaries(pool: &Pool) -> Result<Vec<Sealed>> {
    let rows =
        sqlx::query("SELECT sealing_key_id, sealed FROM sealing_canaries").fetch_all(pool).await?;
    rows.iter()
        .map(|row| Ok(Sealed { sealing_key: row.try_get(0)?, bytes: row.try_get(1)? }))
        .collect()
}

pub(super) async fn add_canary(pool: &Pool, canary: &Sealed) -> Result<()> {
    sqlx::query(
        "INSERT INTO sealing_canaries (sealing_key_id, sealed) VALUES ($1, $2) \
         ON CONFLICT (sealing_key_id) DO NOTHING",
    )
    .bind(&canary.sealing_key)
    .bind(&canary.bytes)
    .execute(pool)
    .await?;
    Ok(())
}

const SWEEP_SESSIONS: &str = concat!(
    "DELETE FROM sessions WHERE id_hash IN \
     (SELECT id_hash FROM sessions WHERE expires_at <= $1 LIMIT $2",
    held_if_free!(),
    ")",
);

const SWEEP_VERIFICATIONS: &str = concat!(
    "DELETE FROM verifications WHERE (organisation_id, user_id, credential) IN \
     (SELECT organisation_id, user_id, credential FROM verifications \
     WHERE verified_at <= $1 LIMIT $2",
    held_if_free!(),
    ")",
);

/// Refresh tokens whose sign-in is not there: one that was refreshed in the moment in which it ended, by a
/// program or in a database where that can be. To find them all at once would be to read the whole
/// table, so some on both sides of a place in it are looked at, of a small one all.
const SWEEP_ORPHANS: &str = concat!(
    "DELETE FROM refresh_tokens WHERE token_hash IN \
     (SELECT t.token_hash FROM refresh_tokens t WHERE t.token_hash IN \
     (SELECT token_hash FROM (SELECT token_hash FROM refresh_tokens \
     WHERE token_hash >= $1 ORDER BY token_hash LIMIT $2) AS above \
     UNION ALL SELECT token_hash FROM (SELECT token_hash FROM refresh_tokens \
     WHERE token_hash < $1 ORDER BY token_hash DESC LIMIT $2) AS below) \
     AND NOT EXISTS (SELECT 1 FROM sign_ins s WHERE s.id = t.sign_in_id)",
    held_if_free!(),
    ")",
);

/// Another place at each time, and in the end every one: hashes are spread evenly.
async fn sweep_orphans(pool: &Pool, now: Timestamp, limit: u32) -> Result<u64> {
    let place = digest::digest(&digest::SHA256, &now.as_millis().to_be_bytes());
    let deleted = sqlx::query(SWEEP_ORPHANS)
        .bind(place.as_ref())
        .bind(i64::from(limit))
        .execute(pool)
        .await?;
    Ok(deleted.rows_affected())
}

pub(super) async fn sweep(
    pool: &Pool,
    now: Timestamp,
    verified_before: Timestamp,
    limit: u32,
) -> Result<Swept> {
    Ok(Swept {
        keys: delete(pool, SWEEP_KEYS, now, limit).await?,
        sessions: delete(pool, SWEEP_SESSIONS, now, limit).await?,
        verifications: delete(pool, SWEEP_VERIFICATIONS, verified_before, limit).await?,
        refresh_tokens: delete(pool, SWEEP_REFRESH_TOKENS, now, limit).await?
            + sweep_orphans(pool, now, limit).await?,
        sign_ins: delete(pool, SWEEP_SIGN_INS, now, limit).await?,
    })
}

async fn delete(
    pool: &Pool,
    statement: &'static str,
    before: Timestamp,
    limit: u32,
) -> Result<u64> {
    let deleted = sqlx::query(statement)
        .bind(before.as_millis())
        .bind(i64::from(limit))
        .execute(pool)
        .await?;
    Ok(deleted.rows_affected())
}

/// One statement, so of two instances that ask at once one is told no.
const TAKE_LEASE: &str = "INSERT INTO leases (name, holder, expires_at) VALUES ($1, $2, $4) \
    ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, expires_at = excluded.expires_at \
    WHERE leases.holder = excluded.holder OR leases.expires_at <= $3";

pub(super) async fn take_lease(
    pool: &Pool,
    name: &str,
    holder: &str,
    now: Timestamp,
    until: Timestamp,
) -> Result<bool> {
    let taken = sqlx::query(TAKE_LEASE)
        .bind(name)
        .bind(holder)
        .bind(now.as_millis())
        .bind(until.as_millis())
        .execute(pool)
        .await?;
    Ok(taken.rows_affected() == 1)
}

pub(super) async fn give_lease(pool: &Pool, name: &str, holder: &str) -> Result<()> {
    sqlx::query("DELETE FROM leases WHERE name = $1 AND holder = $2")
        .bind(name)
        .bind(holder)
        .execute(pool)
        .await?;
    Ok(())
}
