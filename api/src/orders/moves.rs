//! Taking an order from one state to another: the only code that changes an order's status.
//!
//! A move checks the table of states, changes the row if it is still as it was read, moves stock, and writes down who
//! moved it and why; all in the caller's transaction.

use jewel_journal::Actor;
use uuid::Uuid;

use super::{Status, model::Order, store};
use crate::{error::ApiError, inventory::stock, work::Work};

/// The longest reason that is kept, in characters.
const LONGEST_REASON: usize = 500;

/// Money that arrived for an order.
#[derive(Debug, Clone)]
pub(crate) struct Settlement {
    /// Who took it, such as `stripe` or `bank_transfer`.
    pub(crate) provider: String,
    /// The provider's name for it.
    pub(crate) reference: String,
    pub(crate) amount_minor: i64,
}

impl Settlement {
    fn name(&self) -> String {
        format!("{}:{}", self.provider, self.reference)
    }
}

/// Moves an order that was read with [`store::lock`].
///
/// # Errors
/// [`ApiError::WrongState`] when there is no such way, [`ApiError::OutOfStock`] when its items are no longer there.
pub(super) async fn to(work: &mut Work, order: &Order, status: Status, reason: &str) -> Result<(), ApiError> {
    let from = order.status;
    if !from.next().contains(&status) {
        return Err(ApiError::WrongState(format!("the order is {}", from.code())));
    }
    let outstanding = order.paid_at.is_some() && order.refunded_minor < order.total_minor;
    if status == Status::Cancelled && outstanding {
        return Err(ApiError::WrongState("the order is paid: refund it".to_owned()));
    }
    let now = work.now();
    let moved = sqlx::query(
        "UPDATE orders SET status = ?, expires_at = NULL, updated_at = ?, version = version + 1
         WHERE id = ? AND status = ?",
    )
    .bind(status.code())
    .bind(now)
    .bind(order.id)
    .bind(from.code())
    .execute(work.connection())
    .await?;
    if moved.rows_affected() != 1 {
        return Err(ApiError::Contended);
    }
    work.touch("orders", order.id);
    // Before a row is added: this can fail, and what is touched must be there when `late` goes on after that.
    if let Some(movement) = from.movement(status) {
        let items = store::items(work.connection(), order.id).await?;
        stock::shift(work, movement, &items).await?;
    }
    record(work, order.id, Some(from), status, reason).await
}

