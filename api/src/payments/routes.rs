//! The routes of customers and of the provider: input and answer.

pub(super) mod admin;

use axum::{
    Json as Answer,
    body::Bytes,
    extract::{DefaultBodyLimit, State},
    http::{HeaderMap, HeaderName, HeaderValue, header},
    response::IntoResponse,
};
use futures::FutureExt;
use time::OffsetDateTime;
use uuid::Uuid;

use super::{
    STRIPE,
    begin::start,
    model::{Methods, NextStep, Received},
    notify,
};
use crate::{
    app::App,
    error::{ApiError, Problem},
    http::{extract::Path, journaled},
    orders::{self, Buyer},
    work::{Caller, transact},
};

const NO_STORE: (HeaderName, HeaderValue) = (header::CACHE_CONTROL, HeaderValue::from_static("no-store"));

/// The largest message that is read, in bytes. Stripe's are a few KiB.
const LARGEST_MESSAGE: usize = 256 * 1024;

/// The ways to pay that an order may name.
#[utoipa::path(get, path = "/payment-methods", tag = "payments", responses(
    (status = OK, body = Methods),
    (status = FORBIDDEN, body = Problem, content_type = "application/problem+json"),
    (status = SERVICE_UNAVAILABLE, body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn list_methods(State(app): State<App>) -> impl IntoResponse {
    ([NO_STORE], Answer(Methods { items: app.payments().methods().collect() }))
}

/// Start paying for an order, or go on.
///
/// Asked again it gives the same payment, so it may be asked again whenever an answer was lost or said `not_started`.
#[utoipa::path(post, path = "/orders/{id}/payment", tag = "payments", security((), ("token" = [])), params(
    ("id" = Uuid, Path),
    ("x-order-token" = Option<String>, Header, description = "Opens the order for who is not signed in"),
), responses(
    (status = OK, body = NextStep),
    (status = UNAUTHORIZED, body = Problem, content_type = "application/problem+json"),
    (status = FORBIDDEN, body = Problem, content_type = "application/problem+json"),
    (status = NOT_FOUND, body = Problem, content_type = "application/problem+json"),
    (status = CONFLICT, body = Problem, content_type = "application/problem+json"),
    (status = SERVICE_UNAVAILABLE, body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn start_payment(
    State(app): State<App>,
    buyer: Buyer,
    Path(id): Path<Uuid>,
) -> Result<impl IntoResponse, ApiError> {
    let order = {
        let mut connection = app.pool().acquire().await?;
        orders::store::find(&mut connection, id).await?
    };
    let order = order.filter(|order| buyer.owns(order)).ok_or(ApiError::NotFound)?;
    Ok(([NO_STORE], Answer(start(&app, buyer.caller(), &order).await?)))
}

/// What Stripe tells.
///
/// For Stripe alone: a message counts when it is signed with the secret that the account at Stripe and the shop share, at
/// most five minutes ago. A message that came before is answered and changes nothing.
#[utoipa::path(post, path = "/payments/stripe/webhook", tag = "payments",
    params(("Stripe-Signature" = String, Header, description = "When and with what it was signed")),
    request_body(content = String, content_type = "application/json"), responses(
    (status = OK, body = Received),
    (status = BAD_REQUEST, body = Problem, content_type = "application/problem+json"),
    (status = FORBIDDEN, body = Problem, content_type = "application/problem+json"),
    (status = NOT_FOUND, body = Problem, content_type = "application/problem+json"),
    (status = PAYLOAD_TOO_LARGE, body = Problem, content_type = "application/problem+json"),
    (status = SERVICE_UNAVAILABLE, body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn stripe_webhook(
    State(app): State<App>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<impl IntoResponse, ApiError> {
    let provider = app.payments().provider(STRIPE).ok_or(ApiError::NotFound)?;
    let mut message = provider
        .verify(&headers, &body, OffsetDateTime::now_utc())
        .map_err(|error| ApiError::InvalidRequest { detail: Some(error.to_string()), errors: Vec::new() })?;
    if let Some(notice) = message.notice.take() {
        let about = (message, notice);
        let caller = Caller::system(STRIPE);
        transact(&app, "payment.told", &caller, &about, |work, about| notify::receive(work, about).boxed()).await?;
    } else {
        journaled::done();
    }
    Ok(([NO_STORE], Answer(Received { received: true })))
}

/// The limit for [`stripe_webhook`], which reads the body before it knows who sent it.
pub(super) fn message_limit() -> DefaultBodyLimit {
    DefaultBodyLimit::max(LARGEST_MESSAGE)
}
