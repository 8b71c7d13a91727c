//! API keys.

use std::sync::Arc;

use async_trait::async_trait;
use sqlx::Row as _;

use super::super::Handle;
use crate::clock::Timestamp;
use crate::store::lookups::By;
use crate::store::{ApiKey, ApiKeys, Result, User};

#[async_trait]
impl ApiKeys for Handle {
    async fn add_api_key(&self, hash: &[u8], key: &ApiKey) -> Result<()> {
        sqlx::query(
            "INSERT INTO api_keys (key_hash, id, user_id, description, created_at, expires_at) \
             VALUES ($1, $2, $3, $4, $5, $6)",
        )
        .bind(hash)
        .bind(&key.id)
        .bind(&key.user)
        .bind(&key.description)
        .bind(key.created_at.as_millis())
        .bind(key.expires_at.map(Timestamp::as_millis))
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    async fn api_key_user(&self, hash: &[u8], now: Timestamp) -> Result<Option<Arc<User>>> {
        self.user(By::ApiKey(hash), now).await
    }

    async fn api_keys(&self) -> Result<Vec<ApiKey>> {
        let rows = sqlx::query(
            "SELECT id, user_id, description, created_at, expires_at, revoked_at \
             FROM api_keys ORDER BY created_at, id",
        )
        .fetch_all(&self.pool)
        .await?;
        rows.iter()
            .map(|row| {
                let at = |column: usize| -> Result<Option<Timestamp>> {
                    Ok(row.try_get::<Option<i64>, _>(column)?.map(Timestamp::from_millis))
                };
                Ok(ApiKey {
                    id: row.try_get(0)?,
                    user: row.try_get(1)?,
                    description: row.try_get(2)?,
                    created_at: Timestamp::from_millis(row.try_get(3)?),
                    expires_at: at(4)?,
                    revoked_at: at(5)?,
                })
            })
            .collect()
    }

    async fn revoke_api_key(&self, id: &str, now: Timestamp) -> Result<bool> {
        let done =
            sqlx::query("UPDATE api_keys SET revoked_at = COALESCE(revoked_at, $2) WHERE id = $1")
                .bind(id)
                .bind(now.as_millis())
                .execute(&self.pool)
                .await?;
        self.lookups.forget();
        Ok(done.rows_affected() > 0)
    }
}
