//! `CreateInstancesFromSnapshot`: new instances with the disk of an old one.
//!
//! What was on the disk is there, host keys included. What was not on the disk is not: the firewall is the default one,
//! the address is new, and add-ons are those of the request.

use std::{collections::BTreeMap, sync::Arc};

use serde::Deserialize;
use serde_json::Value;

use super::create::{Wanted, begin_all, checked};
use crate::lightsail::{
    addons::AddOnRequest,
    auto_snapshots::{self, Which},
    catalog,
    fault::Fault,
    manual_snapshots::{self, usable},
    service::Service,
    state::{State, Tag},
};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CreateFrom {
    instance_names: Vec<String>,
    #[serde(default)]
    attached_disk_mapping: BTreeMap<String, Value>,
    availability_zone: String,
    instance_snapshot_name: Option<String>,
    bundle_id: String,
    user_data: Option<String>,
    key_pair_name: Option<String>,
    #[serde(default)]
    tags: Vec<Tag>,
    #[serde(default)]
    add_ons: Vec<AddOnRequest>,
    ip_address_type: Option<String>,
    source_instance_name: Option<String>,
    restore_date: Option<String>,
    #[serde(default)]
    use_latest_restorable_auto_snapshot: bool,
}

pub(crate) async fn create(service: &Arc<Service>, request: CreateFrom) -> Result<Value, Fault> {
    if !request.attached_disk_mapping.is_empty() {
        return Err(Fault::not_built("Block storage disks"));
    }
    let which = Which::asked(request.restore_date, request.use_latest_restorable_auto_snapshot)?;
    let (snapshot, instance) = (request.instance_snapshot_name, request.source_instance_name);
    let from = match (snapshot, instance, which) {
        (Some(name), None, None) => From::Manual(name),
        (None, Some(name), Some(which)) => From::Automatic(name, which),
        _ => {
            return Err(Fault::invalid(
                "Give either instanceSnapshotName, or sourceInstanceName with restoreDate or \
                 useLatestRestorableAutoSnapshot.",
            ));
        }
    };
    let wanted = Wanted {
        names: request.instance_names,
        zone: request.availability_zone,
        bundle_id: request.bundle_id,
        user_data: request.user_data,
        key_pair_name: request.key_pair_name,
        tags: request.tags,
        add_ons: request.add_ons,
        ip_address_type: request.ip_address_type,
    };
    let ready = checked(service, wanted)?;
    begin_all(service, ready, "CreateInstancesFromSnapshot", |state, bundle| {
        let (id, blueprint, source_bundle) = from.found(state)?;
        let source = catalog::bundle(&source_bundle)?;
        if bundle.disk_gb < source.disk_gb || bundle.ram_gb < source.ram_gb {
            return Err(Fault::invalid(format!(
                "The bundle must be the same as that of the snapshot or larger: {} is smaller than {}",
                bundle.id, source.id
            )));
        }
        Ok((blueprint, Some(id)))
    })
    .await
}

enum From {
    Manual(String),
    Automatic(String, Which),
}

impl From {
    /// Id, blueprint and bundle of what is restored.
    fn found(&self, state: &State) -> Result<(String, String, String), Fault> {
        match self {
            Self::Manual(name) => {
                let snapshot = usable(state, manual_snapshots::instances::TYPE, name)?;
                let source = &snapshot.source;
                Ok((snapshot.id.clone(), source.blueprint_id.clone(), source.bundle_id.clone()))
            }
            Self::Automatic(name, which) => {
                let instance = super::found(state, name)?;
                let taken = auto_snapshots::chosen(name, instance, which)?;
                Ok((taken.id.clone(), instance.blueprint_id.clone(), instance.bundle_id.clone()))
            }
        }
    }
}
