//! Contact methods: whom alarms tell, one email address and one telephone number.
//!
//! Nothing is sent anywhere: what AWS would send is written to the daemon's log. The message that verifies an email
//! address has a link, here as there; who opens it (`GET /contact-methods/verify/TOKEN` at this service) has confirmed
//! the address. Telephone numbers need no verification, as the model's documentation of
//! `SendContactMethodVerification` says.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    fault::Fault,
    operations::{self, About},
    service::{Service, random_hex},
    state::{Common, State, Tag},
    tags,
};

pub(crate) const TYPE: &str = "ContactMethod";
const EMAIL: &str = "Email";

/// How long the link of a verification message works; AWS's documentation says a day.
const VERIFICATION_EXPIRES: Duration = Duration::from_secs(24 * 60 * 60);

/// An address that alarms tell.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct ContactMethod {
    #[serde(flatten)]
    pub(crate) common: Common,
    pub(crate) endpoint: String,
    /// What the verification message said; none once it is verified.
    pub(crate) verification: Option<Verification>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Verification {
    pub(crate) token: String,
    pub(crate) sent_at: Timestamp,
}

impl Verification {
    fn send(endpoint: &str) -> Self {
        let verification = Self { token: random_hex(32), sent_at: Timestamp::now() };
        let link = format!("/contact-methods/verify/{}", verification.token);
        tracing::info!(to = endpoint, link, "a message to verify an email address would be sent");
        verification
    }

    fn has_expired(&self) -> bool {
        Timestamp::now().duration_since(self.sent_at).unsigned_abs() > VERIFICATION_EXPIRES
    }
}

