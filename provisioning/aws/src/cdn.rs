//! CloudFront: the shop's one public address.

mod access_control;
mod behaviors;
mod config;
mod distribution;
mod door;
mod firewall;
mod function;
mod maintenance;
mod metrics;
mod origins;
mod plan;
mod proof;
mod subscription;

pub(crate) use access_control::AccessControl;
pub(crate) use distribution::Distribution;
pub use door::{Closed, close, closed, open};
pub(crate) use firewall::Firewall;
pub(crate) use function::Function;
pub(crate) use maintenance::MaintenancePage;
pub(crate) use metrics::Metrics;
pub(crate) use plan::FlatRate;
pub use proof::shows_everywhere;
