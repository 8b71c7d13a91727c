//! Audit rows. The SQL is in `verbs/audit.rs`, or in the file of each database.

use async_trait::async_trait;

use super::{AuditRow, Event, Result};
use crate::clock::Timestamp;

/// Audit rows.
#[async_trait]
pub trait Audit: Send + Sync {
    /// Keeps an audit row of something that changed nothing else: a refusal.
    async fn record(&self, event: &Event) -> Result<()>;

    /// Hands `each` the audit rows since `since`, oldest first, of all users or of one: of what that user
    /// did, and of what others did with that user's keys. They are read as they are handed over,
    /// however many there are; `each` says whether to go on.
    async fn events(
        &self,
        user: Option<&str>,
        since: Timestamp,
        each: &mut (dyn FnMut(AuditRow) -> bool + Send),
    ) -> Result<()>;
}
