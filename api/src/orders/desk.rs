//! The administrators' routes: look at orders and move them on.
//!
//! A move that was made already is answered as if it were made now, so that a request whose answer was lost can be sent
//! again.

use axum::{Json as Answer, extract::State, response::IntoResponse};
use futures::FutureExt;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::{
    Status,
    checkout::is_line,
    moves,
    routes::{NO_STORE, page, whole},
    store::{self, Which},
    view::{Audience, OrderPage, OrderView},
};
use crate::{
    app::App,
    auth::Admin,
    error::{ApiError, FieldError, Problem},
    http::{
        extract::{Json, Path, Query},
        page::PageParams,
    },
    work::{Work, transact},
};

/// Which orders.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub(crate) struct StatusFilter {
    /// Only those that stand there.
    #[param(value_type = Option<Status>, inline)]
    status: Option<String>,
}

impl StatusFilter {
    fn check(self) -> Result<Which, ApiError> {
        let Some(code) = self.status.filter(|code| !code.is_empty()) else { return Ok(Which::All) };
        let wrong = FieldError::new("status", "is not a status of an order");
        Status::try_from(code)
            .map(Which::In)
            .map_err(|_| ApiError::InvalidRequest { detail: None, errors: vec![wrong] })
    }
}

/// Why an order is called off.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Cancellation {
    /// In words, for the order's history.
    #[schema(min_length = 1, max_length = 300)]
    reason: String,
}

/// How a parcel travels.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Dispatch {
    /// Who carries it.
    #[schema(min_length = 1, max_length = 64, example = "SingPost")]
    carrier: String,
    /// The carrier's name for it.
    #[schema(min_length = 1, max_length = 128, example = "EE123456789SG")]
    #[serde(default)]
    tracking: Option<String>,
}

/// A move to make.
#[derive(Debug)]
struct Step {
    order: Uuid,
    to: Status,
    reason: String,
    dispatch: Option<Dispatch>,
}

