//! Lightsail: the machines, their addresses and ports, the load balancer before several, and the database.
//!
//! A database or instance can be neither renamed nor resized, so each is a role played by the newest of several
//! generations (`shop-prod-db-1`, `-db-2`), and a pointer says which: the database secret, and the static IP's attachment.

mod alarm;
mod attachment;
mod auto_snapshots;
mod balancer;
mod contact;
mod database;
mod generation;
mod instance;
mod machine;
mod machines;
mod pointer;
mod ports;
mod snapshots;
mod static_ip;

pub(crate) use alarm::Alarm as LightsailAlarm;
pub(crate) use attachment::Attachment;
pub(crate) use auto_snapshots::AutoSnapshots;
pub(crate) use balancer::{Balancer, BalancerCertificate, BalancerTls, Place, origin_name};
pub(crate) use contact::ContactMethod;
pub(crate) use database::Database;
pub use generation::{DatabaseOrigin, DatabaseSight, Databases};
pub(crate) use instance::Instance;
pub use machine::{MOST_INSTANCES, Machine};
pub use machines::Instances;
pub use pointer::{Pointers, pointers};
pub(crate) use ports::Ports;
pub use snapshots::{AutomaticSnapshot, SnapshotOf, SnapshotSight, Snapshots, snapshots_usd};
pub(crate) use static_ip::StaticIp;

use aws_sdk_lightsail::types::Tag;

use crate::tags::Tags;

/// Our tags as Lightsail takes them.
fn tag_list(tags: &Tags) -> Vec<Tag> {
    tags.pairs().into_iter().map(|(key, value)| Tag::builder().key(key).value(value).build()).collect()
}

/// Lightsail's tags as pairs.
fn tag_pairs(tags: &[Tag]) -> impl Iterator<Item = (&str, &str)> {
    tags.iter().map(|tag| (tag.key().unwrap_or_default(), tag.value().unwrap_or_default()))
}
