//! What can go wrong with a call, and the answers of services that are asked too often or are broken.

use std::fmt;

/// What happens to one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// `kill -9` before the cloud hears of it.
    KillBefore,
    /// `kill -9` when the cloud has done it and nobody was told.
    KillAfter,
    /// `kill -9` when the answer was delivered.
    KillDelivered,
    /// Done, and the connection breaks instead of an answer.
    LoseAnswer,
    /// Not done: asked too often.
    Throttle,
    /// Not done: an internal error.
    Error,
    /// Not done, and no answer ever.
    Hang,
    /// Done, and no answer ever.
    HangAfter,
    /// Not done: a proxy on the way says 503 with a page for people.
    Page,
    /// Not done: a proxy on the way says 429 and nothing else.
    Bare,
    /// Done, and the connection breaks in the middle of the answer.
    Torn,
    /// Not done, or not now: what each service says when it is busy with something else.
    Busy,
    /// Not done: the caller lacks a permission. Not among [`Fault::ALL`], because no run recovers from it by itself.
    Deny,
}

impl Fault {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::KillBefore,
        Self::KillAfter,
        Self::KillDelivered,
        Self::LoseAnswer,
        Self::Throttle,
        Self::Error,
        Self::Hang,
        Self::HangAfter,
        Self::Page,
        Self::Bare,
        Self::Torn,
        Self::Busy,
    ];

    /// Whether it ends the process.
    pub fn kills(self) -> bool {
        matches!(self, Self::KillBefore | Self::KillAfter | Self::KillDelivered)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::KillBefore => "kill_before",
            Self::KillAfter => "kill_after",
            Self::KillDelivered => "kill_delivered",
            Self::LoseAnswer => "lose_answer",
            Self::Throttle => "throttle",
            Self::Error => "error_500",
            Self::Hang => "hang",
            Self::HangAfter => "hang_after",
            Self::Page => "page_503",
            Self::Bare => "bare_429",
            Self::Torn => "torn_answer",
            Self::Busy => "busy",
            Self::Deny => "deny",
        })
    }
}

/// An answer that the proxy gives itself.
pub(super) struct Refusal {
    pub(super) status: u16,
    pub(super) kind: &'static str,
    pub(super) body: Vec<u8>,
}

/// "Asked too often", as each service says it.
pub(super) fn throttled(service: &str) -> Refusal {
    match service {
        "s3" => s3(503, "SlowDown", "Please reduce your request rate."),
        // HTTP 400, and no word of when to come back.
        "lightsail" => json(400, "ThrottlingException", "Rate exceeded"),
        "apigateway" => json(429, "TooManyRequestsException", "Too Many Requests"),
        "cognito-idp" => json(400, "TooManyRequestsException", "Rate exceeded"),
        "cloudfront" | "sts" | "iam" | "sns" | "route53" => xml(400, "Throttling", "Rate exceeded"),
        "monitoring" => cbor(400, "Throttling", "Rate exceeded"),
        _ => json(400, "ThrottlingException", "Rate exceeded"),
    }
}

/// "Internal error", as each service says it.
pub(super) fn broken(service: &str) -> Refusal {
    match service {
        "s3" => s3(500, "InternalError", "We encountered an internal error. Please try again."),
        "cloudfront" | "sts" | "iam" | "sns" | "route53" => xml(500, "InternalFailure", "Internal failure"),
        "monitoring" => cbor(500, "InternalServiceFault", "Internal failure"),
        "lightsail" => json(500, "ServiceException", "A general service exception."),
        _ => json(500, "InternalFailure", "Internal failure"),
    }
}

/// "Not now", as each service says it beside its word for being asked too often.
pub(super) fn busy(service: &str, path: &str) -> Refusal {
    match service {
        // The lock is written anew, with another time in it, after whatever looks like a contest.
        "s3" if path.contains("lock.json") => throttled("s3"),
        // All is well, but for one object.
        "s3" if path.ends_with("?delete") => Refusal {
            status: 200,
            kind: "application/xml",
            body: br#"<?xml version="1.0" encoding="UTF-8"?><DeleteResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Error><Key>some</Key><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error></DeleteResult>"#.to_vec(),
        },
        "s3" => s3(409, "OperationAborted", "A conflicting conditional operation is in progress. Try again."),
        "iam" => xml(409, "EntityTemporarilyUnmodifiable", "The entity is being changed. Try again."),
        "route53" => xml(400, "PriorRequestNotComplete", "The request was rejected because of another one."),
        "sns" => xml(429, "Throttled", "Rate exceeded"),
        "cloudfront" => xml(429, "TooManyRequests", "Too many requests"),
        "sts" => xml(503, "ServiceUnavailable", "Service unavailable"),
        "monitoring" => cbor(429, "ConcurrentModificationException", "More than one process tried to change it"),
        "wafv2" => json(400, "WAFUnavailableEntityException", "AWS WAF couldn't retrieve a resource"),
        "cognito-idp" | "cloudtrail" => json(400, "ConcurrentModificationException", "Another change is in progress"),
        "logs" => json(400, "OperationAbortedException", "A conflicting operation is in progress"),
        "apigateway" => json(409, "ConflictException", "Unable to complete: another change is in progress"),
        "budgets" => json(400, "ResourceLockedException", "The resource is locked"),
        "acm" => json(400, "RequestInProgressException", "The request is in progress"),
        _ => json(503, "ServiceUnavailableException", "Service unavailable"),
    }
}

/// An answer of something on the way that knows nothing of AWS.
pub(super) fn foreign(status: u16, page: &str) -> Refusal {
    Refusal { status, kind: "text/html", body: page.as_bytes().to_vec() }
}

/// "You may not", in the words that all services share.
pub(super) fn denied(service: &str) -> Refusal {
    let text = format!(
        "User: arn:aws:iam::123456789012:user/ada is not authorized to perform: {service}:TheAction on resource: \
         arn:aws:{service}:::the-resource because no identity-based policy allows the {service}:TheAction action"
    );
    match service {
        "s3" => s3(403, "AccessDenied", &text),
        "cloudfront" | "sts" | "iam" | "sns" | "route53" => xml(403, "AccessDenied", &text),
        _ => json(400, "AccessDeniedException", &text),
    }
}

fn json(status: u16, code: &str, message: &str) -> Refusal {
    let body = format!(r#"{{"__type":"{code}","code":"{code}","message":"{message}"}}"#);
    Refusal { status, kind: "application/json", body: body.into() }
}

fn s3(status: u16, code: &str, message: &str) -> Refusal {
    let body = format!(
        r#"<?xml version="1.0" encoding="UTF-8"?><Error><Code>{code}</Code><Message>{message}</Message><RequestId>FAULT</RequestId></Error>"#
    );
    Refusal { status, kind: "application/xml", body: body.into() }
}

fn xml(status: u16, code: &str, message: &str) -> Refusal {
    let body = format!(
        r#"<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error><RequestId>FAULT</RequestId></ErrorResponse>"#
    );
    Refusal { status, kind: "text/xml", body: body.into() }
}

/// A map of two short texts in CBOR, which CloudWatch speaks.
fn cbor(status: u16, code: &str, message: &str) -> Refusal {
    let mut body = vec![0xa2];
    for text in ["__type", code, "message", message] {
        let length = u8::try_from(text.len()).expect("a short text");
        body.extend(if length < 24 { vec![0x60 + length] } else { vec![0x78, length] });
        body.extend(text.as_bytes());
    }
    Refusal { status, kind: "application/cbor", body }
}
