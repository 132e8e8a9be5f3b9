//! An order as the rest of the shop sees it.

use serde::{Deserialize, Serialize};
use sqlx::FromRow;
use time::PrimitiveDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use super::Status;

/// An order without its lines.
#[derive(Debug, Clone, FromRow)]
pub(crate) struct Order {
    pub(crate) id: Uuid,
    /// Its name for people.
    pub(crate) number: String,
    /// Whose it is in the user pool; `None` when the buyer did not sign in.
    pub(crate) customer: Option<String>,
    pub(crate) email: String,
    /// A JSON document.
    pub(crate) address: String,
    #[sqlx(try_from = "String")]
    pub(crate) status: Status,
    pub(crate) currency: String,
    pub(crate) items_minor: i64,
    pub(crate) shipping_minor: i64,
    pub(crate) total_minor: i64,
    pub(crate) tax_name: String,
    pub(crate) tax_basis_points: i32,
    /// How much of the total is tax.
    pub(crate) tax_minor: i64,
    pub(crate) shipping_method: String,
    #[sqlx(try_from = "String")]
    pub(crate) payment_method: PaymentMethod,
    /// The provider and its name for the payment.
    pub(crate) payment_reference: Option<String>,
    pub(crate) paid_at: Option<PrimitiveDateTime>,
    pub(crate) refunded_minor: i64,
    pub(crate) carrier: Option<String>,
    pub(crate) tracking: Option<String>,
    /// When its items are given up if it is not paid.
    pub(crate) expires_at: Option<PrimitiveDateTime>,
    /// Where its confirmation is.
    pub(crate) document: String,
    pub(crate) created_at: PrimitiveDateTime,
}

/// How an order is paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum PaymentMethod {
    /// By card, with the payment provider: no card data comes here.
    Card,
    /// By a transfer to the shop's account.
    BankTransfer,
    /// In cash, at the door.
    CashOnDelivery,
}

impl PaymentMethod {
    /// As it is in the database and in answers.
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::Card => "card",
            Self::BankTransfer => "bank_transfer",
            Self::CashOnDelivery => "cash_on_delivery",
        }
    }
}

/// A text that names no way of paying.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is no way of paying")]
pub(crate) struct UnknownMethod(String);

impl TryFrom<String> for PaymentMethod {
    type Error = UnknownMethod;

    fn try_from(code: String) -> Result<Self, UnknownMethod> {
        let all = [Self::Card, Self::BankTransfer, Self::CashOnDelivery];
        all.into_iter().find(|method| method.code() == code).ok_or(UnknownMethod(code))
    }
}
