//! Slows down whoever guesses passwords, without locking out whose they are.
//!
//! Wrong passwords are counted in three ways, each with a number that is free and a wait that
//! doubles with each one after that:
//!
//! | counted by | free | longest wait | against |
//! |---|---|---|---|
//! | account and address | 5 | 15 minutes | one guesser, one account |
//! | address | 50 | 15 minutes | one guesser, many accounts |
//! | account | 20 | 30 seconds | many addresses, one account |
//!
//! An account has two names, the user's name and address, whatever their case, and a guess by the one
//! counts by the other. What belongs to nobody counts by itself, in the same way.
//!
//! The last one would let anybody lock anybody out, so its wait is short, and it does not hold for
//! an address from which the account was signed in to lately. A right password forgets the wrong ones of its
//! account and address. Sending the same wrong password again is not another guess: a client with an
//! old password in its settings, or one that sends everything twice (needs 42), locks nobody out.
//! While a wait lasts no password is checked, and nobody learns whether it was right.
//!
//! A guess counts by account as soon as it is looked at, and until its verdict is known: many that
//! are sent at once are no more than those that are sent one after the other. By address it counts
//! when it was wrong, since the people behind one address may all sign in at once.
//!
//! The counts are those of one instance and are gone when it ends; each is a few words, and there
//! are never more than [`ENTRIES`]. Names and passwords are kept as keyed hashes only.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::clock::Timestamp;

/// The most counts that are kept; the oldest go first.
pub const ENTRIES: usize = 20_000;

/// After how long without another wrong password a count is forgotten.
const FORGET: Duration = Duration::from_mins(30);
/// For how long an address counts as the account's own.
const KNOWN: Duration = Duration::from_hours(30 * 24);

/// Whose password it is to be, the password, and where they came from.
pub struct Guess<'a> {
    /// The names of the account; where there is none, twice what was given for one.
    pub names: [&'a str; 2],
    /// The password.
    pub password: &'a str,
    /// The address, where it is known.
    pub address: Option<IpAddr>,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Key {
    Pair(u64, Network),
    Address(Network),
    Account(u64),
    Known(u64, Network),
}

/// An IPv4 address, or the half of an IPv6 address that its user does not choose.
type Network = u64;

struct Limit {
    free: u32,
    longest: Duration,
}

const PAIR: Limit = Limit { free: 5, longest: Duration::from_mins(15) };
const ADDRESS: Limit = Limit { free: 50, longest: Duration::from_mins(15) };
const ACCOUNT: Limit = Limit { free: 20, longest: Duration::from_secs(30) };

#[derive(Clone, Copy)]
struct Count {
    wrong: u32,
    last: Timestamp,
    password: u64,
}

/// Counts wrong passwords.
#[derive(Default)]
pub struct Throttle {
    /// Its keys are new in each process, so that what is kept means nothing elsewhere.
    hasher: RandomState,
    counts: Mutex<HashMap<Key, Count>>,
}

/// A guess that is being looked at. Without a verdict it never was one.
pub struct Attempt<'a> {
    throttle: &'a Throttle,
    accounts: [u64; 2],
    network: Network,
    password: u64,
    now: Timestamp,
    /// The accounts that it was counted for: none when it is the wrong password of before.
    counted: Vec<u64>,
}

impl Throttle {
    /// Whether anybody who gives that name may be looked for. Says no more than [`Throttle::begin`] would
    /// then, and does so before it is known whether there is somebody.
    ///
    /// # Errors
    /// How long to wait.
    pub fn admit(
        &self,
        name: &str,
        address: Option<IpAddr>,
        now: Timestamp,
    ) -> Result<(), Duration> {
        let (account, network) = (self.account(name), network(address));
        wait(&self.counts(), account, network, now).map_or(Ok(()), Err)
    }

