//! What an administrator may send of pictures.

use std::collections::HashSet;

use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    admin::rules::{Problems, is_text},
    error::ApiError,
};

/// A picture's words.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ImageChange {
    /// What it shows.
    #[schema(min_length = 1, max_length = 255)]
    pub(crate) alt: String,
}

impl ImageChange {
    /// Refuses it with everything that is wrong with it.
    pub(crate) fn check(&self) -> Result<(), ApiError> {
        let mut problems = Problems::default();
        problems.require("alt", is_text(&self.alt, 1, 255), "must be one line of 1 to 255 characters");
        problems.refuse()
    }
}

/// The order of a product's pictures. The first is the one that lists show.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ImageOrder {
    /// The ids of all of them.
    #[schema(max_items = 100)]
    pub(crate) images: Vec<Uuid>,
}

impl ImageOrder {
    /// Refuses it with everything that is wrong with it.
    pub(crate) fn check(&self) -> Result<(), ApiError> {
        let mut problems = Problems::default();
        let distinct: HashSet<&Uuid> = self.images.iter().collect();
        let is_good = self.images.len() <= 100 && distinct.len() == self.images.len();
        problems.require("images", is_good, "must be at most 100 ids, each once");
        problems.refuse()
    }
}
