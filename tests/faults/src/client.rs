//! HTTP as a client sees it: bytes on a connection that is kept, and replies that are whole or none.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// How long a reply may take before it counts as missing. The service gives up on its database long
/// before; the rest is for a machine that has other things to do.
pub(crate) const PATIENCE: Duration = Duration::from_secs(25);

/// A whole reply.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

/// Why there was no reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Missing {
    /// Nobody listens.
    Refused,
    /// The connection broke: what was asked for may have been done.
    Broken,
    /// The service said nothing for [`PATIENCE`].
    Late,
}

/// A connection that is made when it is needed, and again after it broke.
#[derive(Default)]
pub(crate) struct Client(Option<TcpStream>);

impl Client {
    /// Sends a request and waits for the whole reply.
    pub(crate) fn ask(&mut self, address: SocketAddr, request: &[u8]) -> Result<Reply, Missing> {
        let mut stream = match self.0.take() {
            Some(stream) => stream,
            None => connect(address)?,
        };
        let reply = exchange(&mut stream, request)?;
        if reply.header("Connection").is_none_or(|value| !value.eq_ignore_ascii_case("close")) {
            self.0 = Some(stream);
        }
        Ok(reply)
    }
}

/// One request on a connection of its own.
pub(crate) fn once(address: SocketAddr, request: &[u8]) -> Result<Reply, Missing> {
    Client::default().ask(address, request)
}

fn connect(address: SocketAddr) -> Result<TcpStream, Missing> {
    let stream = TcpStream::connect_timeout(&address, PATIENCE).map_err(|_| Missing::Refused)?;
    let set = stream.set_nodelay(true).and_then(|()| stream.set_read_timeout(Some(PATIENCE)));
    set.map_err(|_| Missing::Broken)?;
    Ok(stream)
}

fn exchange(stream: &mut TcpStream, request: &[u8]) -> Result<Reply, Missing> {
    stream.write_all(request).map_err(|_| Missing::Broken)?;
    let deadline = Instant::now() + PATIENCE;
    let mut bytes = Vec::new();
    let mut part = [0; 4096];
    while Instant::now() < deadline {
        let length = match stream.read(&mut part) {
            Ok(0) => return Err(Missing::Broken),
            Ok(length) => length,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                return Err(Missing::Late);
            }
            Err(_) => return Err(Missing::Broken),
        };
        bytes.extend_from_slice(&part[..length]);
        if let Some(reply) = whole(&bytes) {
            return Ok(reply);
        }
    }
    Err(Missing::Late)
}

/// The reply, if these are all of its bytes; the first part of one is none.
fn whole(bytes: &[u8]) -> Option<Reply> {
    let text = std::str::from_utf8(bytes).ok()?;
    let (head, body) = text.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    let reply = Reply { status, head: head.to_owned(), body: body.to_owned() };
    let length: usize = reply.header("Content-Length")?.parse().ok()?;
    (body.len() >= length).then_some(reply)
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.split("\r\n").filter_map(|line| line.split_once(": "));
        lines.filter(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value).next()
    }

    /// The secret in the reply's URI, if it holds a whole one.
    pub(crate) fn secret(&self) -> Option<Vec<u8>> {
        let (_, rest) = self.body.split_once("otpauth://")?;
        let secret = rest.split_once("secret=")?.1.split('&').next()?;
        data_encoding::BASE32_NOPAD.decode(secret.as_bytes()).ok().filter(|bytes| bytes.len() == 20)
    }

    /// Status and body on one line, for whoever reads why something failed.
    pub(crate) fn told(&self) -> String {
        format!("{} {}", self.status, self.body)
    }
}
