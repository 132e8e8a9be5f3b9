//! What an administrator may send of a category, and what is answered.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    admin::{
        rules::{LAST_POSITION, Problems, is_prose, is_slug, is_text},
        variants::model::Status,
    },
    error::ApiError,
};

/// All that can be said of a category, to create or to change it.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CategoryBody {
    /// Its name in addresses and filters.
    #[schema(max_length = 80, pattern = "^[a-z0-9]+(-[a-z0-9]+)*$", example = "rings")]
    pub(crate) slug: String,
    /// Its name for people.
    #[schema(min_length = 1, max_length = 120, example = "Rings")]
    pub(crate) name: String,
    /// A sentence about it.
    #[schema(max_length = 1000)]
    #[serde(default)]
    pub(crate) description: String,
    /// Its place among the categories.
    #[schema(minimum = 0, maximum = 1_000_000)]
    #[serde(default)]
    pub(crate) position: i32,
    /// Archived ones are not shown. Only one without products, other than archived ones, can be archived.
    #[serde(default)]
    pub(crate) status: Status,
}

impl CategoryBody {
    /// Refuses it with everything that is wrong with it.
    pub(crate) fn check(&self) -> Result<(), ApiError> {
        let mut problems = Problems::default();
        let is_good = is_slug(&self.slug, 80);
        problems.require("slug", is_good, "must be a-z, 0-9 and single hyphens, at most 80 characters");
        problems.require("name", is_text(&self.name, 1, 120), "must be one line of 1 to 120 characters");
        problems.require("description", is_prose(&self.description, 1000), "must be text of at most 1000 characters");
        problems.require("position", (0..=LAST_POSITION).contains(&self.position), "must be 0 to 1000000");
        problems.refuse()
    }
}

/// A category as administrators see it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct AdminCategory {
    /// Its id.
    pub(crate) id: Uuid,
    /// Its name in addresses and filters.
    pub(crate) slug: String,
    /// Its name for people.
    pub(crate) name: String,
    /// A sentence about it; may be empty.
    pub(crate) description: String,
    /// Its place among the categories.
    pub(crate) position: i32,
    /// Archived ones are not shown.
    pub(crate) status: Status,
    /// For `If-Match`, in quotes.
    #[schema(example = 7)]
    pub(crate) version: i64,
}

/// All categories.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct AdminCategories {
    /// In their order, archived ones included.
    pub(crate) items: Vec<AdminCategory>,
}
