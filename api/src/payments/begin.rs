//! Starting a payment: the provider is asked, and what it answered is written down.
//!
//! The request's key is made of the order, so whatever gets lost (the answer, this process, the transaction after it), the
//! same call again finds the same payment. What the customer's browser needs is asked for anew each time and stored
//! nowhere.

use futures::FutureExt;
use secrecy::ExposeSecret;

use super::{
    STRIPE,
    model::{NextStep, Payment, PaymentState},
    notify,
    provider::{Observation, ProviderError, Started, Wanted},
    provider_of, store,
};
use crate::{
    app::App,
    catalogue::model::Money,
    config::PaymentMethod,
    error::{ApiError, chain},
    http::journaled,
    orders::{Order, Status},
    work::{Caller, Work, transact},
};

/// A cancelled payment is followed by a new one, which is not cancelled yet.
const TRIES: u32 = 2;

/// Starts the payment of an order, or says how to go on with the one it has. Asked again, it gives the same payment.
///
/// When the provider is away the answer has the state `not_started`, and asking again is all there is to do.
///
/// # Errors
/// [`ApiError::WrongState`] when the order is not to be paid any more, or its way to pay is no longer there.
pub(crate) async fn start(app: &App, caller: &Caller, order: &Order) -> Result<NextStep, ApiError> {
    let mut step = step(app, caller, order).await?;
    for _ in 1..TRIES {
        if step.state == PaymentState::Cancelled {
            step = self::step(app, caller, order).await?;
        }
    }
    Ok(step)
}

/// Begins the payment of an order in the order's own transaction, where nobody has to be asked: its buyer waits for the
/// journal once and not twice.
///
/// # Errors
/// What the database says.
pub(crate) async fn begin(work: &mut Work, order: &Order) -> Result<(), ApiError> {
    let name = provider_of(order.payment_method.code());
    if name == STRIPE {
        return Ok(());
    }
    let payment = store::new(order, name, 1, PaymentState::Pending, work.now());
    store::insert(work, &payment).await
}

/// How to pay for an order that was just placed.
///
/// # Errors
/// As [`start`].
pub(crate) async fn first_step(app: &App, caller: &Caller, order: &Order) -> Result<NextStep, ApiError> {
    match store::latest(app.pool(), order.id).await? {
        Some(payment) if payment.provider != STRIPE => Ok(next_step(app, order, &payment, None)),
        _ => start(app, caller, order).await,
    }
}

async fn step(app: &App, caller: &Caller, order: &Order) -> Result<NextStep, ApiError> {
    let name = provider_of(order.payment_method.code());
    let known = store::latest(app.pool(), order.id).await?;
    if let Some(payment) = known.as_ref().filter(|payment| payment.state.has_money()) {
        journaled::done();
        return Ok(next_step(app, order, payment, None));
    }
    if !matches!(order.status, Status::PendingPayment | Status::Confirmed) {
        return Err(ApiError::WrongState(format!("the order is {}", order.status.code())));
    }
    let provider = app.payments().provider(name);
    let provider = provider.ok_or_else(|| ApiError::WrongState("this way to pay is not offered any more".into()))?;
    let open = known.as_ref().filter(|payment| payment.state != PaymentState::Cancelled);
    let attempt = open.map_or_else(|| known.as_ref().map_or(1, |last| last.attempt + 1), |payment| payment.attempt);
    let answer = match open.and_then(|payment| payment.provider_reference.as_deref()) {
        Some(reference) => provider.status(reference).await,
        None => {
            let wanted = Wanted {
                order_id: order.id,
                order_number: order.number.clone(),
                attempt,
                amount_minor: order.total_minor,
                currency: order.currency.clone(),
            };
            provider.start(&wanted).await
        }
    };
    let (secret, answer) = match answer {
        Ok(Started { client_secret, observed }) => (client_secret, observed.map_or(Answer::Offline, Answer::Observed)),
        Err(error) => {
            tracing::warn!(order = %order.id, error = %chain(&error), "a payment was not started");
            let answer = match error {
                ProviderError::Away(_) => Answer::None,
                ProviderError::Broken(_) => Answer::Broken,
                ProviderError::Refused { code } => Answer::Refused(code),
            };
            (None, answer)
        }
    };
    let about = Beginning { order, provider: name, attempt, answer };
    let payment =
        transact(app, "payment.started", caller, &about, |work, about| write_down(work, about).boxed()).await?;
    Ok(next_step(app, order, &payment, secret.map(|secret| secret.expose_secret().to_owned())))
}

/// What the provider said when it was asked to start.
enum Answer {
    Observed(Observation),
    /// It has nothing to say: a person sees to the money.
    Offline,
    None,
    Broken,
    Refused(String),
}

struct Beginning<'a> {
    order: &'a Order,
    provider: &'a str,
    attempt: i32,
    answer: Answer,
}

async fn write_down(work: &mut Work, about: &Beginning<'_>) -> Result<Payment, ApiError> {
    let Beginning { order, provider, attempt, answer } = about;
    let now = work.now();
    let mut payment = match store::lock_latest(work, order.id).await? {
        Some(payment) if payment.state != PaymentState::Cancelled => payment,
        _ => {
            let payment = store::new(order, provider, *attempt, PaymentState::NotStarted, now);
            store::insert(work, &payment).await?;
            payment
        }
    };
    match answer {
        Answer::Observed(observed) => {
            notify::apply(work, provider, observed).await?;
            if let Some(changed) = store::lock_named(work, provider, &observed.reference).await? {
                payment = changed;
            }
        }
        Answer::Offline if payment.state == PaymentState::NotStarted => payment.state = PaymentState::Pending,
        Answer::Offline | Answer::None => {}
        // The key of this attempt will get the same answer for a day.
        Answer::Broken if payment.attempt == *attempt && payment.provider_reference.is_none() => payment.attempt += 1,
        Answer::Broken => {}
        Answer::Refused(code) => {
            if payment.provider_reference.is_none() {
                payment.attempt = attempt + 1;
            }
            payment.failure = Some(code.clone());
            payment.raise("refused", now);
        }
    }
    // Also when nothing changed: what this answer says must be in the journal before it is given.
    store::save(work, &payment).await?;
    Ok(payment)
}

fn next_step(app: &App, order: &Order, payment: &Payment, client_secret: Option<String>) -> NextStep {
    let method = order.payment_method.code();
    let transfer = method == PaymentMethod::BankTransfer.name() && payment.state == PaymentState::Pending;
    NextStep {
        method: method.to_owned(),
        state: payment.state,
        amount: Money { amount: payment.amount_minor, currency: payment.currency.clone() },
        client_secret: client_secret.filter(|_| matches!(payment.state, PaymentState::Pending | PaymentState::Failed)),
        instructions: transfer.then(|| app.payments().bank_details.clone()),
        remittance: transfer.then(|| order.number.clone()),
    }
}
