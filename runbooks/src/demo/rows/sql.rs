//! The statements. Reads take locks (`FOR UPDATE`) so that what was compared is what is changed.

use sqlx::mysql::MySqlRow;
use sqlx::{MySql, MySqlConnection, QueryBuilder, Row as _};

use super::{CategoryRow, ImageRow, ProductRow, VariantRow, size};

/// A UUID as the schema stores it.
pub(super) type Id = [u8; 16];

type Result<T> = std::result::Result<T, sqlx::Error>;

/// Rows of one statement: servers limit placeholders to 65535 and packets to some megabytes.
const BATCH: usize = 200;

pub(super) async fn categories(conn: &mut MySqlConnection) -> Result<Vec<CategoryRow>> {
    let rows = sqlx::query("SELECT id, slug, name, description, position FROM categories FOR UPDATE");
    rows.fetch_all(conn)
        .await?
        .iter()
        .map(|row| {
            Ok(CategoryRow {
                id: id(row, "id")?,
                slug: row.try_get("slug")?,
                name: row.try_get("name")?,
                description: row.try_get("description")?,
                position: row.try_get("position")?,
            })
        })
        .collect()
}

pub(super) async fn insert_categories(conn: &mut MySqlConnection, rows: &[CategoryRow]) -> Result<()> {
    for batch in rows.chunks(BATCH) {
        let now = now();
        let mut query = QueryBuilder::<MySql>::new(
            "INSERT INTO categories (id, slug, name, description, position, created_at, updated_at) ",
        );
        query.push_values(batch, |mut values, row| {
            values.push_bind(row.id.to_vec()).push_bind(&row.slug).push_bind(&row.name).push_bind(&row.description);
            values.push_bind(row.position).push_bind(now.clone()).push_bind(now.clone());
        });
        query.build().execute(&mut *conn).await?;
    }
    Ok(())
}

pub(super) async fn update_categories(conn: &mut MySqlConnection, rows: &[CategoryRow]) -> Result<()> {
    for row in rows {
        sqlx::query("UPDATE categories SET name = ?, description = ?, position = ?, updated_at = ? WHERE id = ?")
            .bind(&row.name)
            .bind(&row.description)
            .bind(row.position)
            .bind(now())
            .bind(&row.id[..])
            .execute(&mut *conn)
            .await?;
    }
    Ok(())
}

/// Products with one of these slugs, whoever made them.
pub(super) async fn products(conn: &mut MySqlConnection, slugs: &[&str]) -> Result<Vec<ProductRow>> {
    let mut query = QueryBuilder::<MySql>::new(
        "SELECT id, category_id, slug, name, description, currency, price_from_minor FROM products WHERE slug IN (",
    );
    one_of(&mut query, slugs.iter().copied());
    let rows = query.build().fetch_all(conn).await?;
    rows.iter()
        .map(|row| {
            Ok(ProductRow {
                id: id(row, "id")?,
                category_id: id(row, "category_id")?,
                slug: row.try_get("slug")?,
                name: row.try_get("name")?,
                description: row.try_get("description")?,
                currency: row.try_get("currency")?,
                price_from_minor: row.try_get("price_from_minor")?,
            })
        })
        .collect()
}

/// Adds products; `days` says since when each has been in the shop.
pub(super) async fn insert_products(
    conn: &mut MySqlConnection,
    rows: &[ProductRow],
    days: &[(Id, &str)],
) -> Result<()> {
    for batch in rows.chunks(BATCH) {
        let now = now();
        let mut query = QueryBuilder::<MySql>::new(
            "INSERT INTO products (id, category_id, slug, name, description, currency, price_from_minor, created_at, \
             updated_at) ",
        );
        query.push_values(batch, |mut values, row| {
            let day =
                days.iter().find(|(id, _)| *id == row.id).map_or_else(|| now.clone(), |(_, day)| (*day).to_owned());
            values.push_bind(row.id.to_vec()).push_bind(row.category_id.to_vec()).push_bind(&row.slug);
            values.push_bind(&row.name).push_bind(&row.description).push_bind(&row.currency);
            values.push_bind(row.price_from_minor).push_bind(day).push_bind(now.clone());
        });
        query.build().execute(&mut *conn).await?;
    }
    Ok(())
}

pub(super) async fn update_products(conn: &mut MySqlConnection, rows: &[ProductRow]) -> Result<()> {
    for row in rows {
        sqlx::query(
            "UPDATE products SET category_id = ?, name = ?, description = ?, currency = ?, price_from_minor = ?, \
             updated_at = ? WHERE id = ?",
        )
        .bind(&row.category_id[..])
        .bind(&row.name)
        .bind(&row.description)
        .bind(&row.currency)
        .bind(row.price_from_minor)
        .bind(now())
        .bind(&row.id[..])
        .execute(&mut *conn)
        .await?;
    }
    Ok(())
}

/// Variants with one of these stock numbers, whoever made them.
pub(super) async fn variants(conn: &mut MySqlConnection, skus: &[&str]) -> Result<Vec<VariantRow>> {
    let mut query = QueryBuilder::<MySql>::new(
        "SELECT id, product_id, position, sku, metal, stone, ring_size, price_minor FROM variants WHERE sku IN (",
    );
    one_of(&mut query, skus.iter().copied());
    let rows = query.build().fetch_all(conn).await?;
    rows.iter()
        .map(|row| {
            Ok(VariantRow {
                id: id(row, "id")?,
                product_id: id(row, "product_id")?,
                position: row.try_get("position")?,
                sku: row.try_get("sku")?,
                metal: row.try_get("metal")?,
                stone: row.try_get("stone")?,
                ring_size: row.try_get("ring_size")?,
                price_minor: row.try_get("price_minor")?,
            })
        })
        .collect()
}

