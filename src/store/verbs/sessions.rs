//! Sessions of users who signed in.

use std::sync::Arc;

use async_trait::async_trait;

use super::super::{Handle, begin};
use super::audit::insert_event;
use super::people::user_of;
use super::tokens::{end_sign_in_of, insert_sign_in};
use crate::clock::Timestamp;
use crate::store::lookups::By;
use crate::store::{Event, NewSession, NewSignIn, Result, Sessions, User};

const SELECT_SESSION_USER: &str = "SELECT u.id, u.name, u.email, u.password_hash, \
    u.default_organisation_id, u.disabled_at FROM sessions s JOIN users u ON u.id = s.user_id \
    WHERE s.id_hash = $1 AND s.expires_at > $2 AND u.disabled_at IS NULL";

#[async_trait]
impl Sessions for Handle {
    async fn add_session(
        &self,
        session: Option<&NewSession>,
        sign_in: Option<&NewSignIn>,
        event: &Event,
    ) -> Result<()> {
        let mut transaction = begin(&self.pool).await?;
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
        Ok(())
    }

    async fn session_user(&self, id_hash: &[u8], now: Timestamp) -> Result<Option<Arc<User>>> {
        let load = || async {
            let row = sqlx::query(SELECT_SESSION_USER)
                .bind(id_hash)
                .bind(now.as_millis())
                .fetch_optional(&self.pool)
                .await?;
            row.as_ref().map(user_of).transpose()
        };
        self.lookups.user(By::Session(id_hash), now, load).await
    }

    async fn end_session(&self, id_hash: &[u8], event: &Event) -> Result<()> {
        let mut transaction = begin(&self.pool).await?;
        end_sign_in_of(&mut transaction, id_hash).await?;
        insert_event(&mut transaction, event).await?;
        transaction.commit().await?;
        self.lookups.forget_session(id_hash);
        Ok(())
    }
}
