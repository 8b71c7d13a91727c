//! Sign-ins, and the refresh tokens that belong to them. The SQL is in `verbs/tokens.rs`.
//!
//! A sign-in is what its tokens hang on: it has an end that no refreshing moves, and when it is
//! gone (logout, a changed password, a disabled user, a stolen token seen) so are they.

use std::sync::Arc;

use async_trait::async_trait;

use super::{Event, Result, User};
use crate::clock::Timestamp;

/// How many sign-ins of a user are kept: the newest ones. When another one is made, the oldest end.
pub const SIGN_INS_KEPT: i64 = 200;

/// A sign-in, and its first refresh token.
#[derive(Clone, Debug)]
pub struct NewSignIn {
    /// A random id; bearer tokens carry it.
    pub id: String,
    /// Whose it is.
    pub user: String,
    /// SHA-256 of the id of the session that was made with it.
    pub session_hash: Vec<u8>,
    /// SHA-256 of the refresh token.
    pub token_hash: Vec<u8>,
    /// Whether using the refresh token replaces it.
    pub rotates: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends, however often it is refreshed.
    pub expires_at: Timestamp,
}

/// A refresh token that may be used.
#[derive(Clone)]
pub struct RefreshToken {
    /// The sign-in it belongs to.
    pub sign_in: String,
    /// Whose it is; enabled.
    pub user: User,
    /// Whether using it replaces it.
    pub rotates: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// Since when it has a successor.
    pub replaced_at: Option<Timestamp>,
    /// When the sign-in ends.
    pub expires_at: Timestamp,
}

/// Sign-ins and refresh tokens.
#[async_trait]
pub trait Tokens: Send + Sync {
    /// The enabled user of a sign-in that has not ended.
    async fn sign_in_user(&self, id: &str, now: Timestamp) -> Result<Option<Arc<User>>>;

    /// The id of the sign-in that a session was made with, by the hash of the session's id, if the sign-in
    /// has not ended; the session may have.
    async fn sign_in_of(&self, session_hash: &[u8], now: Timestamp) -> Result<Option<String>>;

    /// The refresh token of that hash, if its sign-in has not ended and its user is enabled.
    async fn refresh_token(&self, hash: &[u8], now: Timestamp) -> Result<Option<RefreshToken>>;

    /// Marks a refresh token as replaced and keeps its successor, in one step, if the sign-in has not
    /// ended. Whether that is so; else nothing is kept. Whatever other token of the sign-in was not
    /// replaced is marked, too: there is to be one line of them. A token that was replaced before keeps
    /// the time of that, and others are left alone.
    async fn rotate_refresh_token(
        &self,
        used: &[u8],
        successor: &[u8],
        sign_in: &str,
        now: Timestamp,
    ) -> Result<bool>;

    /// Ends a sign-in, with its session and its tokens, and keeps the audit row.
    async fn end_sign_in(&self, id: &str, event: &Event) -> Result<()>;
}
