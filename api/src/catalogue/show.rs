//! Rows as callers see them.

use std::ops::Range;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{
    details::Detail,
    model::{CategoryRef, Image, ImageSize, Money, ProductDetail, ProductSummary, Variant},
    store::{ImageRow, VariantRow},
};
use crate::error::ApiError;

/// Counts the shapes that [`ProductSummary`] and [`ProductDetail`] have had: one more whenever one of them changes, so
/// that what an earlier release wrote into the showcase is not sent by this one.
const SHAPE: i64 = 1;

/// The formats of this shape. Which of them, the settings decide.
pub(super) const FORMATS: Range<i64> = SHAPE << 32..(SHAPE + 1) << 32;

/// One size of a picture as the column `sizes` lists them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredSize {
    pub(crate) width: i32,
    pub(crate) height: i32,
}

/// How products are shown with the settings at hand.
#[derive(Debug, Clone)]
pub(crate) struct Showing {
    media_base_url: String,
    format: i64,
}

impl Showing {
    /// With pictures below this address.
    pub(crate) fn new(media_base_url: &str) -> Self {
        let digest = Sha256::digest(media_base_url);
        let settings = i64::from(u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]]));
        Self { media_base_url: media_base_url.to_owned(), format: FORMATS.start | settings }
    }

    /// What marks documents that are as this release with these settings makes them. Never 0.
    pub(super) fn format(&self) -> i64 {
        self.format
    }

    /// What lists show, as JSON.
    pub(super) fn summary_json(&self, detail: &Detail) -> Result<String, ApiError> {
        serde_json::to_string(&self.summary(detail)).map_err(|error| ApiError::Internal(error.into()))
    }

    /// The product in full, as JSON.
    pub(super) fn detail_json(&self, detail: &Detail) -> Result<String, ApiError> {
        serde_json::to_string(&self.detail(detail)).map_err(|error| ApiError::Internal(error.into()))
    }

    fn summary(&self, Detail { product, images, variants }: &Detail) -> ProductSummary {
        let mut metals: Vec<String> = variants.iter().map(|variant| variant.metal.clone()).collect();
        metals.sort_unstable();
        metals.dedup();
        ProductSummary {
            id: product.id,
            slug: product.slug.clone(),
            name: product.name.clone(),
            description: product.description.clone(),
            category: CategoryRef { slug: product.category_slug.clone(), name: product.category_name.clone() },
            price_from: Money { amount: product.price_from_minor, currency: product.currency.clone() },
            in_stock: variants.iter().any(|variant| variant.available > 0),
            image: images.iter().find(|image| !image.is_frame).map(|image| self.image(image)),
            metals,
        }
    }

    fn detail(&self, detail: &Detail) -> ProductDetail {
        let Detail { product, images, variants } = detail;
        let (frames, pictures): (Vec<_>, Vec<_>) = images.iter().partition(|row| row.is_frame);
        ProductDetail {
            summary: self.summary(detail),
            images: pictures.into_iter().map(|row| self.image(row)).collect(),
            frames: frames.into_iter().map(|row| self.image(row)).collect(),
            variants: variants.iter().map(|row| variant(row.clone(), &product.currency)).collect(),
        }
    }

    /// A picture. The other sizes lie beside the largest one and are named by their width.
    pub(crate) fn image(&self, row: &ImageRow) -> Image {
        let url = self.media_url(&row.object_key);
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
        Image { url, alt: row.alt.clone(), width: row.width, height: row.height, sizes }
    }

    /// The public address of an object in the media bucket: the base and the key without its `media/` prefix.
    fn media_url(&self, object_key: &str) -> String {
        let path = object_key.strip_prefix("media/").unwrap_or(object_key);
        format!("{}/{path}", self.media_base_url)
    }
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
