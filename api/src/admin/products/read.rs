//! Reading products for administrators: all of them, whatever their status.

use sqlx::{FromRow, MySql, MySqlPool, QueryBuilder};
use time::PrimitiveDateTime;
use uuid::Uuid;

use super::model::{AdminImage, AdminProduct, AdminProductPage, AdminProductSummary, FrameSet, ProductStatus};
use crate::{
    admin::variants,
    app::App,
    catalogue::{
        model::{CategoryRef, Money},
        store::ImageRow,
    },
    error::ApiError,
};

#[derive(FromRow)]
struct ProductRow {
    id: Uuid,
    slug: String,
    name: String,
    description: String,
    currency: String,
    price_from_minor: i64,
    status: String,
    created_at: PrimitiveDateTime,
    updated_at: PrimitiveDateTime,
    version: i64,
    category_slug: String,
    category_name: String,
}

const PRODUCTS: &str = "
    SELECT p.id, p.slug, p.name, p.description, p.currency, p.price_from_minor, p.status, p.created_at, p.updated_at,
        p.version, c.slug AS category_slug, c.name AS category_name FROM products p ";

/// Products first, in the order of the list: the server would rather begin with the categories, and sort what it finds.
const CATEGORIES: &str = "STRAIGHT_JOIN categories c FORCE INDEX (PRIMARY) ON c.id = p.category_id WHERE ";

/// The product with this id.
pub(crate) async fn product(app: &App, id: Uuid) -> Result<AdminProduct, ApiError> {
    let mut query = QueryBuilder::<MySql>::new(PRODUCTS);
    let row = query
        .push(CATEGORIES)
        .push("p.id = ")
        .push_bind(id)
        .build_query_as::<ProductRow>()
        .fetch_optional(app.pool())
        .await?;
    let row = row.ok_or(ApiError::NotFound)?;
    let images = images(app, id).await?;
    let variants = variants::store::of_product(app.pool(), id, &row.currency).await?;
    let frame_sets = frame_sets(app.pool(), id).await?;
    let description = row.description.clone();
    Ok(AdminProduct { summary: summary(row)?, description, images, frame_sets, variants })
}

/// One page of products of this status, or of any, the newest first.
pub(crate) async fn page(
    pool: &MySqlPool,
    status: Option<ProductStatus>,
    after: Option<Uuid>,
    limit: u32,
) -> Result<AdminProductPage, ApiError> {
    let mut query = QueryBuilder::<MySql>::new(PRODUCTS);
    match status {
        Some(status) => {
            query.push("FORCE INDEX (products_status) ").push(CATEGORIES).push("p.status = ").push_bind(status.word())
        }
        None => query.push(CATEGORIES).push("TRUE"),
    };
    if let Some(after) = after {
        query.push(" AND p.id < ").push_bind(after);
    }
    query.push(" ORDER BY p.id DESC LIMIT ").push_bind(limit + 1);
    let mut rows: Vec<ProductRow> = query.build_query_as().fetch_all(pool).await?;
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows.last().filter(|_| more).map(|last| last.id);
    Ok(AdminProductPage { items: rows.into_iter().map(summary).collect::<Result<_, _>>()?, next })
}

fn summary(row: ProductRow) -> Result<AdminProductSummary, ApiError> {
    let status = ProductStatus::from_word(&row.status);
    Ok(AdminProductSummary {
        id: row.id,
        slug: row.slug,
        name: row.name,
        category: CategoryRef { slug: row.category_slug, name: row.category_name },
        price_from: Money { amount: row.price_from_minor, currency: row.currency },
        status: status.ok_or_else(|| ApiError::Internal(format!("unknown status {}", row.status).into()))?,
        created_at: row.created_at.assume_utc(),
        updated_at: row.updated_at.assume_utc(),
        version: row.version,
    })
}

#[derive(FromRow)]
struct AdminImageRow {
    id: Uuid,
    object_key: String,
    alt: String,
    width: i32,
    height: i32,
    sizes: Option<String>,
    version: i64,
}

async fn images(app: &App, product: Uuid) -> Result<Vec<AdminImage>, ApiError> {
    let rows: Vec<AdminImageRow> = sqlx::query_as(
        "SELECT id, object_key, alt, width, height, sizes, version FROM images
         WHERE product_id = ? AND frame_set_id IS NULL AND removed_at IS NULL ORDER BY position, id",
    )
    .bind(product)
    .fetch_all(app.pool())
    .await?;
    let one = |row: AdminImageRow| {
        let AdminImageRow { id, object_key, alt, width, height, sizes, version } = row;
        let image = app.showing().image(&ImageRow { object_key, alt, width, height, sizes, is_frame: false });
        AdminImage { id, image, version }
    };
    Ok(rows.into_iter().map(one).collect())
}

async fn frame_sets(pool: &MySqlPool, product: Uuid) -> Result<Vec<FrameSet>, ApiError> {
    type Row = (Uuid, String, i32, i64, i64);
    let rows: Vec<Row> = sqlx::query_as(
        "SELECT f.id, f.alt, f.frame_count, (SELECT COUNT(*) FROM images i WHERE i.frame_set_id = f.id), f.version
         FROM frame_sets f WHERE f.product_id = ? AND f.state IN ('pending', 'complete') ORDER BY f.id DESC LIMIT 20",
    )
    .bind(product)
    .fetch_all(pool)
    .await?;
    let one =
        |(id, alt, frame_count, frames_present, version)| FrameSet { id, alt, frame_count, frames_present, version };
    Ok(rows.into_iter().map(one).collect())
}
