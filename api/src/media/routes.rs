//! The administrators' routes by which pictures come.

use axum::{Json as Answer, extract::State, http::StatusCode, response::IntoResponse};
use futures::FutureExt;
use uuid::Uuid;

use super::{
    confirm,
    model::{NewUpload, Upload, UploadState, UploadTarget, Uploads},
    objects,
    store::{self, UploadRow},
};
use crate::{
    app::App,
    auth::Admin,
    error::{ApiError, FieldError},
    http::{
        cache::NO_STORE,
        extract::{Json, Path},
        problems::{AdminProblems, BodyProblems, ConflictProblem, MissingProblem},
    },
    work::transact,
};

/// Ask where to send a picture, or all the frames of a turn. Send each file there, then confirm it.
#[utoipa::path(post, path = "/media/uploads", tag = "admin", security(("token" = [])), request_body = NewUpload,
    responses((status = CREATED, body = Uploads), AdminProblems, BodyProblems, MissingProblem))]
pub(crate) async fn create_upload(
    admin: Admin,
    State(app): State<App>,
    Json(new): Json<NewUpload>,
) -> Result<impl IntoResponse, ApiError> {
    new.check()?;
    let storage = objects::storage(&app)?;
    let about = (admin.subject.clone(), new);
    let rows =
        transact(&app, "media.requested", &admin.caller(), &about, |work, about| store::create(work, about).boxed())
            .await?;
    let mut uploads = Vec::with_capacity(rows.len());
    for row in &rows {
        let (url, headers) = objects::presign(storage, row).await?;
        let expires_at = row.expires_at.assume_utc();
        uploads.push(UploadTarget { id: row.id, method: "PUT", url, headers, expires_at });
    }
    let frame_set = rows.first().and_then(|row| row.frame_set_id);
    Ok((StatusCode::CREATED, [NO_STORE], Answer(Uploads { frame_set, uploads })))
}

/// What became of a file. Only who asked for it sees it.
#[utoipa::path(get, path = "/media/uploads/{id}", tag = "admin", security(("token" = [])), params(("id" = Uuid, Path)),
    responses((status = OK, body = Upload), AdminProblems, MissingProblem))]
pub(crate) async fn get_upload(
    admin: Admin,
    State(app): State<App>,
    Path(id): Path<Uuid>,
) -> Result<impl IntoResponse, ApiError> {
    let row = store::upload(app.pool(), id, &admin.subject).await?;
    Ok(([NO_STORE], Answer(shown(&app, row).await?)))
}

/// Say that a file was sent: it is checked and becomes a picture of its product. Said again, the answer is the same.
#[utoipa::path(post, path = "/media/uploads/{id}/confirm", tag = "admin", security(("token" = [])),
    params(("id" = Uuid, Path)), responses(
        (status = OK, body = Upload),
        (status = UNPROCESSABLE_ENTITY, body = crate::error::Problem, content_type = "application/problem+json",
            description = "The file is no picture that can be shown"),
        AdminProblems, MissingProblem, ConflictProblem,
    ))]
pub(crate) async fn confirm_upload(
    admin: Admin,
    State(app): State<App>,
    Path(id): Path<Uuid>,
) -> Result<impl IntoResponse, ApiError> {
    let row = store::upload(app.pool(), id, &admin.subject).await?;
    confirm::confirm(&app, &admin.caller(), row).await?;
    let upload = shown(&app, store::upload(app.pool(), id, &admin.subject).await?).await?;
    match upload.problem {
        Some(problem) => Err(ApiError::Validation { detail: None, errors: vec![FieldError::new("file", problem)] }),
        None => Ok(([NO_STORE], Answer(upload))),
    }
}

async fn shown(app: &App, row: UploadRow) -> Result<Upload, ApiError> {
    let image = store::image(app.pool(), &row).await?;
    let state = match row.state.as_str() {
        "confirmed" => UploadState::Confirmed,
        "rejected" => UploadState::Rejected,
        _ if confirm::is_late(&row) => UploadState::Expired,
        _ => UploadState::Pending,
    };
    Ok(Upload {
        id: row.id,
        state,
        product: row.product_id,
        frame_set: row.frame_set_id,
        problem: row.problem,
        image: image.map(|row| app.showing().image(&row)),
    })
}
