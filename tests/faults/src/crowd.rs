//! The crowd: clients that ask for keys while everything breaks, and remember what they were told.
//!
//! Each client takes the next user and asks for a key until there is one: after a 503, a broken
//! connection or a service that is not there it asks again. How many users there are to take is
//! said by [`Crowd::allow`], so that a fault strikes a crowd that is busy.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::client::{Client, Missing, Reply};
use crate::{Failure, people};

/// How long the crowd may need to get all it was allowed: the service has come back by then, or it
/// has not come back at all.
const BACK_WITHIN: Duration = Duration::from_mins(1);

/// The most users of [`Crowd::throughout`].
pub(crate) const THROUGHOUT_MAX: usize = 4_000;

/// A key that was shown to a user.
#[derive(Clone)]
pub(crate) struct Shown {
    pub(crate) user: usize,
    pub(crate) secret: Vec<u8>,
}

/// What happened to the requests.
#[derive(Default)]
pub(crate) struct Counts {
    pub(crate) requests: AtomicU64,
    pub(crate) answered: AtomicU64,
    pub(crate) unavailable: AtomicU64,
    pub(crate) broken: AtomicU64,
    pub(crate) refused: AtomicU64,
    /// The most connections that broke for one client.
    pub(crate) most_broken: AtomicU64,
    /// The longest time to a reply, in milliseconds.
    pub(crate) slowest: AtomicU64,
}

impl Counts {
    /// All of it on a line.
    pub(crate) fn told(&self) -> String {
        let read = |count: &AtomicU64| count.load(Ordering::SeqCst);
        format!(
            "{} requests, {} answered, {} times 503, {} broken connections, {} times nobody there; \
             the slowest reply took {} ms",
            read(&self.requests),
            read(&self.answered),
            read(&self.unavailable),
            read(&self.broken),
            read(&self.refused),
            read(&self.slowest),
        )
    }
}

struct Shared {
    address: Mutex<SocketAddr>,
    taken: AtomicUsize,
    allowed: AtomicUsize,
    stop: AtomicBool,
    counts: Counts,
    shown: Mutex<Vec<Shown>>,
    /// What no client should ever see, as far as there is room.
    wrong: Mutex<Vec<String>>,
}

pub(crate) struct Crowd {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Crowd {
    /// That many clients, who take users from `first` on.
    pub(crate) fn gather(clients: usize, address: SocketAddr, first: usize) -> Self {
        let shared = Arc::new(Shared {
            address: Mutex::new(address),
            taken: AtomicUsize::new(first),
            allowed: AtomicUsize::new(first),
            stop: AtomicBool::new(false),
            counts: Counts::default(),
            shown: Mutex::default(),
            wrong: Mutex::default(),
        });
        let client = |_| {
            let shared = shared.clone();
            std::thread::spawn(move || shared.client())
        };
        let threads = (0..clients).map(client).collect();
        Self { shared, threads }
    }

    /// Where the service is from now on.
    pub(crate) fn go_to(&self, address: SocketAddr) {
        *lock(&self.shared.address) = address;
    }

    /// Lets that many more users ask.
    pub(crate) fn allow(&self, users: usize) {
        self.shared.allowed.fetch_add(users, Ordering::SeqCst);
    }

    /// Lets that many more users ask, one every few milliseconds, from now on.
    pub(crate) fn drip(&self, users: usize) {
        let shared = self.shared.clone();
        std::thread::spawn(move || {
            for _ in 0..users {
                shared.allowed.fetch_add(1, Ordering::SeqCst);
                std::thread::sleep(Duration::from_millis(5));
            }
        });
    }

    pub(crate) fn counts(&self) -> &Counts {
        &self.shared.counts
    }

    /// How many keys were shown.
    pub(crate) fn shown(&self) -> usize {
        lock(&self.shared.shown).len()
    }

    /// The keys that were shown after the first `from`.
    pub(crate) fn seen(&self, from: usize) -> Vec<Shown> {
        lock(&self.shared.shown)[from..].to_vec()
    }

