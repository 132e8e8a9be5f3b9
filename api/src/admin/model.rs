//! What an administrator may send, and the rules it has to keep.

use std::collections::HashSet;

use serde::Deserialize;
use utoipa::ToSchema;

use crate::error::FieldError;

/// The highest price, in minor units: ten million dollars. Above it somebody mistook the unit.
const HIGHEST_PRICE: i64 = 1_000_000_000;
/// The largest stock of one variant.
const LARGEST_STOCK: i32 = 1_000_000;
/// The most variants of one product.
const MOST_VARIANTS: usize = 200;

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
    /// The slug of an existing category.
    #[schema(example = "rings")]
    pub(crate) category: String,
    /// The currency of all its prices, ISO 4217.
    #[schema(pattern = "^[A-Z]{3}$", example = "SGD")]
    pub(crate) currency: String,
    /// What can be bought.
    #[schema(min_items = 1, max_items = 200)]
    pub(crate) variants: Vec<NewVariant>,
}

/// A variant to create.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewVariant {
    /// The stock keeping unit, unique in the shop.
    #[schema(max_length = 64, pattern = "^[A-Za-z0-9][A-Za-z0-9._-]*$", example = "AUR-18Y-12")]
    pub(crate) sku: String,
    /// A code such as `gold_18k`, `silver_925` or `platinum_950`.
    #[schema(max_length = 32, pattern = "^[a-z][a-z0-9_]*$", example = "gold_18k")]
    pub(crate) metal: String,
    /// The main stone, if any.
    #[schema(min_length = 1, max_length = 64)]
    #[serde(default)]
    pub(crate) stone: Option<String>,
    /// The size as printed on the label, for rings.
    #[schema(min_length = 1, max_length = 16)]
    #[serde(default)]
    pub(crate) ring_size: Option<String>,
    /// What it costs, in minor units.
    #[schema(minimum = 1, maximum = 1_000_000_000, example = 129_000)]
    pub(crate) price_minor: i64,
    /// How many there are.
    #[schema(minimum = 0, maximum = 1_000_000)]
    #[serde(default)]
    pub(crate) on_hand: i32,
}

impl NewProduct {
    /// Everything that is wrong with it; empty when nothing is.
    pub(crate) fn problems(&self) -> Vec<FieldError> {
        let mut problems = Problems(Vec::new());
        problems.require("slug", is_slug(&self.slug), "must be a-z, 0-9 and single hyphens, at most 120 characters");
        problems.require("name", is_text(&self.name, 1, 200), "must be one line of 1 to 200 characters");
        let is_description =
            self.description.chars().count() <= 5000 && !self.description.chars().any(|c| c.is_control() && c != '\n');
        problems.require("description", is_description, "must be text of at most 5000 characters");
        problems.require("category", is_slug(&self.category), "must be the slug of a category");
        let is_currency = self.currency.len() == 3 && self.currency.bytes().all(|byte| byte.is_ascii_uppercase());
        problems.require("currency", is_currency, "must be three capital letters (ISO 4217)");
        let count = self.variants.len();
        problems.require("variants", (1..=MOST_VARIANTS).contains(&count), "must be 1 to 200 variants");
        let mut skus = HashSet::new();
        for (index, variant) in self.variants.iter().take(MOST_VARIANTS).enumerate() {
            variant.check(index, &mut problems);
            let is_new = skus.insert(variant.sku.as_str());
            problems.require(&format!("variants[{index}].sku"), is_new, "is used by another variant of this product");
        }
        problems.0
    }

    /// The price of the cheapest variant.
    pub(crate) fn price_from_minor(&self) -> i64 {
        self.variants.iter().map(|variant| variant.price_minor).min().unwrap_or_default()
    }
}

impl NewVariant {
    fn check(&self, index: usize, problems: &mut Problems) {
        let mut require = |field: &str, holds: bool, message: &str| {
            problems.require(&format!("variants[{index}].{field}"), holds, message);
        };
        require("sku", is_sku(&self.sku), "must be letters, digits, dots, _ and -, at most 64 characters");
        require("metal", is_metal(&self.metal), "must be a code such as gold_18k, at most 32 characters");
        let is_short = |text: &Option<String>, most| text.as_deref().is_none_or(|text| is_text(text, 1, most));
        require("stone", is_short(&self.stone, 64), "must be one line of 1 to 64 characters");
        require("ring_size", is_short(&self.ring_size, 16), "must be one line of 1 to 16 characters");
        require("price_minor", (1..=HIGHEST_PRICE).contains(&self.price_minor), "must be 1 to 1000000000");
        require("on_hand", (0..=LARGEST_STOCK).contains(&self.on_hand), "must be 0 to 1000000");
    }
}

struct Problems(Vec<FieldError>);

impl Problems {
    fn require(&mut self, field: &str, holds: bool, message: &str) {
        if !holds {
            self.0.push(FieldError::new(field, message));
        }
    }
}

fn is_slug(text: &str) -> bool {
    text.len() <= 120
        && text
            .split('-')
            .all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()))
}

fn is_sku(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
}

fn is_metal(text: &str) -> bool {
    (1..=32).contains(&text.len())
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

fn is_text(text: &str, least: usize, most: usize) -> bool {
    (least..=most).contains(&text.chars().count()) && !text.chars().any(char::is_control) && text.trim() == text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn product(change: impl FnOnce(&mut serde_json::Value)) -> NewProduct {
        let mut value = serde_json::json!({
            "slug": "aurora-ring", "name": "Aurora Ring", "category": "rings", "currency": "SGD",
            "variants": [{"sku": "AUR-1", "metal": "gold_18k", "price_minor": 129_000, "on_hand": 3}],
        });
        change(&mut value);
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn a_good_product_has_no_problems() {
        assert_eq!(product(|_| {}).problems(), []);
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
            let problems = product(|whole| *whole.pointer_mut(pointer).unwrap() = value.clone()).problems();
            let fields: Vec<&str> = problems.iter().map(|problem| problem.field.as_str()).collect();
            assert_eq!(fields, [field], "{pointer} = {value}");
        }
    }

    #[test]
    fn a_sku_is_used_once() {
        let twice = product(|whole| {
            let first = whole["variants"][0].clone();
            whole["variants"].as_array_mut().unwrap().push(first);
        });
        assert_eq!(twice.problems()[0].field, "variants[1].sku");
    }
}
