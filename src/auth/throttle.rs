//! Slows down whoever guesses passwords, without locking out whose they are.
//!
//! Wrong passwords are counted in four ways, each with a number that is free and a wait that
//! doubles with each one after that:
//!
//! | counted by | free | longest wait | against |
//! |---|---|---|---|
//! | account and address | 5 | 15 minutes | one guesser, one account |
//! | address | 50 | 15 minutes | one guesser, many accounts |
//! | site | 500 | 15 minutes | one guesser who has many addresses |
//! | account | 20 | 30 seconds | many addresses, one account |
//!
//! An address of IPv6 is the half of it that its user does not choose, and a site all that begin with
//! the same 48 bits, which one customer of a provider may have; with IPv4 the two are the same.
//!
//! An account has two names, the user's name and address, whatever their case, and a guess by the one
//! counts by the other. What belongs to nobody counts by itself, in the same way.
//!
//! The last one would let anybody lock anybody out, so its wait is short. It does not hold for an
//! address from which the account was signed in to lately, and neither do those of address and site:
//! behind one address there may be many, and all there are where a proxy is not known as one. A right
//! password counts the wrong ones of its account and address as none.
//!
//! Sending the same wrong password again is not another guess: a client with an old password in its
//! settings, or one that sends everything twice (`fixtures/wire`, need 42), locks nobody out. It
//! takes as much work, though, and is a failure like others. So there are ten of these for an account
//! and address, and 100 for a site, and one more each second; beyond that each of them is looked at
//! every 30 seconds only, since it may have become the right one. Others do not wait for that, and
//! neither does another password.
//!
//! While a wait lasts no password is checked, and nobody learns whether it was right.
//!
//! A guess counts by account as soon as it is looked at, and until its verdict is known: many that
//! are sent at once are no more than those that are sent one after the other. By address and site it
//! counts when it was wrong, since the people behind one address may all sign in at once.
//!
//! The counts are those of one instance and are gone when it ends; each is a few words, and of each
//! kind there are so many at the most (counts.rs). What one guesser fills without end, having
//! many addresses or names, is kept apart from what is known of accounts. Names and passwords are
//! kept as keyed hashes only.

use std::hash::{BuildHasher as _, RandomState};
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::guesses::{Hashed, Kept};
use super::network::Network;
use crate::clock::Timestamp;

/// Whose password it is to be, the password, and where they came from.
pub struct Guess<'a> {
    /// The names of the account; where there is none, twice what was given for one.
    pub names: [&'a str; 2],
    /// The password.
    pub password: &'a str,
    /// The address, where it is known.
    pub address: Option<IpAddr>,
}

/// Counts wrong passwords.
#[derive(Default)]
pub struct Throttle {
    /// Its keys are new in each process, so that what is kept means nothing elsewhere.
    hasher: RandomState,
    kept: Mutex<Kept>,
}

/// A guess that is being looked at. Without a verdict it never was one.
pub struct Attempt<'a> {
    throttle: &'a Throttle,
    guess: Hashed,
    now: Timestamp,
    /// The accounts that it was counted for: none when it is the wrong password of before.
    counted: Vec<u64>,
}

impl Throttle {
    /// Whether anybody by the names of that guess may be looked for. Says what [`Throttle::begin`] would
    /// then, and whether the same wrong password was sent too often, and does so before it is known
    /// whether there is somebody.
    ///
    /// # Errors
    /// How long to wait.
    pub fn admit(&self, guess: &Guess<'_>, now: Timestamp) -> Result<(), Duration> {
        let (guess, kept) = (self.hashed(guess), self.kept());
        let waits = guess.accounts.into_iter().flat_map(|account| {
            [kept.wait(account, guess.network, now), kept.wait_again(account, guess, now)]
        });
        waits.flatten().max().map_or(Ok(()), Err)
    }

