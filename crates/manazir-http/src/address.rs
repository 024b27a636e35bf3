//! Where a request comes from: the connection, or what a proxy that the configuration names says of it.

use std::net::IpAddr;
use std::str::FromStr;

use axum::http::{Extensions, HeaderMap, HeaderName, header};

/// The other end of a connection, in the extensions of each of its requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer(pub IpAddr);

/// Addresses that begin with the same bits, as `10.0.0.0/8`; or one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    bits: u32,
}

impl Network {
    fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address) {
            (IpAddr::V4(ours), IpAddr::V4(theirs)) => {
                same(u128::from(u32::from(ours)), u128::from(u32::from(theirs)), 32 - self.bits)
            }
            (IpAddr::V6(ours), IpAddr::V6(theirs)) => {
                same(u128::from(ours), u128::from(theirs), 128 - self.bits)
            }
            _ => false,
        }
    }
}

/// True if two numbers differ in their last `free` bits at most.
fn same(one: u128, other: u128, free: u32) -> bool {
    (one ^ other).checked_shr(free).unwrap_or(0) == 0
}

impl FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no address and no network; write it like 10.0.0.0/8 or ::1");
        let (address, bits) = text.split_once('/').map_or((text, None), |(at, bits)| (at, Some(bits)));
        let address = address.parse::<IpAddr>().map_err(|_| wrong())?.to_canonical();
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.map_or(Ok(most), str::parse).map_err(|_| wrong())?;
        if bits > most { Err(wrong()) } else { Ok(Self { address, bits }) }
    }
}

/// The header in which proxies say for whom they ask. Only one is believed: a proxy that writes one of them passes the
/// other on as its caller made it up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ForwardedBy {
    /// `X-Forwarded-For`
    #[default]
    XForwardedFor,
    /// `Forwarded` (RFC 7239)
    Forwarded,
}

/// The proxies that are believed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proxies {
    /// Where they are.
    pub networks: Vec<Network>,
    /// Where they say it.
    pub header: ForwardedBy,
}

impl Proxies {
    /// Where a request comes from; `None` on a connection without an address.
    ///
    /// Each proxy adds whom it was asked by at the right end. So the right-most address that is no proxy is the last
    /// that somebody vouches for: what is left of it the caller may have made up.
    pub(crate) fn caller(&self, extensions: &Extensions, headers: &HeaderMap) -> Option<IpAddr> {
        let Peer(peer) = extensions.get::<Peer>()?;
        let mut nearest = peer.to_canonical();
        let (name, read): (HeaderName, fn(&str) -> Option<IpAddr>) = match self.header {
            ForwardedBy::XForwardedFor => (HeaderName::from_static("x-forwarded-for"), written),
            ForwardedBy::Forwarded => (header::FORWARDED, for_whom),
        };
        let lines: Vec<&str> =
            headers.get_all(name).iter().map(|line| line.to_str().unwrap_or_default()).collect();
        let mut told = lines.iter().rev().flat_map(|line| line.rsplit(','));
        while self.believes(nearest) {
            // A proxy that does not say it in a way that can be read, or at all, is itself who asks.
            let Some(before) = told.next().and_then(read) else { break };
            nearest = before;
        }
        Some(nearest)
    }

    fn believes(&self, address: IpAddr) -> bool {
        self.networks.iter().any(|network| network.contains(address))
    }
}

/// The address in an element of `Forwarded`: `for="[2001:db8::1]:4711";proto=https`.
fn for_whom(element: &str) -> Option<IpAddr> {
    let pairs = element.split(';').filter_map(|pair| pair.trim().split_once('='));
    let mut named = pairs.filter(|(key, _)| key.eq_ignore_ascii_case("for"));
    let (_, value) = named.next()?;
    written(value.trim_matches('"'))
}

