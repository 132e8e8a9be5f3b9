//! The TLS certificates of load balancers, signed by themselves.
//!
//! On AWS an authority issues them once records in the DNS prove whose the domain is. No DNS of the world leads here, so a
//! certificate is issued at once and its records are said to be in place. API Gateway here trusts the one in use.

use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use rcgen::{CertificateParams, DnType, KeyPair, date_time_ymd};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{found, found_mut};
use crate::{
    lightsail::{
        fault::Fault,
        operations::{self, About},
        service::{Service, check_names_free, random_hex},
        state::{self, Common, State, Tag},
        tags,
    },
    network::balancer,
};

pub(crate) const TYPE: &str = "LoadBalancerTlsCertificate";

/// By the documentation of load balancers.
const PER_BALANCER: usize = 2;

/// Domains in one certificate, by the documentation of `CreateLoadBalancerTlsCertificate`: one and nine alternatives.
const ALTERNATIVES: usize = 9;

/// Seconds since 1970 of the first day of 2020 and of 2120, between which all certificates of this cloud are valid.
const NOT_BEFORE: i64 = 1_577_836_800;
const NOT_AFTER: i64 = 4_733_510_400;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Certificate {
    #[serde(flatten)]
    pub(crate) common: Common,
    domain: String,
    alternatives: Vec<String>,
    /// DER, base64.
    certificate: String,
    /// PKCS #8, DER, base64.
    #[serde(serialize_with = "state::expose")]
    key: SecretString,
}

impl Certificate {
    /// Makes one for `domain` and `alternatives`.
    pub(crate) fn issue(
        service: &Service,
        domain: &str,
        alternatives: Vec<String>,
        tags: Vec<Tag>,
    ) -> Result<Self, Fault> {
        if alternatives.len() > ALTERNATIVES {
            return Err(Fault::invalid(format!("A certificate can have at most {ALTERNATIVES} alternative names.")));
        }
        let names: Vec<String> = std::iter::once(domain.to_owned()).chain(alternatives.iter().cloned()).collect();
        let wrong = |error: rcgen::Error| Fault::invalid(format!("No certificate can be made for {domain}: {error}"));
        if names.iter().any(|name| !name.contains('.')) {
            return Err(Fault::invalid(format!("The domain name is not valid: {}", names.join(", "))));
        }
        let key = KeyPair::generate().map_err(wrong)?;
        let mut parameters = CertificateParams::new(names).map_err(wrong)?;
        parameters.distinguished_name.push(DnType::CommonName, domain);
        parameters.not_before = date_time_ymd(2020, 1, 1);
        parameters.not_after = date_time_ymd(2120, 1, 1);
        let certificate = parameters.self_signed(&key).map_err(wrong)?;
        Ok(Self {
            common: service.common(TYPE, &random_hex(17), &service.options.region, tags),
            domain: domain.to_owned(),
            alternatives,
            certificate: STANDARD.encode(certificate.der()),
            key: STANDARD.encode(key.serialize_der()).into(),
        })
    }

