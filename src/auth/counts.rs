//! Counts of what happened lately, by whatever key, and never more than so many.

use std::collections::HashMap;
use std::hash::Hash;
use std::time::Duration;

use crate::clock::Timestamp;

/// The most counts of a kind that are kept; the smallest go first, and of these the oldest. So whoever
/// fills the room with counts of one pushes out nothing that has been counted twice.
pub(super) const ENTRIES: usize = 20_000;

/// Counts by key, and what else is known of a key.
pub(super) struct Counts<K, V = ()> {
    counts: HashMap<K, Count<V>>,
    /// After how long without another one a count is forgotten.
    kept: Duration,
}

/// A count.
pub(super) struct Count<V = ()> {
    pub(super) number: u32,
    pub(super) last: Timestamp,
    pub(super) more: V,
}

impl<K: Hash + Eq, V: Default + PartialEq> Counts<K, V> {
    pub(super) fn kept(kept: Duration) -> Self {
        Self { counts: HashMap::new(), kept }
    }

    pub(super) fn get(&self, key: &K) -> Option<&Count<V>> {
        self.counts.get(key)
    }

    pub(super) fn get_mut(&mut self, key: &K) -> Option<&mut Count<V>> {
        self.counts.get_mut(key)
    }

    /// Whether there is a count that is not forgotten.
    pub(super) fn has(&self, key: &K, now: Timestamp) -> bool {
        self.counts.get(key).is_some_and(|count| now < count.last.plus(self.kept))
    }

    /// Counts one more.
    pub(super) fn add(&mut self, key: K, now: Timestamp) -> &mut Count<V> {
        self.make_room(now);
        let count =
            self.counts.entry(key).or_insert(Count { number: 0, last: now, more: V::default() });
        if now >= count.last.plus(self.kept) {
            count.number = 0;
        }
        count.number = count.number.saturating_add(1);
        count.last = now;
        count
    }

    /// Counts one less.
    pub(super) fn take_back(&mut self, key: &K) {
        let Some(count) = self.counts.get_mut(key) else { return };
        count.number = count.number.saturating_sub(1);
        if count.number == 0 && count.more == V::default() {
            self.counts.remove(key);
        }
    }

    /// Makes room for one more: what is forgotten goes, and if that is nothing, an eighth.
    fn make_room(&mut self, now: Timestamp) {
        if self.counts.len() < ENTRIES {
            return;
        }
        let kept = self.kept;
        self.counts.retain(|_, count| now < count.last.plus(kept));
        if self.counts.len() < ENTRIES {
            return;
        }
        let worth = |count: &Count<V>| (count.number, count.last);
        let mut worths: Vec<_> = self.counts.values().map(worth).collect();
        let eighth = worths.len() / 8;
        let (_, &mut least, _) = worths.select_nth_unstable(eighth);
        let mut most = eighth + 1;
        self.counts.retain(|_, count| {
            let goes = worth(count) <= least && most > 0;
            most -= usize::from(goes);
            !goes
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_795_000_000_000);

    #[test]
    fn there_is_an_end_to_what_is_kept_and_what_was_counted_twice_stays() {
        let mut counts = Counts::<u32>::kept(Duration::from_mins(30));
        for _ in 0..2 {
            counts.add(0, NOW);
        }
        for number in 1..100_000 {
            counts.add(number, NOW.plus(Duration::from_millis(number.into())));
            assert!(counts.counts.len() <= ENTRIES);
        }
        assert!(counts.get(&0).is_some() && counts.get(&99_999).is_some());
        assert!(counts.get(&1).is_none());
        let later = NOW.plus(Duration::from_hours(1));
        for number in 100_000..120_000 {
            counts.add(number, later);
        }
        assert!(!counts.has(&0, later) && counts.get(&0).is_none());
    }
}
