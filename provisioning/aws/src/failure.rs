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

/// What a code means, decided by code first and HTTP status second.
///
/// The codes are those of the service models' error lists, and the SDKs' common lists of throttling and transient codes.
pub(crate) fn kind_of(code: Option<&str>, message: Option<&str>, status: u16) -> FailureKind {
    let code = code.unwrap_or_default();
    let says = |words: &[&str]| message.is_some_and(|text| words.iter().any(|word| text.contains(word)));
    match code {
        // What is taken is refused by Lightsail, and by Cognito for domains, as bad input, told apart by the text alone.
        "InvalidInputException" | "InvalidParameterException" if says(&["already", "in use"]) => FailureKind::Conflict,
        // A secret that is being deleted keeps its name for a while.
        "InvalidRequestException" if says(&["scheduled for deletion"]) => FailureKind::Conflict,
        // A user or role that was made a moment ago is not known everywhere yet.
        "MalformedPolicy" | "MalformedPolicyDocument" | "InvalidParameterValueException"
            if says(&["nvalid principal", "cannot be assumed"]) =>
        {
            FailureKind::Conflict
        }
        _ if THROTTLED.contains(&code) => FailureKind::Throttled,
        _ if TRANSIENT.contains(&code) => FailureKind::Transient,
        _ if CREDENTIALS.contains(&code) => FailureKind::Credentials,
        _ if DENIED.contains(&code) => FailureKind::Denied,
        _ if CONFLICT.contains(&code) || code.ends_with("AlreadyExists") => FailureKind::Conflict,
        // A quota is no conflict, although IAM says so with its status.
        "LimitExceeded" | "ServiceQuotaExceededException" => FailureKind::Permanent,
        _ if code.starts_with("NoSuch")
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
            408 | 500.. => FailureKind::Transient,
            _ => FailureKind::Permanent,
        },
    }
}

const THROTTLED: &[&str] = &[
    "BandwidthLimitExceeded",
    "KMSThrottling",
    // Quotas go by this name too; the SDKs count it here, and a quota is only told later.
    "LimitExceededException",
    "PriorRequestNotComplete",
    "RequestLimitExceeded",
    "RequestThrottled",
    "RequestThrottledException",
    "SlowDown",
    "Throttled",
    "ThrottledException",
    "Throttling",
    "ThrottlingException",
    "TooManyRequests",
    "TooManyRequestsException",
];

const TRANSIENT: &[&str] = &[
    "AccountSetupInProgressException",
    "DependencyFailureException",
    "InternalError",
    "InternalErrorException",
    "InternalFailure",
    "InternalServerError",
    "InternalServerException",
    "InternalServiceError",
    "InternalServiceFault",
    "RegionSetupInProgressException",
    "RequestTimeout",
    "RequestTimeoutException",
    "ServiceException",
    "ServiceFailure",
    "ServiceUnavailable",
    "ServiceUnavailableException",
    "WAFInternalErrorException",
    "WAFTagOperationException",
    "WAFTagOperationInternalErrorException",
    "WAFUnavailableEntityException",
];

const CREDENTIALS: &[&str] = &[
    "ExpiredToken",
    "ExpiredTokenException",
    "IncompleteSignature",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "InvalidToken",
    "MissingAuthenticationToken",
    "SignatureDoesNotMatch",
    "TokenRefreshRequired",
    "UnauthenticatedException",
    "UnrecognizedClientException",
];

const DENIED: &[&str] = &[
    "AccessDenied",
    "AccessDeniedException",
    "AllAccessDisabled",
    "AuthorizationError",
    "ForbiddenException",
    "NotAuthorizedException",
    "UnauthorizedException",
    "UnauthorizedOperation",
];

