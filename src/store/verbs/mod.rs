//! The verbs that need nothing but plain SQL. This folder is compiled once for each store, against
//! that store's `Database`; both databases read `$1` and `ON CONFLICT` alike.

mod api_keys;
pub(super) mod audit;
mod keys;
mod people;
mod schema;
mod sessions;
mod statistics;
mod tokens;
mod upkeep;

/// A connection to the database at hand, perhaps inside a transaction.
type Connection = <super::Database as sqlx::Database>::Connection;
