//! The SQL that changes products.

use sqlx::{MySql, QueryBuilder};
use uuid::Uuid;

use super::model::{NewProduct, ProductChange, ProductStatus};
use crate::{
    admin::{
        rules::{invalid, taken},
        variants,
    },
    error::ApiError,
    http::version::IfMatch,
    work::Work,
};

/// A product whose row this transaction holds.
#[derive(sqlx::FromRow)]
pub(crate) struct Held {
    /// Its version before this transaction.
    pub(crate) version: i64,
    pub(crate) status: String,
    pub(crate) price_from_minor: i64,
}

/// Locks a product's row. Whoever changes its variants or pictures holds it, so that they do so one after another.
pub(crate) async fn held(work: &mut Work, id: Uuid) -> Result<Held, ApiError> {
    let row = sqlx::query_as("SELECT version, status, price_from_minor FROM products WHERE id = ? FOR UPDATE")
        .bind(id)
        .fetch_optional(work.connection())
        .await?;
    row.ok_or(ApiError::NotFound)
}

/// Creates a product with its variants and their stock.
pub(crate) async fn create(work: &mut Work, product: &NewProduct) -> Result<Uuid, ApiError> {
    let (id, now) = (Uuid::now_v7(), work.now());
    let category = category(work, &product.category).await?;
    sqlx::query(
        "INSERT INTO products
            (id, category_id, slug, name, description, status, currency, price_from_minor, created_at, updated_at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(id)
    .bind(category)
    .bind(&product.slug)
    .bind(&product.name)
    .bind(&product.description)
    .bind(product.status.word())
    .bind(&product.currency)
    .bind(product.price_from_minor())
    .bind(now)
    .bind(now)
    .execute(work.connection())
    .await
    .map_err(|error| taken(error, "products_slug", "slug", "is taken"))?;
    work.touch("products", id);

    let ids: Vec<Uuid> = product.variants.iter().map(|_| Uuid::now_v7()).collect();
    let mut variants = QueryBuilder::<MySql>::new(
        "INSERT INTO variants
            (id, product_id, position, sku, metal, stone, ring_size, price_minor, created_at, updated_at) ",
    );
    let rows = product.variants.iter().zip(&ids).zip(0_i32..);
    variants.push_values(rows, |mut row, ((variant, variant_id), position)| {
        row.push_bind(*variant_id)
            .push_bind(id)
            .push_bind(position)
            .push_bind(variant.sku.clone())
            .push_bind(variant.metal.clone())
            .push_bind(variant.stone.clone())
            .push_bind(variant.ring_size.clone())
            .push_bind(variant.price_minor)
            .push_bind(now)
            .push_bind(now);
    });
    let inserted = variants.build().execute(work.connection()).await;
    inserted.map_err(|error| taken(error, "variants_sku", "variants", "a sku is taken"))?;

    let mut stock = QueryBuilder::<MySql>::new("INSERT INTO inventory (variant_id, on_hand, reserved, updated_at) ");
    stock.push_values(product.variants.iter().zip(&ids), |mut row, (variant, variant_id)| {
        row.push_bind(*variant_id).push_bind(variant.on_hand).push_bind(0_i32).push_bind(now);
    });
    stock.build().execute(work.connection()).await?;
    for variant in ids {
        work.touch("variants", variant);
        work.touch("inventory", variant);
    }
    Ok(id)
}

/// Changes a product, publishes it or takes it away.
pub(crate) async fn replace(
    work: &mut Work,
    (id, known, change): &(Uuid, IfMatch, ProductChange),
) -> Result<(), ApiError> {
    // Categories before products, as whoever archives a category does.
    let category = category(work, &change.category).await?;
    let held = held(work, *id).await?;
    known.check(held.version)?;
    let now = work.now();
    sqlx::query(
        "UPDATE products SET category_id = ?, slug = ?, name = ?, description = ?, status = ?, updated_at = ?,
            version = version + 1 WHERE id = ?",
    )
    .bind(category)
    .bind(&change.slug)
    .bind(&change.name)
    .bind(&change.description)
    .bind(change.status.word())
    .bind(now)
    .bind(id)
    .execute(work.connection())
    .await
    .map_err(|error| taken(error, "products_slug", "slug", "is taken"))?;
    work.touch("products", *id);
    let is_for_sale = change.status == ProductStatus::Active;
    if is_for_sale && variants::store::lowest_price(work, *id).await?.is_none() {
        return Err(invalid("status", "a product without a variant on sale cannot be active"));
    }
    Ok(())
}

/// The category with this slug, which cannot be archived while this transaction lasts.
async fn category(work: &mut Work, slug: &str) -> Result<Uuid, ApiError> {
    let id = sqlx::query_scalar("SELECT id FROM categories WHERE slug = ? AND status = 'active' LOCK IN SHARE MODE")
        .bind(slug)
        .fetch_optional(work.connection())
        .await?;
    id.ok_or_else(|| invalid("category", format!("there is no category {slug}")))
}
