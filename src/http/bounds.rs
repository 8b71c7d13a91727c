//! What clients may take of the service at once, and for how long. Nothing that a client does is
//! waited for without an end, and what is full says so (503) instead of growing.
//!
//! To add a bound: a field of [`Bounds`] with its reason in [`Bounds::default`].

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::limits::Refusals;

/// The bounds of one process.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// How long the head of a request may take, from its first byte.
    pub head: Duration,
    /// How long the body of a request may take, all of it.
    pub body: Duration,
    /// How long a connection may stay without a request.
    pub idle: Duration,
    /// How long a client may leave what it is sent unread.
    pub unread: Duration,
    /// How long a connection that is being closed may go on sending what nobody will read.
    pub farewell: Duration,
    /// The most connections at once.
    pub connections: usize,
    /// The most requests under way at once.
    pub requests: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            // A head fits into one or two packets; ten seconds are two lost ones and a bad line.
            head: Duration::from_secs(10),
            // 64 KiB at the speed of a modem.
            body: Duration::from_secs(30),
            // Longer than what proxies keep idle connections for, so that it is they who close.
            idle: Duration::from_secs(75),
            // As for a body: replies are as small.
            unread: Duration::from_secs(30),
            // A reply that is sent while the client still writes is lost to it if the connection is
            // closed at once: what comes in then makes the kernel reset it.
            farewell: Duration::from_secs(2),
            // At some 20 KiB each when idle, 320 MiB.
            connections: 16_384,
            // With bodies of 64 KiB on their way, 200 KiB each, 1.6 GiB. A database that commits a thousand requests in a
            // second is seconds behind when so many wait for it.
            requests: 8_192,
        }
    }
}

/// Files that are not connections of clients: those of the store, listeners, logs.
const OTHER_FILES: usize = 256;

impl Bounds {
    /// The same bounds for a process that may have `files` open: without one for a connection, the
    /// database could not be reached either.
    #[must_use]
    pub fn within_files(self, files: u64) -> Self {
        let files = usize::try_from(files).unwrap_or(usize::MAX);
        let room = files.saturating_sub(OTHER_FILES).max(files / 2);
        Self { connections: self.connections.min(room), ..self }
    }
}

/// A number of places, each taken by one at a time.
pub(super) struct Places {
    most: usize,
    taken: AtomicUsize,
    refusals: Refusals,
}

/// A place that is taken, until this is dropped.
pub(super) struct Place(Arc<Places>);

impl Places {
    pub(super) fn new(most: usize) -> Arc<Self> {
        Arc::new(Self { most, taken: AtomicUsize::new(0), refusals: Refusals::default() })
    }

    /// Takes one, if one is free.
    pub(super) fn take(self: &Arc<Self>, what: &'static str) -> Option<Place> {
        if self.taken.fetch_add(1, Ordering::Relaxed) < self.most {
            return Some(Place(self.clone()));
        }
        self.taken.fetch_sub(1, Ordering::Relaxed);
        if let Some(refused) = self.refusals.one_more() {
            tracing::warn!(what, most = self.most, refused, "full");
        }
        None
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.taken.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_free_again_when_it_is_given_back() {
        let places = Places::new(2);
        let first = places.take("test").unwrap();
        let _second = places.take("test").unwrap();
        assert!(places.take("test").is_none());
        assert!(places.take("test").is_none());
        drop(first);
        let _third = places.take("test").unwrap();
        assert!(places.take("test").is_none());
    }

    #[test]
    fn connections_leave_files_to_the_store() {
        let bounds = Bounds::default();
        assert_eq!(bounds.within_files(1_048_576).connections, bounds.connections);
        assert_eq!(bounds.within_files(1024).connections, 768);
        assert_eq!(bounds.within_files(64).connections, 32);
    }
}
