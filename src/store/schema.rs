//! The database as a whole. The SQL is in `verbs/schema.rs`, or in the file of each database.
//!
//! The schema is made by the steps in `migrations/`, a folder for each database. A step has one number in
//! both, and is left out where there is nothing to do (0005 makes room on Postgres' pages); 0004 was never
//! released. A step that was released is never edited, comments included: the database knows its checksum.
//!
//! While instances are replaced one after the other, and when a release is taken back, an older program
//! works on a newer schema. So a step leaves in place what the release before it uses; what is of no use
//! any more goes a release later.

use async_trait::async_trait;
use sqlx::migrate::Migrator;

use super::Result;

/// The database as a whole.
#[async_trait]
pub trait Schema: Send + Sync {
    /// Brings the schema up to date. One that is newer than this program stays as it is.
    async fn migrate(&self) -> Result<()>;

    /// Whether the database answers and its schema has every step that this program knows, be there
    /// newer ones or not.
    async fn ready(&self) -> Result<bool>;

    /// Finishes what is under way and closes all connections.
    async fn close(&self);
}

/// Steps that pass over those of a newer program.
pub(super) fn migrator(mut steps: Migrator) -> Migrator {
    steps.set_ignore_missing(true);
    steps
}
