//! What an administrator may send of a product, and what is answered.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    admin::{
        rules::{Problems, is_prose, is_slug, is_text},
        variants::model::{AdminVariant, NewVariant},
    },
    catalogue::model::{CategoryRef, Image, Money},
    error::ApiError,
};

/// The most variants of one product, archived ones included.
pub(crate) const MOST_VARIANTS: usize = 200;

/// Whether a product is for sale.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ProductStatus {
    /// Everyone sees it.
    #[default]
    Active,
    /// Not yet: only administrators see it.
    Draft,
    /// No more: only administrators see it.
    Archived,
}

impl ProductStatus {
    /// As the column has it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Draft => "draft",
            Self::Archived => "archived",
        }
    }

    /// The status of this word.
    pub(crate) fn from_word(word: &str) -> Option<Self> {
        [Self::Active, Self::Draft, Self::Archived].into_iter().find(|status| status.word() == word)
    }
}

/// A product to create.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewProduct {
    /// Its name in addresses: lower-case letters, digits and single hyphens.
    #[schema(max_length = 120, pattern = "^[a-z0-9]+(-[a-z0-9]+)*$", example = "aurora-ring")]
    pub(crate) slug: String,
    /// Its name for people.
    #[schema(min_length = 1, max_length = 200)]
    pub(crate) name: String,
    /// What it is.
    #[schema(max_length = 5000)]
    #[serde(default)]
    pub(crate) description: String,
    /// The slug of a category that is not archived.
    #[schema(example = "rings")]
    pub(crate) category: String,
    /// The currency of all its prices, ISO 4217. It stays.
    #[schema(pattern = "^[A-Z]{3}$", example = "SGD")]
    pub(crate) currency: String,
    /// `active` at once, or first a `draft`.
    #[serde(default)]
    pub(crate) status: ProductStatus,
    /// What can be bought.
    #[schema(min_items = 1, max_items = 200)]
    pub(crate) variants: Vec<NewVariant>,
}

impl NewProduct {
    /// Refuses it with everything that is wrong with it.
    pub(crate) fn check(&self) -> Result<(), ApiError> {
        let mut problems = Problems::default();
        check_words(&mut problems, &self.slug, &self.name, &self.description, &self.category);
        let is_currency = self.currency.len() == 3 && self.currency.bytes().all(|byte| byte.is_ascii_uppercase());
        problems.require("currency", is_currency, "must be three capital letters (ISO 4217)");
        let count = self.variants.len();
        problems.require("variants", (1..=MOST_VARIANTS).contains(&count), "must be 1 to 200 variants");
        let mut skus = HashSet::new();
        for (index, variant) in self.variants.iter().take(MOST_VARIANTS).enumerate() {
            variant.check(&format!("variants[{index}]."), &mut problems);
            let is_new = skus.insert(variant.sku.as_str());
            problems.require(&format!("variants[{index}].sku"), is_new, "is used by another variant of this product");
        }
        problems.refuse()
    }

    /// The price of the cheapest variant.
    pub(crate) fn price_from_minor(&self) -> i64 {
        self.variants.iter().map(|variant| variant.price_minor).min().unwrap_or_default()
    }
}

/// All that can be changed of a product.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProductChange {
    /// Its name in addresses. The old address leads nowhere then.
    #[schema(max_length = 120, pattern = "^[a-z0-9]+(-[a-z0-9]+)*$", example = "aurora-ring")]
    pub(crate) slug: String,
    /// Its name for people.
    #[schema(min_length = 1, max_length = 200)]
    pub(crate) name: String,
    /// What it is.
    #[schema(max_length = 5000)]
    pub(crate) description: String,
    /// The slug of a category that is not archived.
    #[schema(example = "rings")]
    pub(crate) category: String,
    /// `active` publishes it, `archived` takes it away.
    pub(crate) status: ProductStatus,
}

impl ProductChange {
    /// Refuses it with everything that is wrong with it.
    pub(crate) fn check(&self) -> Result<(), ApiError> {
        let mut problems = Problems::default();
        check_words(&mut problems, &self.slug, &self.name, &self.description, &self.category);
        problems.refuse()
    }
}

fn check_words(problems: &mut Problems, slug: &str, name: &str, description: &str, category: &str) {
    problems.require("slug", is_slug(slug, 120), "must be a-z, 0-9 and single hyphens, at most 120 characters");
    problems.require("name", is_text(name, 1, 200), "must be one line of 1 to 200 characters");
    problems.require("description", is_prose(description, 5000), "must be text of at most 5000 characters");
    problems.require("category", is_slug(category, 80), "must be the slug of a category");
}

