//! Whom Lightsail's alarms tell: one mail address for all shops of the account in the Region.

use async_trait::async_trait;
use aws_sdk_lightsail::{
    Client,
    types::{ContactMethod as Described, ContactMethodStatus, ContactProtocol},
};
use jewel_engine::{Context, Desired, Failure, FieldChange, Found, Inputs, Memo, Ownership, Price, Resource};

use super::{alarm, tag_list, tag_pairs};
use crate::{Clients, StackSpec, classify, failure::optional, prices, tags::Tags};

/// The mail contact of the Region.
///
/// Lightsail has one. Where it is somebody else's, be it another address, it is used as it is: the alarms ring there, the
/// plan says so, and the shop's own addresses still get the other alarms. When its owner goes while other alarms tell it,
/// it is left to theirs.
pub(crate) struct ContactMethod {
    client: Client,
    region: String,
    email: String,
    tags: Tags,
}

impl ContactMethod {
    /// The contact for the first address of the alerts. Without one it can only be looked for and taken away.
    pub(crate) fn new(spec: &StackSpec, clients: &Clients) -> Self {
        Self {
            client: clients.lightsail.clone(),
            region: spec.region.clone(),
            email: spec.alerts.emails.first().cloned().unwrap_or_default(),
            tags: Tags::new(spec, "contact"),
        }
    }

    async fn add(&self) -> Result<(), Failure> {
        let create = self.client.create_contact_method().protocol(ContactProtocol::Email);
        let sent = create.contact_endpoint(&self.email).set_tags(Some(tag_list(&self.tags))).send().await;
        sent.map(drop).map_err(|error| classify(format!("make {}", self.title()), error))
    }

    async fn remove(&self) -> Result<(), Failure> {
        let sent = self.client.delete_contact_method().protocol(ContactProtocol::Email).send().await;
        sent.map(drop).map_err(|error| classify(format!("delete {}", self.title()), error))
    }

    /// The tags of another shop whose alarms tell this contact, or none where its owner has no tags of ours.
    async fn other_user(&self) -> Result<Option<Option<Tags>>, Failure> {
        let alarms = alarm::all(&self.client, &Memo::default()).await?;
        let user = alarms.values().find(|alarm| {
            let tag = |wanted: &str, value: &str| tag_pairs(alarm.tags()).any(|pair| pair == (wanted, value));
            let ours = tag("jewel:project", &self.tags.project) && tag("jewel:env", &self.tags.env);
            !ours && alarm.contact_protocols().contains(&ContactProtocol::Email)
        });
        Ok(user.map(|alarm| {
            let tag = |wanted: &str| {
                tag_pairs(alarm.tags()).find(|(key, _)| *key == wanted).map(|(_, value)| value.to_owned())
            };
            let (project, env) = (tag("jewel:project")?, tag("jewel:env")?);
            Some(Tags { project, env, role: self.tags.role.clone() })
        }))
    }

    /// Marks it as somebody else's.
    async fn leave_to(&self, name: &str, tags: Option<Tags>) -> Result<(), Failure> {
        let action = format!("leave {} to others", self.title());
        match tags {
            Some(tags) => {
                let tag = self.client.tag_resource().resource_name(name).set_tags(Some(tag_list(&tags)));
                tag.send().await.map(drop).map_err(|error| classify(action, error))
            }
            None => {
                let keys = self.tags.pairs().map(|(key, _)| key.to_owned()).to_vec();
                let untag = self.client.untag_resource().resource_name(name).set_tag_keys(Some(keys));
                untag.send().await.map(drop).map_err(|error| classify(action, error))
            }
        }
    }
}

#[async_trait]
impl Resource for ContactMethod {
    fn title(&self) -> String {
        format!("Lightsail mail contact of {}", self.region)
    }

    fn price(&self) -> Option<Price> {
        Some(prices::free("Lightsail contact method", "Lightsail's notices are free", "2026-11-22"))
    }

    fn desired(&self, _inputs: &Inputs) -> Desired {
        Desired::new().set("asked", true).set("email", self.email.as_str())
    }

    async fn read(&self, _cx: &Context<'_>) -> Result<Option<Found>, Failure> {
        let sent = self.client.get_contact_methods().protocols(ContactProtocol::Email).send().await;
        let answer = optional(sent.map_err(|error| classify(format!("read {}", self.title()), error)))?;
        let contacts = answer.and_then(|answer| answer.contact_methods).unwrap_or_default();
        let Some(contact) = contacts.into_iter().find(|one| one.protocol() == Some(&ContactProtocol::Email)) else {
            return Ok(None);
        };
        let whose = match self.tags.ownership(tag_pairs(contact.tags())) {
            Ownership::Foreign(marks) => Ownership::Shared(shared(&contact, &marks)),
            whose => whose,
        };
        Ok(Some(
            Found::new()
                .owned(whose)
                // The link in AWS's mail works for a day; after that only a new mail helps.
                .attribute("asked", contact.status() != Some(&ContactMethodStatus::Invalid))
                .attribute("email", contact.contact_endpoint())
                .output("name", contact.name()),
        ))
    }

    async fn create(&self, _cx: &Context<'_>) -> Result<(), Failure> {
        self.add().await
    }

    async fn update(&self, _cx: &Context<'_>, _found: &Found, changes: &[FieldChange]) -> Result<(), Failure> {
        if changes.iter().any(|change| change.field == "email") {
            // There is no other way to another address.
            self.remove().await?;
            return self.add().await;
        }
        let protocol = aws_sdk_lightsail::types::ContactMethodVerificationProtocol::Email;
        let sent = self.client.send_contact_method_verification().protocol(protocol).send().await;
        sent.map(drop).map_err(|error| classify(format!("ask {} again", self.email), error))
    }

    async fn delete(&self, _cx: &Context<'_>, found: &Found) -> Result<(), Failure> {
        match self.other_user().await? {
            Some(tags) => self.leave_to(found.text("name")?, tags).await,
            None => self.remove().await,
        }
    }
}

fn shared(contact: &Described, marks: &str) -> String {
    let endpoint = contact.contact_endpoint().unwrap_or("somebody");
    format!("Lightsail has one mail contact in a Region, and {marks}; its alarms tell {endpoint}")
}
