//! The catalogue's SQL.

use sqlx::{FromRow, MySql, MySqlPool, QueryBuilder};
use time::{OffsetDateTime, PrimitiveDateTime};
use uuid::Uuid;

use super::{
    cursor::Cursor,
    listing::{Listing, Sort},
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
}

#[derive(Debug, FromRow)]
pub(crate) struct ImageRow {
    pub(crate) object_key: String,
    pub(crate) alt: String,
    pub(crate) width: i32,
    pub(crate) height: i32,
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
pub(crate) struct CategoryRow {
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
            FROM variants v WHERE v.product_id = p.id) AS metals,
        EXISTS (SELECT 1 FROM variants v JOIN inventory s ON s.variant_id = v.id
            WHERE v.product_id = p.id AND s.on_hand > s.reserved) AS in_stock,
        i.object_key, i.alt, i.width, i.height
    FROM (";

const SHOWN_END: &str = ") AS p
    JOIN categories c ON c.id = p.category_id
    LEFT JOIN images i ON i.product_id = p.id
        AND i.position = (SELECT MIN(f.position) FROM images f WHERE f.product_id = p.id)";

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

/// A product's pictures, in order.
pub(crate) async fn images(pool: &MySqlPool, product: Uuid) -> Result<Vec<ImageRow>, sqlx::Error> {
    sqlx::query_as("SELECT object_key, alt, width, height FROM images WHERE product_id = ? ORDER BY position")
        .bind(product)
        .fetch_all(pool)
        .await
}

/// A product's variants, in order.
pub(crate) async fn variants(pool: &MySqlPool, product: Uuid) -> Result<Vec<VariantRow>, sqlx::Error> {
    sqlx::query_as(
        "SELECT v.id, v.sku, v.metal, v.stone, v.ring_size, v.price_minor,
            CAST(COALESCE(s.on_hand - s.reserved, 0) AS SIGNED) AS available
         FROM variants v LEFT JOIN inventory s ON s.variant_id = v.id
         WHERE v.product_id = ? ORDER BY v.position, v.id",
    )
    .bind(product)
    .fetch_all(pool)
    .await
}

/// All categories, in order.
pub(crate) async fn categories(pool: &MySqlPool) -> Result<Vec<CategoryRow>, sqlx::Error> {
    sqlx::query_as(
        "SELECT c.slug, c.name, c.description,
            (SELECT COUNT(*) FROM products p WHERE p.category_id = c.id AND p.status = 'active') AS product_count
         FROM categories c ORDER BY c.position, c.slug",
    )
    .fetch_all(pool)
    .await
}

/// False when nothing can match.
fn push_filters(query: &mut QueryBuilder<MySql>, listing: &Listing) -> bool {
    if let Some(category) = &listing.category {
        query
            .push(" AND p.category_id = (SELECT id FROM categories WHERE slug = ")
            .push_bind(category.clone())
            .push(")");
    }
    if let Some(terms) = &listing.search {
        let Some(terms) = terms.boolean_query() else { return false };
        query.push(" AND MATCH (p.name, p.description) AGAINST (").push_bind(terms).push(" IN BOOLEAN MODE)");
    }
    push_variant_filters(query, listing);
    true
}

fn push_variant_filters(query: &mut QueryBuilder<MySql>, listing: &Listing) {
    if listing.metal.is_none() && listing.min_price.is_none() && listing.max_price.is_none() && !listing.in_stock {
        return;
    }
    query.push(" AND EXISTS (SELECT 1 FROM variants v");
    if listing.in_stock {
        query.push(" JOIN inventory s ON s.variant_id = v.id AND s.on_hand > s.reserved");
    }
    query.push(" WHERE v.product_id = p.id");
    if let Some(metal) = &listing.metal {
        query.push(" AND v.metal = ").push_bind(metal.clone());
    }
    if let Some(price) = listing.min_price {
        query.push(" AND v.price_minor >= ").push_bind(price);
    }
    if let Some(price) = listing.max_price {
        query.push(" AND v.price_minor <= ").push_bind(price);
    }
    query.push(")");
}

/// Starts after the cursor. Written as `key <= x AND (key < x OR id < y)` and not as a row comparison, which MySQL
/// cannot use an index for.
fn push_after(query: &mut QueryBuilder<MySql>, cursor: &Cursor) {
    match cursor {
        Cursor::Newest { created_at, id } => {
            push_key(query, "p.created_at", '<', *id, from_micros(*created_at));
        }
        Cursor::Price { descending, price_minor, id } => {
            push_key(query, "p.price_from_minor", if *descending { '<' } else { '>' }, *id, *price_minor);
        }
        Cursor::Name { name, id } => push_key(query, "p.name", '>', *id, name.clone()),
    }
}

fn push_key<T>(query: &mut QueryBuilder<MySql>, column: &'static str, sign: char, id: Uuid, key: T)
where
    T: for<'q> sqlx::Encode<'q, MySql> + sqlx::Type<MySql> + Clone + Send + 'static,
{
    query.push(format_args!(" AND {column} {sign}= ")).push_bind(key.clone());
    query.push(format_args!(" AND ({column} {sign} ")).push_bind(key);
    query.push(format_args!(" OR p.id {sign} ")).push_bind(id).push(")");
}

fn order(sort: Sort) -> &'static str {
    match sort {
        Sort::Newest => " ORDER BY p.created_at DESC, p.id DESC",
        Sort::PriceAsc => " ORDER BY p.price_from_minor, p.id",
        Sort::PriceDesc => " ORDER BY p.price_from_minor DESC, p.id DESC",
        Sort::Name => " ORDER BY p.name, p.id",
    }
}

fn place(row: &ProductRow, sort: Sort) -> Cursor {
    let id = row.id;
    match sort {
        Sort::Newest => Cursor::Newest { created_at: to_micros(row.created_at), id },
        Sort::PriceAsc => Cursor::Price { descending: false, price_minor: row.price_from_minor, id },
        Sort::PriceDesc => Cursor::Price { descending: true, price_minor: row.price_from_minor, id },
        Sort::Name => Cursor::Name { name: row.name.clone(), id },
    }
}

fn to_micros(time: PrimitiveDateTime) -> i64 {
    i64::try_from(time.assume_utc().unix_timestamp_nanos() / 1000).unwrap_or(i64::MAX)
}

/// The epoch for what is out of range: such a cursor was forged, and starts wherever it likes.
fn from_micros(micros: i64) -> PrimitiveDateTime {
    let time =
        OffsetDateTime::from_unix_timestamp_nanos(i128::from(micros) * 1000).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    PrimitiveDateTime::new(time.date(), time.time())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_survive_the_cursor() {
        let time = OffsetDateTime::from_unix_timestamp_nanos(1_790_000_000_123_456_000).unwrap();
        let time = PrimitiveDateTime::new(time.date(), time.time());
        assert_eq!(from_micros(to_micros(time)), time);
        let _ = (from_micros(i64::MAX), from_micros(i64::MIN));
    }
}
