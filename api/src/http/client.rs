//! Who is at the other end: the process that connected, and the visitor behind the proxies.

use std::net::IpAddr;

use axum::{
    extract::Request,
    http::{Extensions, HeaderMap, HeaderName, header},
};

/// Who connected, as a part of the request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(pub(crate) IpAddr);

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The edge says whom it serves, and the gateway says which edge: the visitor is the last but one. What stands before it
/// was said by the visitor.
const HOPS: usize = 2;

/// Whether the request was made by a process of this machine for itself: nobody forwarded it.
pub(crate) fn is_of_this_machine(request: &Request) -> bool {
    let was_forwarded = [header::FORWARDED, header::VIA, FORWARDED_FOR, super::origin::HEADER]
        .iter()
        .any(|name| request.headers().contains_key(name));
    !was_forwarded && peer(request.extensions()).is_some_and(|address| address.is_loopback())
}

/// Who connected.
pub(crate) fn peer(extensions: &Extensions) -> Option<IpAddr> {
    extensions.get().map(|Peer(address)| *address)
}

/// The visitor's address as our own proxies tell it. Only to be believed of a request that came through them.
pub(crate) fn visitor(headers: &HeaderMap) -> Option<IpAddr> {
    let addresses: Vec<IpAddr> = if headers.contains_key(header::FORWARDED) {
        values(headers, &header::FORWARDED).flat_map(|element| element.split(';')).filter_map(forwarded).collect()
    } else {
        values(headers, &FORWARDED_FOR).filter_map(address).collect()
    };
    addresses.iter().rev().nth(HOPS - 1).or(addresses.first()).copied()
}

/// The parts of a header that is a list, which may come in several lines.
fn values<'h>(headers: &'h HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'h str> {
    headers.get_all(name).into_iter().filter_map(|line| line.to_str().ok()).flat_map(|line| line.split(','))
}

/// `for=192.0.2.60`, `For="[2001:db8::17]:4711"` (RFC 7239); nothing for the other parameters.
fn forwarded(pair: &str) -> Option<IpAddr> {
    let (name, value) = pair.split_once('=')?;
    if name.trim().eq_ignore_ascii_case("for") { address(value.trim().trim_matches('"')) } else { None }
}

/// An address with or without a port.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let bare = text.strip_prefix('[').and_then(|rest| rest.split_once(']')).map_or(text, |(address, _)| address);
    bare.parse().ok().or_else(|| text.parse::<std::net::SocketAddr>().ok().map(|address| address.ip()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn visitor_of(lines: &[(&HeaderName, &'static str)]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, HeaderValue::from_static(value));
        }
        visitor(&headers).map(|address| address.to_string())
    }

    #[test]
    fn the_visitor_is_whom_the_edge_saw_whatever_the_visitor_says() {
        let (new, old) = (&header::FORWARDED, &FORWARDED_FOR);
        for (lines, expected) in [
            (vec![(new, "for=192.0.2.1, for=198.51.100.7;host=a;proto=https, by=203.0.113.1")], Some("192.0.2.1")),
            (vec![(new, "for=10.9.9.9"), (new, "for=192.0.2.1,for=198.51.100.7")], Some("192.0.2.1")),
            (vec![(new, "For=\"[2001:db8::17]:4711\";proto=https,for=198.51.100.7:443")], Some("2001:db8::17")),
            // The newer header is the gateway's; a load balancer behind it adds to the older one.
            (vec![(new, "for=192.0.2.1,for=198.51.100.7"), (old, "1.1.1.1, 2.2.2.2, 3.3.3.3")], Some("192.0.2.1")),
            (vec![(old, "10.9.9.9, 192.0.2.1, 198.51.100.7")], Some("192.0.2.1")),
            (vec![(old, "192.0.2.1")], Some("192.0.2.1")),
            (vec![(old, "unknown, _hidden")], None),
            (vec![], None),
        ] {
            assert_eq!(visitor_of(&lines).as_deref(), expected, "{lines:?}");
        }
    }
}
