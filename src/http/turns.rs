//! One request at a time on a connection.
//!
//! A client may send its next requests before it has read the reply to the first (RFC 9112 section
//! 9.3.2). `actix-http` reads their heads as they come, and writes each reply as the head that it read
//! last asks for: without a body if that is a HEAD, in that one's version. So [`Turns`] stands between
//! it and the socket and hands on the head of a request once the one before it has been answered.
//!
//! It need not know where a request ends. Each request line ends in ` HTTP/1.` and a digit, so what came
//! is handed on in pieces, cut before each of these but the first of a request. A piece holds the end of
//! one request at the most and no whole head after it, and what does not belong to a head is handed on
//! all the same: cutting loses nothing. The next piece waits while a request is under way, except for
//! its body.
//!
//! Each piece of a head has all that came of it read once more. A line that could be cut is a header
//! then, of which a head may have so many, or else it is an error: there are few pieces to a head.

use std::io;
use std::pin::Pin;
use std::sync::LazyLock;
use std::task::{Context, Poll, ready};

use actix_web::rt::net::{ActixStream, Ready};
use memchr::memmem::Finder;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::connection::Patient;

/// What is in each request line, and in what else is a matter of chance.
const VERSION: &[u8] = b" HTTP/1.";

static VERSIONS: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(VERSION));

/// A connection whose requests come one after the other.
pub(super) struct Turns {
    pub(super) stream: Patient,
    held: Held,
    /// Whether something was handed on that has not been looked at.
    handed: bool,
    /// How many requests had been answered when something was last handed on.
    answered: Option<usize>,
}

/// What has come and is not handed on yet: less than was read at a time.
#[derive(Default)]
struct Held {
    bytes: Vec<u8>,
    /// How much of it has been handed on.
    from: usize,
}

impl Held {
    fn left(&self) -> &[u8] {
        &self.bytes[self.from..]
    }

    /// What is behind `from` in `buf`, instead of there.
    fn take_back(&mut self, buf: &mut ReadBuf<'_>, from: usize) {
        if from < buf.filled().len() {
            *self = Self { bytes: buf.filled()[from..].to_vec(), from: 0 };
            buf.set_filled(from);
        }
    }

    /// Hands on that many.
    fn hand_on(&mut self, count: usize, buf: &mut ReadBuf<'_>) {
        buf.put_slice(&self.left()[..count]);
        self.from += count;
        if self.left().is_empty() {
            *self = Self::default();
        }
    }
}

impl Turns {
    pub(super) fn new(stream: Patient) -> Self {
        Self { stream, held: Held::default(), handed: false, answered: None }
    }
}

/// Where the piece ends that begins there. A fresh one begins with a request.
fn cut(bytes: &[u8], fresh: bool) -> usize {
    let own = if bytes.starts_with(VERSION) {
        Some(0)
    } else if fresh {
        // In the first line it is the request's own.
        VERSIONS.find(bytes).filter(|&at| memchr::memchr(b'\n', &bytes[..at]).is_none())
    } else {
        None
    };
    let mut from = own.map_or(0, |at| at + VERSION.len());
    while let Some(at) = VERSIONS.find(&bytes[from..]) {
        let after = &bytes[from + at + VERSION.len()..];
        if may_end_a_request_line(after) {
            return from + at;
        }
        from += at + VERSION.len();
    }
    bytes.len()
}

/// Whether that may stand behind [`VERSION`] in a request line, as far as it has come.
fn may_end_a_request_line(after: &[u8]) -> bool {
    match after {
        [] => true,
        [digit, rest @ ..] if digit.is_ascii_digit() => {
            matches!(rest, [] | [b'\r'] | [b'\r', b'\n', ..] | [b'\n', ..])
        }
        _ => false,
    }
}

impl AsyncRead for Turns {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.stream.traffic.is_occupied(cx) {
            return Poll::Pending;
        }
        let before = buf.filled().len();
        if std::mem::take(&mut this.handed) {
            // Whoever reads goes on until there is nothing more, and only then looks at it.
            if this.held.left().is_empty() {
                ready!(Pin::new(&mut this.stream).poll_read(cx, buf))?;
                if buf.filled().len() == before {
                    return Poll::Ready(Ok(()));
                }
                this.held.take_back(buf, before);
            }
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let comes = this.held.left().is_empty();
        if comes {
            ready!(Pin::new(&mut this.stream).poll_read(cx, buf))?;
        }
        let answered = Some(this.stream.traffic.answered());
        let fresh = std::mem::replace(&mut this.answered, answered) != answered;
        if comes {
            let end = cut(&buf.filled()[before..], fresh);
            this.held.take_back(buf, before + end);
        } else {
            let left = this.held.left();
            let count = cut(&left[..left.len().min(buf.remaining())], fresh);
            this.held.hand_on(count, buf);
        }
        this.handed = buf.filled().len() > before;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Turns {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

impl ActixStream for Turns {
    fn poll_read_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<Ready>> {
        ActixStream::poll_read_ready(&self.stream, cx)
    }

    fn poll_write_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<Ready>> {
        ActixStream::poll_write_ready(&self.stream, cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_end_before_the_next_request_line_says_its_version() {
        for (bytes, fresh, piece) in [
            ("GET / HTTP/1.1\r\n\r\n", true, "GET / HTTP/1.1\r\n\r\n"),
            ("GET / HTTP/1.1\r\n\r\nPUT /x HTTP/1.0\r\n\r\n", true, "GET / HTTP/1.1\r\n\r\nPUT /x"),
            (" HTTP/1.0\r\n\r\nGET / HTTP/1.1\r\n", true, " HTTP/1.0\r\n\r\nGET /"),
            (" HTTP/1.0\r\n\r\nGET / HTTP/1.1\r\n", false, " HTTP/1.0\r\n\r\nGET /"),
            // The rest of a body, and of a line that was cut by chance.
            ("{}PUT /x HTTP/1.1\r\n\r\n", false, "{}PUT /x"),
            ("TP/1.1\r\n\r\nPUT /x HTTP/1.1\r\n\r\n", true, "TP/1.1\r\n\r\nPUT /x"),
            ("{\"a\":1}", false, "{\"a\":1}"),
            // No request line ends so.
            ("A: HTTP/1.a HTTP/1.12\r\n", false, "A: HTTP/1.a HTTP/1.12\r\n"),
            ("{} HTTP/1.1\rx", false, "{} HTTP/1.1\rx"),
            // This one may go on so.
            ("{}PUT /x HTTP/1.1\r", false, "{}PUT /x"),
            ("{}PUT /x HTTP/1.", false, "{}PUT /x"),
        ] {
            assert_eq!(&bytes[..cut(bytes.as_bytes(), fresh)], piece, "{bytes} {fresh}");
        }
    }
}
