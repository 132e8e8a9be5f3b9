//! The buyers' routes: place an order, look at it, call it off.

use axum::{
    Json as Answer,
    extract::{FromRequestParts, OptionalFromRequestParts, State},
    http::{HeaderName, HeaderValue, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};
use futures::FutureExt;
use jewel_journal::Actor;
use serde::Serialize;
use sqlx::MySqlConnection;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    Order, Status,
    checkout::Checkout,
    document, moves,
    place::{self, Placing},
    store::{self, Which},
    view::{Audience, OrderPage, OrderView},
};
use crate::{
    app::App,
    auth::Customer,
    capability::Opens,
    cart::Shopper,
    error::{ApiError, FieldError, Problem, chain},
    http::{
        extract::{Json, Path, Query},
        page::PageParams,
    },
    idempotency::{IdempotencyKey, Intent},
    payments::{self, NextStep},
    work::{Caller, RequestId, Work, transact},
};

pub(super) const NO_STORE: [(HeaderName, HeaderValue); 1] =
    [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];

/// The header with an order's token.
const ORDER_TOKEN: &str = "x-order-token";

/// Says that an answer is that to an earlier request with the same key.
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// An order that was placed.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PlacedOrder {
    order: OrderView,
    /// How to pay for it. Absent when that is not known just now: ask `POST /api/v1/orders/{id}/payment`.
    #[serde(skip_serializing_if = "Option::is_none")]
    payment: Option<NextStep>,
    /// Opens this order for who is not signed in: send it as `x-order-token`.
    order_token: String,
}

