//! Stock as administrators see and correct it.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::error::{ApiError, FieldError};

/// The largest stock of one variant.
const LARGEST_STOCK: i32 = 1_000_000;

/// A variant's stock.
#[derive(Debug, Clone, Serialize, ToSchema, sqlx::FromRow)]
pub(crate) struct Stock {
    /// Which variant.
    pub(crate) variant_id: Uuid,
    /// Its stock keeping unit.
    pub(crate) sku: String,
    /// Its product's name.
    pub(crate) name: String,
    /// How many there are.
    pub(crate) on_hand: i32,
    /// How many of those are promised to orders.
    pub(crate) reserved: i32,
    /// At this many left or less, somebody should look.
    pub(crate) low_stock: i32,
}

/// A page of stock, in the order of the stock keeping units.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct StockPage {
    pub(crate) items: Vec<Stock>,
    /// Give it as `cursor` for the next page; null on the last.
    pub(crate) next_cursor: Option<String>,
}

/// Which stock. All text, so that everything wrong can be said at once; empty means absent.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub(crate) struct StockParams {
    /// Only variants of which no more than their threshold are left.
    #[param(value_type = Option<bool>)]
    low_stock: Option<String>,
    /// How many at most; 50 when absent.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 200)]
    limit: Option<String>,
    /// The `next_cursor` of the page before.
    #[param(value_type = Option<String>)]
    cursor: Option<String>,
}

/// A checked request for a page of stock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StockListing {
    pub(crate) low_only: bool,
    pub(crate) limit: u32,
    pub(crate) after: String,
}

impl StockParams {
    pub(crate) fn check(self) -> Result<StockListing, ApiError> {
        let mut errors = Vec::new();
        let present = |value: Option<String>| value.filter(|value| !value.is_empty());
        let low_only = match present(self.low_stock).as_deref() {
            None | Some("false") => false,
            Some("true") => true,
            Some(_) => {
                errors.push(FieldError::new("low_stock", "is neither true nor false"));
                false
            }
        };
        let limit = present(self.limit)
            .map_or(Some(50), |text| text.parse().ok().filter(|limit: &u32| (1..=200).contains(limit)));
        if limit.is_none() {
            errors.push(FieldError::new("limit", "is not a number from 1 to 200"));
        }
        let after = present(self.cursor).unwrap_or_default();
        // A cursor is the last stock keeping unit of the page before.
        if after.len() > 64 || !after.bytes().all(|byte| byte.is_ascii_graphic()) {
            errors.push(FieldError::new("cursor", "is not one of ours"));
        }
        match limit {
            Some(limit) if errors.is_empty() => Ok(StockListing { low_only, limit, after }),
            _ => Err(ApiError::InvalidRequest { detail: None, errors }),
        }
    }
}

/// A correction of stock: either by how much or to what.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Correction {
    /// By how much: positive for what came, negative for what went.
    #[schema(minimum = -1_000_000, maximum = 1_000_000, example = -1)]
    #[serde(default)]
    pub(crate) delta: Option<i32>,
    /// To what, after counting.
    #[schema(minimum = 0, maximum = 1_000_000)]
    #[serde(default)]
    pub(crate) set: Option<i32>,
    /// Why.
    #[schema(min_length = 1, max_length = 200, example = "one came back damaged")]
    pub(crate) reason: String,
}

impl Correction {
    /// Everything that is wrong with it; empty when nothing is.
    pub(crate) fn problems(&self) -> Vec<FieldError> {
        let mut problems = Vec::new();
        match (self.delta, self.set) {
            (Some(delta), None) if delta != 0 && (-LARGEST_STOCK..=LARGEST_STOCK).contains(&delta) => {}
            (Some(_), None) => problems.push(FieldError::new("delta", "must be -1000000 to 1000000 and not 0")),
            (None, Some(set)) if (0..=LARGEST_STOCK).contains(&set) => {}
            (None, Some(_)) => problems.push(FieldError::new("set", "must be 0 to 1000000")),
            _ => problems.push(FieldError::new("delta", "send either delta or set")),
        }
        let reason = &self.reason;
        let is_reason = (1..=200).contains(&reason.chars().count()) && !reason.chars().any(char::is_control);
        if !is_reason || reason.trim() != reason {
            problems.push(FieldError::new("reason", "must be one line of 1 to 200 characters"));
        }
        problems
    }
}

/// When somebody should look.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Threshold {
    /// At this many left or less.
    #[schema(minimum = 0, maximum = 1_000_000)]
    pub(crate) low_stock: i32,
}

impl Threshold {
    /// Everything that is wrong with it; empty when nothing is.
    pub(crate) fn problems(&self) -> Vec<FieldError> {
        let is_good = (0..=LARGEST_STOCK).contains(&self.low_stock);
        if is_good { Vec::new() } else { vec![FieldError::new("low_stock", "must be 0 to 1000000")] }
    }
}

/// A correction that was made.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Adjustment {
    /// Its id.
    pub(crate) id: Uuid,
    /// By how much.
    pub(crate) delta: i32,
    /// To what.
    pub(crate) on_hand: i32,
    /// Why.
    pub(crate) reason: String,
    /// By whom, in the user pool.
    pub(crate) author: String,
    /// When.
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub(crate) at: OffsetDateTime,
}

/// A page of corrections, the newest first.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct AdjustmentPage {
    pub(crate) items: Vec<Adjustment>,
    /// Give it as `cursor` for the next page; null on the last.
    pub(crate) next_cursor: Option<String>,
}