impl ContactMethod {
    fn status(&self) -> &'static str {
        match &self.verification {
            None => "Valid",
            Some(verification) if verification.has_expired() => "Invalid",
            Some(_) => "PendingVerification",
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Create {
    protocol: String,
    contact_endpoint: String,
    #[serde(default)]
    tags: Vec<Tag>,
}

pub(crate) async fn create(service: &Arc<Service>, request: Create) -> Result<Value, Fault> {
    let Create { protocol, contact_endpoint: endpoint, tags } = request;
    check_endpoint(&protocol, &endpoint)?;
    let tags = tags::checked(tags)?;
    let operation = service
        .store
        .change(|state| {
            if state.contact_methods.contains_key(&protocol) {
                return Err(Fault::invalid(format!("A contact method already exists for the protocol {protocol}")));
            }
            let common = service.common(TYPE, &random_hex(17), &service.options.region, tags);
            let verification = (protocol == EMAIL).then(|| Verification::send(&endpoint));
            let contact = ContactMethod { common: common.clone(), endpoint, verification };
            let operation =
                operations::done(state, &About::new(&name(&protocol), TYPE, &common), "CreateContactMethod", None);
            state.contact_methods.insert(protocol, contact);
            Ok(operation)
        })
        .await?;
    Ok(operations::answer(service, &[operation]))
}

#[derive(Deserialize)]
pub(crate) struct List {
    #[serde(default)]
    protocols: Vec<String>,
}

pub(crate) async fn list(service: &Arc<Service>, request: List) -> Result<Value, Fault> {
    let state = service.store.now();
    let wanted = |protocol: &String| request.protocols.is_empty() || request.protocols.contains(protocol);
    let contacts = state.contact_methods.iter().filter(|(protocol, _)| wanted(protocol));
    let views: Vec<Value> = contacts.map(|(protocol, contact)| view(service, protocol, contact)).collect();
    Ok(json!({ "contactMethods": views }))
}

#[derive(Deserialize)]
pub(crate) struct Protocol {
    protocol: String,
}

pub(crate) async fn delete(service: &Arc<Service>, request: Protocol) -> Result<Value, Fault> {
    let protocol = request.protocol;
    let operation = service
        .store
        .change(|state| {
            let contact = state.contact_methods.remove(&protocol).ok_or_else(|| Fault::no_such(TYPE, &protocol))?;
            let about = name(&protocol);
            Ok(operations::done(state, &About::new(&about, TYPE, &contact.common), "DeleteContactMethod", None))
        })
        .await?;
    Ok(operations::answer(service, &[operation]))
}

pub(crate) async fn send_verification(service: &Arc<Service>, request: Protocol) -> Result<Value, Fault> {
    let protocol = request.protocol;
    let operation = service
        .store
        .change(|state| {
            let contact = state.contact_methods.get_mut(&protocol).ok_or_else(|| Fault::no_such(TYPE, &protocol))?;
            if contact.verification.is_none() {
                return Err(Fault::invalid(format!("The contact method is already verified: {protocol}")));
            }
            contact.verification = Some(Verification::send(&contact.endpoint));
            let common = contact.common.clone();
            let about = name(&protocol);
            Ok(operations::done(state, &About::new(&about, TYPE, &common), "SendContactMethodVerification", None))
        })
        .await?;
    Ok(operations::answer(service, &[operation]))
}

/// What following the link of a verification message does.
///
/// # Errors
/// When the link was never sent, has been used, or has expired.
pub(crate) async fn verify(service: &Service, token: &str) -> Result<(), Fault> {
    let change = |state: &mut State| {
        let sent = |contact: &&mut ContactMethod| {
            contact.verification.as_ref().is_some_and(|sent| sent.token == token && !sent.has_expired())
        };
        let contact = state.contact_methods.values_mut().find(sent);
        let contact = contact.ok_or_else(|| Fault::not_found("The link is not valid, or not any more."))?;
        contact.verification = None;
        Ok(())
    };
    service.store.change(change).await
}

/// Sends `message` by the protocols that are set up and verified. Says so in the log, and does no more.
pub(crate) fn notify(state: &State, protocols: &[String], message: &str) {
    for protocol in protocols {
        if let Some(contact) = state.contact_methods.get(protocol).filter(|contact| contact.verification.is_none()) {
            tracing::info!(protocol, to = contact.endpoint, message, "a notification would be sent");
        }
    }
}

/// AWS gives contact methods names, but takes none: they are known by their protocol.
pub(crate) fn name(protocol: &str) -> String {
    format!("ContactMethod-{protocol}")
}

fn check_endpoint(protocol: &str, endpoint: &str) -> Result<(), Fault> {
    let valid = if protocol == EMAIL {
        let halves = endpoint.split_once('@');
        halves.is_some_and(|(user, host)| {
            !user.is_empty() && host.contains('.') && !endpoint.contains(char::is_whitespace)
        })
    } else {
        let digits = endpoint.strip_prefix('+').unwrap_or_default();
        (7..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
    };
    if valid {
        return Ok(());
    }
    let wanted = if protocol == EMAIL { "an email address" } else { "a telephone number in E.164 format" };
    Err(Fault::invalid(format!("The contact endpoint is not {wanted}")))
}

fn view(service: &Service, protocol: &str, contact: &ContactMethod) -> Value {
    json!({
        "name": name(protocol),
        "arn": contact.common.arn,
        "supportCode": contact.common.support_code,
        "createdAt": operations::epoch(contact.common.created_at),
        "location": { "availabilityZone": "all", "regionName": service.options.region },
        "resourceType": TYPE,
        "tags": contact.common.tags,
        "protocol": protocol,
        "contactEndpoint": contact.endpoint,
        "status": contact.status(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_are_what_can_be_written_or_called_to() {
        for (protocol, good) in [("Email", "a@b.example"), ("SMS", "+15555550123")] {
            check_endpoint(protocol, good).unwrap();
        }
        for (protocol, bad) in
            [("Email", "a"), ("Email", "@b.c"), ("Email", "a b@c.d"), ("SMS", "555"), ("SMS", "a@b.c")]
        {
            assert!(check_endpoint(protocol, bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_verification_that_nobody_followed_expires() {
        let mut verification = Verification { token: "t".to_owned(), sent_at: Timestamp::now() };
        assert!(!verification.has_expired());
        verification.sent_at = Timestamp::UNIX_EPOCH;
        assert!(verification.has_expired());
    }
}
