//! Static IPs: addresses that stay when instances come and go.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    fault::Fault,
    operations::{self, About, Operation},
    paging,
    service::{Service, check_names_free, random_hex},
    state::{InstanceState, State, StaticIp},
};

const TYPE: &str = "StaticIp";

/// The zone AWS shows for what is in no zone.
const ALL_ZONES: &str = "all";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Named {
    static_ip_name: String,
}

pub(crate) async fn allocate(service: &Arc<Service>, request: Named) -> Result<Value, Fault> {
    let name = request.static_ip_name;
    let operation = service
        .store
        .change(|state| {
            check_names_free(state, std::slice::from_ref(&name))?;
            let address = service.take_public_address(state)?;
            let common = service.common(TYPE, &random_hex(17), ALL_ZONES, Vec::new());
            state.static_ips.insert(name.clone(), StaticIp { common: common.clone(), address, attached_to: None });
            Ok(operations::done(state, &About::new(&name, TYPE, &common), "AllocateStaticIp", None))
        })
        .await?;
    service.arranged().await?;
    Ok(operations::answer(service, &[operation]))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Attach {
    static_ip_name: String,
    instance_name: String,
}

/// Attaching what is attached elsewhere moves it, as on AWS; another static IP of the instance must be detached first.
pub(crate) async fn attach(service: &Arc<Service>, request: Attach) -> Result<Value, Fault> {
    let Attach { static_ip_name: name, instance_name: instance } = request;
    let operations = service
        .store
        .change(|state| {
            let ip = state.static_ips.get(&name).ok_or_else(|| Fault::no_such(TYPE, &name))?.common.clone();
            let target = state.instances.get(&instance).ok_or_else(|| Fault::no_such("Instance", &instance))?;
            if target.state == InstanceState::ShuttingDown {
                return Err(Fault::failed(format!("The instance is being deleted: {instance}")));
            }
            let zone = target.common.clone();
            if let Some((other, _)) = state.static_ip_of(&instance).filter(|(other, _)| **other != name) {
                return Err(Fault::invalid(format!("The instance {instance} already has a static IP: {other}")));
            }
            let before = state.static_ips.get_mut(&name).and_then(|ip| ip.attached_to.replace(instance.clone()));
            if let Some(before) = before.filter(|before| *before != instance) {
                give_own_address(service, state, &before)?;
            }
            if let Some(target) = state.instances.get_mut(&instance) {
                target.public_address = None;
            }
            Ok(both(state, "AttachStaticIp", &About::new(&name, TYPE, &ip), &About::new(&instance, "Instance", &zone)))
        })
        .await?;
    service.arranged().await?;
    Ok(operations::answer(service, &operations))
}

pub(crate) async fn detach(service: &Arc<Service>, request: Named) -> Result<Value, Fault> {
    let name = request.static_ip_name;
    let operations = service
        .store
        .change(|state| {
            let ip = state.static_ips.get_mut(&name).ok_or_else(|| Fault::no_such(TYPE, &name))?;
            let common = ip.common.clone();
            let instance = ip.attached_to.take();
            let instance = instance.ok_or_else(|| Fault::failed(format!("The static IP is not attached: {name}")))?;
            give_own_address(service, state, &instance)?;
            let zone = state.instances.get(&instance).map_or_else(|| common.clone(), |found| found.common.clone());
            Ok(both(
                state,
                "DetachStaticIp",
                &About::new(&name, TYPE, &common),
                &About::new(&instance, "Instance", &zone),
            ))
        })
        .await?;
    service.arranged().await?;
    Ok(operations::answer(service, &operations))
}

/// Releasing one that is attached detaches it, as on AWS.
pub(crate) async fn release(service: &Arc<Service>, request: Named) -> Result<Value, Fault> {
    let name = request.static_ip_name;
    let operation = service
        .store
        .change(|state| {
            let ip = state.static_ips.remove(&name).ok_or_else(|| Fault::no_such(TYPE, &name))?;
            if let Some(instance) = &ip.attached_to {
                give_own_address(service, state, instance)?;
            }
            Ok(operations::done(state, &About::new(&name, TYPE, &ip.common), "ReleaseStaticIp", None))
        })
        .await?;
    service.arranged().await?;
    Ok(operations::answer(service, &[operation]))
}

pub(crate) async fn get(service: &Arc<Service>, request: Named) -> Result<Value, Fault> {
    let state = service.store.now();
    let name = &request.static_ip_name;
    let ip = state.static_ips.get(name).ok_or_else(|| Fault::no_such(TYPE, name))?;
    Ok(json!({ "staticIp": view(service, name, ip) }))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct List {
    page_token: Option<String>,
}

pub(crate) async fn list(service: &Arc<Service>, request: List) -> Result<Value, Fault> {
    let state = service.store.now();
    let views = state.static_ips.iter().map(|(name, ip)| (name, view(service, name, ip)));
    let page = paging::page(views, request.page_token.as_deref(), paging::PAGE)?;
    Ok(json!({ "staticIps": page.items, "nextPageToken": page.next }))
}

/// An instance that is up and has lost its static IP gets an address of its own again.
fn give_own_address(service: &Service, state: &mut State, instance: &str) -> Result<(), Fault> {
    let needs_one = state.instances.get(instance).is_some_and(|instance| {
        matches!(instance.state, InstanceState::Pending | InstanceState::Running) && instance.public_address.is_none()
    });
    if needs_one {
        let address = service.take_public_address(state)?;
        if let Some(instance) = state.instances.get_mut(instance) {
            instance.public_address = Some(address);
        }
    }
    Ok(())
}

/// Attaching and detaching concern two resources, and AWS records it with both.
fn both(state: &mut State, operation_type: &str, one: &About<'_>, other: &About<'_>) -> Vec<Operation> {
    vec![
        operations::done(state, one, operation_type, Some(other.name)),
        operations::done(state, other, operation_type, Some(one.name)),
    ]
}

fn view(service: &Service, name: &str, ip: &StaticIp) -> Value {
    json!({
        "name": name,
        "arn": ip.common.arn,
        "supportCode": ip.common.support_code,
        "createdAt": operations::epoch(ip.common.created_at),
        "location": { "availabilityZone": ip.common.availability_zone, "regionName": service.options.region },
        "resourceType": TYPE,
        "ipAddress": ip.address,
        "attachedTo": ip.attached_to,
        "isAttached": ip.attached_to.is_some(),
    })
}
