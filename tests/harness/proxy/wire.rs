//! A request as it stood on the wire, without its signature.

use hyper::body::Bytes;
use hyper::http::request::Parts;

/// A request as it came, kept for those who judge it.
#[derive(Clone, Debug)]
pub struct Wire {
    /// Its HTTP method.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// Its headers, the signature left out.
    pub headers: Vec<(String, String)>,
    /// Its body, framing removed.
    pub body: Bytes,
}

impl Wire {
    pub(super) fn new(parts: &Parts, path: &str, body: &Bytes) -> Self {
        let headers = parts.headers.iter().filter(|(name, _)| *name != "authorization");
        let headers = headers.map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into()));
        Self { method: parts.method.to_string(), path: path.to_owned(), headers: headers.collect(), body: body.clone() }
    }
}
