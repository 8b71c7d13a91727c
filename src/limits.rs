//! How often something may happen: a rate for each user, counted in memory; and how often the log hears of it
//! that there was no room.
//!
//! A sliding log: of each user the moments of the last minute are kept at which it happened, so that in
//! no minute, wherever it begins, it happens more often than is allowed. Each instance counts by itself
//! (README, "Limits"): of `n` instances a user gets up to `n` times the rate. What must hold across
//! instances and restarts, the counting of wrong codes, is in the database instead.
//!
//! Not a library: those there are ask a clock of their own, and here the moment of a request is
//! handed in.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::clock::Timestamp;

/// The span that a rate is given for.
const SPAN: Duration = Duration::from_mins(1);

/// The most moments that are kept, of all users together: some 20 MiB where each is another user's. Beyond
/// it users are forgotten who are far from their limit; were that not enough, the count begins anew.
const MOMENTS_MAX: usize = 100_000;

/// How often there was no room for somebody. Whoever fills what there is of it is not to fill the log as
/// well, so that is told seldom.
#[derive(Default)]
pub struct Refusals(AtomicU64);

impl Refusals {
    /// Counts one more; gives how many there were, if the log is to be told.
    pub fn one_more(&self) -> Option<u64> {
        let refused = self.0.fetch_add(1, Ordering::Relaxed) + 1;
        refused.is_power_of_two().then_some(refused)
    }
}

/// So many a minute for each user, all at once if they like.
pub struct Rate {
    a_minute: u32,
    taken: Mutex<Taken>,
}

#[derive(Default)]
struct Taken {
    /// Of each user, oldest first.
    moments: HashMap<String, VecDeque<Timestamp>>,
    /// How many they are together.
    count: usize,
}

impl Rate {
    /// So many a minute; 0 is no limit.
    #[must_use]
    pub fn a_minute(a_minute: u32) -> Self {
        Self { a_minute, taken: Mutex::default() }
    }

    /// Counts one for `user`.
    ///
    /// # Errors
    /// How long it is until the next one, where the allowance is used up. A refusal does not count.
    pub fn take(&self, user: &str, now: Timestamp) -> Result<(), Duration> {
        if self.a_minute == 0 {
            return Ok(());
        }
        let most = usize::try_from(self.a_minute).unwrap_or(usize::MAX);
        // A panic while it was held, for want of memory, left counts that are off by one at most.
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if taken.count >= MOMENTS_MAX {
            taken.make_room(most, now);
        }
        let Taken { moments, count } = &mut *taken;
        let of_user = match moments.get_mut(user) {
            Some(of_user) => of_user,
            None => moments.entry(user.to_owned()).or_default(),
        };
        *count -= forget(of_user, now);
        // Those that are left are of less than a minute ago.
        if of_user.len() >= most
            && let Some(oldest) = of_user.front()
        {
            return Err(now.until(oldest.plus(SPAN)));
        }
        of_user.push_back(now);
        *count += 1;
        Ok(())
    }
}

impl Taken {
    fn make_room(&mut self, most: usize, now: Timestamp) {
        for least in [1, most.div_ceil(2)] {
            self.moments.retain(|_, of_user| {
                forget(of_user, now);
                of_user.len() >= least
            });
            self.count = self.moments.values().map(VecDeque::len).sum();
            if self.count < MOMENTS_MAX {
                return;
            }
        }
        *self = Self::default();
    }
}

/// Forgets what is longer ago than a minute, and says how many that were.
fn forget(moments: &mut VecDeque<Timestamp>, now: Timestamp) -> usize {
    let old = moments.iter().take_while(|moment| moment.plus(SPAN) <= now).count();
    moments.drain(..old).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(1_795_000_000_000 + seconds * 1000)
    }

    #[test]
    fn in_no_minute_there_are_more_than_the_allowance() {
        let rate = Rate::a_minute(60);
        for _ in 0..60 {
            assert_eq!(rate.take("alice", at(0)), Ok(()));
        }
        assert_eq!(rate.take("alice", at(0)), Err(Duration::from_mins(1)));
        assert_eq!(rate.take("bob", at(0)), Ok(()), "one user's use is not another's");
        assert_eq!(rate.take("alice", at(59)), Err(Duration::from_secs(1)));
        let mut taken: Vec<i64> = Vec::new();
        for second in 60..600 {
            for _ in 0..3 {
                let minute = taken.iter().filter(|then| second - **then < 60).count();
                let admitted = rate.take("alice", at(second)).is_ok();
                assert_eq!(admitted, minute < 60, "{minute} at {second}");
                taken.extend(admitted.then_some(second));
            }
        }
    }

    #[test]
    fn none_is_no_limit() {
        let rate = Rate::a_minute(0);
        assert!((0..10_000).all(|_| rate.take("alice", at(0)).is_ok()));
    }

    #[test]
    fn what_is_kept_is_bounded_and_who_is_at_the_limit_is_kept_longest() {
        let rate = Rate::a_minute(4);
        let kept = || {
            let taken = rate.taken.lock().unwrap();
            assert_eq!(taken.moments.values().map(VecDeque::len).sum::<usize>(), taken.count);
            taken.count
        };
        for _ in 0..4 {
            rate.take("alice", at(0)).unwrap();
        }
        for user in 4..MOMENTS_MAX {
            rate.take(&user.to_string(), at(0)).unwrap();
        }
        assert_eq!(kept(), MOMENTS_MAX);
        rate.take("another", at(1)).unwrap();
        assert_eq!(kept(), 5);
        assert!(rate.take("alice", at(2)).is_err());
        for user in 0..MOMENTS_MAX / 4 {
            for _ in 0..4 {
                let _spent = rate.take(&user.to_string(), at(3));
            }
        }
        assert!(kept() <= MOMENTS_MAX);
        rate.take("later", at(63)).unwrap();
        assert!(kept() <= MOMENTS_MAX);
    }
}
