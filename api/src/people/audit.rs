//! What administrators changed, the latest first, for administrators to see.

use axum::{
    Json as Answer,
    extract::State,
    http::{HeaderValue, header},
    response::IntoResponse,
};
use serde::{Deserialize, Serialize};
use sqlx::{FromRow, MySql, MySqlPool, QueryBuilder};
use time::{OffsetDateTime, PrimitiveDateTime};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::{
    app::App,
    auth::Admin,
    error::{ApiError, FieldError, Problem},
    http::extract::Query,
};

/// Pages are this long unless asked otherwise, and at most [`LARGEST_LIMIT`].
const DEFAULT_LIMIT: u32 = 50;
const LARGEST_LIMIT: u32 = 200;
/// Longer filter values match nothing we could have stored.
const LONGEST_FILTER: usize = 128;

/// Which changes. All text, so that everything wrong can be said at once; empty means absent.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub(crate) struct AuditParams {
    /// Only those of the administrator with this id in the user pool.
    #[param(value_type = Option<String>, max_length = 128)]
    actor: Option<String>,
    /// Only those of this kind.
    #[param(value_type = Option<String>, max_length = 128, example = "product.created")]
    kind: Option<String>,
    /// How many at most; 50 when absent.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 200)]
    limit: Option<String>,
    /// The `next_cursor` of the page before.
    #[param(value_type = Option<String>)]
    cursor: Option<String>,
}

/// A change that an administrator made.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AuditEntry {
    /// The id of the event in the journal, which has the changed rows in full.
    id: Uuid,
    /// The administrator's id in the user pool.
    actor: String,
    #[schema(example = "product.created")]
    kind: String,
    /// The id of the request.
    request: String,
    /// The ids of the rows that changed, by table.
    #[schema(value_type = std::collections::BTreeMap<String, Vec<Uuid>>)]
    changed: serde_json::Value,
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String, format = DateTime)]
    created_at: OffsetDateTime,
}

/// A page of changes.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AuditPage {
    /// The latest first.
    items: Vec<AuditEntry>,
    /// Where the next page starts; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// A checked request for a page.
struct Listing {
    actor: Option<String>,
    kind: Option<String>,
    limit: u32,
    after: Option<Uuid>,
}

impl AuditParams {
    fn check(self) -> Result<Listing, ApiError> {
        let mut errors = Vec::new();
        let mut present = |name: &str, value: Option<String>| {
            let value = value.filter(|value| !value.is_empty());
            if value.as_ref().is_some_and(|value| value.len() > LONGEST_FILTER) {
                errors.push(FieldError::new(name, "is too long"));
            }
            value
        };
        let (actor, kind) = (present("actor", self.actor), present("kind", self.kind));
        let (limit, cursor) = (present("limit", self.limit), present("cursor", self.cursor));
        let limit = limit.map_or(Some(DEFAULT_LIMIT), |limit| limit.parse().ok());
        let limit = limit.filter(|limit| (1..=LARGEST_LIMIT).contains(limit)).unwrap_or_else(|| {
            errors.push(FieldError::new("limit", "must be 1 to 200"));
            DEFAULT_LIMIT
        });
        let after = cursor.and_then(|cursor| {
            let id = Uuid::try_parse(&cursor).ok();
            if id.is_none() {
                errors.push(FieldError::new("cursor", "is not one of ours"));
            }
            id
        });
        if errors.is_empty() {
            Ok(Listing { actor, kind, limit, after })
        } else {
            Err(ApiError::InvalidRequest { detail: None, errors })
        }
    }
}

/// What administrators changed, the latest first.
#[utoipa::path(get, path = "/audit", tag = "admin", security(("token" = [])), params(AuditParams), responses(
    (status = OK, body = AuditPage),
    (status = BAD_REQUEST, body = Problem, content_type = "application/problem+json"),
    (status = UNAUTHORIZED, body = Problem, content_type = "application/problem+json"),
    (status = FORBIDDEN, body = Problem, content_type = "application/problem+json"),
    (status = SERVICE_UNAVAILABLE, body = Problem, content_type = "application/problem+json"),
))]
pub(crate) async fn list_audit(
    _: Admin,
    State(app): State<App>,
    Query(params): Query<AuditParams>,
) -> Result<impl IntoResponse, ApiError> {
    let listing = params.check()?;
    let mut rows = page(app.pool(), &listing).await?;
    let limit = usize::try_from(listing.limit).unwrap_or(usize::MAX);
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next_cursor = rows.last().filter(|_| more).map(|last| last.id.simple().to_string());
    let items = rows.into_iter().map(Row::entry).collect::<Result<_, _>>()?;
    let no_store = (header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(([no_store], Answer(AuditPage { items, next_cursor })))
}

#[derive(FromRow)]
struct Row {
    id: Uuid,
    actor: String,
    kind: String,
    request: String,
    detail: String,
    created_at: PrimitiveDateTime,
}

impl Row {
    fn entry(self) -> Result<AuditEntry, ApiError> {
        Ok(AuditEntry {
            id: self.id,
            actor: self.actor,
            kind: self.kind,
            request: self.request,
            changed: serde_json::from_str(&self.detail).map_err(|error| ApiError::Internal(error.into()))?,
            created_at: self.created_at.assume_utc(),
        })
    }
}

/// Ids grow with time, so their order is that of the changes. One more row than asked for tells whether there are more.
async fn page(pool: &MySqlPool, listing: &Listing) -> Result<Vec<Row>, sqlx::Error> {
    let mut query =
        QueryBuilder::<MySql>::new("SELECT id, actor, kind, request, detail, created_at FROM audit WHERE id < ");
    query.push_bind(listing.after.unwrap_or(Uuid::max()));
    if let Some(actor) = &listing.actor {
        query.push(" AND actor = ").push_bind(actor);
    }
    if let Some(kind) = &listing.kind {
        query.push(" AND kind = ").push_bind(kind);
    }
    query.push(" ORDER BY id DESC LIMIT ").push_bind(listing.limit + 1);
    query.build_query_as().fetch_all(pool).await
}
