//! Offers to go on in another protocol, which nobody takes here (RFC 9110 section 7.8).
//!
//! `actix-http` does not pass over them as it should: on a connection whose request says
//! `Upgrade: websocket` it takes all that comes for the body, whatever `Content-Length` says, and after
//! `Connection: Upgrade` it ends the connection without a word. Both are decided where the head is read.
//! So of such a request no more is taken than belongs to it, and the reply says that it is the last one.

use actix_http::Version;
use actix_web::HttpRequest;
use actix_web::http::ConnectionType;
use actix_web::http::header::{CONTENT_LENGTH, TRANSFER_ENCODING, UPGRADE};

/// Where the body of a request ends whose stream does not, in bytes.
pub(super) fn end_of_body(request: &HttpRequest) -> Option<usize> {
    if !is_endless(request) {
        return None;
    }
    let length = request.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok());
    Some(length.map_or(0, |length| length.trim().parse().unwrap_or(usize::MAX)))
}

/// Whether the connection ends with this request's reply, which has to say so.
pub(super) fn is_last(request: &HttpRequest) -> bool {
    request.head().connection_type() == ConnectionType::Upgrade || is_endless(request)
}

/// Whether the stream goes on behind the body.
fn is_endless(request: &HttpRequest) -> bool {
    let headers = request.headers();
    headers
        .get_all(UPGRADE)
        .any(|offer| offer.as_bytes().trim_ascii().eq_ignore_ascii_case(b"websocket"))
        && !(headers.contains_key(TRANSFER_ENCODING) && request.version() == Version::HTTP_11)
}
