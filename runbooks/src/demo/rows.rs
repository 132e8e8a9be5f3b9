//! The demo's rows: what they should be, and the one transaction that makes them so. SQL is only in `rows/sql.rs`.

mod sql;

use std::collections::BTreeSet;

use jewel_migrations::SHOWCASE_ANEW;
use sqlx::{Connection as _, MySqlConnection};

use self::sql::Id;
use super::Error;
use super::catalogue::{Catalogue, Piece};
use super::identity::id;
use super::picture::{HEIGHT, WIDTH};
use super::pictures;

/// How many products a run touched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Written {
    pub(super) added: usize,
    pub(super) updated: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CategoryRow {
    id: Id,
    slug: String,
    name: String,
    description: String,
    position: i32,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ProductRow {
    id: Id,
    category_id: Id,
    slug: String,
    name: String,
    description: String,
    currency: String,
    price_from_minor: i64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct VariantRow {
    id: Id,
    product_id: Id,
    position: i32,
    sku: String,
    metal: String,
    stone: Option<String>,
    ring_size: Option<String>,
    price_minor: i64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ImageRow {
    id: Id,
    product_id: Id,
    position: i32,
    object_key: String,
    alt: String,
}

/// Makes the rows as the catalogue has them, all or none. Writes nothing when they are so already.
pub(super) async fn write(conn: &mut MySqlConnection, catalogue: &Catalogue) -> Result<Written, Error> {
    let failed = |doing| move |source| Error::Database { doing, source };
    let mut tx = conn.begin().await.map_err(failed("beginning a transaction"))?;
    let (category_ids, renamed) = categories(&mut tx, catalogue).await?;
    let products: Vec<ProductRow> =
        catalogue.pieces.iter().zip(category_ids).map(|(piece, id)| product(piece, id, &catalogue.currency)).collect();
    let slugs: Vec<&str> = products.iter().map(|product| product.slug.as_str()).collect();
    let there = sql::products(&mut tx, &slugs).await.map_err(failed("reading products"))?;
    let is_ours = |row: &ProductRow| row.id == id("product", &row.slug);
    if let Some(taken) = there.iter().find(|row| !is_ours(row)) {
        return Err(Error::Taken { what: "product", name: taken.slug.clone() });
    }
    let (new, changed) = compare(&products, &there, |row| row.id);
    let mut touched: BTreeSet<Id> = changed.iter().map(|row| row.id).collect();
    let added: BTreeSet<Id> = new.iter().map(|row| row.id).collect();
    let days: Vec<(Id, &str)> =
        catalogue.pieces.iter().map(|piece| (id("product", &piece.slug), piece.added.as_str())).collect();
    sql::insert_products(&mut tx, &new, &days).await.map_err(failed("adding products"))?;
    sql::update_products(&mut tx, &changed).await.map_err(failed("changing products"))?;

    let (variants, stock) = variants(catalogue);
    let skus: Vec<&str> = variants.iter().map(|variant| variant.sku.as_str()).collect();
    let there = sql::variants(&mut tx, &skus).await.map_err(failed("reading variants"))?;
    if let Some(taken) = there.iter().find(|row| row.id != id("variant", &row.sku)) {
        return Err(Error::Taken { what: "variant", name: taken.sku.clone() });
    }
    let (new, changed) = compare(&variants, &there, |row| row.id);
    touched.extend(new.iter().chain(&changed).map(|row| row.product_id));
    sql::insert_variants(&mut tx, &new).await.map_err(failed("adding variants"))?;
    sql::update_variants(&mut tx, &changed).await.map_err(failed("changing variants"))?;
    // Stock belongs to the shop from here on: it is set once, with the variant itself.
    let fresh: Vec<(Id, u32)> =
        stock.into_iter().filter(|(variant, _)| new.iter().any(|row| row.id == *variant)).collect();
    sql::insert_stock(&mut tx, &fresh).await.map_err(failed("adding stock"))?;

    let images = images(catalogue);
    let ids: Vec<Id> = images.iter().map(|image| image.id).collect();
    let there = sql::images(&mut tx, &ids).await.map_err(failed("reading images"))?;
    let (new, changed) = compare(&images, &there, |row| row.id);
    touched.extend(new.iter().chain(&changed).map(|row| row.product_id));
    sql::insert_images(&mut tx, &new).await.map_err(failed("adding images"))?;
    sql::update_images(&mut tx, &changed).await.map_err(failed("changing images"))?;
    if renamed || !touched.is_empty() {
        sqlx::query(SHOWCASE_ANEW).execute(&mut *tx).await.map_err(failed("having the showcase made anew"))?;
    }
    tx.commit().await.map_err(failed("committing the demo catalogue"))?;
    Ok(Written { added: added.len(), updated: touched.difference(&added).count() })
}

/// Sees to the categories; gives each piece's category id, in the order of the pieces, and whether one was changed. A
/// category of the same slug that somebody else made is used as it is.
async fn categories(conn: &mut MySqlConnection, catalogue: &Catalogue) -> Result<(Vec<Id>, bool), Error> {
    let failed = |doing| move |source| Error::Database { doing, source };
    let wanted: Vec<CategoryRow> = (1..)
        .zip(&catalogue.categories)
        .map(|(position, category)| CategoryRow {
            id: id("category", &category.slug),
            slug: category.slug.clone(),
            name: category.name.clone(),
            description: category.description.clone(),
            position,
        })
        .collect();
    let there = sql::categories(conn).await.map_err(failed("reading categories"))?;
    let foreign: Vec<&CategoryRow> = there.iter().filter(|row| row.id != id("category", &row.slug)).collect();
    let ours: Vec<CategoryRow> =
        wanted.iter().filter(|row| foreign.iter().all(|other| other.slug != row.slug)).cloned().collect();
    let (new, changed) = compare(&ours, &there, |row| row.id);
    sql::insert_categories(conn, &new).await.map_err(failed("adding categories"))?;
    sql::update_categories(conn, &changed).await.map_err(failed("changing categories"))?;
    let used = |slug: &str| {
        let other = foreign.iter().find(|row| row.slug == slug);
        other.map_or_else(|| id("category", slug), |row| row.id)
    };
    Ok((catalogue.pieces.iter().map(|piece| used(&piece.category)).collect(), !changed.is_empty()))
}

/// Which wanted rows are not there, and which are there but different.
fn compare<Row: Clone + PartialEq>(wanted: &[Row], there: &[Row], key: impl Fn(&Row) -> Id) -> (Vec<Row>, Vec<Row>) {
    let (mut new, mut changed) = (Vec::new(), Vec::new());
    for row in wanted {
        match there.iter().find(|other| key(other) == key(row)) {
            None => new.push(row.clone()),
            Some(other) if other != row => changed.push(row.clone()),
            Some(_) => {}
        }
    }
    (new, changed)
}

fn product(piece: &Piece, category_id: Id, currency: &str) -> ProductRow {
    ProductRow {
        id: id("product", &piece.slug),
        category_id,
        slug: piece.slug.clone(),
        name: piece.name.clone(),
        description: piece.description.clone(),
        currency: currency.to_owned(),
        price_from_minor: piece.price_from(),
    }
}

/// All variants, and the stock each begins with.
fn variants(catalogue: &Catalogue) -> (Vec<VariantRow>, Vec<(Id, u32)>) {
    let (mut rows, mut stock) = (Vec::new(), Vec::new());
    for piece in &catalogue.pieces {
        for (position, variant) in (1..).zip(piece.variants()) {
            let id = id("variant", &variant.sku);
            stock.push((id, variant.stock));
            rows.push(VariantRow {
                id,
                product_id: super::identity::id("product", &piece.slug),
                position,
                sku: variant.sku,
                metal: variant.metal.code().to_owned(),
                stone: piece.stone.clone(),
                ring_size: variant.ring_size,
                price_minor: variant.price,
            });
        }
    }
    (rows, stock)
}

fn images(catalogue: &Catalogue) -> Vec<ImageRow> {
    let image = |piece: &Piece, position: usize, alt: String| ImageRow {
        id: id("image", &format!("{}/{position}", piece.slug)),
        product_id: id("product", &piece.slug),
        position: position as i32,
        object_key: pictures::key(piece, position),
        alt,
    };
    catalogue
        .pieces
        .iter()
        .flat_map(|piece| {
            let front = format!("{}: {}", piece.name, piece.look);
            let detail = format!("{}, closer and from another side: {}", piece.name, piece.look);
            [image(piece, 1, front), image(piece, 2, detail)]
        })
        .collect()
}

/// Width and height of every image, as the schema has them.
fn size() -> (i32, i32) {
    (WIDTH as i32, HEIGHT as i32)
}

#[cfg(test)]
mod tests;
