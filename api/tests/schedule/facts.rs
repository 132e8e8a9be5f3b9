//! What a database has to have, whatever happened to it: all that was acknowledged, and sums that agree.

use sqlx::{AssertSqlSafe, MySqlConnection};
use uuid::Uuid;

use super::world::STOCK;

/// Something that an answer acknowledged.
#[derive(Clone, Debug)]
pub(crate) enum Fact {
    /// A row of this table with this id.
    Row(&'static str, Uuid),
    /// An order came into this state.
    Moved(Uuid, &'static str),
    /// A message of Stripe was acted upon.
    Told(String),
    /// Money with this reference was received.
    Received(String),
    /// A stock was corrected, for this reason and by so much.
    Adjusted(String, i32),
    /// A variant had this version.
    Version(Uuid, i64),
}

impl Fact {
    /// A query that finds it.
    fn query(&self) -> String {
        match self {
            Self::Row(table, id) => format!("SELECT COUNT(*) FROM {table} WHERE id = 0x{}", id.simple()),
            Self::Moved(id, status) => {
                format!("SELECT COUNT(*) FROM order_history WHERE order_id = 0x{} AND status = '{status}'", id.simple())
            }
            Self::Told(name) => format!("SELECT COUNT(*) FROM webhook_events WHERE provider_reference = '{name}'"),
            Self::Received(name) => format!("SELECT COUNT(*) FROM payments WHERE provider_reference = '{name}'"),
            Self::Adjusted(reason, delta) => {
                format!("SELECT COUNT(*) FROM inventory_adjustments WHERE reason = '{reason}' AND delta = {delta}")
            }
            Self::Version(id, version) => {
                format!("SELECT COUNT(*) FROM variants WHERE id = 0x{} AND version >= {version}", id.simple())
            }
        }
    }
}

/// Asserts that everything acknowledged is there.
pub(crate) async fn all_there(connection: &mut MySqlConnection, facts: &[Fact]) {
    let mut lost = Vec::new();
    for fact in facts {
        let query = sqlx::query_scalar(AssertSqlSafe(fact.query()));
        let count: i64 = query.fetch_one(&mut *connection).await.unwrap();
        if count == 0 {
            lost.push(fact);
        }
    }
    assert!(lost.is_empty(), "acknowledged and lost: {lost:?}");
}

/// What there may be none of.
const CONTRADICTIONS: &[(&str, &str)] = &[
    (
        "what is promised is not what open orders have",
        "SELECT COUNT(*) FROM inventory i WHERE i.reserved <> COALESCE((SELECT SUM(l.quantity) FROM order_lines l
         JOIN orders o ON o.id = l.order_id WHERE l.variant_id = i.variant_id
         AND o.status IN ('pending_payment', 'confirmed', 'paid', 'fulfilled')), 0)",
    ),
    (
        "what is there is not what there was, with corrections, less what was shipped",
        "SELECT COUNT(*) FROM inventory i WHERE i.on_hand <> {stock}
         + COALESCE((SELECT SUM(a.delta) FROM inventory_adjustments a WHERE a.variant_id = i.variant_id), 0)
         - COALESCE((SELECT SUM(l.quantity) FROM order_lines l WHERE l.variant_id = i.variant_id
             AND EXISTS (SELECT 1 FROM order_history h WHERE h.order_id = l.order_id AND h.status = 'shipped')), 0)",
    ),
    (
        "a stock that is low is not listed",
        "SELECT COUNT(*) FROM inventory WHERE on_hand - reserved <= low_stock AND maybe_low = 0",
    ),
    (
        "an order is paid without a payment, or the other way round",
        "SELECT COUNT(*) FROM orders o WHERE (o.paid_at IS NOT NULL)
         <> EXISTS (SELECT 1 FROM payments p WHERE p.order_id = o.id AND p.state = 'succeeded')",
    ),
    (
        "an order was paid by two payments",
        "SELECT COUNT(*) FROM (SELECT order_id FROM payments WHERE state = 'succeeded' GROUP BY order_id
         HAVING COUNT(*) > 1) twice",
    ),
    (
        "what is set aside of a payment is not what its refunds have",
        "SELECT COUNT(*) FROM payments p WHERE p.refunded_minor > p.received_minor OR p.refunded_minor
         <> COALESCE((SELECT SUM(r.amount_minor) FROM refunds r WHERE r.payment_id = p.id AND r.state <> 'failed'), 0)",
    ),
    (
        "an order lacks lines or its beginning",
        "SELECT COUNT(*) FROM orders o WHERE NOT EXISTS (SELECT 1 FROM order_lines l WHERE l.order_id = o.id)
         OR NOT EXISTS (SELECT 1 FROM order_history h WHERE h.order_id = o.id)",
    ),
    (
        "orders and the keys they were placed with differ",
        "SELECT COUNT(*) FROM orders o WHERE (SELECT COUNT(*) FROM idempotency_keys k WHERE k.subject_id = o.id) <> 1",
    ),
];

/// Asserts that nothing in a database contradicts itself.
pub(crate) async fn nothing_contradicts(connection: &mut MySqlConnection) {
    for (what, query) in CONTRADICTIONS {
        let query = sqlx::query_scalar(AssertSqlSafe(query.replace("{stock}", &STOCK.to_string())));
        let count: i64 = query.fetch_one(&mut *connection).await.unwrap();
        assert_eq!(count, 0, "{what}");
    }
}
