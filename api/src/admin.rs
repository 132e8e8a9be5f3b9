//! Changing the catalogue. Every route takes an [`Admin`](crate::auth::Admin), which only a valid token of a member of
//! the group `admins` yields.

mod model;
mod routes;
mod store;

use utoipa_axum::{router::OpenApiRouter, routes};

use crate::app::App;

/// The area's routes.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(routes::create_product))
}
