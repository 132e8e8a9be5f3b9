//! `/metrics`, for a collector on the same machine.
//!
//! The address is reachable from outside as the health routes are, so it answers only a process of this machine that asks
//! for itself: whatever was forwarded by anybody finds nothing here.

use axum::{
    extract::{Request, State},
    http::{HeaderName, HeaderValue, header},
    response::IntoResponse,
};

use super::figures::Figures;
use crate::{app::App, error::ApiError, http::client};

const HEADERS: [(HeaderName, HeaderValue); 2] = [
    (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    (header::CONTENT_TYPE, HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8")),
];

/// What the server counts about itself. Only for callers on the same machine.
#[utoipa::path(get, path = "/metrics", tag = "operation", responses(
    (status = OK, body = String, content_type = "application/openmetrics-text"),
    (status = NOT_FOUND, description = "Not asked from the machine itself", body = crate::error::Problem,
        content_type = "application/problem+json"),
))]
pub(crate) async fn metrics(State(app): State<App>, request: Request) -> Result<impl IntoResponse, ApiError> {
    if !client::is_of_this_machine(&request) {
        return Err(ApiError::NotFound);
    }
    let figures = Figures::read(&app).await;
    let text = app.metrics().text(&figures).map_err(|error| ApiError::Internal(error.into()))?;
    Ok((HEADERS, text))
}
