//! Orders as callers see them.

use serde::Serialize;
use time::{OffsetDateTime, PrimitiveDateTime};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    PaymentMethod, Status,
    checkout::Address,
    model::Order,
    store::{HistoryRow, LineRow, SummaryRow},
};
use crate::{catalogue::model::Money, error::ApiError};

/// A tax within a sum.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct TaxLine {
    /// What it is called.
    #[schema(example = "GST")]
    pub(crate) name: String,
    /// Its rate, in hundredths of a percent.
    #[schema(example = 900)]
    pub(crate) basis_points: i32,
    /// How much of the total it is.
    pub(crate) amount: Money,
}

impl TaxLine {
    pub(crate) fn new(name: &str, basis_points: i32, amount: Money) -> Self {
        Self { name: name.to_owned(), basis_points, amount }
    }
}

/// An order.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct OrderView {
    /// Its id.
    pub(crate) id: Uuid,
    /// Its name for people.
    #[schema(example = "K7M2-9QXR")]
    pub(crate) number: String,
    /// Where it stands.
    pub(crate) status: Status,
    /// When it was placed.
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub(crate) placed_at: OffsetDateTime,
    /// When it is given up if it is not paid.
    #[serde(with = "time::serde::rfc3339::option")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub(crate) expires_at: Option<OffsetDateTime>,
    /// Where the confirmation goes.
    pub(crate) email: String,
    /// Where the goods go.
    pub(crate) address: Address,
    /// What was bought.
    pub(crate) lines: Vec<OrderLine>,
    /// What the lines cost.
    pub(crate) items: Money,
    /// How it travels.
    #[schema(example = "standard")]
    pub(crate) shipping_method: String,
    /// What that costs.
    pub(crate) shipping: Money,
    /// All that is to be paid.
    pub(crate) total: Money,
    /// The tax within the total.
    pub(crate) tax: TaxLine,
    /// How it stands with the payment.
    pub(crate) payment: Payment,
    /// How to follow it, when it is on its way.
    pub(crate) shipment: Option<Shipment>,
    /// Where it has been.
    pub(crate) history: Vec<HistoryEntry>,
    /// Whose it is, in the user pool. Only administrators are told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) customer: Option<String>,
}

/// A line of an order, as it was when it was placed.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct OrderLine {
    /// Which variant.
    pub(crate) variant_id: Uuid,
    /// Its stock keeping unit.
    pub(crate) sku: String,
    /// Its product's name.
    pub(crate) name: String,
    /// What told it from the product's other variants.
    pub(crate) details: String,
    /// What one cost.
    pub(crate) price: Money,
    /// How many.
    pub(crate) quantity: i32,
    /// What all of the line cost.
    pub(crate) total: Money,
}

/// How it stands with the payment.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Payment {
    /// How it is paid.
    pub(crate) method: PaymentMethod,
    /// When the money came.
    #[serde(with = "time::serde::rfc3339::option")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub(crate) paid_at: Option<OffsetDateTime>,
    /// How much of it was given back.
    pub(crate) refunded: Money,
    /// The provider's name for the payment. Only administrators are told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reference: Option<String>,
}

/// How to follow a parcel.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Shipment {
    /// Who carries it.
    pub(crate) carrier: String,
    /// The carrier's name for it.
    pub(crate) tracking: Option<String>,
}

/// A step of an order.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct HistoryEntry {
    /// Where it stood after.
    pub(crate) status: Status,
    /// When.
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub(crate) at: OffsetDateTime,
    /// Who. Only administrators are told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) actor: Option<String>,
    /// Why. Only administrators are told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<String>,
}

/// An order in a list.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct OrderSummary {
    /// Its id.
    pub(crate) id: Uuid,
    /// Its name for people.
    #[schema(example = "K7M2-9QXR")]
    pub(crate) number: String,
    /// Where it stands.
    pub(crate) status: Status,
    /// When it was placed.
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub(crate) placed_at: OffsetDateTime,
    /// All that was to be paid.
    pub(crate) total: Money,
}

/// A page of orders, the newest first.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct OrderPage {
    pub(crate) items: Vec<OrderSummary>,
    /// Give it as `cursor` for the next page; null on the last.
    pub(crate) next_cursor: Option<String>,
}

/// Who looks at an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Audience {
    Buyer,
    Administrator,
}

impl OrderView {
    pub(super) fn new(
        order: Order,
        lines: Vec<LineRow>,
        history: Vec<HistoryRow>,
        audience: Audience,
    ) -> Result<Self, ApiError> {
        let address = serde_json::from_str(&order.address).map_err(|error| ApiError::Internal(error.into()))?;
        let all = audience == Audience::Administrator;
        let money = |amount| Money { amount, currency: order.currency.clone() };
        let history = history.into_iter().filter(|row| all || row.previous.as_deref() != Some(row.status.code()));
        Ok(Self {
            id: order.id,
            status: order.status,
            placed_at: order.created_at.assume_utc(),
            expires_at: order.expires_at.map(PrimitiveDateTime::assume_utc),
            address,
            lines: lines
                .into_iter()
                .map(|row| OrderLine {
                    variant_id: row.variant_id,
                    sku: row.sku,
                    name: row.name,
                    details: row.details,
                    price: money(row.price_minor),
                    quantity: row.quantity,
                    total: money(row.price_minor * i64::from(row.quantity)),
                })
                .collect(),
            items: money(order.items_minor),
            shipping: money(order.shipping_minor),
            total: money(order.total_minor),
            tax: TaxLine::new(&order.tax_name, order.tax_basis_points, money(order.tax_minor)),
            payment: Payment {
                method: order.payment_method,
                paid_at: order.paid_at.map(PrimitiveDateTime::assume_utc),
                refunded: money(order.refunded_minor),
                reference: order.payment_reference.filter(|_| all),
            },
            shipment: order.carrier.map(|carrier| Shipment { carrier, tracking: order.tracking }),
            history: history
                .map(|row| HistoryEntry {
                    status: row.status,
                    at: row.created_at.assume_utc(),
                    actor: all.then_some(row.actor),
                    reason: all.then_some(row.reason),
                })
                .collect(),
            customer: order.customer.filter(|_| all),
            number: order.number,
            email: order.email,
            shipping_method: order.shipping_method,
        })
    }
}

impl From<SummaryRow> for OrderSummary {
    fn from(row: SummaryRow) -> Self {
        Self {
            id: row.id,
            number: row.number,
            status: row.status,
            placed_at: row.created_at.assume_utc(),
            total: Money { amount: row.total_minor, currency: row.currency },
        }
    }
}
