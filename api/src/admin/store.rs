//! The SQL that changes the catalogue.

use sqlx::{MySql, MySqlPool, QueryBuilder, Transaction, mysql::MySqlDatabaseError};
use time::{OffsetDateTime, PrimitiveDateTime};
use uuid::Uuid;

use super::model::NewProduct;

/// Why a product was not created.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CreateError {
    #[error("no such category")]
    NoSuchCategory,
    #[error("the slug is taken")]
    SlugTaken,
    #[error("a sku is taken")]
    SkuTaken,
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
}

/// Creates a product with its variants and their stock, all or nothing.
pub(crate) async fn create(pool: &MySqlPool, product: &NewProduct) -> Result<Uuid, CreateError> {
    let mut transaction = pool.begin().await?;
    let id = Uuid::now_v7();
    insert(&mut transaction, id, product).await?;
    transaction.commit().await?;
    Ok(id)
}

async fn insert(transaction: &mut Transaction<'_, MySql>, id: Uuid, product: &NewProduct) -> Result<(), CreateError> {
    let now = now();
    let category: Option<Uuid> = sqlx::query_scalar("SELECT id FROM categories WHERE slug = ?")
        .bind(&product.category)
        .fetch_optional(&mut **transaction)
        .await?;
    let category = category.ok_or(CreateError::NoSuchCategory)?;
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
    .execute(&mut **transaction)
    .await
    .map_err(|error| taken(error, "products_slug", CreateError::SlugTaken))?;

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
    let inserted = variants.build().execute(&mut **transaction).await;
    inserted.map_err(|error| taken(error, "variants_sku", CreateError::SkuTaken))?;

    let mut stock = QueryBuilder::<MySql>::new("INSERT INTO inventory (variant_id, on_hand, reserved, updated_at) ");
    stock.push_values(product.variants.iter().zip(&ids), |mut row, (variant, variant_id)| {
        row.push_bind(*variant_id).push_bind(variant.on_hand).push_bind(0_i32).push_bind(now);
    });
    stock.build().execute(&mut **transaction).await?;
    Ok(())
}

/// `meaning` when the error is about a second row with the same value in this unique key.
fn taken(error: sqlx::Error, key: &str, meaning: CreateError) -> CreateError {
    const DUPLICATE_ENTRY: u16 = 1062;
    let refused = error.as_database_error().and_then(|error| error.try_downcast_ref::<MySqlDatabaseError>());
    // MySQL says 'products.products_slug', MariaDB 'products_slug'.
    match refused {
        Some(refused) if refused.number() == DUPLICATE_ENTRY && refused.message().contains(key) => meaning,
        _ => error.into(),
    }
}

/// Now, as precise as the columns are.
fn now() -> PrimitiveDateTime {
    let now = OffsetDateTime::now_utc();
    let now = now.replace_microsecond(now.microsecond()).unwrap_or(now);
    PrimitiveDateTime::new(now.date(), now.time())
}
