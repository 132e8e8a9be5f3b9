//! Which version of a thing somebody has: `ETag` on the way out, `If-Match` on the way in. Two editors of one thing
//! cannot overwrite each other, because the second one's version is not there any more.

use axum::{
    extract::FromRequestParts,
    http::{HeaderName, HeaderValue, header, request::Parts},
};

use crate::error::ApiError;

/// The version that a change is made to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct IfMatch(i64);

impl IfMatch {
    /// Refuses a change to another version than the one that there is.
    pub(crate) fn check(self, current: i64) -> Result<(), ApiError> {
        if self.0 == current { Ok(()) } else { Err(ApiError::PreconditionFailed) }
    }
}

impl<S: Sync> FromRequestParts<S> for IfMatch {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let value = parts.headers.get(header::IF_MATCH).ok_or(ApiError::PreconditionRequired)?;
        // Whatever is not one of our tags is the tag of no version that there ever was.
        let version = value.to_str().ok().and_then(|text| text.strip_prefix('"')?.strip_suffix('"')?.parse().ok());
        version.map(Self).ok_or(ApiError::PreconditionFailed)
    }
}

/// The tag of this version.
pub(crate) fn etag(version: i64) -> (HeaderName, HeaderValue) {
    let tag = HeaderValue::try_from(format!("\"{version}\""));
    (header::ETAG, tag.unwrap_or_else(|_| HeaderValue::from_static("\"\"")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::Request;

    async fn read(value: Option<&str>) -> Result<IfMatch, ApiError> {
        let mut request = Request::builder();
        if let Some(value) = value {
            request = request.header(header::IF_MATCH, value);
        }
        let (mut parts, ()) = request.body(()).unwrap().into_parts();
        IfMatch::from_request_parts(&mut parts, &()).await
    }

    #[tokio::test]
    async fn only_a_tag_that_was_given_out_is_taken() {
        let (_, tag) = etag(7);
        let given = read(Some(tag.to_str().unwrap())).await.unwrap();
        assert!(given.check(7).is_ok() && matches!(given.check(8), Err(ApiError::PreconditionFailed)));
        assert!(matches!(read(None).await, Err(ApiError::PreconditionRequired)));
        for other in ["7", "*", "W/\"7\"", "\"seven\"", "\"7\", \"8\"", ""] {
            assert!(matches!(read(Some(other)).await, Err(ApiError::PreconditionFailed)), "{other}");
        }
    }
}
