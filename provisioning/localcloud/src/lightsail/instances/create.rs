//! New instances: the request for some of a blueprint, and what it has in common with that for some of a snapshot.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;

use super::{TYPE, work};
use crate::lightsail::{
    addons::{self, AddOnRequest},
    catalog,
    fault::Fault,
    operations::{self, About, Status},
    ports,
    service::{Service, check_names_free, random_hex},
    state::{AutoSnapshot, Instance, InstanceState, InstanceWork, Job, State, Tag},
    tags,
};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Create {
    instance_names: Vec<String>,
    availability_zone: String,
    custom_image_name: Option<String>,
    blueprint_id: String,
    bundle_id: String,
    user_data: Option<String>,
    key_pair_name: Option<String>,
    #[serde(default)]
    tags: Vec<Tag>,
    #[serde(default)]
    add_ons: Vec<AddOnRequest>,
    ip_address_type: Option<String>,
}

pub(crate) async fn create(service: &Arc<Service>, request: Create) -> Result<Value, Fault> {
    let blueprint = catalog::blueprint(&request.blueprint_id)?.id.to_owned();
    if request.custom_image_name.is_some() {
        return Err(Fault::invalid("customImageName is deprecated and cannot be used."));
    }
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
    begin_all(service, checked(service, wanted)?, "CreateInstance", |_, _| Ok((blueprint.clone(), None))).await
}

/// What a request for new instances says, whatever they are made from.
pub(super) struct Wanted {
    pub(super) names: Vec<String>,
    pub(super) zone: String,
    pub(super) bundle_id: String,
    pub(super) user_data: Option<String>,
    pub(super) key_pair_name: Option<String>,
    pub(super) tags: Vec<Tag>,
    pub(super) add_ons: Vec<AddOnRequest>,
    pub(super) ip_address_type: Option<String>,
}

/// The same, held against what there is.
pub(super) struct Checked {
    names: Vec<String>,
    zone: String,
    bundle: &'static catalog::Bundle,
    user_data: Option<String>,
    tags: Vec<Tag>,
    auto_snapshot: Option<AutoSnapshot>,
    ip_address_type: String,
}

/// # Errors
/// With what AWS would not take.
pub(super) fn checked(service: &Service, wanted: Wanted) -> Result<Checked, Fault> {
    if wanted.names.is_empty() {
        return Err(Fault::invalid("At least one instance name is required."));
    }
    wanted.names.iter().try_for_each(|name| check_name(name))?;
    service.check_zone(&wanted.zone)?;
    let bundle = catalog::bundle(&wanted.bundle_id)?;
    if let Some(key_pair) = &wanted.key_pair_name {
        return Err(Fault::no_such("KeyPair", key_pair));
    }
    if wanted.ip_address_type.as_deref() == Some("ipv6") {
        return Err(Fault::invalid(format!(
            "The bundle has a public IPv4 address and cannot be IPv6 only: {}",
            bundle.id
        )));
    }
    let add_ons: Vec<_> = wanted.add_ons.into_iter().map(addons::auto_snapshot).collect::<Result<_, _>>()?;
    Ok(Checked {
        names: wanted.names,
        zone: wanted.zone,
        bundle,
        user_data: wanted.user_data.filter(|script| !script.is_empty()),
        tags: tags::checked(wanted.tags)?,
        auto_snapshot: add_ons.into_iter().last(),
        ip_address_type: wanted.ip_address_type.unwrap_or_else(|| "dualstack".to_owned()),
    })
}

/// Makes the instances; `origin` says for the bundle which blueprint and which snapshot they come from.
pub(super) async fn begin_all(
    service: &Arc<Service>,
    wanted: Checked,
    operation_type: &str,
    origin: impl Fn(&State, &catalog::Bundle) -> Result<(String, Option<String>), Fault>,
) -> Result<Value, Fault> {
    let (operations, begun) = service
        .store
        .change(|state| {
            check_names_free(state, &wanted.names)?;
            let (blueprint_id, origin) = origin(state, wanted.bundle)?;
            let (mut operations, mut begun) = (Vec::new(), Vec::new());
            for name in &wanted.names {
                let id = format!("i-{}", random_hex(12));
                let common = service.common(TYPE, &id, &wanted.zone, wanted.tags.clone());
                let about = About::new(name, TYPE, &common);
                let operation = operations::begin(state, &about, Some(operation_type), Status::NotStarted);
                let job = Job { work: InstanceWork::Create, operation: Some(operation.id) };
                begun.push((name.clone(), id.clone(), job));
                let instance = Instance {
                    id,
                    blueprint_id: blueprint_id.clone(),
                    bundle_id: wanted.bundle.id.to_owned(),
                    ip_address_type: wanted.ip_address_type.clone(),
                    private_address: service.take_private_address(state)?,
                    public_address: Some(service.take_public_address(state)?),
                    user_data: wanted.user_data.clone(),
                    ports: ports::defaults(),
                    auto_snapshot: wanted.auto_snapshot.clone(),
                    auto_snapshots: Vec::new(),
                    origin: origin.clone(),
                    state: InstanceState::Pending,
                    job: Some(job),
                    common,
                };
                state.instances.insert(name.clone(), instance);
                operations.push(operation);
            }
            Ok((operations, begun))
        })
        .await?;
    for begun in begun {
        work::begin(service, begun);
    }
    Ok(operations::answer(service, &operations))
}

/// The model constrains instance names only where they are read; a name that could never be read back is refused here.
fn check_name(name: &str) -> Result<(), Fault> {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let shape = name.starts_with(word) && name.ends_with(word) && name.chars().all(|c| word(c) || c == '-');
    if shape && (2..=255).contains(&name.len()) {
        return Ok(());
    }
    Err(Fault::invalid(format!(
        "The instance name is not valid: '{name}'. Names have 2 to 255 letters, digits, hyphens and underscores, and begin and \
         end with a letter, digit or underscore."
    )))
}
