//! One acknowledged transaction.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use time::OffsetDateTime;
use uuid::Uuid;

/// What one transaction changed, complete: applied to a database that has not seen it, it gives what the caller was told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Its id, which it keeps wherever it is written: applied twice, it changes nothing the second time.
    pub id: Uuid,
    /// What happened, such as `order.placed`.
    pub kind: String,
    /// When, in UTC.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    /// The version of the schema that the rows below have.
    pub schema: u32,
    /// Who asked for it.
    pub by: Actor,
    /// The rows as they were after it.
    pub changes: Vec<Change>,
}

/// Who asked for a change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Actor {
    /// Somebody who did not sign in.
    Visitor,
    /// A customer, by the id in the user pool.
    Customer(String),
    /// An administrator, by the id in the user pool.
    Admin(String),
    /// The shop itself: a timer, or a message of the payment provider.
    System(String),
}

/// A row after a transaction.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// Its table.
    pub table: String,
    /// Each column: BINARY(16) as a UUID, times in RFC 3339, numbers as numbers, all else as text.
    pub row: Map<String, Value>,
}
