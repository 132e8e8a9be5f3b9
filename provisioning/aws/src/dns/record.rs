//! One record of the zone.
//!
//! Records carry no tags. In a zone that the stack made, a name of ours is ours whatever it says, so a change by hand is
//! mended. In a zone that was there before us, a record is ours only while it says what we want: another value may be
//! the address of a shop that sells, and is taken over with `--adopt` only.

use async_trait::async_trait;
use aws_sdk_route53::{
    error::BuildError,
    types::{AliasTarget, Change, ChangeAction, ChangeBatch, ResourceRecord, ResourceRecordSet, RrType},
};
use jewel_engine::{
    Address, Context, Desired, Failure, FailureKind, FieldChange, Found, Inputs, Ownership, Price, Resource, Value,
};
use serde_json::{Value as Json, json};

use super::zone::{Zones, id_of};
use crate::{address, classify, failure::optional, prices};

/// A text known now, or an output of another resource.
#[derive(Debug, Clone)]
pub(crate) enum Text {
    /// Known now.
    Fixed(String),
    /// The output of this name of the resource at this address.
    Output(&'static str, String),
}

impl Text {
    fn resolve(&self, inputs: &Inputs) -> Option<String> {
        match self {
            Self::Fixed(text) => Some(text.clone()),
            Self::Output(address, output) => Some(inputs.text(address, output)?.to_owned()),
        }
    }
}

/// What the record says.
#[derive(Debug, Clone)]
pub(crate) enum Target {
    /// The address of another AWS resource, for free and without a lifetime.
    Alias {
        /// The zone that AWS keeps for resources of that kind.
        zone: &'static str,
        /// Its host name.
        host: Text,
    },
    /// One value.
    Value {
        /// The lifetime in seconds.
        ttl: i64,
        /// The value.
        value: Text,
    },
}

impl Target {
    /// A CloudFront distribution; the zone is the same for all of them (service model of Route 53).
    pub(crate) fn distribution() -> Self {
        Self::Alias { zone: "Z2FDTNDATAQYW2", host: Text::Output(address::DISTRIBUTION, "domain".to_owned()) }
    }

    fn text(&self) -> &Text {
        match self {
            Self::Alias { host, .. } => host,
            Self::Value { value, .. } => value,
        }
    }
}

/// A record of one value.
pub(crate) struct Record {
    zones: Zones,
    /// What it is for, with its type: `A permata.example`.
    label: String,
    name: Text,
    kind: RrType,
    target: Target,
    /// Whether the name can be nobody else's, as the random ones that certificates are validated with.
    unmistakable: bool,
}

impl Record {
    /// A record under a name that others may have used.
    pub(crate) fn new(zones: &Zones, kind: RrType, name: &str, target: Target) -> Self {
        let label = format!("{} {name}", kind.as_str());
        Self { zones: zones.clone(), label, name: Text::Fixed(name.to_owned()), kind, target, unmistakable: false }
    }

    /// A `CNAME` by which a certificate authority sees that `domain` is ours. Both halves are random.
    pub(crate) fn validation(zones: &Zones, domain: &str, name: Text, value: Text) -> Self {
        let label = format!("CNAME that proves {domain} is ours");
        let target = Target::Value { ttl: 300, value };
        Self { zones: zones.clone(), label, name, kind: RrType::Cname, target, unmistakable: true }
    }

    /// The record as it is wanted, once everything in it is known.
    fn wanted(&self, inputs: &Inputs) -> Option<Result<ResourceRecordSet, BuildError>> {
        let (name, text) = (self.name.resolve(inputs)?, self.target.text().resolve(inputs)?);
        let record = ResourceRecordSet::builder().name(dotted(&name)).r#type(self.kind.clone());
        Some(match &self.target {
            Target::Alias { zone, .. } => AliasTarget::builder()
                .hosted_zone_id(*zone)
                .dns_name(dotted(&text))
                .evaluate_target_health(false)
                .build()
                .and_then(|alias| record.alias_target(alias).build()),
            Target::Value { ttl, .. } => ResourceRecord::builder()
                .value(text)
                .build()
                .and_then(|value| record.ttl(*ttl).resource_records(value).build()),
        })
    }

