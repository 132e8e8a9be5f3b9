//! Which tables the journal covers, parents before children.

/// A table whose rows are journaled. Each has a column `version`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Table {
    /// Its name.
    pub name: &'static str,
    /// Its primary key: one column, BINARY(16).
    pub key: &'static str,
}

/// All of them. A test of the API asserts that every other table is on its list of exceptions.
pub const TABLES: &[Table] = &[
    by_id("categories"),
    by_id("products"),
    by_id("variants"),
    by_id("frame_sets"),
    by_id("images"),
    by_id("collections"),
    by_id("collection_products"),
    by_id("media_uploads"),
    Table { name: "inventory", key: "variant_id" },
    by_id("inventory_adjustments"),
    by_id("carts"),
    by_id("orders"),
    by_id("order_lines"),
    by_id("order_history"),
    by_id("idempotency_keys"),
    by_id("audit"),
    by_id("payments"),
    by_id("refunds"),
    by_id("webhook_events"),
    by_id("customers"),
    by_id("addresses"),
];

/// The table of this name.
pub fn table(name: &str) -> Option<&'static Table> {
    TABLES.iter().find(|table| table.name == name)
}

const fn by_id(name: &'static str) -> Table {
    Table { name, key: "id" }
}
