//! The SQL that reads products in full from the tables they are kept in, several at once.

use std::collections::HashMap;

use sqlx::{FromRow, MySql, MySqlConnection, QueryBuilder};
use time::PrimitiveDateTime;
use uuid::Uuid;

use super::store::{ImageRow, VariantRow};

/// A product with its pictures, frames and variants on sale, each in order.
#[derive(Debug, Clone)]
pub(crate) struct Detail {
    pub(crate) product: ProductRow,
    pub(crate) images: Vec<ImageRow>,
    pub(crate) variants: Vec<VariantRow>,
}

/// What is the product's own.
#[derive(Debug, Clone, FromRow)]
pub(crate) struct ProductRow {
    pub(crate) id: Uuid,
    pub(crate) category_id: Uuid,
    pub(crate) slug: String,
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) currency: String,
    pub(crate) price_from_minor: i64,
    pub(crate) created_at: PrimitiveDateTime,
    pub(crate) category_slug: String,
    pub(crate) category_name: String,
}

#[derive(FromRow)]
struct Of<T> {
    product_id: Uuid,
    position: i32,
    id: Uuid,
    #[sqlx(flatten)]
    row: T,
}

/// Those of the products with these slugs that are on sale.
pub(crate) async fn by_slug(connection: &mut MySqlConnection, slugs: &[&str]) -> Result<Vec<Detail>, sqlx::Error> {
    let details = read(connection, "slug", slugs).await?;
    Ok(details.into_values().collect())
}

/// Those of the products with these ids that are on sale.
pub(crate) async fn by_id(
    connection: &mut MySqlConnection,
    ids: &[Uuid],
) -> Result<HashMap<Uuid, Detail>, sqlx::Error> {
    read(connection, "id", ids).await
}

async fn read<T>(
    connection: &mut MySqlConnection,
    column: &'static str,
    values: &[T],
) -> Result<HashMap<Uuid, Detail>, sqlx::Error>
where
    T: for<'q> sqlx::Encode<'q, MySql> + sqlx::Type<MySql> + Copy + Send,
{
    if values.is_empty() {
        return Ok(HashMap::new());
    }
    let products = products(connection, column, values).await?;
    let ids: Vec<Uuid> = products.iter().map(|product| product.id).collect();
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let mut variants = by_product(variants(connection, &ids).await?);
    let mut images = by_product(images(connection, &ids).await?);
    let details = products.into_iter().map(|product| {
        let variants = variants.remove(&product.id).unwrap_or_default();
        let images = images.remove(&product.id).unwrap_or_default();
        (product.id, Detail { product, images, variants })
    });
    Ok(details.collect())
}

async fn products<T>(
    connection: &mut MySqlConnection,
    column: &'static str,
    values: &[T],
) -> Result<Vec<ProductRow>, sqlx::Error>
where
    T: for<'q> sqlx::Encode<'q, MySql> + sqlx::Type<MySql> + Copy + Send,
{
    let mut query = QueryBuilder::<MySql>::new(
        "SELECT p.id, p.category_id, p.slug, p.name, p.description, p.currency, p.price_from_minor, p.created_at,
            c.slug AS category_slug, c.name AS category_name
         FROM products p JOIN categories c ON c.id = p.category_id WHERE p.status = 'active' AND p.",
    );
    query.push(column).push(" IN ");
    push_list(&mut query, values);
    query.build_query_as().fetch_all(connection).await
}

async fn variants(connection: &mut MySqlConnection, products: &[Uuid]) -> Result<Vec<Of<VariantRow>>, sqlx::Error> {
    let mut query = QueryBuilder::<MySql>::new(
        "SELECT v.product_id, v.position, v.id, v.sku, v.metal, v.stone, v.ring_size, v.price_minor,
            CAST(COALESCE(s.on_hand - s.reserved, 0) AS SIGNED) AS available
         FROM variants v LEFT JOIN inventory s ON s.variant_id = v.id WHERE v.status = 'active' AND v.product_id IN ",
    );
    push_list(&mut query, products);
    query.build_query_as().fetch_all(connection).await
}

async fn images(connection: &mut MySqlConnection, products: &[Uuid]) -> Result<Vec<Of<ImageRow>>, sqlx::Error> {
    let mut query = QueryBuilder::<MySql>::new(
        "SELECT i.product_id, i.position, i.id, i.object_key, i.alt, i.width, i.height, i.sizes,
            i.frame_set_id IS NOT NULL AS is_frame
         FROM images i LEFT JOIN frame_sets f ON f.id = i.frame_set_id
         WHERE i.removed_at IS NULL AND (i.frame_set_id IS NULL OR f.state = 'complete') AND i.product_id IN ",
    );
    push_list(&mut query, products);
    query.build_query_as().fetch_all(connection).await
}

/// A list of values. Its length is a power of two, by naming the last one again, so that there are few statements and
/// each is prepared once.
pub(super) fn push_list<T>(query: &mut QueryBuilder<MySql>, values: &[T])
where
    T: for<'q> sqlx::Encode<'q, MySql> + sqlx::Type<MySql> + Copy + Send,
{
    query.push("(");
    let mut list = query.separated(", ");
    let missing = values.len().next_power_of_two() - values.len();
    for value in values.iter().chain(values.last().into_iter().cycle().take(missing)) {
        list.push_bind(*value);
    }
    query.push(")");
}

/// The rows of each product, in order.
fn by_product<T>(mut rows: Vec<Of<T>>) -> HashMap<Uuid, Vec<T>> {
    rows.sort_by_key(|of| (of.position, of.id));
    let mut by_product: HashMap<Uuid, Vec<T>> = HashMap::new();
    for of in rows {
        by_product.entry(of.product_id).or_default().push(of.row);
    }
    by_product
}
