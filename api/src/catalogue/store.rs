//! The catalogue's SQL.

use sqlx::{FromRow, MySql, MySqlPool, QueryBuilder};
use time::PrimitiveDateTime;
use uuid::Uuid;

use super::{
    cards,
    cursor::Cursor,
    filter::{index, order, place, push_after, push_filters, push_variant_filters},
    listing::Listing,
};

/// One page: at most `limit` products, and whether there are more.
pub(crate) struct Page {
    pub(crate) rows: Vec<ProductRow>,
    pub(crate) next: Option<Cursor>,
}

/// A product with what the list shows of it.
#[derive(Debug, Clone, FromRow)]
pub(crate) struct ProductRow {
    pub(crate) id: Uuid,
    pub(crate) slug: String,
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) currency: String,
    pub(crate) price_from_minor: i64,
    pub(crate) created_at: PrimitiveDateTime,
    pub(crate) category_slug: String,
    pub(crate) category_name: String,
    /// Codes separated by commas; nothing where there is no card.
    pub(crate) metals: Option<String>,
    pub(crate) in_stock: bool,
    pub(crate) object_key: Option<String>,
    pub(crate) alt: Option<String>,
    pub(crate) width: Option<i32>,
    pub(crate) height: Option<i32>,
    pub(crate) sizes: Option<String>,
}

#[derive(Debug, Clone, FromRow)]
pub(crate) struct ImageRow {
    pub(crate) object_key: String,
    pub(crate) alt: String,
    pub(crate) width: i32,
    pub(crate) height: i32,
    /// As the column says: JSON, or nothing.
    pub(crate) sizes: Option<String>,
    pub(crate) is_frame: bool,
}

#[derive(Debug, Clone, FromRow)]
pub(crate) struct VariantRow {
    pub(crate) id: Uuid,
    pub(crate) sku: String,
    pub(crate) metal: String,
    pub(crate) stone: Option<String>,
    pub(crate) ring_size: Option<String>,
    pub(crate) price_minor: i64,
    pub(crate) available: i64,
}

#[derive(Debug, FromRow)]
pub(crate) struct GroupRow {
    pub(crate) id: Uuid,
    pub(crate) slug: String,
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) product_count: i64,
}

/// What lists show of a product `p`, its category `c` and its card `k`.
const SHOWN: &str = "
    SELECT p.id, p.slug, p.name, p.description, p.currency, p.price_from_minor, p.created_at,
        c.slug AS category_slug, c.name AS category_name,
        k.metals, COALESCE(k.in_stock, 0) AS in_stock, k.object_key, k.alt, k.width, k.height, k.sizes FROM ";

const CARDS: &str = " LEFT JOIN cards k ON k.product_id = p.id";

