//! Operations: what AWS calls the record of something it was asked to do, and the three requests that read them.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    fault::Fault,
    service::Service,
    state::{Common, State},
};

/// How many are remembered; the oldest finished ones are forgotten first. AWS forgets too, after some days.
const REMEMBERED: usize = 2000;

/// How many `GetOperations` answers at once, by its documentation.
const PAGE: usize = 200;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Operation {
    pub(crate) id: Uuid,
    pub(crate) resource_name: String,
    pub(crate) resource_type: String,
    pub(crate) created_at: Timestamp,
    pub(crate) availability_zone: String,
    pub(crate) details: Option<String>,
    /// Absent for what the model's `OperationType` has no word for, such as tagging.
    pub(crate) operation_type: Option<String>,
    pub(crate) status: Status,
    pub(crate) status_changed_at: Timestamp,
    pub(crate) error_details: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Status {
    NotStarted,
    Started,
    Succeeded,
    Failed,
}

impl Status {
    pub(crate) fn is_terminal(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed)
    }
}

/// What a new operation is about.
pub(crate) struct About<'a> {
    pub(crate) name: &'a str,
    pub(crate) resource_type: &'a str,
    pub(crate) zone: &'a str,
}

impl<'a> About<'a> {
    pub(crate) fn new(name: &'a str, resource_type: &'a str, common: &'a Common) -> Self {
        Self { name, resource_type, zone: &common.availability_zone }
    }
}

/// Records a new operation.
pub(crate) fn begin(state: &mut State, about: &About<'_>, operation_type: Option<&str>, status: Status) -> Operation {
    let now = Timestamp::now();
    let operation = Operation {
        id: Uuid::new_v4(),
        resource_name: about.name.to_owned(),
        resource_type: about.resource_type.to_owned(),
        created_at: now,
        availability_zone: about.zone.to_owned(),
        details: None,
        operation_type: operation_type.map(str::to_owned),
        status,
        status_changed_at: now,
        error_details: None,
    };
    push(state, operation.clone());
    operation
}

/// Records an operation that is done already, as most that touch no machine are.
pub(crate) fn done(state: &mut State, about: &About<'_>, operation_type: &str, details: Option<&str>) -> Operation {
    let mut operation = begin(state, about, Some(operation_type), Status::Succeeded);
    operation.details = details.map(str::to_owned);
    if let Some(recorded) = state.operations.last_mut() {
        recorded.details.clone_from(&operation.details);
    }
    operation
}

/// Moves an operation on. One that has ended stays as it ended.
pub(crate) fn mark(state: &mut State, id: Uuid, status: Status, error: Option<&str>) {
    let found = state.operations.iter_mut().rev().find(|operation| operation.id == id);
    if let Some(operation) = found.filter(|operation| !operation.status.is_terminal()) {
        operation.status = status;
        operation.status_changed_at = Timestamp::now();
        operation.error_details = error.map(str::to_owned);
    }
}

fn push(state: &mut State, operation: Operation) {
    state.operations.push(operation);
    let mut surplus = state.operations.len().saturating_sub(REMEMBERED);
    state.operations.retain(|operation| {
        let forget = surplus > 0 && operation.status.is_terminal();
        surplus -= usize::from(forget);
        !forget
    });
}

/// Seconds since 1970, to the millisecond, as AWS writes times.
pub(crate) fn epoch(time: Timestamp) -> Value {
    json!(time.as_millisecond() as f64 / 1000.0)
}

/// An operation as it is answered.
pub(crate) fn view(operation: &Operation, region: &str) -> Value {
    json!({
        "id": operation.id,
        "resourceName": operation.resource_name,
        "resourceType": operation.resource_type,
        "createdAt": epoch(operation.created_at),
        "location": { "availabilityZone": operation.availability_zone, "regionName": region },
        "isTerminal": operation.status.is_terminal(),
        "operationDetails": operation.details,
        "operationType": operation.operation_type,
        "status": operation.status,
        "statusChangedAt": epoch(operation.status_changed_at),
        "errorCode": operation.error_details.as_ref().map(|_| "OperationFailureException"),
        "errorDetails": operation.error_details,
    })
}

/// The usual answer of a request that changes something.
pub(crate) fn answer(service: &Service, operations: &[Operation]) -> Value {
    let views: Vec<Value> = operations.iter().map(|operation| view(operation, &service.options.region)).collect();
    json!({ "operations": views })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct GetOperation {
    operation_id: String,
}

pub(crate) async fn get(service: &Arc<Service>, request: GetOperation) -> Result<Value, Fault> {
    let state = service.store.now();
    let wanted = Uuid::parse_str(&request.operation_id).ok();
    let operation = state.operations.iter().find(|operation| Some(operation.id) == wanted);
    let operation = operation.ok_or_else(|| Fault::no_such("Operation", &request.operation_id))?;
    Ok(json!({ "operation": view(operation, &service.options.region) }))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct GetOperations {
    page_token: Option<String>,
}

pub(crate) async fn list(service: &Arc<Service>, request: GetOperations) -> Result<Value, Fault> {
    page(service, request.page_token.as_deref(), |_| true)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct GetOperationsForResource {
    resource_name: String,
    page_token: Option<String>,
}

/// Operations outlive their resource: this finds the deletion too.
pub(crate) async fn list_for_resource(
    service: &Arc<Service>,
    request: GetOperationsForResource,
) -> Result<Value, Fault> {
    let name = &request.resource_name;
    let state = service.store.now();
    if !state.is_taken(name) && !state.operations.iter().any(|operation| operation.resource_name == *name) {
        return Err(Fault::no_such("Resource", name));
    }
    page(service, request.page_token.as_deref(), |operation| operation.resource_name == *name)
}

fn page(service: &Service, token: Option<&str>, wanted: impl Fn(&Operation) -> bool) -> Result<Value, Fault> {
    let state = service.store.now();
    let keyed = state.operations.iter().filter(|operation| wanted(operation));
    let keyed: Vec<(String, &Operation)> = keyed
        .map(|operation| (format!("{:020} {}", operation.created_at.as_microsecond(), operation.id), operation))
        .collect();
    let page = super::paging::page(keyed, token, PAGE)?;
    let views: Vec<Value> = page.items.iter().map(|operation| view(operation, &service.options.region)).collect();
    Ok(json!({ "operations": views, "nextPageToken": page.next }))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ABOUT: About<'_> = About { name: "web", resource_type: "Instance", zone: "eu-west-1a" };

    #[test]
    fn an_operation_that_has_ended_stays_as_it_ended() {
        let mut state = State::default();
        let id = begin(&mut state, &ABOUT, Some("StartInstance"), Status::NotStarted).id;
        mark(&mut state, id, Status::Started, None);
        mark(&mut state, id, Status::Failed, Some("no power"));
        mark(&mut state, id, Status::Succeeded, None);
        assert_eq!(state.operations[0].status, Status::Failed);
        assert_eq!(state.operations[0].error_details.as_deref(), Some("no power"));
    }

    #[test]
    fn the_oldest_finished_operations_are_forgotten_first() {
        let mut state = State::default();
        let open = begin(&mut state, &ABOUT, Some("StartInstance"), Status::Started).id;
        for _ in 0..REMEMBERED + 5 {
            done(&mut state, &ABOUT, "AttachStaticIp", None);
        }
        assert_eq!(state.operations.len(), REMEMBERED);
        assert_eq!(state.operations[0].id, open);
    }
}
