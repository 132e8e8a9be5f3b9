//! What a reverse proxy does to the headers of what passes through it.

use std::net::IpAddr;

use http::{HeaderMap, HeaderName, HeaderValue, header};

/// Headers that are about one connection, not about the message.
const HOP_BY_HOP: [&str; 8] = [
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Removes what is about the connection it came over, those headers that the sender named included.
pub(crate) fn remove_hop_by_hop(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    for name in named {
        headers.remove(name);
    }
    for name in HOP_BY_HOP {
        headers.remove(name);
    }
}

/// Says for whom (`peer`, after those before it) and over which protocol a request was made; none when what is there
/// cannot be added to.
pub(crate) fn say_for_whom(headers: &mut HeaderMap, peer: IpAddr, protocol: &'static str) -> Option<()> {
    let name = HeaderName::from_static("x-forwarded-for");
    let before = headers.get(&name).and_then(|v| v.to_str().ok()).map(|v| format!("{v}, ")).unwrap_or_default();
    headers.insert(name, HeaderValue::from_str(&format!("{before}{peer}")).ok()?);
    headers.insert(HeaderName::from_static("x-forwarded-proto"), HeaderValue::from_static(protocol));
    Some(())
}
