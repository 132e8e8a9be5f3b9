//! The routes of people who signed in: their own things and nobody else's.

use axum::{
    Json as Answer,
    extract::State,
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::IntoResponse,
};
use futures::FutureExt;
use uuid::Uuid;

use super::{
    model::{AddressDetails, Addresses, Erasure, Profile, ProfileDetails, SavedAddress},
    store,
};
use crate::{
    app::App,
    auth::Customer,
    error::{ApiError, FieldError, Problem},
    http::extract::{Json, Path},
    work::transact,
};

const NO_STORE: (HeaderName, HeaderValue) = (header::CACHE_CONTROL, HeaderValue::from_static("no-store"));

/// What erasing does not reach.
const KEPT: &str = "Your profile and your addresses were erased. Orders keep the name, the address and the e-mail address \
                    they were placed with, for as long as tax law wants invoices kept. Copies of what was erased leave \
                    the shop's backups when those expire. Your sign-in is not a part of this: delete it where you sign in.";

/// Who is signed in.
#[utoipa::path(get, path = "/me", tag = "people", security(("token" = [])), responses(
    (status = OK, body = Profile),
    (status = UNAUTHORIZED, body = Problem, content_type = "application/problem+json"),
    (status = FORBIDDEN, body = Problem, content_type = "application/problem+json"),
    (status = SERVICE_UNAVAILABLE, body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn get_profile(customer: Customer, State(app): State<App>) -> Result<impl IntoResponse, ApiError> {
    let details = store::profile(app.pool(), &customer.subject).await?.unwrap_or_default();
    Ok(([NO_STORE], Answer(profile(customer, details))))
}

/// Say who you are. What is not sent is forgotten.
#[utoipa::path(put, path = "/me", tag = "people", security(("token" = [])), request_body = ProfileDetails, responses(
    (status = OK, body = Profile),
    (status = BAD_REQUEST, body = Problem, content_type = "application/problem+json"),
    (status = UNAUTHORIZED, body = Problem, content_type = "application/problem+json"),
    (status = FORBIDDEN, body = Problem, content_type = "application/problem+json"),
    (status = PAYLOAD_TOO_LARGE, body = Problem, content_type = "application/problem+json"),
    (status = UNSUPPORTED_MEDIA_TYPE, body = Problem, content_type = "application/problem+json"),
    (status = UNPROCESSABLE_ENTITY, body = Problem, content_type = "application/problem+json"),
    (status = SERVICE_UNAVAILABLE, body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn put_profile(
    customer: Customer,
    State(app): State<App>,
    Json(details): Json<ProfileDetails>,
) -> Result<impl IntoResponse, ApiError> {
    refuse(details.problems())?;
    let about = (customer.subject.clone(), details);
    let caller = customer.caller();
    transact(&app, "profile.changed", &caller, &about, |work, about| store::put_profile(work, about).boxed()).await?;
    Ok(([NO_STORE], Answer(profile(customer, about.1))))
}

/// Have your profile and your addresses erased.
///
/// Orders stay as they are, because tax law wants them kept; the answer says so.
#[utoipa::path(delete, path = "/me", tag = "people", security(("token" = [])), responses(
    (status = OK, body = Erasure),
    (status = UNAUTHORIZED, body = Problem, content_type = "application/problem+json"),
    (status = FORBIDDEN, body = Problem, content_type = "application/problem+json"),
    (status = SERVICE_UNAVAILABLE, body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn erase_me(customer: Customer, State(app): State<App>) -> Result<impl IntoResponse, ApiError> {
    let caller = customer.caller();
    let (addresses, kept_orders) = transact(&app, "profile.erased", &caller, &customer.subject, |work, subject| {
        store::erase(work, subject).boxed()
    })
    .await?;
    Ok(([NO_STORE], Answer(Erasure { addresses, kept_orders, note: KEPT })))
}

/// Your addresses.
#[utoipa::path(get, path = "/me/addresses", tag = "people", security(("token" = [])), responses(
    (status = OK, body = Addresses),
    (status = UNAUTHORIZED, body = Problem, content_type = "application/problem+json"),
    (status = FORBIDDEN, body = Problem, content_type = "application/problem+json"),
    (status = SERVICE_UNAVAILABLE, body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn list_addresses(customer: Customer, State(app): State<App>) -> Result<impl IntoResponse, ApiError> {
    let items = store::addresses(app.pool(), &customer.subject).await?;
    Ok(([NO_STORE], Answer(Addresses { items })))
}

/// Add an address. There can be twenty.
#[utoipa::path(post, path = "/me/addresses", tag = "people", security(("token" = [])), request_body = AddressDetails,
    responses(
    (status = CREATED, body = SavedAddress),
    (status = BAD_REQUEST, body = Problem, content_type = "application/problem+json"),
    (status = UNAUTHORIZED, body = Problem, content_type = "application/problem+json"),
    (status = FORBIDDEN, body = Problem, content_type = "application/problem+json"),
    (status = CONFLICT, body = Problem, content_type = "application/problem+json"),
    (status = PAYLOAD_TOO_LARGE, body = Problem, content_type = "application/problem+json"),
    (status = UNSUPPORTED_MEDIA_TYPE, body = Problem, content_type = "application/problem+json"),
    (status = UNPROCESSABLE_ENTITY, body = Problem, content_type = "application/problem+json"),
    (status = SERVICE_UNAVAILABLE, body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn add_address(
    customer: Customer,
    State(app): State<App>,
    Json(details): Json<AddressDetails>,
) -> Result<impl IntoResponse, ApiError> {
    refuse(details.problems())?;
    let about = (customer.subject.clone(), details);
    let caller = customer.caller();
    let id =
        transact(&app, "address.added", &caller, &about, |work, about| store::add_address(work, about).boxed()).await?;
    Ok((StatusCode::CREATED, [NO_STORE], Answer(SavedAddress { id, details: about.1 })))
}

/// Replace an address.
#[utoipa::path(put, path = "/me/addresses/{id}", tag = "people", security(("token" = [])), params(("id" = Uuid, Path)),
    request_body = AddressDetails, responses(
    (status = OK, body = SavedAddress),
    (status = BAD_REQUEST, body = Problem, content_type = "application/problem+json"),
    (status = UNAUTHORIZED, body = Problem, content_type = "application/problem+json"),
    (status = FORBIDDEN, body = Problem, content_type = "application/problem+json"),
    (status = NOT_FOUND, body = Problem, content_type = "application/problem+json"),
    (status = PAYLOAD_TOO_LARGE, body = Problem, content_type = "application/problem+json"),
    (status = UNSUPPORTED_MEDIA_TYPE, body = Problem, content_type = "application/problem+json"),
    (status = UNPROCESSABLE_ENTITY, body = Problem, content_type = "application/problem+json"),
    (status = SERVICE_UNAVAILABLE, body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn change_address(
    customer: Customer,
    State(app): State<App>,
    Path(id): Path<Uuid>,
    Json(details): Json<AddressDetails>,
) -> Result<impl IntoResponse, ApiError> {
    refuse(details.problems())?;
    let about = (customer.subject.clone(), id, details);
    let caller = customer.caller();
    transact(&app, "address.changed", &caller, &about, |work, about| store::change_address(work, about).boxed())
        .await?;
    Ok(([NO_STORE], Answer(SavedAddress { id, details: about.2 })))
}

/// Remove an address.
#[utoipa::path(delete, path = "/me/addresses/{id}", tag = "people", security(("token" = [])),
    params(("id" = Uuid, Path)), responses(
    (status = NO_CONTENT),
    (status = UNAUTHORIZED, body = Problem, content_type = "application/problem+json"),
    (status = FORBIDDEN, body = Problem, content_type = "application/problem+json"),
    (status = NOT_FOUND, body = Problem, content_type = "application/problem+json"),
    (status = SERVICE_UNAVAILABLE, body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn remove_address(
    customer: Customer,
    State(app): State<App>,
    Path(id): Path<Uuid>,
) -> Result<impl IntoResponse, ApiError> {
    let caller = customer.caller();
    let about = (customer.subject, id);
    transact(&app, "address.removed", &caller, &about, |work, about| store::remove_address(work, about).boxed())
        .await?;
    Ok((StatusCode::NO_CONTENT, [NO_STORE]))
}

fn profile(customer: Customer, details: ProfileDetails) -> Profile {
    Profile { subject: customer.subject, email: customer.email, admin: customer.is_admin, details }
}

fn refuse(problems: Vec<FieldError>) -> Result<(), ApiError> {
    if problems.is_empty() { Ok(()) } else { Err(ApiError::Validation { detail: None, errors: problems }) }
}
