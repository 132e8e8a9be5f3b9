//! Cards: what lists show of a product and what other tables say, in one row each.
//!
//! [`renew`] runs at the end of every transaction that touched something a card is made of, before its event is written:
//! no area has to think of it. Cards are locked last and in the order of their products, so that two transactions never
//! wait for each other because of them; whoever waited reads what the other one left.

use sqlx::{FromRow, MySql, MySqlConnection, MySqlPool, QueryBuilder};
use uuid::Uuid;

use super::store::ProductRow;
use crate::{error::ApiError, work::Work};

/// What a card says.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
struct Card {
    metals: String,
    in_stock: bool,
    object_key: Option<String>,
    alt: Option<String>,
    width: Option<i32>,
    height: Option<i32>,
    sizes: Option<String>,
}

#[derive(FromRow)]
struct Derived {
    id: Uuid,
    #[sqlx(flatten)]
    card: Card,
}

#[derive(FromRow)]
struct Stored {
    product_id: Uuid,
    #[sqlx(flatten)]
    card: Card,
}

/// Where the ids of products are found from the ids of what was touched.
const OWNERS: [(&str, &str); 4] = [
    ("products", "SELECT id FROM products WHERE id IN ("),
    ("variants", "SELECT product_id FROM variants WHERE id IN ("),
    ("inventory", "SELECT product_id FROM variants WHERE id IN ("),
    ("images", "SELECT product_id FROM images WHERE id IN ("),
];

/// Makes the cards agree with what the transaction changed.
pub(crate) async fn renew(work: &mut Work) -> Result<(), ApiError> {
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
    if products.is_empty() {
        return Ok(());
    }
    products.sort_unstable();
    products.dedup();
    let stored = lock(work.connection(), &products).await?;
    let derived = derive(work.connection(), &products).await?;
    for Derived { id, card } in derived {
        match stored.iter().find(|stored| stored.product_id == id) {
            Some(stored) if stored.card == card => continue,
            Some(_) => update(work.connection(), id, &card).await?,
            None => insert(work.connection(), id, &card).await?,
        }
        work.touch("cards", id);
    }
    Ok(())
}

/// Looks up the long way what the cards of these products would say where there are none: rows that came by another way
/// than a transaction of the API.
pub(crate) async fn complete(pool: &MySqlPool, rows: &mut [ProductRow]) -> Result<(), sqlx::Error> {
    let without: Vec<Uuid> = rows.iter().filter(|row| row.metals.is_none()).map(|row| row.id).collect();
    if without.is_empty() {
        return Ok(());
    }
    let mut connection = pool.acquire().await?;
    for Derived { id, card } in derive(&mut connection, &without).await? {
        for row in rows.iter_mut().filter(|row| row.id == id) {
            let card = card.clone();
            row.metals = Some(card.metals);
            row.in_stock = card.in_stock;
            (row.object_key, row.alt, row.sizes) = (card.object_key, card.alt, card.sizes);
            (row.width, row.height) = (card.width, card.height);
        }
    }
    Ok(())
}

async fn lock(connection: &mut MySqlConnection, products: &[Uuid]) -> Result<Vec<Stored>, sqlx::Error> {
    let mut query = QueryBuilder::<MySql>::new(
        "SELECT product_id, metals, in_stock, object_key, alt, width, height, sizes FROM cards WHERE product_id IN (",
    );
    push_ids(&mut query, products);
    query.push(" ORDER BY product_id FOR UPDATE").build_query_as().fetch_all(connection).await
}

/// A statement of its own: it must see what whoever held the lock has committed.
async fn derive(connection: &mut MySqlConnection, products: &[Uuid]) -> Result<Vec<Derived>, sqlx::Error> {
    let mut query = QueryBuilder::<MySql>::new(
        "SELECT p.id,
            COALESCE((SELECT GROUP_CONCAT(DISTINCT v.metal ORDER BY v.metal SEPARATOR ',')
                FROM variants v WHERE v.product_id = p.id AND v.status = 'active'), '') AS metals,
            EXISTS (SELECT 1 FROM variants v JOIN inventory s ON s.variant_id = v.id
                WHERE v.product_id = p.id AND v.status = 'active' AND s.on_hand > s.reserved) AS in_stock,
            i.object_key, i.alt, i.width, i.height, i.sizes
         FROM products p
         LEFT JOIN images i ON i.id = (SELECT f.id FROM images f
             WHERE f.product_id = p.id AND f.frame_set_id IS NULL AND f.removed_at IS NULL
             ORDER BY f.position, f.id LIMIT 1)
         WHERE p.id IN (",
    );
    push_ids(&mut query, products);
    query.push(" ORDER BY p.id").build_query_as().fetch_all(connection).await
}

async fn update(connection: &mut MySqlConnection, product: Uuid, card: &Card) -> Result<(), sqlx::Error> {
    let statement = "UPDATE cards SET metals = ?, in_stock = ?, object_key = ?, alt = ?, width = ?, height = ?,
            sizes = ?, version = version + 1
         WHERE product_id = ?";
    bound(statement, card).bind(product).execute(connection).await.map(drop)
}

async fn insert(connection: &mut MySqlConnection, product: Uuid, card: &Card) -> Result<(), sqlx::Error> {
    let statement = "INSERT INTO cards (metals, in_stock, object_key, alt, width, height, sizes, product_id)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?)";
    bound(statement, card).bind(product).execute(connection).await.map(drop)
}

fn bound<'q>(statement: &'static str, card: &'q Card) -> sqlx::query::Query<'q, MySql, sqlx::mysql::MySqlArguments> {
    sqlx::query(statement)
        .bind(&card.metals)
        .bind(card.in_stock)
        .bind(&card.object_key)
        .bind(&card.alt)
        .bind(card.width)
        .bind(card.height)
        .bind(&card.sizes)
}

fn push_ids(query: &mut QueryBuilder<MySql>, ids: &[Uuid]) {
    let mut list = query.separated(", ");
    for id in ids {
        list.push_bind(*id);
    }
    query.push(")");
}
