//! Load balancers: one public address before several instances.
//!
//! `dnsName` is the public address itself; on AWS it is a name, but nothing outside could resolve one of this cloud.
//! Session stickiness is refused, because nothing here brings it about. Health checks come as often as on AWS times the
//! time factor, and at most every second. An instance that is deleted is taken out of its balancers.

pub(crate) mod arrange;
pub(crate) mod certificates;

use std::{collections::BTreeMap, net::Ipv4Addr, sync::Arc};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use self::certificates::Certificate;
use super::{
    delays,
    fault::Fault,
    operations::{self, About, Operation, Status},
    paging,
    service::{Service, check_names_free, random_hex},
    state::{Common, InstanceState, State, Tag},
    tags,
};
use crate::network::balancer::{Health, Reason};

pub(crate) const TYPE: &str = "LoadBalancer";

/// The policy AWS gives to a balancer that asks for none.
const TLS_POLICY: &str = "TLS-2016-08";
const TLS_POLICIES: [&str; 2] = [TLS_POLICY, "TLS-FS-Res-1-2-2019-08"];

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct LoadBalancer {
    #[serde(flatten)]
    pub(crate) common: Common,
    pub(crate) address: Ipv4Addr,
    pub(crate) instance_port: u16,
    pub(crate) health_check_path: String,
    pub(crate) ip_address_type: String,
    pub(crate) redirects_to_https: bool,
    tls_policy: String,
    /// Names.
    pub(crate) instances: Vec<String>,
    pub(crate) certificates: BTreeMap<String, Certificate>,
    pub(crate) attached_certificate: Option<String>,
    /// The operation that makes it, until it is made.
    provisioning: Option<Uuid>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Create {
    load_balancer_name: String,
    instance_port: i64,
    health_check_path: Option<String>,
    certificate_name: Option<String>,
    certificate_domain_name: Option<String>,
    #[serde(default)]
    certificate_alternative_names: Vec<String>,
    #[serde(default)]
    tags: Vec<Tag>,
    ip_address_type: Option<String>,
    tls_policy_name: Option<String>,
}

pub(crate) async fn create(service: &Arc<Service>, request: Create) -> Result<Value, Fault> {
    let name = request.load_balancer_name;
    let instance_port = u16::try_from(request.instance_port).ok().filter(|port| *port != 0);
    let instance_port =
        instance_port.ok_or_else(|| Fault::invalid("The instance port must be between 1 and 65535."))?;
    let health_check_path = checked_path(request.health_check_path.as_deref().unwrap_or("/"))?;
    let tls_policy = checked_policy(request.tls_policy_name.as_deref().unwrap_or(TLS_POLICY))?;
    let tags = tags::checked(request.tags)?;
    let certificate = match (request.certificate_name, request.certificate_domain_name) {
        (Some(name), Some(domain)) => {
            Some((name, Certificate::issue(service, &domain, request.certificate_alternative_names, Vec::new())?))
        }
        (None, None) if request.certificate_alternative_names.is_empty() => None,
        _ => return Err(Fault::invalid("certificateName and certificateDomainName must be given together.")),
    };
    let operations = service
        .store
        .change(|state| {
            let names: Vec<String> =
                [&name].into_iter().chain(certificate.as_ref().map(|one| &one.0)).cloned().collect();
            check_names_free(state, &names)?;
            let common = service.common(TYPE, &random_hex(17), &service.options.region, tags);
            let begun = operations::begin(
                state,
                &About::new(&name, TYPE, &common),
                Some("CreateLoadBalancer"),
                Status::Started,
            );
            let mut operations = vec![begun];
            if let Some((certificate, made)) = &certificate {
                let about = About::new(certificate, certificates::TYPE, &made.common);
                operations.push(operations::done(state, &about, "CreateLoadBalancerTlsCertificate", Some(&name)));
            }
            let balancer = LoadBalancer {
                address: service.take_public_address(state)?,
                instance_port,
                health_check_path,
                ip_address_type: request.ip_address_type.unwrap_or_else(|| "dualstack".to_owned()),
                redirects_to_https: false,
                tls_policy,
                instances: Vec::new(),
                certificates: certificate.into_iter().collect(),
                attached_certificate: None,
                provisioning: Some(operations[0].id),
                common,
            };
            state.load_balancers.insert(name.clone(), balancer);
            Ok(operations)
        })
        .await?;
    service.arranged().await?;
    provide(service, name);
    Ok(operations::answer(service, &operations))
}

/// Ends the making of those whose making was cut off.
pub(crate) fn resume(service: &Arc<Service>) {
    let state = service.store.now();
    let unfinished = state.load_balancers.iter().filter(|(_, balancer)| balancer.provisioning.is_some());
    unfinished.for_each(|(name, _)| provide(service, name.clone()));
}

/// It listens at once, but is said to be made only after AWS's time.
fn provide(service: &Arc<Service>, name: String) {
    let shared = service.clone();
    service.spawn(async move {
        shared.pace(delays::usual("CreateLoadBalancer")).await;
        let finish = |state: &mut State| {
            let operation = state.load_balancers.get_mut(&name).and_then(|balancer| balancer.provisioning.take());
            if let Some(operation) = operation {
                operations::mark(state, operation, Status::Succeeded, None);
            }
        };
        shared.record(finish).await;
    });
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Named {
    load_balancer_name: String,
}

pub(crate) async fn get(service: &Arc<Service>, request: Named) -> Result<Value, Fault> {
    let state = service.store.now();
    let name = &request.load_balancer_name;
    Ok(json!({ "loadBalancer": view(service, &state, name, found(&state, name)?).await }))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct List {
    page_token: Option<String>,
}

pub(crate) async fn list(service: &Arc<Service>, request: List) -> Result<Value, Fault> {
    let state = service.store.now();
    let views = state.load_balancers.iter().map(async |(name, one)| (name, view(service, &state, name, one).await));
    let views = futures::future::join_all(views).await;
    let page = paging::page(views, request.page_token.as_deref(), paging::PAGE)?;
    Ok(json!({ "loadBalancers": page.items, "nextPageToken": page.next }))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Instances {
    load_balancer_name: String,
    instance_names: Vec<String>,
}

/// What is attached already stays; one operation each, as on AWS.
pub(crate) async fn attach(service: &Arc<Service>, request: Instances) -> Result<Value, Fault> {
    change(service, &request, "AttachInstancesToLoadBalancer", |state, balancer, instance| {
        let found = state.instances.get(instance).ok_or_else(|| Fault::no_such("Instance", instance))?;
        if found.state != InstanceState::Running {
            let state = found.state.name();
            return Err(Fault::failed(format!("The instance must be running to be attached: {instance} is {state}")));
        }
        let balancer = found_mut(state, balancer)?;
        if !balancer.instances.iter().any(|attached| attached == instance) {
            balancer.instances.push(instance.to_owned());
        }
        Ok(())
    })
    .await
}

pub(crate) async fn detach(service: &Arc<Service>, request: Instances) -> Result<Value, Fault> {
    change(service, &request, "DetachInstancesFromLoadBalancer", |state, balancer, instance| {
        let found = found_mut(state, balancer)?;
        let at = found.instances.iter().position(|attached| attached == instance);
        let at = at.ok_or_else(|| Fault::invalid(format!("The instance is not attached to {balancer}: {instance}")))?;
        found.instances.remove(at);
        Ok(())
    })
    .await
}

async fn change(
    service: &Arc<Service>,
    request: &Instances,
    operation_type: &str,
    change: impl Fn(&mut State, &str, &str) -> Result<(), Fault>,
) -> Result<Value, Fault> {
    let name = &request.load_balancer_name;
    let operations = service
        .store
        .change(|state| {
            let common = found(state, name)?.common.clone();
            let mut operations: Vec<Operation> = Vec::new();
            for instance in &request.instance_names {
                change(state, name, instance)?;
                let about = About::new(name, TYPE, &common);
                operations.push(operations::done(state, &about, operation_type, Some(instance)));
            }
            Ok(operations)
        })
        .await?;
    service.arranged().await?;
    Ok(operations::answer(service, &operations))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Update {
    load_balancer_name: String,
    attribute_name: String,
    attribute_value: String,
}

pub(crate) async fn update(service: &Arc<Service>, request: Update) -> Result<Value, Fault> {
    let Update { load_balancer_name: name, attribute_name: attribute, attribute_value: value } = request;
    let operation = service
        .store
        .change(|state| {
            let balancer = found_mut(state, &name)?;
            match (attribute.as_str(), value.as_str()) {
                ("HealthCheckPath", path) => balancer.health_check_path = checked_path(path)?,
                ("TlsPolicyName", policy) => balancer.tls_policy = checked_policy(policy)?,
                ("HttpsRedirectionEnabled", "true") if balancer.attached_certificate.is_none() => {
                    return Err(Fault::failed(format!("The load balancer has no TLS certificate attached: {name}")));
                }
                ("HttpsRedirectionEnabled", "true" | "false") => balancer.redirects_to_https = value == "true",
                ("SessionStickinessEnabled", "false") => {}
                ("SessionStickinessEnabled" | "SessionStickiness_LB_CookieDurationSeconds", _) => {
                    return Err(Fault::not_built("Session stickiness of a load balancer"));
                }
                _ => return Err(Fault::invalid(format!("The value of {attribute} is not valid: {value}"))),
            }
            let common = balancer.common.clone();
            let about = About::new(&name, TYPE, &common);
            Ok(operations::done(state, &about, "UpdateLoadBalancerAttribute", Some(&attribute)))
        })
        .await?;
    service.arranged().await?;
    Ok(operations::answer(service, &[operation]))
}

/// Its certificates go with it, as on AWS.
pub(crate) async fn delete(service: &Arc<Service>, request: Named) -> Result<Value, Fault> {
    let name = request.load_balancer_name;
    let operation = service
        .store
        .change(|state| {
            let balancer = state.load_balancers.remove(&name).ok_or_else(|| Fault::no_such(TYPE, &name))?;
            if let Some(operation) = balancer.provisioning {
                operations::mark(state, operation, Status::Succeeded, None);
            }
            Ok(operations::done(state, &About::new(&name, TYPE, &balancer.common), "DeleteLoadBalancer", None))
        })
        .await?;
    service.arranged().await?;
    Ok(operations::answer(service, &[operation]))
}

pub(crate) fn found<'a>(state: &'a State, name: &str) -> Result<&'a LoadBalancer, Fault> {
    state.load_balancers.get(name).ok_or_else(|| Fault::no_such(TYPE, name))
}

pub(crate) fn found_mut<'a>(state: &'a mut State, name: &str) -> Result<&'a mut LoadBalancer, Fault> {
    state.load_balancers.get_mut(name).ok_or_else(|| Fault::no_such(TYPE, name))
}

fn checked_path(path: &str) -> Result<String, Fault> {
    if path.starts_with('/') && path.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(path.to_owned());
    }
    Err(Fault::invalid(format!("The health check path must begin with a slash: {path}")))
}

