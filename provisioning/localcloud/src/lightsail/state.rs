//! Everything the service remembers, as it is written to disk.
//!
//! A resource that work is being done on carries its [`job`](Instance::job): the file says what was begun, so that a
//! service that was killed goes on where it stopped. Names are unique across all kinds of resources, as on AWS.

use std::{collections::BTreeMap, net::Ipv4Addr};

use jiff::Timestamp;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::{
    alarms::Alarm, auto_snapshots::Automatic, contacts::ContactMethod, databases::events::Event,
    load_balancers::LoadBalancer, manual_snapshots::Snapshot, operations::Operation,
};
use crate::database::Origin;

/// The whole of it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct State {
    #[serde(default)]
    pub(crate) instances: BTreeMap<String, Instance>,
    #[serde(default)]
    pub(crate) static_ips: BTreeMap<String, StaticIp>,
    #[serde(default)]
    pub(crate) databases: BTreeMap<String, Database>,
    /// Manual ones, of instances and of databases.
    #[serde(default)]
    pub(crate) snapshots: BTreeMap<String, Snapshot>,
    #[serde(default)]
    pub(crate) alarms: BTreeMap<String, Alarm>,
    #[serde(default)]
    pub(crate) load_balancers: BTreeMap<String, LoadBalancer>,
    /// By protocol.
    #[serde(default)]
    pub(crate) contact_methods: BTreeMap<String, ContactMethod>,
    /// Oldest first.
    #[serde(default)]
    pub(crate) operations: Vec<Operation>,
    /// The last host number given out in the private network; the next search begins after it, so that addresses are not
    /// reused at once.
    #[serde(default)]
    pub(crate) last_private_host: u8,
    #[serde(default)]
    pub(crate) last_public_host: u8,
}

