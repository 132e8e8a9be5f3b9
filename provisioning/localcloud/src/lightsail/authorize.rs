//! Whether somebody other than the account itself may do what is asked. Users, roles and policies are the rest of the
//! cloud's: it is asked, with the operation as IAM names it and the tags that policies may speak of.

use std::time::Duration;

use http::{HeaderMap, Method, StatusCode};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{fault::Fault, service::Service, state::Tag};
use crate::call::call;

const DEADLINE: Duration = Duration::from_secs(10);

/// Who asks, as far as the request says it.
pub(super) struct Caller {
    pub(super) access_key_id: String,
    pub(super) session_token: Option<String>,
}

impl Caller {
    pub(super) fn new(access_key_id: &str, headers: &HeaderMap) -> Self {
        let token = headers.get("x-amz-security-token").and_then(|value| value.to_str().ok());
        Self { access_key_id: access_key_id.to_owned(), session_token: token.map(str::to_owned) }
    }
}

/// What the rest of the cloud says when it says no.
#[derive(Deserialize)]
struct Denial {
    code: String,
    message: String,
}

/// Lets the account's own key do everything, and others what their policies allow.
///
/// # Errors
/// That the key is unknown, or that no policy allows the operation.
pub(super) async fn check(service: &Service, caller: &Caller, operation: &str, request: &Value) -> Result<(), Fault> {
    if caller.access_key_id == service.options.access_key_id {
        return Ok(());
    }
    let Some(identity) = &service.options.identity_url else { return Err(Fault::unrecognized_client()) };
    let question = json!({
        "access_key_id": caller.access_key_id,
        "session_token": caller.session_token,
        "action": format!("lightsail:{operation}"),
        "request_tags": request_tags(request),
        "resource_tags": resource_tags(service, request),
    });
    let answer = call(Method::POST, identity, None, Some(question.to_string().into_bytes()), DEADLINE).await;
    let (status, body) = answer.map_err(|error| Fault::service(format!("IAM could not be asked: {error}")))?;
    if status == StatusCode::OK {
        return Ok(());
    }
    match serde_json::from_slice::<Denial>(&body) {
        Ok(denial) if denial.code == "AccessDeniedException" => Err(Fault::access_denied(denial.message)),
        Ok(_) => Err(Fault::unrecognized_client()),
        Err(error) => Err(Fault::service(format!("IAM answered nonsense: {error}"))),
    }
}

fn request_tags(request: &Value) -> Map<String, Value> {
    let tags = request["tags"].as_array().map(Vec::as_slice).unwrap_or_default();
    tags.iter().filter_map(|tag| Some((tag["key"].as_str()?.to_owned(), tag["value"].clone()))).collect()
}

/// How requests name what they are about, or what it is to be made from.
const NAMES: [&str; 9] = [
    "instanceName",
    "relationalDatabaseName",
    "loadBalancerName",
    "resourceName",
    "instanceSnapshotName",
    "relationalDatabaseSnapshotName",
    "sourceSnapshotName",
    "sourceInstanceName",
    "sourceRelationalDatabaseName",
];

/// The tags of the instance, database, snapshot or load balancer that is named.
fn resource_tags(service: &Service, request: &Value) -> Map<String, Value> {
    let state = service.store.now();
    let tags_of = |name: &str| {
        let instance = state.instances.get(name).map(|one| &one.common);
        let database = || state.databases.get(name).map(|one| &one.common);
        let snapshot = || state.snapshots.get(name).map(|one| &one.common);
        let balancer = || state.load_balancers.get(name).map(|one| &one.common);
        instance.or_else(database).or_else(snapshot).or_else(balancer).map(|common| &common.tags)
    };
    let tags = NAMES.iter().filter_map(|name| request[name].as_str()).find_map(tags_of);
    let pair = |tag: &Tag| (tag.key.clone(), Value::from(tag.value.clone().unwrap_or_default()));
    tags.into_iter().flatten().map(pair).collect()
}
