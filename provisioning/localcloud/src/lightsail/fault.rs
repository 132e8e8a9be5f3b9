//! What a request is refused with, in the shape of AWS's exceptions.
//!
//! The HTTP statuses and the four members (`code`, `docs`, `message`, `tip`) are those of the service model and of AWS's
//! "Common Error Types"; this file knows nothing about any operation.

use http::StatusCode;
use serde_json::{Value, json};

/// A refused request: what kind, and what is wrong in words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {message}", kind.name())]
pub(crate) struct Fault {
    pub(crate) kind: FaultKind,
    pub(crate) message: String,
}

/// The kinds of refusal. The name of each is what clients see as the error code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FaultKind {
    NotFound,
    InvalidInput,
    OperationFailure,
    Serialization,
    MissingAuthentication,
    IncompleteSignature,
    UnrecognizedClient,
    AccessDenied,
    InvalidSignature,
    UnknownOperation,
    /// AWS has the operation and this service does not: AWS has no error for that, so it has a name of its own.
    NotBuilt,
    Service,
}

impl FaultKind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::NotFound => "NotFoundException",
            Self::InvalidInput => "InvalidInputException",
            Self::OperationFailure => "OperationFailureException",
            Self::Serialization => "SerializationException",
            Self::MissingAuthentication => "MissingAuthenticationTokenException",
            Self::IncompleteSignature => "IncompleteSignatureException",
            Self::UnrecognizedClient => "UnrecognizedClientException",
            Self::AccessDenied => "AccessDeniedException",
            Self::InvalidSignature => "InvalidSignatureException",
            Self::UnknownOperation => "UnknownOperationException",
            Self::NotBuilt => "OperationNotBuiltException",
            Self::Service => "ServiceException",
        }
    }

    pub(crate) fn status(self) -> StatusCode {
        match self {
            Self::NotFound | Self::InvalidInput | Self::OperationFailure | Self::Serialization => {
                StatusCode::BAD_REQUEST
            }
            Self::MissingAuthentication
            | Self::IncompleteSignature
            | Self::UnrecognizedClient
            | Self::AccessDenied
            | Self::InvalidSignature => StatusCode::FORBIDDEN,
            Self::UnknownOperation => StatusCode::NOT_FOUND,
            Self::NotBuilt => StatusCode::NOT_IMPLEMENTED,
            Self::Service => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn tip(self) -> Option<&'static str> {
        match self {
            Self::NotBuilt => Some("The operation exists on AWS. Run this against AWS, or do without it here."),
            Self::UnrecognizedClient | Self::MissingAuthentication => {
                Some("`jewelctl local env` prints the credentials of this cloud.")
            }
            _ => None,
        }
    }
}

impl Fault {
    fn new(kind: FaultKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }

    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Self::new(FaultKind::NotFound, message)
    }

    /// `resource_type` as the model spells it, such as `StaticIp`.
    pub(crate) fn no_such(resource_type: &str, name: &str) -> Self {
        Self::not_found(format!("The {resource_type} does not exist: {name}"))
    }

    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(FaultKind::InvalidInput, message)
    }

    pub(crate) fn failed(message: impl Into<String>) -> Self {
        Self::new(FaultKind::OperationFailure, message)
    }

    pub(crate) fn serialization(message: impl Into<String>) -> Self {
        Self::new(FaultKind::Serialization, message)
    }

    pub(crate) fn service(message: impl Into<String>) -> Self {
        Self::new(FaultKind::Service, message)
    }

    /// For a parameter whose effect this service cannot bring about; said before anything is changed.
    pub(crate) fn not_built(what: &str) -> Self {
        Self::new(FaultKind::NotBuilt, format!("{what}: Amazon Lightsail can do this, the local cloud cannot"))
    }

    pub(crate) fn unknown_operation(name: &str) -> Self {
        Self::new(FaultKind::UnknownOperation, format!("Amazon Lightsail has no operation {name}"))
    }

    pub(crate) fn missing_authentication() -> Self {
        Self::new(FaultKind::MissingAuthentication, "Missing Authentication Token")
    }

    pub(crate) fn incomplete_signature(message: impl Into<String>) -> Self {
        Self::new(FaultKind::IncompleteSignature, message)
    }

    pub(crate) fn unrecognized_client() -> Self {
        Self::new(FaultKind::UnrecognizedClient, "The security token included in the request is invalid.")
    }

    pub(crate) fn access_denied(message: impl Into<String>) -> Self {
        Self::new(FaultKind::AccessDenied, message)
    }

    pub(crate) fn invalid_signature(message: impl Into<String>) -> Self {
        Self::new(FaultKind::InvalidSignature, message)
    }

    /// The body on the wire.
    pub(crate) fn body(&self) -> Value {
        let name = self.kind.name();
        json!({
            "__type": name,
            "code": name,
            "docs": "https://docs.aws.amazon.com/lightsail/2016-11-28/api-reference/CommonErrors.html",
            "message": self.message,
            "tip": self.kind.tip(),
        })
    }
}
