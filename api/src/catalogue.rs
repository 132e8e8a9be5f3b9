//! What the shop sells: categories, collections, products, and the list with its filters.

mod cursor;
mod details;
mod filter;
mod listing;
pub(crate) mod model;
pub(crate) mod pages;
pub(crate) mod products;
mod routes;
mod search;
pub(crate) mod show;
pub(crate) mod showcase;
pub(crate) mod store;
mod together;

use utoipa_axum::{router::OpenApiRouter, routes};

use crate::app::App;

/// The area's routes, all of them reads anyone may make.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(routes::list_products))
        .routes(routes!(routes::get_product))
        .routes(routes!(routes::list_categories))
        .routes(routes!(routes::list_collections))
        .routes(routes!(routes::get_collection))
}
