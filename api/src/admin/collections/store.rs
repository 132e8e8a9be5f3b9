//! The SQL of collections and of which products they have.

use std::collections::HashMap;

use sqlx::{FromRow, MySql, MySqlPool, QueryBuilder};
use uuid::Uuid;

use super::model::{AdminCollection, AdminCollectionSummary, CollectionBody};
use crate::{
    admin::{products::model::ProductStatus, rules::taken},
    error::{ApiError, FieldError},
    http::version::IfMatch,
    work::Work,
};

/// All collections, in order.
pub(crate) async fn all(pool: &MySqlPool) -> Result<Vec<AdminCollectionSummary>, ApiError> {
    let rows: Vec<(Uuid, String, String, String, i64)> = sqlx::query_as(
        "SELECT c.id, c.slug, c.name, c.status,
            (SELECT COUNT(*) FROM collection_products m WHERE m.collection_id = c.id AND m.removed_at IS NULL)
         FROM collections c ORDER BY c.position, c.slug",
    )
    .fetch_all(pool)
    .await?;
    let one = |(id, slug, name, status, product_count): (_, _, _, String, _)| {
        Ok(AdminCollectionSummary { id, slug, name, status: read_status(&status)?, product_count })
    };
    rows.into_iter().map(one).collect()
}

#[derive(FromRow)]
struct Row {
    slug: String,
    name: String,
    description: String,
    position: i32,
    status: String,
    version: i64,
}

/// The collection with this id.
pub(crate) async fn one(pool: &MySqlPool, id: Uuid) -> Result<AdminCollection, ApiError> {
    let row: Option<Row> =
        sqlx::query_as("SELECT slug, name, description, position, status, version FROM collections WHERE id = ?")
            .bind(id)
            .fetch_optional(pool)
            .await?;
    let Row { slug, name, description, position, status, version } = row.ok_or(ApiError::NotFound)?;
    let products = sqlx::query_scalar(
        "SELECT p.slug FROM collection_products m JOIN products p ON p.id = m.product_id
         WHERE m.collection_id = ? AND m.removed_at IS NULL ORDER BY m.position, p.id",
    )
    .bind(id)
    .fetch_all(pool)
    .await?;
    let status = read_status(&status)?;
    Ok(AdminCollection { id, slug, name, description, position, status, products, version })
}

fn read_status(word: &str) -> Result<ProductStatus, ApiError> {
    ProductStatus::from_word(word).ok_or_else(|| ApiError::Internal(format!("unknown status {word}").into()))
}

/// Creates a collection.
pub(crate) async fn create(work: &mut Work, collection: &CollectionBody) -> Result<Uuid, ApiError> {
    let (id, now) = (Uuid::now_v7(), work.now());
    sqlx::query(
        "INSERT INTO collections (id, slug, name, description, position, status, created_at, updated_at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(id)
    .bind(&collection.slug)
    .bind(&collection.name)
    .bind(&collection.description)
    .bind(collection.position)
    .bind(collection.status.word())
    .bind(now)
    .bind(now)
    .execute(work.connection())
    .await
    .map_err(|error| taken(error, "collections_slug", "slug", "is taken"))?;
    work.touch("collections", id);
    collect(work, id, &collection.products).await?;
    Ok(id)
}

/// Changes a collection.
pub(crate) async fn replace(
    work: &mut Work,
    (id, known, collection): &(Uuid, IfMatch, CollectionBody),
) -> Result<(), ApiError> {
    // Who changes which products it has holds the collection.
    let version: Option<i64> = sqlx::query_scalar("SELECT version FROM collections WHERE id = ? FOR UPDATE")
        .bind(id)
        .fetch_optional(work.connection())
        .await?;
    known.check(version.ok_or(ApiError::NotFound)?)?;
    let now = work.now();
    sqlx::query(
        "UPDATE collections SET slug = ?, name = ?, description = ?, position = ?, status = ?, updated_at = ?,
            version = version + 1 WHERE id = ?",
    )
    .bind(&collection.slug)
    .bind(&collection.name)
    .bind(&collection.description)
    .bind(collection.position)
    .bind(collection.status.word())
    .bind(now)
    .bind(id)
    .execute(work.connection())
    .await
    .map_err(|error| taken(error, "collections_slug", "slug", "is taken"))?;
    work.touch("collections", *id);
    collect(work, *id, &collection.products).await
}

#[derive(FromRow)]
struct Member {
    id: Uuid,
    product_id: Uuid,
    position: i32,
    is_removed: bool,
}

/// Makes these, in this order, the products of a collection.
async fn collect(work: &mut Work, collection: Uuid, slugs: &[String]) -> Result<(), ApiError> {
    let wanted = products(work, slugs).await?;
    let members: Vec<Member> = sqlx::query_as(
        "SELECT id, product_id, position, removed_at IS NOT NULL AS is_removed FROM collection_products
         WHERE collection_id = ? ORDER BY id FOR UPDATE",
    )
    .bind(collection)
    .fetch_all(work.connection())
    .await?;
    let places: HashMap<Uuid, i32> = wanted.iter().copied().zip(0..).collect();
    for member in &members {
        let place = places.get(&member.product_id).copied();
        if place == (!member.is_removed).then_some(member.position) {
            continue;
        }
        let now = work.now();
        sqlx::query(
            "UPDATE collection_products SET position = ?, removed_at = ?, updated_at = ?, version = version + 1
             WHERE id = ?",
        )
        .bind(place.unwrap_or(member.position))
        .bind(place.is_none().then_some(now))
        .bind(now)
        .bind(member.id)
        .execute(work.connection())
        .await?;
        work.touch("collection_products", member.id);
    }
    for (product, position) in wanted.into_iter().zip(0..) {
        if members.iter().any(|member| member.product_id == product) {
            continue;
        }
        let (id, now) = (Uuid::now_v7(), work.now());
        sqlx::query(
            "INSERT INTO collection_products (id, collection_id, product_id, position, created_at, updated_at)
             VALUES (?, ?, ?, ?, ?, ?)",
        )
        .bind(id)
        .bind(collection)
        .bind(product)
        .bind::<i32>(position)
        .bind(now)
        .bind(now)
        .execute(work.connection())
        .await?;
        work.touch("collection_products", id);
    }
    Ok(())
}

/// The ids of the products with these slugs, in their order.
async fn products(work: &mut Work, slugs: &[String]) -> Result<Vec<Uuid>, ApiError> {
    if slugs.is_empty() {
        return Ok(Vec::new());
    }
    let mut query = QueryBuilder::<MySql>::new("SELECT slug, id FROM products WHERE slug IN (");
    let mut marks = query.separated(", ");
    for slug in slugs {
        marks.push_bind(slug);
    }
    query.push(")");
    let rows: Vec<(String, Uuid)> = query.build_query_as().fetch_all(work.connection()).await?;
    let ids: HashMap<String, Uuid> = rows.into_iter().collect();
    let unknown: Vec<FieldError> = (0..)
        .zip(slugs)
        .filter(|(_, slug)| !ids.contains_key(*slug))
        .map(|(index, slug): (usize, _)| FieldError::new(format!("products[{index}]"), format!("there is no {slug}")))
        .collect();
    if unknown.is_empty() {
        Ok(slugs.iter().filter_map(|slug| ids.get(slug).copied()).collect())
    } else {
        Err(ApiError::Validation { detail: None, errors: unknown })
    }
}
