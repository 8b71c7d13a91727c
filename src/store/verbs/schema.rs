//! The database as a whole.

use async_trait::async_trait;

use super::super::{Handle, MIGRATOR, take_steps};
use crate::store::{Result, Schema};

#[async_trait]
impl Schema for Handle {
    async fn migrate(&self) -> Result<()> {
        take_steps(&self.pool).await
    }

    async fn ready(&self) -> Result<bool> {
        let applied: Vec<i64> =
            match sqlx::query_scalar("SELECT version FROM _sqlx_migrations WHERE success")
                .fetch_all(&self.pool)
                .await
            {
                Ok(versions) => versions,
                // No such table: the database is there, but nobody has migrated it.
                Err(sqlx::Error::Database(_)) => return Ok(false),
                Err(error) => return Err(error.into()),
            };
        Ok(MIGRATOR.iter().all(|step| applied.contains(&step.version)))
    }

    async fn close(&self) {
        self.writer.close().await;
        self.pool.close().await;
    }
}
