//! Asking the provider about what it has not told: a message can get lost, and money must not.
//!
//! Several processes may ask at once: what they are told is applied once.

use futures::{FutureExt, StreamExt, stream};
use time::{Date, OffsetDateTime, PrimitiveDateTime, Time};

use super::{
    model::{Payment, PaymentState, Reconciled, Refund, RefundState},
    notify,
    provider::{Observation, Outcome, ProviderError, Started},
    refund::{self, Requested},
    store,
    store::refunds,
};
use crate::{
    app::App,
    error::{ApiError, chain},
    orders,
    orders::Status,
    work::{Caller, Work, transact},
};

/// How many of each are asked about in one go.
const AT_ONCE: u32 = 50;

/// And how many of these at the same time.
const SIDE_BY_SIDE: usize = 4;

/// Asks about what is due.
pub(crate) async fn watch(app: &App) -> Result<(), ApiError> {
    reconcile(app, now()).await?;
    Ok(())
}

/// Asks about everything that is due by then. One that the provider gives no answer about ends it: nor will it about the
/// others just now.
pub(super) async fn reconcile(app: &App, by: PrimitiveDateTime) -> Result<Reconciled, ApiError> {
    let mut found = Reconciled::default();
    let payments = store::due(app.pool(), by, AT_ONCE).await?;
    let mut answers = stream::iter(payments).map(|payment| ask(app, payment)).buffer_unordered(SIDE_BY_SIDE);
    while let Some(answered) = answers.next().await {
        found.payments += 1;
        if !answered? {
            found.unanswered += 1;
            return Ok(found);
        }
    }
    drop(answers);
    let refunds = refunds::due(app.pool(), by, AT_ONCE).await?;
    let mut answers = stream::iter(refunds).map(|refund| ask_again(app, refund)).buffer_unordered(SIDE_BY_SIDE);
    while let Some(answered) = answers.next().await {
        found.refunds += 1;
        if !answered? {
            found.unanswered += 1;
            return Ok(found);
        }
    }
    Ok(found)
}

/// False when whether there is a refund is not known after this either.
async fn ask_again(app: &App, refund: Refund) -> Result<bool, ApiError> {
    let payments = store::of_order(app.pool(), refund.order_id).await?;
    let Some(payment) = payments.into_iter().find(|payment| payment.id == refund.payment_id) else { return Ok(false) };
    let answered = refund::ask(app, Requested { refund, payment, asked_before: true }).await?;
    Ok(answered.state != RefundState::Requested)
}

fn now() -> PrimitiveDateTime {
    let now = OffsetDateTime::now_utc();
    PrimitiveDateTime::new(now.date(), now.time())
}

/// When everything is due.
pub(super) fn whenever() -> PrimitiveDateTime {
    PrimitiveDateTime::new(Date::from_ordinal_date(9999, 1).unwrap_or(Date::MAX), Time::MIDNIGHT)
}

/// False when the provider is away.
async fn ask(app: &App, payment: Payment) -> Result<bool, ApiError> {
    let provider = app.payments().provider(&payment.provider);
    let (Some(provider), Some(reference)) = (provider, &payment.provider_reference) else { return Ok(false) };
    let mut answer = provider.status(reference).await;
    let open = matches!(
        &answer,
        Ok(Started { observed: Some(Observation { outcome: Outcome::Open | Outcome::Declined { .. }, .. }), .. })
    );
    if open && !is_awaited(app, &payment).await? {
        // The order expired or was cancelled: what nobody waits for must not be paid late.
        answer = provider.cancel(reference).await;
    }
    if let Err(error) = &answer {
        tracing::warn!(payment = %payment.id, error = %chain(error), "a payment was not told about");
    }
    let observed = match answer {
        Ok(started) => started.observed,
        Err(ProviderError::Away(_)) => return Ok(false),
        // It knows nothing of it, or not now: the others have their turn first.
        Err(ProviderError::Broken(_) | ProviderError::Refused { .. }) => None,
    };
    let about = (payment, observed);
    let caller = Caller::system("payments");
    transact(app, "payment.checked", &caller, &about, |work, about| write_down(work, about).boxed()).await?;
    Ok(true)
}

async fn is_awaited(app: &App, payment: &Payment) -> Result<bool, ApiError> {
    let mut connection = app.pool().acquire().await?;
    let order = orders::store::find(&mut connection, payment.order_id).await?;
    Ok(order.is_some_and(|order| order.status == Status::PendingPayment))
}

async fn write_down(work: &mut Work, (asked, observed): &(Payment, Option<Observation>)) -> Result<(), ApiError> {
    if let Some(observed) = observed {
        notify::apply(work, &asked.provider, observed).await?;
    }
    let Some(mut payment) = store::lock(work, asked.id).await? else { return Ok(()) };
    if matches!(payment.state, PaymentState::Pending | PaymentState::Failed) {
        let now = work.now();
        payment.check_at = notify::next_check(&payment, now);
        store::save(work, &payment).await?;
    }
    Ok(())
}