fn checked_policy(policy: &str) -> Result<String, Fault> {
    if TLS_POLICIES.contains(&policy) {
        return Ok(policy.to_owned());
    }
    Err(Fault::invalid(format!("The TLS policy is not valid: {policy} (of {})", TLS_POLICIES.join(", "))))
}

/// A health in the model's words: the state, and the reason if it is not healthy.
fn words(health: Option<Health>) -> (&'static str, Option<&'static str>) {
    match health {
        None => ("initial", Some("Lb.RegistrationInProgress")),
        Some(Health::Initial) => ("initial", Some("Lb.InitialHealthChecking")),
        Some(Health::Healthy) => ("healthy", None),
        Some(Health::Unhealthy(Reason::Status)) => ("unhealthy", Some("Instance.ResponseCodeMismatch")),
        Some(Health::Unhealthy(Reason::Timeout)) => ("unhealthy", Some("Instance.Timeout")),
        Some(Health::Unhealthy(Reason::Failed)) => ("unhealthy", Some("Instance.FailedHealthChecks")),
    }
}

async fn view(service: &Service, state: &State, name: &str, balancer: &LoadBalancer) -> Value {
    let mut healths = Vec::new();
    for instance in &balancer.instances {
        let running = state.instances.get(instance).filter(|found| found.state == InstanceState::Running);
        let (health, reason) = match running {
            None => ("unused", Some("Instance.InvalidState")),
            Some(found) => words(service.hardware.target_health(balancer.address, found.private_address).await),
        };
        healths.push(json!({ "instanceName": instance, "instanceHealth": health, "instanceHealthReason": reason }));
    }
    let speaks_tls = balancer.attached_certificate.is_some();
    let certificates = balancer.certificates.keys().map(|certificate| {
        json!({ "name": certificate, "isAttached": balancer.attached_certificate.as_ref() == Some(certificate) })
    });
    json!({
        "name": name,
        "arn": balancer.common.arn,
        "supportCode": balancer.common.support_code,
        "createdAt": operations::epoch(balancer.common.created_at),
        "location": { "availabilityZone": "all", "regionName": service.options.region },
        "resourceType": TYPE,
        "tags": balancer.common.tags,
        "dnsName": balancer.address,
        "state": if balancer.provisioning.is_some() { "provisioning" } else { "active" },
        "protocol": if speaks_tls { "HTTP_HTTPS" } else { "HTTP" },
        "publicPorts": if speaks_tls { vec![80, 443] } else { vec![80] },
        "healthCheckPath": balancer.health_check_path,
        "instancePort": balancer.instance_port,
        "instanceHealthSummary": healths,
        "tlsCertificateSummaries": certificates.collect::<Vec<_>>(),
        "configurationOptions": { "SessionStickinessEnabled": "false" },
        "ipAddressType": balancer.ip_address_type,
        "httpsRedirectionEnabled": balancer.redirects_to_https,
        "tlsPolicyName": balancer.tls_policy,
    })
}
