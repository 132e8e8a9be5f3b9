//! Categories as administrators see and change them.

mod model;
mod routes;
mod store;

use utoipa_axum::{router::OpenApiRouter, routes};

use crate::app::App;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(routes::list_categories, routes::create_category))
        .routes(routes!(routes::get_category, routes::replace_category))
}
