//! The catalogue's SQL.

use sqlx::{FromRow, MySql, MySqlPool, QueryBuilder};
use time::PrimitiveDateTime;
use uuid::Uuid;

use super::{
    cursor::Cursor,
    filter::{order, place, push_after, push_filters},
    listing::Listing,
};

/// One page: at most `limit` products, and whether there are more.
pub(crate) struct Page {
    pub(crate) rows: Vec<ProductRow>,
    pub(crate) next: Option<Cursor>,
}

/// A product with what the list shows of it.
#[derive(Debug, FromRow)]
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
    /// Codes separated by commas.
    pub(crate) metals: Option<String>,
    pub(crate) in_stock: bool,
    pub(crate) object_key: Option<String>,
    pub(crate) alt: Option<String>,
    pub(crate) width: Option<i32>,
    pub(crate) height: Option<i32>,
    pub(crate) sizes: Option<String>,
}

#[derive(Debug, FromRow)]
pub(crate) struct ImageRow {
    pub(crate) object_key: String,
    pub(crate) alt: String,
    pub(crate) width: i32,
    pub(crate) height: i32,
    /// As the column says: JSON, or nothing.
    pub(crate) sizes: Option<String>,
    pub(crate) is_frame: bool,
}

#[derive(Debug, FromRow)]
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

/// Adds to the products of a derived table `p` what the list shows. The page is cut first, so that this is looked up
/// for the products of one page only.
const SHOWN: &str = "
    SELECT p.id, p.slug, p.name, p.description, p.currency, p.price_from_minor, p.created_at,
        c.slug AS category_slug, c.name AS category_name,
        (SELECT GROUP_CONCAT(DISTINCT v.metal ORDER BY v.metal SEPARATOR ',')
            FROM variants v WHERE v.product_id = p.id AND v.status = 'active') AS metals,
        EXISTS (SELECT 1 FROM variants v JOIN inventory s ON s.variant_id = v.id
            WHERE v.product_id = p.id AND v.status = 'active' AND s.on_hand > s.reserved) AS in_stock,
        i.object_key, i.alt, i.width, i.height, i.sizes
    FROM (";

const SHOWN_END: &str = ") AS p
    JOIN categories c ON c.id = p.category_id
    LEFT JOIN images i ON i.id = (SELECT f.id FROM images f
        WHERE f.product_id = p.id AND f.frame_set_id IS NULL AND f.removed_at IS NULL
        ORDER BY f.position, f.id LIMIT 1)";

const PRODUCT_COLUMNS: &str =
    "SELECT p.id, p.category_id, p.slug, p.name, p.description, p.currency, p.price_from_minor, p.created_at
     FROM products p WHERE p.status = 'active'";

/// One page of products.
pub(crate) async fn page(pool: &MySqlPool, listing: &Listing) -> Result<Page, sqlx::Error> {
    let mut query = QueryBuilder::<MySql>::new(SHOWN);
    query.push(PRODUCT_COLUMNS);
    if !push_filters(&mut query, listing) {
        return Ok(Page { rows: Vec::new(), next: None });
    }
    if let Some(cursor) = &listing.after {
        push_after(&mut query, cursor);
    }
    query.push(order(listing.sort));
    // One more than asked for tells whether there is a next page.
    query.push(" LIMIT ").push_bind(listing.limit + 1);
    query.push(SHOWN_END).push(order(listing.sort));

    let mut rows: Vec<ProductRow> = query.build_query_as().fetch_all(pool).await?;
    let limit = usize::try_from(listing.limit).unwrap_or(usize::MAX);
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows.last().filter(|_| more).map(|last| place(last, listing.sort));
    Ok(Page { rows, next })
}

/// The product with this slug.
pub(crate) async fn product(pool: &MySqlPool, slug: &str) -> Result<Option<ProductRow>, sqlx::Error> {
    let mut query = QueryBuilder::<MySql>::new(SHOWN);
    query.push(PRODUCT_COLUMNS).push(" AND p.slug = ").push_bind(slug).push(SHOWN_END);
    query.build_query_as().fetch_optional(pool).await
}

/// A product's pictures and frames, each in order.
pub(crate) async fn images(pool: &MySqlPool, product: Uuid) -> Result<Vec<ImageRow>, sqlx::Error> {
    sqlx::query_as(
        "SELECT i.object_key, i.alt, i.width, i.height, i.sizes, i.frame_set_id IS NOT NULL AS is_frame
         FROM images i LEFT JOIN frame_sets f ON f.id = i.frame_set_id
         WHERE i.product_id = ? AND i.removed_at IS NULL AND (i.frame_set_id IS NULL OR f.state = 'complete')
         ORDER BY i.position, i.id",
    )
    .bind(product)
    .fetch_all(pool)
    .await
}

/// A product's variants on sale, in order.
pub(crate) async fn variants(pool: &MySqlPool, product: Uuid) -> Result<Vec<VariantRow>, sqlx::Error> {
    sqlx::query_as(
        "SELECT v.id, v.sku, v.metal, v.stone, v.ring_size, v.price_minor,
            CAST(COALESCE(s.on_hand - s.reserved, 0) AS SIGNED) AS available
         FROM variants v LEFT JOIN inventory s ON s.variant_id = v.id
         WHERE v.product_id = ? AND v.status = 'active' ORDER BY v.position, v.id",
    )
    .bind(product)
    .fetch_all(pool)
    .await
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
        .push(PRODUCT_COLUMNS)
        .push(" AND p.id IN (SELECT product_id FROM collection_products WHERE removed_at IS NULL AND collection_id = ")
        .push_bind(collection)
        .push(")")
        .push(SHOWN_END)
        .push(" JOIN collection_products m ON m.product_id = p.id AND m.collection_id = ")
        .push_bind(collection)
        .push(" ORDER BY m.position, p.id");
    query.build_query_as().fetch_all(pool).await
}
