//! Giving money back.
//!
//! First the amount is set aside, in a statement that refuses more than there is; then the provider is asked; then its
//! answer is written down. Between these the process may die: a refund whose answer is not known is asked for again, with
//! the same key, and looked for first.

use futures::FutureExt;
use time::Duration;
use uuid::Uuid;

use super::{
    model::{Payment, PaymentState, Refund, RefundState, RefundView},
    notify::{Applied, flag},
    provider::{ProviderError, RefundOutcome, Refunded, WantedRefund},
    store,
    store::refunds,
};
use crate::{
    app::App,
    error::{ApiError, FieldError, chain},
    orders,
    work::{Caller, Work, transact},
};

/// When a refund whose answer was lost is asked about again.
const AGAIN: Duration = Duration::minutes(1);
/// When one is asked about that the provider still works on.
const LATER: Duration = Duration::hours(6);

/// Whose money goes back.
#[derive(Debug, Clone, Copy)]
pub(super) enum Of {
    /// What paid for this order.
    Order(Uuid),
    /// This payment.
    Payment(Uuid),
}

/// A refund that somebody wants. The same id again is the same refund.
#[derive(Debug)]
pub(super) struct Wish {
    pub(super) id: Uuid,
    pub(super) of: Of,
    pub(super) amount_minor: i64,
    pub(super) reason: String,
}

/// Gives back a part of what was paid, or all of it.
///
/// The answer's state is `requested` when the provider did not say what it did: it will be asked until it does.
///
/// # Errors
/// [`ApiError::WrongState`] when nothing is paid, [`ApiError::Conflict`] when it is more than is left, and
/// [`ApiError::IdempotencyMismatch`] when there is another refund with this id.
pub(super) async fn grant(app: &App, caller: &Caller, wish: &Wish) -> Result<RefundView, ApiError> {
    let requested = transact(app, "refund.requested", caller, wish, |work, wish| set_aside(work, wish).boxed()).await?;
    if requested.refund.state != RefundState::Requested {
        return Ok(requested.refund.into());
    }
    Ok(ask(app, requested).await?.into())
}

/// A refund to ask the provider for.
#[derive(Debug)]
pub(super) struct Requested {
    pub(super) refund: Refund,
    pub(super) payment: Payment,
    /// Whether it may have been asked for before.
    pub(super) asked_before: bool,
}

/// Asks the provider, and writes down its answer. Without one the refund stays as it is.
pub(super) async fn ask(app: &App, requested: Requested) -> Result<Refund, ApiError> {
    let Requested { refund, payment, asked_before } = requested;
    let provider = app.payments().provider(&payment.provider);
    let wanted = WantedRefund {
        refund_id: refund.id,
        attempt: refund.attempt,
        asked_before,
        payment_reference: payment.provider_reference.unwrap_or_default(),
        amount_minor: refund.amount_minor,
    };
    let answer = match provider {
        Some(provider) => provider.refund(&wanted).await,
        None => Err(ProviderError::Away("it is not configured".into())),
    };
    if let Err(error) = &answer {
        tracing::warn!(refund = %refund.id, error = %chain(error), "a refund was not answered well");
    }
    let answer = match answer {
        Ok(Refunded { reference, state }) => Answer::Taken { reference, state },
        Err(ProviderError::Refused { code }) => {
            Answer::Taken { reference: None, state: RefundOutcome::Failed { code } }
        }
        Err(ProviderError::Broken(_)) => Answer::Broken,
        Err(ProviderError::Away(_)) => return Ok(refund),
    };
    let about = (refund.id, answer);
    let caller = Caller::system("payments");
    transact(app, "refund.answered", &caller, &about, |work, about| write_down(work, about).boxed()).await
}

