//! What the outside asks about the process: is it alive, is it ready, which one is it. Without the origin check, so that
//! a deployment can ask on the host itself.

use std::time::Duration;

use axum::{
    Json,
    extract::State,
    http::{HeaderName, HeaderValue, header},
    response::IntoResponse,
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    app::App,
    build,
    error::{ApiError, Problem},
};

/// How long the database may take to answer before the process counts as not ready.
const DATABASE_TIMEOUT: Duration = Duration::from_secs(4);

const NO_STORE: [(HeaderName, HeaderValue); 1] = [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Health {
    /// Always `ok`: anything else is an error status.
    #[schema(example = "ok")]
    status: &'static str,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Version {
    /// The program.
    #[schema(example = "jewel-api")]
    name: &'static str,
    /// Its version.
    version: &'static str,
    /// The source revision it was built from, where known.
    revision: Option<&'static str>,
    /// The release it runs as, where known.
    release: Option<String>,
    /// The schema version it needs.
    schema_version: u32,
}

/// Whether the process answers at all.
#[utoipa::path(get, path = "/livez", tag = "operation", responses((status = OK, body = Health)))]
pub(crate) async fn livez() -> impl IntoResponse {
    (NO_STORE, Json(Health { status: "ok" }))
}

/// Whether the process can do its work: the database answers and its schema is new enough.
#[utoipa::path(get, path = "/readyz", tag = "operation", responses(
    (status = OK, body = Health),
    (status = SERVICE_UNAVAILABLE, body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn readyz(State(app): State<App>) -> Result<impl IntoResponse, ApiError> {
    ready(&app).await.map(|()| (NO_STORE, Json(Health { status: "ok" })))
}

/// Whether the process can do its work, and why not.
pub(crate) async fn ready(app: &App) -> Result<(), ApiError> {
    let applied = tokio::time::timeout(DATABASE_TIMEOUT, schema_version(app)).await;
    let applied = applied.map_err(|_| ApiError::NotReady("the database does not answer".to_owned()))??;
    let expected = jewel_migrations::expected_version();
    match applied {
        Some(applied) if applied >= expected => Ok(()),
        applied => Err(ApiError::NotReady(format!(
            "the database has schema version {}, this release needs {expected}",
            applied.unwrap_or(0)
        ))),
    }
}

/// Which program this is.
#[utoipa::path(get, path = "/version", tag = "operation", responses((status = OK, body = Version)))]
pub(crate) async fn version(State(app): State<App>) -> impl IntoResponse {
    let version = Version {
        name: env!("CARGO_PKG_NAME"),
        version: build::VERSION,
        revision: build::REVISION,
        release: app.release().map(ToOwned::to_owned),
        schema_version: jewel_migrations::expected_version(),
    };
    (NO_STORE, Json(version))
}

async fn schema_version(app: &App) -> Result<Option<u32>, ApiError> {
    let mut connection = app.pool().acquire().await?;
    jewel_migrations::applied_version(&mut connection).await.map_err(|error| match error {
        jewel_migrations::Error::History { source, .. } => ApiError::from(source),
        other => ApiError::Internal(other.into()),
    })
}