    /// Begins to look at a guess, which counts from now on.
    ///
    /// # Errors
    /// How long to wait before this guess is looked at.
    pub fn begin(&self, guess: &Guess<'_>, now: Timestamp) -> Result<Attempt<'_>, Duration> {
        let (guess, mut kept) = (self.hashed(guess), self.kept());
        let waits = guess.accounts.map(|account| kept.wait(account, guess.network, now));
        if let Some(wait) = waits.into_iter().flatten().max() {
            return Err(wait);
        }
        let mut counted = Vec::new();
        for account in guess.accounts {
            if let Some(last) = kept.last(account, guess) {
                last.looked_at = now;
            } else {
                kept.count(account, guess, now);
                counted.push(account);
            }
        }
        Ok(Attempt { throttle: self, guess, now, counted })
    }

    fn hashed(&self, guess: &Guess<'_>) -> Hashed {
        Hashed {
            accounts: guess.names.map(|name| self.hasher.hash_one(name.to_lowercase())),
            password: self.hasher.hash_one(guess.password),
            network: Network::of(guess.address),
        }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        // A count is whole between any two statements, so a panic elsewhere spoiled nothing.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Attempt<'_> {
    /// The password was wrong. Whether the next one has to wait.
    #[must_use]
    pub fn wrong(mut self) -> bool {
        let (mut counted, guess, now) = (std::mem::take(&mut self.counted), self.guess, self.now);
        let mut kept = self.throttle.kept();
        for account in guess.accounts {
            // The one that this was the same as may have ended without a verdict.
            if !counted.contains(&account) && kept.last(account, guess).is_none() {
                kept.count(account, guess, now);
                counted.push(account);
            }
            if let Some(last) = kept.last(account, guess) {
                last.wrong = true;
            }
        }
        if counted.is_empty() {
            kept.count_again(guess, now);
            return false;
        }
        kept.count_wrong(guess.network, now);
        let waits = |account| kept.wait(account, guess.network, now).is_some();
        guess.accounts.into_iter().any(waits)
    }

    /// The password was right.
    pub fn right(mut self) {
        self.take_back();
        let mut kept = self.throttle.kept();
        for account in self.guess.accounts {
            kept.count_right(account, self.guess, self.now);
        }
    }

    fn take_back(&mut self) {
        if self.counted.is_empty() {
            return;
        }
        let mut kept = self.throttle.kept();
        for account in self.counted.drain(..) {
            kept.take_back(account, self.guess);
        }
    }
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        self.take_back();
    }
}

#[cfg(test)]
mod tests {
    use super::super::guesses::{AGAIN, AGAIN_EVERY, AGAIN_OF_ONE};
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
    fn devices_that_take_turns_are_not_guessing() {
        let throttle = Throttle::default();
        let here = [10, 0, 0, 1];
        let (password, address) = guess(0, here);
        let new = Guess { names: ["bob"; 2], password: &password, address };
        let mut now = NOW;
        for round in 0..100 {
            // Two that have each another old one, and one that has the new one.
            for old in [1, 2] {
                assert!(!wrong(&throttle, "bob", old, here, now), "{round}");
            }
            throttle.admit(&new, now).unwrap();
            throttle.begin(&new, now).ok().unwrap().right();
            now = now.plus(Duration::from_secs(1));
        }
        let (password, _) = guess(3, here);
        let others = Guess { names: ["carol"; 2], password: &password, address };
        throttle.admit(&others, now).unwrap();
        throttle.admit(&Guess { address: Some(IpAddr::from([10, 0, 0, 2])), ..new }, now).unwrap();
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
    fn one_without_a_verdict_is_a_guess_when_it_is_sent_again() {
        let throttle = Throttle::default();
        let texts: Vec<String> = (0..5).map(|number| format!("guess {number}")).collect();
        let begin = |password| {
            throttle
                .begin(&Guess { names: ["alice"; 2], password, address: None }, NOW)
                .ok()
                .unwrap()
        };
        assert!(!begin(&texts[0]).wrong());
        drop(begin(&texts[1]));
        // And when it was sent twice, and only the second has one.
        let [first, second] = [begin(&texts[1]), begin(&texts[1])];
        drop(first);
        assert!(!second.wrong());
        let rest: Vec<bool> = texts[2..].iter().map(|text| begin(text).wrong()).collect();
        assert_eq!(rest, [false, false, true]);
    }

    #[test]
    fn by_whichever_of_its_names_an_account_is_guessed_at_it_is_one_account() {
        let throttle = Throttle::default();
        let address = Some(IpAddr::from([10, 0, 0, 1]));
        let alice = |password| Guess { names: ["alice", "Alice@example.com"], password, address };
        let admit = |name, now| {
            throttle.admit(&Guess { names: [name; 2], password: "other", address }, now)
        };
        let passwords: Vec<String> = (0..5).map(|number| format!("guess {number}")).collect();
        for password in &passwords {
            assert_eq!(admit("ALICE@example.com", NOW), Ok(()));
            let _locks = throttle.begin(&alice(password), NOW).ok().unwrap().wrong();
        }
        let wait = Duration::from_secs(1);
        for name in ["alice", "ALICE", "alice@example.com"] {
            assert_eq!(admit(name, NOW), Err(wait), "{name}");
        }
        assert_eq!(admit("bob", NOW), Ok(()));
        // An address that was counted for nobody while it was nobody's.
        let moved = Guess { names: ["alice", "new@example.com"], password: "x", address };
        assert_eq!(throttle.begin(&moved, NOW).err(), Some(wait));
        throttle.begin(&alice("right"), NOW.plus(wait)).ok().unwrap().right();
        for name in ["alice", "alice@example.com"] {
            assert_eq!(admit(name, NOW.plus(wait)), Ok(()), "{name}");
        }
    }

    #[test]
    fn the_same_wrong_password_is_looked_at_so_often_and_then_now_and_then() {
        let throttle = Throttle::default();
        let here = [10, 0, 0, 1];
        let (password, address) = guess(1, here);
        let old = Guess { names: ["alice"; 2], password: &password, address };
        let send = |now| {
            throttle.admit(&old, now)?;
            throttle.begin(&old, now).map(|attempt| assert!(!attempt.wrong()))
        };
        for number in 0..=AGAIN_OF_ONE {
            assert_eq!(send(NOW), Ok(()), "{number}");
        }
        assert_eq!(send(NOW), Err(AGAIN_EVERY));
        // Whoever else is there does not wait, nor does another password for the account.
        let another = Guess { password: "another", ..old };
        assert_eq!(throttle.admit(&another, NOW), Ok(()));
        assert_eq!(throttle.admit(&Guess { names: ["bob"; 2], ..another }, NOW), Ok(()));
        // Once a second is no flood, however long it lasts.
        let mut now = NOW.plus(AGAIN_EVERY);
        for _ in 0..10 * AGAIN {
            now = now.plus(Duration::from_secs(1));
            assert_eq!(send(now), Ok(()));
        }
        // Somebody there sends more than others can, as many at once.
        for _ in 0..10 * AGAIN {
            let _waits =
                throttle.begin(&Guess { names: ["bob"; 2], ..old }, now).map(Attempt::wrong);
        }
        assert_eq!(send(now), Err(AGAIN_EVERY));
        now = now.plus(AGAIN_EVERY);
        // It has been made the right one meanwhile.
        assert_eq!(throttle.admit(&old, now), Ok(()));
        throttle.begin(&old, now).ok().unwrap().right();
        // It waits for its verdict at many places.
        let begin = |_| {
            assert_eq!(throttle.admit(&old, now), Ok(()));
            throttle.begin(&old, now).ok().unwrap()
        };
        let many: Vec<_> = (0..50).map(begin).collect();
        many.into_iter().for_each(Attempt::right);
    }

    #[test]
    fn whoever_has_many_addresses_is_one_site() {
        let throttle = Throttle::default();
        let from = |network: u16| IpAddr::from([0x2001, 0xdb8, 7, network, 0, 0, 0, 1]);
        let begin = |number: u16, address| {
            let name = format!("user{number}");
            let guess = Guess { names: [&name; 2], password: "guess", address: Some(address) };
            throttle.begin(&guess, NOW).map(Attempt::wrong)
        };
        for number in 0..500 {
            assert!(begin(number, from(number)).is_ok(), "{number}");
        }
        assert_eq!(begin(500, from(500)), Err(Duration::from_secs(1)));
        assert!(begin(500, IpAddr::from([0x2001, 0xdb8, 8, 1, 0, 0, 0, 1])).is_ok());
    }

    #[test]
    fn who_has_signed_in_from_there_does_not_wait_for_the_others_there() {
        let throttle = Throttle::default();
        let here = [10, 0, 0, 1];
        let (password, address) = guess(0, here);
        let alice = Guess { names: ["alice"; 2], password: &password, address };
        right(&throttle, &alice);
        for number in 0..60 {
            wrong(&throttle, &format!("user{number}"), number, here, NOW);
        }
        assert!(throttle.admit(&Guess { names: ["bob"; 2], ..alice }, NOW).is_err());
        right(&throttle, &alice);
        // Guessing at the account from there is slowed down all the same.
        assert!((1..8).any(|number| wrong(&throttle, "alice", number, here, NOW)));
    }

    #[test]
    fn what_is_known_of_an_account_is_not_pushed_out() {
        let throttle = Throttle::default();
        let from = |number: u32| {
            let [_, a, b, c] = number.to_be_bytes();
            [10, a, b, c]
        };
        let (password, address) = guess(0, [192, 168, 0, 1]);
        let owner = Guess { names: ["alice"; 2], password: &password, address };
        right(&throttle, &owner);
        for number in 0..25 {
            wrong(&throttle, "alice", number, from(number), NOW);
        }
        for number in 100..60_000 {
            wrong(&throttle, &format!("user{number}"), number, from(number), NOW);
        }
        assert!(throttle.admit(&Guess { address: None, ..owner }, NOW).is_err());
        right(&throttle, &owner);
    }
}
