//! What stands between two programs on a network, and misbehaves when told to: a TCP proxy that can
//! cut, delay and swallow. With several programs behind it, it is a plain round-robin balancer.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::Failure;

/// How long a program that has ended a connection comes last, as balancers have it: one that is being
/// killed may still take connections.
const REST: Duration = Duration::from_secs(1);

pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    wire: Arc<Wire>,
}

struct Wire {
    behind: Mutex<Vec<SocketAddr>>,
    turn: AtomicUsize,
    links: Mutex<Vec<Arc<Link>>>,
    /// Which of those behind has ended a connection, and when: for a while it comes last.
    resting: Mutex<Vec<(SocketAddr, Instant)>>,
    /// By how much each piece of a reply is late, in milliseconds.
    delay: AtomicU64,
    /// How many replies are still to be swallowed, each with its connection.
    swallow: AtomicUsize,
    closed: AtomicBool,
}

/// A connection and its other half.
struct Link {
    near: TcpStream,
    far: TcpStream,
    /// Neither side hears anything any more, nor that it is over.
    abandoned: AtomicBool,
    over: AtomicBool,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Proxy {
    pub(crate) fn before(behind: Vec<SocketAddr>) -> Result<Self, Failure> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let wire = Arc::new(Wire {
            behind: Mutex::new(behind),
            turn: AtomicUsize::new(0),
            links: Mutex::default(),
            resting: Mutex::default(),
            delay: AtomicU64::new(0),
            swallow: AtomicUsize::new(0),
            closed: AtomicBool::new(false),
        });
        let shared = wire.clone();
        std::thread::spawn(move || {
            for near in listener.incoming() {
                if shared.closed.load(Ordering::SeqCst) {
                    return;
                }
                if let Ok(near) = near {
                    shared.join(near);
                }
            }
        });
        Ok(Self { address, wire })
    }

    /// Other programs from now on; connections to those before stay.
    pub(crate) fn lead_to(&self, behind: Vec<SocketAddr>) {
        *lock(&self.wire.behind) = behind;
    }

    /// Cuts all connections, whatever is on its way.
    pub(crate) fn cut(&self) {
        for link in self.wire.links() {
            link.cut();
        }
    }

    /// Cuts as many connections, each when a reply comes: what was asked for has been done, and
    /// nobody hears of it.
    pub(crate) fn swallow(&self, replies: usize) {
        self.wire.swallow.store(replies, Ordering::SeqCst);
    }

    /// Makes each piece of a reply late.
    pub(crate) fn delay(&self, by: Duration) {
        self.wire.delay.store(u64::try_from(by.as_millis()).unwrap_or(u64::MAX), Ordering::SeqCst);
    }

    /// The other side vanishes without a word, as a machine does that loses its power: connections
    /// stay open, and nothing comes through any more. New connections are not concerned.
    pub(crate) fn abandon(&self) {
        for link in self.wire.links() {
            link.abandoned.store(true, Ordering::SeqCst);
            // So that the far side does not keep for ever what nobody will ask for again.
            let _far = link.far.shutdown(Shutdown::Both);
        }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.wire.closed.store(true, Ordering::SeqCst);
        // Wakes the thread that waits for connections.
        let _woken = TcpStream::connect(self.address);
        self.cut();
    }
}

impl Wire {
    fn links(&self) -> Vec<Arc<Link>> {
        let mut links = lock(&self.links);
        links.retain(|link| !link.over.load(Ordering::SeqCst));
        links.clone()
    }

    /// Leads a connection to the program whose turn it is, or to the next one that is there. When
    /// none is, it is closed.
    fn join(self: &Arc<Self>, near: TcpStream) {
        let behind = lock(&self.behind).clone();
        let turn = self.turn.fetch_add(1, Ordering::SeqCst);
        let mut order: Vec<SocketAddr> =
            (0..behind.len()).map(|place| behind[(turn + place) % behind.len()]).collect();
        let mut resting = lock(&self.resting);
        resting.retain(|(_, since)| since.elapsed() < REST);
        order.sort_by_key(|address| resting.iter().any(|(known, _)| known == address));
        drop(resting);
        let connect = |address| TcpStream::connect(address).ok();
        let Some(far) = order.into_iter().find_map(connect) else { return };
        let _slower = near.set_nodelay(true).and_then(|()| far.set_nodelay(true));
        let link = Arc::new(Link {
            near,
            far,
            abandoned: AtomicBool::new(false),
            over: AtomicBool::new(false),
        });
        let mut links = lock(&self.links);
        links.retain(|link| !link.over.load(Ordering::SeqCst));
        links.push(link.clone());
        drop(links);
        let (wire, there) = (self.clone(), link.clone());
        std::thread::spawn(move || wire.pump(&there, &there.near, &there.far, false));
        let wire = self.clone();
        std::thread::spawn(move || wire.pump(&link, &link.far, &link.near, true));
    }

    /// Carries one direction until either side ends.
    fn pump(&self, link: &Link, mut from: &TcpStream, mut to: &TcpStream, replies: bool) {
        let mut piece = [0; 16 * 1024];
        while let Ok(length @ 1..) = from.read(&mut piece) {
            if link.abandoned.load(Ordering::SeqCst) {
                continue;
            }
            if replies {
                let left = |left: usize| left.checked_sub(1);
                if self.swallow.fetch_update(Ordering::SeqCst, Ordering::SeqCst, left).is_ok() {
                    break;
                }
                let delay = self.delay.load(Ordering::SeqCst);
                std::thread::sleep(Duration::from_millis(delay));
            }
            if to.write_all(&piece[..length]).is_err() {
                break;
            }
        }
        if !link.abandoned.load(Ordering::SeqCst) {
            if let (true, Ok(address)) = (replies, link.far.peer_addr()) {
                lock(&self.resting).push((address, Instant::now()));
            }
            link.cut();
        }
    }
}

impl Link {
    fn cut(&self) {
        self.over.store(true, Ordering::SeqCst);
        // Either half may be closed already.
        let _near = self.near.shutdown(Shutdown::Both);
        let _far = self.far.shutdown(Shutdown::Both);
    }
}
