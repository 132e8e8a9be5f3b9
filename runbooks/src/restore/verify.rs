//! Is what was restored a shop? Asked in SQL, before it is put in use.

use jewel_migrations::Migration;
use serde::Serialize;
use sqlx::MySqlConnection;

use crate::{Database, Error, migrate};

/// What must not be found, and what it means when it is.
const RULES: [(&str, &str); 6] = [
    (
        "orders whose items do not add up to their amount",
        "SELECT COUNT(*) FROM (SELECT o.id FROM orders o LEFT JOIN order_lines l ON l.order_id = o.id
         GROUP BY o.id, o.items_minor HAVING COALESCE(SUM(l.price_minor * l.quantity), 0) <> o.items_minor) wrong",
    ),
    (
        "stock below nothing, or below what is reserved of it",
        "SELECT COUNT(*) FROM inventory WHERE on_hand < 0 OR reserved < 0 OR reserved > on_hand",
    ),
    (
        "payments with more paid back than was received",
        "SELECT COUNT(*) FROM payments WHERE refunded_minor > received_minor",
    ),
    (
        "variants without a product",
        "SELECT COUNT(*) FROM variants v LEFT JOIN products p ON p.id = v.product_id WHERE p.id IS NULL",
    ),
    (
        "order lines without an order",
        "SELECT COUNT(*) FROM order_lines l LEFT JOIN orders o ON o.id = l.order_id WHERE o.id IS NULL",
    ),
    (
        "orders without a history",
        "SELECT COUNT(*) FROM orders o LEFT JOIN order_history h ON h.order_id = o.id WHERE h.id IS NULL",
    ),
];

/// What is in a database that could be a shop's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Findings {
    /// Its products.
    pub products: i64,
    /// Its orders.
    pub orders: i64,
    /// Migrations it lacks.
    pub pending: usize,
    /// What is wrong with it, in words; empty when nothing is.
    pub wrong: Vec<String>,
}

/// Looks at a database.
///
/// # Errors
/// When it cannot be asked.
pub async fn verify(database: &Database, migrations: &[Migration]) -> Result<Findings, Error> {
    let status = migrate::status_of(database, migrations).await?;
    let mut connection = database.connect().await?;
    let mut wrong = Vec::new();
    for (what, query) in RULES {
        let count = database.asked(what, count(&mut connection, query).await)?;
        if count > 0 {
            wrong.push(format!("{count} {what}"));
        }
    }
    let products =
        database.asked("counting products", count(&mut connection, "SELECT COUNT(*) FROM products").await)?;
    let orders = database.asked("counting orders", count(&mut connection, "SELECT COUNT(*) FROM orders").await)?;
    Ok(Findings { products, orders, pending: status.pending(), wrong })
}

async fn count(connection: &mut MySqlConnection, query: &'static str) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar(query).fetch_one(connection).await
}