/// List orders, the newest first.
#[utoipa::path(get, path = "/orders", tag = "orders: administration", security(("token" = [])), params(StatusFilter, PageParams), responses(
    (status = OK, body = OrderPage),
    (status = BAD_REQUEST, body = Problem, content_type = "application/problem+json"),
    (status = UNAUTHORIZED, body = Problem, content_type = "application/problem+json"),
    (status = FORBIDDEN, body = Problem, content_type = "application/problem+json"),
    (status = SERVICE_UNAVAILABLE, body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn list_all_orders(
    _: Admin,
    State(app): State<App>,
    Query(filter): Query<StatusFilter>,
    Query(params): Query<PageParams>,
) -> Result<impl IntoResponse, ApiError> {
    page(&app, &filter.check()?, &params).await
}

/// An order with its whole history.
#[utoipa::path(get, path = "/orders/{id}", tag = "orders: administration", security(("token" = [])), params(
    ("id" = Uuid, Path, description = "Which one"),
), responses(
    (status = OK, body = OrderView),
    (status = UNAUTHORIZED, body = Problem, content_type = "application/problem+json"),
    (status = FORBIDDEN, body = Problem, content_type = "application/problem+json"),
    (status = NOT_FOUND, body = Problem, content_type = "application/problem+json"),
    (status = SERVICE_UNAVAILABLE, body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn get_any_order(
    _: Admin,
    State(app): State<App>,
    Path(id): Path<Uuid>,
) -> Result<impl IntoResponse, ApiError> {
    answer(&app, id).await
}

/// Call an unpaid order off. A paid one is refunded instead.
#[utoipa::path(post, path = "/orders/{id}/cancel", tag = "orders: administration", security(("token" = [])), request_body = Cancellation, params(
    ("id" = Uuid, Path, description = "Which one"),
), responses(
    (status = OK, body = OrderView),
    (status = BAD_REQUEST, body = Problem, content_type = "application/problem+json"),
    (status = UNAUTHORIZED, body = Problem, content_type = "application/problem+json"),
    (status = FORBIDDEN, body = Problem, content_type = "application/problem+json"),
    (status = NOT_FOUND, body = Problem, content_type = "application/problem+json"),
    (status = CONFLICT, body = Problem, content_type = "application/problem+json", description = "It does not stand where this is possible"),
    (status = PAYLOAD_TOO_LARGE, body = Problem, content_type = "application/problem+json"),
    (status = UNSUPPORTED_MEDIA_TYPE, body = Problem, content_type = "application/problem+json"),
    (status = UNPROCESSABLE_ENTITY, body = Problem, content_type = "application/problem+json"),
    (status = SERVICE_UNAVAILABLE, body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn cancel_any_order(
    admin: Admin,
    State(app): State<App>,
    Path(order): Path<Uuid>,
    Json(Cancellation { reason }): Json<Cancellation>,
) -> Result<impl IntoResponse, ApiError> {
    if !is_line(&reason, 300) {
        let errors = vec![FieldError::new("reason", "must be one line of 1 to 300 characters")];
        return Err(ApiError::Validation { detail: None, errors });
    }
    step(&app, &admin, "order.cancelled", Step { order, to: Status::Cancelled, reason, dispatch: None }).await
}

/// Say that an order is packed.
#[utoipa::path(post, path = "/orders/{id}/fulfil", tag = "orders: administration", security(("token" = [])), params(
    ("id" = Uuid, Path, description = "Which one"),
), responses(
    (status = OK, body = OrderView),
    (status = UNAUTHORIZED, body = Problem, content_type = "application/problem+json"),
    (status = FORBIDDEN, body = Problem, content_type = "application/problem+json"),
    (status = NOT_FOUND, body = Problem, content_type = "application/problem+json"),
    (status = CONFLICT, body = Problem, content_type = "application/problem+json", description = "It does not stand where this is possible"),
    (status = SERVICE_UNAVAILABLE, body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn fulfil_order(
    admin: Admin,
    State(app): State<App>,
    Path(order): Path<Uuid>,
) -> Result<impl IntoResponse, ApiError> {
    let packed = Step { order, to: Status::Fulfilled, reason: "packed".to_owned(), dispatch: None };
    step(&app, &admin, "order.fulfilled", packed).await
}

/// Say that an order is on its way. Its items leave the stock.
#[utoipa::path(post, path = "/orders/{id}/ship", tag = "orders: administration", security(("token" = [])), request_body = Dispatch, params(
    ("id" = Uuid, Path, description = "Which one"),
), responses(
    (status = OK, body = OrderView),
    (status = BAD_REQUEST, body = Problem, content_type = "application/problem+json"),
    (status = UNAUTHORIZED, body = Problem, content_type = "application/problem+json"),
    (status = FORBIDDEN, body = Problem, content_type = "application/problem+json"),
    (status = NOT_FOUND, body = Problem, content_type = "application/problem+json"),
    (status = CONFLICT, body = Problem, content_type = "application/problem+json", description = "It does not stand where this is possible"),
    (status = PAYLOAD_TOO_LARGE, body = Problem, content_type = "application/problem+json"),
    (status = UNSUPPORTED_MEDIA_TYPE, body = Problem, content_type = "application/problem+json"),
    (status = UNPROCESSABLE_ENTITY, body = Problem, content_type = "application/problem+json"),
    (status = SERVICE_UNAVAILABLE, body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn ship_order(
    admin: Admin,
    State(app): State<App>,
    Path(order): Path<Uuid>,
    Json(dispatch): Json<Dispatch>,
) -> Result<impl IntoResponse, ApiError> {
    let mut errors = Vec::new();
    if !is_line(&dispatch.carrier, 64) {
        errors.push(FieldError::new("carrier", "must be one line of 1 to 64 characters"));
    }
    if !dispatch.tracking.as_deref().is_none_or(|tracking| is_line(tracking, 128)) {
        errors.push(FieldError::new("tracking", "must be one line of 1 to 128 characters"));
    }
    if !errors.is_empty() {
        return Err(ApiError::Validation { detail: None, errors });
    }
    let reason = format!("with {}", dispatch.carrier);
    step(&app, &admin, "order.shipped", Step { order, to: Status::Shipped, reason, dispatch: Some(dispatch) }).await
}

/// Say that an order has arrived.
#[utoipa::path(post, path = "/orders/{id}/deliver", tag = "orders: administration", security(("token" = [])), params(
    ("id" = Uuid, Path, description = "Which one"),
), responses(
    (status = OK, body = OrderView),
    (status = UNAUTHORIZED, body = Problem, content_type = "application/problem+json"),
    (status = FORBIDDEN, body = Problem, content_type = "application/problem+json"),
    (status = NOT_FOUND, body = Problem, content_type = "application/problem+json"),
    (status = CONFLICT, body = Problem, content_type = "application/problem+json", description = "It does not stand where this is possible"),
    (status = SERVICE_UNAVAILABLE, body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn deliver_order(
    admin: Admin,
    State(app): State<App>,
    Path(order): Path<Uuid>,
) -> Result<impl IntoResponse, ApiError> {
    let arrived = Step { order, to: Status::Delivered, reason: "arrived".to_owned(), dispatch: None };
    step(&app, &admin, "order.delivered", arrived).await
}

/// Promise the items again to an order that was paid after they had been given up.
#[utoipa::path(post, path = "/orders/{id}/reserve", tag = "orders: administration", security(("token" = [])), params(
    ("id" = Uuid, Path, description = "Which one"),
), responses(
    (status = OK, body = OrderView),
    (status = UNAUTHORIZED, body = Problem, content_type = "application/problem+json"),
    (status = FORBIDDEN, body = Problem, content_type = "application/problem+json"),
    (status = NOT_FOUND, body = Problem, content_type = "application/problem+json"),
    (status = CONFLICT, body = Problem, content_type = "application/problem+json", description = "There is still not enough in stock, or it is not such an order"),
    (status = SERVICE_UNAVAILABLE, body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn reserve_again(
    admin: Admin,
    State(app): State<App>,
    Path(order): Path<Uuid>,
) -> Result<impl IntoResponse, ApiError> {
    let again = Step { order, to: Status::Paid, reason: "items found".to_owned(), dispatch: None };
    step(&app, &admin, "order.reserved", again).await
}

async fn step(app: &App, admin: &Admin, kind: &'static str, step: Step) -> Result<impl IntoResponse + use<>, ApiError> {
    transact(app, kind, &admin.caller(), &step, |work, step| make(work, step).boxed()).await?;
    answer(app, step.order).await
}

async fn make(work: &mut Work, step: &Step) -> Result<(), ApiError> {
    let order = store::lock(work, step.order).await?;
    if order.status == step.to {
        let is_same = step.dispatch.as_ref().is_none_or(|dispatch| {
            order.carrier.as_ref() == Some(&dispatch.carrier) && order.tracking == dispatch.tracking
        });
        if !is_same {
            return Err(ApiError::WrongState("the order is shipped another way".to_owned()));
        }
        work.touch("orders", order.id);
        return Ok(());
    }
    // Only money brings an order here but from this one state.
    if step.to == Status::Paid && order.status != Status::PaidOutOfStock {
        return Err(ApiError::WrongState(format!("the order is {}", order.status.code())));
    }
    if let Some(dispatch) = &step.dispatch {
        store::dispatch(work, order.id, &dispatch.carrier, dispatch.tracking.as_deref()).await?;
    }
    moves::to(work, &order, step.to, &step.reason).await
}

async fn answer(app: &App, id: Uuid) -> Result<impl IntoResponse + use<>, ApiError> {
    let mut connection = app.pool().acquire().await?;
    let order = store::find(&mut connection, id).await?.ok_or(ApiError::NotFound)?;
    Ok((NO_STORE, Answer(whole(&mut connection, order, Audience::Administrator).await?)))
}
