//! The rows that the verbs of the store take and give.

use std::ops::AddAssign;

use crate::clock::Timestamp;
use crate::seal::Sealed;

/// An organisation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Organisation {
    /// Its id, as clients send it: at most 64 characters, none of them control characters.
    pub id: String,
    /// Its name, as people read it.
    pub name: String,
    /// The issuer shown in authenticator apps, where it is not made of product and name.
    pub issuer: Option<String>,
}

/// A user. The password's hash does not print.
#[derive(Clone, PartialEq, Eq)]
pub struct User {
    /// A random id.
    pub id: String,
    /// The name to sign in with.
    pub name: String,
    /// The address, which is the account in authenticator apps.
    pub email: String,
    /// The password's hash, in the PHC string format.
    pub password_hash: String,
    /// The organisation that requests without one mean.
    pub default_organisation: Option<String>,
    /// Since when the user may not sign in.
    pub disabled_at: Option<Timestamp>,
}

/// A user to be added.
#[derive(Clone)]
pub struct NewUser {
    /// A random id.
    pub id: String,
    /// The name to sign in with.
    pub name: String,
    /// The address.
    pub email: String,
    /// The password's hash, in the PHC string format.
    pub password_hash: String,
}

/// What a caller is to an organisation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Membership {
    /// The organisation.
    pub organisation: Organisation,
    /// Whether the user may reset other members' keys.
    pub administrator: bool,
    /// The id of the user's active key in the organisation.
    pub active_key: Option<String>,
    /// When the session or token that asked last showed a code of it.
    pub verified_at: Option<Timestamp>,
}

/// A session to be kept.
#[derive(Clone, Debug)]
pub struct NewSession {
    /// SHA-256 of the id in the cookie.
    pub id_hash: Vec<u8>,
    /// Whose it is.
    pub user: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends by itself.
    pub expires_at: Timestamp,
}

/// A pending key to be kept.
#[derive(Clone, Debug)]
pub struct PendingKey {
    /// A random id, part of what the seal is bound to.
    pub id: String,
    /// The organisation's id.
    pub organisation: String,
    /// The user's id.
    pub user: String,
    /// The sealed secret.
    pub sealed: Sealed,
    /// The keyed hash of the secret.
    pub fingerprint: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it is of no use any more.
    pub expires_at: Timestamp,
}

/// Whether a key counts yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyState {
    /// It was shown and awaits its first code.
    Pending,
    /// A code of it was seen.
    Active,
}

/// A key as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredKey {
    /// Its id.
    pub id: String,
    /// Whether it counts yet.
    pub state: KeyState,
    /// The sealed secret.
    pub sealed: Sealed,
    /// The keyed hash of the secret.
    pub fingerprint: String,
    /// The time step of the last code that was accepted, -1 before the first.
    pub last_step: i64,
    /// When a pending key is of no use any more; of no meaning for the active one.
    pub expires_at: Timestamp,
}

/// A code that is shown for a user in an organisation.
#[derive(Clone, Debug)]
pub struct Attempt<'a> {
    /// The organisation's id.
    pub organisation: &'a str,
    /// The user's id.
    pub user: &'a str,
    /// SHA-256 of the session's id or of the token, under which it is kept that the code was good; where
    /// there is none, that is not kept.
    pub credential: Option<&'a [u8]>,
    /// What the code is shown for.
    pub purpose: Purpose<'a>,
    /// The audit row; its outcome and fingerprint are filled in with what comes of it: the fingerprint of
    /// the key that a code fits, or of the active key that a reset removes.
    pub event: Event,
}

/// What a code is shown for.
#[derive(Clone, Copy, Debug)]
pub enum Purpose<'a> {
    /// To confirm a pending key, or to prove that one has the active key.
    Verify,
    /// To reset the keys of this user of the same organisation.
    Reset(&'a str),
}

