//! AWS Backup: copies of the pictures that no key of ours can reach by accident.

mod plan;
mod role;
mod selection;
mod vault;

pub(crate) use plan::Plan;
pub(crate) use role::{BackupRole, POLICIES};
pub(crate) use selection::Selection;
pub(crate) use vault::Vault;
