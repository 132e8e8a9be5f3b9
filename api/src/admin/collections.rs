//! Collections as administrators see and change them.

mod model;
mod routes;
mod store;

use utoipa_axum::{router::OpenApiRouter, routes};

use crate::app::App;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(routes::list_collections, routes::create_collection))
        .routes(routes!(routes::get_collection, routes::replace_collection))
}
