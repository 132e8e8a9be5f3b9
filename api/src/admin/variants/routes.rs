//! The administrators' routes to variants. They answer with the whole product, whose price may have changed with them.

use axum::{extract::State, http::StatusCode, response::IntoResponse};
use futures::FutureExt;
use uuid::Uuid;

use super::{
    model::{NewVariant, VariantChange},
    store,
};
use crate::{
    admin::{
        products::{
            model::AdminProduct,
            routes::{answer, location},
        },
        rules::Problems,
    },
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

/// Add a variant to a product, after the others, with its stock.
#[utoipa::path(post, path = "/products/{id}/variants", tag = "admin", security(("token" = [])),
    request_body = NewVariant, params(("id" = Uuid, Path)), responses(
        (status = CREATED, body = AdminProduct, headers(
            ("Location" = String, description = "The product's address for administrators"),
            ("ETag" = String, description = "The product's version"),
        )),
        AdminProblems, BodyProblems, MissingProblem, ConflictProblem,
    ))]
pub(crate) async fn add_variant(
    admin: Admin,
    State(app): State<App>,
    Path(product): Path<Uuid>,
    Json(variant): Json<NewVariant>,
) -> Result<impl IntoResponse, ApiError> {
    let mut problems = Problems::default();
    variant.check("", &mut problems);
    problems.refuse()?;
    let about = (product, variant);
    transact(&app, "variant.added", &admin.caller(), &about, |work, about| store::add(work, about).boxed()).await?;
    Ok((StatusCode::CREATED, [location("products", product)?], answer(&app, product).await?))
}

/// Change a variant: what it is, what it costs, where it stands, and whether it can be bought.
#[utoipa::path(put, path = "/variants/{id}", tag = "admin", security(("token" = [])), request_body = VariantChange,
    params(("id" = Uuid, Path), ("If-Match" = String, Header, description = "The variant's version, in quotes")),
    responses(
        (status = OK, body = AdminProduct, headers(("ETag" = String, description = "The product's version"))),
        AdminProblems, BodyProblems, MissingProblem, ConflictProblem, VersionProblems,
    ))]
pub(crate) async fn replace_variant(
    admin: Admin,
    State(app): State<App>,
    Path(id): Path<Uuid>,
    known: IfMatch,
    Json(change): Json<VariantChange>,
) -> Result<impl IntoResponse, ApiError> {
    change.check()?;
    let about = (id, known, change);
    let product =
        transact(&app, "variant.changed", &admin.caller(), &about, |work, about| store::replace(work, about).boxed())
            .await?;
    answer(&app, product).await
}
