//! One request at a time on a connection.
//!
//! A client may send its next requests before it has read the reply to the first (RFC 9112 section
//! 9.3.2). `actix-http` reads their heads as they come, and writes each reply as the head that it read
//! last asks for: without a body if that is a HEAD, in that one's version. So [`Turns`] stands between
//! it and the socket and hands on the head of a request once the one before it has been answered.
//!
//! It need not know where a request ends. Each request line has ` HTTP/1.` in it, so what came is
//! handed on in pieces, cut before each of these but the first of a request. A piece holds the end of
//! one request at the most and no whole head after it, and what does not belong to a head is handed on
//! all the same: cutting loses nothing. The next piece waits while a request is under way, except for
//! its body.

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
    /// What has come and is not handed on yet: less than was read at a time.
    held: Vec<u8>,
    /// Whether something was handed on that has not been looked at.
    handed: bool,
    /// How many requests had been answered when something was last handed on.
    answered: Option<usize>,
}

impl Turns {
    pub(super) fn new(stream: Patient) -> Self {
        Self { stream, held: Vec::new(), handed: false, answered: None }
    }

    /// Fills `buf` from what is held, or else from the socket.
    fn poll_more(&mut self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.held.is_empty() {
            return Pin::new(&mut self.stream).poll_read(cx, buf);
        }
        let count = self.held.len().min(buf.remaining());
        buf.put_slice(&self.held[..count]);
        self.held.drain(..count);
        Poll::Ready(Ok(()))
    }

    /// Takes back what is in `buf` from there on.
    fn take_back(&mut self, buf: &mut ReadBuf<'_>, from: usize) {
        self.held.splice(..0, buf.filled()[from..].iter().copied());
        buf.set_filled(from);
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
    let from = own.map_or(0, |at| at + VERSION.len());
    VERSIONS.find(&bytes[from..]).map_or(bytes.len(), |at| from + at)
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
            if this.held.is_empty() {
                ready!(this.poll_more(cx, buf))?;
                if buf.filled().len() == before {
                    return Poll::Ready(Ok(()));
                }
                this.take_back(buf, before);
            }
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        ready!(this.poll_more(cx, buf))?;
        let answered = Some(this.stream.traffic.answered());
        let fresh = std::mem::replace(&mut this.answered, answered) != answered;
        let end = cut(&buf.filled()[before..], fresh);
        this.take_back(buf, before + end);
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
        ] {
            assert_eq!(&bytes[..cut(bytes.as_bytes(), fresh)], piece, "{bytes} {fresh}");
        }
    }
}
