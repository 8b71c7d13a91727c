//! What is kept of guesses at passwords, and how long the next one has to wait for it.
//! [`super::throttle`] says why.

use std::time::Duration;

use super::counts::{Count, Counts};
use super::network::Network;
use crate::clock::Timestamp;

/// After how long without another wrong password a count is forgotten.
const FORGET: Duration = Duration::from_mins(30);
/// For how long an address counts as the account's own.
const KNOWN: Duration = Duration::from_hours(30 * 24);

/// How many wrong passwords a site may send again at once.
pub(super) const AGAIN: u32 = 100;
/// How many of these at one account from one address.
pub(super) const AGAIN_OF_ONE: u32 = 10;
/// How often each is looked at when there are more.
pub(super) const AGAIN_EVERY: Duration = Duration::from_secs(30);
/// How long to wait for the verdict on the same password, sent from elsewhere at the site.
const VERDICT: Duration = Duration::from_secs(1);

/// A guess as it is kept.
#[derive(Clone, Copy)]
pub(super) struct Hashed {
    pub(super) accounts: [u64; 2],
    pub(super) password: u64,
    pub(super) network: Network,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Key {
    Pair(u64, Network),
    Address(Network),
    Site(Network),
    /// The same wrong passwords, sent again from a site.
    Again(Network),
    /// The same wrong password of an account, sent again from an address.
    AgainOf(u64, Network),
}

struct Limit {
    free: u32,
    longest: Duration,
}

const PAIR: Limit = Limit { free: 5, longest: Duration::from_mins(15) };
const ADDRESS: Limit = Limit { free: 50, longest: Duration::from_mins(15) };
const SITE: Limit = Limit { free: 500, longest: Duration::from_mins(15) };
const ACCOUNT: Limit = Limit { free: 20, longest: Duration::from_secs(30) };

/// How many different passwords of an account and address are known again: as many as there may be
/// devices with an old one.
const KNOWN_AGAIN: usize = 4;

/// A password that was given for an account from an address.
#[derive(Clone, Copy, PartialEq)]
pub(super) struct Last {
    password: u64,
    pub(super) looked_at: Timestamp,
    /// Whether it is known to have been wrong.
    pub(super) wrong: bool,
}

/// What is kept.
pub(super) struct Kept {
    guesses: Counts<Key, Vec<Last>>,
    accounts: Counts<u64>,
    /// From where accounts were signed in to.
    known: Counts<(u64, Network)>,
}

impl Default for Kept {
    fn default() -> Self {
        Self {
            guesses: Counts::kept(FORGET),
            accounts: Counts::kept(FORGET),
            known: Counts::kept(KNOWN),
        }
    }
}

impl Kept {
    /// What is known of a guess at this account, if it is the same as one of the last from its address.
    pub(super) fn last(&mut self, account: u64, guess: Hashed) -> Option<&mut Last> {
        let count = self.guesses.get_mut(&Key::Pair(account, guess.network))?;
        count.more.iter_mut().find(|last| last.password == guess.password)
    }

    /// Counts a guess that is looked at.
    pub(super) fn count(&mut self, account: u64, guess: Hashed, now: Timestamp) {
        let last = Last { password: guess.password, looked_at: now, wrong: false };
        let known = &mut self.guesses.add(Key::Pair(account, guess.network), now).more;
        if known.len() >= KNOWN_AGAIN {
            let longest_ago = (0..known.len()).min_by_key(|&at| known[at].looked_at);
            longest_ago.map(|at| known.swap_remove(at));
        }
        known.push(last);
        self.accounts.add(account, now);
    }

    /// What was counted last has no verdict: sent again, it is a guess like the first.
    pub(super) fn take_back(&mut self, account: u64, guess: Hashed) {
        let pair = Key::Pair(account, guess.network);
        if let Some(count) = self.guesses.get_mut(&pair) {
            count.more.retain(|last| last.password != guess.password);
        }
        self.guesses.take_back(&pair);
        self.accounts.take_back(&account);
    }

    /// Counts a guess that was wrong for where it came from.
    pub(super) fn count_wrong(&mut self, network: Network, now: Timestamp) {
        self.guesses.add(Key::Address(network), now);
        self.guesses.add(Key::Site(network.site()), now);
    }

    /// Counts no wrong ones any more, and keeps from where the account was signed in to. Those that are known
    /// to be wrong are no other guesses after that either: two devices may take turns.
    pub(super) fn count_right(&mut self, account: u64, guess: Hashed, now: Timestamp) {
        if let Some(count) = self.guesses.get_mut(&Key::Pair(account, guess.network)) {
            count.number = 0;
            count.more.retain(|last| last.password != guess.password);
        }
        self.known.add((account, guess.network), now);
    }

    /// How long a guess at this account from this network has to wait.
    pub(super) fn wait(&self, account: u64, network: Network, now: Timestamp) -> Option<Duration> {
        let of = |limit: Limit, key| limit.wait(self.guesses.get(&key)?, now);
        let pair = of(PAIR, Key::Pair(account, network));
        if self.known.has(&(account, network), now) {
            return pair;
        }
        let everywhere = self.accounts.get(&account).and_then(|count| ACCOUNT.wait(count, now));
        let address = of(ADDRESS, Key::Address(network));
        [pair, address, of(SITE, Key::Site(network.site())), everywhere].into_iter().flatten().max()
    }

    /// How long one has to wait that is the same wrong one as before.
    pub(super) fn wait_again(
        &self,
        account: u64,
        guess: Hashed,
        now: Timestamp,
    ) -> Option<Duration> {
        let pair = self.guesses.get(&Key::Pair(account, guess.network))?;
        let last = pair.more.iter().find(|last| last.password == guess.password)?;
        if self.again(&Key::Again(guess.network.site()), now) < AGAIN
            && self.again(&Key::AgainOf(account, guess.network), now) < AGAIN_OF_ONE
        {
            return None;
        }
        if last.wrong {
            let left = now.until(last.looked_at.plus(AGAIN_EVERY));
            return (!left.is_zero()).then_some(left);
        }
        // It may be right: whose own address it is may send it from many places at once.
        (!self.known.has(&(account, guess.network), now)).then_some(VERDICT)
    }

    /// How many were sent again, of which one is forgotten each second.
    fn again(&self, key: &Key, now: Timestamp) -> u32 {
        self.guesses.get(key).map_or(0, |count| {
            let since = count.last.until(now).as_secs();
            count.number.saturating_sub(u32::try_from(since).unwrap_or(u32::MAX))
        })
    }

    /// Counts one that was sent again.
    pub(super) fn count_again(&mut self, guess: Hashed, now: Timestamp) {
        let [account, other] = guess.accounts;
        let of_other = (other != account).then_some(Key::AgainOf(other, guess.network));
        let keys = [Key::Again(guess.network.site()), Key::AgainOf(account, guess.network)];
        for key in keys.into_iter().chain(of_other) {
            let before = self.again(&key, now);
            self.guesses.add(key, now).number = before.saturating_add(1);
        }
    }
}

impl Limit {
    fn wait<V>(&self, count: &Count<V>, now: Timestamp) -> Option<Duration> {
        let over = count.number.checked_sub(self.free)?;
        let wait = Duration::from_secs(1 << over.min(20)).min(self.longest);
        let left = now.until(count.last.plus(wait));
        (!left.is_zero()).then_some(left)
    }
}