    /// Waits until that many keys were shown in all.
    pub(crate) fn wait_for(&self, shown: usize) -> Result<(), Failure> {
        let deadline = Instant::now() + BACK_WITHIN;
        while self.shown() < shown {
            self.all_well()?;
            if Instant::now() >= deadline {
                let now = self.shown();
                return Err(format!("the service did not come back: {now} of {shown} keys").into());
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        Ok(())
    }

    /// Lets a few users ask at a time, for as long as something takes, and waits until all have their
    /// key.
    pub(crate) fn throughout(
        &self,
        work: impl FnOnce() -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let done = AtomicBool::new(false);
        let before = self.shown();
        let (worked, allowed) = std::thread::scope(|scope| {
            let feeding = scope.spawn(|| {
                let mut allowed = 0;
                while !done.load(Ordering::SeqCst) && allowed < THROUGHOUT_MAX {
                    self.allow(4);
                    allowed += 4;
                    std::thread::sleep(Duration::from_millis(20));
                }
                allowed
            });
            let worked = work();
            done.store(true, Ordering::SeqCst);
            (worked, feeding.join())
        });
        worked?;
        self.wait_for(before + allowed.map_err(|_| "who lets users ask has panicked")?)
    }

    /// Fails when a client has seen what none should see.
    pub(crate) fn all_well(&self) -> Result<(), Failure> {
        match lock(&self.shared.wrong).first() {
            None => Ok(()),
            Some(first) => Err(format!("a client was told: {first}").into()),
        }
    }

    /// The clients finish and go home; gives what they were shown.
    pub(crate) fn dismiss(mut self) -> Result<Vec<Shown>, Failure> {
        self.shared.stop.store(true, Ordering::SeqCst);
        for thread in self.threads.drain(..) {
            thread.join().map_err(|_| "a client panicked")?;
        }
        self.all_well()?;
        Ok(std::mem::take(&mut *lock(&self.shared.shown)))
    }
}

impl Drop for Crowd {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::SeqCst);
    }
}

impl Shared {
    fn client(&self) {
        let (mut client, mut broken) = (Client::default(), 0);
        while !self.stop.load(Ordering::SeqCst) {
            let next = |taken| (taken < self.allowed.load(Ordering::SeqCst)).then_some(taken + 1);
            match self.taken.fetch_update(Ordering::SeqCst, Ordering::SeqCst, next) {
                Ok(user) => self.until_answered(&mut client, user, &mut broken),
                Err(_) => std::thread::sleep(Duration::from_millis(1)),
            }
        }
    }

    fn until_answered(&self, client: &mut Client, user: usize, broken: &mut u64) {
        let request = people::generate(user);
        let add = |count: &AtomicU64| count.fetch_add(1, Ordering::SeqCst);
        let counts = &self.counts;
        while !self.stop.load(Ordering::SeqCst) {
            let address = *lock(&self.address);
            let asked = Instant::now();
            let outcome = client.ask(address, &request);
            let took = u64::try_from(asked.elapsed().as_millis()).unwrap_or(u64::MAX);
            if !matches!(outcome, Err(Missing::Refused)) {
                add(&counts.requests);
                counts.slowest.fetch_max(took, Ordering::SeqCst);
            }
            let pause = match outcome {
                Ok(reply) if reply.status == 200 => return self.keep(user, &reply),
                Ok(reply) if reply.status == 503 && reply.header("Retry-After").is_some() => {
                    add(&counts.unavailable);
                    20
                }
                Ok(reply) => return self.complain(reply.told()),
                Err(Missing::Late) => {
                    return self.complain("nothing, however long it waited".into());
                }
                Err(Missing::Broken) => {
                    add(&counts.broken);
                    *broken += 1;
                    counts.most_broken.fetch_max(*broken, Ordering::SeqCst);
                    2
                }
                Err(Missing::Refused) => {
                    add(&counts.refused);
                    10
                }
            };
            std::thread::sleep(Duration::from_millis(pause));
        }
    }

    fn keep(&self, user: usize, reply: &Reply) {
        match reply.secret() {
            Some(secret) => {
                self.counts.answered.fetch_add(1, Ordering::SeqCst);
                lock(&self.shown).push(Shown { user, secret });
            }
            None => self.complain(format!("a reply without a URI: {}", reply.told())),
        }
    }

    fn complain(&self, what: String) {
        let mut wrong = lock(&self.wrong);
        if wrong.len() < 10 {
            wrong.push(what);
        }
    }
}

/// Verifies every key that was shown, through the service, with its code of the moment. Gives the
/// users whose key the service does not know, and what it said.
pub(crate) fn lost(clients: usize, address: SocketAddr, shown: &[Shown]) -> Vec<String> {
    let next = AtomicUsize::new(0);
    let lost = Mutex::new(Vec::new());
    let work = || {
        let mut client = Client::default();
        while let Some(shown) = shown.get(next.fetch_add(1, Ordering::SeqCst)) {
            if let Err(told) = confirmed(&mut client, address, shown) {
                lock(&lost).push(format!("user{}: {told}", shown.user));
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..clients {
            scope.spawn(work);
        }
    });
    std::mem::take(&mut *lock(&lost))
}

/// How often a code is shown that the service had no time for.
const TRIES: usize = 5;

fn confirmed(client: &mut Client, address: SocketAddr, shown: &Shown) -> Result<(), String> {
    let mut told = String::new();
    for _ in 0..TRIES {
        match client.ask(address, &people::verify(shown.user, &shown.secret)) {
            Ok(reply) if reply.status == 200 && reply.body.contains("\"Confirmed\"") => {
                return Ok(());
            }
            Ok(reply) if reply.status == 503 => told = reply.told(),
            Ok(reply) => return Err(reply.told()),
            Err(missing) => return Err(format!("{missing:?}")),
        }
        std::thread::sleep(Duration::from_millis(200));
    }
    Err(told)
}
