//! Header names in Title-Case on the replies that the HTTP layer makes by itself.
//!
//! Some clients look for `Content-Length` and do not find `content-length` (`fixtures/wire`,
//! need 28). The pipeline asks for Title-Case on each of its replies; but a request that never
//! becomes one (400, 408, 413, 431) is answered inside `actix-http`, which spells names in lower case
//! and offers no way to say otherwise. So [`TitleCase`] stands between it and the socket and rewrites
//! just those replies: the last thing written on a connection, a status line of that kind and nothing
//! but header fields. A name keeps its length, so that what was written can be counted as it was.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::rt::net::ActixStream;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::turns::Turns;

/// The longest reply of the HTTP layer's own, in bytes.
const REPLY_MAX: usize = 512;

/// A connection whose last words are in Title-Case.
pub(super) struct TitleCase<S = Turns> {
    pub(super) stream: S,
}

impl<S: AsyncRead + Unpin> AsyncRead for TitleCase<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for TitleCase<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let rewritten = rewritten(bytes);
        Pin::new(&mut self.stream).poll_write(cx, rewritten.as_deref().unwrap_or(bytes))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

impl<S: ActixStream> ActixStream for TitleCase<S> {
    fn poll_read_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<actix_web::rt::net::Ready>> {
        ActixStream::poll_read_ready(&self.stream, cx)
    }

    fn poll_write_ready(
        &self,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<actix_web::rt::net::Ready>> {
        ActixStream::poll_write_ready(&self.stream, cx)
    }
}

/// The bytes with the HTTP layer's own reply at their end in Title-Case; nothing if there is none.
fn rewritten(bytes: &[u8]) -> Option<Vec<u8>> {
    if !bytes.ends_with(b"\r\n\r\n") {
        return None;
    }
    // Replies to earlier requests may stand before it.
    let tail = bytes.len().saturating_sub(REPLY_MAX);
    let start = tail
        + bytes[tail..].windows(9).rposition(|nine| matches!(nine, b"HTTP/1.1 " | b"HTTP/1.0 "))?;
    let (head, reply) = (&bytes[..start], &bytes[start..]);
    let text = std::str::from_utf8(reply).ok()?;
    let mut lines = text.strip_suffix("\r\n\r\n")?.split("\r\n");
    let status = lines.next()?;
    if !["400", "408", "413", "431"].contains(&status.get(9..12)?) {
        return None;
    }
    let mut out = head.to_vec();
    out.extend_from_slice(status.as_bytes());
    out.extend_from_slice(b"\r\n");
    for line in lines {
        let (name, value) = line.split_once(": ")?;
        if !["content-length", "connection", "date"].contains(&name) {
            return None;
        }
        let mut first = true;
        for byte in name.bytes() {
            out.push(if first { byte.to_ascii_uppercase() } else { byte });
            first = byte == b'-';
        }
        out.extend_from_slice(b": ");
        // It is closed whatever the client asked for. Blanks at the end are no part of the value.
        let kept = name == "connection" && value == "keep-alive";
        out.extend_from_slice(if kept { b"close     " } else { value.as_bytes() });
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b"\r\n");
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_http_layers_own_reply_is_rewritten_and_keeps_its_length() {
        let own = b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
        let said = rewritten(own).unwrap();
        let expected =
            b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        assert_eq!(said, expected);
        let before = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";
        let both = [before.as_slice(), own].concat();
        assert_eq!(rewritten(&both).unwrap(), [before.as_slice(), expected].concat());
        let old =
            b"HTTP/1.0 400 Bad Request\r\ncontent-length: 0\r\nconnection: keep-alive\r\n\r\n";
        let expected =
            b"HTTP/1.0 400 Bad Request\r\nContent-Length: 0\r\nConnection: close     \r\n\r\n";
        assert_eq!(rewritten(old).unwrap(), expected);
        for other in [
            b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n".as_slice(),
            b"HTTP/1.1 400 Bad Request\r\nx-other: 0\r\n\r\n",
            b"HTTP/1.1 400 Bad Request\r\ncontent-length: 4\r\n\r\nbody",
            b"text\r\n\r\n",
            b"",
        ] {
            assert_eq!(rewritten(other), None);
        }
    }
}
