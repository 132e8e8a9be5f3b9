//! The administrators' routes: what happened to an order's money, and what a person has to do about it.

use axum::{Json as Answer, extract::State, http::StatusCode, response::IntoResponse};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use futures::FutureExt;
use serde::{Deserialize, Serialize};
use time::{Date, PrimitiveDateTime, Time};
use utoipa::IntoParams;
use uuid::Uuid;

use super::NO_STORE;
use crate::{
    app::App,
    auth::Admin,
    error::{ApiError, FieldError, Problem},
    http::{
        extract::{Json, Path, Query},
        journaled,
    },
    idempotency::IdempotencyKey,
    ids,
    payments::{
        model::{
            FlaggedPage, NewRefund, OrderMoney, Payment, PaymentState, PaymentView, ReceivedMoney, Reconciled,
            RefundView,
        },
        notify::{self, Applied},
        refund::{self, Of, Wish},
        store::{self, refunds},
        watch,
    },
    work::{Work, transact},
};

/// How many payments a page has.
const PAGE: u32 = 50;

/// Longer cursors are not looked at, in bytes.
const LONGEST_CURSOR: usize = 256;

/// Which page.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct PageParams {
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
}

/// Where a page ended.
#[derive(Serialize, Deserialize)]
struct Cursor {
    flagged_at: PrimitiveDateTime,
    id: Uuid,
}

impl Cursor {
    fn encode(&self) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(serde_json::to_vec(self).unwrap_or_default())
    }

    fn decode(text: &str) -> Option<Self> {
        if text.len() > LONGEST_CURSOR {
            return None;
        }
        let cursor: Self = serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
        // What the database's times can be.
        (1..=9999).contains(&cursor.flagged_at.year()).then_some(cursor)
    }
}

