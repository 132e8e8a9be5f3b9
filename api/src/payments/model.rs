//! Payments and refunds: as they are stored, as they are shown, and what an administrator may send.

use serde::{Deserialize, Serialize};
use sqlx::FromRow;
use time::{OffsetDateTime, PrimitiveDateTime};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{catalogue::model::Money, error::FieldError};

/// The most that is moved at once, in minor units: a thousand of the dearest things.
const MOST_MONEY: i64 = 1_000_000_000_000;

/// Where a payment stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum PaymentState {
    /// The provider could not be asked yet: ask again.
    NotStarted,
    /// The customer has yet to pay, or the money is on its way.
    Pending,
    /// The last try was refused; the customer may try again.
    Failed,
    /// It is paid.
    Succeeded,
    /// It will not be made any more.
    Cancelled,
    /// Something else was paid than the order costs: a person has to look.
    Mismatched,
    /// The order had been paid already: a person has to give it back.
    Surplus,
}

/// Where a refund stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RefundState {
    /// Whether the provider took it on is not known yet; it is asked until it is.
    Requested,
    /// The provider sees to it.
    Pending,
    /// The customer has the money.
    Succeeded,
    /// It did not work, and the money is still here.
    Failed,
    /// A person has to give the money back.
    ByHand,
}

/// A text that names no state.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is no state of a payment or refund")]
pub(crate) struct UnknownState(String);

impl PaymentState {
    const ALL: [Self; 7] = [
        Self::NotStarted,
        Self::Pending,
        Self::Failed,
        Self::Succeeded,
        Self::Cancelled,
        Self::Mismatched,
        Self::Surplus,
    ];

    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::NotStarted => "not_started",
            Self::Pending => "pending",
            Self::Failed => "failed",
            Self::Succeeded => "succeeded",
            Self::Cancelled => "cancelled",
            Self::Mismatched => "mismatched",
            Self::Surplus => "surplus",
        }
    }

    /// Whether there is money that could go back.
    pub(crate) const fn has_money(self) -> bool {
        matches!(self, Self::Succeeded | Self::Mismatched | Self::Surplus)
    }
}

impl TryFrom<String> for PaymentState {
    type Error = UnknownState;

    fn try_from(code: String) -> Result<Self, UnknownState> {
        Self::ALL.into_iter().find(|state| state.code() == code).ok_or(UnknownState(code))
    }
}

impl RefundState {
    const ALL: [Self; 5] = [Self::Requested, Self::Pending, Self::Succeeded, Self::Failed, Self::ByHand];

    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Pending => "pending",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::ByHand => "by_hand",
        }
    }
}

impl TryFrom<String> for RefundState {
    type Error = UnknownState;

    fn try_from(code: String) -> Result<Self, UnknownState> {
        Self::ALL.into_iter().find(|state| state.code() == code).ok_or(UnknownState(code))
    }
}

/// A row of `payments`.
#[derive(Debug, Clone, FromRow)]
pub(crate) struct Payment {
    pub(crate) id: Uuid,
    pub(crate) order_id: Uuid,
    pub(crate) attempt: i32,
    pub(crate) provider: String,
    pub(crate) provider_reference: Option<String>,
    #[sqlx(try_from = "String")]
    pub(crate) state: PaymentState,
    pub(crate) amount_minor: i64,
    pub(crate) currency: String,
    pub(crate) received_minor: i64,
    pub(crate) refunded_minor: i64,
    pub(crate) failure: Option<String>,
    pub(crate) flag: Option<String>,
    pub(crate) flagged_at: Option<PrimitiveDateTime>,
    pub(crate) check_at: Option<PrimitiveDateTime>,
    pub(crate) created_at: PrimitiveDateTime,
    pub(crate) updated_at: PrimitiveDateTime,
}

impl Payment {
    /// Asks a person to look.
    pub(crate) fn raise(&mut self, flag: &str, now: PrimitiveDateTime) {
        self.flag = Some(flag.to_owned());
        self.flagged_at = Some(now);
    }
}

