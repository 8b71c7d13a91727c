//! Organisations, users, memberships. The SQL is in `verbs/people.rs`, or in the file of each database.

use std::sync::Arc;

use async_trait::async_trait;

use super::{Membership, NewUser, Organisation, Result, User};
use crate::clock::Timestamp;

/// Whether a user is who asks.
pub type IsKnown<'a> = dyn Fn(&User) -> bool + Sync + 'a;

/// Organisations, users, memberships.
#[async_trait]
pub trait People: Send + Sync {
    /// Adds an organisation; [`Conflict`](super::StoreError::Conflict) if its id is taken.
    async fn add_organisation(&self, organisation: &Organisation, now: Timestamp) -> Result<()>;

    /// All organisations, by id.
    async fn organisations(&self) -> Result<Vec<Organisation>>;

    /// The membership of a user in an organisation, with what the URI needs to know of both. Nothing
    /// when either is unknown, the user is disabled, or is no member: callers cannot tell which.
    /// `credential` is the session or token whose last good code is told of, or empty. One statement, so what
    /// it says of the active key and of the code belongs together.
    async fn membership(
        &self,
        user: &str,
        organisation: &str,
        credential: &[u8],
    ) -> Result<Option<Arc<Membership>>>;

    /// Adds a user and the memberships; the first organisation is the default one.
    /// [`Conflict`](super::StoreError::Conflict) if name or e-mail is taken, be it one as the other: a name that is
    /// somebody else's address would be taken for that one. [`Missing`](super::StoreError::Missing) if an
    /// organisation is unknown. Then nothing is added.
    async fn add_user(
        &self,
        user: &NewUser,
        organisations: &[String],
        now: Timestamp,
    ) -> Result<()>;

    /// All users, by name.
    async fn users(&self) -> Result<Vec<User>>;

    /// The user of that name (case counts) or e-mail address (case does not), disabled or not.
    async fn user_named(&self, name: &str) -> Result<Option<Arc<User>>>;

    /// The same, for whoever gives the name with a password. The database is asked each time, whether
    /// there is such a user or not, unless `is_known` says of the one that was found before that this
    /// is who asks: only users who are there are found before, and how long it takes would tell.
    async fn user_signing_in(
        &self,
        name: &str,
        is_known: &IsKnown<'_>,
    ) -> Result<Option<Arc<User>>>;

    /// The user of that e-mail address (case does not count), disabled or not, whatever others are named.
    async fn user_addressed(&self, address: &str) -> Result<Option<Arc<User>>>;

    /// Sets a user's password and ends the user's sessions and tokens.
    async fn set_password(&self, user: &str, hash: &str) -> Result<()>;

    /// Replaces the hash of a password by another hash of the same password, if it is still the
    /// old one. Whether it was. Sessions go on.
    async fn upgrade_password(&self, user: &str, old: &str, new: &str) -> Result<bool>;

    /// Disables a user, from now on, and ends the user's sessions and tokens.
    async fn disable_user(&self, user: &str, now: Timestamp) -> Result<()>;

    /// Lets a user who was disabled sign in again. The sessions and tokens that ended stay ended.
    async fn enable_user(&self, user: &str) -> Result<()>;

    /// Makes a user a member, or changes the membership. `default` makes the organisation the
    /// user's default one. Whether the member is an administrator stays as it is, for a new one no,
    /// unless `administrator` says so. [`Missing`](super::StoreError::Missing) if the organisation is unknown.
    async fn join(
        &self,
        user: &str,
        organisation: &str,
        default: bool,
        administrator: Option<bool>,
        now: Timestamp,
    ) -> Result<()>;

    /// Makes a user a member no more, and the organisation the user's default one no more, if it was.
    /// The user's keys there stay, of use to nobody until the user is a member again. Whether the user
    /// was a member.
    async fn leave(&self, user: &str, organisation: &str) -> Result<bool>;
}
