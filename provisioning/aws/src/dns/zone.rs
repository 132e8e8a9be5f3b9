//! The hosted zone of the shop's domain: made and owned, or found and left alone.
//!
//! Route 53 lets two zones have one name, of which only the one the registrar names is ever asked. So a zone is always
//! looked for first, is made with a reference that says whose it is (a creation takes no tags, so a run killed between
//! the two would leave a stranger otherwise), and two of one name are an error and never a guess.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use async_trait::async_trait;
use aws_sdk_route53::{
    Client,
    error::BuildError,
    types::{Change, ChangeAction, ChangeBatch, HostedZone, HostedZoneConfig, RrType, Tag, TagResourceType},
};
use jewel_engine::{
    Context, Desired, Failure, FailureKind, FieldChange, Found, Inputs, Memo, Ownership, Price, Resource,
};
use serde_json::json;

use crate::{
    Clients, DomainSpec, Names, StackSpec, Traffic, ZoneMode, classify,
    failure::{incomplete, optional},
    prices,
    tags::Tags,
};

/// How long a zone may be missing from lists after its creation was refused as repeated.
const LIST_LAG: Duration = Duration::from_secs(45);

/// Where the zone of the domain is looked up; asked once in a pass however many records want it.
#[derive(Debug, Clone)]
pub(crate) struct Zones {
    pub(super) client: Client,
    domain: DomainSpec,
    /// What the references of our zones begin with.
    mark: String,
}

impl Zones {
    pub(crate) fn new(spec: &StackSpec, clients: &Clients, domain: &DomainSpec) -> Self {
        let mark = format!("{}/{}/", Names::new(spec).stack(), domain.name);
        Self { client: clients.route53.clone(), domain: domain.clone(), mark }
    }

    /// Whether the stack makes the zone itself.
    pub(super) fn are_ours(&self) -> bool {
        self.domain.zone == ZoneMode::Create
    }

    /// The zone of the domain; `None` while the one to be made does not exist.
    ///
    /// # Errors
    /// When a zone is to exist and does not, or two have the same claim.
    pub(super) async fn find(&self, memo: &Memo) -> Result<Option<HostedZone>, Failure> {
        let all = memo.once("hosted zones", self.list()).await?;
        let wanted = format!("{}.", self.domain.name);
        let mut zones: Vec<&HostedZone> = match self.domain.zone {
            ZoneMode::Create => all.iter().filter(|zone| zone.name() == wanted).collect(),
            ZoneMode::Existing => {
                let encloses =
                    |zone: &&HostedZone| wanted == zone.name() || wanted.ends_with(&format!(".{}", zone.name()));
                let closest = all.iter().filter(encloses).map(|zone| zone.name().len()).max();
                all.iter().filter(encloses).filter(|zone| Some(zone.name().len()) == closest).collect()
            }
        };
        if self.are_ours() && zones.iter().any(|zone| self.made(zone)) {
            zones.retain(|zone| self.made(zone));
        }
        let action = format!("find the hosted zone of {}", self.domain.name);
        match zones.as_slice() {
            [] if self.are_ours() => Ok(None),
            [] => Err(Failure::permanent(
                action,
                "no hosted zone of this account encloses it; set `dns_zone = \"create\"` to have one made",
            )),
            [zone] => Ok(Some((*zone).clone())),
            several => {
                let ids: Vec<_> = several.iter().map(|zone| id_of(zone)).collect();
                let message = format!("{} have this name; delete those the registrar does not name", ids.join(" and "));
                Err(Failure::permanent(action, message))
            }
        }
    }

    fn made(&self, zone: &HostedZone) -> bool {
        zone.caller_reference().starts_with(&self.mark)
    }

    async fn list(&self) -> Result<Vec<HostedZone>, Failure> {
        let (mut zones, mut marker) = (Vec::new(), None);
        loop {
            let sent = self.client.list_hosted_zones().set_marker(marker).send().await;
            let page = sent.map_err(|error| classify("list hosted zones", error))?;
            marker = page.next_marker.filter(|_| page.is_truncated);
            zones.extend(
                page.hosted_zones.into_iter().filter(|zone| !zone.config().is_some_and(|one| one.private_zone())),
            );
            if marker.is_none() {
                return Ok(zones);
            }
        }
    }
}

/// The id without the path it is answered with.
pub(super) fn id_of(zone: &HostedZone) -> &str {
    zone.id().trim_start_matches("/hostedzone/")
}

/// A zone of our own. Its name servers are known to the registrar, so only `destroy --delete-data` deletes it.
pub(crate) struct Zone {
    zones: Zones,
    tags: Tags,
    /// When a creation was first refused because its reference was used before.
    used: Arc<Mutex<Option<Instant>>>,
    traffic: Traffic,
}

impl Zone {
    pub(crate) fn new(spec: &StackSpec, clients: &Clients, domain: &DomainSpec) -> Self {
        let (zones, traffic) = (Zones::new(spec, clients, domain), spec.traffic.clone());
        Self { zones, tags: Tags::new(spec, "zone"), used: Arc::default(), traffic }
    }

    /// The reference makes a repeated creation fail instead of making a second zone. Should it stay used after a
    /// deletion, it gives way to the next while nothing is listed for long.
    fn reference(&self) -> String {
        let used = *self.used.lock().unwrap_or_else(PoisonError::into_inner);
        match used {
            Some(since) if since.elapsed() > LIST_LAG => {
                format!("{}again-{}", self.zones.mark, jiff::Timestamp::now().as_second() / 86_400)
            }
            _ => format!("{}1", self.zones.mark),
        }
    }

