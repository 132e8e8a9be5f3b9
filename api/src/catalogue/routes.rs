//! The catalogue's routes: input, store, answer.

use axum::{Json, extract::State};

use super::{
    listing::ListParams,
    model::{Categories, Category, CategoryRef, Image, Money, ProductDetail, ProductPage, ProductSummary, Variant},
    store::{self, ImageRow, ProductRow, VariantRow},
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
    Ok(Json(ProductPage { items: page.rows.into_iter().map(|row| summary(&app, row)).collect(), next_cursor }))
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
    detail(&app, &slug).await?.map(Json).ok_or(ApiError::NotFound)
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

/// A product in full; `None` when there is no such one.
pub(crate) async fn detail(app: &App, slug: &str) -> Result<Option<ProductDetail>, ApiError> {
    let Some(row) = store::product(app.pool(), slug).await? else { return Ok(None) };
    let images = store::images(app.pool(), row.id).await?;
    let variants = store::variants(app.pool(), row.id).await?;
    let currency = row.currency.clone();
    Ok(Some(ProductDetail {
        summary: summary(app, row),
        images: images.into_iter().map(|row| image(app, row)).collect(),
        variants: variants.into_iter().map(|row| variant(row, &currency)).collect(),
    }))
}

fn summary(app: &App, row: ProductRow) -> ProductSummary {
    let shown = row.object_key.zip(row.alt).zip(row.width).zip(row.height);
    ProductSummary {
        id: row.id,
        slug: row.slug,
        name: row.name,
        description: row.description,
        category: CategoryRef { slug: row.category_slug, name: row.category_name },
        price_from: Money { amount: row.price_from_minor, currency: row.currency },
        in_stock: row.in_stock,
        image: shown
            .map(|(((object_key, alt), width), height)| image(app, ImageRow { object_key, alt, width, height })),
        metals: row
            .metals
            .as_deref()
            .unwrap_or_default()
            .split(',')
            .filter(|m| !m.is_empty())
            .map(Into::into)
            .collect(),
    }
}

fn image(app: &App, row: ImageRow) -> Image {
    Image { url: app.media_url(&row.object_key), alt: row.alt, width: row.width, height: row.height }
}

fn variant(row: VariantRow, currency: &str) -> Variant {
    Variant {
        id: row.id,
        sku: row.sku,
        metal: row.metal,
        stone: row.stone,
        ring_size: row.ring_size,
        price: Money { amount: row.price_minor, currency: currency.to_owned() },
        available: row.available.max(0),
    }
}
