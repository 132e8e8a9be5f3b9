//! What goes wrong, and how the caller hears of it: RFC 9457 problem documents with stable types.
//!
//! Internal text never leaves: it goes to the log, next to the request's id.

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::ToSchema;

/// The media type of problem documents.
pub(crate) const PROBLEM_JSON: &str = "application/problem+json";

/// A problem document (RFC 9457).
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Problem {
    /// What kind of problem it is: a stable relative reference, for programs.
    #[serde(rename = "type")]
    #[schema(example = "/problems/not-found")]
    pub(crate) kind: &'static str,
    /// The kind in words.
    pub(crate) title: &'static str,
    /// The HTTP status.
    pub(crate) status: u16,
    /// What is wrong with this request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) detail: Option<String>,
    /// What is wrong, field by field.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) errors: Vec<FieldError>,
    /// What there is not enough of, when that is the problem.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) shortages: Vec<Shortage>,
    /// What it costs now, in minor units, when the price is the problem.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) total_minor: Option<i64>,
}

/// More was asked for than there is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema, sqlx::FromRow)]
pub(crate) struct Shortage {
    /// Of which variant.
    pub(crate) variant_id: uuid::Uuid,
    /// Its stock keeping unit.
    pub(crate) sku: String,
    /// How many were asked for.
    pub(crate) requested: i32,
    /// How many can be had.
    pub(crate) available: i32,
}

/// What is wrong with one field or parameter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct FieldError {
    /// Which one, for example `variants[0].sku`.
    pub(crate) field: String,
    /// What is wrong with it.
    pub(crate) message: String,
}

impl FieldError {
    pub(crate) fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { field: field.into(), message: message.into() }
    }
}

