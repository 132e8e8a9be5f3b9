//! Snapshots: what Lightsail keeps of a machine or a database, and what outlives them.

use aws_sdk_lightsail::types::{AutoSnapshotStatus, InstanceSnapshot, RegionName, RelationalDatabaseSnapshot, Tag};
use jewel_engine::{Failure, FailureKind, Ownership, Usd};
use jiff::Timestamp;

use super::{Machine, tag_list, tag_pairs};
use crate::{Clients, Names, StackSpec, classify, failure::optional, prices, tags::Tags};

/// The role that the tags of a snapshot tell.
const ROLE: &str = "snapshot";

/// What snapshots are taken of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SnapshotOf {
    /// The database.
    Database,
    /// A machine.
    Instance(Machine),
}

impl SnapshotOf {
    /// The middle part of the names of what it is.
    #[must_use]
    pub fn role(&self) -> &str {
        match self {
            Self::Database => "db",
            Self::Instance(machine) => machine.role(),
        }
    }

    /// Whose generation this is.
    fn named(names: &Names, source: &str) -> Option<Self> {
        if names.number("db", source).is_some() {
            return Some(Self::Database);
        }
        Machine::all().find(|one| names.number(one.role(), source).is_some()).map(Self::Instance)
    }
}

/// A snapshot as Lightsail describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnapshotSight {
    /// Its name.
    pub name: String,
    /// What it is of.
    pub of: SnapshotOf,
    /// The generation that it was taken of.
    pub source: String,
    /// When Lightsail began to make it.
    pub created_at: Timestamp,
    /// Its state: `available` when it can be restored.
    pub state: String,
    /// Gigabytes of the disk it is of; it holds no more than that.
    pub gb: Option<i32>,
    /// Whether it carries our tags, so that we may delete it.
    pub is_ours: bool,
}

impl SnapshotSight {
    /// Whether it can be restored.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.state == "available"
    }
}

/// One of the daily snapshots of a machine, which go with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AutomaticSnapshot {
    /// The machine.
    pub source: String,
    /// The day that names it, `YYYY-MM-DD`.
    pub date: String,
    /// When it was taken.
    pub created_at: Timestamp,
    /// Whether it can be restored.
    pub is_whole: bool,
}

/// The snapshots of one shop.
pub struct Snapshots<'a> {
    clients: &'a Clients,
    names: Names,
    tags: Tags,
    region: RegionName,
}

impl<'a> Snapshots<'a> {
    /// Those of the shop that `spec` describes.
    #[must_use]
    pub fn new(spec: &StackSpec, clients: &'a Clients) -> Self {
        let region = RegionName::from(spec.region.as_str());
        Self { clients, names: Names::new(spec), tags: Tags::new(spec, ROLE), region }
    }

    /// All that were taken of any generation of the shop's machines and databases, the oldest first.
    ///
    /// # Errors
    /// When Lightsail refuses.
    pub async fn all(&self) -> Result<Vec<SnapshotSight>, Failure> {
        let (databases, instances) = tokio::try_join!(self.of_databases(), self.of_instances())?;
        let mut all: Vec<SnapshotSight> = databases.into_iter().chain(instances).collect();
        all.sort_by(|a, b| (a.created_at, &a.name).cmp(&(b.created_at, &b.name)));
        Ok(all)
    }

    /// One of them; `None` when it is not there, or of something that is not the shop's.
    ///
    /// # Errors
    /// When Lightsail refuses.
    pub async fn sight(&self, of: &SnapshotOf, name: &str) -> Result<Option<SnapshotSight>, Failure> {
        let (client, action) = (&self.clients.lightsail, format!("read snapshot {name}"));
        if *of == SnapshotOf::Database {
            let sent = client.get_relational_database_snapshot().relational_database_snapshot_name(name).send().await;
            let answer = optional(sent.map_err(|error| classify(action, error)))?;
            let found = answer.and_then(|answer| answer.relational_database_snapshot);
            return Ok(found.and_then(|one| self.of_database(&one)));
        }
        let sent = client.get_instance_snapshot().instance_snapshot_name(name).send().await;
        let answer = optional(sent.map_err(|error| classify(action, error)))?;
        Ok(answer.and_then(|answer| answer.instance_snapshot).and_then(|one| self.of_instance(&one)))
    }

