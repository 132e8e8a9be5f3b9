//! Which path leads where, and through which layers.
//!
//! From outside in: request id, log line and headers; panics; then, for `/api` only, the origin check (so that strangers
//! take no places), the rate of the visitor, the number of requests at once, the time and the body limit. The health routes stand outside those,
//! since they are asked for exactly when the process is in trouble.

use axum::{
    Router,
    extract::DefaultBodyLimit,
    http::{HeaderValue, header},
    middleware::{from_fn, from_fn_with_state},
    response::IntoResponse,
    routing::get,
};
use tower_http::catch_panic::CatchPanicLayer;
use utoipa::OpenApi;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    admin,
    app::App,
    cart, catalogue,
    error::ApiError,
    health,
    http::{cache, guard, observe, origin, rate, unfold},
    inventory, media, metrics,
    openapi::{Document, complete, page::page},
    orders, payments, people,
};

/// The whole application.
pub fn router(app: App) -> Router {
    let (Parts { health, api }, document) = routes();
    let page = page(&serde_json::to_value(&document).unwrap_or_default());
    let policy = HeaderValue::try_from(page.policy).unwrap_or(observe::NOTHING);
    let docs = move || async move {
        let kind = HeaderValue::from_static("text/html; charset=utf-8");
        ([(header::CONTENT_TYPE, kind), (header::CONTENT_SECURITY_POLICY, policy)], page.html)
    };
    let document = document.to_json().unwrap_or_default();
    let document = move || async move {
        ([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], document).into_response()
    };
    let openapi = Router::new()
        .route("/api/openapi.json", get(document))
        .route("/api/docs", get(docs))
        .layer(from_fn(cache::publicly));
    let api = api
        .merge(openapi)
        // Before the layers, so that they hold for it too: outsiders don't learn which methods there are.
        .method_not_allowed_fallback(async || ApiError::MethodNotAllowed)
        .layer(DefaultBodyLimit::max(guard::BODY_LIMIT))
        .layer(from_fn_with_state(guard::REQUEST_TIMEOUT, guard::limit_time))
        .layer(from_fn_with_state(guard::Places::new(guard::CONCURRENCY), guard::limit_concurrency))
        .layer(from_fn_with_state(app.clone(), rate::limit))
        .layer(from_fn_with_state(app.clone(), origin::check));
    let all = health
        .method_not_allowed_fallback(async || ApiError::MethodNotAllowed)
        .merge(api)
        .fallback(async || ApiError::NotFound)
        .layer(CatchPanicLayer::custom(guard::panicked))
        .layer(from_fn_with_state(app.clone(), metrics::count))
        .layer(from_fn(observe::observe))
        .with_state(app);
    // Around it all, because routes are looked for before the layers of a router run.
    Router::new().fallback_service(all).layer(from_fn(unfold::unfold))
}

/// The documented routes, and the document they make.
pub(crate) fn routes() -> (Parts, utoipa::openapi::OpenApi) {
    let health = OpenApiRouter::new()
        .routes(routes!(health::livez))
        .routes(routes!(health::readyz))
        .routes(routes!(health::version))
        .routes(routes!(metrics::routes::metrics));
    let api = OpenApiRouter::new()
        .nest("/api/v1", catalogue::routes().layer(from_fn(cache::publicly)))
        .nest("/api/v1", cart::routes().merge(orders::routes()).merge(payments::routes()).merge(people::routes()))
        .nest(
            "/api/v1/admin",
            admin::routes()
                .merge(media::routes())
                .merge(inventory::routes())
                .merge(orders::desk())
                .merge(payments::admin_routes())
                .merge(people::admin_routes()),
        );
    let (health, mut health_document) = health.split_for_parts();
    let (api, api_document) = api.split_for_parts();
    let mut document = Document::openapi();
    health_document.merge(api_document);
    document.merge(health_document);
    complete(&mut document);
    (Parts { health, api }, document)
}

/// The two families of routes, which get different layers.
pub(crate) struct Parts {
    health: Router<App>,
    api: Router<App>,
}
