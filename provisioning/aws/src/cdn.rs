//! CloudFront: the shop's one public address.

mod access_control;
mod config;
mod distribution;
mod firewall;
mod function;
mod metrics;

pub(crate) use access_control::AccessControl;
pub(crate) use distribution::Distribution;
pub(crate) use firewall::Firewall;
pub(crate) use function::Function;
pub(crate) use metrics::Metrics;
