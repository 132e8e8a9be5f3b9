//! The administrators' routes to collections.

use axum::{Json as Answer, extract::State, http::StatusCode, response::IntoResponse};
use futures::FutureExt;
use uuid::Uuid;

use super::{
    model::{AdminCollection, AdminCollections, CollectionBody},
    store,
};
use crate::{
    admin::products::routes::location,
    app::App,
    auth::Admin,
    error::ApiError,
    http::{
        cache::NO_STORE,
        extract::{Json, Path},
        problems::{AdminProblems, BodyProblems, ConflictProblem, MissingProblem, VersionProblems},
        version::{IfMatch, etag},
    },
    work::transact,
};

/// List all collections, drafts and archived ones included.
#[utoipa::path(get, path = "/collections", tag = "admin", operation_id = "list_collections_for_admins",
    security(("token" = [])), responses((status = OK, body = AdminCollections), AdminProblems))]
pub(crate) async fn list_collections(_: Admin, State(app): State<App>) -> Result<impl IntoResponse, ApiError> {
    Ok(([NO_STORE], Answer(AdminCollections { items: store::all(app.pool()).await? })))
}

/// Create a collection with its products.
#[utoipa::path(post, path = "/collections", tag = "admin", security(("token" = [])), request_body = CollectionBody,
    responses(
        (status = CREATED, body = AdminCollection, headers(
            ("Location" = String, description = "Its address for administrators"),
            ("ETag" = String, description = "Its version"),
        )),
        AdminProblems, BodyProblems, ConflictProblem,
    ))]
pub(crate) async fn create_collection(
    admin: Admin,
    State(app): State<App>,
    Json(collection): Json<CollectionBody>,
) -> Result<impl IntoResponse, ApiError> {
    collection.check()?;
    let id = transact(&app, "collection.created", &admin.caller(), &collection, |work, collection| {
        store::create(work, collection).boxed()
    })
    .await?;
    Ok((StatusCode::CREATED, [location("collections", id)?], answer(&app, id).await?))
}

/// One collection with its products, whatever its status.
#[utoipa::path(get, path = "/collections/{id}", tag = "admin", operation_id = "get_collection_for_admins", security(("token" = [])), params(("id" = Uuid, Path)),
    responses(
        (status = OK, body = AdminCollection, headers(("ETag" = String, description = "Its version"))),
        AdminProblems, MissingProblem,
    ))]
pub(crate) async fn get_collection(
    _: Admin,
    State(app): State<App>,
    Path(id): Path<Uuid>,
) -> Result<impl IntoResponse, ApiError> {
    answer(&app, id).await
}

/// Change a collection, which products it has and in which order, and whether it is shown.
#[utoipa::path(put, path = "/collections/{id}", tag = "admin", security(("token" = [])), request_body = CollectionBody,
    params(("id" = Uuid, Path), ("If-Match" = String, Header, description = "The ETag that was read")),
    responses(
        (status = OK, body = AdminCollection, headers(("ETag" = String, description = "Its version"))),
        AdminProblems, BodyProblems, MissingProblem, ConflictProblem, VersionProblems,
    ))]
pub(crate) async fn replace_collection(
    admin: Admin,
    State(app): State<App>,
    Path(id): Path<Uuid>,
    known: IfMatch,
    Json(collection): Json<CollectionBody>,
) -> Result<impl IntoResponse, ApiError> {
    collection.check()?;
    let about = (id, known, collection);
    transact(&app, "collection.changed", &admin.caller(), &about, |work, about| store::replace(work, about).boxed())
        .await?;
    answer(&app, id).await
}

async fn answer(app: &App, id: Uuid) -> Result<impl IntoResponse + use<>, ApiError> {
    let collection = store::one(app.pool(), id).await?;
    Ok(([NO_STORE, etag(collection.version)], Answer(collection)))
}