/// Products found by other means than the order of the list: the page is cut first, and the rest looked up for it only.
const FOUND: &str = "
    (SELECT p.id, p.category_id, p.slug, p.name, p.description, p.currency, p.price_from_minor, p.created_at
     FROM products p WHERE p.status = 'active'";

const FOUND_END: &str = ") AS p JOIN categories c ON c.id = p.category_id LEFT JOIN cards k ON k.product_id = p.id";

/// One page of products.
pub(crate) async fn page(pool: &MySqlPool, listing: &Listing) -> Result<Page, sqlx::Error> {
    let mut query = QueryBuilder::<MySql>::new(SHOWN);
    if listing.search.is_some() || listing.collection.is_some() {
        query.push(FOUND);
        if !push_filters(&mut query, listing) {
            return Ok(Page { rows: Vec::new(), next: None });
        }
        push_page(&mut query, listing);
        query.push(FOUND_END).push(order(listing.sort));
    } else {
        push_walk(&mut query, listing);
        push_variant_filters(&mut query, listing);
        push_page(&mut query, listing);
    }
    let mut rows: Vec<ProductRow> = query.build_query_as().fetch_all(pool).await?;
    let limit = usize::try_from(listing.limit).unwrap_or(usize::MAX);
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows.last().filter(|_| more).map(|last| place(last, listing.sort));
    cards::complete(pool, &mut rows).await?;
    Ok(Page { rows, next })
}

/// Products in the order of the list, along the index that has this order, until the page is full. The server would at
/// times rather read all of a category and sort it.
fn push_walk(query: &mut QueryBuilder<MySql>, listing: &Listing) {
    let index = index(listing.sort);
    match &listing.category {
        Some(slug) => query
            .push(format_args!("categories c STRAIGHT_JOIN products p FORCE INDEX (products_category_{index})"))
            .push(" ON p.category_id = c.id")
            .push(CARDS)
            .push(" WHERE p.status = 'active' AND c.slug = ")
            .push_bind(slug.clone()),
        None => query
            .push(format_args!("products p FORCE INDEX (products_{index}) STRAIGHT_JOIN categories c"))
            // Few as they are, MariaDB would read them all first, and then sort everything it finds.
            .push(" FORCE INDEX (PRIMARY) ON c.id = p.category_id")
            .push(CARDS)
            .push(" WHERE p.status = 'active'"),
    };
}

/// Where the page begins, its order, and its length: one more than asked for tells whether there is a next page.
fn push_page(query: &mut QueryBuilder<MySql>, listing: &Listing) {
    if let Some(cursor) = &listing.after {
        push_after(query, cursor);
    }
    query.push(order(listing.sort)).push(" LIMIT ").push_bind(listing.limit + 1);
}

/// All categories, in order.
pub(crate) async fn categories(pool: &MySqlPool) -> Result<Vec<GroupRow>, sqlx::Error> {
    sqlx::query_as(
        "SELECT c.id, c.slug, c.name, c.description,
            (SELECT COUNT(*) FROM products p WHERE p.category_id = c.id AND p.status = 'active') AS product_count
         FROM categories c WHERE c.status = 'active' ORDER BY c.position, c.slug",
    )
    .fetch_all(pool)
    .await
}

const COLLECTIONS: &str = "SELECT c.id, c.slug, c.name, c.description,
        (SELECT COUNT(*) FROM collection_products m JOIN products p ON p.id = m.product_id
            WHERE m.collection_id = c.id AND m.removed_at IS NULL AND p.status = 'active') AS product_count
     FROM collections c WHERE c.status = 'active'";

/// All collections, in order.
pub(crate) async fn collections(pool: &MySqlPool) -> Result<Vec<GroupRow>, sqlx::Error> {
    let mut query = QueryBuilder::<MySql>::new(COLLECTIONS);
    query.push(" ORDER BY c.position, c.slug").build_query_as().fetch_all(pool).await
}

/// The collection with this slug.
pub(crate) async fn collection(pool: &MySqlPool, slug: &str) -> Result<Option<GroupRow>, sqlx::Error> {
    let mut query = QueryBuilder::<MySql>::new(COLLECTIONS);
    query.push(" AND c.slug = ").push_bind(slug).build_query_as().fetch_optional(pool).await
}

/// A collection's products, in its order.
pub(crate) async fn collected(pool: &MySqlPool, collection: Uuid) -> Result<Vec<ProductRow>, sqlx::Error> {
    let mut query = QueryBuilder::<MySql>::new(SHOWN);
    query
        .push(FOUND)
        .push(" AND p.id IN (SELECT product_id FROM collection_products WHERE removed_at IS NULL AND collection_id = ")
        .push_bind(collection)
        .push(")")
        .push(FOUND_END)
        .push(" JOIN collection_products m ON m.product_id = p.id AND m.collection_id = ")
        .push_bind(collection)
        .push(" ORDER BY m.position, p.id");
    let mut rows: Vec<ProductRow> = query.build_query_as().fetch_all(pool).await?;
    cards::complete(pool, &mut rows).await?;
    Ok(rows)
}
