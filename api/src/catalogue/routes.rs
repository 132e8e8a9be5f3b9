//! The catalogue's routes: input, store, answer.

use axum::{Json, extract::State};

use super::{
    details::Detail,
    listing::ListParams,
    model::{Categories, Category, Collection, CollectionDetail, Collections, ProductDetail, ProductPage},
    show, store,
};
use crate::{
    app::App,
    error::{ApiError, Problem},
    http::extract::{Path, Query},
};

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
) -> Result<Json<ProductPage>, ApiError> {
    let page = store::page(app.pool(), &params.check()?).await?;
    let next_cursor = page.next.map(|cursor| cursor.encode());
    Ok(Json(ProductPage { items: page.rows.into_iter().map(|row| show::summary(&app, row)).collect(), next_cursor }))
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
pub(crate) async fn get_product(
    State(app): State<App>,
    Path(slug): Path<String>,
) -> Result<Json<ProductDetail>, ApiError> {
    let Detail { product: row, images, variants } = app.products().get(&slug).await?.ok_or(ApiError::NotFound)?;
    let currency = row.currency.clone();
    let (frames, images): (Vec<_>, Vec<_>) = images.into_iter().partition(|row| row.is_frame);
    Ok(Json(ProductDetail {
        summary: show::summary(&app, row),
        images: images.into_iter().map(|row| show::image(&app, row)).collect(),
        frames: frames.into_iter().map(|row| show::image(&app, row)).collect(),
        variants: variants.into_iter().map(|row| show::variant(row, &currency)).collect(),
    }))
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
pub(crate) async fn get_collection(
    State(app): State<App>,
    Path(slug): Path<String>,
) -> Result<Json<CollectionDetail>, ApiError> {
    let row = store::collection(app.pool(), &slug).await?.ok_or(ApiError::NotFound)?;
    let products = store::collected(app.pool(), row.id).await?;
    let products = products.into_iter().map(|row| show::summary(&app, row)).collect();
    Ok(Json(CollectionDetail { collection: collection(row), products }))
}

fn collection(row: store::GroupRow) -> Collection {
    Collection { slug: row.slug, name: row.name, description: row.description, product_count: row.product_count }
}
