//! Variants as administrators see and change them. Their stock is the inventory's business.

pub(super) mod model;
mod routes;
pub(super) mod store;

use utoipa_axum::{router::OpenApiRouter, routes};

use crate::app::App;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(routes::add_variant)).routes(routes!(routes::replace_variant))
}
