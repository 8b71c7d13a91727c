//! How often something may happen: a rate for each user, counted in memory.
//!
//! The generic cell rate algorithm: of each user only the moment is kept at which the whole
//! allowance will be there again, and nothing once that has passed. Each instance counts by itself
//! (README, "Limits"): of `n` instances a user gets up to `n` times the rate. What must hold across
//! instances and restarts, the counting of wrong codes, is in the database instead.
//!
//! Not a library: those there are ask a clock of their own, and here the moment of a request is
//! handed in.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::clock::Timestamp;

/// The span that a rate is given for.
const SPAN: Duration = Duration::from_mins(1);

/// The most users that are kept count of. Beyond it those who have their whole allowance are
/// forgotten, which changes nothing for them; were that not enough, the count begins anew.
const USERS_MAX: usize = 100_000;

/// So many a minute for each user, all at once if they like.
pub struct Rate {
    a_minute: u32,
    /// When each user's allowance will be whole again, in microseconds.
    whole_at: Mutex<HashMap<String, i64>>,
}

impl Rate {
    /// So many a minute; 0 is no limit.
    #[must_use]
    pub fn a_minute(a_minute: u32) -> Self {
        Self { a_minute, whole_at: Mutex::default() }
    }

    /// Counts one for `user`.
    ///
    /// # Errors
    /// How long it is until the next one, where the allowance is used up. A refusal does not count.
    pub fn take(&self, user: &str, now: Timestamp) -> Result<(), Duration> {
        if self.a_minute == 0 {
            return Ok(());
        }
        let span = micros(SPAN);
        let each = (span / i64::from(self.a_minute)).max(1);
        let now = now.as_millis().saturating_mul(1000);
        // A panic while it was held left a map that is whole: every change is one insertion.
        let mut whole_at = self.whole_at.lock().unwrap_or_else(PoisonError::into_inner);
        let next = whole_at.get(user).map_or(now, |at| (*at).max(now)) + each;
        if let Ok(wait @ 1..) = u64::try_from(next - now - span) {
            return Err(Duration::from_micros(wait));
        }
        if whole_at.len() >= USERS_MAX && !whole_at.contains_key(user) {
            whole_at.retain(|_, at| *at > now);
            if whole_at.len() >= USERS_MAX {
                whole_at.clear();
            }
        }
        whole_at.insert(user.to_owned(), next);
        Ok(())
    }
}

fn micros(span: Duration) -> i64 {
    i64::try_from(span.as_micros()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(1_795_000_000_000 + seconds * 1000)
    }

    #[test]
    fn the_allowance_may_be_used_at_once_and_grows_back_evenly() {
        let rate = Rate::a_minute(60);
        for _ in 0..60 {
            assert_eq!(rate.take("alice", at(0)), Ok(()));
        }
        assert_eq!(rate.take("alice", at(0)), Err(Duration::from_secs(1)));
        assert_eq!(rate.take("bob", at(0)), Ok(()), "one user's use is not another's");
        assert_eq!(rate.take("alice", at(1)), Ok(()));
        assert_eq!(rate.take("alice", at(1)), Err(Duration::from_secs(1)));
        for _ in 0..60 {
            assert_eq!(rate.take("alice", at(100)), Ok(()));
        }
        assert!(rate.take("alice", at(100)).is_err());
    }

    #[test]
    fn none_is_no_limit() {
        let rate = Rate::a_minute(0);
        assert!((0..10_000).all(|_| rate.take("alice", at(0)).is_ok()));
    }

    #[test]
    fn those_who_are_kept_count_of_are_bounded() {
        let rate = Rate::a_minute(1);
        for user in 0..USERS_MAX {
            rate.take(&user.to_string(), at(0)).unwrap();
        }
        assert_eq!(rate.whole_at.lock().unwrap().len(), USERS_MAX);
        rate.take("later", at(61)).unwrap();
        assert_eq!(rate.whole_at.lock().unwrap().len(), 1);
    }
}
