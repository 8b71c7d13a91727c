//! The load: connections that each send the next request when the last one has been answered.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::Failure;

/// What came of a load.
pub(crate) struct Load {
    /// Nanoseconds from a request to the end of its reply.
    pub(crate) latency: Histogram<u64>,
    /// How long it took.
    pub(crate) time: Duration,
}

/// How long a reply may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Sends `requests` for `time`: each connection every so-many-th of them, again and again.
///
/// # Errors
/// The first reply that is not a 200, or a connection that breaks.
pub(crate) async fn drive(
    address: SocketAddr,
    requests: &Rc<[Vec<u8>]>,
    connections: usize,
    time: Duration,
) -> Result<Load, Failure> {
    let local = tokio::task::LocalSet::new();
    let start = Instant::now();
    let end = start + time;
    // One for all connections: each is some hundred kilobytes, which would fill the caches that the
    // service has to share.
    let latency = Rc::new(RefCell::new(Histogram::new(3)?));
    let connections: Vec<_> = (0..connections)
        .map(|first| {
            let (requests, latency) = (requests.clone(), latency.clone());
            local.spawn_local(async move {
                let own = requests.iter().skip(first).step_by(connections);
                connection(address, own.cycle(), end, &latency).await
            })
        })
        .collect();
    local
        .run_until(async {
            for connection in connections {
                connection.await?.map_err(|failure| failure.to_string())?;
            }
            Ok::<_, Failure>(())
        })
        .await?;
    Ok(Load { latency: latency.borrow().clone(), time: start.elapsed() })
}

async fn connection<'a>(
    address: SocketAddr,
    requests: impl Iterator<Item = &'a Vec<u8>>,
    end: Instant,
    latency: &RefCell<Histogram<u64>>,
) -> Result<(), Failure> {
    let mut stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let mut reply = vec![0; 16 * 1024];
    for request in requests {
        let sent = Instant::now();
        if sent >= end {
            return Ok(());
        }
        stream.write_all(request).await?;
        let mut length = 0;
        while !whole(&reply[..length])? {
            let read = stream.read(&mut reply[length..]);
            let read = if length == 0 && sent + PATIENCE < end {
                tokio::time::timeout(PATIENCE, read).await??
            } else {
                read.await?
            };
            if read == 0 {
                return Err("the service closed a connection".into());
            }
            length += read;
        }
        latency.borrow_mut().record(u64::try_from(sent.elapsed().as_nanos())?)?;
    }
    Err("no requests for a connection".into())
}

/// Whether the reply is whole; a failure if it is none that was wanted.
fn whole(reply: &[u8]) -> Result<bool, Failure> {
    let Some(end) = reply.windows(4).position(|four| four == b"\r\n\r\n") else {
        return Ok(false);
    };
    if !reply.starts_with(b"HTTP/1.1 200 ") {
        return Err(String::from_utf8_lossy(reply).into());
    }
    let head = std::str::from_utf8(&reply[..end])?;
    let length: usize = head
        .split("\r\n")
        .filter_map(|line| line.split_once(": "))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .ok_or("a reply without Content-Length")?
        .1
        .parse()?;
    Ok(reply.len() >= end + 4 + length)
}