/// A row of `refunds`.
#[derive(Debug, Clone, FromRow)]
pub(crate) struct Refund {
    pub(crate) id: Uuid,
    pub(crate) payment_id: Uuid,
    pub(crate) order_id: Uuid,
    pub(crate) attempt: i32,
    pub(crate) provider_reference: Option<String>,
    #[sqlx(try_from = "String")]
    pub(crate) state: RefundState,
    pub(crate) amount_minor: i64,
    pub(crate) currency: String,
    pub(crate) reason: String,
    pub(crate) failure: Option<String>,
    pub(crate) check_at: Option<PrimitiveDateTime>,
    pub(crate) created_at: PrimitiveDateTime,
}

/// What the customer has to do to pay.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct NextStep {
    /// How the order is paid.
    #[schema(example = "card")]
    pub(crate) method: String,
    /// Where its payment stands. `not_started`: ask `POST /api/v1/orders/{id}/payment` in a moment.
    pub(crate) state: PaymentState,
    /// What is to be paid.
    pub(crate) amount: Money,
    /// By card: with this the browser confirms the payment with the provider.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) client_secret: Option<String>,
    /// By bank transfer: where to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) instructions: Option<String>,
    /// By bank transfer: what to write with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) remittance: Option<String>,
}

/// The ways to pay.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Methods {
    /// In the order to show them in.
    #[schema(example = json!(["card", "bank_transfer"]))]
    pub(crate) items: Vec<&'static str>,
}

/// Says that a message of the provider was understood.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Received {
    pub(crate) received: bool,
}

/// A payment, for administrators.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PaymentView {
    pub(crate) id: Uuid,
    pub(crate) order_id: Uuid,
    pub(crate) attempt: i32,
    #[schema(example = "stripe")]
    pub(crate) provider: String,
    /// The provider's id of it.
    pub(crate) reference: Option<String>,
    pub(crate) state: PaymentState,
    pub(crate) amount: Money,
    pub(crate) received_minor: i64,
    /// What went back or is on its way.
    pub(crate) refunded_minor: i64,
    /// Why the last try was refused.
    pub(crate) failure: Option<String>,
    /// Why a person has to look: `amount_mismatch`, `paid_twice`, `disputed`, `refunded_elsewhere`, `refund_failed`,
    /// `refund_unbooked` or `refused`.
    pub(crate) flag: Option<String>,
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub(crate) created_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub(crate) updated_at: OffsetDateTime,
}

impl From<Payment> for PaymentView {
    fn from(row: Payment) -> Self {
        Self {
            id: row.id,
            order_id: row.order_id,
            attempt: row.attempt,
            provider: row.provider,
            reference: row.provider_reference,
            state: row.state,
            amount: Money { amount: row.amount_minor, currency: row.currency },
            received_minor: row.received_minor,
            refunded_minor: row.refunded_minor,
            failure: row.failure,
            flag: row.flag,
            created_at: row.created_at.assume_utc(),
            updated_at: row.updated_at.assume_utc(),
        }
    }
}

/// A refund, for administrators.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RefundView {
    pub(crate) id: Uuid,
    pub(crate) payment_id: Uuid,
    /// The provider's id of it.
    pub(crate) reference: Option<String>,
    pub(crate) state: RefundState,
    pub(crate) amount: Money,
    pub(crate) reason: String,
    /// Why it did not work.
    pub(crate) failure: Option<String>,
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    pub(crate) created_at: OffsetDateTime,
}

impl From<Refund> for RefundView {
    fn from(row: Refund) -> Self {
        Self {
            id: row.id,
            payment_id: row.payment_id,
            reference: row.provider_reference,
            state: row.state,
            amount: Money { amount: row.amount_minor, currency: row.currency },
            reason: row.reason,
            failure: row.failure,
            created_at: row.created_at.assume_utc(),
        }
    }
}