/// What every resource has.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Common {
    pub(crate) arn: String,
    pub(crate) support_code: String,
    pub(crate) created_at: Timestamp,
    pub(crate) availability_zone: String,
    #[serde(default)]
    pub(crate) tags: Vec<Tag>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Tag {
    pub(crate) key: String,
    pub(crate) value: Option<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Instance {
    #[serde(flatten)]
    pub(crate) common: Common,
    /// Names the machine; never reused, unlike the name.
    pub(crate) id: String,
    pub(crate) blueprint_id: String,
    pub(crate) bundle_id: String,
    pub(crate) ip_address_type: String,
    pub(crate) private_address: Ipv4Addr,
    /// Its own public address while it is up and has no static IP.
    pub(crate) public_address: Option<Ipv4Addr>,
    /// Forgotten as soon as the machine is made: it cannot be read back on AWS either, and may hold secrets.
    pub(crate) user_data: Option<String>,
    pub(crate) ports: Vec<PortInfo>,
    pub(crate) auto_snapshot: Option<AutoSnapshot>,
    /// What the add-on took, oldest first. Outlives the add-on, not the instance.
    #[serde(default)]
    pub(crate) auto_snapshots: Vec<Automatic>,
    /// The id of the snapshot it is made from; forgotten when it is made.
    #[serde(default)]
    pub(crate) origin: Option<String>,
    pub(crate) state: InstanceState,
    pub(crate) job: Option<Job<InstanceWork>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AutoSnapshot {
    /// `HH:00`, UTC.
    pub(crate) time_of_day: String,
}

/// The states of an instance; EC2's names and numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum InstanceState {
    Pending,
    Running,
    ShuttingDown,
    Stopping,
    Stopped,
}

/// Work that was begun on a resource, and the operation that reports on it. Work without an operation is the service's
/// own: bringing back what ran when it was stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Job<Work> {
    pub(crate) work: Work,
    pub(crate) operation: Option<uuid::Uuid>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum InstanceWork {
    Create,
    Start,
    Stop,
    Reboot,
    Delete,
}

/// One opening in an instance's firewall, as in the requests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PortInfo {
    pub(crate) from_port: i32,
    pub(crate) to_port: i32,
    pub(crate) protocol: String,
    #[serde(default)]
    pub(crate) cidrs: Vec<String>,
    #[serde(default)]
    pub(crate) ipv6_cidrs: Vec<String>,
    #[serde(default)]
    pub(crate) cidr_list_aliases: Vec<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct StaticIp {
    #[serde(flatten)]
    pub(crate) common: Common,
    pub(crate) address: Ipv4Addr,
    /// The name of an instance.
    pub(crate) attached_to: Option<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Database {
    #[serde(flatten)]
    pub(crate) common: Common,
    /// Names the server's directory; never reused, unlike the name.
    pub(crate) id: String,
    pub(crate) blueprint_id: String,
    pub(crate) bundle_id: String,
    pub(crate) engine_version: String,
    pub(crate) private_address: Ipv4Addr,
    pub(crate) master_database: String,
    pub(crate) master_username: String,
    pub(crate) passwords: Passwords,
    pub(crate) backup_window: String,
    pub(crate) maintenance_window: String,
    pub(crate) publicly_accessible: bool,
    /// What is wanted; the server has it once `backup_retention` says the same.
    pub(crate) wanted_backup_retention: bool,
    /// Whether the server writes the binary log that backups live on.
    pub(crate) backup_retention: bool,
    /// Whether the wanted change waits for the maintenance window.
    #[serde(default)]
    pub(crate) waits_for_window: bool,
    /// Set by the user; in force.
    #[serde(default)]
    pub(crate) parameters: BTreeMap<String, String>,
    /// Set by the user; in force after the next reboot.
    #[serde(default)]
    pub(crate) pending_parameters: BTreeMap<String, String>,
    /// What it is restored from, as the service finds it and in RDS's words; forgotten when it is restored.
    #[serde(default)]
    pub(crate) origin: Option<(Origin, String)>,
    /// The name of the snapshot that the work under way makes.
    #[serde(default)]
    pub(crate) snapshot_due: Option<String>,
    /// Oldest first.
    #[serde(default)]
    pub(crate) events: Vec<Event>,
    pub(crate) state: DatabaseState,
    pub(crate) job: Option<Job<DatabaseWork>>,
}

/// The states of a database, in RDS's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum DatabaseState {
    Creating,
    BackingUp,
    Available,
    Modifying,
    ResettingMasterCredentials,
    Starting,
    Stopping,
    Stopped,
    Rebooting,
    Deleting,
    /// It does not start with the parameters it was given.
    IncompatibleParameters,
    Failed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum DatabaseWork {
    Create,
    /// Makes it from a snapshot or from backups.
    Restore,
    Snapshot,
    Start,
    Stop,
    Reboot,
    /// Brings the server to what is wanted of it: password, backup retention.
    Modify,
    /// Sets the dynamic parameters in the running server.
    Parameters,
    Delete,
}

/// The master user's passwords.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Passwords {
    pub(crate) current: Password,
    pub(crate) previous: Option<Password>,
    /// Given by the user or made, not yet in force.
    pub(crate) pending: Option<Password>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Password {
    #[serde(serialize_with = "expose")]
    pub(crate) value: SecretString,
    pub(crate) created_at: Timestamp,
}

/// The state file is the one place where passwords are kept; it is readable by root only.
pub(crate) fn expose<S: serde::Serializer>(secret: &SecretString, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(secrecy::ExposeSecret::expose_secret(secret))
}

impl InstanceState {
    /// Whether its machine is up, or on its way up.
    pub(crate) fn is_to_run(self) -> bool {
        matches!(self, Self::Pending | Self::Running)
    }

    pub(crate) fn code(self) -> u16 {
        match self {
            Self::Pending => 0,
            Self::Running => 16,
            Self::ShuttingDown => 32,
            Self::Stopping => 64,
            Self::Stopped => 80,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::ShuttingDown => "shutting-down",
            Self::Stopping => "stopping",
            Self::Stopped => "stopped",
        }
    }
}

impl DatabaseState {
    /// Whether its server is up, or on its way up.
    pub(crate) fn is_to_run(self) -> bool {
        !matches!(self, Self::Stopping | Self::Stopped | Self::Deleting | Self::IncompatibleParameters | Self::Failed)
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Creating => "creating",
            Self::BackingUp => "backing-up",
            Self::Available => "available",
            Self::Modifying => "modifying",
            Self::ResettingMasterCredentials => "resetting-master-credentials",
            Self::Starting => "starting",
            Self::Stopping => "stopping",
            Self::Stopped => "stopped",
            Self::Rebooting => "rebooting",
            Self::Deleting => "deleting",
            Self::IncompatibleParameters => "incompatible-parameters",
            Self::Failed => "failed",
        }
    }
}

impl State {
    /// Whether any resource has this name.
    pub(crate) fn is_taken(&self, name: &str) -> bool {
        self.instances.contains_key(name)
            || self.static_ips.contains_key(name)
            || self.databases.contains_key(name)
            || self.snapshots.contains_key(name)
            || self.alarms.contains_key(name)
            || self.load_balancers.contains_key(name)
            || self.load_balancers.values().any(|balancer| balancer.certificates.contains_key(name))
    }

    /// The static IP attached to an instance.
    pub(crate) fn static_ip_of(&self, instance: &str) -> Option<(&String, &StaticIp)> {
        self.static_ips.iter().find(|(_, ip)| ip.attached_to.as_deref() == Some(instance))
    }

    /// Where the world reaches an instance now.
    pub(crate) fn public_address_of(&self, instance: &str) -> Option<Ipv4Addr> {
        match self.static_ip_of(instance) {
            Some((_, ip)) => Some(ip.address),
            None => self.instances.get(instance)?.public_address,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_the_ones_serde_writes() {
        for state in [DatabaseState::BackingUp, DatabaseState::ResettingMasterCredentials, DatabaseState::Failed] {
            assert_eq!(serde_json::to_value(state).unwrap(), state.name());
        }
        for state in [InstanceState::ShuttingDown, InstanceState::Running] {
            assert_eq!(serde_json::to_value(state).unwrap(), state.name());
        }
    }

    #[test]
    fn a_password_is_written_to_the_file_and_nowhere_else() {
        let password = Password { value: "s3cret-s3cret".into(), created_at: Timestamp::UNIX_EPOCH };
        assert!(!format!("{password:?}").contains("s3cret"));
        let text = serde_json::to_string(&password).unwrap();
        let back: Password = serde_json::from_str(&text).unwrap();
        assert_eq!(secrecy::ExposeSecret::expose_secret(&back.value), "s3cret-s3cret");
    }
}