    /// As a balancer serves it.
    pub(super) fn served(&self) -> Option<balancer::Certificate> {
        let certificate = STANDARD.decode(&self.certificate).ok()?;
        let key = STANDARD.decode(self.key.expose_secret()).ok()?;
        Some(balancer::Certificate { certificate, key: balancer::Key(key) })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Create {
    load_balancer_name: String,
    certificate_name: String,
    certificate_domain_name: String,
    #[serde(default)]
    certificate_alternative_names: Vec<String>,
    #[serde(default)]
    tags: Vec<Tag>,
}

pub(crate) async fn create(service: &Arc<Service>, request: Create) -> Result<Value, Fault> {
    let (balancer, name) = (request.load_balancer_name, request.certificate_name);
    let tags = tags::checked(request.tags)?;
    let alternatives = request.certificate_alternative_names;
    let made = Certificate::issue(service, &request.certificate_domain_name, alternatives, tags)?;
    let operation = service
        .store
        .change(|state| {
            let count = found(state, &balancer)?.certificates.len();
            if count >= PER_BALANCER {
                return Err(Fault::invalid(format!("A load balancer can have at most {PER_BALANCER} certificates.")));
            }
            check_names_free(state, std::slice::from_ref(&name))?;
            let about = About::new(&name, TYPE, &made.common);
            let operation = operations::done(state, &about, "CreateLoadBalancerTlsCertificate", Some(&balancer));
            found_mut(state, &balancer)?.certificates.insert(name, made);
            Ok(operation)
        })
        .await?;
    Ok(operations::answer(service, &[operation]))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct List {
    load_balancer_name: String,
}

pub(crate) async fn list(service: &Arc<Service>, request: List) -> Result<Value, Fault> {
    let state = service.store.now();
    let name = &request.load_balancer_name;
    let balancer = found(&state, name)?;
    let views = balancer.certificates.iter().map(|(certificate, one)| {
        let is_attached = balancer.attached_certificate.as_ref() == Some(certificate);
        view(service, name, certificate, one, is_attached)
    });
    Ok(json!({ "tlsCertificates": views.collect::<Vec<_>>() }))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Named {
    load_balancer_name: String,
    certificate_name: String,
    #[serde(default)]
    force: bool,
}

/// The one that was attached before is attached no more.
pub(crate) async fn attach(service: &Arc<Service>, request: Named) -> Result<Value, Fault> {
    change(service, &request, "AttachLoadBalancerTlsCertificate", |state, balancer, name| {
        found_mut(state, balancer)?.attached_certificate = Some(name.to_owned());
        Ok(())
    })
    .await
}

pub(crate) async fn delete(service: &Arc<Service>, request: Named) -> Result<Value, Fault> {
    let force = request.force;
    change(service, &request, "DeleteLoadBalancerTlsCertificate", |state, balancer, name| {
        let balancer = found_mut(state, balancer)?;
        if balancer.attached_certificate.as_deref() == Some(name) {
            if !force {
                return Err(Fault::failed(format!("The certificate is attached and force is not given: {name}")));
            }
            balancer.attached_certificate = None;
            balancer.redirects_to_https = false;
        }
        balancer.certificates.remove(name);
        Ok(())
    })
    .await
}

async fn change(
    service: &Arc<Service>,
    request: &Named,
    operation_type: &str,
    change: impl Fn(&mut State, &str, &str) -> Result<(), Fault>,
) -> Result<Value, Fault> {
    let Named { load_balancer_name: balancer, certificate_name: name, .. } = request;
    let operation = service
        .store
        .change(|state| {
            let certificate = found(state, balancer)?.certificates.get(name);
            let common = certificate.ok_or_else(|| Fault::no_such(TYPE, name))?.common.clone();
            change(state, balancer, name)?;
            Ok(operations::done(state, &About::new(name, TYPE, &common), operation_type, Some(balancer)))
        })
        .await?;
    service.arranged().await?;
    Ok(operations::answer(service, &[operation]))
}

fn view(service: &Service, balancer: &str, name: &str, certificate: &Certificate, is_attached: bool) -> Value {
    let names: Vec<&String> = std::iter::once(&certificate.domain).chain(&certificate.alternatives).collect();
    let record = |domain: &String| {
        json!({
            "domainName": domain, "name": format!("_jewel.{domain}."), "type": "CNAME",
            "value": "_jewel.acm-validations.aws.", "validationStatus": "SUCCESS",
        })
    };
    json!({
        "name": name,
        "arn": certificate.common.arn,
        "supportCode": certificate.common.support_code,
        "createdAt": operations::epoch(certificate.common.created_at),
        "location": { "availabilityZone": "all", "regionName": service.options.region },
        "resourceType": TYPE,
        "tags": certificate.common.tags,
        "loadBalancerName": balancer,
        "isAttached": is_attached,
        "status": "ISSUED",
        "domainName": certificate.domain,
        "domainValidationRecords": names.iter().copied().map(record).collect::<Vec<_>>(),
        "issuedAt": operations::epoch(certificate.common.created_at),
        "issuer": "the local cloud",
        "keyAlgorithm": "EC_prime256v1",
        "signatureAlgorithm": "SHA256WITHECDSA",
        "subject": format!("CN={}", certificate.domain),
        "subjectAlternativeNames": names,
        "notBefore": NOT_BEFORE,
        "notAfter": NOT_AFTER,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_validity_is_what_is_said() {
        assert_eq!(date_time_ymd(2020, 1, 1).unix_timestamp(), NOT_BEFORE);
        assert_eq!(date_time_ymd(2120, 1, 1).unix_timestamp(), NOT_AFTER);
    }
}
