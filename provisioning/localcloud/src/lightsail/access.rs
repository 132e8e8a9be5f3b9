//! The way into an instance: a temporary key with a certificate, and the host keys to expect.

use std::sync::Arc;

use secrecy::ExposeSecret as _;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{fault::Fault, instances, operations::epoch, service::Service, state::InstanceState};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct GetAccessDetails {
    instance_name: String,
    protocol: Option<String>,
}

pub(crate) async fn details(service: &Arc<Service>, request: GetAccessDetails) -> Result<Value, Fault> {
    let name = &request.instance_name;
    instances::observe(service).await?;
    let state = service.store.now();
    let instance = state.instances.get(name).ok_or_else(|| Fault::no_such("Instance", name))?;
    if request.protocol.as_deref() == Some("rdp") {
        return Err(Fault::invalid(format!("The instance runs Linux and has no RDP access: {name}")));
    }
    if instance.state != InstanceState::Running {
        let state = instance.state.name();
        return Err(Fault::failed(format!("The instance must be running to be accessed: {name} is {state}")));
    }
    let access = service.hardware.access(&instance.id).await;
    let access = access.map_err(|failure| Fault::service(failure.to_string()))?;
    let host_keys: Vec<Value> = (access.host_keys.iter())
        .map(|key| {
            json!({
                "algorithm": key.algorithm,
                "publicKey": key.public_key,
                "fingerprintSHA1": key.fingerprint_sha1,
                "fingerprintSHA256": key.fingerprint_sha256,
                "witnessedAt": epoch(key.witnessed_at),
                "notValidBefore": epoch(key.not_valid_before),
                "notValidAfter": epoch(key.not_valid_after),
            })
        })
        .collect();
    Ok(json!({ "accessDetails": {
        "instanceName": name,
        "protocol": "ssh",
        "username": access.user,
        "ipAddress": state.public_address_of(name),
        "privateKey": access.private_key.expose_secret(),
        "certKey": access.certificate,
        "expiresAt": epoch(access.expires_at),
        "hostKeys": host_keys,
    } }))
}
