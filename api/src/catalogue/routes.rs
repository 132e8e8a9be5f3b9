//! The catalogue's routes: input, store, answer.

use axum::{
    Json,
    extract::State,
    http::{HeaderName, HeaderValue, header},
};

use super::{
    listing::ListParams,
    model::{Categories, Category, Collection, CollectionDetail, Collections, ProductDetail, ProductPage},
    store,
};
use crate::{
    app::App,
    error::{ApiError, Problem},
    http::extract::{Path, Query},
};

/// An answer that was JSON already.
type Document = ([(HeaderName, HeaderValue); 1], String);

const JSON: [(HeaderName, HeaderValue); 1] = [(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))];

/// List products.
#[utoipa::path(get, path = "/products", tag = "catalogue", params(ListParams), responses(
    (status = OK, body = ProductPage),
    (status = NOT_MODIFIED, description = "The answer has not changed since the one with the given `If-None-Match`"),
    (status = BAD_REQUEST, body = Problem, content_type = "application/problem+json"),
    (status = FORBIDDEN, body = Problem, content_type = "application/problem+json"),
    (status = SERVICE_UNAVAILABLE, body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn list_products(
    State(app): State<App>,
    Query(params): Query<ListParams>,
) -> Result<Document, ApiError> {
    let page = app.pages().get(&params.check()?).await?;
    let next = page.next.map(|cursor| cursor.encode());
    // Base64 needs no escapes.
    let next = next.map_or_else(|| "null".to_owned(), |cursor| format!("\"{cursor}\""));
    Ok((JSON, format!("{{\"items\":[{}],\"next_cursor\":{next}}}", page.items)))
}

/// One product in full.
#[utoipa::path(get, path = "/products/{slug}", tag = "catalogue", params(("slug" = String, Path, example = "aurora-ring")),
    responses(
        (status = OK, body = ProductDetail),
        (status = NOT_MODIFIED, description = "The answer has not changed since the one with the given `If-None-Match`"),
        (status = FORBIDDEN, body = Problem, content_type = "application/problem+json"),
        (status = NOT_FOUND, body = Problem, content_type = "application/problem+json"),
        (status = SERVICE_UNAVAILABLE, body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn get_product(State(app): State<App>, Path(slug): Path<String>) -> Result<Document, ApiError> {
    Ok((JSON, app.products().get(&slug).await?.ok_or(ApiError::NotFound)?))
}

/// All categories with the number of their products.
#[utoipa::path(get, path = "/categories", tag = "catalogue", responses(
    (status = OK, body = Categories),
    (status = NOT_MODIFIED, description = "The answer has not changed since the one with the given `If-None-Match`"),
    (status = FORBIDDEN, body = Problem, content_type = "application/problem+json"),
    (status = SERVICE_UNAVAILABLE, body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn list_categories(State(app): State<App>) -> Result<Json<Categories>, ApiError> {
    let rows = store::categories(app.pool()).await?;
    let items = rows
        .into_iter()
        .map(|row| Category {
            slug: row.slug,
            name: row.name,
            description: row.description,
            product_count: row.product_count,
        })
        .collect();
    Ok(Json(Categories { items }))
}

/// All collections with the number of their products.
#[utoipa::path(get, path = "/collections", tag = "catalogue", responses(
    (status = OK, body = Collections),
    (status = NOT_MODIFIED, description = "The answer has not changed since the one with the given `If-None-Match`"),
    (status = FORBIDDEN, body = Problem, content_type = "application/problem+json"),
    (status = SERVICE_UNAVAILABLE, body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn list_collections(State(app): State<App>) -> Result<Json<Collections>, ApiError> {
    let rows = store::collections(app.pool()).await?;
    Ok(Json(Collections { items: rows.into_iter().map(collection).collect() }))
}

/// One collection with its products, in its own order. Other orders: the product list with `collection`.
#[utoipa::path(get, path = "/collections/{slug}", tag = "catalogue", params(("slug" = String, Path, example = "tides")),
    responses(
        (status = OK, body = CollectionDetail),
        (status = NOT_MODIFIED, description = "The answer has not changed since the one with the given `If-None-Match`"),
        (status = FORBIDDEN, body = Problem, content_type = "application/problem+json"),
        (status = NOT_FOUND, body = Problem, content_type = "application/problem+json"),
        (status = SERVICE_UNAVAILABLE, body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn get_collection(State(app): State<App>, Path(slug): Path<String>) -> Result<Document, ApiError> {
    let row = store::collection(app.pool(), &slug).await?.ok_or(ApiError::NotFound)?;
    let products = store::collected(app.pool(), app.showing(), row.id).await?.join(",");
    let head = serde_json::to_string(&collection(row)).map_err(|error| ApiError::Internal(error.into()))?;
    let head = head.trim_end_matches('}');
    Ok((JSON, format!("{head},\"products\":[{products}]}}")))
}

fn collection(row: store::GroupRow) -> Collection {
    Collection { slug: row.slug, name: row.name, description: row.description, product_count: row.product_count }
}