/// An address with or without a port; a name or `unknown` is none.
fn written(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let inside = || text.strip_prefix('[')?.split_once(']').map(|(address, _)| address);
    let address = match inside() {
        Some(v6) => v6,
        None if text.matches(':').count() == 1 => text.split_once(':')?.0,
        None => text,
    };
    address.parse::<IpAddr>().ok().map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn proxies(header: ForwardedBy) -> Proxies {
        let networks = ["10.0.0.0/8", "192.0.2.7", "fd00::/8"].map(|text| text.parse().unwrap()).into();
        Proxies { networks, header }
    }

    #[track_caller]
    fn check(header: ForwardedBy, peer: &str, lines: &[(&'static str, &'static str)], expected: &str) {
        let mut extensions = Extensions::new();
        extensions.insert(Peer(peer.parse().unwrap()));
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        let caller = proxies(header).caller(&extensions, &headers).unwrap();
        assert_eq!(caller.to_string(), expected, "{peer} {lines:?}");
    }

    #[test]
    fn the_right_most_address_that_is_no_proxy_counts() {
        let check = |peer, said: &'static str, expected| {
            check(ForwardedBy::XForwardedFor, peer, &[("x-forwarded-for", said)], expected);
        };
        check("10.1.1.1", "203.0.113.9", "203.0.113.9");
        check("10.1.1.1", "198.51.100.1, 203.0.113.9", "203.0.113.9");
        check("10.1.1.1", "198.51.100.1, 203.0.113.9, 10.2.2.2, 192.0.2.7", "203.0.113.9");
        check("::ffff:10.1.1.1", "203.0.113.9:4711", "203.0.113.9");
        check("fd12::1", "[2001:db8::5]:80", "2001:db8::5");
        check("fd12::1", "2001:db8::5", "2001:db8::5");
        check("10.1.1.1", "10.3.3.3", "10.3.3.3");
    }

    #[test]
    fn what_a_caller_says_of_itself_is_never_believed() {
        let by = ForwardedBy::XForwardedFor;
        check(by, "203.0.113.9", &[("x-forwarded-for", "198.51.100.1")], "203.0.113.9");
        check(by, "192.0.2.8", &[("x-forwarded-for", "198.51.100.1")], "192.0.2.8");
        check(by, "10.1.1.1", &[("forwarded", "for=198.51.100.1")], "10.1.1.1");
        check(by, "10.1.1.1", &[("x-forwarded-for", "198.51.100.1, unknown")], "10.1.1.1");
        check(by, "10.1.1.1", &[("x-forwarded-for", "198.51.100.1, ")], "10.1.1.1");
        check(by, "10.1.1.1", &[], "10.1.1.1");
        let lines = [("x-forwarded-for", "198.51.100.1"), ("x-forwarded-for", "203.0.113.9")];
        check(by, "10.1.1.1", &lines, "203.0.113.9");
        let made_up = [("x-forwarded-for", "198.51.100.1"), ("forwarded", "for=203.0.113.9")];
        check(ForwardedBy::Forwarded, "10.1.1.1", &made_up, "203.0.113.9");
    }

    #[test]
    fn the_standard_header_is_read_with_quotes_ports_and_other_pairs() {
        let check = |said: &'static str, expected| {
            check(ForwardedBy::Forwarded, "10.1.1.1", &[("forwarded", said)], expected);
        };
        check("for=203.0.113.9;proto=https;by=10.1.1.1", "203.0.113.9");
        check("For=\"[2001:db8::5]:4711\"", "2001:db8::5");
        check("for=198.51.100.1, proto=http;for=203.0.113.9, for=10.9.9.9", "203.0.113.9");
        check("for=198.51.100.1, for=_hidden", "10.1.1.1");
        check("for=198.51.100.1, proto=https", "10.1.1.1");
    }

    #[test]
    fn without_an_address_there_is_none() {
        let mut headers = HeaderMap::new();
        headers.insert("x-forwarded-for", HeaderValue::from_static("203.0.113.9"));
        assert_eq!(proxies(ForwardedBy::default()).caller(&Extensions::new(), &headers), None);
    }

    #[test]
    fn a_network_is_an_address_or_the_bits_that_it_begins_with() {
        let holds = |network: &str, address: &str| {
            network.parse::<Network>().unwrap().contains(address.parse().unwrap())
        };
        assert!(holds("0.0.0.0/0", "203.0.113.9") && !holds("0.0.0.0/0", "::1"));
        assert!(holds("::/0", "2001:db8::1") && holds("::1", "::1") && !holds("::1", "::2"));
        assert!(holds("10.1.2.3/8", "10.9.9.9") && !holds("10.0.0.0/31", "10.0.0.2"));
        for wrong in ["", "proxy", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/", "::1/129", "10.0.0/8"] {
            assert!(wrong.parse::<Network>().is_err(), "{wrong}");
        }
    }
}