/// Payments that a person has to look at, the longest waiting first.
#[utoipa::path(get, path = "/payments", tag = "admin", security(("token" = [])), params(PageParams), responses(
    (status = OK, body = FlaggedPage),
    (status = BAD_REQUEST, body = Problem, content_type = "application/problem+json"),
    (status = UNAUTHORIZED, body = Problem, content_type = "application/problem+json"),
    (status = FORBIDDEN, body = Problem, content_type = "application/problem+json"),
    (status = SERVICE_UNAVAILABLE, body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn list_flagged_payments(
    _: Admin,
    State(app): State<App>,
    Query(params): Query<PageParams>,
) -> Result<impl IntoResponse, ApiError> {
    let after = match params.cursor.as_deref().filter(|cursor| !cursor.is_empty()) {
        None => None,
        Some(cursor) => Some(Cursor::decode(cursor).ok_or_else(|| ApiError::InvalidRequest {
            detail: None,
            errors: vec![FieldError::new("cursor", "is not one of ours")],
        })?),
    };
    let after = after.map(|cursor| (cursor.flagged_at, cursor.id));
    let mut rows = store::flagged(app.pool(), after, PAGE + 1).await?;
    let more = rows.len() > PAGE as usize;
    rows.truncate(PAGE as usize);
    let next_cursor = rows.last().filter(|_| more).map(|last| {
        let flagged_at = last.flagged_at.unwrap_or(PrimitiveDateTime::new(Date::MIN, Time::MIDNIGHT));
        Cursor { flagged_at, id: last.id }.encode()
    });
    let items = rows.into_iter().map(PaymentView::from).collect();
    Ok(([NO_STORE], Answer(FlaggedPage { items, next_cursor })))
}

/// Everything about the money of an order.
#[utoipa::path(get, path = "/orders/{id}/payments", tag = "admin", security(("token" = [])), params(("id" = Uuid, Path)),
    responses(
    (status = OK, body = OrderMoney),
    (status = UNAUTHORIZED, body = Problem, content_type = "application/problem+json"),
    (status = FORBIDDEN, body = Problem, content_type = "application/problem+json"),
    (status = NOT_FOUND, body = Problem, content_type = "application/problem+json"),
    (status = SERVICE_UNAVAILABLE, body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn get_order_money(
    _: Admin,
    State(app): State<App>,
    Path(id): Path<Uuid>,
) -> Result<impl IntoResponse, ApiError> {
    let payments = store::of_order(app.pool(), id).await?;
    if payments.is_empty() {
        return Err(ApiError::NotFound);
    }
    let refunds = refunds::of_order(app.pool(), id).await?;
    let payments = payments.into_iter().map(PaymentView::from).collect();
    Ok(([NO_STORE], Answer(OrderMoney { payments, refunds: refunds.into_iter().map(RefundView::from).collect() })))
}

/// Record that the money for an order arrived: by bank transfer, or at the door.
#[utoipa::path(post, path = "/orders/{id}/payment/received", tag = "admin", security(("token" = [])),
    params(("id" = Uuid, Path)), request_body = ReceivedMoney, responses(
    (status = OK, body = PaymentView),
    (status = BAD_REQUEST, body = Problem, content_type = "application/problem+json"),
    (status = UNAUTHORIZED, body = Problem, content_type = "application/problem+json"),
    (status = FORBIDDEN, body = Problem, content_type = "application/problem+json"),
    (status = NOT_FOUND, body = Problem, content_type = "application/problem+json"),
    (status = CONFLICT, body = Problem, content_type = "application/problem+json"),
    (status = PAYLOAD_TOO_LARGE, body = Problem, content_type = "application/problem+json"),
    (status = UNSUPPORTED_MEDIA_TYPE, body = Problem, content_type = "application/problem+json"),
    (status = UNPROCESSABLE_ENTITY, body = Problem, content_type = "application/problem+json"),
    (status = SERVICE_UNAVAILABLE, body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn receive_payment(
    admin: Admin,
    State(app): State<App>,
    Path(id): Path<Uuid>,
    Json(money): Json<ReceivedMoney>,
) -> Result<impl IntoResponse, ApiError> {
    refuse(money.problems())?;
    let about = (id, money);
    let caller = admin.caller();
    let payment =
        transact(&app, "payment.received", &caller, &about, |work, about| take_in(work, about).boxed()).await?;
    Ok(([NO_STORE], Answer(PaymentView::from(payment))))
}

/// Give back a part of what was paid for an order, or all of it.
///
/// The same `Idempotency-Key` again is the same refund. Its state is `requested` until the provider has answered; asked
/// again with the same key, it is asked for again, and happens once.
#[utoipa::path(post, path = "/orders/{id}/refunds", tag = "admin", security(("token" = [])),
    params(("id" = Uuid, Path), ("Idempotency-Key" = String, Header, description = "A new one for each refund")),
    request_body = NewRefund, responses(
    (status = CREATED, body = RefundView),
    (status = BAD_REQUEST, body = Problem, content_type = "application/problem+json"),
    (status = UNAUTHORIZED, body = Problem, content_type = "application/problem+json"),
    (status = FORBIDDEN, body = Problem, content_type = "application/problem+json"),
    (status = NOT_FOUND, body = Problem, content_type = "application/problem+json"),
    (status = CONFLICT, body = Problem, content_type = "application/problem+json"),
    (status = PAYLOAD_TOO_LARGE, body = Problem, content_type = "application/problem+json"),
    (status = UNSUPPORTED_MEDIA_TYPE, body = Problem, content_type = "application/problem+json"),
    (status = UNPROCESSABLE_ENTITY, body = Problem, content_type = "application/problem+json"),
    (status = SERVICE_UNAVAILABLE, body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn refund_order(
    admin: Admin,
    State(app): State<App>,
    Path(id): Path<Uuid>,
    key: IdempotencyKey,
    Json(wanted): Json<NewRefund>,
) -> Result<impl IntoResponse, ApiError> {
    grant(&app, &admin, Of::Order(id), &key, wanted).await
}

/// Give back a part of a payment, or all of it, whatever the order says: for money that was paid twice or wrongly.
///
/// The same `Idempotency-Key` again is the same refund, as above.
#[utoipa::path(post, path = "/payments/{id}/refunds", tag = "admin", security(("token" = [])),
    params(("id" = Uuid, Path), ("Idempotency-Key" = String, Header, description = "A new one for each refund")),
    request_body = NewRefund, responses(
    (status = CREATED, body = RefundView),
    (status = BAD_REQUEST, body = Problem, content_type = "application/problem+json"),
    (status = UNAUTHORIZED, body = Problem, content_type = "application/problem+json"),
    (status = FORBIDDEN, body = Problem, content_type = "application/problem+json"),
    (status = NOT_FOUND, body = Problem, content_type = "application/problem+json"),
    (status = CONFLICT, body = Problem, content_type = "application/problem+json"),
    (status = PAYLOAD_TOO_LARGE, body = Problem, content_type = "application/problem+json"),
    (status = UNSUPPORTED_MEDIA_TYPE, body = Problem, content_type = "application/problem+json"),
    (status = UNPROCESSABLE_ENTITY, body = Problem, content_type = "application/problem+json"),
    (status = SERVICE_UNAVAILABLE, body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn refund_payment(
    admin: Admin,
    State(app): State<App>,
    Path(id): Path<Uuid>,
    key: IdempotencyKey,
    Json(wanted): Json<NewRefund>,
) -> Result<impl IntoResponse, ApiError> {
    grant(&app, &admin, Of::Payment(id), &key, wanted).await
}

/// Say that a payment was looked at: it leaves the list.
#[utoipa::path(post, path = "/payments/{id}/resolve", tag = "admin", security(("token" = [])),
    params(("id" = Uuid, Path)), responses(
    (status = OK, body = PaymentView),
    (status = UNAUTHORIZED, body = Problem, content_type = "application/problem+json"),
    (status = FORBIDDEN, body = Problem, content_type = "application/problem+json"),
    (status = NOT_FOUND, body = Problem, content_type = "application/problem+json"),
    (status = SERVICE_UNAVAILABLE, body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn resolve_payment(
    admin: Admin,
    State(app): State<App>,
    Path(id): Path<Uuid>,
) -> Result<impl IntoResponse, ApiError> {
    let payment = transact(&app, "payment.resolved", &admin.caller(), &id, |work, id| lower(work, *id).boxed()).await?;
    Ok(([NO_STORE], Answer(PaymentView::from(payment))))
}

/// Ask the provider now about everything that is still open, as the timer does when its time has come.
#[utoipa::path(post, path = "/payments/reconcile", tag = "admin", security(("token" = [])), responses(
    (status = OK, body = Reconciled),
    (status = UNAUTHORIZED, body = Problem, content_type = "application/problem+json"),
    (status = FORBIDDEN, body = Problem, content_type = "application/problem+json"),
    (status = SERVICE_UNAVAILABLE, body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn reconcile_payments(_: Admin, State(app): State<App>) -> Result<impl IntoResponse, ApiError> {
    let reconciled = watch::reconcile(&app, watch::whenever()).await?;
    // Each payment that changed went its own way there, and perhaps there was none.
    journaled::done();
    Ok(([NO_STORE], Answer(reconciled)))
}

async fn grant(
    app: &App,
    admin: &Admin,
    of: Of,
    key: &IdempotencyKey,
    wanted: NewRefund,
) -> Result<impl IntoResponse + use<>, ApiError> {
    refuse(wanted.problems())?;
    let wish = Wish {
        id: ids::derived("refund", &format!("{} {}", admin.subject, key.text())),
        of,
        amount_minor: wanted.amount_minor,
        reason: wanted.reason,
    };
    let refund = refund::grant(app, &admin.caller(), &wish).await?;
    Ok((StatusCode::CREATED, [NO_STORE], Answer(refund)))
}

async fn take_in(work: &mut Work, (order, money): &(Uuid, ReceivedMoney)) -> Result<Payment, ApiError> {
    let mut payment = store::lock_latest(work, *order).await?.ok_or(ApiError::NotFound)?;
    if payment.provider == crate::payments::STRIPE {
        return Err(ApiError::WrongState("this order is paid by card, and the provider tells us".into()));
    }
    if payment.state == PaymentState::Succeeded && payment.provider_reference.as_ref() == Some(&money.reference) {
        store::save(work, &payment).await?;
        return Ok(payment);
    }
    if !matches!(payment.state, PaymentState::NotStarted | PaymentState::Pending) {
        return Err(ApiError::WrongState(format!("the payment is {}", payment.state.code())));
    }
    if payment.amount_minor != money.amount_minor {
        let message = format!("must be what the order costs: {}", payment.amount_minor);
        return Err(ApiError::Validation { detail: None, errors: vec![FieldError::new("amount_minor", message)] });
    }
    if store::lock_named(work, &payment.provider, &money.reference).await?.is_some() {
        let errors = vec![FieldError::new("reference", "was recorded for another order")];
        return Err(ApiError::Conflict { errors });
    }
    payment.provider_reference = Some(money.reference.clone());
    let currency = payment.currency.clone();
    let (id, provider) = (payment.id, payment.provider.clone());
    if notify::paid(work, payment, money.amount_minor, &currency).await? == Applied::Flagged {
        tracing::warn!(provider, "a payment needs a person");
    }
    store::lock(work, id).await?.ok_or(ApiError::NotFound)
}

async fn lower(work: &mut Work, id: Uuid) -> Result<Payment, ApiError> {
    let mut payment = store::lock(work, id).await?.ok_or(ApiError::NotFound)?;
    payment.flag = None;
    payment.flagged_at = None;
    store::save(work, &payment).await?;
    Ok(payment)
}

fn refuse(problems: Vec<FieldError>) -> Result<(), ApiError> {
    if problems.is_empty() { Ok(()) } else { Err(ApiError::Validation { detail: None, errors: problems }) }
}
