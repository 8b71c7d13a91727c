//! Two-factor keys. The SQL is in `verbs/keys.rs` (what a key is asked to do) and `verbs/upkeep.rs`
//! (what is done to all of them), or in the file of each database.

use async_trait::async_trait;

use super::{
    Attempt, Checked, Event, Judgement, PendingKey, Result, Rewrapped, SealedRow, StoredKey, Swept,
};
use crate::clock::Timestamp;
use crate::seal::{OpenError, Sealed};

/// Judges a code against all keys of a user in an organisation, newest first, expired ones
/// included. Called while nobody else can change them, so it must not wait for anything.
pub type Judge<'a> =
    dyn Fn(&[StoredKey]) -> std::result::Result<Judgement, OpenError> + Send + Sync + 'a;

/// Seals the secret of a row anew; nothing when it does not open.
pub type Reseal<'a> = dyn Fn(&SealedRow) -> Option<Sealed> + Send + Sync + 'a;

/// Two-factor keys.
#[async_trait]
pub trait Keys: Send + Sync {
    /// Keeps a pending key and its audit row; of the user's pending keys in that organisation the
    /// newest [`PENDING_KEPT`](super::PENDING_KEPT) stay.
    async fn add_pending_key(&self, key: PendingKey, event: Event) -> Result<()>;

    /// The keys of a user in an organisation: the active one, then the pending ones that have not
    /// expired, newest first.
    async fn keys(&self, organisation: &str, user: &str, now: Timestamp) -> Result<Vec<StoredKey>>;

    /// Checks a code, and does what it was shown for if it fits. All of it is one transaction, with
    /// its audit row, that no other attempt for the same user and organisation runs beside: codes
    /// sent at once are judged one after the other, each against what the one before it left.
    async fn check_code(&self, attempt: &Attempt<'_>, judge: &Judge<'_>) -> Result<Checked>;

    /// How many keys each sealing key has sealed, by its id.
    async fn sealing_key_counts(&self) -> Result<Vec<(String, u64)>>;

    /// The ids of the sealing keys that any key is under, the first
    /// [`SEALING_KEYS_MOST`](super::SEALING_KEYS_MOST) of them. Cheap however many keys there are,
    /// unlike the counts.
    async fn sealing_keys_in_use(&self) -> Result<Vec<String>>;

    /// Moves the next `limit` rows after `after` that `sealing_key` has not sealed to what `reseal`
    /// makes of them. One transaction, so a rewrap that is cut off has moved whole batches. Rows that
    /// somebody else is changing at the moment are passed over.
    async fn rewrap(
        &self,
        sealing_key: &str,
        after: Option<&SealedRow>,
        limit: u32,
        reseal: &Reseal<'_>,
    ) -> Result<Rewrapped>;

    /// The canaries of the sealing keys that were ever used.
    async fn canaries(&self) -> Result<Vec<Sealed>>;

    /// Keeps the canary of a sealing key, unless there is one.
    async fn add_canary(&self, canary: &Sealed) -> Result<()>;

    /// Removes at most `limit` rows of each kind that are of no use any more: pending keys and
    /// sessions that expired before `now`, verifications older than `verified_before`, sign-ins that
    /// ended before `now`. With a sign-in go its refresh tokens, before it, so that none is left that
    /// nobody would find: of the first `limit` sign-ins all, replaced or not. Those that were left all
    /// the same are looked for at another place of the table each time.
    async fn sweep(&self, now: Timestamp, verified_before: Timestamp, limit: u32) -> Result<Swept>;

    /// Whether `holder` has the lease of that name until `until`: it had it, or nobody did.
    async fn take_lease(
        &self,
        name: &str,
        holder: &str,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<bool>;

    /// Gives a lease back, if `holder` has it.
    async fn give_lease(&self, name: &str, holder: &str) -> Result<()>;
}
