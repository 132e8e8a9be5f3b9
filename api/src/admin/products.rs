//! Products as administrators see and change them.

pub(super) mod model;
pub(super) mod read;
pub(super) mod routes;
pub(super) mod store;

use utoipa_axum::{router::OpenApiRouter, routes};

use crate::app::App;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(routes::list_products, routes::create_product))
        .routes(routes!(routes::get_product, routes::replace_product))
}
