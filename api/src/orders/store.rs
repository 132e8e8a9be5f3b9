//! Reading orders.

use sqlx::{FromRow, MySql, MySqlConnection, QueryBuilder};
use time::PrimitiveDateTime;
use uuid::Uuid;

use super::{Status, model::Order};
use crate::{error::ApiError, inventory::stock::Item, work::Work};

/// The columns of an [`Order`].
macro_rules! order_columns {
    () => {
        "id, number, customer, email, address, status, currency, items_minor, shipping_minor, total_minor, tax_name,
         tax_basis_points, tax_minor, shipping_method, payment_method, payment_reference, paid_at, refunded_minor,
         carrier, tracking, expires_at, document, created_at"
    };
}

/// The order with this id.
pub(crate) async fn find(connection: &mut MySqlConnection, id: Uuid) -> Result<Option<Order>, sqlx::Error> {
    sqlx::query_as(concat!("SELECT ", order_columns!(), " FROM orders WHERE id = ?"))
        .bind(id)
        .fetch_optional(connection)
        .await
}

/// The order with this id, which nobody else changes before this transaction ends.
pub(crate) async fn lock(work: &mut Work, id: Uuid) -> Result<Order, ApiError> {
    let order: Option<Order> =
        sqlx::query_as(concat!("SELECT ", order_columns!(), " FROM orders WHERE id = ? FOR UPDATE"))
            .bind(id)
            .fetch_optional(work.connection())
            .await?;
    order.ok_or(ApiError::NotFound)
}

/// What an order has of each variant.
pub(crate) async fn items(connection: &mut MySqlConnection, order: Uuid) -> Result<Vec<Item>, sqlx::Error> {
    sqlx::query_as("SELECT variant_id, quantity FROM order_lines WHERE order_id = ? ORDER BY position")
        .bind(order)
        .fetch_all(connection)
        .await
}

/// A line of an order.
#[derive(Debug, FromRow)]
pub(crate) struct LineRow {
    pub(crate) variant_id: Uuid,
    pub(crate) sku: String,
    pub(crate) name: String,
    pub(crate) details: String,
    pub(crate) price_minor: i64,
    pub(crate) quantity: i32,
}

/// A step of an order.
#[derive(Debug, FromRow)]
pub(crate) struct HistoryRow {
    pub(crate) previous: Option<String>,
    #[sqlx(try_from = "String")]
    pub(crate) status: Status,
    pub(crate) actor: String,
    pub(crate) reason: String,
    pub(crate) created_at: PrimitiveDateTime,
}

/// An order in a list.
#[derive(Debug, FromRow)]
pub(crate) struct SummaryRow {
    pub(crate) id: Uuid,
    pub(crate) number: String,
    #[sqlx(try_from = "String")]
    pub(crate) status: Status,
    pub(crate) currency: String,
    pub(crate) total_minor: i64,
    pub(crate) created_at: PrimitiveDateTime,
}

/// An order's lines.
pub(crate) async fn lines(connection: &mut MySqlConnection, order: Uuid) -> Result<Vec<LineRow>, sqlx::Error> {
    sqlx::query_as(
        "SELECT variant_id, sku, name, details, price_minor, quantity FROM order_lines
         WHERE order_id = ? ORDER BY position",
    )
    .bind(order)
    .fetch_all(connection)
    .await
}

/// An order's steps.
pub(crate) async fn history(connection: &mut MySqlConnection, order: Uuid) -> Result<Vec<HistoryRow>, sqlx::Error> {
    sqlx::query_as(
        "SELECT previous, status, actor, reason, created_at FROM order_history WHERE order_id = ? ORDER BY id",
    )
    .bind(order)
    .fetch_all(connection)
    .await
}

/// Whose orders, or which.
#[derive(Debug, Clone)]
pub(crate) enum Which {
    OfCustomer(String),
    In(Status),
    All,
}

/// Orders from the newest on, after this one. Ids grow with time.
pub(crate) async fn list(
    connection: &mut MySqlConnection,
    which: &Which,
    after: Option<Uuid>,
    limit: u32,
) -> Result<Vec<SummaryRow>, sqlx::Error> {
    let mut query = QueryBuilder::<MySql>::new(
        "SELECT id, number, status, currency, total_minor, created_at FROM orders WHERE id < ",
    );
    query.push_bind(after.unwrap_or(Uuid::max()));
    match which {
        Which::OfCustomer(customer) => query.push(" AND customer = ").push_bind(customer.clone()),
        Which::In(status) => query.push(" AND status = ").push_bind(status.code()),
        Which::All => query.push(""),
    };
    query.push(" ORDER BY id DESC LIMIT ").push_bind(limit);
    query.build_query_as().fetch_all(connection).await
}

/// Orders that nobody paid in time, the longest overdue first.
pub(crate) async fn overdue(
    connection: &mut MySqlConnection,
    now: PrimitiveDateTime,
    limit: u32,
) -> Result<Vec<Uuid>, sqlx::Error> {
    sqlx::query_scalar(
        "SELECT id FROM orders WHERE status = 'pending_payment' AND expires_at <= ? ORDER BY expires_at LIMIT ?",
    )
    .bind(now)
    .bind(limit)
    .fetch_all(connection)
    .await
}

/// How an order travels.
pub(crate) async fn dispatch(
    work: &mut Work,
    order: Uuid,
    carrier: &str,
    tracking: Option<&str>,
) -> Result<(), ApiError> {
    let now = work.now();
    sqlx::query("UPDATE orders SET carrier = ?, tracking = ?, updated_at = ?, version = version + 1 WHERE id = ?")
        .bind(carrier)
        .bind(tracking)
        .bind(now)
        .bind(order)
        .execute(work.connection())
        .await?;
    work.touch("orders", order);
    Ok(())
}

/// Orders whose confirmation is not in the bucket yet.
pub(crate) async fn documents_due(connection: &mut MySqlConnection, limit: u32) -> Result<Vec<Uuid>, sqlx::Error> {
    sqlx::query_scalar("SELECT id FROM orders WHERE document = 'due' ORDER BY id LIMIT ?")
        .bind(limit)
        .fetch_all(connection)
        .await
}

/// Says where an order's confirmation is. False when that was said before.
pub(crate) async fn set_document(work: &mut Work, order: Uuid, document: &str) -> Result<bool, sqlx::Error> {
    let now = work.now();
    let set = sqlx::query(
        "UPDATE orders SET document = ?, updated_at = ?, version = version + 1 WHERE id = ? AND document <> ?",
    )
    .bind(document)
    .bind(now)
    .bind(order)
    .bind(document)
    .execute(work.connection())
    .await?;
    Ok(set.rows_affected() == 1)
}