const CONFLICT: &[&str] = &[
    "AlreadyExistsException",
    "BucketAlreadyOwnedByYou",
    "BucketNotEmpty",
    "CannotDeleteEntityWhileInUse",
    "CannotUpdateEntityWhileInUse",
    "ConcurrentAccess",
    "ConcurrentModification",
    "ConcurrentModificationException",
    "ConditionalRequestConflict",
    "ConflictException",
    "DeleteConflict",
    "DistributionNotDisabled",
    "DuplicateRecordException",
    "EntityTemporarilyUnmodifiable",
    "FunctionInUse",
    "GroupExistsException",
    // A policy that was set a moment ago is not seen everywhere yet.
    "InsufficientS3BucketPolicyException",
    "InvalidIfMatchVersion",
    "OperationAborted",
    "OperationAbortedException",
    "OperationFailureException",
    "OriginAccessControlInUse",
    "PreconditionFailed",
    "RequestInProgressException",
    "ResourceAlreadyExistsException",
    "ResourceConflictException",
    "ResourceExistsException",
    "ResourceInUse",
    "ResourceInUseException",
    "ResourceLockedException",
    "ResourceNotDisabled",
    "StaleTag",
    "TrailAlreadyExistsException",
    "WAFAssociatedItemException",
    "WAFDuplicateItemException",
    "WAFOptimisticLockException",
];

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
            // A proxy on the way, which knows no codes.
            (None, 404, FailureKind::NotFound),
            (None, 429, FailureKind::Throttled),
            (None, 500, FailureKind::Transient),
            (None, 502, FailureKind::Transient),
            (None, 503, FailureKind::Transient),
            (None, 504, FailureKind::Transient),
            (Some("SlowDown"), 503, FailureKind::Throttled),
            (Some("InternalError"), 200, FailureKind::Transient),
            (Some("TooManyRequestsException"), 400, FailureKind::Throttled),
            (Some("TooManyRequests"), 400, FailureKind::Throttled),
            (Some("Throttled"), 429, FailureKind::Throttled),
            (Some("PriorRequestNotComplete"), 400, FailureKind::Throttled),
            (Some("EntityTemporarilyUnmodifiable"), 409, FailureKind::Conflict),
            (Some("ConcurrentModification"), 409, FailureKind::Conflict),
            (Some("ConcurrentModificationException"), 400, FailureKind::Conflict),
            (Some("WAFUnavailableEntityException"), 400, FailureKind::Transient),
            (Some("WAFOptimisticLockException"), 400, FailureKind::Conflict),
            (Some("WAFTagOperationInternalErrorException"), 400, FailureKind::Transient),
            (Some("ConcurrentAccess"), 400, FailureKind::Conflict),
            (Some("ResourceLockedException"), 400, FailureKind::Conflict),
            (Some("OperationAbortedException"), 400, FailureKind::Conflict),
            (Some("InternalServerException"), 400, FailureKind::Transient),
            (Some("DependencyFailureException"), 400, FailureKind::Transient),
            (Some("LimitExceeded"), 409, FailureKind::Permanent),
            (Some("TooManyDistributions"), 400, FailureKind::Permanent),
            (Some("MalformedPolicyDocument"), 400, FailureKind::Permanent),
            (Some("InvalidParameterException"), 400, FailureKind::Permanent),
        ];
        for (code, status, kind) in cases {
            assert_eq!(kind_of(code, None, status), kind, "{code:?} {status}");
        }
    }

    #[test]
    fn who_was_made_a_moment_ago_is_waited_for() {
        for (code, text) in [
            ("MalformedPolicy", "Invalid principal in policy"),
            ("InvalidParameterValueException", "IAM Role x cannot be assumed by AWS Backup"),
        ] {
            assert_eq!(kind_of(Some(code), Some(text), 400), FailureKind::Conflict, "{code}");
            assert_eq!(kind_of(Some(code), Some("no such field"), 400), FailureKind::Permanent, "{code}");
        }
    }

    #[test]
    fn a_taken_name_is_a_conflict_although_lightsail_calls_it_bad_input() {
        let taken = Some("Some names are already in use: shop-prod-api-1");
        assert_eq!(kind_of(Some("InvalidInputException"), taken, 400), FailureKind::Conflict);
        assert_eq!(kind_of(Some("InvalidInputException"), Some("bad bundle"), 400), FailureKind::Permanent);
    }
}