/// Writes into an order's history. What is no move has the same status twice.
pub(super) async fn record(
    work: &mut Work,
    order: Uuid,
    previous: Option<Status>,
    status: Status,
    reason: &str,
) -> Result<(), ApiError> {
    let (id, now) = (Uuid::now_v7(), work.now());
    let actor = match work.actor() {
        Actor::Visitor => "visitor".to_owned(),
        Actor::Customer(subject) => format!("customer:{subject}"),
        Actor::Admin(subject) => format!("admin:{subject}"),
        Actor::System(what) => format!("system:{what}"),
    };
    let reason: String = reason.chars().take(LONGEST_REASON).collect();
    sqlx::query(
        "INSERT INTO order_history (id, order_id, previous, status, actor, reason, created_at)
         VALUES (?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(id)
    .bind(order)
    .bind(previous.map(Status::code))
    .bind(status.code())
    .bind(actor)
    .bind(reason)
    .bind(now)
    .execute(work.connection())
    .await?;
    work.touch("order_history", id);
    Ok(())
}

/// Books money that arrived for an order. The same settlement again changes nothing.
///
/// An order that waited is paid. One that expired meanwhile gets its items back if they are still there; if not, or if
/// it was cancelled, it is `paid_out_of_stock`, for a person to decide. Further money for a paid order is written into
/// its history, for a person to give back.
///
/// # Errors
/// [`ApiError::NotFound`] without such an order, [`ApiError::WrongState`] when it is less than the order's total.
pub(crate) async fn settle(work: &mut Work, order: Uuid, settlement: Settlement) -> Result<(), ApiError> {
    let order = store::lock(work, order).await?;
    let name = settlement.name();
    if order.payment_reference.as_deref() == Some(name.as_str()) {
        return Ok(());
    }
    if settlement.amount_minor < order.total_minor {
        let short = format!("{} of {} is no full payment", settlement.amount_minor, order.total_minor);
        return Err(ApiError::WrongState(short));
    }
    let reason = format!("{name}: {} {}", settlement.amount_minor, order.currency);
    if order.paid_at.is_some() {
        return again(work, &order, &reason).await;
    }
    let now = work.now();
    sqlx::query(
        "UPDATE orders SET paid_at = ?, payment_reference = ?, updated_at = ?, version = version + 1 WHERE id = ?",
    )
    .bind(now)
    .bind(&name)
    .bind(now)
    .bind(order.id)
    .execute(work.connection())
    .await?;
    work.touch("orders", order.id);
    match order.status {
        Status::PendingPayment | Status::Confirmed => to(work, &order, Status::Paid, &reason).await,
        Status::Expired => late(work, &order, &reason).await,
        Status::Cancelled => to(work, &order, Status::PaidOutOfStock, &reason).await,
        // Paid at the door, or before it but after it was packed.
        status => record(work, order.id, Some(status), status, &reason).await,
    }
}

/// The items again, if they are there.
async fn late(work: &mut Work, order: &Order, reason: &str) -> Result<(), ApiError> {
    sqlx::raw_sql("SAVEPOINT items").execute(work.connection()).await?;
    match to(work, order, Status::Paid, reason).await {
        Err(ApiError::OutOfStock { .. }) => {
            sqlx::raw_sql("ROLLBACK TO SAVEPOINT items").execute(work.connection()).await?;
            to(work, order, Status::PaidOutOfStock, reason).await
        }
        other => other,
    }
}

/// Money for an order that is paid. Told once however often it is sent.
async fn again(work: &mut Work, order: &Order, reason: &str) -> Result<(), ApiError> {
    let reason = format!("paid again, to be given back: {reason}");
    let told: Option<i64> = sqlx::query_scalar("SELECT 1 FROM order_history WHERE order_id = ? AND reason = ? LIMIT 1")
        .bind(order.id)
        .bind(&reason)
        .fetch_optional(work.connection())
        .await?;
    if told.is_some() {
        return Ok(());
    }
    tracing::warn!(order = %order.id, "an order was paid again");
    record(work, order.id, Some(order.status), order.status, &reason).await
}

/// Writes down that a payment did not go through. The order stays as it is, so that the buyer can try again until it
/// expires.
pub(crate) async fn payment_failed(work: &mut Work, order: Uuid, reason: &str) -> Result<(), ApiError> {
    let order = store::lock(work, order).await?;
    if order.status != Status::PendingPayment {
        return Ok(());
    }
    record(work, order.id, Some(order.status), order.status, &format!("the payment failed: {reason}")).await
}

/// Books money that was given back, in addition to what was before. When that is all, the order is `refunded`, and
/// what had not been shipped can be sold again.
///
/// # Errors
/// [`ApiError::WrongState`] when the order is not paid, or more is given back than was paid.
pub(crate) async fn refunded(work: &mut Work, order: Uuid, amount_minor: i64, reason: &str) -> Result<(), ApiError> {
    let order = store::lock(work, order).await?;
    if order.paid_at.is_none() {
        return Err(ApiError::WrongState("the order is not paid".to_owned()));
    }
    let left = order.total_minor - order.refunded_minor;
    if amount_minor < 1 || amount_minor > left {
        return Err(ApiError::WrongState(format!("at most {left} can be given back")));
    }
    let now = work.now();
    sqlx::query(
        "UPDATE orders SET refunded_minor = refunded_minor + ?, updated_at = ?, version = version + 1 WHERE id = ?",
    )
    .bind(amount_minor)
    .bind(now)
    .bind(order.id)
    .execute(work.connection())
    .await?;
    work.touch("orders", order.id);
    let reason = format!("{amount_minor} {} given back: {reason}", order.currency);
    if amount_minor == left && order.status.next().contains(&Status::Refunded) {
        to(work, &order, Status::Refunded, &reason).await
    } else {
        record(work, order.id, Some(order.status), order.status, &reason).await
    }
}