/// Place an order for what is in the cart.
///
/// The items are promised to the order until it is paid or expires. The same request with the same key is answered the
/// same way again and places nothing: after a lost answer or a 503, send it again.
#[utoipa::path(post, path = "/orders", tag = "orders", security((), ("token" = [])), request_body = Checkout, params(
    ("Idempotency-Key" = String, Header, description = "A new one for each order, kept when the request is sent again"),
    ("x-cart-token" = Option<String>, Header, description = "A visitor's cart"),
), responses(
    (status = CREATED, body = PlacedOrder, headers(("Location" = String, description = "The order's address"))),
    (status = BAD_REQUEST, body = Problem, content_type = "application/problem+json"),
    (status = UNAUTHORIZED, body = Problem, content_type = "application/problem+json"),
    (status = FORBIDDEN, body = Problem, content_type = "application/problem+json"),
    (status = NOT_FOUND, body = Problem, content_type = "application/problem+json", description = "There is no cart"),
    (status = CONFLICT, body = Problem, content_type = "application/problem+json", description = "Not enough in stock, another price, or the cart was ordered already"),
    (status = PAYLOAD_TOO_LARGE, body = Problem, content_type = "application/problem+json"),
    (status = UNSUPPORTED_MEDIA_TYPE, body = Problem, content_type = "application/problem+json"),
    (status = UNPROCESSABLE_ENTITY, body = Problem, content_type = "application/problem+json"),
    (status = SERVICE_UNAVAILABLE, body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn place_order(
    State(app): State<App>,
    shopper: Shopper,
    key: IdempotencyKey,
    Json(checkout): Json<Checkout>,
) -> Result<Response, ApiError> {
    let mut errors = checkout.problems();
    if !app.payments().offers(checkout.payment_method.code()) {
        errors.push(FieldError::new("payment_method", "is not offered"));
    }
    if !errors.is_empty() {
        return Err(ApiError::Validation { detail: None, errors });
    }
    let scope = shopper.scope().ok_or(ApiError::NotFound)?;
    let intent = Intent::new(&key, "orders", &scope, &checkout)?;
    let placing = Placing { checkout, shopper, intent, terms: app.terms().clone() };
    let placed = transact(&app, "order.placed", placing.shopper.caller(), &placing, |work, placing| {
        place::place(work, placing).boxed()
    })
    .await?;
    let order = {
        let mut connection = app.pool().acquire().await?;
        store::find(&mut connection, placed.order).await?
    };
    let order = order.ok_or_else(|| ApiError::Internal("an order just placed is not there".into()))?;
    let id = order.id;
    // The order is placed, whatever becomes of its payment.
    let payment = payments::first_step(&app, placing.shopper.caller(), &order).await.inspect_err(|error| {
        tracing::warn!(order = %id, error = %chain(error), "a payment was not started");
    });
    let mut connection = app.pool().acquire().await?;
    let answer = PlacedOrder {
        payment: payment.ok(),
        order: whole(&mut connection, order, Audience::Buyer).await?,
        order_token: app.capabilities().issue(Opens::Order, id),
    };
    let location =
        HeaderValue::try_from(format!("/api/v1/orders/{id}")).map_err(|error| ApiError::Internal(error.into()))?;
    let mut response = (StatusCode::CREATED, NO_STORE, [(header::LOCATION, location)], Answer(answer)).into_response();
    if placed.earlier {
        response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    }
    Ok(response)
}

/// The orders of the customer who is signed in, the newest first.
#[utoipa::path(get, path = "/orders", tag = "orders", security(("token" = [])), params(PageParams), responses(
    (status = OK, body = OrderPage),
    (status = BAD_REQUEST, body = Problem, content_type = "application/problem+json"),
    (status = UNAUTHORIZED, body = Problem, content_type = "application/problem+json"),
    (status = FORBIDDEN, body = Problem, content_type = "application/problem+json"),
    (status = SERVICE_UNAVAILABLE, body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn list_orders(
    State(app): State<App>,
    customer: Customer,
    Query(params): Query<PageParams>,
) -> Result<impl IntoResponse, ApiError> {
    page(&app, &Which::OfCustomer(customer.subject), &params).await
}

/// An order.
#[utoipa::path(get, path = "/orders/{id}", tag = "orders", security((), ("token" = [])), params(
    ("id" = Uuid, Path, description = "Which one"),
    ("x-order-token" = Option<String>, Header, description = "Opens the order for who is not signed in"),
), responses(
    (status = OK, body = OrderView),
    (status = UNAUTHORIZED, body = Problem, content_type = "application/problem+json"),
    (status = FORBIDDEN, body = Problem, content_type = "application/problem+json"),
    (status = NOT_FOUND, body = Problem, content_type = "application/problem+json"),
    (status = SERVICE_UNAVAILABLE, body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn get_order(
    State(app): State<App>,
    buyer: Buyer,
    Path(id): Path<Uuid>,
) -> Result<impl IntoResponse, ApiError> {
    let mut connection = app.pool().acquire().await?;
    let order = store::find(&mut connection, id).await?.filter(|order| buyer.owns(order)).ok_or(ApiError::NotFound)?;
    Ok((NO_STORE, Answer(whole(&mut connection, order, Audience::Buyer).await?)))
}

/// The confirmation of an order, as a page.
#[utoipa::path(get, path = "/orders/{id}/document", tag = "orders", security((), ("token" = [])), params(
    ("id" = Uuid, Path, description = "Which one"),
    ("x-order-token" = Option<String>, Header, description = "Opens the order for who is not signed in"),
), responses(
    (status = OK, body = String, content_type = "text/html"),
    (status = UNAUTHORIZED, body = Problem, content_type = "application/problem+json"),
    (status = FORBIDDEN, body = Problem, content_type = "application/problem+json"),
    (status = NOT_FOUND, body = Problem, content_type = "application/problem+json"),
    (status = SERVICE_UNAVAILABLE, body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn get_document(
    State(app): State<App>,
    buyer: Buyer,
    Path(id): Path<Uuid>,
) -> Result<impl IntoResponse, ApiError> {
    let order = store::find(&mut *app.pool().acquire().await?, id).await?;
    let order = order.filter(|order| buyer.owns(order)).ok_or(ApiError::NotFound)?;
    let page = document::read(&app, &order).await?;
    let kind = HeaderValue::from_static("text/html; charset=utf-8");
    let headers = [(header::CONTENT_TYPE, kind), (header::CONTENT_SECURITY_POLICY, document::policy()?)];
    Ok((NO_STORE, headers, page))
}

/// Call an order off, as long as it is neither paid nor packed.
#[utoipa::path(post, path = "/orders/{id}/cancel", tag = "orders", security((), ("token" = [])), params(
    ("id" = Uuid, Path, description = "Which one"),
    ("x-order-token" = Option<String>, Header, description = "Opens the order for who is not signed in"),
), responses(
    (status = OK, body = OrderView),
    (status = UNAUTHORIZED, body = Problem, content_type = "application/problem+json"),
    (status = FORBIDDEN, body = Problem, content_type = "application/problem+json"),
    (status = NOT_FOUND, body = Problem, content_type = "application/problem+json"),
    (status = CONFLICT, body = Problem, content_type = "application/problem+json", description = "It is too late for that"),
    (status = SERVICE_UNAVAILABLE, body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn cancel_order(
    State(app): State<App>,
    buyer: Buyer,
    Path(id): Path<Uuid>,
) -> Result<impl IntoResponse, ApiError> {
    let about = (id, buyer);
    transact(&app, "order.cancelled", &about.1.caller, &about, |work, (id, buyer)| cancel(work, *id, buyer).boxed())
        .await?;
    let mut connection = app.pool().acquire().await?;
    let order = store::find(&mut connection, id).await?.ok_or(ApiError::NotFound)?;
    Ok((NO_STORE, Answer(whole(&mut connection, order, Audience::Buyer).await?)))
}

async fn cancel(work: &mut Work, id: Uuid, buyer: &Buyer) -> Result<(), ApiError> {
    let order = store::lock(work, id).await?;
    if !buyer.owns(&order) {
        return Err(ApiError::NotFound);
    }
    match order.status {
        Status::PendingPayment | Status::Confirmed => {
            moves::to(work, &order, Status::Cancelled, "called off by the buyer").await
        }
        // Perhaps the answer was lost: this one waits for the same event's being safe.
        Status::Cancelled => {
            work.touch("orders", id);
            Ok(())
        }
        status => Err(ApiError::WrongState(format!("the order is {}", status.code()))),
    }
}

/// Who may look at an order: the customer whose it is, or who has its token.
#[derive(Debug)]
pub(crate) struct Buyer {
    customer: Option<String>,
    order: Option<Uuid>,
    caller: Caller,
}

impl Buyer {
    pub(crate) fn owns(&self, order: &Order) -> bool {
        self.order == Some(order.id) || (self.customer.is_some() && self.customer == order.customer)
    }

    /// Who asks for a change.
    pub(crate) fn caller(&self) -> &Caller {
        &self.caller
    }
}

impl FromRequestParts<App> for Buyer {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        let customer = <Customer as OptionalFromRequestParts<App>>::from_request_parts(parts, app).await?;
        let token = parts.headers.get(ORDER_TOKEN);
        if customer.is_none() && token.is_none() {
            return Err(ApiError::Unauthorized("sign in, or send the order's token: x-order-token"));
        }
        let order = token.and_then(|token| app.capabilities().check(Opens::Order, token.to_str().ok()?));
        let caller = match &customer {
            Some(customer) => customer.caller(),
            None => {
                let Ok(RequestId(request_id)) = RequestId::from_request_parts(parts, app).await;
                Caller { actor: Actor::Visitor, request_id }
            }
        };
        Ok(Self { customer: customer.map(|customer| customer.subject), order, caller })
    }
}

/// An order with all that belongs to it.
pub(super) async fn whole(
    connection: &mut MySqlConnection,
    order: Order,
    audience: Audience,
) -> Result<OrderView, ApiError> {
    let lines = store::lines(connection, order.id).await?;
    let history = store::history(connection, order.id).await?;
    OrderView::new(order, lines, history, audience)
}

/// A page of orders.
pub(super) async fn page(app: &App, which: &Which, params: &PageParams) -> Result<impl IntoResponse + use<>, ApiError> {
    let page = params.check()?;
    let mut connection = app.pool().acquire().await?;
    let mut rows = store::list(&mut connection, which, page.after, page.probe()).await?;
    let next_cursor = page.cut(&mut rows, |row| row.id);
    Ok((NO_STORE, Answer(OrderPage { items: rows.into_iter().map(Into::into).collect(), next_cursor })))
}