    async fn find(&self, zone: &str, name: &str) -> Result<Option<ResourceRecordSet>, Failure> {
        let list = self.zones.client.list_resource_record_sets().hosted_zone_id(zone).start_record_name(name);
        let sent = list.start_record_type(self.kind.clone()).max_items(1).send().await;
        let page = optional(sent.map_err(|error| classify(format!("read {}", self.title()), error)))?;
        let first = page.and_then(|page| page.resource_record_sets.into_iter().next());
        Ok(first.filter(|set| same_name(set.name(), name) && *set.r#type() == self.kind))
    }

    async fn change(&self, zone: &str, action: ChangeAction, set: ResourceRecordSet) -> Result<(), Failure> {
        let verb = if action == ChangeAction::Delete { "delete" } else { "write" };
        let verb = format!("{verb} {}", self.title());
        let batch = Change::builder()
            .action(action)
            .resource_record_set(set)
            .build()
            .and_then(|change| ChangeBatch::builder().changes(change).build())
            .map_err(|error| Failure::permanent(&verb, error.to_string()))?;
        let sent =
            self.zones.client.change_resource_record_sets().hosted_zone_id(zone).change_batch(batch).send().await;
        sent.map(drop).map_err(|error| {
            let mut failure = classify(verb, error);
            // What was to be deleted is not there any more, or not as it was read: read again.
            if failure.code.as_deref() == Some("InvalidChangeBatch") && failure.message.contains("but ") {
                failure.kind = FailureKind::Conflict;
            }
            failure
        })
    }

    async fn write(&self, cx: &Context<'_>) -> Result<(), Failure> {
        let action = format!("write {}", self.title());
        let zone = self.zones.find(cx.memo).await?;
        let zone = zone.ok_or_else(|| Failure::permanent(&action, "its hosted zone does not exist"))?;
        let wanted = self.wanted(&cx.inputs).ok_or_else(|| Failure::permanent(&action, "its value is not known"))?;
        let wanted = wanted.map_err(|error| Failure::permanent(&action, error.to_string()))?;
        // Made or replaced in one call, and as well repeated.
        self.change(id_of(&zone), ChangeAction::Upsert, wanted).await
    }
}

fn dotted(name: &str) -> String {
    format!("{}.", name.trim_end_matches('.'))
}

fn same_name(one: &str, other: &str) -> bool {
    one.trim_end_matches('.').eq_ignore_ascii_case(other.trim_end_matches('.'))
}

/// What the record says, in words.
fn render(set: &ResourceRecordSet) -> Json {
    let mut json = match set.alias_target() {
        Some(alias) => json!({ "alias": alias.dns_name().trim_end_matches('.'), "zone": alias.hosted_zone_id() }),
        None => {
            let mut values: Vec<_> =
                set.resource_records().iter().map(|record| record.value().trim_end_matches('.')).collect();
            values.sort_unstable();
            json!({ "ttl": set.ttl(), "values": values })
        }
    };
    if set.alias_target().is_some_and(AliasTarget::evaluate_target_health) {
        json["evaluate_target_health"] = true.into();
    }
    if let Some(identifier) = set.set_identifier() {
        json["one_of_several"] = identifier.into();
    }
    json
}

#[async_trait]
impl Resource for Record {
    fn title(&self) -> String {
        format!("DNS record {}", self.label)
    }

    fn needs(&self) -> Vec<Address> {
        if self.zones.are_ours() { vec![address::ZONE.into()] } else { Vec::new() }
    }

    fn read_needs(&self) -> Vec<Address> {
        let of = |text: &Text| match text {
            Text::Fixed(_) => None,
            Text::Output(address, _) => Some(Address::from(*address)),
        };
        [of(&self.name), of(self.target.text())].into_iter().flatten().collect()
    }

    fn price(&self) -> Option<Price> {
        Some(prices::free("Route 53 record", "part of the hosted zone", "2026-11-22"))
    }

    fn desired(&self, inputs: &Inputs) -> Desired {
        // Building fails only where a required part is left out, and none is.
        let wanted = self.wanted(inputs).and_then(Result::ok);
        Desired::new().set("target", wanted.map_or(Value::Unknown, |set| Value::Known(render(&set))))
    }

    async fn read(&self, cx: &Context<'_>) -> Result<Option<Found>, Failure> {
        let Some(name) = self.name.resolve(&cx.inputs) else { return Ok(None) };
        let Some(zone) = self.zones.find(cx.memo).await? else { return Ok(None) };
        let Some(set) = self.find(id_of(&zone), &name).await? else { return Ok(None) };
        let says = render(&set);
        let wanted = self.wanted(&cx.inputs).and_then(Result::ok).map(|set| render(&set));
        let ours = self.unmistakable || self.zones.are_ours() || wanted.as_ref() == Some(&says);
        let ownership = match ours {
            true => Ownership::Ours,
            false => Ownership::Foreign(format!("the zone has one already, which says {says}")),
        };
        Ok(Some(Found::new().owned(ownership).attribute("target", says)))
    }

    async fn create(&self, cx: &Context<'_>) -> Result<(), Failure> {
        self.write(cx).await
    }

    async fn update(&self, cx: &Context<'_>, _found: &Found, _changes: &[FieldChange]) -> Result<(), Failure> {
        self.write(cx).await
    }

    async fn adopt(&self, cx: &Context<'_>, _found: &Found) -> Result<(), Failure> {
        self.write(cx).await
    }

    /// Route 53 deletes a record only when told everything it says.
    async fn delete(&self, cx: &Context<'_>, _found: &Found) -> Result<(), Failure> {
        let Some(name) = self.name.resolve(&cx.inputs) else { return Ok(()) };
        let Some(zone) = self.zones.find(cx.memo).await? else { return Ok(()) };
        let Some(set) = self.find(id_of(&zone), &name).await? else { return Ok(()) };
        self.change(id_of(&zone), ChangeAction::Delete, set).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alias(host: &str) -> ResourceRecordSet {
        let target =
            AliasTarget::builder().hosted_zone_id("Z2FDTNDATAQYW2").dns_name(host).evaluate_target_health(false);
        let record = ResourceRecordSet::builder().name("permata.example.").r#type(RrType::A);
        record.alias_target(target.build().unwrap()).build().unwrap()
    }

    #[test]
    fn the_dot_at_the_end_says_nothing() {
        assert_eq!(render(&alias("d1.cloudfront.net.")), render(&alias("d1.cloudfront.net")));
        assert!(same_name("Permata.example.", "permata.example") && !same_name("a.permata.example", "permata.example"));
    }

    #[test]
    fn one_of_several_is_not_ours() {
        let mut weighted = alias("d1.cloudfront.net.");
        weighted.set_identifier = Some("blue".to_owned());
        assert_ne!(render(&weighted), render(&alias("d1.cloudfront.net.")));
    }
}
