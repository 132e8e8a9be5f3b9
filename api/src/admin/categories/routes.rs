//! The administrators' routes to categories.

use axum::{Json as Answer, extract::State, http::StatusCode, response::IntoResponse};
use futures::FutureExt;
use uuid::Uuid;

use super::{
    model::{AdminCategories, AdminCategory, CategoryBody},
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

/// List all categories, archived ones included.
#[utoipa::path(get, path = "/categories", tag = "admin", operation_id = "list_categories_for_admins",
    security(("token" = [])), responses((status = OK, body = AdminCategories), AdminProblems))]
pub(crate) async fn list_categories(_: Admin, State(app): State<App>) -> Result<impl IntoResponse, ApiError> {
    Ok(([NO_STORE], Answer(AdminCategories { items: store::all(app.pool()).await? })))
}

/// Create a category.
#[utoipa::path(post, path = "/categories", tag = "admin", security(("token" = [])), request_body = CategoryBody,
    responses(
        (status = CREATED, body = AdminCategory, headers(
            ("Location" = String, description = "Its address for administrators"),
            ("ETag" = String, description = "Its version"),
        )),
        AdminProblems, BodyProblems, ConflictProblem,
    ))]
pub(crate) async fn create_category(
    admin: Admin,
    State(app): State<App>,
    Json(category): Json<CategoryBody>,
) -> Result<impl IntoResponse, ApiError> {
    category.check()?;
    let id = transact(&app, "category.created", &admin.caller(), &category, |work, category| {
        store::create(work, category).boxed()
    })
    .await?;
    Ok((StatusCode::CREATED, [location("categories", id)?], answer(&app, id).await?))
}

/// One category, archived or not.
#[utoipa::path(get, path = "/categories/{id}", tag = "admin", operation_id = "get_category_for_admins", security(("token" = [])), params(("id" = Uuid, Path)),
    responses(
        (status = OK, body = AdminCategory, headers(("ETag" = String, description = "Its version"))),
        AdminProblems, MissingProblem,
    ))]
pub(crate) async fn get_category(
    _: Admin,
    State(app): State<App>,
    Path(id): Path<Uuid>,
) -> Result<impl IntoResponse, ApiError> {
    answer(&app, id).await
}

/// Change a category, or archive it.
#[utoipa::path(put, path = "/categories/{id}", tag = "admin", security(("token" = [])), request_body = CategoryBody,
    params(("id" = Uuid, Path), ("If-Match" = String, Header, description = "The ETag that was read")),
    responses(
        (status = OK, body = AdminCategory, headers(("ETag" = String, description = "Its version"))),
        AdminProblems, BodyProblems, MissingProblem, ConflictProblem, VersionProblems,
    ))]
pub(crate) async fn replace_category(
    admin: Admin,
    State(app): State<App>,
    Path(id): Path<Uuid>,
    known: IfMatch,
    Json(category): Json<CategoryBody>,
) -> Result<impl IntoResponse, ApiError> {
    category.check()?;
    let about = (id, known, category);
    transact(&app, "category.changed", &admin.caller(), &about, |work, about| store::replace(work, about).boxed())
        .await?;
    answer(&app, id).await
}

async fn answer(app: &App, id: Uuid) -> Result<impl IntoResponse + use<>, ApiError> {
    let category = store::one(app.pool(), id).await?;
    Ok(([NO_STORE, etag(category.version)], Answer(category)))
}
