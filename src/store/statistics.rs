//! How much there is and what is going on, for metrics. The SQL is in `verbs/statistics.rs`, or in
//! the file of each database.

use async_trait::async_trait;

use super::Result;
use crate::clock::Timestamp;

/// How many keys of one sealing key are counted: reading as many index entries is a small part of a second.
pub const COUNTED_MOST: u32 = 100_000;

/// The most sealing keys that are told apart.
pub const SEALING_KEYS_MOST: usize = 64;

/// What one instance is doing with its database.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Load {
    /// Connections that have nothing to do.
    pub idle: u32,
    /// Connections in use.
    pub used: u32,
    /// The most connections.
    pub most: u32,
    /// Keys that wait to be written.
    pub waiting: u64,
    /// Batches of keys on their way.
    pub batches: u64,
    /// Keys written since the start.
    pub rows: u64,
    /// Batches committed since the start.
    pub commits: u64,
    /// Keys that were not taken because too many waited.
    pub turned_away: u64,
}

/// How many keys there are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Census {
    /// By the id of the sealing key, of each at most [`COUNTED_MOST`].
    pub sealed: Vec<(String, u64)>,
    /// Those that wait to be confirmed; nothing where finding out would take too long.
    pub pending: Option<u64>,
}

/// How much there is and what is going on.
#[async_trait]
pub trait Statistics: Send + Sync {
    /// What this instance is doing. Asks the database nothing.
    fn load(&self) -> Load;

    /// How many keys there are. Takes as long for many as for few.
    async fn census(&self, now: Timestamp) -> Result<Census>;

    /// What the database's clock says; nothing where it is this machine's.
    async fn clock(&self) -> Result<Option<Timestamp>>;
}
