//! The one place that says what an SDK error means.

use aws_smithy_runtime_api::client::{orchestrator::HttpResponse, result::SdkError};
use aws_smithy_types::{error::metadata::ProvideErrorMetadata, retry::ErrorKind};
use jewel_engine::{Failure, FailureKind};

/// Makes a [`Failure`] of an SDK error; `action` is a verb and an object, such as `create bucket x`.
///
/// Kinds are decided by error code first and HTTP status second, because services differ in the statuses they use:
/// Lightsail throttles with HTTP 400.
pub fn classify<E>(action: impl Into<String>, error: SdkError<E, HttpResponse>) -> Failure
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    let action = action.into();
    let (kind, fallback) = match &error {
        SdkError::ConstructionFailure(_) => (construction_kind(&error), "the request could not be made"),
        SdkError::TimeoutError(_) => (FailureKind::Transient, "it took too long"),
        SdkError::DispatchFailure(dispatch) if dispatch.is_timeout() || dispatch.is_io() => {
            (FailureKind::Transient, "the service could not be reached")
        }
        SdkError::DispatchFailure(dispatch) => match dispatch.as_other() {
            Some(ErrorKind::ThrottlingError) => (FailureKind::Throttled, "asked too often"),
            Some(_) => (FailureKind::Transient, "the service could not be reached"),
            _ => (construction_kind(&error), "the request could not be sent"),
        },
        SdkError::ResponseError(_) => (FailureKind::Transient, "the answer could not be read"),
        SdkError::ServiceError(service) => {
            let status = service.raw().status().as_u16();
            (kind_of(service.err().code(), service.err().message(), status), "the service refused")
        }
        _ => (FailureKind::Permanent, "the call failed"),
    };
    let message = match error.message() {
        Some(text) if !text.is_empty() => text.trim_end_matches('.').to_owned(),
        _ => innermost(&error).map_or_else(|| fallback.to_owned(), |cause| format!("{fallback}: {cause}")),
    };
    let request_id = error.raw_response().and_then(|raw| {
        ["x-amzn-requestid", "x-amz-request-id", "x-amzn-request-id"].iter().find_map(|name| raw.headers().get(*name))
    });
    Failure {
        kind,
        action,
        message,
        code: error.code().map(ToOwned::to_owned),
        request_id: request_id.map(ToOwned::to_owned),
    }
}

/// A success that lacks what it promises.
pub(crate) fn incomplete(action: impl Into<String>, what: &str) -> Failure {
    Failure::new(FailureKind::Transient, action, format!("the answer has no {what}"))
}

/// Turns "not found" into `None`.
pub(crate) fn optional<T>(result: Result<T, Failure>) -> Result<Option<T>, Failure> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(failure) if failure.kind == FailureKind::NotFound => Ok(None),
        Err(failure) => Err(failure),
    }
}

