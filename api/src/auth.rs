//! Who is asking: verification of Cognito's tokens, and the extractor that asks for an administrator.
//!
//! The gateway checks tokens too; this does not rely on it, because the gateway does not look at groups.

mod claims;
mod jwks;

use axum::{
    extract::{FromRequestParts, OptionalFromRequestParts},
    http::{HeaderMap, header, request::Parts},
};
use jsonwebtoken::{Algorithm, Validation, decode, decode_header};

use crate::{
    app::App,
    config::TokenConfig,
    error::ApiError,
    work::{Caller, RequestId},
};
use claims::Claims;
use jewel_journal::Actor;
use jwks::{KeyError, KeyStore};

/// The group whose members may change the catalogue.
const ADMINS: &str = "admins";

/// How far clocks may differ, in seconds.
const LEEWAY: u64 = 30;

/// Longer tokens are not looked at, in bytes. Cognito's are about 1 KiB, plus the groups' names.
const LONGEST_TOKEN: usize = 16 * 1024;

/// Verifies tokens of one issuer for one client.
pub(crate) struct TokenVerifier {
    keys: KeyStore,
    validation: Validation,
    client_id: String,
}

impl TokenVerifier {
    pub(crate) fn new(config: &TokenConfig) -> Self {
        let mut validation = Validation::new(Algorithm::RS256);
        validation.leeway = LEEWAY;
        validation.validate_nbf = true;
        validation.set_issuer(&[&config.issuer]);
        validation.set_required_spec_claims(&["exp", "iss", "sub"]);
        // Access tokens have `client_id` and ID tokens `aud`: which one counts is decided in `claims`.
        validation.validate_aud = false;
        Self { keys: KeyStore::new(&config.jwks_url), validation, client_id: config.client_id.clone() }
    }

    /// The claims of a valid token.
    async fn verify(&self, token: &str) -> Result<Claims, ApiError> {
        const INVALID: ApiError = ApiError::Unauthorized("the token is not valid");
        if token.len() > LONGEST_TOKEN {
            return Err(INVALID);
        }
        let header = decode_header(token).map_err(|_| INVALID)?;
        // Checked before a key is looked for, so that no forged header makes us fetch keys for nothing.
        let kid = header.kid.filter(|_| header.alg == Algorithm::RS256).ok_or(INVALID)?;
        let key = self.keys.get(&kid).await.map_err(|error| match error {
            KeyError::UnknownKey => INVALID,
            KeyError::Fetch(source) => {
                ApiError::Unavailable { dependency: "the token issuer", source: Some(source.into()) }
            }
        })?;
        let claims = decode::<Claims>(token, &key, &self.validation).map_err(|error| {
            tracing::debug!(%error, "token refused");
            match error.kind() {
                jsonwebtoken::errors::ErrorKind::ExpiredSignature => ApiError::Unauthorized("the token has expired"),
                _ => INVALID,
            }
        })?;
        if claims.claims.is_for(&self.client_id) { Ok(claims.claims) } else { Err(INVALID) }
    }
}

/// Proof that the caller is an administrator: a handler that takes it cannot run without.
#[derive(Debug)]
pub(crate) struct Admin {
    /// The caller's id in the user pool.
    pub(crate) subject: String,
    request_id: String,
}

impl Admin {
    /// Who asks for a change.
    pub(crate) fn caller(&self) -> Caller {
        Caller { actor: Actor::Admin(self.subject.clone()), request_id: self.request_id.clone() }
    }
}

/// Proof that the caller is signed in.
#[derive(Debug)]
pub(crate) struct Customer {
    /// The caller's id in the user pool.
    pub(crate) subject: String,
    /// The caller's e-mail address: verified, and said by ID tokens only.
    pub(crate) email: Option<String>,
    /// Whether the caller is an administrator as well.
    pub(crate) is_admin: bool,
    request_id: String,
}

impl Customer {
    /// Who asks for a change.
    pub(crate) fn caller(&self) -> Caller {
        Caller { actor: Actor::Customer(self.subject.clone()), request_id: self.request_id.clone() }
    }
}

impl FromRequestParts<App> for Customer {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        let token = bearer(&parts.headers)?;
        let claims = app.tokens().verify(token).await?;
        if let Some(rate) = app.rate() {
            rate.take(&claims.sub)?;
        }
        let (email, is_admin) = (claims.email().map(str::to_owned), is_admin(&claims));
        Ok(Self { subject: claims.sub, email, is_admin, request_id: request_id(parts, app).await })
    }
}

/// Signed in or not: without a token there is nobody, with one it must be a good one.
impl OptionalFromRequestParts<App> for Customer {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Option<Self>, ApiError> {
        if !parts.headers.contains_key(header::AUTHORIZATION) {
            return Ok(None);
        }
        <Self as FromRequestParts<App>>::from_request_parts(parts, app).await.map(Some)
    }
}

impl FromRequestParts<App> for Admin {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        let token = bearer(&parts.headers)?;
        let claims = app.tokens().verify(token).await?;
        if !is_admin(&claims) {
            return Err(ApiError::Forbidden);
        }
        if let Some(rate) = app.rate() {
            rate.take(&claims.sub)?;
        }
        Ok(Self { subject: claims.sub, request_id: request_id(parts, app).await })
    }
}

fn is_admin(claims: &Claims) -> bool {
    claims.groups.iter().any(|group| group == ADMINS)
}

async fn request_id(parts: &mut Parts, app: &App) -> String {
    let Ok(RequestId(id)) = RequestId::from_request_parts(parts, app).await;
    id
}

/// The token of `Authorization: Bearer <token>`.
fn bearer(headers: &HeaderMap) -> Result<&str, ApiError> {
    const MISSING: ApiError = ApiError::Unauthorized("send a token: Authorization: Bearer <token>");
    let value = headers.get(header::AUTHORIZATION).ok_or(MISSING)?.to_str().map_err(|_| MISSING)?;
    let (scheme, token) = value.split_once(' ').ok_or(MISSING)?;
    if scheme.eq_ignore_ascii_case("bearer") && !token.trim().is_empty() { Ok(token.trim()) } else { Err(MISSING) }
}
