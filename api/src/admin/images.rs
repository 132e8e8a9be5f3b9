//! The order of a product's pictures, their words, and taking them away. How they come is the media's business.

mod model;
mod routes;
mod store;

use utoipa_axum::{router::OpenApiRouter, routes};

use crate::app::App;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(routes::order_images))
        .routes(routes!(routes::replace_image, routes::remove_image))
        .routes(routes!(routes::remove_frame_set))
}
