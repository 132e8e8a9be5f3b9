//! The shop's resources on AWS, and the clients that reach them.
//!
//! One file per kind of resource, and [`stack`](stack()) for the shape of our stack. Nothing here knows settings files,
//! terminals, or whether the cloud on the other end is AWS: another one is reached by its address alone.
//!
//! The whole path, as the command line walks it:
//!
//! ```no_run
//! # async fn walk(connect: jewel_aws::ConnectOptions, holder: jewel_engine::Holder) -> Result<(), Box<dyn std::error::Error>> {
//! use std::time::Duration;
//! let quiet = |_: jewel_engine::Event| {};
//!
//! let clients = jewel_aws::Clients::connect(&connect).await?;
//! let account_id = clients.account_id().await?;          // compare with the settings before anything else
//! let spec = jewel_aws::StackSpec::new("shop", "prod", &connect.region, &account_id);
//! let stack = jewel_aws::stack(&spec, &clients)?;
//! let observed = jewel_engine::observe(&stack, &Default::default(), &quiet).await;
//! let plan = jewel_engine::plan(&stack, &observed, &Default::default());
//! if plan.refusals.is_empty() && !plan.is_empty() {
//!     // Show it, ask, and only then lock: a plan takes no lock, and a run that changes nothing writes nothing at all.
//!     // (`apply` refuses a plan with refusals, but by then the lock would have made its bucket.)
//!     let lease = jewel_aws::lease(&spec, &clients);
//!     let held = lease.acquire("a unique id", &holder, Duration::ZERO, &|_| jewel_engine::Sight::Alive).await?;
//!     let options = jewel_engine::ApplyOptions { cancel: held.lost().child_token(), ..Default::default() };
//!     let report = jewel_engine::apply(&stack, &plan, &observed, &options, &quiet).await?;
//!     held.release().await?;
//!     let outputs = jewel_aws::outputs(&report.outputs);  // None until all of the stack exists
//! }
//! # Ok(()) }
//! ```

mod access;
pub mod address;
mod backup;
mod calls;
mod cdn;
mod certificates;
mod clients;
mod denial;
mod dns;
mod error;
mod failure;
mod gateway;
mod identity;
mod lease;
mod lightsail;
mod look_first;
mod names;
mod outputs;
mod overload;
mod part;
mod prices;
mod runs;
mod secrets;
mod spec;
mod stack;
mod storage;
mod tags;
mod watching;

pub use access::{CiDocuments, ci_documents, metrics_namespace, withhold_journal};
pub use calls::Calls;
pub use cdn::{Closed, close, closed, open, shows_everywhere};
pub use clients::{Clients, ConnectOptions, EndpointOverride};
pub use denial::Denial;
pub use error::Error;
pub use failure::classify;
pub use lease::lease;
pub use lightsail::{
    AutomaticSnapshot, DatabaseOrigin, DatabaseSight, Databases, Instances, MOST_INSTANCES, Machine, Pointers,
    SnapshotOf, SnapshotSight, Snapshots, pointers, snapshots_usd,
};
pub use names::Names;
pub use outputs::{ApiInstance, Outputs, outputs, read_outputs};
pub use part::Part;
pub use prices::{Rate, Traffic, bill, rates, subscription};
pub use runs::{PhaseRecord, RunRecord, RunStore, StepRecord};
pub use secrets::{
    ApiSecret, DELIVERED, DatabaseSecret, SecretPart, random_secret, read_api_secret, read_database_secret,
    rotate_api_key,
};
pub use spec::{
    AlertsSpec, ApiSpec, CiSpec, DatabaseSpec, DomainSpec, EdgePlan, SpecError, StackSpec, UsersSpec, ZoneMode,
};
pub use stack::stack;
pub use watching::daily_work_is_done;