/// Everything about the money of an order.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OrderMoney {
    pub(crate) payments: Vec<PaymentView>,
    pub(crate) refunds: Vec<RefundView>,
}

/// Payments that a person has to look at.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FlaggedPage {
    /// The longest waiting first.
    pub(crate) items: Vec<PaymentView>,
    /// Where the next page starts; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next_cursor: Option<String>,
}

/// What was found by asking the provider.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(crate) struct Reconciled {
    /// Payments that were asked about.
    pub(crate) payments: u32,
    /// Refunds that were asked about.
    pub(crate) refunds: u32,
    /// How many of all these the provider gave no answer about.
    pub(crate) unanswered: u32,
}

/// Money that arrived by another way than the provider's.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReceivedMoney {
    /// How much, in minor units: what the order costs.
    #[schema(minimum = 1, maximum = 1_000_000_000_000_i64)]
    pub(crate) amount_minor: i64,
    /// What tells it from other money: the bank's reference, or who took it at the door.
    #[schema(min_length = 1, max_length = 100)]
    pub(crate) reference: String,
}

impl ReceivedMoney {
    /// Everything that is wrong with it.
    pub(crate) fn problems(&self) -> Vec<FieldError> {
        let mut problems = amount_problems(self.amount_minor);
        if !is_line(&self.reference, 100) {
            problems.push(FieldError::new("reference", "must be one line of 1 to 100 characters"));
        }
        problems
    }
}

/// Money to give back.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewRefund {
    /// How much, in minor units.
    #[schema(minimum = 1, maximum = 1_000_000_000_000_i64)]
    pub(crate) amount_minor: i64,
    /// Why.
    #[schema(min_length = 1, max_length = 200)]
    pub(crate) reason: String,
}

impl NewRefund {
    /// Everything that is wrong with it.
    pub(crate) fn problems(&self) -> Vec<FieldError> {
        let mut problems = amount_problems(self.amount_minor);
        if !is_line(&self.reason, 200) {
            problems.push(FieldError::new("reason", "must be one line of 1 to 200 characters"));
        }
        problems
    }
}

fn amount_problems(amount_minor: i64) -> Vec<FieldError> {
    if (1..=MOST_MONEY).contains(&amount_minor) {
        return Vec::new();
    }
    vec![FieldError::new("amount_minor", "must be 1 to 1000000000000")]
}

fn is_line(text: &str, most: usize) -> bool {
    (1..=most).contains(&text.chars().count()) && !text.chars().any(char::is_control) && text.trim() == text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_what_json_says_and_lead_back() {
        for state in PaymentState::ALL {
            assert_eq!(serde_json::to_value(state).unwrap(), state.code());
            assert_eq!(PaymentState::try_from(state.code().to_owned()).unwrap(), state);
        }
        for state in RefundState::ALL {
            assert_eq!(serde_json::to_value(state).unwrap(), state.code());
            assert_eq!(RefundState::try_from(state.code().to_owned()).unwrap(), state);
        }
        assert!(PaymentState::try_from("lost".to_owned()).is_err());
    }

    #[test]
    fn everything_wrong_is_said() {
        let fields = |problems: Vec<FieldError>| problems.into_iter().map(|problem| problem.field).collect::<Vec<_>>();
        let refund = |amount_minor, reason: &str| fields(NewRefund { amount_minor, reason: reason.into() }.problems());
        assert!(refund(1, "broken clasp").is_empty());
        assert_eq!(refund(0, " "), ["amount_minor", "reason"]);
        assert_eq!(refund(i64::MIN, "a\nb"), ["amount_minor", "reason"]);
        assert_eq!(refund(i64::MAX, &"a".repeat(201)), ["amount_minor", "reason"]);
        let received = ReceivedMoney { amount_minor: -1, reference: String::new() };
        assert_eq!(fields(received.problems()), ["amount_minor", "reference"]);
    }
}