fn kind_of(code: Option<&str>, message: Option<&str>, status: u16) -> FailureKind {
    match code.unwrap_or_default() {
        // What is taken is refused by Lightsail, and by Cognito for domains, as bad input, told apart by the text alone.
        "InvalidInputException" | "InvalidParameterException"
            if message.is_some_and(|text| text.contains("already") || text.contains("in use")) =>
        {
            FailureKind::Conflict
        }
        "Throttling"
        | "ThrottlingException"
        | "TooManyRequestsException"
        | "RequestLimitExceeded"
        | "SlowDown"
        | "LimitExceededException"
        | "RequestThrottled"
        | "PriorRequestNotComplete" => FailureKind::Throttled,
        "ExpiredToken"
        | "ExpiredTokenException"
        | "InvalidClientTokenId"
        | "UnrecognizedClientException"
        | "InvalidAccessKeyId"
        | "SignatureDoesNotMatch"
        | "UnauthenticatedException"
        | "InvalidSignatureException"
        | "IncompleteSignature"
        | "MissingAuthenticationToken"
        | "TokenRefreshRequired"
        | "InvalidToken" => FailureKind::Credentials,
        "AccessDenied"
        | "AccessDeniedException"
        | "UnauthorizedOperation"
        | "NotAuthorizedException"
        | "AllAccessDisabled" => FailureKind::Denied,
        "BucketAlreadyExists"
        | "BucketAlreadyOwnedByYou"
        | "BucketNotEmpty"
        | "OperationAborted"
        | "ResourceExistsException"
        | "ConflictException"
        | "ConcurrentModificationException"
        | "PreconditionFailed"
        | "InvalidIfMatchVersion"
        | "DistributionAlreadyExists"
        | "OriginAccessControlAlreadyExists"
        | "FunctionAlreadyExists"
        | "FunctionInUse"
        | "OriginAccessControlInUse"
        | "DistributionNotDisabled"
        | "GroupExistsException"
        | "ResourceConflictException"
        | "ResourceInUseException"
        | "ConditionalRequestConflict"
        | "ResourceAlreadyExistsException"
        | "AlreadyExistsException"
        | "DuplicateRecordException"
        | "TrailAlreadyExistsException"
        // A policy that was set a moment ago is not seen everywhere yet.
        | "InsufficientS3BucketPolicyException"
        | "EntityAlreadyExists"
        | "DeleteConflict"
        | "ConcurrentModification"
        | "WAFDuplicateItemException"
        | "WAFOptimisticLockException"
        | "WAFAssociatedItemException"
        | "OperationFailureException" => FailureKind::Conflict,
        // A secret that is being deleted keeps its name for a while.
        "InvalidRequestException" if message.is_some_and(|text| text.contains("scheduled for deletion")) => {
            FailureKind::Conflict
        }
        "RequestTimeout"
        | "RequestTimeoutException"
        | "InternalError"
        | "InternalFailure"
        | "InternalServiceError"
        | "InternalErrorException"
        | "ServiceException"
        | "ServiceUnavailable"
        | "ServiceUnavailableException"
        | "ServiceFailure"
        | "WAFUnavailableEntityException"
        | "WAFInternalErrorException"
        | "AccountSetupInProgressException"
        | "RegionSetupInProgressException" => FailureKind::Transient,
        code if code.starts_with("NoSuch")
            || code.ends_with("NotFoundException")
            || code == "WAFNonexistentItemException"
            // Dashboards alone are not found with this word.
            || code == "ResourceNotFound"
            || code == "NotFound" =>
        {
            FailureKind::NotFound
        }
        _ => match status {
            401 => FailureKind::Credentials,
            403 => FailureKind::Denied,
            404 => FailureKind::NotFound,
            409 | 412 => FailureKind::Conflict,
            429 => FailureKind::Throttled,
            500.. => FailureKind::Transient,
            _ => FailureKind::Permanent,
        },
    }
}

/// Requests that never left this machine: nearly always because there are no credentials to sign them with.
fn construction_kind(error: &(dyn std::error::Error + 'static)) -> FailureKind {
    let mut text = String::new();
    let mut next = Some(error);
    while let Some(error) = next {
        text.push_str(&error.to_string().to_lowercase());
        next = error.source();
    }
    if text.contains("credential") || text.contains("token") || text.contains("identity") {
        FailureKind::Credentials
    } else {
        FailureKind::Permanent
    }
}

fn innermost(error: &(dyn std::error::Error + 'static)) -> Option<String> {
    let mut last = None;
    let mut next = error.source();
    while let Some(error) = next {
        last = Some(error.to_string());
        next = error.source();
    }
    last
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_mean_what_they_should() {
        let cases = [
            (Some("ThrottlingException"), 400, FailureKind::Throttled),
            (Some("NoSuchBucket"), 404, FailureKind::NotFound),
            (Some("NoSuchTagSet"), 404, FailureKind::NotFound),
            (Some("NotFoundException"), 400, FailureKind::NotFound),
            (Some("ResourceNotFoundException"), 400, FailureKind::NotFound),
            (Some("ExpiredToken"), 400, FailureKind::Credentials),
            (Some("UnrecognizedClientException"), 400, FailureKind::Credentials),
            (Some("AccessDenied"), 403, FailureKind::Denied),
            (Some("PreconditionFailed"), 412, FailureKind::Conflict),
            (Some("ServiceException"), 400, FailureKind::Transient),
            (None, 404, FailureKind::NotFound),
            (None, 503, FailureKind::Transient),
            (Some("InvalidParameterException"), 400, FailureKind::Permanent),
        ];
        for (code, status, kind) in cases {
            assert_eq!(kind_of(code, None, status), kind, "{code:?} {status}");
        }
    }

    #[test]
    fn a_taken_name_is_a_conflict_although_lightsail_calls_it_bad_input() {
        let taken = Some("Some names are already in use: shop-prod-api-1");
        assert_eq!(kind_of(Some("InvalidInputException"), taken, 400), FailureKind::Conflict);
        assert_eq!(kind_of(Some("InvalidInputException"), Some("bad bundle"), 400), FailureKind::Permanent);
    }
}
