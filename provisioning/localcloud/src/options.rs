//! What the caller says about a cloud, and where the cloud answers.

use std::{ffi::OsString, path::PathBuf};

use secrecy::SecretString;

/// How a cloud is started. Two option sets with the same `data_dir` mean the same cloud; a cloud that runs keeps the
/// options it was started with.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where the cloud's data lives; created when missing.
    pub data_dir: PathBuf,
    /// Where what can be made again lives (base image, Python environment); may be shared by several clouds.
    pub cache_dir: PathBuf,
    /// First port of the cloud's run of ports; 0 picks a free run when the cloud is made. Ignored by a cloud that exists.
    pub port: u16,
    /// By how much AWS's waiting times are multiplied; 0 waits for nothing but the work itself.
    pub time_factor: f64,
    /// The region that everything is in, such as `ap-southeast-1`. Ignored by a cloud that exists.
    pub region: String,
    /// A `mysqld` to run databases with instead of Debian's `mariadbd`.
    pub mysqld: Option<PathBuf>,
    /// The command that runs [`crate::daemon::run`] in the foreground with these same options.
    pub daemon_command: Vec<OsString>,
}

/// Where a running cloud answers, and the credentials it takes.
#[derive(Clone, Debug)]
pub struct Endpoints {
    /// URL of all AWS services but Lightsail, such as `http://127.0.0.1:4566`.
    pub gateway: String,
    /// URL of the Lightsail service.
    pub lightsail: String,
    /// URL of the daemon's own small interface (health, public addresses).
    pub admin: String,
    /// URL of the gateway as seen from an instance.
    pub gateway_from_instances: String,
    /// The region that everything is in.
    pub region: String,
    /// Twelve digits.
    pub account_id: String,
    /// Access key id of the account's root.
    pub access_key_id: String,
    /// Its secret.
    pub secret_access_key: SecretString,
}
