//! Instances: the requests. The work they begin is in [`work`], what is made from snapshots in [`restore`].

pub(crate) mod create;
pub(crate) mod restore;
pub(crate) mod work;

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    addons, catalog,
    fault::Fault,
    operations::{self, About, Operation, Status},
    paging, ports,
    service::Service,
    state::{Instance, InstanceState, InstanceWork, Job, State},
};

pub(crate) const TYPE: &str = "Instance";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Named {
    instance_name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Get {
    instance_name: String,
    #[serde(default)]
    include_health_status: bool,
}

pub(crate) async fn get(service: &Arc<Service>, request: Get) -> Result<Value, Fault> {
    observe(service).await?;
    let state = service.store.now();
    let instance = found(&state, &request.instance_name)?;
    Ok(json!({ "instance": view(service, &state, &request.instance_name, instance, request.include_health_status) }))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct List {
    page_token: Option<String>,
    #[serde(default)]
    include_health_status: bool,
}

pub(crate) async fn list(service: &Arc<Service>, request: List) -> Result<Value, Fault> {
    observe(service).await?;
    let state = service.store.now();
    let health = request.include_health_status;
    let views = state.instances.iter().map(|(name, instance)| (name, view(service, &state, name, instance, health)));
    let page = paging::page(views, request.page_token.as_deref(), paging::PAGE)?;
    Ok(json!({ "instances": page.items, "nextPageToken": page.next }))
}

pub(crate) async fn state(service: &Arc<Service>, request: Named) -> Result<Value, Fault> {
    observe(service).await?;
    let state = service.store.now();
    let instance = found(&state, &request.instance_name)?;
    Ok(json!({ "state": { "code": instance.state.code(), "name": instance.state.name() } }))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Start {
    instance_name: String,
    attribute_updates: Option<Value>,
}

pub(crate) async fn start(service: &Arc<Service>, request: Start) -> Result<Value, Fault> {
    if request.attribute_updates.is_some_and(|updates| updates.get("bundleId").is_some()) {
        return Err(Fault::not_built("Changing the bundle at StartInstance"));
    }
    command(service, &request.instance_name, InstanceWork::Start, |state, service, name| {
        expect(state, name, &[InstanceState::Stopped], "started")?;
        if state.static_ip_of(name).is_none() {
            let address = service.take_public_address(state)?;
            found_mut(state, name)?.public_address = Some(address);
        }
        Ok(InstanceState::Pending)
    })
    .await
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Stop {
    instance_name: String,
}

pub(crate) async fn stop(service: &Arc<Service>, request: Stop) -> Result<Value, Fault> {
    command(service, &request.instance_name, InstanceWork::Stop, |state, _, name| {
        expect(state, name, &[InstanceState::Running], "stopped")?;
        Ok(InstanceState::Stopping)
    })
    .await
}

/// As on EC2, an instance that reboots stays `running`; the operation says when it is back.
pub(crate) async fn reboot(service: &Arc<Service>, request: Named) -> Result<Value, Fault> {
    command(service, &request.instance_name, InstanceWork::Reboot, |state, _, name| {
        expect(state, name, &[InstanceState::Running], "rebooted")?;
        Ok(InstanceState::Running)
    })
    .await
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Delete {
    instance_name: String,
    #[serde(default)]
    force_delete_add_ons: bool,
}

/// Possible in every state but one: work that is under way is waited for, in the background.
pub(crate) async fn delete(service: &Arc<Service>, request: Delete) -> Result<Value, Fault> {
    command(service, &request.instance_name, InstanceWork::Delete, |state, _, name| {
        let instance = found(state, name)?;
        if instance.state == InstanceState::ShuttingDown {
            return Err(Fault::failed(format!("The instance is already being deleted: {name}")));
        }
        if instance.auto_snapshot.is_some() && !request.force_delete_add_ons {
            return Err(Fault::invalid(format!(
                "The instance has add-ons enabled: {name}. Disable them first, or set forceDeleteAddOns."
            )));
        }
        // A static IP outlives its instance, and is billed.
        for ip in state.static_ips.values_mut().filter(|ip| ip.attached_to.as_deref() == Some(name)) {
            ip.attached_to = None;
        }
        Ok(InstanceState::ShuttingDown)
    })
    .await
}

/// Checks and begins: `transition` says which state the instance goes through, or why it cannot.
async fn command(
    service: &Arc<Service>,
    name: &str,
    work: InstanceWork,
    transition: impl FnOnce(&mut State, &Service, &str) -> Result<InstanceState, Fault>,
) -> Result<Value, Fault> {
    observe(service).await?;
    let (operation, begun): (Operation, work::Begun) = service
        .store
        .change(|state| {
            let common = found(state, name)?.common.clone();
            let next = transition(state, service, name)?;
            let about = About::new(name, TYPE, &common);
            let operation = operations::begin(state, &about, Some(work::operation_type(work)), Status::NotStarted);
            let job = Job { work, operation: Some(operation.id) };
            let instance = found_mut(state, name)?;
            instance.state = next;
            instance.job = Some(job);
            Ok((operation, (name.to_owned(), instance.id.clone(), job)))
        })
        .await?;
    work::begin(service, begun);
    Ok(operations::answer(service, &[operation]))
}

fn found<'a>(state: &'a State, name: &str) -> Result<&'a Instance, Fault> {
    state.instances.get(name).ok_or_else(|| Fault::no_such(TYPE, name))
}

fn found_mut<'a>(state: &'a mut State, name: &str) -> Result<&'a mut Instance, Fault> {
    state.instances.get_mut(name).ok_or_else(|| Fault::no_such(TYPE, name))
}

fn expect(state: &State, name: &str, states: &[InstanceState], to_be: &str) -> Result<(), Fault> {
    let instance = found(state, name)?;
    if states.contains(&instance.state) && instance.job.is_none() {
        return Ok(());
    }
    let busy = if instance.job.is_some() { ", and another operation is in progress" } else { "" };
    Err(Fault::failed(format!(
        "The instance is not in a state in which it can be {to_be}: {name} is {}{busy}",
        instance.state.name()
    )))
}

/// Notices instances that have gone down by themselves (someone powered them off from within): they are `stopped`, as on
/// EC2.
pub(crate) async fn observe(service: &Arc<Service>) -> Result<(), Fault> {
    let mut gone = Vec::new();
    for (name, instance) in &service.store.now().instances {
        let should_run = instance.state == InstanceState::Running && instance.job.is_none();
        if should_run && !service.hardware.machine_runs(&instance.id).await {
            gone.push((name.clone(), instance.id.clone()));
        }
    }
    if gone.is_empty() || service.closing.is_cancelled() {
        return Ok(());
    }
    service
        .store
        .change(|state| {
            for (name, id) in &gone {
                let same = |instance: &&mut Instance| {
                    instance.id == *id && instance.state == InstanceState::Running && instance.job.is_none()
                };
                if let Some(instance) = state.instances.get_mut(name).filter(same) {
                    tracing::warn!(instance = name, "went down by itself");
                    instance.state = InstanceState::Stopped;
                    instance.public_address = None;
                }
            }
            Ok(())
        })
        .await?;
    service.arranged().await
}

fn view(service: &Service, state: &State, name: &str, instance: &Instance, health: bool) -> Value {
    let bundle = catalog::bundle(&instance.bundle_id).ok();
    let blueprint = catalog::blueprint(&instance.blueprint_id).ok();
    let location = json!({
        "availabilityZone": instance.common.availability_zone,
        "regionName": service.options.region,
    });
    let disk = bundle.map(|bundle| {
        json!({
            "createdAt": operations::epoch(instance.common.created_at),
            "sizeInGb": bundle.disk_gb,
            "isSystemDisk": true,
            "iops": bundle.disk_gb * 3,
            "path": "/dev/xvda",
            "attachedTo": name,
            "attachmentState": "attached",
        })
    });
    let status = match instance.state {
        InstanceState::Running if instance.job.is_none() => "ok",
        InstanceState::Running | InstanceState::Pending => "initializing",
        _ => "not-applicable",
    };
    json!({
        "name": name,
        "arn": instance.common.arn,
        "supportCode": instance.common.support_code,
        "createdAt": operations::epoch(instance.common.created_at),
        "location": location,
        "resourceType": TYPE,
        "tags": instance.common.tags,
        "blueprintId": instance.blueprint_id,
        "blueprintName": blueprint.map(|blueprint| blueprint.name),
        "bundleId": instance.bundle_id,
        "addOns": addons::views(instance),
        "isStaticIp": state.static_ip_of(name).is_some(),
        "privateIpAddress": instance.private_address,
        "publicIpAddress": state.public_address_of(name),
        "ipv6Addresses": [],
        "ipAddressType": instance.ip_address_type,
        "hardware": {
            "cpuCount": bundle.map(|bundle| bundle.cpus),
            "disks": disk.into_iter().collect::<Vec<_>>(),
            "ramSizeInGb": bundle.map(|bundle| bundle.ram_gb),
        },
        "networking": {
            "monthlyTransfer": { "gbPerMonthAllocated": bundle.map(|bundle| bundle.transfer_gb) },
            "ports": instance.ports.iter().map(ports::networking_view).collect::<Vec<_>>(),
        },
        "state": { "code": instance.state.code(), "name": instance.state.name() },
        "username": blueprint.map(|blueprint| blueprint.user),
        "sshKeyName": "LightsailDefaultKeyPair",
        "metadataOptions": {
            "state": "applied",
            "httpTokens": "required",
            "httpEndpoint": "disabled",
            "httpPutResponseHopLimit": 1,
            "httpProtocolIpv6": "disabled",
        },
        "instanceStatus": health.then(|| json!({ "status": status })),
        "systemStatus": health.then(|| json!({ "status": status })),
    })
}
