//! Drills: a disaster is made on purpose, put right with the commands that an operator would type, and measured.
//!
//! A [`Scenario`] is a value: what is prepared, what is damaged, what is typed. The [`canary`](canary::Canary) is a
//! customer who never stops buying; what it was promised is compared with what is there afterwards. The
//! [`Report`](report::Report) says what was measured, and never more.

pub mod canary;
mod damage;
mod leak;
mod report;
mod scenario;
mod store;

pub use damage::{Damage, acknowledged_that_are_missing, do_damage};
pub use leak::Leaked;
pub use report::{Assertion, Canaries, Command, Moment, Outage, Report, Verdict};
pub use scenario::{Customers, Facts, Scenario, Typed};
pub use store::DrillStore;
