//! Where a request comes from, as far as its sender does not choose it.

use std::net::{IpAddr, Ipv4Addr};

/// An IPv4 address, or the half of an IPv6 address that its user does not choose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Network {
    /// Not known, such as that of a socket that is a file.
    Unknown,
    /// An address of IPv4.
    V4(Ipv4Addr),
    /// The first half of one of IPv6.
    V6(u64),
}

impl Network {
    /// That of an address.
    #[must_use]
    pub(super) fn of(address: Option<IpAddr>) -> Self {
        match address.map(|address| address.to_canonical()) {
            None => Self::Unknown,
            Some(IpAddr::V4(address)) => Self::V4(address),
            Some(IpAddr::V6(address)) => {
                Self::V6(u64::try_from(address.to_bits() >> 64).unwrap_or(u64::MAX))
            }
        }
    }

    /// All that one customer of a provider may have: the /48 of an IPv6 address (RFC 6177), an IPv4
    /// address itself.
    #[must_use]
    pub(super) fn site(self) -> Self {
        match self {
            Self::V6(half) => Self::V6(half & !0xFFFF),
            other => other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_is_a_64_and_a_site_a_48() {
        let network = |text: &str| Network::of(Some(text.parse().unwrap()));
        assert_eq!(network("2001:db8:7:1::1"), network("2001:db8:7:1:ffff::2"));
        assert_ne!(network("2001:db8:7:1::1"), network("2001:db8:7:2::1"));
        assert_eq!(network("2001:db8:7:1::1").site(), network("2001:db8:7:ffff::1").site());
        assert_ne!(network("2001:db8:7:1::1").site(), network("2001:db8:8:1::1").site());
        assert_eq!(network("::ffff:192.0.2.1"), network("192.0.2.1"));
        assert_ne!(network("192.0.2.1").site(), network("192.0.2.2").site());
    }
}
