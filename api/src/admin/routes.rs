//! The administrators' routes.

use axum::{
    Json as Answer,
    extract::State,
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::IntoResponse,
};
use futures::FutureExt;

use super::{model::NewProduct, store};
use crate::{
    app::App,
    auth::Admin,
    catalogue::{model::ProductDetail, routes::detail},
    error::{ApiError, Problem},
    http::extract::Json,
    work::transact,
};

const NO_STORE: (HeaderName, HeaderValue) = (header::CACHE_CONTROL, HeaderValue::from_static("no-store"));

/// Create a product with its variants and their stock.
#[utoipa::path(post, path = "/products", tag = "admin", security(("token" = [])), request_body = NewProduct, responses(
    (status = CREATED, body = ProductDetail, headers(("Location" = String, description = "The product's address"))),
    (status = BAD_REQUEST, body = Problem, content_type = "application/problem+json"),
    (status = UNAUTHORIZED, body = Problem, content_type = "application/problem+json"),
    (status = FORBIDDEN, body = Problem, content_type = "application/problem+json"),
    (status = CONFLICT, body = Problem, content_type = "application/problem+json"),
    (status = PAYLOAD_TOO_LARGE, body = Problem, content_type = "application/problem+json"),
    (status = UNSUPPORTED_MEDIA_TYPE, body = Problem, content_type = "application/problem+json"),
    (status = UNPROCESSABLE_ENTITY, body = Problem, content_type = "application/problem+json"),
    (status = SERVICE_UNAVAILABLE, body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn create_product(
    admin: Admin,
    State(app): State<App>,
    Json(product): Json<NewProduct>,
) -> Result<impl IntoResponse, ApiError> {
    let problems = product.problems();
    if !problems.is_empty() {
        return Err(ApiError::Validation { detail: None, errors: problems });
    }
    transact(&app, "product.created", &admin.caller(), &product, |work, product| store::create(work, product).boxed())
        .await?;
    let created = detail(&app, &product.slug).await?;
    let created = created.ok_or_else(|| ApiError::Internal("a product just created is not there".into()))?;
    // The slug was checked to be plain ASCII, so it needs no escaping.
    let location = HeaderValue::try_from(format!("/api/v1/products/{}", product.slug))
        .map_err(|error| ApiError::Internal(error.into()))?;
    Ok((StatusCode::CREATED, [NO_STORE, (header::LOCATION, location)], Answer(created)))
}
