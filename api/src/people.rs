//! What the shop knows of people who signed in: as little as a shop needs, theirs alone to see, and theirs to have erased.
//! And what administrators did, for administrators to see.

mod audit;
mod model;
mod routes;
mod store;

use utoipa_axum::{router::OpenApiRouter, routes};

use crate::app::App;

/// The area's routes for customers.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(routes::get_profile, routes::put_profile, routes::erase_me))
        .routes(routes!(routes::list_addresses, routes::add_address))
        .routes(routes!(routes::change_address, routes::remove_address))
}

/// The area's routes for administrators.
pub(crate) fn admin_routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(audit::list_audit))
}
