//! A client that sends bytes as they are and reads what comes back, to the end.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use crate::request::Request;

/// How long the service may keep a client waiting: longer than any of its own bounds for what is
/// sent here, all of which ends.
const WAIT: Duration = Duration::from_secs(20);

/// The names of all header fields that the service sends.
const KNOWN: &[&str] = &[
    "Cache-Control",
    "Connection",
    "Content-Disposition",
    "Content-Length",
    "Content-Security-Policy",
    "Content-Type",
    "Date",
    "Location",
    "Referrer-Policy",
    "Retry-After",
    "Set-Cookie",
    "Vary",
    "Www-Authenticate",
    "X-Autobatch-Completed",
    "X-Content-Type-Options",
    "X-Cookies",
    "X-Request-Id",
];

/// What came back.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// One or more replies.
    Replies(Vec<Reply>),
    /// The end of the connection.
    Nothing,
    /// What is no HTTP, or no end.
    Broken(String),
}

#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    head: String,
    pub(crate) body: Vec<u8>,
}

/// Sends a request and reads to the end.
pub(crate) fn exchange(address: SocketAddr, request: &Request) -> Outcome {
    let mut bytes = Vec::new();
    match sent(address, request, &mut bytes) {
        Ok(()) => {}
        // A connection that is closed while bytes of the request are still coming is reset.
        Err(error) if error.kind() == ErrorKind::ConnectionReset => {}
        Err(error) => return Outcome::Broken(error.to_string()),
    }
    if bytes.is_empty() {
        return Outcome::Nothing;
    }
    // Where a bent request may be a HEAD, nobody can say where its reply ends.
    let unclear = !request.whole && request.bytes.windows(5).any(|part| part == b"HEAD ");
    if unclear && let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
        bytes.truncate(end + 4);
    }
    replies(&bytes, request.is_head).map_or_else(Outcome::Broken, Outcome::Replies)
}

fn sent(address: SocketAddr, request: &Request, reply: &mut Vec<u8>) -> std::io::Result<()> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(WAIT))?;
    stream.set_write_timeout(Some(WAIT))?;
    // The service may have seen enough before the end.
    let _seen = stream
        .write_all(&request.bytes)
        .and_then(|()| if request.whole { Ok(()) } else { stream.shutdown(Shutdown::Write) });
    stream.read_to_end(reply)?;
    Ok(())
}

/// The replies in a row of bytes. The last one may be cut short by a reset.
fn replies(mut bytes: &[u8], is_head: bool) -> Result<Vec<Reply>, String> {
    let mut replies = Vec::new();
    while !bytes.is_empty() {
        let shown = || String::from_utf8_lossy(&bytes[..bytes.len().min(200)]).into_owned();
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n");
        let end = end.ok_or_else(|| format!("no head: {}", shown()))?;
        let head = std::str::from_utf8(&bytes[..end]).map_err(|_| shown())?.to_owned();
        let version = head.starts_with("HTTP/1.1 ") || head.starts_with("HTTP/1.0 ");
        let status = head.get(9..12).filter(|_| version).and_then(|digits| digits.parse().ok());
        let status = status.ok_or_else(|| format!("no status: {}", shown()))?;
        let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: "));
        let length = length.and_then(|length| length.parse::<usize>().ok()).unwrap_or_default();
        let rest = &bytes[end + 4..];
        let length = if is_head || status == 100 { 0 } else { length.min(rest.len()) };
        let body = rest[..length].to_vec();
        bytes = &rest[length..];
        replies.push(Reply { status, head, body });
    }
    Ok(replies)
}

impl Outcome {
    /// What is wrong with it, if anything is.
    pub(crate) fn failure(&self, request: &Request) -> Option<String> {
        match self {
            Self::Replies(replies) => replies.iter().find_map(Reply::failure),
            Self::Nothing if request.whole => Some("no reply".to_owned()),
            Self::Nothing => None,
            Self::Broken(why) => Some(why.clone()),
        }
    }
}

impl Reply {
    fn failure(&self) -> Option<String> {
        let head = &self.head;
        if self.status >= 500 && self.status != 503 {
            return Some(format!("{head}\n{}", String::from_utf8_lossy(&self.body)));
        }
        let stranger = head.split("\r\n").skip(1).find(|line| {
            let name = line.split_once(": ").map(|(name, _)| name);
            let known = name.is_some_and(|name| KNOWN.contains(&name));
            !known || line.chars().any(char::is_control)
        });
        stranger.map(|line| format!("the header line {line:?}"))
    }
}
