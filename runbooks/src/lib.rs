//! What operators do to a running shop. Each operation is a function over a [`Context`] and, where it works on the
//! instance, a [`Reach`]: an SSH connection through a door that is open only meanwhile.
//!
//! ```no_run
//! # async fn deploy(context: &jewel_runbooks::Context<'_>, release: jewel_runbooks::DeployApi<'_>) -> Result<(), jewel_runbooks::Error> {
//! let reach = context.reach().await?;
//! let database = jewel_runbooks::database::open(&reach).await?;
//! let migrated = jewel_runbooks::migrate::up(&database, &[], &Default::default(), &mut |_| {}).await;
//! let deployed = jewel_runbooks::deploy_api(&reach, &release, &mut |_| {}).await;
//! reach.close().await?; // also after a failure: the door must not stay open
//! # migrated?; deployed?; Ok(()) }
//! ```
//!
//! Nothing here prints, asks or reads settings. What AWS looks like is `jewel-aws`'s business, what happens on the host
//! `jewel-host`'s, and what a migration is `jewel-migrations`'s; this crate puts them together.

pub mod access;
pub mod backup;
pub mod check;
mod compatible;
mod context;
pub mod database;
mod delivery;
pub mod demo;
mod deploy_api;
mod deploy_site;
pub mod drill;
mod error;
pub mod journal;
pub mod maintenance;
pub mod migrate;
pub mod pages;
pub mod payments;
pub mod restore;
pub mod rollback;
pub mod secrets;
mod signing;
mod site;
pub mod snapshots;
mod terms;

pub use access::{Reach, close_doors};
pub use check::{Check, Health, Probe, check};
pub use compatible::SchemaNow;
pub use context::Context;
pub use database::Database;
pub use delivery::is_delivered;
pub use deploy_api::{DeployApi, deploy_api};
pub use deploy_site::{
    DeploySite, OnSiteEvent, SiteEvent, SiteReport, compare_site, deploy_site, put_back_site, site_releases,
};
pub use error::Error;
pub use payments::{PaymentMethod, Payments};
pub use site::manifest::{SiteObject, SiteRelease};
pub use terms::{ShippingRate, Terms};
