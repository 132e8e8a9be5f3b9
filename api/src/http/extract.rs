//! `Json`, `Query` and `Path` whose rejections are problem documents.

use axum::{
    body::Bytes,
    extract::{
        FromRequest, FromRequestParts, Request,
        rejection::{BytesRejection, JsonRejection, PathRejection, QueryRejection},
    },
    http::StatusCode,
};

use serde::de::DeserializeOwned;

use crate::error::ApiError;

/// A JSON body: an object, since serde would take a list for one, field by field in their order.
pub(crate) struct Json<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let (parts, body) = request.into_parts();
        let bytes = Bytes::from_request(Request::from_parts(parts.clone(), body), state).await?;
        let is_list = bytes.trim_ascii_start().first() == Some(&b'[');
        let axum::Json(value) = axum::Json::from_request(Request::from_parts(parts, bytes.into()), state).await?;
        if is_list {
            let detail = Some("send an object".to_owned());
            return Err(ApiError::Validation { detail, errors: Vec::new() });
        }
        Ok(Self(value))
    }
}

impl From<BytesRejection> for ApiError {
    fn from(rejection: BytesRejection) -> Self {
        Self::from_status(rejection.status())
    }
}

/// The query string.
#[derive(FromRequestParts)]
#[from_request(via(axum::extract::Query), rejection(ApiError))]
pub(crate) struct Query<T>(pub(crate) T);

/// Parts of the path.
#[derive(FromRequestParts)]
#[from_request(via(axum::extract::Path), rejection(ApiError))]
pub(crate) struct Path<T>(pub(crate) T);

impl From<JsonRejection> for ApiError {
    fn from(rejection: JsonRejection) -> Self {
        let detail = Some(rejection.body_text());
        match rejection.status() {
            StatusCode::UNPROCESSABLE_ENTITY => Self::Validation { detail, errors: Vec::new() },
            StatusCode::BAD_REQUEST => Self::InvalidRequest { detail, errors: Vec::new() },
            status => Self::from_status(status),
        }
    }
}

impl From<QueryRejection> for ApiError {
    fn from(rejection: QueryRejection) -> Self {
        Self::InvalidRequest { detail: Some(rejection.body_text()), errors: Vec::new() }
    }
}

/// A path that cannot be decoded names nothing.
impl From<PathRejection> for ApiError {
    fn from(_: PathRejection) -> Self {
        Self::NotFound
    }
}
