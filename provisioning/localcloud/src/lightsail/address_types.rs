//! Which kinds of addresses an instance or a load balancer has: `SetIpAddressType`.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;

use super::{
    fault::Fault,
    operations::{self, About},
    service::Service,
};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Set {
    resource_type: String,
    resource_name: String,
    ip_address_type: String,
}

pub(crate) async fn set(service: &Arc<Service>, request: Set) -> Result<Value, Fault> {
    let (kind, name) = (request.resource_type.as_str(), request.resource_name.as_str());
    if request.ip_address_type == "ipv6" {
        return Err(Fault::invalid(format!("It has a public IPv4 address and cannot be IPv6 only: {name}")));
    }
    let operation = service
        .store
        .change(|state| {
            let (common, kept) = match kind {
                "Instance" => state.instances.get_mut(name).map(|one| (&one.common, &mut one.ip_address_type)),
                "LoadBalancer" => state.load_balancers.get_mut(name).map(|one| (&one.common, &mut one.ip_address_type)),
                other => return Err(Fault::invalid(format!("A {other} has no address type."))),
            }
            .ok_or_else(|| Fault::no_such(kind, name))?;
            request.ip_address_type.clone_into(kept);
            let common = common.clone();
            Ok(operations::done(state, &About::new(name, kind, &common), "SetIpAddressType", None))
        })
        .await?;
    Ok(operations::answer(service, &[operation]))
}
