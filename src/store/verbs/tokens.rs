//! Sign-ins, and the refresh tokens that belong to them.

use std::sync::Arc;

use async_trait::async_trait;
use sqlx::Row as _;

use super::super::{Handle, begin};
use super::Connection;
use super::audit::insert_event;
use super::people::user_of;
use crate::clock::Timestamp;
use crate::store::lookups::By;
use crate::store::questions::user_columns;
use crate::store::{Event, NewSignIn, RefreshToken, Result, SIGN_INS_KEPT, Tokens, User};

const SELECT_REFRESH_TOKEN: &str = concat!(
    "SELECT ",
    user_columns!(),
    ", s.id, t.rotates, t.replaced_at, s.expires_at, t.created_at FROM refresh_tokens t \
     JOIN sign_ins s ON s.id = t.sign_in_id JOIN users u ON u.id = s.user_id \
     WHERE t.token_hash = $1 AND s.expires_at > $2 AND u.disabled_at IS NULL",
);

/// First the token that is used: of two that use it at once one replaces it.
const REPLACE: &str =
    "UPDATE refresh_tokens SET replaced_at = $2 WHERE token_hash = $1 AND replaced_at IS NULL";

/// Then those beside it, such as another successor of the one before it, which an instance has made that
/// signs with another key: of two in different hands one comes back as replaced.
const REPLACE_OTHERS: &str =
    "UPDATE refresh_tokens SET replaced_at = $2 WHERE sign_in_id = $1 AND replaced_at IS NULL";

/// A sign-in, by its id. Whoever changes what hangs on a sign-in, or ends it, holds it first.
const HOLD: &str = concat!("SELECT id, session_hash FROM sign_ins WHERE id = $1", held!());

/// The same, if it has not ended.
const HOLD_LASTING: &str =
    concat!("SELECT id FROM sign_ins WHERE id = $1 AND expires_at > $2", held!());

/// Those that a session was made with.
const HOLD_OF_SESSION: &str =
    concat!("SELECT id, session_hash FROM sign_ins WHERE session_hash = $1 ORDER BY id", held!());

/// Those of a user.
const HOLD_OF_USER: &str =
    concat!("SELECT id, session_hash FROM sign_ins WHERE user_id = $1 ORDER BY id", held!());

/// A user: nobody signs in as that one meanwhile.
const HOLD_USER: &str = concat!("SELECT id FROM users WHERE id = $1", held!());

/// The same as the sessions that make room (`sessions.rs`), of sign-ins.
const HOLD_OLDEST: &str = concat!(
    "SELECT id, session_hash FROM sign_ins WHERE id IN \
     (SELECT id FROM (SELECT id, expires_at, ROW_NUMBER() OVER \
     (ORDER BY expires_at <= $2, created_at DESC, id DESC) AS place \
     FROM sign_ins WHERE user_id = $1) AS s \
     WHERE s.expires_at <= $2 OR s.place >= $3 ORDER BY s.place DESC LIMIT $4)",
    held_if_free!(),
);

/// The most that go of a kind when one more comes: nobody waits long for what others left, and there
/// are soon no more than are kept.
pub(super) const ROOM_AT_ONCE: i64 = 20;

/// A sign-in that is held: its id, and the hash of its session's id.
pub(super) type Held = (String, Vec<u8>);

impl Handle {
    /// Sign-ins have ended.
    pub(super) fn forget_all(&self, ended: &[Held]) {
        for (id, session) in ended {
            self.lookups.forget_sign_in(id);
            self.lookups.forget_session(session);
        }
    }
}

#[async_trait]
impl Tokens for Handle {
    async fn sign_in_user(&self, id: &str, now: Timestamp) -> Result<Option<Arc<User>>> {
        self.user(By::SignIn(id), now).await
    }

    async fn sign_in_of(&self, session_hash: &[u8], now: Timestamp) -> Result<Option<String>> {
        let found = sqlx::query_scalar(
            "SELECT id FROM sign_ins WHERE session_hash = $1 AND expires_at > $2",
        )
        .bind(session_hash)
        .bind(now.as_millis())
        .fetch_optional(&self.pool)
        .await?;
        Ok(found)
    }

    async fn refresh_token(&self, hash: &[u8], now: Timestamp) -> Result<Option<RefreshToken>> {
        let row = sqlx::query(SELECT_REFRESH_TOKEN)
            .bind(hash)
            .bind(now.as_millis())
            .fetch_optional(&self.pool)
            .await?;
        row.map(|row| {
            Ok(RefreshToken {
                user: user_of(&row)?,
                sign_in: row.try_get(6)?,
                rotates: row.try_get(7)?,
                replaced_at: row.try_get::<Option<i64>, _>(8)?.map(Timestamp::from_millis),
                expires_at: Timestamp::from_millis(row.try_get(9)?),
                created_at: Timestamp::from_millis(row.try_get(10)?),
            })
        })
        .transpose()
    }

