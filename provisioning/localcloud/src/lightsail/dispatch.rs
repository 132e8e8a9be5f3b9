//! The one table from operation names to functions. Building an operation is one function and one line here.

use std::{collections::HashMap, sync::Arc, sync::LazyLock};

use futures::future::BoxFuture;
use serde_json::Value;

use super::{
    access, addons, address_types, alarms, auto_snapshots, catalog, contacts, databases, fault::Fault, instances,
    load_balancers, load_balancers::certificates, manual_snapshots, metrics, model::MODEL, operations, parameters,
    passwords, ports, service::Service, static_ips, tags,
};

type Handler = fn(Arc<Service>, Value) -> BoxFuture<'static, Result<Value, Fault>>;

/// Wraps `async fn(&Arc<Service>, Request) -> Result<Value, Fault>`; the request is already held against the model.
macro_rules! to {
    ($function:path) => {
        |service, request| {
            Box::pin(async move {
                let request = serde_json::from_value(request).map_err(|error| {
                    Fault::service(format!("The request passed the model but not the service: {error}"))
                })?;
                $function(&service, request).await
            })
        }
    };
}

#[rustfmt::skip]
const OPERATIONS: &[(&str, Handler)] = &[
    ("AllocateStaticIp", to!(static_ips::allocate)),
    ("AttachInstancesToLoadBalancer", to!(load_balancers::attach)),
    ("AttachLoadBalancerTlsCertificate", to!(certificates::attach)),
    ("AttachStaticIp", to!(static_ips::attach)),
    ("CloseInstancePublicPorts", to!(ports::close)),
    ("CopySnapshot", to!(manual_snapshots::copy::copy)),
    ("CreateContactMethod", to!(contacts::create)),
    ("CreateInstanceSnapshot", to!(manual_snapshots::instances::create)),
    ("CreateInstances", to!(instances::create::create)),
    ("CreateInstancesFromSnapshot", to!(instances::restore::create)),
    ("CreateLoadBalancer", to!(load_balancers::create)),
    ("CreateLoadBalancerTlsCertificate", to!(certificates::create)),
    ("CreateRelationalDatabase", to!(databases::create)),
    ("CreateRelationalDatabaseFromSnapshot", to!(databases::restore::create)),
    ("CreateRelationalDatabaseSnapshot", to!(manual_snapshots::databases::create)),
    ("DeleteAlarm", to!(alarms::delete)),
    ("DeleteAutoSnapshot", to!(auto_snapshots::delete)),
    ("DeleteContactMethod", to!(contacts::delete)),
    ("DeleteInstance", to!(instances::delete)),
    ("DeleteInstanceSnapshot", to!(manual_snapshots::instances::delete)),
    ("DeleteLoadBalancer", to!(load_balancers::delete)),
    ("DeleteLoadBalancerTlsCertificate", to!(certificates::delete)),
    ("DeleteRelationalDatabase", to!(databases::delete)),
    ("DeleteRelationalDatabaseSnapshot", to!(manual_snapshots::databases::delete)),
    ("DetachInstancesFromLoadBalancer", to!(load_balancers::detach)),
    ("DetachStaticIp", to!(static_ips::detach)),
    ("DisableAddOn", to!(addons::disable)),
    ("EnableAddOn", to!(addons::enable)),
    ("GetAlarms", to!(alarms::list)),
    ("GetAutoSnapshots", to!(auto_snapshots::list)),
    ("GetBlueprints", to!(catalog::blueprints)),
    ("GetBundles", to!(catalog::bundles)),
    ("GetContactMethods", to!(contacts::list)),
    ("GetInstance", to!(instances::get)),
    ("GetInstanceAccessDetails", to!(access::details)),
    ("GetInstanceMetricData", to!(metrics::of_instance)),
    ("GetInstancePortStates", to!(ports::states)),
    ("GetInstanceSnapshot", to!(manual_snapshots::instances::get)),
    ("GetInstanceSnapshots", to!(manual_snapshots::instances::list)),
    ("GetInstanceState", to!(instances::state)),
    ("GetInstances", to!(instances::list)),
    ("GetLoadBalancer", to!(load_balancers::get)),
    ("GetLoadBalancerTlsCertificates", to!(certificates::list)),
    ("GetLoadBalancers", to!(load_balancers::list)),
    ("GetOperation", to!(operations::get)),
    ("GetOperations", to!(operations::list)),
    ("GetOperationsForResource", to!(operations::list_for_resource)),
    ("GetRegions", to!(catalog::regions)),
    ("GetRelationalDatabase", to!(databases::get)),
    ("GetRelationalDatabaseBlueprints", to!(catalog::database_blueprints)),
    ("GetRelationalDatabaseBundles", to!(catalog::database_bundles)),
    ("GetRelationalDatabaseEvents", to!(databases::events::list)),
    ("GetRelationalDatabaseLogEvents", to!(databases::logs::events)),
    ("GetRelationalDatabaseLogStreams", to!(databases::logs::streams)),
    ("GetRelationalDatabaseMasterUserPassword", to!(passwords::get)),
    ("GetRelationalDatabaseMetricData", to!(metrics::of_database)),
    ("GetRelationalDatabaseParameters", to!(parameters::get)),
    ("GetRelationalDatabaseSnapshot", to!(manual_snapshots::databases::get)),
    ("GetRelationalDatabaseSnapshots", to!(manual_snapshots::databases::list)),
    ("GetRelationalDatabases", to!(databases::list)),
    ("GetStaticIp", to!(static_ips::get)),
    ("GetStaticIps", to!(static_ips::list)),
    ("OpenInstancePublicPorts", to!(ports::open)),
    ("PutAlarm", to!(alarms::put)),
    ("PutInstancePublicPorts", to!(ports::put)),
    ("RebootInstance", to!(instances::reboot)),
    ("RebootRelationalDatabase", to!(databases::reboot)),
    ("ReleaseStaticIp", to!(static_ips::release)),
    ("SendContactMethodVerification", to!(contacts::send_verification)),
    ("SetIpAddressType", to!(address_types::set)),
    ("StartInstance", to!(instances::start)),
    ("StartRelationalDatabase", to!(databases::start)),
    ("StopInstance", to!(instances::stop)),
    ("StopRelationalDatabase", to!(databases::stop)),
    ("TagResource", to!(tags::tag)),
    ("TestAlarm", to!(alarms::test)),
    ("UntagResource", to!(tags::untag)),
    ("UpdateLoadBalancerAttribute", to!(load_balancers::update)),
    ("UpdateRelationalDatabase", to!(databases::update)),
    ("UpdateRelationalDatabaseParameters", to!(parameters::update)),
];

static TABLE: LazyLock<HashMap<&str, Handler>> = LazyLock::new(|| OPERATIONS.iter().copied().collect());

/// Answers one request.
///
/// # Errors
/// The operation's own refusal, the model's, or that there is no such operation (here, or at all).
pub(crate) async fn call(service: Arc<Service>, operation: &str, mut request: Value) -> Result<Value, Fault> {
    let Some(shapes) = MODEL.operations.get(operation) else {
        return Err(Fault::unknown_operation(operation));
    };
    let (Some(shapes), Some(handler)) = (shapes, TABLE.get(operation)) else {
        return Err(Fault::not_built(operation));
    };
    MODEL.check(&shapes.input, &mut request)?;
    handler(service, request).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_and_the_derived_model_hold_the_same_operations() {
        let mut built: Vec<&str> =
            MODEL.operations.iter().filter(|(_, shapes)| shapes.is_some()).map(|(name, _)| name.as_str()).collect();
        built.sort_unstable();
        let table: Vec<&str> = OPERATIONS.iter().map(|(name, _)| *name).collect();
        assert_eq!(table, built);
    }
}
