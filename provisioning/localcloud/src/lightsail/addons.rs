//! The automatic-snapshot add-on of an instance: its switch. What it takes is in [`super::auto_snapshots`].

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    fault::Fault,
    operations::{self, About},
    service::Service,
    state::{AutoSnapshot, Instance},
};

/// When AWS takes the snapshot if it is not told: some night hour of the region. Here always the same.
const DEFAULT_TIME: &str = "06:00";

/// What a request says about an add-on.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AddOnRequest {
    add_on_type: String,
    auto_snapshot_add_on_request: Option<AutoSnapshotRequest>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AutoSnapshotRequest {
    snapshot_time_of_day: Option<String>,
}

/// # Errors
/// When it is another add-on, or the time is not a full hour.
pub(crate) fn auto_snapshot(request: AddOnRequest) -> Result<AutoSnapshot, Fault> {
    check_type(&request.add_on_type)?;
    let asked = request.auto_snapshot_add_on_request.and_then(|request| request.snapshot_time_of_day);
    let time_of_day = asked.unwrap_or_else(|| DEFAULT_TIME.to_owned());
    if !time_of_day.ends_with(":00") {
        return Err(Fault::invalid(format!("The snapshot time must be in hourly increments (HH:00): {time_of_day}")));
    }
    Ok(AutoSnapshot { time_of_day })
}

fn check_type(add_on: &str) -> Result<(), Fault> {
    if add_on == "AutoSnapshot" { Ok(()) } else { Err(Fault::not_built(&format!("The add-on {add_on}"))) }
}

/// The add-ons as `GetInstance` shows them.
pub(crate) fn views(instance: &Instance) -> Vec<Value> {
    let view = |add_on: &AutoSnapshot| {
        json!({
            "name": "AutoSnapshot",
            "status": "Enabled",
            "snapshotTimeOfDay": add_on.time_of_day,
            "nextSnapshotTimeOfDay": add_on.time_of_day,
        })
    };
    instance.auto_snapshot.iter().map(view).collect()
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Enable {
    resource_name: String,
    add_on_request: AddOnRequest,
}

pub(crate) async fn enable(service: &Arc<Service>, request: Enable) -> Result<Value, Fault> {
    let add_on = auto_snapshot(request.add_on_request)?;
    change(service, &request.resource_name, "EnableAddOn", Some(add_on)).await
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Disable {
    resource_name: String,
    add_on_type: String,
}

/// Disabling what is not enabled is no error, as on AWS.
pub(crate) async fn disable(service: &Arc<Service>, request: Disable) -> Result<Value, Fault> {
    check_type(&request.add_on_type)?;
    change(service, &request.resource_name, "DisableAddOn", None).await
}

async fn change(
    service: &Arc<Service>,
    name: &str,
    operation_type: &str,
    wanted: Option<AutoSnapshot>,
) -> Result<Value, Fault> {
    let operation = service
        .store
        .change(|state| {
            let taken = state.is_taken(name);
            let instance = state.instances.get_mut(name).ok_or_else(|| match taken {
                true => Fault::invalid(format!("The add-on is for instances and disks only: {name}")),
                false => Fault::no_such("Instance", name),
            })?;
            instance.auto_snapshot = wanted;
            let common = instance.common.clone();
            Ok(operations::done(state, &About::new(name, "Instance", &common), operation_type, Some("AutoSnapshot")))
        })
        .await?;
    Ok(operations::answer(service, &[operation]))
}