async fn set_aside(work: &mut Work, wish: &Wish) -> Result<Requested, ApiError> {
    if let Some(refund) = refunds::lock(work, wish.id).await? {
        let of = match wish.of {
            Of::Order(id) => refund.order_id == id,
            Of::Payment(id) => refund.payment_id == id,
        };
        if !of || refund.amount_minor != wish.amount_minor {
            return Err(ApiError::IdempotencyMismatch);
        }
        // What this answer says must be in the journal before it is given.
        refunds::save(work, &refund).await?;
        let payment = store::lock(work, refund.payment_id).await?.ok_or(ApiError::NotFound)?;
        return Ok(Requested { refund, payment, asked_before: true });
    }
    let payment = match wish.of {
        Of::Order(order) => store::lock_paid(work, order)
            .await?
            .ok_or_else(|| ApiError::WrongState("the order is not paid, or not through us".into()))?,
        Of::Payment(id) => store::lock(work, id).await?.ok_or(ApiError::NotFound)?,
    };
    if !payment.state.has_money() {
        return Err(ApiError::WrongState(format!("the payment is {}", payment.state.code())));
    }
    if !store::set_aside(work, payment.id, wish.amount_minor).await? {
        let left = (payment.received_minor - payment.refunded_minor).max(0);
        return Err(ApiError::Conflict {
            errors: vec![FieldError::new("amount_minor", format!("only {left} is left"))],
        });
    }
    let now = work.now();
    let refund = Refund {
        id: wish.id,
        payment_id: payment.id,
        order_id: payment.order_id,
        attempt: 1,
        provider_reference: None,
        state: RefundState::Requested,
        amount_minor: wish.amount_minor,
        currency: payment.currency.clone(),
        reason: wish.reason.clone(),
        failure: None,
        check_at: Some(now + AGAIN),
        created_at: now,
    };
    refunds::insert(work, &refund).await?;
    Ok(Requested { refund, payment, asked_before: false })
}

enum Answer {
    Taken { reference: Option<String>, state: RefundOutcome },
    Broken,
}

async fn write_down(work: &mut Work, (id, answer): &(Uuid, Answer)) -> Result<Refund, ApiError> {
    let mut refund = refunds::lock(work, *id).await?.ok_or(ApiError::NotFound)?;
    match answer {
        Answer::Taken { reference, state } => {
            advance(work, &mut refund, reference.as_deref(), state).await?;
        }
        Answer::Broken if refund.state == RefundState::Requested => {
            // The key of this attempt will get the same answer for a day.
            refund.attempt += 1;
            refund.check_at = Some(work.now() + AGAIN);
            refunds::save(work, &refund).await?;
        }
        Answer::Broken => {}
    }
    Ok(refund)
}

/// Applies a message about a refund.
pub(super) async fn observe(
    work: &mut Work,
    id: Option<Uuid>,
    reference: &str,
    state: &RefundOutcome,
) -> Result<Applied, ApiError> {
    let found = match id {
        Some(id) => refunds::lock(work, id).await?,
        None => refunds::lock_named(work, reference).await?,
    };
    let Some(mut refund) = found else { return Ok(Applied::Unknown) };
    advance(work, &mut refund, Some(reference), state).await
}

/// Takes a refund to where the provider says it is. What has failed stays so; what has succeeded can only fail.
async fn advance(
    work: &mut Work,
    refund: &mut Refund,
    reference: Option<&str>,
    outcome: &RefundOutcome,
) -> Result<Applied, ApiError> {
    use RefundState::{ByHand, Failed, Pending, Requested, Succeeded};
    let before = refund.state;
    let (state, failure) = match outcome {
        RefundOutcome::Pending => (Pending, None),
        RefundOutcome::Succeeded => (Succeeded, None),
        RefundOutcome::ByHand => (ByHand, None),
        RefundOutcome::Failed { code } => (Failed, Some(code.clone())),
    };
    let moves = match before {
        Requested => true,
        Pending => state != Pending,
        Succeeded | ByHand => state == Failed,
        Failed => false,
    };
    let now = work.now();
    if !moves {
        if before == Pending {
            refund.check_at = Some(now + LATER);
            refunds::save(work, refund).await?;
        }
        return Ok(Applied::Known);
    }
    refund.state = state;
    refund.failure = failure;
    refund.provider_reference = reference.map(str::to_owned).or(refund.provider_reference.take());
    refund.check_at = (state == Pending).then(|| now + LATER);
    refunds::save(work, refund).await?;
    if state == Failed {
        store::put_back(work, refund.payment_id, refund.amount_minor).await?;
        return flag(work, refund.payment_id, "refund_failed").await;
    }
    if before == Requested { book(work, refund).await } else { Ok(Applied::Changed) }
}

/// Tells the order that its money is on its way back. Money that never counted for the order does not concern it.
async fn book(work: &mut Work, refund: &Refund) -> Result<Applied, ApiError> {
    let payment = store::lock(work, refund.payment_id).await?.ok_or(ApiError::NotFound)?;
    if payment.state != PaymentState::Succeeded {
        return Ok(Applied::Changed);
    }
    match orders::refunded(work, refund.order_id, refund.amount_minor, &refund.reason).await {
        Ok(()) => Ok(Applied::Changed),
        // The money moved, whatever the order thinks of it.
        Err(ApiError::WrongState(_)) => flag(work, refund.payment_id, "refund_unbooked").await,
        Err(error) => Err(error),
    }
}
