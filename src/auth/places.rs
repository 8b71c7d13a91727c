//! Places for those who wait until their password is checked: so many, and of these so many for one
//! site, so that nobody takes all of them.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::network::Network;
use crate::limits::Refusals;

/// The places.
pub(super) struct Places {
    most: usize,
    most_of_one: usize,
    taken: Mutex<Taken>,
    refusals: Refusals,
}

#[derive(Default)]
struct Taken {
    all: usize,
    by_site: HashMap<Network, usize>,
}

/// A place that is taken, until this is dropped.
pub(super) struct Place<'a> {
    places: &'a Places,
    site: Network,
}

impl Places {
    pub(super) fn new(most: usize, most_of_one: usize) -> Self {
        Self { most, most_of_one, taken: Mutex::default(), refusals: Refusals::default() }
    }

    /// Takes one for somebody at that site, if one is free.
    pub(super) fn take(&self, site: Network) -> Option<Place<'_>> {
        let of_one = {
            let mut taken = self.taken();
            let of_one = taken.by_site.get(&site).copied().unwrap_or_default();
            if taken.all < self.most && of_one < self.most_of_one {
                taken.all += 1;
                taken.by_site.insert(site, of_one + 1);
                return Some(Place { places: self, site });
            }
            of_one
        };
        if let Some(refused) = self.refusals.one_more() {
            let by_one = of_one >= self.most_of_one;
            tracing::warn!(what = "passwords", most = self.most, by_one, refused, "full");
        }
        None
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        // Nothing between taking and giving back can panic but for want of memory, which ends all.
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut taken = self.places.taken();
        taken.all -= 1;
        if let Some(of_one) = taken.by_site.get_mut(&self.site) {
            *of_one -= 1;
            if *of_one == 0 {
                taken.by_site.remove(&self.site);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_site_takes_its_part_and_all_together_take_all() {
        let places = Places::new(5, 2);
        let [a, b, c] = [1, 2, 3].map(|number| Network::V4([10, 0, 0, number].into()));
        let of_a = [places.take(a), places.take(a)];
        assert!(of_a.iter().all(Option::is_some));
        assert!(places.take(a).is_none());
        let of_others = [places.take(b), places.take(b), places.take(c)];
        assert!(of_others.iter().all(Option::is_some));
        assert!(places.take(c).is_none());
        drop(of_a);
        assert!(places.take(c).is_some());
        assert!(places.take(b).is_none());
        drop(of_others);
        assert!(places.taken().by_site.is_empty() && places.taken().all == 0);
    }
}
