//! What there is of each variant: the shop's bookkeeping of stock, and the administrators' view of it.

mod model;
mod routes;
pub(crate) mod stock;
mod store;

use utoipa_axum::{router::OpenApiRouter, routes};

use crate::app::App;

/// The administrators' routes.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(routes::list_stock))
        .routes(routes!(routes::set_threshold))
        .routes(routes!(routes::adjust_stock, routes::list_adjustments))
}
