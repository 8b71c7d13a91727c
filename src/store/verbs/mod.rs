//! The verbs that need nothing but plain SQL. This folder is compiled once for each store, against
//! that store's `Database`; both databases read `$1` and `ON CONFLICT` alike.

mod api_keys;
pub(super) mod audit;
mod keys;
pub(super) mod people;
mod schema;
mod sessions;
mod statistics;
mod tokens;
mod upkeep;

use std::sync::Arc;

use super::Handle;
use crate::clock::Timestamp;
use crate::store::lookups::By;
use crate::store::{Result, User};

impl Handle {
    /// Who somebody is, perhaps from the cache.
    async fn user(&self, by: By<'_>, now: Timestamp) -> Result<Option<Arc<User>>> {
        self.lookups.user(by, now, |_| true, || self.questions.user(by, now)).await
    }
}

/// A connection to the database at hand, perhaps inside a transaction.
type Connection = <super::Database as sqlx::Database>::Connection;
