//! The administrators' routes to pictures. They answer with the whole product.

use axum::{extract::State, response::IntoResponse};
use futures::FutureExt;
use uuid::Uuid;

use super::{
    model::{ImageChange, ImageOrder},
    store,
};
use crate::{
    admin::products::{model::AdminProduct, routes::answer},
    app::App,
    auth::Admin,
    error::ApiError,
    http::{
        extract::{Json, Path},
        problems::{AdminProblems, BodyProblems, ConflictProblem, MissingProblem, VersionProblems},
        version::IfMatch,
    },
    work::transact,
};

/// Put a product's pictures in order. All of them have to be named, so that none that just came is lost sight of.
#[utoipa::path(put, path = "/products/{id}/images", tag = "admin", security(("token" = [])),
    request_body = ImageOrder, params(("id" = Uuid, Path)), responses(
        (status = OK, body = AdminProduct, headers(("ETag" = String, description = "The product's version"))),
        AdminProblems, BodyProblems, MissingProblem, ConflictProblem,
    ))]
pub(crate) async fn order_images(
    admin: Admin,
    State(app): State<App>,
    Path(product): Path<Uuid>,
    Json(order): Json<ImageOrder>,
) -> Result<impl IntoResponse, ApiError> {
    order.check()?;
    let about = (product, order);
    transact(&app, "images.ordered", &admin.caller(), &about, |work, about| store::order(work, about).boxed()).await?;
    answer(&app, product).await
}

/// Change a picture's words.
#[utoipa::path(put, path = "/images/{id}", tag = "admin", security(("token" = [])), request_body = ImageChange,
    params(("id" = Uuid, Path), ("If-Match" = String, Header, description = "The picture's version, in quotes")),
    responses(
        (status = OK, body = AdminProduct, headers(("ETag" = String, description = "The product's version"))),
        AdminProblems, BodyProblems, MissingProblem, VersionProblems,
    ))]
pub(crate) async fn replace_image(
    admin: Admin,
    State(app): State<App>,
    Path(id): Path<Uuid>,
    known: IfMatch,
    Json(change): Json<ImageChange>,
) -> Result<impl IntoResponse, ApiError> {
    change.check()?;
    let about = (id, known, change);
    let product =
        transact(&app, "image.changed", &admin.caller(), &about, |work, about| store::replace(work, about).boxed())
            .await?;
    answer(&app, product).await
}

/// Take a picture away. What is stored of it stays.
#[utoipa::path(delete, path = "/images/{id}", tag = "admin", security(("token" = [])),
    params(("id" = Uuid, Path), ("If-Match" = String, Header, description = "The picture's version, in quotes")),
    responses(
        (status = OK, body = AdminProduct, headers(("ETag" = String, description = "The product's version"))),
        AdminProblems, MissingProblem, VersionProblems,
    ))]
pub(crate) async fn remove_image(
    admin: Admin,
    State(app): State<App>,
    Path(id): Path<Uuid>,
    known: IfMatch,
) -> Result<impl IntoResponse, ApiError> {
    let about = (id, known);
    let product =
        transact(&app, "image.removed", &admin.caller(), &about, |work, about| store::remove(work, about).boxed())
            .await?;
    answer(&app, product).await
}

/// Take a frame set away. What is stored of it stays.
#[utoipa::path(delete, path = "/frame-sets/{id}", tag = "admin", security(("token" = [])),
    params(("id" = Uuid, Path), ("If-Match" = String, Header, description = "The frame set's version, in quotes")),
    responses(
        (status = OK, body = AdminProduct, headers(("ETag" = String, description = "The product's version"))),
        AdminProblems, MissingProblem, VersionProblems,
    ))]
pub(crate) async fn remove_frame_set(
    admin: Admin,
    State(app): State<App>,
    Path(id): Path<Uuid>,
    known: IfMatch,
) -> Result<impl IntoResponse, ApiError> {
    let about = (id, known);
    let product = transact(&app, "frames.removed", &admin.caller(), &about, |work, about| {
        store::remove_frames(work, about).boxed()
    })
    .await?;
    answer(&app, product).await
}
