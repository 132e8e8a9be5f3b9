//! The SQL of payments and of the provider's messages. That of refunds is in `refunds`.
//!
//! A payment is changed by reading it locked, changing what was read, and saving it. What was given back is not a part
//! of that: it changes in guarded statements of its own.

pub(super) mod refunds;

use sqlx::{MySqlConnection, MySqlPool};
use time::PrimitiveDateTime;
use uuid::Uuid;

use super::{
    model::{Payment, PaymentState},
    provider::Message,
};
use crate::{error::ApiError, work::Work};

/// Begins every query that reads payments.
macro_rules! select_payments {
    ($rest:literal) => {
        concat!(
            "SELECT id, order_id, attempt, provider, provider_reference, state, amount_minor, currency, received_minor,
                refunded_minor, failure, flag, flagged_at, check_at, created_at, updated_at FROM payments ",
            $rest
        )
    };
}

/// The last payment of an order.
pub(super) async fn latest(pool: &MySqlPool, order: Uuid) -> Result<Option<Payment>, sqlx::Error> {
    sqlx::query_as(select_payments!("WHERE order_id = ? ORDER BY attempt DESC LIMIT 1"))
        .bind(order)
        .fetch_optional(pool)
        .await
}

/// The last payment of an order, which nobody else changes before this transaction ends.
pub(super) async fn lock_latest(work: &mut Work, order: Uuid) -> Result<Option<Payment>, sqlx::Error> {
    sqlx::query_as(select_payments!("WHERE order_id = ? ORDER BY attempt DESC LIMIT 1 FOR UPDATE"))
        .bind(order)
        .fetch_optional(work.connection())
        .await
}

/// The payment of an order that paid for it, locked.
pub(super) async fn lock_paid(work: &mut Work, order: Uuid) -> Result<Option<Payment>, sqlx::Error> {
    sqlx::query_as(select_payments!("WHERE order_id = ? AND state = 'succeeded' ORDER BY attempt LIMIT 1 FOR UPDATE"))
        .bind(order)
        .fetch_optional(work.connection())
        .await
}

/// A payment, locked.
pub(super) async fn lock(work: &mut Work, id: Uuid) -> Result<Option<Payment>, sqlx::Error> {
    sqlx::query_as(select_payments!("WHERE id = ? FOR UPDATE")).bind(id).fetch_optional(work.connection()).await
}

/// The payment that the provider calls so, locked.
pub(super) async fn lock_named(
    work: &mut Work,
    provider: &str,
    reference: &str,
) -> Result<Option<Payment>, sqlx::Error> {
    sqlx::query_as(select_payments!("WHERE provider = ? AND provider_reference = ? FOR UPDATE"))
        .bind(provider)
        .bind(reference)
        .fetch_optional(work.connection())
        .await
}

/// Whether another payment of the order has paid for it. The order must be locked: then nothing changes about it.
pub(super) async fn is_paid_by_another(work: &mut Work, payment: &Payment) -> Result<bool, sqlx::Error> {
    let other: Option<i64> = sqlx::query_scalar(
        "SELECT 1 FROM payments WHERE order_id = ? AND state = 'succeeded' AND id <> ? LIMIT 1 LOCK IN SHARE MODE",
    )
    .bind(payment.order_id)
    .bind(payment.id)
    .fetch_optional(work.connection())
    .await?;
    Ok(other.is_some())
}

/// All payments of an order, the first one first.
pub(super) async fn of_order(pool: &MySqlPool, order: Uuid) -> Result<Vec<Payment>, sqlx::Error> {
    sqlx::query_as(select_payments!("WHERE order_id = ? ORDER BY attempt")).bind(order).fetch_all(pool).await
}

/// Payments that a person has to look at, the longest waiting first.
pub(super) async fn flagged(
    pool: &MySqlPool,
    after: Option<(PrimitiveDateTime, Uuid)>,
    limit: u32,
) -> Result<Vec<Payment>, sqlx::Error> {
    let query = match after {
        None => sqlx::query_as(select_payments!("WHERE flagged_at IS NOT NULL ORDER BY flagged_at, id LIMIT ?")),
        Some((at, id)) => sqlx::query_as(select_payments!(
            "WHERE flagged_at >= ? AND (flagged_at > ? OR id > ?) ORDER BY flagged_at, id LIMIT ?"
        ))
        .bind(at)
        .bind(at)
        .bind(id),
    };
    query.bind(limit).fetch_all(pool).await
}

/// Payments to ask the provider about: those whose time has come by then, the most overdue first.
pub(super) async fn due(pool: &MySqlPool, by: PrimitiveDateTime, limit: u32) -> Result<Vec<Payment>, sqlx::Error> {
    sqlx::query_as(select_payments!("WHERE check_at <= ? ORDER BY check_at, id LIMIT ?"))
        .bind(by)
        .bind(limit)
        .fetch_all(pool)
        .await
}

