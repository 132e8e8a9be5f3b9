//! The parts of a shop, as people speak of them: what a plan of many resources is read by.

use jewel_engine::Address;
use serde::Serialize;

/// A part of the shop. Their order is the one they are shown in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    /// Buckets and what governs them.
    Storage,
    /// The database and how to log in to it.
    Database,
    /// What the API runs on.
    Machine,
    /// The shop's users.
    SignIn,
    /// The HTTP API.
    Gateway,
    /// What visitors meet: names, certificates, the CDN, its firewall.
    Edge,
    /// Figures, alarms, logs, the bill.
    Watching,
    /// AWS Backup.
    Backup,
    /// Who may call AWS, and as whom.
    Access,
}

impl Part {
    /// Which part of the shop the resource at `address` belongs to; `None` for one that this table does not know.
    pub fn of(address: &Address) -> Option<Self> {
        Some(match (address.kind(), address.as_str()) {
            (_, "secret.database") => Self::Database,
            (_, "role.backup") => Self::Backup,
            ("bucket" | "bucket-policy" | "bucket-cors" | "access-logs", _) => Self::Storage,
            ("database", _) => Self::Database,
            ("instance" | "auto-snapshots" | "ports" | "static-ip" | "static-ip-attachment", _) => Self::Machine,
            ("load-balancer" | "load-balancer-attachment" | "load-balancer-certificate" | "load-balancer-tls", _) => {
                Self::Machine
            }
            ("user-pool" | "user-pool-client" | "user-pool-domain" | "user-group", _) => Self::SignIn,
            ("api" | "api-integration" | "api-route" | "api-authorizer" | "api-stage", _) => Self::Gateway,
            ("access-control" | "function" | "distribution" | "distribution-metrics" | "web-acl", _) => Self::Edge,
            ("page" | "pricing-plan", _) => Self::Edge,
            ("certificate" | "certificates" | "certificate-issue" | "hosted-zone" | "dns-record", _) => Self::Edge,
            ("topic" | "contact" | "alarm" | "dashboard" | "log-group" | "trail" | "budget", _) => Self::Watching,
            ("backup-vault" | "backup-plan" | "backup-selection", _) => Self::Backup,
            ("user" | "role" | "identity-provider" | "secret", _) => Self::Access,
            _ => return None,
        })
    }

    /// What it is called.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Storage => "storage",
            Self::Database => "database",
            Self::Machine => "API machine",
            Self::SignIn => "sign-in",
            Self::Gateway => "gateway",
            Self::Edge => "edge",
            Self::Watching => "watching",
            Self::Backup => "backup",
            Self::Access => "access",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the settings leave out of a stack has an address all the same.
    #[test]
    fn every_address_belongs_to_a_part() {
        let constants = include_str!("address.rs").lines().filter_map(|line| line.split('"').nth(1));
        let addresses: Vec<Address> = constants.filter(|text| text.contains('.')).map(Address::from).collect();
        assert!(addresses.len() > 40);
        for address in addresses {
            assert!(Part::of(&address).is_some(), "this table does not say to which part {address} belongs");
        }
    }
}
