//! Carts as callers see and change them.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    catalogue::model::Money,
    error::FieldError,
    orders::{ShippingMethod, TaxLine},
};

/// The most lines of a cart.
pub(crate) const MOST_LINES: usize = 50;
/// The most of one variant.
pub(crate) const LARGEST_QUANTITY: i32 = 10;

/// A line as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Line {
    pub(crate) variant_id: Uuid,
    pub(crate) quantity: i32,
    /// What one cost when the shopper last changed the line.
    pub(crate) price_minor: i64,
}

/// A variant to put into the cart.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewLine {
    /// Which one.
    pub(crate) variant_id: Uuid,
    /// How many more.
    #[schema(minimum = 1, maximum = 10, example = 1)]
    pub(crate) quantity: i32,
}

/// How many there should be.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Quantity {
    /// How many in all.
    #[schema(minimum = 1, maximum = 10, example = 2)]
    pub(crate) quantity: i32,
}

/// What is wrong with a quantity.
pub(crate) fn quantity_problems(quantity: i32) -> Vec<FieldError> {
    let is_good = (1..=LARGEST_QUANTITY).contains(&quantity);
    if is_good { Vec::new() } else { vec![FieldError::new("quantity", "must be 1 to 10")] }
}

/// A cart with today's prices and stock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Cart {
    /// What opens this cart: send it as `x-cart-token`. Absent for who is signed in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) token: Option<String>,
    /// What is in it, in the order it was put there.
    pub(crate) lines: Vec<CartLine>,
    /// What the lines cost; null for an empty cart.
    pub(crate) items: Option<Money>,
    /// What it comes to with each way of shipping; none for an empty cart.
    pub(crate) quotes: Vec<Quote>,
    /// Whether it can be ordered as it is.
    pub(crate) can_be_ordered: bool,
}

/// A line of a cart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct CartLine {
    /// Which variant.
    pub(crate) variant_id: Uuid,
    /// Its stock keeping unit.
    #[schema(example = "AUR-18Y-12")]
    pub(crate) sku: String,
    /// Its product, by its name in addresses.
    #[schema(example = "aurora-ring")]
    pub(crate) slug: String,
    /// Its product's name for people.
    pub(crate) name: String,
    /// What tells it from the product's other variants.
    #[schema(example = "gold 18k, size 12")]
    pub(crate) details: String,
    /// How many.
    pub(crate) quantity: i32,
    /// What one costs now.
    pub(crate) price: Money,
    /// What all of the line cost now.
    pub(crate) total: Money,
    /// How many can be bought now.
    pub(crate) available: i32,
    /// What is not as it was when the line was last changed.
    pub(crate) changes: Vec<LineChange>,
}

/// What is not as it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum LineChange {
    /// The price of one.
    Price {
        /// What it was, in minor units.
        was_minor: i64,
    },
    /// There are fewer than the line asks for.
    Short,
    /// It is no longer sold.
    Withdrawn,
}

/// What a cart comes to with one way of shipping.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Quote {
    /// The way of shipping.
    pub(crate) shipping_method: ShippingMethod,
    /// What it costs.
    pub(crate) shipping: Money,
    /// All that is to be paid: an order's `expected_total_minor`.
    pub(crate) total: Money,
    /// The tax within.
    pub(crate) tax: TaxLine,
}
