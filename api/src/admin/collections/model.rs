//! What an administrator may send of a collection, and what is answered.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    admin::{
        products::model::ProductStatus,
        rules::{LAST_POSITION, Problems, is_prose, is_slug, is_text},
    },
    error::ApiError,
};

/// The most products of one collection: all of them are answered at once.
const MOST_PRODUCTS: usize = 100;

/// All that can be said of a collection, to create or to change it.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CollectionBody {
    /// Its name in addresses and filters.
    #[schema(max_length = 80, pattern = "^[a-z0-9]+(-[a-z0-9]+)*$", example = "tides")]
    pub(crate) slug: String,
    /// Its name for people.
    #[schema(min_length = 1, max_length = 120, example = "Tides")]
    pub(crate) name: String,
    /// A sentence about it.
    #[schema(max_length = 1000)]
    #[serde(default)]
    pub(crate) description: String,
    /// Its place among the collections.
    #[schema(minimum = 0, maximum = 1_000_000)]
    #[serde(default)]
    pub(crate) position: i32,
    /// Only active ones are shown.
    #[serde(default)]
    pub(crate) status: ProductStatus,
    /// The slugs of its products, in the order they are shown. Those that are not for sale are left out then.
    #[schema(max_items = 100, example = json!(["tide-necklace"]))]
    #[serde(default)]
    pub(crate) products: Vec<String>,
}

impl CollectionBody {
    /// Refuses it with everything that is wrong with it.
    pub(crate) fn check(&self) -> Result<(), ApiError> {
        let mut problems = Problems::default();
        let is_good = is_slug(&self.slug, 80);
        problems.require("slug", is_good, "must be a-z, 0-9 and single hyphens, at most 80 characters");
        problems.require("name", is_text(&self.name, 1, 120), "must be one line of 1 to 120 characters");
        problems.require("description", is_prose(&self.description, 1000), "must be text of at most 1000 characters");
        problems.require("position", (0..=LAST_POSITION).contains(&self.position), "must be 0 to 1000000");
        problems.require("products", self.products.len() <= MOST_PRODUCTS, "must be at most 100 products");
        let mut slugs = HashSet::new();
        for (index, slug) in self.products.iter().take(MOST_PRODUCTS).enumerate() {
            let is_new = is_slug(slug, 120) && slugs.insert(slug);
            problems.require(&format!("products[{index}]"), is_new, "must be the slug of a product, once");
        }
        problems.refuse()
    }
}

/// A collection as administrators see it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct AdminCollection {
    /// Its id.
    pub(crate) id: Uuid,
    /// Its name in addresses and filters.
    pub(crate) slug: String,
    /// Its name for people.
    pub(crate) name: String,
    /// A sentence about it; may be empty.
    pub(crate) description: String,
    /// Its place among the collections.
    pub(crate) position: i32,
    /// Only active ones are shown.
    pub(crate) status: ProductStatus,
    /// The slugs of its products, in their order, those that are not for sale included.
    pub(crate) products: Vec<String>,
    /// For `If-Match`, in quotes.
    #[schema(example = 7)]
    pub(crate) version: i64,
}

/// A collection as the administrators' list shows it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct AdminCollectionSummary {
    /// Its id.
    pub(crate) id: Uuid,
    /// Its name in addresses and filters.
    pub(crate) slug: String,
    /// Its name for people.
    pub(crate) name: String,
    /// Only active ones are shown.
    pub(crate) status: ProductStatus,
    /// How many products it has, those that are not for sale included.
    pub(crate) product_count: i64,
}

/// All collections.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct AdminCollections {
    /// In their order, drafts and archived ones included.
    pub(crate) items: Vec<AdminCollectionSummary>,
}
