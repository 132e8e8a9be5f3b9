//! CloudFront: the shop's one public address.

mod access_control;
mod config;
mod distribution;
mod function;

pub(crate) use access_control::AccessControl;
pub(crate) use distribution::Distribution;
pub(crate) use function::Function;
