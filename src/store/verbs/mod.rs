//! The verbs that need nothing but plain SQL. This folder is compiled once for each store, against
//! that store's `Database`; both databases read `$1` and `ON CONFLICT` alike. How rows are held while a
//! transaction lasts is what `held!` and `held_if_free!` of the store add to a statement.
//!
//! Who holds several things takes them in this order, and rows of one kind in the order of their ids, so
//! that nobody waits in a circle: the guards of keys (`two_factors`), the user, sign-ins, refresh tokens,
//! sessions. Who only tidies up takes what is free.

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
