//! The outermost layer: a request id in, out and in every log line; one access line per request; security headers; and
//! the promise that every error is a problem document.
//!
//! Log lines carry the route's pattern and never the path, the query or an address: those can name people.

use std::time::Instant;

use axum::{
    extract::{MatchedPath, Request},
    http::{HeaderMap, HeaderName, HeaderValue, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use tracing::Instrument;
use uuid::Uuid;

use crate::error::{ApiError, PROBLEM_JSON};

/// Names a request, in logs and in answers.
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Longer ids from outside are replaced.
const LONGEST_ID: usize = 128;

/// Wraps a request in all of it.
pub(crate) async fn observe(mut request: Request, next: Next) -> Response {
    let id = request_id(request.headers());
    request.headers_mut().insert(REQUEST_ID, id.clone());
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().map_or("-", MatchedPath::as_str).to_owned();
    let span = tracing::info_span!("request", request_id = id.to_str().unwrap_or_default(), %method, route);
    let begun = Instant::now();
    let answer = async {
        let mut response = as_problem(next.run(request).await);
        secure(response.headers_mut());
        response.headers_mut().insert(REQUEST_ID, id);
        let elapsed_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        tracing::info!(status = response.status().as_u16(), elapsed_ms, "answered");
        response
    };
    answer.instrument(span).await
}

/// The caller's id when it is a harmless one, else a new one.
fn request_id(headers: &HeaderMap) -> HeaderValue {
    let is_harmless = |value: &&HeaderValue| {
        let bytes = value.as_bytes();
        (1..=LONGEST_ID).contains(&bytes.len())
            && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || b"-_.=+/".contains(byte))
    };
    headers.get(REQUEST_ID).filter(is_harmless).cloned().unwrap_or_else(|| {
        HeaderValue::try_from(Uuid::now_v7().to_string()).unwrap_or_else(|_| HeaderValue::from_static("-"))
    })
}

/// Turns an error that the framework answered by itself into a problem document, keeping `Allow`.
fn as_problem(response: Response) -> Response {
    let status = response.status();
    let is_problem =
        response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes() == PROBLEM_JSON.as_bytes());
    if is_problem || !(status.is_client_error() || status.is_server_error()) {
        return response;
    }
    let allow = response.headers().get(header::ALLOW).cloned();
    let mut problem = ApiError::from_status(status).into_response();
    if let Some(allow) = allow {
        problem.headers_mut().insert(header::ALLOW, allow);
    }
    problem
}

/// The policy of everything that is no page.
pub(crate) const NOTHING: HeaderValue = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");

/// Nothing that an API answers may be framed, sniffed, or run. Its one page says itself what it may show.
fn secure(headers: &mut HeaderMap) {
    for (name, value) in [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::STRICT_TRANSPORT_SECURITY, "max-age=31536000; includeSubDomains"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(NOTHING);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_harmless_ids_are_kept() {
        let kept = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(REQUEST_ID, HeaderValue::from_str(value).unwrap());
            request_id(&headers) == value
        };
        assert!(kept("Root=1-67891233-abcdef012345678912345678"));
        assert!(!kept("a\tb") && !kept("{\"x\":1}") && !kept("") && !kept(&"a".repeat(129)));
    }
}
