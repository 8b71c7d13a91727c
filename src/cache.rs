//! A bounded cache for what nearly every request looks up: who a session is, who is a member.
//!
//! A value is given out for [`LIFE`] after it was asked for and no longer ([`Cache::lasting`]: for
//! as long as it says), so what another instance changes takes effect here within that time. What
//! this instance changes takes effect at once: the verb that changes it calls [`Cache::clear`], and
//! a lookup that had begun before keeps nothing.
//!
//! Only what is there is kept. Whoever is told "no member" and then joins is a member at once.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long a value is given out.
pub const LIFE: Duration = Duration::from_secs(1);

/// Values by key, at most as many as it was made for.
pub struct Cache<K, V>(Mutex<Generations<K, V>>);

/// Two maps instead of an order of use: when the young one is half of what may be kept, or as old
/// as its values may get, it becomes the old one, and what was the old one is dropped.
struct Generations<K, V> {
    young: HashMap<K, (Instant, V)>,
    old: HashMap<K, (Instant, V)>,
    young_since: Instant,
    life: Duration,
    half: usize,
    /// How often it was cleared.
    cleared: u64,
}

impl<K: Hash + Eq, V: Clone> Cache<K, V> {
    /// A cache of at most `most` values.
    #[must_use]
    pub fn new(most: usize) -> Self {
        Self::lasting(most, LIFE)
    }

    /// A cache of at most `most` values that are given out for `life`; for what no one changes.
    #[must_use]
    pub fn lasting(most: usize, life: Duration) -> Self {
        Self(Mutex::new(Generations {
            young: HashMap::new(),
            old: HashMap::new(),
            young_since: Instant::now(),
            life,
            half: (most / 2).max(1),
            cleared: 0,
        }))
    }

    /// The value of `key`: the cached one if it is young enough and `fits`, else what `load` finds.
    ///
    /// # Errors
    /// What `load` fails with.
    pub async fn get_or_load<Q, E, L>(
        &self,
        key: &Q,
        fits: impl Fn(&V) -> bool,
        load: impl FnOnce() -> L,
    ) -> Result<Option<V>, E>
    where
        L: Future<Output = Result<Option<V>, E>>,
        K: Borrow<Q> + for<'a> From<&'a Q>,
        Q: Hash + Eq + ?Sized,
    {
        let asked = Instant::now();
        let cleared = {
            let generations = self.lock();
            if let Some(value) = generations.find(key, asked).filter(|value| fits(value)) {
                return Ok(Some(value.clone()));
            }
            generations.cleared
        };
        // In a box: most find what they look for, and what this may have to hold, everything that waits
        // for an answer holds.
        let loaded = Box::pin(load()).await?;
        if let Some(value) = &loaded {
            let mut generations = self.lock();
            if generations.cleared == cleared {
                generations.keep(key.into(), asked, value.clone());
            }
        }
        Ok(loaded)
    }

    /// The value of `key`: the cached one if it is young enough, else what `find` finds at once.
    pub fn get_or_find<Q>(&self, key: &Q, find: impl FnOnce() -> Option<V>) -> Option<V>
    where
        K: Borrow<Q> + for<'a> From<&'a Q>,
        Q: Hash + Eq + ?Sized,
    {
        let asked = Instant::now();
        if let Some(value) = self.lock().find(key, asked) {
            return Some(value.clone());
        }
        let found = find()?;
        self.lock().keep(key.into(), asked, found.clone());
        Some(found)
    }

    /// Forgets a value, also the one that is being loaded.
    pub fn remove<Q>(&self, key: &Q)
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let mut generations = self.lock();
        generations.cleared += 1;
        generations.young.remove(key);
        generations.old.remove(key);
    }

    /// Forgets everything, also what is being loaded.
    pub fn clear(&self) {
        let mut generations = self.lock();
        generations.cleared += 1;
        generations.young.clear();
        generations.old.clear();
    }

    fn lock(&self) -> MutexGuard<'_, Generations<K, V>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Hash + Eq, V> Generations<K, V> {
    fn find<Q>(&self, key: &Q, now: Instant) -> Option<&V>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let fresh = |entry: &&(Instant, V)| now.saturating_duration_since(entry.0) < self.life;
        let young = self.young.get(key).filter(fresh);
        young.or_else(|| self.old.get(key).filter(fresh)).map(|(_, value)| value)
    }

    fn keep(&mut self, key: K, asked: Instant, value: V) {
        if self.young.len() >= self.half || self.young_since.elapsed() >= self.life {
            self.old = std::mem::take(&mut self.young);
            self.young_since = Instant::now();
        }
        self.young.insert(key, (asked, value));
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    async fn get(cache: &Cache<String, u32>, key: &str, found: Option<u32>) -> Option<u32> {
        let load = || async { Ok::<_, Infallible>(found) };
        cache.get_or_load(key, |_| true, load).await.unwrap()
    }

    #[tokio::test]
    async fn what_was_found_is_given_out_until_it_is_cleared_or_old() {
        let cache = Cache::new(10);
        assert_eq!(get(&cache, "a", None).await, None);
        assert_eq!(get(&cache, "a", Some(1)).await, Some(1), "nothing there was kept");
        assert_eq!(get(&cache, "a", Some(2)).await, Some(1));
        let fits = |value: &u32| *value > 1;
        let load = || async { Ok::<_, Infallible>(Some(3)) };
        assert_eq!(cache.get_or_load("a", fits, load).await.unwrap(), Some(3));
        cache.clear();
        assert_eq!(get(&cache, "a", Some(4)).await, Some(4));
        tokio::time::sleep(LIFE).await;
        assert_eq!(get(&cache, "a", Some(5)).await, Some(5));
    }

    #[tokio::test]
    async fn what_was_being_loaded_when_it_was_cleared_is_not_kept() {
        let cache = Cache::new(10);
        let load = || async {
            cache.clear();
            Ok::<_, Infallible>(Some(1))
        };
        assert_eq!(cache.get_or_load("a", |_| true, load).await.unwrap(), Some(1));
        assert_eq!(get(&cache, "a", Some(2)).await, Some(2));
    }

    #[tokio::test]
    async fn it_never_holds_more_than_it_may() {
        let cache = Cache::new(10);
        for number in 0..1000 {
            get(&cache, &number.to_string(), Some(number)).await;
            let generations = cache.lock();
            assert!(generations.young.len() + generations.old.len() <= 10);
        }
    }
}
