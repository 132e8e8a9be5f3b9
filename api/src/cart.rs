//! Carts: what somebody means to buy. Nothing is promised by one; prices and stock are looked up each time.

mod model;
mod offers;
mod routes;
mod shopper;
pub(crate) mod store;

pub(crate) use offers::{Offer, offers};
pub(crate) use shopper::Shopper;

use utoipa_axum::{router::OpenApiRouter, routes};

use crate::app::App;

/// The area's routes.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(routes::get_cart))
        .routes(routes!(routes::add_line))
        .routes(routes!(routes::set_line, routes::remove_line))
        .routes(routes!(routes::merge_carts))
}
