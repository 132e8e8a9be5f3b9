//! The SQL of variants, and of the lowest price among them, which their product keeps.

use sqlx::{FromRow, MySqlPool};
use uuid::Uuid;

use super::model::{AdminVariant, NewVariant, Status, VariantChange};
use crate::{
    admin::{
        products::{model::MOST_VARIANTS, store::held},
        rules::taken,
    },
    catalogue::{show, store::VariantRow},
    error::ApiError,
    http::version::IfMatch,
    work::Work,
};

#[derive(FromRow)]
struct Row {
    #[sqlx(flatten)]
    shown: VariantRow,
    on_hand: i32,
    reserved: i32,
    position: i32,
    status: String,
    version: i64,
}

const VARIANTS: &str = "
    SELECT v.id, v.sku, v.metal, v.stone, v.ring_size, v.price_minor,
        CAST(COALESCE(s.on_hand - s.reserved, 0) AS SIGNED) AS available,
        COALESCE(s.on_hand, 0) AS on_hand, COALESCE(s.reserved, 0) AS reserved, v.position, v.status, v.version
    FROM variants v LEFT JOIN inventory s ON s.variant_id = v.id
    WHERE v.product_id = ? ORDER BY v.position, v.id";

/// A product's variants, archived ones included, in order.
pub(crate) async fn of_product(
    pool: &MySqlPool,
    product: Uuid,
    currency: &str,
) -> Result<Vec<AdminVariant>, sqlx::Error> {
    let rows: Vec<Row> = sqlx::query_as(VARIANTS).bind(product).fetch_all(pool).await?;
    let one = |row: Row| AdminVariant {
        variant: show::variant(row.shown, currency),
        on_hand: row.on_hand,
        reserved: row.reserved,
        position: row.position,
        status: Status::from_word(&row.status),
        version: row.version,
    };
    Ok(rows.into_iter().map(one).collect())
}

/// Adds a variant to a product, after the others, with its stock.
pub(crate) async fn add(work: &mut Work, (product, variant): &(Uuid, NewVariant)) -> Result<(), ApiError> {
    held(work, *product).await?;
    let (count, position): (i64, i32) = sqlx::query_as(
        "SELECT COUNT(*), CAST(COALESCE(MAX(position) + 1, 0) AS SIGNED) FROM variants WHERE product_id = ?",
    )
    .bind(product)
    .fetch_one(work.connection())
    .await?;
    if usize::try_from(count).is_ok_and(|count| count >= MOST_VARIANTS) {
        return Err(ApiError::WrongState(format!("a product has at most {MOST_VARIANTS} variants")));
    }
    let (id, now) = (Uuid::now_v7(), work.now());
    sqlx::query(
        "INSERT INTO variants
            (id, product_id, position, sku, metal, stone, ring_size, price_minor, created_at, updated_at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(id)
    .bind(product)
    .bind(position)
    .bind(&variant.sku)
    .bind(&variant.metal)
    .bind(&variant.stone)
    .bind(&variant.ring_size)
    .bind(variant.price_minor)
    .bind(now)
    .bind(now)
    .execute(work.connection())
    .await
    .map_err(|error| taken(error, "variants_sku", "sku", "is taken"))?;
    work.touch("variants", id);
    sqlx::query("INSERT INTO inventory (variant_id, on_hand, reserved, updated_at) VALUES (?, ?, 0, ?)")
        .bind(id)
        .bind(variant.on_hand)
        .bind(now)
        .execute(work.connection())
        .await?;
    work.touch("inventory", id);
    price(work, *product).await
}

/// Changes a variant, and returns its product.
pub(crate) async fn replace(
    work: &mut Work,
    (id, known, change): &(Uuid, IfMatch, VariantChange),
) -> Result<Uuid, ApiError> {
    let product: Option<Uuid> = sqlx::query_scalar("SELECT product_id FROM variants WHERE id = ?")
        .bind(id)
        .fetch_optional(work.connection())
        .await?;
    // It never goes to another product, so it is this one that has to be held.
    let product = product.ok_or(ApiError::NotFound)?;
    held(work, product).await?;
    let version: i64 = sqlx::query_scalar("SELECT version FROM variants WHERE id = ? FOR UPDATE")
        .bind(id)
        .fetch_one(work.connection())
        .await?;
    known.check(version)?;
    let now = work.now();
    sqlx::query(
        "UPDATE variants SET metal = ?, stone = ?, ring_size = ?, price_minor = ?, position = ?, status = ?,
            updated_at = ?, version = version + 1 WHERE id = ?",
    )
    .bind(&change.metal)
    .bind(&change.stone)
    .bind(&change.ring_size)
    .bind(change.price_minor)
    .bind(change.position)
    .bind(change.status.word())
    .bind(now)
    .bind(id)
    .execute(work.connection())
    .await?;
    work.touch("variants", *id);
    price(work, product).await?;
    Ok(product)
}

/// The lowest price among a product's variants on sale.
pub(crate) async fn lowest_price(work: &mut Work, product: Uuid) -> Result<Option<i64>, ApiError> {
    let lowest = sqlx::query_scalar("SELECT MIN(price_minor) FROM variants WHERE product_id = ? AND status = 'active'");
    Ok(lowest.bind(product).fetch_one(work.connection()).await?)
}

/// Writes that price into the product, which this transaction holds.
async fn price(work: &mut Work, id: Uuid) -> Result<(), ApiError> {
    let product = held(work, id).await?;
    let Some(lowest) = lowest_price(work, id).await? else {
        return if product.status == "active" {
            Err(ApiError::WrongState("it is the last variant on sale: archive the product".to_owned()))
        } else {
            Ok(())
        };
    };
    if lowest != product.price_from_minor {
        let now = work.now();
        sqlx::query("UPDATE products SET price_from_minor = ?, updated_at = ?, version = version + 1 WHERE id = ?")
            .bind(lowest)
            .bind(now)
            .bind(id)
            .execute(work.connection())
            .await?;
        work.touch("products", id);
    }
    Ok(())
}