    /// Begins to look at a guess, which counts from now on.
    ///
    /// # Errors
    /// How long to wait before this guess is looked at.
    pub fn begin(&self, guess: &Guess<'_>, now: Timestamp) -> Result<Attempt<'_>, Duration> {
        let accounts = guess.names.map(|name| self.account(name));
        let network = network(guess.address);
        let password = self.hasher.hash_one(guess.password);
        let mut counts = self.counts();
        let waits = accounts.map(|account| wait(&counts, account, network, now));
        if let Some(wait) = waits.into_iter().flatten().max() {
            return Err(wait);
        }
        let mut counted = Vec::new();
        for account in accounts {
            let pair = Key::Pair(account, network);
            let again = counts.get(&pair).is_some_and(|count| count.password == password);
            if !again {
                add(&mut counts, pair, now, password);
                add(&mut counts, Key::Account(account), now, password);
                counted.push(account);
            }
        }
        Ok(Attempt { throttle: self, accounts, network, password, now, counted })
    }

    fn account(&self, name: &str) -> u64 {
        self.hasher.hash_one(name.to_lowercase())
    }

    fn counts(&self) -> MutexGuard<'_, HashMap<Key, Count>> {
        // A count is whole between any two statements, so a panic elsewhere spoiled nothing.
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Attempt<'_> {
    /// The password was wrong. Whether the next one has to wait.
    #[must_use]
    pub fn wrong(mut self) -> bool {
        if std::mem::take(&mut self.counted).is_empty() {
            return false;
        }
        let mut counts = self.throttle.counts();
        add(&mut counts, Key::Address(self.network), self.now, self.password);
        let waits = |account| wait(&counts, account, self.network, self.now).is_some();
        self.accounts.into_iter().any(waits)
    }

    /// The password was right.
    pub fn right(mut self) {
        self.take_back();
        let mut counts = self.throttle.counts();
        for account in self.accounts {
            counts.remove(&Key::Pair(account, self.network));
            make_room(&mut counts, self.now);
            let known = Count { wrong: 0, last: self.now, password: 0 };
            counts.insert(Key::Known(account, self.network), known);
        }
    }

    fn take_back(&mut self) {
        if self.counted.is_empty() {
            return;
        }
        let mut counts = self.throttle.counts();
        for account in self.counted.drain(..) {
            for key in [Key::Pair(account, self.network), Key::Account(account)] {
                let Some(count) = counts.get_mut(&key) else { continue };
                count.wrong = count.wrong.saturating_sub(1);
                if count.wrong == 0 {
                    counts.remove(&key);
                }
            }
        }
    }
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        self.take_back();
    }
}

fn network(address: Option<IpAddr>) -> Network {
    match address.map(|address| address.to_canonical()) {
        None => 0,
        Some(IpAddr::V4(address)) => u64::from(address.to_bits()),
        Some(IpAddr::V6(address)) => u64::try_from(address.to_bits() >> 64).unwrap_or(u64::MAX),
    }
}

/// How long a guess at this account from this network has to wait.
fn wait(
    counts: &HashMap<Key, Count>,
    account: u64,
    network: Network,
    now: Timestamp,
) -> Option<Duration> {
    let known = Key::Known(account, network);
    let known = counts.get(&known).is_some_and(|count| now < count.last.plus(KNOWN));
    let everywhere = (!known).then_some((Key::Account(account), ACCOUNT));
    [(Key::Pair(account, network), PAIR), (Key::Address(network), ADDRESS)]
        .into_iter()
        .chain(everywhere)
        .filter_map(|(key, limit)| limit.wait(counts.get(&key)?, now))
        .max()
}

fn add(counts: &mut HashMap<Key, Count>, key: Key, now: Timestamp, password: u64) {
    make_room(counts, now);
    let count = counts.entry(key).or_insert(Count { wrong: 0, last: now, password });
    if now >= count.last.plus(FORGET) {
        count.wrong = 0;
    }
    *count = Count { wrong: count.wrong.saturating_add(1), last: now, password };
}

impl Limit {
    fn wait(&self, count: &Count, now: Timestamp) -> Option<Duration> {
        let over = count.wrong.checked_sub(self.free)?;
        let wait = Duration::from_secs(1 << over.min(20)).min(self.longest);
        let left = now.until(count.last.plus(wait));
        (!left.is_zero()).then_some(left)
    }
}

