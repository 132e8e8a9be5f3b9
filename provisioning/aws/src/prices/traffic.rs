//! How much the shop is used: what a bill has to assume.

use serde::{Deserialize, Serialize};

/// Expected use in a month. The defaults are those of a small shop.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Traffic {
    /// Requests of visitors. Each is counted at the distribution, the firewall and the gateway, as if nothing were cached.
    pub requests: u64,
    /// GB that visitors get.
    pub transfer_gb: f64,
    /// GB in buckets.
    pub storage_gb: f64,
    /// Objects read from buckets.
    pub storage_reads: u64,
    /// Objects written to buckets, and listings.
    pub storage_writes: u64,
    /// GB of dumps in the archive.
    pub archive_gb: f64,
    /// GB in the snapshots of each instance.
    pub snapshot_gb: f64,
    /// GB that AWS Backup keeps.
    pub backup_gb: f64,
    /// GB of the trail's files.
    pub trail_gb: f64,
    /// GB of log lines.
    pub log_gb: f64,
    /// Questions to the zone of the domain, but for the shop's own address.
    pub dns_queries: u64,
    /// People who sign in.
    pub users: u64,
    /// Mails about alarms.
    pub mails: u64,
    /// Questions about the real bill.
    pub cost_explorer_calls: u64,
}

impl Default for Traffic {
    fn default() -> Self {
        Self {
            requests: 1_000_000,
            transfer_gb: 100.0,
            storage_gb: 20.0,
            storage_reads: 125_000,
            storage_writes: 10_000,
            archive_gb: 50.0,
            snapshot_gb: 15.0,
            backup_gb: 20.0,
            trail_gb: 2.0,
            log_gb: 6.0,
            dns_queries: 1_000_000,
            users: 1_000,
            mails: 100,
            cost_explorer_calls: 30,
        }
    }
}

impl Traffic {
    /// Every quantity by its name, for checks.
    pub fn quantities(&self) -> [(&'static str, f64); 14] {
        let count = |n: u64| n as f64;
        [
            ("requests", count(self.requests)),
            ("transfer_gb", self.transfer_gb),
            ("storage_gb", self.storage_gb),
            ("storage_reads", count(self.storage_reads)),
            ("storage_writes", count(self.storage_writes)),
            ("archive_gb", self.archive_gb),
            ("snapshot_gb", self.snapshot_gb),
            ("backup_gb", self.backup_gb),
            ("trail_gb", self.trail_gb),
            ("log_gb", self.log_gb),
            ("dns_queries", count(self.dns_queries)),
            ("users", count(self.users)),
            ("mails", count(self.mails)),
            ("cost_explorer_calls", count(self.cost_explorer_calls)),
        ]
    }
}