    /// The daily snapshots of one machine, the oldest first; none of one that is gone.
    ///
    /// # Errors
    /// When Lightsail refuses.
    pub async fn automatic(&self, instance: &str) -> Result<Vec<AutomaticSnapshot>, Failure> {
        let sent = self.clients.lightsail.get_auto_snapshots().resource_name(instance).send().await;
        let action = format!("list the automatic snapshots of {instance}");
        let answer = optional(sent.map_err(|error| classify(action, error)))?;
        let automatic = |one: aws_sdk_lightsail::types::AutoSnapshotDetails| {
            Some(AutomaticSnapshot {
                source: instance.to_owned(),
                created_at: Timestamp::from_second(one.created_at()?.secs()).ok()?,
                is_whole: one.status() == Some(&AutoSnapshotStatus::Success),
                date: one.date?,
            })
        };
        let listed = answer.and_then(|answer| answer.auto_snapshots).unwrap_or_default();
        let mut all: Vec<AutomaticSnapshot> = listed.into_iter().filter_map(automatic).collect();
        all.sort_by_key(|one| one.created_at);
        Ok(all)
    }

    /// Orders one, unless there is one of this name: whoever lost the answer finds it.
    ///
    /// # Errors
    /// When Lightsail refuses, or the name is that of a snapshot of something else.
    pub async fn order(&self, of: &SnapshotOf, source: &str, name: &str) -> Result<(), Failure> {
        if self.is_there(of, source, name).await? {
            return Ok(());
        }
        let (client, tags) = (&self.clients.lightsail, Some(tag_list(&self.tags)));
        let action = format!("take snapshot {name} of {source}");
        let sent = if *of == SnapshotOf::Database {
            let create = client.create_relational_database_snapshot().relational_database_name(source);
            let sent = create.relational_database_snapshot_name(name).set_tags(tags).send().await;
            sent.map(drop).map_err(|error| classify(action, error))
        } else {
            let create = client.create_instance_snapshot().instance_name(source);
            let sent = create.instance_snapshot_name(name).set_tags(tags).send().await;
            sent.map(drop).map_err(|error| classify(action, error))
        };
        self.found_after_all(sent, of, source, name).await
    }

    /// Makes one that is kept of a machine's daily one, unless there is one of this name.
    ///
    /// # Errors
    /// As [`Snapshots::order`].
    pub async fn copy(&self, of: &SnapshotOf, automatic: &AutomaticSnapshot, name: &str) -> Result<(), Failure> {
        let source = automatic.source.as_str();
        if self.is_there(of, source, name).await? {
            return Ok(());
        }
        let copy = self.clients.lightsail.copy_snapshot().source_resource_name(source).restore_date(&automatic.date);
        let sent = copy.target_snapshot_name(name).source_region(self.region.clone()).send().await;
        let sent = sent.map(drop).map_err(|error| {
            classify(format!("copy the automatic snapshot of {} of {source} to {name}", automatic.date), error)
        });
        self.found_after_all(sent, of, source, name).await
    }

    /// Marks one as ours: a copy is made without tags.
    ///
    /// # Errors
    /// When Lightsail refuses.
    pub async fn mark(&self, name: &str) -> Result<(), Failure> {
        let sent = self.clients.lightsail.tag_resource().resource_name(name);
        let sent = sent.set_tags(Some(tag_list(&self.tags))).send().await;
        sent.map(drop).map_err(|error| classify(format!("tag snapshot {name}"), error))
    }