    /// Deletes a page of records that stand in the way of the zone's deletion; false when there is none.
    async fn empty(&self, id: &str, action: &str) -> Result<bool, Failure> {
        let sent = self.zones.client.list_resource_record_sets().hosted_zone_id(id).max_items(300).send().await;
        let page = sent.map_err(|error| classify(action, error))?;
        let apex = format!("{}.", self.zones.domain.name);
        let own = |kind: &RrType| matches!(kind, RrType::Ns | RrType::Soa);
        let changes: Result<Vec<Change>, BuildError> = page
            .resource_record_sets
            .into_iter()
            .filter(|set| !(set.name() == apex && own(set.r#type())))
            .map(|set| Change::builder().action(ChangeAction::Delete).resource_record_set(set).build())
            .collect();
        let changes = changes.map_err(|error| Failure::permanent(action, error.to_string()))?;
        if changes.is_empty() {
            return Ok(false);
        }
        let batch = ChangeBatch::builder().set_changes(Some(changes)).build();
        let batch = batch.map_err(|error| Failure::permanent(action, error.to_string()))?;
        let change = self.zones.client.change_resource_record_sets().hosted_zone_id(id).change_batch(batch);
        change.send().await.map(|_| true).map_err(|error| classify(action, error))
    }

    async fn tag(&self, id: &str) -> Result<(), Failure> {
        let action = format!("tag {}", self.title());
        let tags = self.tags.pairs().into_iter().map(|(key, value)| Tag::builder().key(key).value(value).build());
        let change = self.zones.client.change_tags_for_resource().resource_type(TagResourceType::Hostedzone);
        let sent = change.resource_id(id).set_add_tags(Some(tags.collect())).send().await;
        sent.map(drop).map_err(|error| classify(action, error))
    }
}

#[async_trait]
impl Resource for Zone {
    fn title(&self) -> String {
        format!("hosted zone {}", self.zones.domain.name)
    }

    fn holds_data(&self) -> bool {
        true
    }

    fn whereabouts(&self, found: &Found) -> String {
        let servers = found.outputs.get("name_servers").and_then(|servers| servers.as_array()).map(Vec::len);
        format!("{}, with what others wrote into it and its {} name servers", self.title(), servers.unwrap_or(4))
    }

    fn price(&self) -> Option<Price> {
        Some(prices::zone())
    }

    fn usage(&self) -> Vec<Price> {
        vec![prices::zone_queries(&self.traffic)]
    }

    fn desired(&self, _inputs: &Inputs) -> Desired {
        Desired::new().set("tags", json!(self.tags.map()))
    }

    async fn read(&self, cx: &Context<'_>) -> Result<Option<Found>, Failure> {
        let Some(zone) = self.zones.find(cx.memo).await? else { return Ok(None) };
        let action = format!("read {}", self.title());
        let id = id_of(&zone);
        let client = &self.zones.client;
        let (details, tags) = tokio::join!(
            client.get_hosted_zone().id(id).send(),
            client.list_tags_for_resource().resource_type(TagResourceType::Hostedzone).resource_id(id).send(),
        );
        let Some(details) = optional(details.map_err(|error| classify(&action, error)))? else { return Ok(None) };
        let tags = tags.map_err(|error| classify(&action, error))?.resource_tag_set;
        let tags: Vec<_> =
            tags.iter().flat_map(|set| set.tags()).filter_map(|tag| Some((tag.key()?, tag.value()?))).collect();
        let ownership = match self.tags.ownership(tags.iter().copied()) {
            Ownership::Foreign(_) if self.zones.made(&zone) => Ownership::Ours,
            Ownership::Foreign(why) => {
                Ownership::Foreign(format!("{why}; `dns_zone = \"existing\"` uses it as it is, without taking it over"))
            }
            ours => ours,
        };
        let ours = self.tags.map();
        let marks: std::collections::BTreeMap<_, _> =
            tags.into_iter().filter(|(key, _)| ours.contains_key(*key)).collect();
        let servers =
            details.delegation_set.map(|set| set.name_servers).ok_or_else(|| incomplete(action, "name servers"))?;
        Ok(Some(
            Found::new()
                .owned(ownership)
                .attribute("tags", json!(marks))
                .output("id", id)
                .output("name_servers", json!(servers)),
        ))
    }

    async fn create(&self, _cx: &Context<'_>) -> Result<(), Failure> {
        // Not tagged yet: the next pass finds that and mends it.
        let config = HostedZoneConfig::builder().comment("Made by jewelctl").build();
        let create = self.zones.client.create_hosted_zone().name(&self.zones.domain.name).hosted_zone_config(config);
        let sent = create.caller_reference(self.reference()).send().await;
        sent.map(drop).map_err(|error| classify(format!("create {}", self.title()), error)).inspect_err(|failure| {
            if failure.kind == FailureKind::Conflict {
                self.used.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_with(Instant::now);
            }
        })
    }

    async fn update(&self, _cx: &Context<'_>, found: &Found, _changes: &[FieldChange]) -> Result<(), Failure> {
        self.tag(found.text("id")?).await
    }

    async fn adopt(&self, _cx: &Context<'_>, found: &Found) -> Result<(), Failure> {
        self.tag(found.text("id")?).await
    }

    async fn delete(&self, cx: &Context<'_>, found: &Found) -> Result<(), Failure> {
        let id = found.text("id")?;
        let action = format!("delete {}", self.title());
        if self.empty(id, &action).await? {
            cx.progress("emptying");
            return Ok(());
        }
        let sent = self.zones.client.delete_hosted_zone().id(id).send().await;
        sent.map(drop).map_err(|error| classify(action, error))
    }
}
