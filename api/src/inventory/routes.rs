//! The administrators' routes of stock.

use axum::{
    Json as Answer,
    extract::State,
    http::{HeaderName, HeaderValue, header},
    response::IntoResponse,
};
use futures::FutureExt;
use uuid::Uuid;

use super::{
    model::{Adjustment, AdjustmentPage, Correction, Stock, StockPage, StockParams, Threshold},
    store::{self, Correcting},
};
use crate::{
    app::App,
    auth::Admin,
    error::{ApiError, Problem},
    http::{
        extract::{Json, Path, Query},
        page::PageParams,
    },
    idempotency::{IdempotencyKey, Intent},
    work::transact,
};

const NO_STORE: [(HeaderName, HeaderValue); 1] = [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];

/// List stock, in the order of the stock keeping units.
#[utoipa::path(get, path = "/inventory", tag = "inventory", security(("token" = [])), params(StockParams), responses(
    (status = OK, body = StockPage),
    (status = BAD_REQUEST, body = Problem, content_type = "application/problem+json"),
    (status = UNAUTHORIZED, body = Problem, content_type = "application/problem+json"),
    (status = FORBIDDEN, body = Problem, content_type = "application/problem+json"),
    (status = SERVICE_UNAVAILABLE, body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn list_stock(
    _: Admin,
    State(app): State<App>,
    Query(params): Query<StockParams>,
) -> Result<impl IntoResponse, ApiError> {
    let listing = params.check()?;
    let mut items = store::list(&mut *app.pool().acquire().await?, &listing).await?;
    let limit = usize::try_from(listing.limit).unwrap_or(usize::MAX);
    let more = items.len() > limit;
    items.truncate(limit);
    let next_cursor = items.last().filter(|_| more).map(|last| last.sku.clone());
    Ok((NO_STORE, Answer(StockPage { items, next_cursor })))
}

/// Say at how many left somebody should look.
#[utoipa::path(put, path = "/inventory/{variant_id}/threshold", tag = "inventory", security(("token" = [])), request_body = Threshold, params(
    ("variant_id" = Uuid, Path, description = "Of which variant"),
), responses(
    (status = OK, body = Stock),
    (status = BAD_REQUEST, body = Problem, content_type = "application/problem+json"),
    (status = UNAUTHORIZED, body = Problem, content_type = "application/problem+json"),
    (status = FORBIDDEN, body = Problem, content_type = "application/problem+json"),
    (status = NOT_FOUND, body = Problem, content_type = "application/problem+json"),
    (status = PAYLOAD_TOO_LARGE, body = Problem, content_type = "application/problem+json"),
    (status = UNSUPPORTED_MEDIA_TYPE, body = Problem, content_type = "application/problem+json"),
    (status = UNPROCESSABLE_ENTITY, body = Problem, content_type = "application/problem+json"),
    (status = SERVICE_UNAVAILABLE, body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn set_threshold(
    admin: Admin,
    State(app): State<App>,
    Path(variant): Path<Uuid>,
    Json(threshold): Json<Threshold>,
) -> Result<impl IntoResponse, ApiError> {
    let errors = threshold.problems();
    if !errors.is_empty() {
        return Err(ApiError::Validation { detail: None, errors });
    }
    let about = (variant, threshold.low_stock);
    transact(&app, "inventory.threshold", &admin.caller(), &about, |work, (variant, low_stock)| {
        store::set_threshold(work, *variant, *low_stock).boxed()
    })
    .await?;
    answer(&app, variant).await
}

/// Correct a stock.
///
/// It never falls below what is promised to orders. With an `Idempotency-Key` the same request can be sent again and is
/// done once.
#[utoipa::path(post, path = "/inventory/{variant_id}/adjustments", tag = "inventory", security(("token" = [])), request_body = Correction, params(
    ("variant_id" = Uuid, Path, description = "Of which variant"),
    ("Idempotency-Key" = Option<String>, Header, description = "A new one for each correction, kept when the request is sent again"),
), responses(
    (status = OK, body = Stock),
    (status = BAD_REQUEST, body = Problem, content_type = "application/problem+json"),
    (status = UNAUTHORIZED, body = Problem, content_type = "application/problem+json"),
    (status = FORBIDDEN, body = Problem, content_type = "application/problem+json"),
    (status = NOT_FOUND, body = Problem, content_type = "application/problem+json"),
    (status = CONFLICT, body = Problem, content_type = "application/problem+json", description = "Less would be left than is promised"),
    (status = PAYLOAD_TOO_LARGE, body = Problem, content_type = "application/problem+json"),
    (status = UNSUPPORTED_MEDIA_TYPE, body = Problem, content_type = "application/problem+json"),
    (status = UNPROCESSABLE_ENTITY, body = Problem, content_type = "application/problem+json"),
    (status = SERVICE_UNAVAILABLE, body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn adjust_stock(
    admin: Admin,
    State(app): State<App>,
    Path(variant): Path<Uuid>,
    key: Option<IdempotencyKey>,
    Json(correction): Json<Correction>,
) -> Result<impl IntoResponse, ApiError> {
    let errors = correction.problems();
    if !errors.is_empty() {
        return Err(ApiError::Validation { detail: None, errors });
    }
    let scope = format!("admin:{}:{variant}", admin.subject);
    let intent = key.map(|key| Intent::new(&key, "adjustments", &scope, &correction)).transpose()?;
    let correcting = Correcting { variant, correction, author: admin.subject.clone(), intent };
    transact(&app, "inventory.adjusted", &admin.caller(), &correcting, |work, correcting| {
        store::correct(work, correcting).boxed()
    })
    .await?;
    answer(&app, variant).await
}

/// The corrections of a stock, the newest first.
#[utoipa::path(get, path = "/inventory/{variant_id}/adjustments", tag = "inventory", security(("token" = [])), params(
    ("variant_id" = Uuid, Path, description = "Of which variant"),
    PageParams,
), responses(
    (status = OK, body = AdjustmentPage),
    (status = BAD_REQUEST, body = Problem, content_type = "application/problem+json"),
    (status = UNAUTHORIZED, body = Problem, content_type = "application/problem+json"),
    (status = FORBIDDEN, body = Problem, content_type = "application/problem+json"),
    (status = NOT_FOUND, body = Problem, content_type = "application/problem+json"),
    (status = SERVICE_UNAVAILABLE, body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn list_adjustments(
    _: Admin,
    State(app): State<App>,
    Path(variant): Path<Uuid>,
    Query(params): Query<PageParams>,
) -> Result<impl IntoResponse, ApiError> {
    let page = params.check()?;
    let mut connection = app.pool().acquire().await?;
    let mut rows = store::adjustments(&mut connection, variant, page.after, page.probe()).await?;
    let next_cursor = page.cut(&mut rows, |row| row.id);
    let items = rows.into_iter().map(|row| Adjustment {
        id: row.id,
        delta: row.delta,
        on_hand: row.on_hand,
        reason: row.reason,
        author: row.author,
        at: row.created_at.assume_utc(),
    });
    Ok((NO_STORE, Answer(AdjustmentPage { items: items.collect(), next_cursor })))
}

async fn answer(app: &App, variant: Uuid) -> Result<impl IntoResponse + use<>, ApiError> {
    let stock = store::find(&mut *app.pool().acquire().await?, variant).await?.ok_or(ApiError::NotFound)?;
    Ok((NO_STORE, Answer(stock)))
}
