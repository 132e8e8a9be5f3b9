//! Rows as callers see them.

use serde::{Deserialize, Serialize};

use super::{
    model::{CategoryRef, Image, ImageSize, Money, ProductSummary, Variant},
    store::{ImageRow, ProductRow, VariantRow},
};
use crate::app::App;

/// One size of a picture as the column `sizes` lists them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredSize {
    pub(crate) width: i32,
    pub(crate) height: i32,
}

/// A product as the list shows it.
pub(crate) fn summary(app: &App, row: ProductRow) -> ProductSummary {
    let shown = row.object_key.zip(row.alt).zip(row.width).zip(row.height);
    let sizes = row.sizes;
    ProductSummary {
        id: row.id,
        slug: row.slug,
        name: row.name,
        description: row.description,
        category: CategoryRef { slug: row.category_slug, name: row.category_name },
        price_from: Money { amount: row.price_from_minor, currency: row.currency },
        in_stock: row.in_stock,
        image: shown.map(|(((object_key, alt), width), height)| {
            image(app, ImageRow { object_key, alt, width, height, sizes, is_frame: false })
        }),
        metals: row
            .metals
            .as_deref()
            .unwrap_or_default()
            .split(',')
            .filter(|m| !m.is_empty())
            .map(Into::into)
            .collect(),
    }
}

/// A picture. The other sizes lie beside the largest one and are named by their width.
pub(crate) fn image(app: &App, row: ImageRow) -> Image {
    let url = app.media_url(&row.object_key);
    let listed: Vec<StoredSize> =
        row.sizes.as_deref().and_then(|sizes| serde_json::from_str(sizes).ok()).unwrap_or_default();
    let beside = url.rsplit_once('/').zip(url.rsplit_once('.')).map(|((folder, _), (_, kind))| (folder, kind));
    let mut sizes: Vec<ImageSize> = beside
        .into_iter()
        .flat_map(|(folder, kind)| {
            listed.iter().map(move |StoredSize { width, height }| ImageSize {
                url: format!("{folder}/{width}.{kind}"),
                width: *width,
                height: *height,
            })
        })
        .collect();
    if sizes.is_empty() {
        sizes.push(ImageSize { url: url.clone(), width: row.width, height: row.height });
    }
    Image { url, alt: row.alt, width: row.width, height: row.height, sizes }
}

/// A variant, priced in its product's currency.
pub(crate) fn variant(row: VariantRow, currency: &str) -> Variant {
    Variant {
        id: row.id,
        sku: row.sku,
        karat: karat(&row.metal),
        metal: row.metal,
        stone: row.stone,
        ring_size: row.ring_size,
        price: Money { amount: row.price_minor, currency: currency.to_owned() },
        available: row.available.max(0),
    }
}

/// What the code says of gold's purity: 18 for `rose_gold_18k`.
fn karat(metal: &str) -> Option<u8> {
    let karat = metal.rsplit_once('_')?.1.strip_suffix('k')?.parse().ok()?;
    (1..=24).contains(&karat).then_some(karat)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn karats_are_read_from_the_code() {
        let cases =
            [("gold_18k", Some(18)), ("rose_gold_9k", Some(9)), ("silver_925", None), ("gold_99k", None), ("k", None)];
        for (metal, expected) in cases {
            assert_eq!(karat(metal), expected, "{metal}");
        }
    }
}
