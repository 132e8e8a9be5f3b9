//! Only requests that came through our distribution are answered: it adds a secret header, and this checks it.

use axum::{
    extract::{Request, State},
    http::HeaderName,
    middleware::Next,
    response::Response,
};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};

use crate::{app::App, error::ApiError};

/// The header the distribution adds. A visitor who sends it has it replaced there.
pub(super) const HEADER: HeaderName = HeaderName::from_static("x-origin-verify");

/// The accepted values, as hashes: comparing those takes the same time whatever was sent.
pub(crate) struct AcceptedOrigins(Option<Vec<[u8; 32]>>);

impl AcceptedOrigins {
    /// Requests with one of these values.
    pub(crate) fn only(secrets: &[SecretString]) -> Self {
        Self(Some(secrets.iter().map(|secret| Sha256::digest(secret.expose_secret()).into()).collect()))
    }

    /// Every request.
    pub(crate) fn any() -> Self {
        Self(None)
    }

    /// Whether there is a check at all: without one, nothing that a request says about its way is to be believed.
    pub(crate) fn are_checked(&self) -> bool {
        self.0.is_some()
    }

    fn accept(&self, value: &[u8]) -> bool {
        let Some(accepted) = &self.0 else { return true };
        let given: [u8; 32] = Sha256::digest(value).into();
        // No early exit: neither the first differing byte nor the matching secret's place shows in the time taken.
        accepted.iter().fold(false, |found, secret| found | equal(secret, &given))
    }
}

fn equal(one: &[u8; 32], other: &[u8; 32]) -> bool {
    std::hint::black_box(one.iter().zip(other).fold(0, |difference, (a, b)| difference | (a ^ b))) == 0
}

/// Refuses requests that did not come through the distribution.
pub(crate) async fn check(State(app): State<App>, request: Request, next: Next) -> Result<Response, ApiError> {
    let value = request.headers().get(HEADER).map_or(&b""[..], |value| value.as_bytes());
    if app.origins().accept(value) { Ok(next.run(request).await) } else { Err(ApiError::WrongOrigin) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_values_of_a_rotation_are_accepted_and_nothing_else() {
        let origins = AcceptedOrigins::only(&["old-old-old-old-".into(), "new-new-new-new-".into()]);
        assert!(origins.accept(b"old-old-old-old-") && origins.accept(b"new-new-new-new-"));
        assert!(!origins.accept(b"") && !origins.accept(b"new-new-new-new") && !origins.accept(b"new-new-new-new-x"));
        assert!(AcceptedOrigins::any().accept(b""));
    }
}
