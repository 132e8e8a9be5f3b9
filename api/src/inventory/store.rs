//! The SQL of stock lists and corrections.

use sqlx::{FromRow, MySql, MySqlConnection, QueryBuilder};
use time::PrimitiveDateTime;
use uuid::Uuid;

use super::{
    model::{Correction, Stock, StockListing},
    stock::note_low,
};
use crate::{
    error::ApiError,
    idempotency::{Claim, Intent},
    work::Work,
};

/// A correction with all that is needed to make it.
pub(super) struct Correcting {
    pub(super) variant: Uuid,
    pub(super) correction: Correction,
    pub(super) author: String,
    pub(super) intent: Option<Intent>,
}

#[derive(Debug, FromRow)]
pub(super) struct AdjustmentRow {
    pub(super) id: Uuid,
    pub(super) delta: i32,
    pub(super) on_hand: i32,
    pub(super) reason: String,
    pub(super) author: String,
    pub(super) created_at: PrimitiveDateTime,
}

const STOCK: &str = "SELECT s.variant_id, v.sku, p.name, s.on_hand, s.reserved, s.low_stock FROM ";

const PRODUCTS: &str = " STRAIGHT_JOIN products p ON p.id = v.product_id WHERE ";

/// All stocks in the order of their names, along the index of those.
const BY_NAME: &str = "variants v FORCE INDEX (variants_sku) STRAIGHT_JOIN inventory s ON s.variant_id = v.id";

/// Those that may be low. They are few, and sorted afterwards.
const MAYBE_LOW: &str = "inventory s FORCE INDEX (inventory_low) STRAIGHT_JOIN variants v ON v.id = s.variant_id";

/// One page, and one row more if there is one.
pub(super) async fn list(connection: &mut MySqlConnection, listing: &StockListing) -> Result<Vec<Stock>, sqlx::Error> {
    let mut query = QueryBuilder::<MySql>::new(STOCK);
    query.push(if listing.low_only { MAYBE_LOW } else { BY_NAME });
    query.push(PRODUCTS).push("v.sku > ").push_bind(listing.after.clone());
    if listing.low_only {
        query.push(" AND s.maybe_low = 1 AND s.on_hand - s.reserved <= s.low_stock");
    }
    query.push(" ORDER BY v.sku LIMIT ").push_bind(listing.limit + 1);
    query.build_query_as().fetch_all(connection).await
}

/// The stock of one variant.
pub(super) async fn find(connection: &mut MySqlConnection, variant: Uuid) -> Result<Option<Stock>, sqlx::Error> {
    let mut query = QueryBuilder::<MySql>::new(STOCK);
    query.push("inventory s STRAIGHT_JOIN variants v ON v.id = s.variant_id").push(PRODUCTS);
    query.push("s.variant_id = ").push_bind(variant);
    query.build_query_as().fetch_optional(connection).await
}

/// Corrects a stock, and writes down who did it and why.
///
/// # Errors
/// [`ApiError::WrongState`] when less would be left than is promised to orders.
pub(super) async fn correct(work: &mut Work, correcting: &Correcting) -> Result<(), ApiError> {
    let Correcting { variant, correction, author, intent } = correcting;
    let (id, now) = (Uuid::now_v7(), work.now());
    if let Some(intent) = intent
        && intent.claim(work, id).await? != Claim::New
    {
        return Ok(());
    }
    let before: Option<(i32, i32)> =
        sqlx::query_as("SELECT on_hand, reserved FROM inventory WHERE variant_id = ? FOR UPDATE")
            .bind(variant)
            .fetch_optional(work.connection())
            .await?;
    let (on_hand, reserved) = before.ok_or(ApiError::NotFound)?;
    let after = correction.set.unwrap_or_else(|| on_hand.saturating_add(correction.delta.unwrap_or_default()));
    let refused = || ApiError::WrongState(format!("there are {on_hand}, of which {reserved} are promised to orders"));
    if after < reserved || after < 0 {
        return Err(refused());
    }
    let updated = sqlx::query(concat!(
        "UPDATE inventory SET on_hand = ?",
        note_low!(),
        " WHERE variant_id = ? AND reserved <= ?"
    ))
    .bind(after)
    .bind(now)
    .bind(variant)
    .bind(after)
    .execute(work.connection())
    .await?;
    if updated.rows_affected() != 1 {
        return Err(refused());
    }
    sqlx::query(
        "INSERT INTO inventory_adjustments (id, variant_id, delta, on_hand, reason, author, created_at)
         VALUES (?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(id)
    .bind(variant)
    .bind(after - on_hand)
    .bind(after)
    .bind(&correction.reason)
    .bind(author)
    .bind(now)
    .execute(work.connection())
    .await?;
    work.touch("inventory", *variant);
    work.touch("inventory_adjustments", id);
    Ok(())
}

/// Sets at how many left somebody should look.
pub(super) async fn set_threshold(work: &mut Work, variant: Uuid, low_stock: i32) -> Result<(), ApiError> {
    let now = work.now();
    let updated = sqlx::query(concat!("UPDATE inventory SET low_stock = ?", note_low!(), " WHERE variant_id = ?"))
        .bind(low_stock)
        .bind(now)
        .bind(variant)
        .execute(work.connection())
        .await?;
    if updated.rows_affected() != 1 {
        return Err(ApiError::NotFound);
    }
    work.touch("inventory", variant);
    Ok(())
}

/// The corrections of a variant's stock, from the newest on.
pub(super) async fn adjustments(
    connection: &mut MySqlConnection,
    variant: Uuid,
    after: Option<Uuid>,
    limit: u32,
) -> Result<Vec<AdjustmentRow>, sqlx::Error> {
    sqlx::query_as(
        "SELECT id, delta, on_hand, reason, author, created_at FROM inventory_adjustments
         WHERE variant_id = ? AND id < ? ORDER BY id DESC LIMIT ?",
    )
    .bind(variant)
    .bind(after.unwrap_or(Uuid::max()))
    .bind(limit)
    .fetch_all(connection)
    .await
}
