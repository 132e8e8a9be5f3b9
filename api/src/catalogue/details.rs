//! The SQL that reads products in full, several at once.

use std::collections::HashMap;

use sqlx::{FromRow, MySql, MySqlConnection, MySqlPool, QueryBuilder};
use time::PrimitiveDateTime;
use uuid::Uuid;

use super::store::{ImageRow, ProductRow, VariantRow};

/// A product with its pictures, frames and variants on sale, each in order.
#[derive(Debug, Clone)]
pub(crate) struct Detail {
    pub(crate) product: ProductRow,
    pub(crate) images: Vec<ImageRow>,
    pub(crate) variants: Vec<VariantRow>,
}

#[derive(FromRow)]
struct Of<T> {
    product_id: Uuid,
    position: i32,
    id: Uuid,
    #[sqlx(flatten)]
    row: T,
}

#[derive(FromRow)]
struct Plain {
    id: Uuid,
    slug: String,
    name: String,
    description: String,
    currency: String,
    price_from_minor: i64,
    created_at: PrimitiveDateTime,
    category_slug: String,
    category_name: String,
}

/// Those of the products with these slugs that are on sale, by slug.
pub(crate) async fn read(pool: &MySqlPool, slugs: &[&str]) -> Result<HashMap<String, Detail>, sqlx::Error> {
    if slugs.is_empty() {
        return Ok(HashMap::new());
    }
    let mut connection = pool.acquire().await?;
    let products = products(&mut connection, slugs).await?;
    let ids: Vec<Uuid> = products.iter().map(|product| product.id).collect();
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let mut variants = by_product(variants(&mut connection, &ids).await?);
    let mut images = by_product(images(&mut connection, &ids).await?);
    let details = products.into_iter().map(|product| {
        let variants = variants.remove(&product.id).unwrap_or_default();
        let images = images.remove(&product.id).unwrap_or_default();
        (product.slug.clone(), Detail { product: shown(product, &variants, &images), images, variants })
    });
    Ok(details.collect())
}

async fn products(connection: &mut MySqlConnection, slugs: &[&str]) -> Result<Vec<Plain>, sqlx::Error> {
    let mut query = QueryBuilder::<MySql>::new(
        "SELECT p.id, p.slug, p.name, p.description, p.currency, p.price_from_minor, p.created_at,
            c.slug AS category_slug, c.name AS category_name
         FROM products p JOIN categories c ON c.id = p.category_id WHERE p.status = 'active' AND p.slug IN ",
    );
    push_list(&mut query, slugs);
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
fn push_list<T>(query: &mut QueryBuilder<MySql>, values: &[T])
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

/// The product as the list shows it, made of what was read anyway.
fn shown(product: Plain, variants: &[VariantRow], images: &[ImageRow]) -> ProductRow {
    let mut metals: Vec<&str> = variants.iter().map(|variant| variant.metal.as_str()).collect();
    metals.sort_unstable();
    metals.dedup();
    let image = images.iter().find(|image| !image.is_frame);
    ProductRow {
        metals: Some(metals.join(",")),
        in_stock: variants.iter().any(|variant| variant.available > 0),
        object_key: image.map(|image| image.object_key.clone()),
        alt: image.map(|image| image.alt.clone()),
        width: image.map(|image| image.width),
        height: image.map(|image| image.height),
        sizes: image.and_then(|image| image.sizes.clone()),
        id: product.id,
        slug: product.slug,
        name: product.name,
        description: product.description,
        currency: product.currency,
        price_from_minor: product.price_from_minor,
        created_at: product.created_at,
        category_slug: product.category_slug,
        category_name: product.category_name,
    }
}
