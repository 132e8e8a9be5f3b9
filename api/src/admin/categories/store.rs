//! The SQL of categories.

use sqlx::{FromRow, MySqlPool};
use uuid::Uuid;

use super::model::{AdminCategory, CategoryBody};
use crate::{
    admin::{rules::taken, variants::model::Status},
    error::ApiError,
    http::version::IfMatch,
    work::Work,
};

#[derive(FromRow)]
struct Row {
    id: Uuid,
    slug: String,
    name: String,
    description: String,
    position: i32,
    status: String,
    version: i64,
}

impl From<Row> for AdminCategory {
    fn from(row: Row) -> Self {
        let Row { id, slug, name, description, position, status, version } = row;
        Self { id, slug, name, description, position, status: Status::from_word(&status), version }
    }
}

/// All categories, in order.
pub(crate) async fn all(pool: &MySqlPool) -> Result<Vec<AdminCategory>, ApiError> {
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT id, slug, name, description, position, status, version FROM categories ORDER BY position, slug",
    )
    .fetch_all(pool)
    .await?;
    Ok(rows.into_iter().map(Into::into).collect())
}

/// The category with this id.
pub(crate) async fn one(pool: &MySqlPool, id: Uuid) -> Result<AdminCategory, ApiError> {
    let row: Option<Row> =
        sqlx::query_as("SELECT id, slug, name, description, position, status, version FROM categories WHERE id = ?")
            .bind(id)
            .fetch_optional(pool)
            .await?;
    row.map(Into::into).ok_or(ApiError::NotFound)
}

/// Creates a category.
pub(crate) async fn create(work: &mut Work, category: &CategoryBody) -> Result<Uuid, ApiError> {
    let (id, now) = (Uuid::now_v7(), work.now());
    sqlx::query(
        "INSERT INTO categories (id, slug, name, description, position, status, created_at, updated_at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(id)
    .bind(&category.slug)
    .bind(&category.name)
    .bind(&category.description)
    .bind(category.position)
    .bind(category.status.word())
    .bind(now)
    .bind(now)
    .execute(work.connection())
    .await
    .map_err(|error| taken(error, "categories_slug", "slug", "is taken"))?;
    work.touch("categories", id);
    Ok(id)
}

/// Changes a category, or archives it when no product is left in it.
pub(crate) async fn replace(
    work: &mut Work,
    (id, known, category): &(Uuid, IfMatch, CategoryBody),
) -> Result<(), ApiError> {
    // Held against products that are being put into it.
    let version: Option<i64> = sqlx::query_scalar("SELECT version FROM categories WHERE id = ? FOR UPDATE")
        .bind(id)
        .fetch_optional(work.connection())
        .await?;
    known.check(version.ok_or(ApiError::NotFound)?)?;
    if category.status == Status::Archived {
        let products: i64 =
            sqlx::query_scalar("SELECT COUNT(*) FROM products WHERE category_id = ? AND status <> 'archived'")
                .bind(id)
                .fetch_one(work.connection())
                .await?;
        if products > 0 {
            return Err(ApiError::WrongState(format!("{products} products are in it: archive or move them first")));
        }
    }
    let now = work.now();
    sqlx::query(
        "UPDATE categories SET slug = ?, name = ?, description = ?, position = ?, status = ?, updated_at = ?,
            version = version + 1 WHERE id = ?",
    )
    .bind(&category.slug)
    .bind(&category.name)
    .bind(&category.description)
    .bind(category.position)
    .bind(category.status.word())
    .bind(now)
    .bind(id)
    .execute(work.connection())
    .await
    .map_err(|error| taken(error, "categories_slug", "slug", "is taken"))?;
    work.touch("categories", *id);
    Ok(())
}
