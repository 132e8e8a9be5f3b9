//! What an administrator may send of a variant, and what is answered.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    admin::rules::{LAST_POSITION, Problems, is_metal, is_sku, is_text},
    catalogue::model::Variant,
    error::ApiError,
};

/// The highest price, in minor units: ten million dollars. Above it somebody mistook the unit.
const HIGHEST_PRICE: i64 = 1_000_000_000;
/// The largest stock of one variant.
const LARGEST_STOCK: i32 = 1_000_000;

/// Whether it can be bought, or something may be shown: what is archived stays for those who have it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ShelfStatus)]
pub(crate) enum Status {
    /// Yes.
    #[default]
    Active,
    /// No more.
    Archived,
}

impl Status {
    /// As the column has it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Archived => "archived",
        }
    }

    /// The status of this word of the column, which has no third.
    pub(crate) fn from_word(word: &str) -> Self {
        if word == "active" { Self::Active } else { Self::Archived }
    }
}

/// A variant to create.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewVariant {
    /// The stock keeping unit, unique in the shop. It stays.
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

impl NewVariant {
    /// Notes everything that is wrong with it.
    pub(crate) fn check(&self, prefix: &str, problems: &mut Problems) {
        let is_good = is_sku(&self.sku);
        problems.require(
            &format!("{prefix}sku"),
            is_good,
            "must be letters, digits, dots, _ and -, at most 64 characters",
        );
        check_words(problems, prefix, &self.metal, self.stone.as_deref(), self.ring_size.as_deref(), self.price_minor);
        let is_good = (0..=LARGEST_STOCK).contains(&self.on_hand);
        problems.require(&format!("{prefix}on_hand"), is_good, "must be 0 to 1000000");
    }
}

/// All that can be changed of a variant.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct VariantChange {
    /// A code such as `gold_18k`, `silver_925` or `platinum_950`.
    #[schema(max_length = 32, pattern = "^[a-z][a-z0-9_]*$", example = "gold_18k")]
    pub(crate) metal: String,
    /// The main stone; null for none.
    #[schema(min_length = 1, max_length = 64)]
    pub(crate) stone: Option<String>,
    /// The size as printed on the label; null for what is not a ring.
    #[schema(min_length = 1, max_length = 16)]
    pub(crate) ring_size: Option<String>,
    /// What it costs, in minor units. Orders keep the price they were placed at.
    #[schema(minimum = 1, maximum = 1_000_000_000, example = 129_000)]
    pub(crate) price_minor: i64,
    /// Its place among the product's variants.
    #[schema(minimum = 0, maximum = 1_000_000)]
    pub(crate) position: i32,
    /// Whether it can be bought.
    pub(crate) status: Status,
}

impl VariantChange {
    /// Refuses it with everything that is wrong with it.
    pub(crate) fn check(&self) -> Result<(), ApiError> {
        let mut problems = Problems::default();
        check_words(&mut problems, "", &self.metal, self.stone.as_deref(), self.ring_size.as_deref(), self.price_minor);
        problems.require("position", (0..=LAST_POSITION).contains(&self.position), "must be 0 to 1000000");
        problems.refuse()
    }
}

fn check_words(
    problems: &mut Problems,
    prefix: &str,
    metal: &str,
    stone: Option<&str>,
    ring_size: Option<&str>,
    price: i64,
) {
    let mut require = |field: &str, holds: bool, message: &str| {
        problems.require(&format!("{prefix}{field}"), holds, message);
    };
    require("metal", is_metal(metal), "must be a code such as gold_18k, at most 32 characters");
    let is_short = |text: Option<&str>, most| text.is_none_or(|text| is_text(text, 1, most));
    require("stone", is_short(stone, 64), "must be one line of 1 to 64 characters");
    require("ring_size", is_short(ring_size, 16), "must be one line of 1 to 16 characters");
    require("price_minor", (1..=HIGHEST_PRICE).contains(&price), "must be 1 to 1000000000");
}

/// A variant as administrators see it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct AdminVariant {
    /// What everyone sees of it.
    #[serde(flatten)]
    pub(crate) variant: Variant,
    /// How many are in the shop.
    pub(crate) on_hand: i32,
    /// How many of those are promised to somebody.
    pub(crate) reserved: i32,
    /// Its place among the product's variants.
    pub(crate) position: i32,
    /// Whether it can be bought.
    pub(crate) status: Status,
    /// For `If-Match`, in quotes.
    #[schema(example = 7)]
    pub(crate) version: i64,
}