    /// Deletes one; does nothing when it is gone.
    ///
    /// # Errors
    /// When Lightsail refuses.
    pub async fn delete(&self, of: &SnapshotOf, name: &str) -> Result<(), Failure> {
        let (client, action) = (&self.clients.lightsail, format!("delete snapshot {name}"));
        let sent = if *of == SnapshotOf::Database {
            let delete = client.delete_relational_database_snapshot().relational_database_snapshot_name(name);
            delete.send().await.map(drop).map_err(|error| classify(action, error))
        } else {
            let sent = client.delete_instance_snapshot().instance_snapshot_name(name).send().await;
            sent.map(drop).map_err(|error| classify(action, error))
        };
        optional(sent).map(drop)
    }

    async fn is_there(&self, of: &SnapshotOf, source: &str, name: &str) -> Result<bool, Failure> {
        match self.sight(of, name).await? {
            Some(sight) if sight.source == source => Ok(true),
            Some(sight) => {
                let why = format!("there is one of this name, of {}", sight.source);
                Err(Failure::permanent(format!("take snapshot {name} of {source}"), why))
            }
            None => Ok(false),
        }
    }

    /// An order whose answer was lost is sent again, and refused because it was taken.
    async fn found_after_all(
        &self,
        sent: Result<(), Failure>,
        of: &SnapshotOf,
        source: &str,
        name: &str,
    ) -> Result<(), Failure> {
        match sent {
            Err(failure) if failure.kind == FailureKind::Conflict && self.is_there(of, source, name).await? => Ok(()),
            sent => sent,
        }
    }

    async fn of_databases(&self) -> Result<Vec<SnapshotSight>, Failure> {
        let (mut all, mut token) = (Vec::new(), None);
        loop {
            let ask = self.clients.lightsail.get_relational_database_snapshots();
            let sent = ask.set_page_token(token).send().await;
            let page = sent.map_err(|error| classify("list the snapshots of databases", error))?;
            all.extend(page.relational_database_snapshots().iter().filter_map(|one| self.of_database(one)));
            token = page.next_page_token.filter(|token| !token.is_empty());
            if token.is_none() {
                return Ok(all);
            }
        }
    }

    async fn of_instances(&self) -> Result<Vec<SnapshotSight>, Failure> {
        let (mut all, mut token) = (Vec::new(), None);
        loop {
            let sent = self.clients.lightsail.get_instance_snapshots().set_page_token(token).send().await;
            let page = sent.map_err(|error| classify("list the snapshots of instances", error))?;
            all.extend(page.instance_snapshots().iter().filter_map(|one| self.of_instance(one)));
            token = page.next_page_token.filter(|token| !token.is_empty());
            if token.is_none() {
                return Ok(all);
            }
        }
    }

    fn of_database(&self, one: &RelationalDatabaseSnapshot) -> Option<SnapshotSight> {
        let source = one.from_relational_database_name()?;
        Some(SnapshotSight {
            name: one.name()?.to_owned(),
            of: SnapshotOf::named(&self.names, source).filter(|of| *of == SnapshotOf::Database)?,
            source: source.to_owned(),
            created_at: Timestamp::from_second(one.created_at()?.secs()).ok()?,
            state: one.state().unwrap_or_default().to_owned(),
            gb: one.size_in_gb(),
            is_ours: self.owns(one.tags()),
        })
    }

    fn of_instance(&self, one: &InstanceSnapshot) -> Option<SnapshotSight> {
        let source = one.from_instance_name()?;
        Some(SnapshotSight {
            name: one.name()?.to_owned(),
            of: SnapshotOf::named(&self.names, source).filter(|of| *of != SnapshotOf::Database)?,
            source: source.to_owned(),
            created_at: Timestamp::from_second(one.created_at()?.secs()).ok()?,
            state: one.state().map_or_else(String::new, |state| state.as_str().to_owned()),
            gb: one.size_in_gb(),
            is_ours: self.owns(one.tags()),
        })
    }

    fn owns(&self, tags: &[Tag]) -> bool {
        self.tags.ownership(tag_pairs(tags)) == Ownership::Ours
    }
}

/// What so many gigabytes in snapshots cost a month. It is the most: several of one disk share what did not change.
#[must_use]
pub fn snapshots_usd(gb: f64) -> Usd {
    prices::SNAPSHOT.usd.times(gb)
}
