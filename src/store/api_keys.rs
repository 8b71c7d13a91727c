//! API keys. The SQL is in `verbs/api_keys.rs`.

use std::sync::Arc;

use async_trait::async_trait;

use super::{Result, User};
use crate::clock::Timestamp;

/// An API key as it is kept: everything but the key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKey {
    /// A random id, to name it by.
    pub id: String,
    /// Whose it is.
    pub user: String,
    /// What it is for.
    pub description: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends, if it does.
    pub expires_at: Option<Timestamp>,
    /// Since when it is of no use any more.
    pub revoked_at: Option<Timestamp>,
}

/// API keys.
#[async_trait]
pub trait ApiKeys: Send + Sync {
    /// Keeps a key by its SHA-256.
    async fn add_api_key(&self, hash: &[u8], key: &ApiKey) -> Result<()>;

    /// The enabled user of the key of that hash, which is neither revoked nor expired.
    async fn api_key_user(&self, hash: &[u8], now: Timestamp) -> Result<Option<Arc<User>>>;

    /// All keys, oldest first; revoked and expired ones too.
    async fn api_keys(&self) -> Result<Vec<ApiKey>>;

    /// Revokes a key, from now on. Whether there is one of that id.
    async fn revoke_api_key(&self, id: &str, now: Timestamp) -> Result<bool>;
}
