//! The service with nothing stored: the whole way of a request, sign-in and reply included, over a store
//! that forgets each new key. What is left of its cost is what the service itself takes.
//!
//! Everything but the one verb goes to the store under it, whose caches answer as they always do.

use std::sync::Arc;

use async_trait::async_trait;
use foundry_api::clock::Timestamp;
use foundry_api::seal::Sealed;
use foundry_api::store::{
    ApiKey, ApiKeys, Attempt, Audit, AuditRow, Census, Checked, Event, IsKnown, Judge, Keys, Load,
    Membership, NewSession, NewSignIn, NewUser, Organisation, PendingKey, People, RefreshToken,
    Reseal, Result, Rewrapped, Schema, SealedRow, Sessions, Statistics, Store, StoredKey, Swept,
    Tokens, User,
};

/// A store that forgets new keys.
pub(crate) struct Unstored(pub(crate) Arc<dyn Store>);

/// A subject of the store, passed on.
macro_rules! pass_on {
    ($subject:ident { $(fn $verb:ident($($given:ident: $type:ty),*) -> $outcome:ty;)* }) => {
        #[async_trait]
        impl $subject for Unstored {
            $(async fn $verb(&self, $($given: $type),*) -> $outcome {
                self.0.$verb($($given),*).await
            })*
        }
    };
}

pass_on! { Schema {
    fn migrate() -> Result<()>;
    fn ready() -> Result<bool>;
    fn close() -> ();
} }

pass_on! { People {
    fn add_organisation(organisation: &Organisation, now: Timestamp) -> Result<()>;
    fn organisations() -> Result<Vec<Organisation>>;
    fn membership(user: &str, organisation: &str, credential: &[u8]) -> Result<Option<Arc<Membership>>>;
    fn add_user(user: &NewUser, organisations: &[String], now: Timestamp) -> Result<()>;
    fn users() -> Result<Vec<User>>;
    fn user_named(name: &str) -> Result<Option<Arc<User>>>;
    fn user_signing_in(name: &str, is_known: &IsKnown<'_>)
        -> Result<Option<Arc<User>>>;
    fn user_addressed(address: &str) -> Result<Option<Arc<User>>>;
    fn set_password(user: &str, hash: &str) -> Result<()>;
    fn upgrade_password(user: &str, old: &str, new: &str) -> Result<bool>;
    fn disable_user(user: &str, now: Timestamp) -> Result<()>;
    fn enable_user(user: &str) -> Result<()>;
    fn join(
        user: &str, organisation: &str, default: bool, administrator: Option<bool>, now: Timestamp
    ) -> Result<()>;
    fn leave(user: &str, organisation: &str) -> Result<bool>;
} }

pass_on! { Sessions {
    fn add_session(
        user: &User, session: Option<&NewSession>, sign_in: Option<&NewSignIn>, event: &Event
    ) -> Result<bool>;
    fn session_user(id_hash: &[u8], now: Timestamp) -> Result<Option<Arc<User>>>;
    fn end_session(id_hash: &[u8], event: &Event) -> Result<()>;
} }

pass_on! { Tokens {
    fn sign_in_user(id: &str, now: Timestamp) -> Result<Option<Arc<User>>>;
    fn sign_in_of(session_hash: &[u8], now: Timestamp) -> Result<Option<String>>;
    fn refresh_token(hash: &[u8], now: Timestamp) -> Result<Option<RefreshToken>>;
    fn rotate_refresh_token(used: &[u8], successor: &[u8], sign_in: &str, now: Timestamp)
        -> Result<bool>;
    fn end_sign_in(id: &str, event: &Event) -> Result<()>;
} }

pass_on! { ApiKeys {
    fn add_api_key(hash: &[u8], key: &ApiKey) -> Result<()>;
    fn api_key_user(hash: &[u8], now: Timestamp) -> Result<Option<Arc<User>>>;
    fn api_keys() -> Result<Vec<ApiKey>>;
    fn revoke_api_key(id: &str, now: Timestamp) -> Result<bool>;
} }

pass_on! { Audit {
    fn record(event: &Event) -> Result<()>;
    fn events(user: Option<&str>, since: Timestamp, each: &mut (dyn FnMut(AuditRow) -> bool + Send))
        -> Result<()>;
} }

#[async_trait]
impl Statistics for Unstored {
    fn load(&self) -> Load {
        self.0.load()
    }

    async fn census(&self, now: Timestamp) -> Result<Census> {
        self.0.census(now).await
    }

    async fn clock(&self) -> Result<Option<Timestamp>> {
        self.0.clock().await
    }
}

#[async_trait]
impl Keys for Unstored {
    async fn add_pending_key(&self, _key: PendingKey, _event: Event) -> Result<()> {
        Ok(())
    }

    async fn keys(&self, organisation: &str, user: &str, now: Timestamp) -> Result<Vec<StoredKey>> {
        self.0.keys(organisation, user, now).await
    }

    async fn check_code(&self, attempt: &Attempt<'_>, judge: &Judge<'_>) -> Result<Checked> {
        self.0.check_code(attempt, judge).await
    }

    async fn sealing_key_counts(&self) -> Result<Vec<(String, u64)>> {
        self.0.sealing_key_counts().await
    }

    async fn sealing_keys_in_use(&self) -> Result<Vec<String>> {
        self.0.sealing_keys_in_use().await
    }

    async fn rewrap(
        &self,
        sealing_key: &str,
        after: Option<&SealedRow>,
        limit: u32,
        reseal: &Reseal<'_>,
    ) -> Result<Rewrapped> {
        self.0.rewrap(sealing_key, after, limit, reseal).await
    }

    async fn canaries(&self) -> Result<Vec<Sealed>> {
        self.0.canaries().await
    }

    async fn add_canary(&self, canary: &Sealed) -> Result<()> {
        self.0.add_canary(canary).await
    }

    async fn sweep(&self, now: Timestamp, verified_before: Timestamp, limit: u32) -> Result<Swept> {
        self.0.sweep(now, verified_before, limit).await
    }

    async fn take_lease(
        &self,
        name: &str,
        holder: &str,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<bool> {
        self.0.take_lease(name, holder, now, until).await
    }

    async fn give_lease(&self, name: &str, holder: &str) -> Result<()> {
        self.0.give_lease(name, holder).await
    }
}