/// Writes a payment that is new.
pub(super) async fn insert(work: &mut Work, payment: &Payment) -> Result<(), ApiError> {
    sqlx::query(
        "INSERT INTO payments (id, order_id, attempt, provider, provider_reference, state, amount_minor, currency,
            received_minor, failure, flag, flagged_at, check_at, created_at, updated_at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(payment.id)
    .bind(payment.order_id)
    .bind(payment.attempt)
    .bind(&payment.provider)
    .bind(&payment.provider_reference)
    .bind(payment.state.code())
    .bind(payment.amount_minor)
    .bind(&payment.currency)
    .bind(payment.received_minor)
    .bind(&payment.failure)
    .bind(&payment.flag)
    .bind(payment.flagged_at)
    .bind(payment.check_at)
    .bind(payment.created_at)
    .bind(payment.updated_at)
    .execute(work.connection())
    .await
    .map_err(met_another)?;
    work.touch("payments", payment.id);
    Ok(())
}

/// Writes a payment that was read locked.
pub(super) async fn save(work: &mut Work, payment: &Payment) -> Result<(), ApiError> {
    let now = work.now();
    sqlx::query(
        "UPDATE payments SET attempt = ?, provider_reference = ?, state = ?, received_minor = ?, failure = ?, flag = ?,
            flagged_at = ?, check_at = ?, updated_at = ?, version = version + 1 WHERE id = ?",
    )
    .bind(payment.attempt)
    .bind(&payment.provider_reference)
    .bind(payment.state.code())
    .bind(payment.received_minor)
    .bind(&payment.failure)
    .bind(&payment.flag)
    .bind(payment.flagged_at)
    .bind(payment.check_at)
    .bind(now)
    .bind(payment.id)
    .execute(work.connection())
    .await
    .map_err(met_another)?;
    work.touch("payments", payment.id);
    Ok(())
}

/// Takes so much of a payment for a refund, if so much is left of it.
pub(super) async fn set_aside(work: &mut Work, payment: Uuid, amount_minor: i64) -> Result<bool, ApiError> {
    let now = work.now();
    let taken = sqlx::query(
        "UPDATE payments SET refunded_minor = refunded_minor + ?, updated_at = ?, version = version + 1
         WHERE id = ? AND state IN ('succeeded', 'mismatched', 'surplus') AND received_minor - refunded_minor >= ?",
    )
    .bind(amount_minor)
    .bind(now)
    .bind(payment)
    .bind(amount_minor)
    .execute(work.connection())
    .await?;
    work.touch("payments", payment);
    Ok(taken.rows_affected() == 1)
}

/// Puts back what was set aside for a refund that did not work.
pub(super) async fn put_back(work: &mut Work, payment: Uuid, amount_minor: i64) -> Result<(), ApiError> {
    let now = work.now();
    sqlx::query(
        "UPDATE payments SET refunded_minor = refunded_minor - ?, updated_at = ?, version = version + 1 WHERE id = ?",
    )
    .bind(amount_minor)
    .bind(now)
    .bind(payment)
    .execute(work.connection())
    .await?;
    work.touch("payments", payment);
    Ok(())
}

/// Raises what was given back to what the provider says; false when that is known.
pub(super) async fn raise_refunded(work: &mut Work, payment: Uuid, total_minor: i64) -> Result<bool, ApiError> {
    let now = work.now();
    let raised = sqlx::query(
        "UPDATE payments SET refunded_minor = ?, updated_at = ?, version = version + 1
         WHERE id = ? AND refunded_minor < ?",
    )
    .bind(total_minor)
    .bind(now)
    .bind(payment)
    .bind(total_minor)
    .execute(work.connection())
    .await?;
    work.touch("payments", payment);
    Ok(raised.rows_affected() == 1)
}

/// What became of a message that comes again.
pub(super) struct Repeated {
    /// The journal's event of what it did when it came first.
    pub(super) event: Uuid,
}

/// Writes down that a message came. One that came before is left alone.
pub(super) async fn first_time(
    work: &mut Work,
    id: Uuid,
    provider: &str,
    message: &Message,
    about: &str,
) -> Result<Option<Repeated>, ApiError> {
    let (event, now) = (work.event_id(), work.now());
    let inserted = sqlx::query(
        "INSERT INTO webhook_events (id, provider, provider_reference, kind, about_reference, outcome, event_id, created_at)
         VALUES (?, ?, ?, ?, ?, 'received', ?, ?)",
    )
    .bind(id)
    .bind(provider)
    .bind(&message.reference)
    .bind(&message.kind)
    .bind(about)
    .bind(event)
    .bind(now)
    .execute(work.connection())
    .await;
    match inserted {
        Ok(_) => {
            work.touch("webhook_events", id);
            Ok(None)
        }
        Err(error) if is_duplicate(&error) => {
            let event = sqlx::query_scalar("SELECT event_id FROM webhook_events WHERE id = ?")
                .bind(id)
                .fetch_one(work.connection())
                .await?;
            Ok(Some(Repeated { event }))
        }
        Err(error) => Err(error.into()),
    }
}

/// Writes down what came of a message.
pub(super) async fn conclude(connection: &mut MySqlConnection, id: Uuid, outcome: &str) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE webhook_events SET outcome = ?, version = version + 1 WHERE id = ?")
        .bind(outcome)
        .bind(id)
        .execute(connection)
        .await?;
    Ok(())
}

/// Another transaction wrote the same row first: the next try reads it.
fn met_another(error: sqlx::Error) -> ApiError {
    if is_duplicate(&error) { ApiError::Contended } else { error.into() }
}

fn is_duplicate(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(|error| error.is_unique_violation())
}

/// A payment of an order that nobody has heard of yet.
pub(super) fn new(
    order: &crate::orders::Order,
    provider: &str,
    attempt: i32,
    state: PaymentState,
    now: PrimitiveDateTime,
) -> Payment {
    Payment {
        id: Uuid::now_v7(),
        order_id: order.id,
        attempt,
        provider: provider.to_owned(),
        provider_reference: None,
        state,
        amount_minor: order.total_minor,
        currency: order.currency.clone(),
        received_minor: 0,
        refunded_minor: 0,
        failure: None,
        flag: None,
        flagged_at: None,
        check_at: None,
        created_at: now,
        updated_at: now,
    }
}
