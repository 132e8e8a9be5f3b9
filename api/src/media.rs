//! Pictures: how they come from an administrator's camera to the shop's pages.
//!
//! The files go straight to S3, with an address that is signed for one file of one type and length; this process
//! sees them when they are confirmed. What was sent is kept, under a key that nobody else knows; what is shown is made
//! of it (`picture.rs`).

mod confirm;
mod model;
mod objects;
mod picture;
mod routes;
mod store;

use utoipa_axum::{router::OpenApiRouter, routes};

use crate::app::App;

/// The area's routes, all of them administrators'.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(routes::create_upload))
        .routes(routes!(routes::get_upload))
        .routes(routes!(routes::confirm_upload))
}
