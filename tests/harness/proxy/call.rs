//! A call, and a name for it that is the same in every run and every environment.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use hyper::HeaderMap;

/// One call from the tool to the cloud.
#[derive(Clone, Debug)]
pub struct Call {
    /// The signing name of the service: `s3`, `lightsail`, `cognito-idp`.
    pub service: String,
    /// Service and operation, with names that differ from run to run replaced: `s3 PUT /shop-ENV-site-000000000000?policy`.
    pub label: String,
    /// Whether it changes something.
    pub mutates: bool,
    /// Tells calls of one label apart by what they ask, without tokens and secrets that are drawn anew.
    pub identity: u64,
    /// Which call of this label it was, from 1.
    pub occurrence: usize,
}

/// Operations of services that name them outright and only read.
const READS: [&str; 10] =
    ["Get", "List", "Describe", "Head", "Lookup", "Check", "BatchGet", "Search", "Filter", "Simulate"];

/// Fields that a retry of the tool may draw anew.
const VOLATILE: [&str; 6] =
    ["ClientRequestToken", "ClientToken", "clientToken", "CreatorRequestId", "IdempotencyToken", "SecretString"];

impl Call {
    /// Reads it off the wire; `env` is the environment whose name stands in the resources' names.
    pub(super) fn read(method: &str, path: &str, headers: &HeaderMap, body: &[u8], env: &str) -> Self {
        let service = service(headers);
        let operation = operation(headers, path, body);
        let (what, mutates) = match operation {
            Some(operation) => {
                let reads = READS.iter().any(|verb| operation.starts_with(verb));
                (operation, !reads)
            }
            None => (format!("{method} {}", template(path)), !matches!(method, "GET" | "HEAD")),
        };
        let label = format!("{service} {what}").replace(&format!("shop-{env}"), "shop-ENV");
        let mut hash = DefaultHasher::new();
        (&label, path, stable(body)).hash(&mut hash);
        Self { service, label, mutates, identity: hash.finish(), occurrence: 0 }
    }
}

/// The service in the scope of the signature: `Credential=KEY/DATE/REGION/SERVICE/aws4_request`.
fn service(headers: &HeaderMap) -> String {
    let text = headers.get("authorization").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let scope = text.split("Credential=").nth(1).and_then(|rest| rest.split(',').next()).unwrap_or_default();
    scope.split('/').nth(3).unwrap_or("unsigned").to_owned()
}

/// The operation, where the protocol says it: a target header, a form's action, or the path, as with CBOR and the
/// pricing plans.
fn operation(headers: &HeaderMap, path: &str, body: &[u8]) -> Option<String> {
    if let Some(target) = headers.get("x-amz-target").and_then(|value| value.to_str().ok()) {
        return target.rsplit('.').next().map(str::to_owned);
    }
    let named = path.strip_prefix("/v1/").filter(|rest| rest.starts_with(|c: char| c.is_ascii_uppercase()));
    if let Some(operation) = path.split_once("/operation/").map(|(_, operation)| operation).or(named) {
        return Some(operation.to_owned());
    }
    let form = headers.get("content-type").is_some_and(|kind| kind.as_bytes().starts_with(b"application/x-www-form"));
    let text = if form { std::str::from_utf8(body).ok()? } else { return None };
    text.split('&').find_map(|pair| pair.strip_prefix("Action=")).map(str::to_owned)
}

/// A path whose made-up identifiers are replaced; parameters that only page are left out.
fn template(path: &str) -> String {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let mut before = "";
    let mut text = String::new();
    for segment in path.split('/') {
        if !text.is_empty() || !before.is_empty() || segment.is_empty() {
            text.push('/');
        }
        text.push_str(if is_identifier(before, segment) { "ID" } else { segment });
        before = segment;
    }
    let text = text.trim_start_matches("//").to_owned();
    let text = if text.starts_with('/') { text } else { format!("/{text}") };
    let kept: Vec<&str> = query.split('&').filter(|part| !part.is_empty() && !part.starts_with("Resource=")).collect();
    if kept.is_empty() { text } else { format!("{text}?{}", kept.join("&")) }
}

fn is_identifier(before: &str, segment: &str) -> bool {
    let parents = ["apis", "routes", "integrations", "authorizers", "distribution", "origin-access-control"];
    let plain = segment.len() >= 6 && segment.chars().all(|c| c.is_ascii_alphanumeric());
    let uuid = segment.len() == 36 && segment.chars().all(|c| c.is_ascii_hexdigit() || c == '-');
    uuid || before == "runs"
        || (plain && (parents.contains(&before) || (segment.len() >= 8 && segment.chars().any(|c| c.is_ascii_digit()))))
}

/// The body without what a retry draws anew.
fn stable(body: &[u8]) -> Vec<u8> {
    match serde_json::from_slice::<serde_json::Value>(body) {
        Ok(serde_json::Value::Object(mut object)) => {
            VOLATILE.iter().for_each(|name| drop(object.remove(*name)));
            serde_json::to_vec(&object).unwrap_or_default()
        }
        _ => body.to_vec(),
    }
}
