//! What visitors are shown of a product, ready to send, in one row of the table `showcase` each.
//!
//! [`renew`] runs at the end of every transaction that touched something this is made of, before its event is written:
//! no area has to think of it. The rows are locked last and in the order of their products, so that two transactions
//! never wait for each other because of them; whoever waited reads what the other one left. What was written by other
//! means than a transaction of the API is caught up by [`rebuild`], and read from the tables it is made of until then.

use std::collections::HashMap;

use sqlx::{FromRow, MySql, MySqlConnection, QueryBuilder};
use uuid::Uuid;

use super::{
    details::{self, Detail},
    show::{FORMATS, Showing},
};
use crate::{app::App, error::ApiError, work::Work};

/// How many products one transaction of [`rebuild`] makes anew.
const BATCH: u32 = 100;

/// Where the ids of products are found from the ids of what was touched.
const OWNERS: [(&str, &str); 5] = [
    ("products", "SELECT id FROM products WHERE id IN ("),
    ("variants", "SELECT product_id FROM variants WHERE id IN ("),
    ("inventory", "SELECT product_id FROM variants WHERE id IN ("),
    ("images", "SELECT product_id FROM images WHERE id IN ("),
    ("frame_sets", "SELECT product_id FROM frame_sets WHERE id IN ("),
];

#[derive(FromRow)]
struct Stored {
    product_id: Uuid,
    format: i64,
    summary: String,
    detail: String,
}

/// Makes the rows agree with what the transaction changed.
pub(crate) async fn renew(app: &App, work: &mut Work) -> Result<(), ApiError> {
    let mut products = Vec::new();
    for (table, owners) in OWNERS {
        let touched = work.touched(table);
        if !touched.is_empty() {
            let mut query = QueryBuilder::<MySql>::new(owners);
            push_ids(&mut query, &touched);
            let found: Vec<Uuid> = query.build_query_scalar().fetch_all(work.connection()).await?;
            products.extend(found);
        }
    }
    // A category's name is in all its products. There may be thousands: they are made anew later.
    let categories = work.touched("categories");
    if !categories.is_empty() {
        let mut query = QueryBuilder::<MySql>::new("UPDATE showcase SET format = 0 WHERE category_id IN (");
        push_ids(&mut query, &categories);
        query.build().execute(work.connection()).await?;
    }
    write(work.connection(), app.showing(), products).await
}

/// Makes anew what is out of date: because it was marked so, or is of an earlier release or of other settings.
///
/// # Errors
/// What the database says. What was done stays.
pub(crate) async fn rebuild(app: &App) -> Result<(), ApiError> {
    loop {
        let query =
            "SELECT product_id FROM showcase FORCE INDEX (showcase_format) WHERE format <> ? AND format < ? LIMIT ?";
        // A later release's rows are left to it.
        let query = sqlx::query_scalar(query).bind(app.showing().format()).bind(FORMATS.end).bind(BATCH);
        let products: Vec<Uuid> = query.fetch_all(app.pool()).await?;
        if products.is_empty() {
            return Ok(());
        }
        let mut transaction = app.pool().begin().await?;
        write(&mut transaction, app.showing(), products).await?;
        transaction.commit().await?;
    }
}

/// Finds what nobody marked: products on sale without a row, and rows of products that are not on sale.
///
/// # Errors
/// What the database says.
pub(crate) async fn sweep(app: &App) -> Result<(), ApiError> {
    for query in [
        "INSERT INTO showcase (category_id, created_at, product_id, slug, name, price_from_minor, summary, detail)
         SELECT p.category_id, p.created_at, p.id, p.slug, p.name, p.price_from_minor, '', ''
         FROM products p LEFT JOIN showcase s ON s.product_id = p.id WHERE p.status = 'active' AND s.product_id IS NULL
         ON DUPLICATE KEY UPDATE showcase.format = 0",
        "DELETE s FROM showcase s JOIN products p ON p.id = s.product_id WHERE p.status <> 'active'",
    ] {
        sqlx::query(query).execute(app.pool()).await?;
    }
    Ok(())
}

async fn write(connection: &mut MySqlConnection, showing: &Showing, mut products: Vec<Uuid>) -> Result<(), ApiError> {
    if products.is_empty() {
        return Ok(());
    }
    products.sort_unstable();
    products.dedup();
    let stored = lock(connection, &products).await?;
    let missing: Vec<Uuid> = products.iter().filter(|id| !stored.contains_key(id)).copied().collect();
    if !missing.is_empty() {
        begin(connection, &missing).await?;
    }
    // A statement after the lock: it sees what whoever held it has committed.
    let mut details = details::by_id(connection, &products).await?;
    for id in products {
        match details.remove(&id) {
            Some(detail) => put(connection, showing, &detail, stored.get(&id)).await?,
            None => remove(connection, id).await?,
        }
    }
    Ok(())
}

async fn lock(connection: &mut MySqlConnection, products: &[Uuid]) -> Result<HashMap<Uuid, Stored>, sqlx::Error> {
    let mut query =
        QueryBuilder::<MySql>::new("SELECT product_id, format, summary, detail FROM showcase WHERE product_id IN (");
    push_ids(&mut query, products);
    query.push(" ORDER BY product_id FOR UPDATE");
    let rows: Vec<Stored> = query.build_query_as().fetch_all(connection).await?;
    Ok(rows.into_iter().map(|row| (row.product_id, row)).collect())
}

/// Makes rows in order to lock them: of two transactions that find none, the second one has to wait for the first.
async fn begin(connection: &mut MySqlConnection, products: &[Uuid]) -> Result<(), sqlx::Error> {
    let mut query = QueryBuilder::<MySql>::new(
        "INSERT INTO showcase (category_id, created_at, product_id, slug, name, price_from_minor, summary, detail)
         SELECT category_id, created_at, id, slug, name, price_from_minor, '', '' FROM products
         WHERE status = 'active' AND id IN (",
    );
    push_ids(&mut query, products);
    query.push(" ORDER BY id ON DUPLICATE KEY UPDATE format = 0").build().execute(connection).await.map(drop)
}

async fn put(
    connection: &mut MySqlConnection,
    showing: &Showing,
    detail: &Detail,
    stored: Option<&Stored>,
) -> Result<(), ApiError> {
    let (summary, whole) = (showing.summary_json(detail)?, showing.detail_json(detail)?);
    let product = &detail.product;
    let is_same =
        |stored: &Stored| stored.format == showing.format() && stored.summary == summary && stored.detail == whole;
    if stored.is_some_and(is_same) {
        return Ok(());
    }
    sqlx::query(
        "UPDATE showcase SET category_id = ?, created_at = ?, slug = ?, name = ?, price_from_minor = ?, format = ?,
            summary = ?, detail = ? WHERE product_id = ?",
    )
    .bind(product.category_id)
    .bind(product.created_at)
    .bind(&product.slug)
    .bind(&product.name)
    .bind(product.price_from_minor)
    .bind(showing.format())
    .bind(summary)
    .bind(whole)
    .bind(product.id)
    .execute(connection)
    .await?;
    Ok(())
}

async fn remove(connection: &mut MySqlConnection, product: Uuid) -> Result<(), sqlx::Error> {
    sqlx::query("DELETE FROM showcase WHERE product_id = ?").bind(product).execute(connection).await.map(drop)
}

fn push_ids(query: &mut QueryBuilder<MySql>, ids: &[Uuid]) {
    let mut list = query.separated(", ");
    for id in ids {
        list.push_bind(*id);
    }
    query.push(")");
}