/// A product as administrators see it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct AdminProduct {
    /// What the list shows of it.
    #[serde(flatten)]
    pub(crate) summary: AdminProductSummary,
    /// What it is.
    pub(crate) description: String,
    /// Its pictures, in order.
    pub(crate) images: Vec<AdminImage>,
    /// The frame sets that are shown or on their way, the newest first.
    pub(crate) frame_sets: Vec<FrameSet>,
    /// Its variants, archived ones included, in order.
    pub(crate) variants: Vec<AdminVariant>,
}

/// A product as the administrators' list shows it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct AdminProductSummary {
    /// Its id.
    pub(crate) id: Uuid,
    /// Its name in addresses.
    pub(crate) slug: String,
    /// Its name for people.
    pub(crate) name: String,
    /// Where it belongs.
    pub(crate) category: CategoryRef,
    /// The price of its cheapest variant on sale.
    pub(crate) price_from: Money,
    /// Whether it is for sale.
    pub(crate) status: ProductStatus,
    /// When it was made.
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub(crate) created_at: OffsetDateTime,
    /// When it was changed last.
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub(crate) updated_at: OffsetDateTime,
    /// For `If-Match`, in quotes.
    #[schema(example = 7)]
    pub(crate) version: i64,
}

/// One page of the administrators' list.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct AdminProductPage {
    /// The products, the newest first.
    pub(crate) items: Vec<AdminProductSummary>,
    /// What to send as `after` for the next page; null on the last.
    pub(crate) next: Option<Uuid>,
}

/// A picture as administrators see it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct AdminImage {
    /// Its id.
    pub(crate) id: Uuid,
    /// What everyone sees of it.
    #[serde(flatten)]
    pub(crate) image: Image,
    /// For `If-Match`, in quotes.
    pub(crate) version: i64,
}

/// Pictures all around a product.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct FrameSet {
    /// Its id.
    pub(crate) id: Uuid,
    /// What they show, in words.
    pub(crate) alt: String,
    /// How many frames it will have.
    pub(crate) frame_count: i32,
    /// How many are there. It is shown when all are.
    pub(crate) frames_present: i64,
    /// For `If-Match`, in quotes.
    pub(crate) version: i64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::FieldError;

    fn product(change: impl FnOnce(&mut serde_json::Value)) -> NewProduct {
        let mut value = serde_json::json!({
            "slug": "aurora-ring", "name": "Aurora Ring", "category": "rings", "currency": "SGD",
            "variants": [{"sku": "AUR-1", "metal": "gold_18k", "price_minor": 129_000, "on_hand": 3}],
        });
        change(&mut value);
        serde_json::from_value(value).unwrap()
    }

    fn problems(product: &NewProduct) -> Vec<FieldError> {
        match product.check() {
            Ok(()) => Vec::new(),
            Err(ApiError::Validation { errors, .. }) => errors,
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn a_good_product_has_no_problems() {
        assert_eq!(problems(&product(|_| {})), []);
        assert_eq!(product(|_| {}).price_from_minor(), 129_000);
    }

    #[test]
    fn every_rule_names_its_field() {
        let cases: [(&str, serde_json::Value, &str); 13] = [
            ("/slug", "Aurora Ring".into(), "slug"),
            ("/slug", "a--b".into(), "slug"),
            ("/name", " ".into(), "name"),
            ("/name", "a\u{0}b".into(), "name"),
            ("/category", "../rings".into(), "category"),
            ("/currency", "sgd".into(), "currency"),
            ("/variants", serde_json::json!([]), "variants"),
            ("/variants/0/sku", "a b".into(), "variants[0].sku"),
            ("/variants/0/metal", "Gold".into(), "variants[0].metal"),
            ("/variants/0/price_minor", 0.into(), "variants[0].price_minor"),
            ("/variants/0/price_minor", i64::MAX.into(), "variants[0].price_minor"),
            ("/variants/0/on_hand", (-1).into(), "variants[0].on_hand"),
            ("/variants/0/on_hand", i32::MAX.into(), "variants[0].on_hand"),
        ];
        for (pointer, value, field) in cases {
            let found = problems(&product(|whole| *whole.pointer_mut(pointer).unwrap() = value.clone()));
            let fields: Vec<&str> = found.iter().map(|problem| problem.field.as_str()).collect();
            assert_eq!(fields, [field], "{pointer} = {value}");
        }
    }

    #[test]
    fn a_sku_is_used_once() {
        let twice = product(|whole| {
            let first = whole["variants"][0].clone();
            whole["variants"].as_array_mut().unwrap().push(first);
        });
        assert_eq!(problems(&twice)[0].field, "variants[1].sku");
    }
}
