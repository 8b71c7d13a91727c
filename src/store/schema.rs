//! The database as a whole. The SQL is in `verbs/schema.rs`, or in the file of each database.

use async_trait::async_trait;

use super::Result;
/// The database as a whole.
#[async_trait]
pub trait Schema: Send + Sync {
    /// Brings the schema up to date.
    async fn migrate(&self) -> Result<()>;

    /// Whether the database answers and its schema is the one this program knows.
    async fn ready(&self) -> Result<bool>;

    /// Finishes what is under way and closes all connections.
    async fn close(&self);
}