    async fn rotate_refresh_token(
        &self,
        used: &[u8],
        successor: &[u8],
        sign_in: &str,
        now: Timestamp,
    ) -> Result<bool> {
        let mut transaction = begin(&self.pool).await?;
        let held: Option<String> = sqlx::query_scalar(HOLD_LASTING)
            .bind(sign_in)
            .bind(now.as_millis())
            .fetch_optional(&mut *transaction)
            .await?;
        if held.is_none() {
            return Ok(false);
        }
        let replaced = sqlx::query(REPLACE)
            .bind(used)
            .bind(now.as_millis())
            .execute(&mut *transaction)
            .await?;
        if replaced.rows_affected() > 0 {
            sqlx::query(REPLACE_OTHERS)
                .bind(sign_in)
                .bind(now.as_millis())
                .execute(&mut *transaction)
                .await?;
        }
        insert_refresh_token(&mut transaction, successor, sign_in, true, now).await?;
        transaction.commit().await?;
        Ok(true)
    }

    async fn end_sign_in(&self, id: &str, event: &Event) -> Result<()> {
        let mut transaction = begin(&self.pool).await?;
        let held: Vec<Held> = sqlx::query_as(HOLD).bind(id).fetch_all(&mut *transaction).await?;
        end_all(&mut transaction, &held).await?;
        insert_event(&mut transaction, event).await?;
        transaction.commit().await?;
        self.lookups.forget_sign_in(id);
        self.forget_all(&held);
        Ok(())
    }
}

/// Ends sign-ins of a user that have run out, and the oldest of those that are more than are kept when
/// there is one more.
pub(super) async fn make_room(
    connection: &mut Connection,
    sign_in: &NewSignIn,
) -> Result<Vec<Held>> {
    let held: Vec<Held> = sqlx::query_as(HOLD_OLDEST)
        .bind(&sign_in.user)
        .bind(sign_in.created_at.as_millis())
        .bind(SIGN_INS_KEPT)
        .bind(ROOM_AT_ONCE)
        .fetch_all(&mut *connection)
        .await?;
    end_all(connection, &held).await?;
    Ok(held)
}

/// Keeps a sign-in and its first refresh token.
pub(super) async fn insert_sign_in(connection: &mut Connection, sign_in: &NewSignIn) -> Result<()> {
    sqlx::query(
        "INSERT INTO sign_ins (id, user_id, session_hash, created_at, expires_at) \
         VALUES ($1, $2, $3, $4, $5)",
    )
    .bind(&sign_in.id)
    .bind(&sign_in.user)
    .bind(&sign_in.session_hash)
    .bind(sign_in.created_at.as_millis())
    .bind(sign_in.expires_at.as_millis())
    .execute(&mut *connection)
    .await?;
    let (hash, at) = (&sign_in.token_hash, sign_in.created_at);
    insert_refresh_token(connection, hash, &sign_in.id, sign_in.rotates, at).await
}

/// Keeps a refresh token, if it is not there: a successor is asked for again by who did not get it.
async fn insert_refresh_token(
    connection: &mut Connection,
    hash: &[u8],
    sign_in: &str,
    rotates: bool,
    now: Timestamp,
) -> Result<()> {
    sqlx::query(
        "INSERT INTO refresh_tokens (token_hash, sign_in_id, rotates, created_at) \
         VALUES ($1, $2, $3, $4) ON CONFLICT (token_hash) DO NOTHING",
    )
    .bind(hash)
    .bind(sign_in)
    .bind(rotates)
    .bind(now.as_millis())
    .execute(connection)
    .await?;
    Ok(())
}

/// Ends sign-ins that are held, with their tokens and sessions.
async fn end_all(connection: &mut Connection, held: &[Held]) -> Result<()> {
    for (id, session) in held {
        for statement in [
            "DELETE FROM refresh_tokens WHERE sign_in_id = $1",
            "DELETE FROM sign_ins WHERE id = $1",
        ] {
            sqlx::query(statement).bind(id).execute(&mut *connection).await?;
        }
        sqlx::query("DELETE FROM sessions WHERE id_hash = $1")
            .bind(session)
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

/// Ends all sign-ins of a user.
pub(super) async fn end_sign_ins(connection: &mut Connection, user: &str) -> Result<()> {
    for statement in [
        HOLD_USER,
        HOLD_OF_USER,
        "DELETE FROM refresh_tokens WHERE sign_in_id IN \
         (SELECT id FROM sign_ins WHERE user_id = $1)",
        "DELETE FROM sign_ins WHERE user_id = $1",
        "DELETE FROM sessions WHERE user_id = $1",
    ] {
        sqlx::query(statement).bind(user).execute(&mut *connection).await?;
    }
    Ok(())
}

/// Ends a session and the sign-ins that it was made with, of which there is one or none.
pub(super) async fn end_sign_ins_of(
    connection: &mut Connection,
    session: &[u8],
) -> Result<Vec<Held>> {
    let held: Vec<Held> =
        sqlx::query_as(HOLD_OF_SESSION).bind(session).fetch_all(&mut *connection).await?;
    end_all(connection, &held).await?;
    // The sign-in may have ended before it.
    sqlx::query("DELETE FROM sessions WHERE id_hash = $1")
        .bind(session)
        .execute(connection)
        .await?;
    Ok(held)
}
