//! What a reverse proxy says about the connection that it took the request from.
//!
//! `X-Forwarded-For` and `X-Forwarded-Proto` can be written by anybody, so they count only on
//! connections from addresses that are configured as proxies, and of the former only as far back as
//! those added to it: from the right, up to the first address that is no trusted proxy.

use std::net::IpAddr;

use actix_web::HttpRequest;
use ipnet::IpNet;

/// The address of the client; nothing where the connection has none.
pub(super) fn client(request: &HttpRequest, trusted: &[IpNet]) -> Option<IpAddr> {
    let mut client = request.peer_addr()?.ip().to_canonical();
    if !is_trusted(client, trusted) {
        return Some(client);
    }
    let forwarded: Vec<&str> = values(request, "X-Forwarded-For").collect();
    for hop in forwarded.iter().rev() {
        let Some(address) = address(hop) else { break };
        client = address;
        if !is_trusted(client, trusted) {
            break;
        }
    }
    Some(client)
}

/// Whether the client speaks HTTPS to the proxy.
pub(super) fn is_https(request: &HttpRequest, trusted: &[IpNet]) -> bool {
    let peer = request.peer_addr().map(|peer| peer.ip().to_canonical());
    peer.is_some_and(|peer| is_trusted(peer, trusted))
        && values(request, "X-Forwarded-Proto")
            .last()
            .is_some_and(|scheme| scheme.eq_ignore_ascii_case("https"))
}

fn is_trusted(address: IpAddr, trusted: &[IpNet]) -> bool {
    trusted.iter().any(|network| network.contains(&address))
}

/// The values of a header, over all its lines.
fn values<'a>(request: &'a HttpRequest, name: &'static str) -> impl Iterator<Item = &'a str> {
    let lines = request.headers().get_all(name).filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).map(str::trim)
}

/// An address, as proxies write it: perhaps in brackets, perhaps with a port.
fn address(hop: &str) -> Option<IpAddr> {
    let bare = hop.strip_prefix('[').and_then(|rest| rest.split(']').next()).unwrap_or(hop);
    let address = bare.parse().ok();
    address
        .or_else(|| Some(bare.parse::<std::net::SocketAddr>().ok()?.ip()))
        .map(|address: IpAddr| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn seen(peer: &str, forwarded: &str) -> String {
        let trusted: Vec<IpNet> =
            ["10.0.0.0/8", "::1/128"].iter().map(|network| network.parse().unwrap()).collect();
        let request = TestRequest::default()
            .peer_addr(peer.parse().unwrap())
            .insert_header(("X-Forwarded-For", forwarded))
            .to_http_request();
        client(&request, &trusted).unwrap().to_string()
    }

    #[test]
    fn only_trusted_proxies_are_believed_and_only_what_they_added() {
        assert_eq!(seen("192.0.2.1:1", "203.0.113.9"), "192.0.2.1");
        assert_eq!(seen("10.0.0.1:1", "203.0.113.9"), "203.0.113.9");
        assert_eq!(seen("10.0.0.1:1", "1.2.3.4, 203.0.113.9, 10.9.9.9"), "203.0.113.9");
        assert_eq!(seen("[::1]:1", "[2001:db8::7]:443"), "2001:db8::7");
        assert_eq!(seen("[::ffff:10.0.0.1]:1", "203.0.113.9:5000"), "203.0.113.9");
        assert_eq!(seen("10.0.0.1:1", "203.0.113.9, unknown"), "10.0.0.1");
        assert_eq!(seen("10.0.0.1:1", ""), "10.0.0.1");
    }
}
