//! The administrators' routes to products.

use axum::{
    Json as Answer,
    extract::State,
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::IntoResponse,
};
use futures::FutureExt;
use serde::Deserialize;
use utoipa::IntoParams;
use uuid::Uuid;

use super::{
    model::{AdminProduct, AdminProductPage, NewProduct, ProductChange, ProductStatus},
    read, store,
};
use crate::{
    app::App,
    auth::Admin,
    error::{ApiError, FieldError},
    http::{
        cache::NO_STORE,
        extract::{Json, Path, Query},
        problems::{AdminProblems, BodyProblems, ConflictProblem, MissingProblem, VersionProblems},
        version::{IfMatch, etag},
    },
    work::transact,
};

/// Which products to list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListParams {
    /// Only those of this status.
    status: Option<ProductStatus>,
    /// The `next` of the page before.
    after: Option<Uuid>,
    /// How many at most; 50 when absent.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
}

/// List products, those that are not for sale included.
#[utoipa::path(get, path = "/products", tag = "admin", operation_id = "list_products_for_admins", security(("token" = [])), params(ListParams), responses(
    (status = OK, body = AdminProductPage), AdminProblems,
))]
pub(crate) async fn list_products(
    _: Admin,
    State(app): State<App>,
    Query(params): Query<ListParams>,
) -> Result<impl IntoResponse, ApiError> {
    let limit = params.limit.unwrap_or(50);
    if !(1..=100).contains(&limit) {
        let errors = vec![FieldError::new("limit", "is not a number from 1 to 100")];
        return Err(ApiError::InvalidRequest { detail: None, errors });
    }
    Ok(([NO_STORE], Answer(read::page(app.pool(), params.status, params.after, limit).await?)))
}

/// Create a product with its variants and their stock.
#[utoipa::path(post, path = "/products", tag = "admin", security(("token" = [])), request_body = NewProduct, responses(
    (status = CREATED, body = AdminProduct, headers(
        ("Location" = String, description = "Its address for administrators"),
        ("ETag" = String, description = "Its version"),
    )),
    AdminProblems, BodyProblems, ConflictProblem,
))]
pub(crate) async fn create_product(
    admin: Admin,
    State(app): State<App>,
    Json(product): Json<NewProduct>,
) -> Result<impl IntoResponse, ApiError> {
    product.check()?;
    let id = transact(&app, "product.created", &admin.caller(), &product, |work, product| {
        store::create(work, product).boxed()
    })
    .await?;
    Ok((StatusCode::CREATED, [location("products", id)?], answer(&app, id).await?))
}

/// One product in full, whatever its status.
#[utoipa::path(get, path = "/products/{id}", tag = "admin", operation_id = "get_product_for_admins", security(("token" = [])), params(("id" = Uuid, Path)),
    responses(
        (status = OK, body = AdminProduct, headers(("ETag" = String, description = "Its version"))),
        AdminProblems, MissingProblem,
    ))]
pub(crate) async fn get_product(
    _: Admin,
    State(app): State<App>,
    Path(id): Path<Uuid>,
) -> Result<impl IntoResponse, ApiError> {
    answer(&app, id).await
}

/// Change a product: its words, its category, and whether it is for sale.
#[utoipa::path(put, path = "/products/{id}", tag = "admin", security(("token" = [])), request_body = ProductChange,
    params(("id" = Uuid, Path), ("If-Match" = String, Header, description = "The ETag that was read")),
    responses(
        (status = OK, body = AdminProduct, headers(("ETag" = String, description = "Its version"))),
        AdminProblems, BodyProblems, MissingProblem, ConflictProblem, VersionProblems,
    ))]
pub(crate) async fn replace_product(
    admin: Admin,
    State(app): State<App>,
    Path(id): Path<Uuid>,
    known: IfMatch,
    Json(change): Json<ProductChange>,
) -> Result<impl IntoResponse, ApiError> {
    change.check()?;
    let about = (id, known, change);
    transact(&app, "product.changed", &admin.caller(), &about, |work, about| store::replace(work, about).boxed())
        .await?;
    answer(&app, id).await
}

/// The product as it is now, with its version as `ETag`.
pub(in crate::admin) async fn answer(app: &App, id: Uuid) -> Result<impl IntoResponse + use<>, ApiError> {
    let product = read::product(app, id).await?;
    Ok(([NO_STORE, etag(product.summary.version)], Answer(product)))
}

/// Where administrators find what was made.
pub(in crate::admin) fn location(what: &str, id: Uuid) -> Result<(HeaderName, HeaderValue), ApiError> {
    let value = HeaderValue::try_from(format!("/api/v1/admin/{what}/{id}"));
    Ok((header::LOCATION, value.map_err(|error| ApiError::Internal(error.into()))?))
}
