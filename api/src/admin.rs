//! Changing the catalogue. Every route takes an [`Admin`](crate::auth::Admin), which only a valid token of a member of
//! the group `admins` yields.
//!
//! What there is is changed as a whole: `PUT` of all that can be changed, to the version that was read. Nothing is
//! deleted, because orders refer to it and the journal brings rows back: it is archived, or shown no more.

mod categories;
mod collections;
mod images;
mod products;
pub(crate) mod rules;
mod variants;

use utoipa_axum::router::OpenApiRouter;

use crate::app::App;

pub(crate) use products::store::held as product_held;

/// The area's routes.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .merge(categories::routes())
        .merge(collections::routes())
        .merge(products::routes())
        .merge(variants::routes())
        .merge(images::routes())
}