pub(super) async fn insert_variants(conn: &mut MySqlConnection, rows: &[VariantRow]) -> Result<()> {
    for batch in rows.chunks(BATCH) {
        let now = now();
        let mut query = QueryBuilder::<MySql>::new(
            "INSERT INTO variants (id, product_id, position, sku, metal, stone, ring_size, price_minor, created_at, \
             updated_at) ",
        );
        query.push_values(batch, |mut values, row| {
            values.push_bind(row.id.to_vec()).push_bind(row.product_id.to_vec()).push_bind(row.position);
            values.push_bind(&row.sku).push_bind(&row.metal).push_bind(&row.stone).push_bind(&row.ring_size);
            values.push_bind(row.price_minor).push_bind(now.clone()).push_bind(now.clone());
        });
        query.build().execute(&mut *conn).await?;
    }
    Ok(())
}

pub(super) async fn update_variants(conn: &mut MySqlConnection, rows: &[VariantRow]) -> Result<()> {
    for row in rows {
        sqlx::query(
            "UPDATE variants SET position = ?, metal = ?, stone = ?, ring_size = ?, price_minor = ?, updated_at = ? \
             WHERE id = ?",
        )
        .bind(row.position)
        .bind(&row.metal)
        .bind(&row.stone)
        .bind(&row.ring_size)
        .bind(row.price_minor)
        .bind(now())
        .bind(&row.id[..])
        .execute(&mut *conn)
        .await?;
    }
    Ok(())
}

pub(super) async fn insert_stock(conn: &mut MySqlConnection, rows: &[(Id, u32)]) -> Result<()> {
    for batch in rows.chunks(BATCH) {
        let now = now();
        let mut query =
            QueryBuilder::<MySql>::new("INSERT INTO inventory (variant_id, on_hand, reserved, updated_at) ");
        query.push_values(batch, |mut values, (variant, on_hand)| {
            values.push_bind(variant.to_vec()).push_bind(*on_hand).push_bind(0_i32).push_bind(now.clone());
        });
        query.build().execute(&mut *conn).await?;
    }
    Ok(())
}

pub(super) async fn images(conn: &mut MySqlConnection, ids: &[Id]) -> Result<Vec<ImageRow>> {
    let mut query =
        QueryBuilder::<MySql>::new("SELECT id, product_id, position, object_key, alt FROM images WHERE id IN (");
    one_of(&mut query, ids.iter().map(|id| id.to_vec()));
    let rows = query.build().fetch_all(conn).await?;
    rows.iter()
        .map(|row| {
            Ok(ImageRow {
                id: id(row, "id")?,
                product_id: id(row, "product_id")?,
                position: row.try_get("position")?,
                object_key: row.try_get("object_key")?,
                alt: row.try_get("alt")?,
            })
        })
        .collect()
}

pub(super) async fn insert_images(conn: &mut MySqlConnection, rows: &[ImageRow]) -> Result<()> {
    let (width, height) = size();
    for batch in rows.chunks(BATCH) {
        let now = now();
        let mut query = QueryBuilder::<MySql>::new(
            "INSERT INTO images (id, product_id, position, object_key, alt, width, height, created_at) ",
        );
        query.push_values(batch, |mut values, row| {
            values.push_bind(row.id.to_vec()).push_bind(row.product_id.to_vec()).push_bind(row.position);
            values.push_bind(&row.object_key).push_bind(&row.alt).push_bind(width).push_bind(height);
            values.push_bind(now.clone());
        });
        query.build().execute(&mut *conn).await?;
    }
    Ok(())
}

pub(super) async fn update_images(conn: &mut MySqlConnection, rows: &[ImageRow]) -> Result<()> {
    for row in rows {
        sqlx::query("UPDATE images SET object_key = ?, alt = ? WHERE id = ?")
            .bind(&row.object_key)
            .bind(&row.alt)
            .bind(&row.id[..])
            .execute(&mut *conn)
            .await?;
    }
    Ok(())
}

/// The rest of `… IN (`, and the locks.
fn one_of<'a, T>(query: &mut QueryBuilder<MySql>, values: impl Iterator<Item = T>)
where
    T: 'a + sqlx::Encode<'a, MySql> + sqlx::Type<MySql>,
{
    let mut list = query.separated(", ");
    for value in values {
        list.push_bind(value);
    }
    query.push(") FOR UPDATE");
}

fn id(row: &MySqlRow, column: &str) -> Result<Id> {
    let bytes: Vec<u8> = row.try_get(column)?;
    Id::try_from(bytes).map_err(|bytes| sqlx::Error::ColumnDecode {
        index: column.to_owned(),
        source: format!("an id has 16 bytes, not {}", bytes.len()).into(),
    })
}

/// UTC, as text the server reads into DATETIME(6): its own clock and time zone stay out of it.
fn now() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%d %H:%M:%S%.6f").to_string()
}
