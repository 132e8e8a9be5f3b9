//! Orders: from a cart to the door, and everything that can happen on the way.
//!
//! `states` says where an order can go, `moves` takes it there, and nothing else changes its status.

mod checkout;
mod desk;
mod document;
mod expiry;
mod model;
mod moves;
mod place;
mod routes;
mod states;
pub(crate) mod store;
mod terms;
mod view;

pub(crate) use document::store_due;
pub(crate) use expiry::expire;
pub(crate) use model::{Order, PaymentMethod};
pub(crate) use moves::{Settlement, payment_failed, refunded, settle};
pub(crate) use routes::Buyer;
pub(crate) use states::Status;
pub(crate) use terms::{ShippingMethod, Terms};
pub(crate) use view::TaxLine;

use utoipa_axum::{router::OpenApiRouter, routes};

use crate::app::App;

/// The buyers' routes.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(routes::place_order, routes::list_orders))
        .routes(routes!(routes::get_order))
        .routes(routes!(routes::cancel_order))
        .routes(routes!(routes::get_document))
}

/// The administrators' routes.
pub(crate) fn desk() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(desk::list_all_orders))
        .routes(routes!(desk::get_any_order))
        .routes(routes!(desk::cancel_any_order))
        .routes(routes!(desk::fulfil_order))
        .routes(routes!(desk::ship_order))
        .routes(routes!(desk::deliver_order))
        .routes(routes!(desk::reserve_again))
}
