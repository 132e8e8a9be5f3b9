//! The movements of stock, each one guarded statement: whatever was read before, the row decides.
//!
//! `reserved` is promised to orders, `on_hand` lies in the safe. A variant's row is locked from its movement until the
//! transaction ends, so the movements come late in it, and in the order of the ids: that way two never wait for each other.

use uuid::Uuid;

use crate::{
    error::{ApiError, Shortage},
    work::Work,
};

/// The end of what every change of a stock sets. The assignments before it count: MySQL and MariaDB make them in order.
macro_rules! note_low {
    () => {
        ", maybe_low = (on_hand - reserved <= low_stock), updated_at = ?, version = version + 1"
    };
}
pub(super) use note_low;

/// So many of a variant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, sqlx::FromRow)]
pub(crate) struct Item {
    pub(crate) variant_id: Uuid,
    pub(crate) quantity: i32,
}

/// What happens to the stock of an order's items.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Movement {
    /// They are promised: nobody else can buy them.
    Reserve,
    /// The promise ends, and anybody can.
    Release,
    /// They leave the house.
    Take,
}

/// Moves all of these, or fails and leaves the transaction to be rolled back.
///
/// # Errors
/// [`ApiError::OutOfStock`] with everything there is not enough of.
pub(crate) async fn shift(work: &mut Work, movement: Movement, items: &[Item]) -> Result<(), ApiError> {
    let statement = match movement {
        Movement::Reserve => {
            concat!(
                "UPDATE inventory SET reserved = reserved + ?",
                note_low!(),
                " WHERE variant_id = ? AND on_hand - reserved >= ?"
            )
        }
        Movement::Release => {
            concat!(
                "UPDATE inventory SET reserved = reserved - ?",
                note_low!(),
                " WHERE variant_id = ? AND reserved >= ?"
            )
        }
        Movement::Take => {
            concat!(
                "UPDATE inventory SET reserved = reserved - ?, on_hand = on_hand - ?",
                note_low!(),
                " WHERE variant_id = ? AND reserved >= ?"
            )
        }
    };
    let mut items = items.to_vec();
    items.sort_unstable();
    let (mut shortages, now) = (Vec::new(), work.now());
    for Item { variant_id, quantity } in items {
        let mut update = sqlx::query(statement).bind(quantity);
        if movement == Movement::Take {
            update = update.bind(quantity);
        }
        let moved = update.bind(now).bind(variant_id).bind(quantity).execute(work.connection()).await?;
        if moved.rows_affected() == 1 {
            work.touch("inventory", variant_id);
        } else if movement == Movement::Reserve {
            shortages.push(shortage(work, variant_id, quantity).await?);
        } else {
            return Err(ApiError::Internal(format!("{variant_id}: less is reserved than {movement:?} needs").into()));
        }
    }
    if shortages.is_empty() { Ok(()) } else { Err(ApiError::OutOfStock { shortages }) }
}

async fn shortage(work: &mut Work, variant: Uuid, requested: i32) -> Result<Shortage, ApiError> {
    let there: Option<(String, i64)> = sqlx::query_as(
        "SELECT v.sku, CAST(COALESCE(s.on_hand - s.reserved, 0) AS SIGNED)
         FROM variants v LEFT JOIN inventory s ON s.variant_id = v.id WHERE v.id = ?",
    )
    .bind(variant)
    .fetch_optional(work.connection())
    .await?;
    let (sku, available) = there.unwrap_or_default();
    let available = i32::try_from(available).unwrap_or_default();
    Ok(Shortage { variant_id: variant, sku, requested, available })
}
