//! Requests that may be sent again: what a key was used for first is answered again and not done again.
//!
//! The row with the key is the first that a transaction writes. A second transaction with the same key waits at that
//! row until the first one has ended, and then either finds it or takes its place.

use axum::{
    extract::{FromRequestParts, OptionalFromRequestParts},
    http::request::Parts,
};
use serde::Serialize;
use sha2::{Digest, Sha256};
use sqlx::mysql::MySqlDatabaseError;
use uuid::Uuid;

use crate::{
    app::App,
    error::{ApiError, FieldError},
    work::Work,
};

const HEADER: &str = "idempotency-key";

/// Longer keys are refused, in bytes.
const LONGEST: usize = 255;

/// The header `Idempotency-Key` of a request that must have one.
#[derive(Debug, Clone)]
pub(crate) struct IdempotencyKey(String);

impl IdempotencyKey {
    /// The key itself.
    pub(crate) fn text(&self) -> &str {
        &self.0
    }
}

impl FromRequestParts<App> for IdempotencyKey {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, ApiError> {
        let key = parts.headers.get(HEADER).and_then(|key| key.to_str().ok()).map(str::trim).unwrap_or_default();
        let is_good = (1..=LONGEST).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic());
        if is_good {
            return Ok(Self(key.to_owned()));
        }
        let wrong = FieldError::new(
            "Idempotency-Key",
            "send a header with 1 to 255 printable characters, a new one for each intent",
        );
        Err(ApiError::InvalidRequest { detail: None, errors: vec![wrong] })
    }
}

/// Where a key is welcome and not required.
impl OptionalFromRequestParts<App> for IdempotencyKey {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Option<Self>, ApiError> {
        if !parts.headers.contains_key(HEADER) {
            return Ok(None);
        }
        <Self as FromRequestParts<App>>::from_request_parts(parts, app).await.map(Some)
    }
}

/// One intent: who wants what with which key.
#[derive(Debug, Clone)]
pub(crate) struct Intent {
    id: Uuid,
    route: &'static str,
    request_hash: String,
}

/// What became of an intent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Claim {
    /// It is ours to carry out.
    New,
    /// It was carried out, and made this.
    Done(Uuid),
}

impl Intent {
    /// `scope` is who asks: keys of different people have nothing to do with each other.
    pub(crate) fn new(
        key: &IdempotencyKey,
        route: &'static str,
        scope: &str,
        request: &impl Serialize,
    ) -> Result<Self, ApiError> {
        let digest = Sha256::new()
            .chain_update(route)
            .chain_update([0])
            .chain_update(scope)
            .chain_update([0])
            .chain_update(&key.0)
            .finalize();
        let mut id = [0; 16];
        id.copy_from_slice(&digest[..16]);
        let request = serde_json::to_vec(request).map_err(|error| ApiError::Internal(error.into()))?;
        Ok(Self { id: Uuid::from_bytes(id), route, request_hash: hex::encode(Sha256::digest(request)) })
    }

    /// Takes the intent, with what it is going to make. Has to be the first that a transaction does.
    ///
    /// # Errors
    /// [`ApiError::IdempotencyMismatch`] when the key was used for another request.
    pub(crate) async fn claim(&self, work: &mut Work, subject: Uuid) -> Result<Claim, ApiError> {
        let (event, now) = (work.event_id(), work.now());
        let inserted = sqlx::query(
            "INSERT INTO idempotency_keys (id, route, request_hash, subject_id, event_id, created_at)
             VALUES (?, ?, ?, ?, ?, ?)",
        )
        .bind(self.id)
        .bind(self.route)
        .bind(&self.request_hash)
        .bind(subject)
        .bind(event)
        .bind(now)
        .execute(work.connection())
        .await;
        match inserted {
            Ok(_) => {
                work.touch("idempotency_keys", self.id);
                Ok(Claim::New)
            }
            Err(error) if is_duplicate(&error) => self.done(work).await,
            Err(error) => Err(error.into()),
        }
    }

    async fn done(&self, work: &mut Work) -> Result<Claim, ApiError> {
        let first: Option<(String, Uuid, Uuid)> =
            sqlx::query_as("SELECT request_hash, subject_id, event_id FROM idempotency_keys WHERE id = ?")
                .bind(self.id)
                .fetch_optional(work.connection())
                .await?;
        // Gone again: the other one was rolled back between the two statements.
        let (request_hash, subject, event) = first.ok_or(ApiError::Contended)?;
        if request_hash != self.request_hash {
            return Err(ApiError::IdempotencyMismatch);
        }
        work.repeats(event);
        Ok(Claim::Done(subject))
    }
}

/// Whether a statement failed because there is such a row already.
pub(crate) fn is_duplicate(error: &sqlx::Error) -> bool {
    const DUPLICATE_ENTRY: u16 = 1062;
    let refused = error.as_database_error().and_then(|error| error.try_downcast_ref::<MySqlDatabaseError>());
    refused.is_some_and(|refused| refused.number() == DUPLICATE_ENTRY)
}
