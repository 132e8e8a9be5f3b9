//! The SQL of refunds.

use sqlx::MySqlPool;
use time::PrimitiveDateTime;
use uuid::Uuid;

use crate::{error::ApiError, payments::model::Refund, work::Work};

/// Begins every query that reads refunds.
macro_rules! select_refunds {
    ($rest:literal) => {
        concat!(
            "SELECT id, payment_id, order_id, attempt, provider_reference, state, amount_minor, currency, reason, failure,
                check_at, created_at FROM refunds ",
            $rest
        )
    };
}

/// A refund, which nobody else changes before this transaction ends.
pub(crate) async fn lock(work: &mut Work, id: Uuid) -> Result<Option<Refund>, sqlx::Error> {
    sqlx::query_as(select_refunds!("WHERE id = ? FOR UPDATE")).bind(id).fetch_optional(work.connection()).await
}

/// The refund that the provider calls so, locked.
pub(crate) async fn lock_named(work: &mut Work, reference: &str) -> Result<Option<Refund>, sqlx::Error> {
    sqlx::query_as(select_refunds!("WHERE provider_reference = ? FOR UPDATE"))
        .bind(reference)
        .fetch_optional(work.connection())
        .await
}

/// All refunds of an order, the first one first.
pub(crate) async fn of_order(pool: &MySqlPool, order: Uuid) -> Result<Vec<Refund>, sqlx::Error> {
    sqlx::query_as(select_refunds!("WHERE order_id = ? ORDER BY id")).bind(order).fetch_all(pool).await
}

/// Refunds to ask the provider about: those whose time has come by then, the most overdue first.
pub(crate) async fn due(pool: &MySqlPool, by: PrimitiveDateTime, limit: u32) -> Result<Vec<Refund>, sqlx::Error> {
    sqlx::query_as(select_refunds!("WHERE check_at <= ? ORDER BY check_at, id LIMIT ?"))
        .bind(by)
        .bind(limit)
        .fetch_all(pool)
        .await
}

/// Writes a refund that is new.
pub(crate) async fn insert(work: &mut Work, refund: &Refund) -> Result<(), ApiError> {
    sqlx::query(
        "INSERT INTO refunds (id, payment_id, order_id, attempt, state, amount_minor, currency, reason, check_at,
            created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(refund.id)
    .bind(refund.payment_id)
    .bind(refund.order_id)
    .bind(refund.attempt)
    .bind(refund.state.code())
    .bind(refund.amount_minor)
    .bind(&refund.currency)
    .bind(&refund.reason)
    .bind(refund.check_at)
    .bind(refund.created_at)
    .bind(refund.created_at)
    .execute(work.connection())
    .await
    .map_err(super::met_another)?;
    work.touch("refunds", refund.id);
    Ok(())
}

/// Writes a refund that was read locked.
pub(crate) async fn save(work: &mut Work, refund: &Refund) -> Result<(), ApiError> {
    let now = work.now();
    sqlx::query(
        "UPDATE refunds SET attempt = ?, provider_reference = ?, state = ?, failure = ?, check_at = ?, updated_at = ?,
            version = version + 1 WHERE id = ?",
    )
    .bind(refund.attempt)
    .bind(&refund.provider_reference)
    .bind(refund.state.code())
    .bind(&refund.failure)
    .bind(refund.check_at)
    .bind(now)
    .bind(refund.id)
    .execute(work.connection())
    .await
    .map_err(super::met_another)?;
    work.touch("refunds", refund.id);
    Ok(())
}
