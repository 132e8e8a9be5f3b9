//! Reading orders.

use sqlx::MySqlConnection;
use uuid::Uuid;

use super::model::Order;
use crate::{error::ApiError, inventory::stock::Item, work::Work};

/// The columns of an [`Order`].
macro_rules! order_columns {
    () => {
        "id, number, customer, email, address, status, currency, items_minor, shipping_minor, total_minor, tax_name,
         tax_basis_points, tax_minor, shipping_method, payment_method, payment_reference, paid_at, refunded_minor,
         carrier, tracking, expires_at, document, created_at, updated_at"
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
