//! What the provider says about money, applied: whichever way it comes, in whatever order, and however often.
//!
//! The rule that makes order irrelevant: money that arrived is never un-arrived by a message. All else can still change.

use time::{Duration, PrimitiveDateTime};
use uuid::Uuid;

use super::{
    STRIPE,
    model::{Payment, PaymentState},
    provider::{Message, Notice, Observation, Outcome},
    refund, store,
};
use crate::{error::ApiError, ids, orders, orders::Settlement, work::Work};

/// When a payment that nobody heard of is asked about first.
const FIRST_CHECK: Duration = Duration::minutes(2);

/// What became of something the provider said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Applied {
    /// It changed what we know.
    Changed,
    /// We knew.
    Known,
    /// It is about nothing of ours.
    Unknown,
    /// A person has to look.
    Flagged,
}

impl Applied {
    const fn code(self) -> &'static str {
        match self {
            Self::Changed => "applied",
            Self::Known => "known",
            Self::Unknown => "unknown",
            Self::Flagged => "flagged",
        }
    }
}

/// Acts upon a genuine message of Stripe, once.
pub(super) async fn receive(work: &mut Work, (message, notice): &(Message, Notice)) -> Result<(), ApiError> {
    let id = ids::derived("stripe event", &message.reference);
    if let Some(before) = store::first_time(work, id, STRIPE, message, notice.about()).await? {
        work.repeats(before.event);
        return Ok(());
    }
    let applied = match notice {
        Notice::Payment(observed) => apply(work, STRIPE, observed).await?,
        Notice::Refund { refund_id, reference, state } => refund::observe(work, *refund_id, reference, state).await?,
        Notice::Returned { payment_reference, total_minor } => returned(work, payment_reference, *total_minor).await?,
        Notice::Disputed { payment_reference } => disputed(work, payment_reference).await?,
    };
    match applied {
        Applied::Flagged => tracing::warn!(kind = message.kind, "a payment needs a person"),
        Applied::Unknown => tracing::warn!(kind = message.kind, "a message about nothing of ours"),
        Applied::Changed | Applied::Known => {}
    }
    store::conclude(work.connection(), id, applied.code()).await?;
    Ok(())
}

/// Applies how a payment stands at the provider.
pub(super) async fn apply(work: &mut Work, provider: &str, observed: &Observation) -> Result<Applied, ApiError> {
    let Some(mut payment) = find(work, provider, observed).await? else { return Ok(Applied::Unknown) };
    let open = matches!(payment.state, PaymentState::NotStarted | PaymentState::Pending | PaymentState::Failed);
    match &observed.outcome {
        Outcome::Paid { amount_minor, currency } if !payment.state.has_money() => {
            return paid(work, payment, *amount_minor, currency).await;
        }
        Outcome::Declined { code } if open && payment.failure.as_ref() != Some(code) => {
            payment.state = PaymentState::Failed;
            payment.failure = Some(code.clone());
            store::save(work, &payment).await?;
            orders::payment_failed(work, payment.order_id, code).await?;
        }
        Outcome::Cancelled if open => {
            payment.state = PaymentState::Cancelled;
            payment.check_at = None;
            store::save(work, &payment).await?;
        }
        Outcome::Open if payment.state == PaymentState::NotStarted => {
            payment.state = PaymentState::Pending;
            store::save(work, &payment).await?;
        }
        _ => return Ok(Applied::Known),
    }
    Ok(Applied::Changed)
}

/// The payment it is about. When the answer that told us of it was lost, the order it names leads there.
async fn find(work: &mut Work, provider: &str, observed: &Observation) -> Result<Option<Payment>, ApiError> {
    if let Some(payment) = store::lock_named(work, provider, &observed.reference).await? {
        return Ok(Some(payment));
    }
    let Some(order_id) = observed.order_id else { return Ok(None) };
    let Some(order) = orders::store::find(work.connection(), order_id).await? else { return Ok(None) };
    let now = work.now();
    let named = |mut payment: Payment| {
        payment.provider_reference = Some(observed.reference.clone());
        payment.check_at = Some(now + FIRST_CHECK);
        payment
    };
    let payment = match store::lock_latest(work, order.id).await? {
        Some(last) if last.provider == provider && last.provider_reference.is_none() => {
            let payment = named(last);
            store::save(work, &payment).await?;
            payment
        }
        last => {
            let attempt = last.map_or(1, |last| last.attempt + 1);
            let payment = named(store::new(&order, provider, attempt, PaymentState::NotStarted, now));
            store::insert(work, &payment).await?;
            payment
        }
    };
    Ok(Some(payment))
}

/// Money arrived. The order is paid if it is the right amount and the first to arrive; else a person has to look.
pub(super) async fn paid(
    work: &mut Work,
    mut payment: Payment,
    amount_minor: i64,
    currency: &str,
) -> Result<Applied, ApiError> {
    let now = work.now();
    // Two payments of one order take turns from here.
    orders::store::lock(work, payment.order_id).await?;
    payment.received_minor = amount_minor.max(0);
    payment.failure = None;
    payment.check_at = None;
    let applied = if amount_minor != payment.amount_minor || currency != payment.currency {
        payment.state = PaymentState::Mismatched;
        payment.raise("amount_mismatch", now);
        Applied::Flagged
    } else if store::is_paid_by_another(work, &payment).await? {
        payment.state = PaymentState::Surplus;
        payment.raise("paid_twice", now);
        Applied::Flagged
    } else {
        payment.state = PaymentState::Succeeded;
        Applied::Changed
    };
    store::save(work, &payment).await?;
    if applied == Applied::Changed {
        let settlement = Settlement {
            provider: payment.provider.clone(),
            reference: payment.provider_reference.clone().unwrap_or_default(),
            amount_minor,
        };
        orders::settle(work, payment.order_id, settlement).await?;
    }
    Ok(applied)
}

/// So much of a payment went back, in all. More than we know of was given back without us.
async fn returned(work: &mut Work, reference: &str, total_minor: i64) -> Result<Applied, ApiError> {
    let Some(payment) = store::lock_named(work, STRIPE, reference).await? else { return Ok(Applied::Unknown) };
    if !store::raise_refunded(work, payment.id, total_minor).await? {
        return Ok(Applied::Known);
    }
    flag(work, payment.id, "refunded_elsewhere").await
}

async fn disputed(work: &mut Work, reference: &str) -> Result<Applied, ApiError> {
    let Some(payment) = store::lock_named(work, STRIPE, reference).await? else { return Ok(Applied::Unknown) };
    flag(work, payment.id, "disputed").await
}

/// Asks a person to look at a payment.
pub(super) async fn flag(work: &mut Work, payment: Uuid, flag: &str) -> Result<Applied, ApiError> {
    let Some(mut payment) = store::lock(work, payment).await? else { return Ok(Applied::Unknown) };
    let now = work.now();
    payment.raise(flag, now);
    store::save(work, &payment).await?;
    Ok(Applied::Flagged)
}

/// When a payment that is still open is asked about next: often while it is young, for as long as it could be paid.
pub(super) fn next_check(payment: &Payment, now: PrimitiveDateTime) -> Option<PrimitiveDateTime> {
    const LAST: Duration = Duration::days(8);
    let age: Duration = now - payment.created_at;
    let half: Duration = age / 2;
    (age < LAST).then(|| now + half.clamp(FIRST_CHECK, Duration::hours(6)))
}
