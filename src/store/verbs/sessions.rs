//! Sessions of users who signed in.

use std::sync::Arc;

use async_trait::async_trait;

use super::super::{HOLD_PASSWORD, Handle, begin};
use super::audit::insert_event;
use super::tokens::{ROOM_AT_ONCE, end_sign_ins_of, insert_sign_in, make_room};
use crate::clock::Timestamp;
use crate::store::lookups::By;
use crate::store::{Event, NewSession, NewSignIn, Result, SESSIONS_KEPT, Sessions, User};

/// Sessions of a user that have run out, and the oldest of those that are more than are kept.
const MAKE_ROOM: &str = concat!(
    "DELETE FROM sessions WHERE id_hash IN (SELECT id_hash FROM sessions WHERE id_hash IN \
     (SELECT id_hash FROM (SELECT id_hash, expires_at, ROW_NUMBER() OVER \
     (ORDER BY expires_at <= $2, created_at DESC, id_hash DESC) AS place \
     FROM sessions WHERE user_id = $1) AS s \
     WHERE s.expires_at <= $2 OR s.place >= $3 ORDER BY s.place DESC LIMIT $4)",
    held_if_free!(),
    ") RETURNING id_hash",
);

#[async_trait]
impl Sessions for Handle {
    async fn add_session(
        &self,
        user: &User,
        session: Option<&NewSession>,
        sign_in: Option<&NewSignIn>,
        event: &Event,
    ) -> Result<bool> {
        let mut transaction = begin(&self.pool).await?;
        let held = sqlx::query(HOLD_PASSWORD)
            .bind(&user.id)
            .bind(&user.password_hash)
            .fetch_optional(&mut *transaction)
            .await?;
        if held.is_none() {
            return Ok(false);
        }
        // Before they are made: by another instance's clock they need not be the newest. Those who sign in
        // at the same time do not see each other's, which go with the next one.
        let ended = match sign_in {
            Some(sign_in) => make_room(&mut transaction, sign_in).await?,
            None => Vec::new(),
        };
        let mut gone: Vec<Vec<u8>> = Vec::new();
        if let Some(session) = session {
            gone = sqlx::query_scalar(MAKE_ROOM)
                .bind(&session.user)
                .bind(session.created_at.as_millis())
                .bind(SESSIONS_KEPT)
                .bind(ROOM_AT_ONCE)
                .fetch_all(&mut *transaction)
                .await?;
            sqlx::query(
                "INSERT INTO sessions (id_hash, user_id, created_at, expires_at) \
                 VALUES ($1, $2, $3, $4)",
            )
            .bind(&session.id_hash)
            .bind(&session.user)
            .bind(session.created_at.as_millis())
            .bind(session.expires_at.as_millis())
            .execute(&mut *transaction)
            .await?;
        }
        if let Some(sign_in) = sign_in {
            insert_sign_in(&mut transaction, sign_in).await?;
        }
        insert_event(&mut transaction, event).await?;
        transaction.commit().await?;
        self.forget_all(&ended);
        for session in &gone {
            self.lookups.forget_session(session);
        }
        Ok(true)
    }

    async fn session_user(&self, id_hash: &[u8], now: Timestamp) -> Result<Option<Arc<User>>> {
        self.user(By::Session(id_hash), now).await
    }

    async fn end_session(&self, id_hash: &[u8], event: &Event) -> Result<()> {
        let mut transaction = begin(&self.pool).await?;
        let ended = end_sign_ins_of(&mut transaction, id_hash).await?;
        insert_event(&mut transaction, event).await?;
        transaction.commit().await?;
        self.lookups.forget_session(id_hash);
        self.forget_all(&ended);
        Ok(())
    }
}
