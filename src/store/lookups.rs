//! Caches over what nearly every request asks the database: whose session it is, and what its user
//! is to an organisation. [`crate::cache`] says for how long.

use std::sync::Arc;

use super::questions::Statements;
use super::{Membership, User};
use crate::cache::{Cache, LIFE};
use crate::clock::Timestamp;

/// The most values of a kind: about 10 MiB of users.
const MOST: usize = 16 * 1024;

/// What says who a user is.
#[derive(Clone, Copy)]
pub(super) enum By<'a> {
    /// The hash of a session's id.
    Session(&'a [u8]),
    /// The id of a sign-in, from a token.
    SignIn(&'a str),
    /// The hash of an API key.
    ApiKey(&'a [u8]),
    /// A name or an e-mail address.
    Name(&'a str),
    /// An e-mail address.
    Address(&'a str),
}

impl By<'_> {
    /// The statement that finds the user.
    pub(super) fn statement(self, statements: &Statements) -> &'static str {
        match self {
            Self::Session(_) => statements.session,
            Self::SignIn(_) => statements.sign_in,
            Self::ApiKey(_) => statements.api_key,
            Self::Name(_) => statements.name,
            Self::Address(_) => statements.address,
        }
    }

    fn key(self) -> Vec<u8> {
        let (kind, bytes) = match self {
            Self::Session(hash) => (b's', hash),
            Self::SignIn(id) => (b'i', id.as_bytes()),
            Self::ApiKey(hash) => (b'k', hash),
            Self::Name(name) => (b'n', name.as_bytes()),
            Self::Address(address) => (b'a', address.as_bytes()),
        };
        [&[kind], bytes].concat()
    }
}

/// The caches of a store.
pub(super) struct Lookups {
    /// Users by what says who they are ([`By`]), with the time for which that was true.
    users: Cache<Vec<u8>, (Timestamp, Arc<User>)>,
    memberships: Cache<String, Arc<Membership>>,
}

impl Default for Lookups {
    fn default() -> Self {
        Self { users: Cache::new(MOST), memberships: Cache::new(MOST) }
    }
}

impl Lookups {
    /// A user, perhaps from the cache if that is one who `will_do`. Sessions and the like end by the
    /// clock that is handed in, which need not be the one that the cache goes by.
    pub(super) async fn user<L, E>(
        &self,
        by: By<'_>,
        now: Timestamp,
        will_do: impl Fn(&User) -> bool,
        load: impl FnOnce() -> L,
    ) -> Result<Option<Arc<User>>, E>
    where
        L: Future<Output = Result<Option<User>, E>>,
    {
        let fits = |(then, user): &(Timestamp, Arc<User>)| {
            u128::from(now.as_millis().abs_diff(then.as_millis())) < LIFE.as_millis()
                && will_do(user)
        };
        let load = || async move { Ok(load().await?.map(|user| (now, Arc::new(user)))) };
        Ok(self.users.get_or_load(&*by.key(), fits, load).await?.map(|(_, user)| user))
    }

    /// A membership, perhaps from the cache. One with an active key is always asked for: whether
    /// its user has just shown a code decides about the request. That there is none yet may be up to
    /// a second old; a key made in that second cannot be confirmed any more, since its id says that
    /// it was made without one ([`crate::two_factor::key_id`]).
    pub(super) async fn membership<L, E>(
        &self,
        user: &str,
        organisation: &str,
        load: impl FnOnce() -> L,
    ) -> Result<Option<Arc<Membership>>, E>
    where
        L: Future<Output = Result<Option<Membership>, E>>,
    {
        let key = member(user, organisation);
        let fits = |member: &Arc<Membership>| member.active_key.is_none();
        let load = || async move { Ok(load().await?.map(Arc::new)) };
        self.memberships.get_or_load(&*key, fits, load).await
    }

    /// A session has ended.
    pub(super) fn forget_session(&self, id_hash: &[u8]) {
        self.users.remove(&*By::Session(id_hash).key());
    }

    /// A sign-in has ended.
    pub(super) fn forget_sign_in(&self, id: &str) {
        self.users.remove(&*By::SignIn(id).key());
    }

    /// The keys of a member have changed.
    pub(super) fn forget_member(&self, user: &str, organisation: &str) {
        self.memberships.remove(&*member(user, organisation));
    }

    /// A user or a membership has changed.
    pub(super) fn forget(&self) {
        self.users.clear();
        self.memberships.clear();
    }
}

/// The key of a membership. Ids of users hold no control characters.
fn member(user: &str, organisation: &str) -> String {
    [user, organisation].join("\0")
}

impl std::fmt::Debug for Lookups {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lookups").finish_non_exhaustive()
    }
}
