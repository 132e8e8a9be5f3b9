//! Plan and apply over a typed graph of resources.
//!
//! This crate knows no cloud, no network, no terminal and no settings file. It is given a [`Stack`] (what is wanted) and
//! drives whatever implements [`Resource`]. Data flows one way and every arrow is a value that can be printed:
//!
//! ```text
//! Stack --observe--> Observed --plan--> Plan --apply--> Events, Report
//! ```
//!
//! Invariants, each held by a test:
//! * [`plan()`] is pure and synchronous: the same stack and the same observation give the same plan.
//! * [`apply()`] makes no decision a plan did not announce, except to do less.
//! * Every step is a reconciliation ("read, compare, write, read again"), so that a run killed anywhere and started again
//!   converges, an answer lost after success is noticed, and a plan right after an apply is empty.
//! * A resource that holds data is never replaced or deleted by [`plan()`]; only [`plan_destroy`] with
//!   [`DestroyOptions::delete_data`] deletes it.
//! * No secret is ever an attribute, an output, a plan or an event; resources report "matches" or "differs" instead.

mod address;
mod apply;
mod bill;
mod destroy;
mod diff;
mod event;
mod failure;
mod graph;
mod lease;
mod memo;
mod observe;
mod plan;
mod price;
mod reconcile;
mod resource;
mod stack;
mod value;

pub use address::Address;
pub use apply::{ApplyError, ApplyOptions, Outcome, Pace, Report, Status, apply};
pub use bill::{Bill, Line};
pub use destroy::{DestroyOptions, plan_destroy};
pub use diff::{FieldChange, diff};
pub use event::{Event, EventKind, Sink};
pub use failure::{Failure, FailureKind};
pub use lease::{Held, Holder, Lease, LeaseError, LeaseOptions, LeaseRecord, LeaseStore, Sight, StoreError, Version};
pub use memo::Memo;
pub use observe::{Observation, ObserveOptions, Observed, observe};
pub use plan::{Action, Cost, Plan, PlanKind, PlanOptions, Refusal, Stale, Step, plan};
pub use price::{Covered, Price, Subscription, Usd};
pub use resource::{Context, Found, Ownership, Readiness, Resource, Rule};
pub use stack::{Stack, StackBuilder, StackError};
pub use value::{Attributes, Desired, Inputs, OutputMap, Value};
