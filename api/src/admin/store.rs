//! The SQL that changes the catalogue.

use sqlx::{MySql, QueryBuilder, mysql::MySqlDatabaseError};
use uuid::Uuid;

use super::model::NewProduct;
use crate::{
    error::{ApiError, FieldError},
    work::Work,
};

/// Creates a product with its variants and their stock.
pub(crate) async fn create(work: &mut Work, product: &NewProduct) -> Result<Uuid, ApiError> {
    let (id, now) = (Uuid::now_v7(), work.now());
    let category: Option<Uuid> = sqlx::query_scalar("SELECT id FROM categories WHERE slug = ?")
        .bind(&product.category)
        .fetch_optional(work.connection())
        .await?;
    let category = category.ok_or_else(|| ApiError::Validation {
        detail: None,
        errors: vec![FieldError::new("category", format!("there is no category {}", product.category))],
    })?;
    sqlx::query(
        "INSERT INTO products
            (id, category_id, slug, name, description, status, currency, price_from_minor, created_at, updated_at)
         VALUES (?, ?, ?, ?, ?, 'active', ?, ?, ?, ?)",
    )
    .bind(id)
    .bind(category)
    .bind(&product.slug)
    .bind(&product.name)
    .bind(&product.description)
    .bind(&product.currency)
    .bind(product.price_from_minor())
    .bind(now)
    .bind(now)
    .execute(work.connection())
    .await
    .map_err(|error| taken(error, "products_slug", "slug", "is taken"))?;

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
    work.touch("products", id);
    for variant in ids {
        work.touch("variants", variant);
        work.touch("inventory", variant);
    }
    Ok(id)
}

/// A conflict of this field when the error is about a second row with the same value in this unique key.
pub(crate) fn taken(error: sqlx::Error, key: &str, field: &str, message: &str) -> ApiError {
    const DUPLICATE_ENTRY: u16 = 1062;
    let refused = error.as_database_error().and_then(|error| error.try_downcast_ref::<MySqlDatabaseError>());
    // MySQL says 'products.products_slug', MariaDB 'products_slug'.
    match refused {
        Some(refused) if refused.number() == DUPLICATE_ENTRY && refused.message().contains(key) => {
            ApiError::Conflict { errors: vec![FieldError::new(field, message)] }
        }
        _ => error.into(),
    }
}