/// What a code is, judged against the keys that are there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// It fits the key of that id at that step.
    Fits {
        /// The key's id.
        key: String,
        /// The time step.
        step: i64,
    },
    /// It fits none.
    Wrong(Option<Hint>),
    /// There is no key that it could fit. Does not count as a wrong code.
    NoKey,
}

/// Why a code may be wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hint {
    /// It fits a pending key so many seconds from now: somebody's clock is wrong.
    ClockOff(i64),
    /// It belongs to a key that has expired or has been replaced.
    OldKey,
    /// It was accepted before.
    Used,
    /// One of the keys did not open, so that it may belong to that one.
    Unopened,
}

/// What came of an [`Attempt`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Checked {
    /// The code confirmed a pending key, which is active now.
    Confirmed,
    /// The code is one of the active key.
    Verified,
    /// The code is wrong, and was counted.
    Wrong {
        /// Why it may be.
        hint: Option<Hint>,
        /// Whether it was one too many: the next one has to wait.
        locks: bool,
    },
    /// There was nothing to check it against.
    NoKey,
    /// The code was not looked at: too many wrong ones came before it. Checking goes on then.
    Locked(Timestamp),
}

/// A row of sealed keys, on its way to another sealing key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedRow {
    /// The organisation's id.
    pub organisation: String,
    /// The user's id.
    pub user: String,
    /// Its place among the user's keys.
    pub place: i16,
    /// The key's id.
    pub id: String,
    /// The sealed secret.
    pub sealed: Sealed,
}

/// What one step of a rewrap did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rewrapped {
    /// How many rows were looked at.
    pub seen: u64,
    /// How many were moved.
    pub moved: u64,
    /// The last row that was looked at; nothing when there was none.
    pub last: Option<SealedRow>,
}

/// What one step of removing expired rows did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Pending keys removed.
    pub keys: u64,
    /// Sessions removed.
    pub sessions: u64,
    /// Verifications removed.
    pub verifications: u64,
    /// Refresh tokens removed, of sign-ins that have ended or are not there.
    pub refresh_tokens: u64,
    /// Sign-ins removed that had no refresh tokens left.
    pub sign_ins: u64,
}

impl AddAssign for Swept {
    fn add_assign(&mut self, more: Self) {
        let Self { keys, sessions, verifications, refresh_tokens, sign_ins } = more;
        self.keys += keys;
        self.sessions += sessions;
        self.verifications += verifications;
        self.refresh_tokens += refresh_tokens;
        self.sign_ins += sign_ins;
    }
}

/// An audit row: who, what, when, from where. Never holds a secret or a code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// A random id.
    pub id: String,
    /// When.
    pub at: Timestamp,
    /// The organisation's id, empty where there is none.
    pub organisation: String,
    /// The user's id.
    pub user: String,
    /// The id of the user whose keys it was about, where that is somebody else.
    pub target: Option<String>,
    /// What was asked for: the name of the operation.
    pub action: &'static str,
    /// What came of it: `ok`, the status that was answered, or the error code.
    pub outcome: &'static str,
    /// The address of the caller.
    pub address: String,
    /// The id of the request, which is also in the log.
    pub request_id: String,
    /// The fingerprint of the key that it was about.
    pub fingerprint: Option<String>,
}

/// An audit row as it was kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditRow {
    /// When.
    pub at: Timestamp,
    /// The organisation's id, empty where there is none.
    pub organisation: String,
    /// The user's id.
    pub user: String,
    /// The user's name, while there is such a user.
    pub user_name: Option<String>,
    /// The id of the user whose keys it was about, where that is somebody else.
    pub target: Option<String>,
    /// That user's name, while there is such a user.
    pub target_name: Option<String>,
    /// The name of the operation.
    pub action: String,
    /// What came of it.
    pub outcome: String,
    /// The address of the caller.
    pub address: String,
    /// The id of the request.
    pub request_id: String,
    /// The fingerprint of the key that it was about.
    pub fingerprint: Option<String>,
}
