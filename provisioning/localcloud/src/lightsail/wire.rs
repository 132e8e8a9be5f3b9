//! Lightsail's wire: AWS JSON 1.1 over HTTP, one address, the operation named by a header.
//!
//! Signatures are looked at, not verified: this service is told no secret keys. Knows nothing of what the operations do.

use std::sync::Arc;

use axum::{
    Router,
    body::Bytes,
    extract::{Path, State},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde_json::Value;
use uuid::Uuid;

use super::{
    authorize::{self, Caller},
    contacts, dispatch,
    fault::Fault,
    service::Service,
};

const TARGET_PREFIX: &str = "Lightsail_20161128.";

/// The routes of the service: the operations, and the link in verification messages.
pub(crate) fn router(service: Arc<Service>) -> Router {
    let router = Router::new().route("/", post(answer));
    router.route("/contact-methods/verify/{token}", get(verify_contact)).with_state(service)
}

/// The link in a verification message: followed by a person, without credentials.
async fn verify_contact(State(service): State<Arc<Service>>, Path(token): Path<String>) -> (StatusCode, String) {
    match contacts::verify(&service, &token).await {
        Ok(()) => (StatusCode::OK, "The contact method is verified.\n".to_owned()),
        Err(fault) => (fault.kind.status(), format!("{}\n", fault.message)),
    }
}

async fn answer(State(service): State<Arc<Service>>, headers: HeaderMap, body: Bytes) -> Response {
    let request_id = Uuid::new_v4().to_string();
    // A client that hangs up must not stop a request halfway: what was persisted is then also begun.
    let work = tokio::spawn(async move { handle(service, &headers, &body).await });
    let outcome = work.await.unwrap_or_else(|_| Err(Fault::service("The service failed while it answered.")));
    let (status, body, fault) = match outcome {
        Ok(body) => (StatusCode::OK, body, None),
        Err(fault) => {
            tracing::debug!(request_id, error = %fault, "refused");
            (fault.kind.status(), fault.body(), Some(fault.kind.name()))
        }
    };
    let mut body = body;
    prune(&mut body);
    let mut response = (status, body.to_string()).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-amz-json-1.1"));
    if let Ok(value) = HeaderValue::from_str(&request_id) {
        headers.insert("x-amzn-requestid", value);
    }
    if let Some(name) = fault {
        headers.insert("x-amzn-errortype", HeaderValue::from_static(name));
    }
    response
}

async fn handle(service: Arc<Service>, headers: &HeaderMap, body: &[u8]) -> Result<Value, Fault> {
    let target = headers.get("x-amz-target").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let operation = target.strip_prefix(TARGET_PREFIX).ok_or_else(|| Fault::unknown_operation(target))?;
    let caller = authenticate(headers, &service.options.region)?;
    let request = if body.is_empty() {
        Value::Object(serde_json::Map::new())
    } else {
        serde_json::from_slice(body).map_err(|error| Fault::serialization(format!("The body is not JSON: {error}")))?
    };
    authorize::check(&service, &caller, operation, &request).await?;
    dispatch::call(service, operation, request).await
}

/// AWS leaves out what has no value.
fn prune(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|_, value| !value.is_null());
            fields.values_mut().for_each(prune);
        }
        Value::Array(items) => items.iter_mut().for_each(prune),
        _ => {}
    }
}

/// Lets in only requests signed (in form) for Lightsail in `region`; gives by whom.
fn authenticate(headers: &HeaderMap, region: &str) -> Result<Caller, Fault> {
    let header = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let header = header.ok_or_else(Fault::missing_authentication)?;
    let parts = header
        .strip_prefix("AWS4-HMAC-SHA256 ")
        .ok_or_else(|| Fault::incomplete_signature("Authorization header requires 'AWS4-HMAC-SHA256'."))?;
    let part = |name: &str| {
        parts
            .split(',')
            .find_map(|part| part.trim().strip_prefix(name)?.strip_prefix('='))
            .filter(|value| !value.is_empty())
            .ok_or_else(|| Fault::incomplete_signature(format!("Authorization header requires '{name}' parameter.")))
    };
    let credential = part("Credential")?;
    part("Signature")?;
    part("SignedHeaders")?;
    let scope: Vec<&str> = credential.rsplitn(5, '/').collect();
    let [terminator, signed_service, signed_region, _date, key] = scope[..] else {
        return Err(Fault::incomplete_signature("Credential must have exactly 5 slash-delimited elements."));
    };
    if (signed_region, signed_service, terminator) != (region, "lightsail", "aws4_request") {
        return Err(Fault::invalid_signature(format!(
            "Credential should be scoped to {region}/lightsail/aws4_request, not {signed_region}/{signed_service}/{terminator}."
        )));
    }
    Ok(Caller::new(key, headers))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lightsail::fault::FaultKind;

    fn attempt(authorization: Option<&str>) -> Result<(), FaultKind> {
        let mut headers = HeaderMap::new();
        if let Some(value) = authorization {
            headers.insert(header::AUTHORIZATION, value.parse().unwrap());
        }
        authenticate(&headers, "eu-west-1").map(drop).map_err(|fault| fault.kind)
    }

    fn signed(credential: &str) -> String {
        format!("AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders=host;x-amz-date, Signature=00ff")
    }

    #[test]
    fn only_signed_requests_are_let_in() {
        assert_eq!(attempt(Some(&signed("AKIAEXAMPLE/20261122/eu-west-1/lightsail/aws4_request"))), Ok(()));
        assert_eq!(attempt(None), Err(FaultKind::MissingAuthentication));
        assert_eq!(attempt(Some("Bearer x")), Err(FaultKind::IncompleteSignature));
        assert_eq!(attempt(Some("AWS4-HMAC-SHA256 Credential=AKIAEXAMPLE")), Err(FaultKind::IncompleteSignature));
    }

    #[test]
    fn a_signature_for_another_region_or_service_is_refused() {
        for scope in ["us-east-1/lightsail/aws4_request", "eu-west-1/ec2/aws4_request"] {
            let header = signed(&format!("AKIAEXAMPLE/20261122/{scope}"));
            assert_eq!(attempt(Some(&header)), Err(FaultKind::InvalidSignature), "{scope}");
        }
    }
}
