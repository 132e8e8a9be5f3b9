//! The commands: one file each. A command reads settings, calls a library, and prints what it reports.

pub mod apply;
pub mod cost;
pub mod deploy;
pub mod destroy;
pub mod doctor;
pub mod drift;
pub mod guards;
pub mod init;
pub mod local;
pub mod lock;
pub mod logs;
pub mod maintenance;
pub mod migrate;
pub mod outputs;
pub mod plan;
pub mod provision;
pub mod releases;
pub mod rollback;
pub mod runs;
pub mod secrets;
pub mod shell;
pub mod site_releases;
pub mod ssh;
pub mod status;
pub mod tunnel;
pub mod up;
