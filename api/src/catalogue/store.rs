//! The catalogue's SQL.

use std::collections::HashMap;

use sqlx::{FromRow, MySql, MySqlPool, QueryBuilder, Row, mysql::MySqlRow};
use uuid::Uuid;

use super::{
    cursor::Cursor,
    details,
    filter::{index, key, order, place, push_after, push_filters, push_variant_filters},
    listing::Listing,
    show::Showing,
};
use crate::error::ApiError;

/// One page: at most as many products as asked for, as JSON with commas in between.
pub(crate) struct Page {
    pub(crate) items: String,
    /// Where the next one begins: after this page's last product.
    pub(crate) next: Option<Cursor>,
    /// And with which product.
    pub(crate) beyond: Option<Cursor>,
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

/// Products found by other means than the order of the list: the page is cut first, and the rest looked up for it only.
const FOUND: &str = " FROM products p JOIN showcase s ON s.product_id = p.id WHERE p.status = 'active'";

/// One page of products.
pub(crate) async fn page(pool: &MySqlPool, showing: &Showing, listing: &Listing) -> Result<Page, ApiError> {
    let key = key(listing.sort);
    let mut query = QueryBuilder::<MySql>::new("SELECT s.product_id, ");
    if listing.search.is_some() || listing.collection.is_some() {
        query.push(format_args!("d.format, d.summary, s.{key} FROM (SELECT s.product_id, s.{key}")).push(FOUND);
        if !push_filters(&mut query, listing) {
            return Ok(Page { items: String::new(), next: None, beyond: None });
        }
        push_page(&mut query, listing);
        query.push(") AS s JOIN showcase d ON d.product_id = s.product_id").push(order(listing.sort));
    } else {
        query.push(format_args!("s.format, s.summary, s.{key} FROM "));
        push_walk(&mut query, listing);
        push_variant_filters(&mut query, listing);
        push_page(&mut query, listing);
    }
    let mut rows = query.build().fetch_all(pool).await?;
    let limit = usize::try_from(listing.limit).unwrap_or(usize::MAX);
    let beyond = rows.get(limit).map(|row| place(row, listing.sort)).transpose()?;
    rows.truncate(limit);
    let next = rows.last().filter(|_| beyond.is_some()).map(|last| place(last, listing.sort)).transpose()?;
    Ok(Page { items: items(pool, showing, rows).await?.join(","), next, beyond })
}

/// Products in the order of the list, along the index that has this order, until the page is full. The server would at
/// times rather read all of a category and sort it.
fn push_walk(query: &mut QueryBuilder<MySql>, listing: &Listing) {
    let index = index(listing.sort, listing.category.is_some());
    match &listing.category {
        Some(slug) => query
            .push(format_args!("categories c STRAIGHT_JOIN showcase s FORCE INDEX ({index})"))
            .push(" ON s.category_id = c.id WHERE c.slug = ")
            .push_bind(slug.clone()),
        // There has to be a condition for others to follow.
        None => query.push(format_args!("showcase s FORCE INDEX ({index}) WHERE TRUE")),
    };
}

/// Where the page begins, its order, and its length: one more than asked for tells whether there is a next page.
fn push_page(query: &mut QueryBuilder<MySql>, listing: &Listing) {
    if let Some(cursor) = &listing.after {
        push_after(query, cursor);
    }
    query.push(order(listing.sort)).push(" LIMIT ").push_bind(listing.limit + 1);
}

/// The documents of these rows. Those that are out of date are made of the tables the product is kept in.
async fn items(pool: &MySqlPool, showing: &Showing, rows: Vec<MySqlRow>) -> Result<Vec<String>, ApiError> {
    let mut items: Vec<String> = Vec::with_capacity(rows.len());
    let mut outdated = Vec::new();
    for row in &rows {
        if row.try_get::<i64, _>(1)? == showing.format() {
            items.push(row.try_get(2)?);
        } else {
            outdated.push((items.len(), row.try_get::<Uuid, _>(0)?));
            items.push(String::new());
        }
    }
    if !outdated.is_empty() {
        let ids: Vec<Uuid> = outdated.iter().map(|(_, id)| *id).collect();
        let details = details::by_id(&mut *pool.acquire().await?, &ids).await?;
        for (at, id) in outdated {
            if let Some(detail) = details.get(&id) {
                items[at] = showing.summary_json(detail)?;
            }
        }
        // Off sale by now.
        items.retain(|item| !item.is_empty());
    }
    Ok(items)
}

/// Products in full as JSON, by slug: those that are on sale.
pub(super) async fn details(
    pool: &MySqlPool,
    showing: &Showing,
    slugs: &[&str],
) -> Result<HashMap<String, String>, ApiError> {
    if slugs.is_empty() {
        return Ok(HashMap::new());
    }
    let mut connection = pool.acquire().await?;
    let mut query = QueryBuilder::<MySql>::new("SELECT s.slug, s.detail FROM showcase s WHERE s.format = ");
    query.push_bind(showing.format()).push(" AND s.slug IN ");
    details::push_list(&mut query, slugs);
    let rows: Vec<(String, String)> = query.build_query_as().fetch_all(&mut *connection).await?;
    let mut documents: HashMap<String, String> = rows.into_iter().collect();
    let missing: Vec<&str> = slugs.iter().filter(|slug| !documents.contains_key(**slug)).copied().collect();
    for detail in details::by_slug(&mut connection, &missing).await? {
        documents.insert(detail.product.slug.clone(), showing.detail_json(&detail)?);
    }
    Ok(documents)
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

/// A collection's products, in its order, each as JSON.
pub(crate) async fn collected(pool: &MySqlPool, showing: &Showing, collection: Uuid) -> Result<Vec<String>, ApiError> {
    let mut query = QueryBuilder::<MySql>::new("SELECT s.product_id, s.format, s.summary FROM ");
    query
        .push("collection_products m JOIN showcase s ON s.product_id = m.product_id")
        .push(" WHERE m.removed_at IS NULL AND m.collection_id = ")
        .push_bind(collection)
        .push(" ORDER BY m.position, m.product_id");
    items(pool, showing, query.build().fetch_all(pool).await?).await
}
