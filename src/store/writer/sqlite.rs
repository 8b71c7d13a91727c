//! SQLite's sink: one transaction for a batch, so one flush of the log to the disk.
//!
//! There is one lane, since SQLite has one writer. Its connection is borrowed from the pool for the
//! time of a batch: a database in memory belongs to the one connection it has.

use async_trait::async_trait;
use sqlx::SqlitePool;

use super::{Sink, Write};
use crate::store::sqlite::add_pending_key;

pub(in crate::store) struct SqliteSink(pub(in crate::store) SqlitePool);

#[async_trait]
impl Sink for SqliteSink {
    type Connection = ();

    async fn connect(&self) -> sqlx::Result<()> {
        Ok(())
    }

    async fn write(&self, (): &mut (), writes: &[&Write]) -> sqlx::Result<()> {
        let mut transaction = self.0.begin_with("BEGIN IMMEDIATE").await?;
        for write in writes {
            add_pending_key(&mut transaction, &write.key, &write.event).await?;
        }
        transaction.commit().await
    }

    async fn disconnect(&self, (): ()) {}
}
