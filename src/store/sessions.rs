//! Sessions of users who signed in. The SQL is in `verbs/sessions.rs`, or in the file of each database.

use std::sync::Arc;

use async_trait::async_trait;

use super::{Event, NewSession, NewSignIn, Result, User};
use crate::clock::Timestamp;

/// How many sessions of a user are kept: the newest ones. When another one is made, the oldest end.
pub const SESSIONS_KEPT: i64 = 200;

/// Sessions of users who signed in.
#[async_trait]
pub trait Sessions: Send + Sync {
    /// Keeps a session, the sign-in that tokens hang on, whichever there is of the two, and the audit
    /// row, if the user is enabled and has the password still that is in `user`, the one that was
    /// checked. Whether that is so; else nothing is kept. Of a sign-in and a new password at the same
    /// time either sees the other, so that no session outlives the password it was made with.
    ///
    /// What the user has too many of goes ([`SESSIONS_KEPT`], [`SIGN_INS_KEPT`](super::SIGN_INS_KEPT)).
    async fn add_session(
        &self,
        user: &User,
        session: Option<&NewSession>,
        sign_in: Option<&NewSignIn>,
        event: &Event,
    ) -> Result<bool>;

    /// The enabled user of a session that has not expired.
    async fn session_user(&self, id_hash: &[u8], now: Timestamp) -> Result<Option<Arc<User>>>;

    /// Ends a session, if it is there, with the tokens made with it, and keeps the audit row.
    async fn end_session(&self, id_hash: &[u8], event: &Event) -> Result<()>;
}