/// Makes room for one more count: what is forgotten goes, and if that is nothing, the oldest.
fn make_room(counts: &mut HashMap<Key, Count>, now: Timestamp) {
    if counts.len() < ENTRIES {
        return;
    }
    counts.retain(|key, count| {
        let kept = if matches!(key, Key::Known(..)) { KNOWN } else { FORGET };
        now < count.last.plus(kept)
    });
    if counts.len() >= ENTRIES {
        let mut ages: Vec<Timestamp> = counts.values().map(|count| count.last).collect();
        let eighth = ages.len() / 8;
        let (_, &mut oldest, _) = ages.select_nth_unstable(eighth);
        let mut most = eighth + 1;
        counts.retain(|_, count| {
            let goes = count.last <= oldest && most > 0;
            most -= usize::from(goes);
            !goes
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_795_000_000_000);

    fn guess(number: u32, from: [u8; 4]) -> (String, Option<IpAddr>) {
        (format!("guess {number}"), Some(IpAddr::from(from)))
    }

    fn wrong(throttle: &Throttle, name: &str, number: u32, from: [u8; 4], now: Timestamp) -> bool {
        let (password, address) = guess(number, from);
        let guess = Guess { names: [name; 2], password: &password, address };
        throttle.begin(&guess, now).map(Attempt::wrong).is_err()
    }

    fn right(throttle: &Throttle, guess: &Guess<'_>) {
        throttle.begin(guess, NOW).unwrap_or_else(|wait| panic!("{wait:?}")).right();
    }

    #[test]
    fn a_guesser_waits_longer_and_longer() {
        let throttle = Throttle::default();
        let here = [10, 0, 0, 1];
        for number in 0..5 {
            assert!(!wrong(&throttle, "alice", number, here, NOW));
        }
        let mut now = NOW;
        for expected in [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900] {
            let (password, address) = guess(99, here);
            let next = Guess { names: ["Alice"; 2], password: &password, address };
            assert_eq!(throttle.begin(&next, now).err(), Some(Duration::from_secs(expected)));
            now = now.plus(Duration::from_secs(expected));
            assert!(!wrong(&throttle, "alice", u32::try_from(now.as_secs()).unwrap(), here, now));
        }
    }

    #[test]
    fn a_right_password_and_the_same_wrong_one_cost_nothing() {
        let throttle = Throttle::default();
        let here = [10, 0, 0, 1];
        for _ in 0..100 {
            assert!(!wrong(&throttle, "alice", 1, here, NOW));
        }
        for number in 2..100 {
            let (password, address) = guess(0, here);
            right(&throttle, &Guess { names: ["alice"; 2], password: &password, address });
            // Each one counts for the address, which other accounts would have to bear.
            if number < 40 {
                assert!(!wrong(&throttle, "alice", number, here, NOW), "{number}");
            }
        }
    }

    #[test]
    fn guessing_from_everywhere_does_not_lock_the_owner_out() {
        let throttle = Throttle::default();
        let home = [192, 168, 0, 1];
        let (password, address) = guess(0, home);
        let owner = Guess { names: ["alice"; 2], password: &password, address };
        right(&throttle, &owner);
        for number in 0..200_u32 {
            let from =
                [10, 0, u8::try_from(number / 250).unwrap(), u8::try_from(number % 250).unwrap()];
            wrong(&throttle, "alice", number, from, NOW);
        }
        right(&throttle, &owner);
        let elsewhere = Guess { address: Some(IpAddr::from([172, 16, 0, 1])), ..owner };
        let wait = throttle.begin(&elsewhere, NOW).err().unwrap();
        assert!(wait <= Duration::from_secs(30), "{wait:?}");
    }

    #[test]
    fn guesses_that_are_looked_at_count_and_those_without_a_verdict_never_were() {
        let throttle = Throttle::default();
        let texts: Vec<String> = (0..6).map(|number| format!("guess {number}")).collect();
        let begin =
            |password| throttle.begin(&Guess { names: ["alice"; 2], password, address: None }, NOW);
        let looked_at: Vec<_> = texts[..5].iter().map(|text| begin(text).ok().unwrap()).collect();
        assert_eq!(begin(&texts[5]).err(), Some(Duration::from_secs(1)));
        // The database did not answer.
        drop(looked_at);
        assert!(begin(&texts[5]).is_ok());
        assert!(throttle.counts().is_empty());
        // One password at many places at once is one guess, be it right or wrong.
        let same: Vec<_> = (0..100).map(|_| begin(&texts[0]).ok().unwrap()).collect();
        for attempt in same {
            attempt.right();
        }
        let last: Vec<bool> =
            texts.iter().filter_map(|text| Some(begin(text).ok()?.wrong())).collect();
        assert_eq!(last, [false, false, false, false, true]);
    }

    #[test]
    fn by_whichever_of_its_names_an_account_is_guessed_at_it_is_one_account() {
        let throttle = Throttle::default();
        let address = Some(IpAddr::from([10, 0, 0, 1]));
        let alice = |password| Guess { names: ["alice", "Alice@example.com"], password, address };
        let passwords: Vec<String> = (0..5).map(|number| format!("guess {number}")).collect();
        for password in &passwords {
            assert_eq!(throttle.admit("ALICE@example.com", address, NOW), Ok(()));
            let _locks = throttle.begin(&alice(password), NOW).ok().unwrap().wrong();
        }
        let wait = Duration::from_secs(1);
        for name in ["alice", "ALICE", "alice@example.com"] {
            assert_eq!(throttle.admit(name, address, NOW), Err(wait), "{name}");
        }
        assert_eq!(throttle.admit("bob", address, NOW), Ok(()));
        // An address that was counted for nobody while it was nobody's.
        let moved = Guess { names: ["alice", "new@example.com"], password: "x", address };
        assert_eq!(throttle.begin(&moved, NOW).err(), Some(wait));
        throttle.begin(&alice("right"), NOW.plus(wait)).ok().unwrap().right();
        for name in ["alice", "alice@example.com"] {
            assert_eq!(throttle.admit(name, address, NOW.plus(wait)), Ok(()), "{name}");
        }
    }

    #[test]
    fn there_is_an_end_to_what_is_kept() {
        let throttle = Throttle::default();
        for number in 0..40_000_u32 {
            let [_, a, b, c] = number.to_be_bytes();
            wrong(&throttle, &format!("user{number}"), number, [10, a, b, c], NOW);
        }
        assert!(throttle.counts().len() <= ENTRIES);
    }
}