/// Everything a handler can fail with.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ApiError {
    #[error("not found")]
    NotFound,
    #[error("method not allowed")]
    MethodNotAllowed,
    #[error("invalid request")]
    InvalidRequest { detail: Option<String>, errors: Vec<FieldError> },
    #[error("validation failed")]
    Validation { detail: Option<String>, errors: Vec<FieldError> },
    #[error("conflict")]
    Conflict { errors: Vec<FieldError> },
    /// The thing is not, or no longer, in a state that allows it.
    #[error("not possible now: {0}")]
    WrongState(String),
    #[error("out of stock")]
    OutOfStock { shortages: Vec<Shortage> },
    #[error("the price has changed")]
    PriceChanged { total_minor: i64 },
    #[error("the idempotency key was used for another request")]
    IdempotencyMismatch,
    /// A change has to say which version it is made to.
    #[error("no If-Match")]
    PreconditionRequired,
    /// Somebody else changed it meanwhile.
    #[error("another version")]
    PreconditionFailed,
    #[error("payload too large")]
    PayloadTooLarge,
    #[error("unsupported media type")]
    UnsupportedMediaType,
    #[error("unauthorized: {0}")]
    Unauthorized(&'static str),
    #[error("forbidden")]
    Forbidden,
    #[error("not from our origin")]
    WrongOrigin,
    #[error("timed out")]
    Timeout,
    /// Of one client.
    #[error("too many requests")]
    TooManyRequests { wait: std::time::Duration },
    #[error("too many requests at once")]
    Overloaded,
    /// Transactions met and one has to give way: worth another try.
    #[error("others are changing the same")]
    Contended,
    #[error("{dependency} is unavailable")]
    Unavailable {
        dependency: &'static str,
        #[source]
        source: Option<Box<dyn std::error::Error + Send + Sync>>,
    },
    /// The journal cannot be written, and nothing was changed.
    #[error("the journal is unavailable")]
    JournalUnavailable,
    /// The change is committed, and it is not known whether it is in the journal.
    #[error("not acknowledged in time")]
    Pending,
    #[error("not ready: {0}")]
    NotReady(String),
    #[error("internal error")]
    Internal(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl From<sqlx::Error> for ApiError {
    fn from(error: sqlx::Error) -> Self {
        match error {
            sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed => {
                Self::Unavailable { dependency: "the database", source: Some(error.into()) }
            }
            sqlx::Error::Database(ref refused) if is_refused_connection(refused.as_ref()) => {
                Self::Unavailable { dependency: "the database", source: Some(error.into()) }
            }
            sqlx::Error::Database(ref refused)
                if number(refused.as_ref()).is_some_and(|it| [1205, 1213].contains(&it)) =>
            {
                Self::Contended
            }
            other => Self::Internal(other.into()),
        }
    }
}

/// The server's number of an error. 1205 is a lock not got in time, 1213 a deadlock.
fn number(error: &dyn sqlx::error::DatabaseError) -> Option<u16> {
    error.try_downcast_ref::<sqlx::mysql::MySqlDatabaseError>().map(sqlx::mysql::MySqlDatabaseError::number)
}

/// Errors of the server that are about the connection and not about the query: access denied (1045, 1044), unknown
/// database (1049), too many connections (1040, 1203), shutdown in progress (1053), interrupted (1317), killed
/// connection (1927, 3169).
fn is_refused_connection(error: &dyn sqlx::error::DatabaseError) -> bool {
    number(error).is_some_and(|number| matches!(number, 1040 | 1044 | 1045 | 1049 | 1053 | 1203 | 1317 | 1927 | 3169))
}

impl ApiError {
    /// The error that a bare status stands for: what the framework answers by itself.
    pub(crate) fn from_status(status: StatusCode) -> Self {
        match status {
            StatusCode::NOT_FOUND => Self::NotFound,
            StatusCode::METHOD_NOT_ALLOWED => Self::MethodNotAllowed,
            StatusCode::PAYLOAD_TOO_LARGE => Self::PayloadTooLarge,
            StatusCode::UNSUPPORTED_MEDIA_TYPE => Self::UnsupportedMediaType,
            StatusCode::UNPROCESSABLE_ENTITY => Self::Validation { detail: None, errors: Vec::new() },
            status if status.is_client_error() => Self::InvalidRequest { detail: None, errors: Vec::new() },
            status => Self::Internal(format!("the framework answered {status}").into()),
        }
    }

    fn problem(self) -> Problem {
        let (status, kind, title) = match &self {
            Self::NotFound => (404, "/problems/not-found", "Not found"),
            Self::MethodNotAllowed => (405, "/problems/method-not-allowed", "Method not allowed"),
            Self::InvalidRequest { .. } => (400, "/problems/invalid-request", "Invalid request"),
            Self::Validation { .. } => (422, "/problems/validation", "Validation failed"),
            Self::Conflict { .. } => (409, "/problems/conflict", "Already exists"),
            Self::WrongState(_) => (409, "/problems/wrong-state", "Not possible now"),
            Self::OutOfStock { .. } => (409, "/problems/out-of-stock", "Not enough in stock"),
            Self::PriceChanged { .. } => (409, "/problems/price-changed", "The price has changed"),
            Self::IdempotencyMismatch => {
                (422, "/problems/idempotency-mismatch", "This Idempotency-Key was used for another request")
            }
            Self::PreconditionRequired => (428, "/problems/precondition-required", "Say which version you have"),
            Self::PreconditionFailed => (412, "/problems/precondition-failed", "Somebody else changed it"),
            Self::PayloadTooLarge => (413, "/problems/payload-too-large", "Payload too large"),
            Self::UnsupportedMediaType => (415, "/problems/unsupported-media-type", "Unsupported media type"),
            Self::Unauthorized(_) => (401, "/problems/unauthorized", "Sign in first"),
            Self::Forbidden => (403, "/problems/forbidden", "Not allowed"),
            Self::WrongOrigin => (403, "/problems/wrong-origin", "Not reachable this way"),
            Self::Timeout => (503, "/problems/timeout", "Took too long"),
            Self::TooManyRequests { .. } => (429, "/problems/too-many-requests", "Too many requests"),
            Self::Overloaded => (503, "/problems/overloaded", "Too many requests at once"),
            Self::Contended => (503, "/problems/contended", "Others are changing the same"),
            Self::Unavailable { .. } => (503, "/problems/unavailable", "Temporarily unavailable"),
            Self::JournalUnavailable => {
                (503, "/problems/journal-unavailable", "Changes are not accepted at the moment")
            }
            Self::Pending => (503, "/problems/pending", "May have been done"),
            Self::NotReady(_) => (503, "/problems/not-ready", "Not ready"),
            Self::Internal(_) => (500, "/problems/internal", "Internal error"),
        };
        let mut shortages = Vec::new();
        let mut total = None;
        let (detail, errors) = match self {
            Self::InvalidRequest { detail, errors } | Self::Validation { detail, errors } => (detail, errors),
            Self::Conflict { errors } => (None, errors),
            Self::WrongState(why) => (Some(why), Vec::new()),
            Self::OutOfStock { shortages: all } => {
                shortages = all;
                (None, Vec::new())
            }
            Self::PriceChanged { total_minor } => {
                total = Some(total_minor);
                (None, Vec::new())
            }
            Self::PreconditionRequired => (Some("send If-Match with the ETag that you read".to_owned()), Vec::new()),
            Self::PreconditionFailed => (Some("read it again".to_owned()), Vec::new()),
            Self::Unauthorized(why) => (Some(why.to_owned()), Vec::new()),
            Self::NotReady(why) => (Some(why), Vec::new()),
            Self::JournalUnavailable => (Some("nothing was changed".to_owned()), Vec::new()),
            Self::Pending => {
                let words = "it may have been done: send the same request again, with the same Idempotency-Key";
                (Some(words.to_owned()), Vec::new())
            }
            Self::UnsupportedMediaType => (Some("send application/json".to_owned()), Vec::new()),
            _ => (None, Vec::new()),
        };
        Problem { kind, title, status, detail, errors, shortages, total_minor: total }
    }

    fn log(&self) {
        match self {
            Self::Internal(source) => tracing::error!(error = %chain(source.as_ref()), "request failed"),
            Self::Unavailable { dependency, source } => {
                let error = source.as_ref().map(|source| chain(source.as_ref())).unwrap_or_default();
                tracing::warn!(dependency, error, "dependency unavailable");
            }
            _ => {}
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        self.log();
        let wait = match &self {
            // At least one: what is less is not worth asking again for.
            Self::TooManyRequests { wait } => Some(HeaderValue::from(wait.as_secs() + 1)),
            _ => None,
        };
        let challenge = matches!(self, Self::Unauthorized(_));
        let problem = self.problem();
        let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::to_vec(&problem).unwrap_or_default();
        let mut response = (status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
        }
        if let Some(wait) = wait {
            headers.insert(header::RETRY_AFTER, wait);
        }
        if challenge {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

/// An error and its causes in one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        let words = source.to_string();
        if !text.ends_with(&words) {
            text.push_str(": ");
            text.push_str(&words);
        }
        next = source.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn internal_text_stays_inside() {
        let problem = ApiError::from(sqlx::Error::Protocol("password hunter2".into())).problem();
        let text = serde_json::to_string(&problem).unwrap();
        insta::assert_snapshot!(text, @r#"{"type":"/problems/internal","title":"Internal error","status":500}"#);
    }

    #[test]
    fn a_lost_database_is_a_503_that_says_when_to_come_back() {
        let response = ApiError::from(sqlx::Error::PoolTimedOut).into_response();
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(response.headers()[header::RETRY_AFTER], "5");
        assert_eq!(response.headers()[header::CONTENT_TYPE], PROBLEM_JSON);
    }
}
