//! Answers that a CDN may keep for a minute, and for an hour when there are no newer ones, with an `ETag` of their bytes and 304 for who has them already.

use axum::{
    body::{Body, Bytes, to_bytes},
    extract::Request,
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use xxhash_rust::xxh3::xxh3_128;

use crate::error::ApiError;

/// Nobody keeps the answer.
pub(crate) const NO_STORE: (HeaderName, HeaderValue) = (header::CACHE_CONTROL, HeaderValue::from_static("no-store"));

const PUBLIC: HeaderValue =
    HeaderValue::from_static("public, max-age=60, stale-while-revalidate=30, stale-if-error=3600");

/// Makes successful answers to GET cacheable. (HEAD has no body to make a tag of.)
pub(crate) async fn publicly(request: Request, next: Next) -> Result<Response, ApiError> {
    let is_get = request.method() == Method::GET;
    let known = request.headers().get(header::IF_NONE_MATCH).cloned();
    let response = next.run(request).await;
    if !is_get || response.status() != StatusCode::OK {
        return Ok(response);
    }
    let (mut parts, body) = response.into_parts();
    // The handlers answer from memory: there is no limit to guard.
    let body = to_bytes(body, usize::MAX).await.map_err(|error| ApiError::Internal(error.into()))?;
    let tag = etag(&body)?;
    parts.headers.insert(header::CACHE_CONTROL, PUBLIC);
    parts.headers.insert(header::ETAG, tag.clone());
    if known.is_some_and(|known| matches(&known, &tag)) {
        return Ok(not_modified(&parts.headers));
    }
    Ok(Response::from_parts(parts, Body::from(body)))
}

fn etag(body: &Bytes) -> Result<HeaderValue, ApiError> {
    HeaderValue::try_from(format!("\"{:032x}\"", xxh3_128(body))).map_err(|error| ApiError::Internal(error.into()))
}

/// `If-None-Match`: a list of tags, weak or strong, or `*` (RFC 9110, 13.1.2).
fn matches(known: &HeaderValue, tag: &HeaderValue) -> bool {
    let (Ok(known), Ok(tag)) = (known.to_str(), tag.to_str()) else { return false };
    known.split(',').map(str::trim).any(|one| one == "*" || one.strip_prefix("W/").unwrap_or(one) == tag)
}

fn not_modified(headers: &HeaderMap) -> Response {
    let mut response = StatusCode::NOT_MODIFIED.into_response();
    for name in [header::CACHE_CONTROL, header::ETAG] {
        if let Some(value) = headers.get(&name) {
            response.headers_mut().insert(name, value.clone());
        }
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn if_none_match_is_a_list() {
        let tag = HeaderValue::from_static("\"a\"");
        for (known, expected) in
            [("\"a\"", true), ("\"b\", W/\"a\"", true), ("*", true), ("\"b\"", false), ("a", false), ("", false)]
        {
            assert_eq!(matches(&HeaderValue::from_static(known), &tag), expected, "{known}");
        }
    }
}
