//! Sessions of users who signed in.

use std::sync::Arc;

use async_trait::async_trait;

use super::super::{HOLD_PASSWORD, Handle, begin};
use super::audit::insert_event;
use super::tokens::{end_sign_in_of, insert_sign_in};
use crate::clock::Timestamp;
use crate::store::lookups::By;
use crate::store::{Event, NewSession, NewSignIn, Result, Sessions, User};

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
        if let Some(session) = session {
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
        Ok(true)
    }

    async fn session_user(&self, id_hash: &[u8], now: Timestamp) -> Result<Option<Arc<User>>> {
        self.user(By::Session(id_hash), now).await
    }

    async fn end_session(&self, id_hash: &[u8], event: &Event) -> Result<()> {
        let mut transaction = begin(&self.pool).await?;
        let sign_in = end_sign_in_of(&mut transaction, id_hash).await?;
        insert_event(&mut transaction, event).await?;
        transaction.commit().await?;
        self.lookups.forget_session(id_hash);
        if let Some(sign_in) = sign_in {
            self.lookups.forget_sign_in(&sign_in);
        }
        Ok(())
    }
}
