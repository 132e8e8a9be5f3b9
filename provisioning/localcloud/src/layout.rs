//! Where a cloud keeps what: paths under its data directory, and the addresses that follow from its slot.

use std::{
    net::Ipv4Addr,
    path::{Path, PathBuf},
};

/// The places and addresses of one cloud. Two clouds on one machine never share any of them but the cache.
#[derive(Clone, Debug)]
pub struct Layout {
    data: PathBuf,
    cache: PathBuf,
    slot: u8,
}

impl Layout {
    /// The layout of the cloud in `data` with the private network number `slot` (1..=250).
    #[must_use]
    pub fn new(data: impl Into<PathBuf>, cache: impl Into<PathBuf>, slot: u8) -> Self {
        Self { data: data.into(), cache: cache.into(), slot }
    }

    /// The data directory itself.
    #[must_use]
    pub fn data_dir(&self) -> &Path {
        &self.data
    }

    /// What can be made again at any time, possibly shared with other clouds.
    #[must_use]
    pub fn cache_dir(&self) -> &Path {
        &self.cache
    }

    /// The number of this cloud's private network, 1..=250.
    #[must_use]
    pub fn slot(&self) -> u8 {
        self.slot
    }

    /// All of one instance: its disk, its keys, its console log.
    #[must_use]
    pub fn instance_dir(&self, id: &str) -> PathBuf {
        self.instances_dir().join(id)
    }

    /// The parent of all [instance directories](Self::instance_dir).
    #[must_use]
    pub fn instances_dir(&self) -> PathBuf {
        self.data.join("instances")
    }

    /// All of one database.
    #[must_use]
    pub fn database_dir(&self, id: &str) -> PathBuf {
        self.data.join("databases").join(id)
    }

    /// All of one snapshot, of an instance or a database.
    #[must_use]
    pub fn snapshot_dir(&self, id: &str) -> PathBuf {
        self.snapshots_dir().join(id)
    }

    /// The parent of all [snapshots](Self::snapshot_dir).
    #[must_use]
    pub fn snapshots_dir(&self) -> PathBuf {
        self.data.join("snapshots")
    }

    /// The automatic backups of one database.
    #[must_use]
    pub fn backup_dir(&self, database: &str) -> PathBuf {
        self.backups_dir().join(database)
    }

    /// The parent of all [automatic backups](Self::backup_dir).
    #[must_use]
    pub fn backups_dir(&self) -> PathBuf {
        self.data.join("backups")
    }

    /// What Lightsail knows.
    #[must_use]
    pub fn lightsail_state(&self) -> PathBuf {
        self.data.join("lightsail.json")
    }

    /// What a load balancer presents, for those in this cloud who are to trust it.
    #[must_use]
    pub fn trusted(&self, balancer: Ipv4Addr) -> PathBuf {
        self.data.join("ministack").join("trusted").join(balancer.to_string())
    }

    /// Where the daemon and its children write what they say.
    #[must_use]
    pub fn log(&self, name: &str) -> PathBuf {
        self.data.join("logs").join(format!("{name}.log"))
    }

    /// The certificate authority that instances trust for logins.
    #[must_use]
    pub fn user_ca(&self) -> PathBuf {
        self.data.join("keys").join("user_ca")
    }

    /// An address in the private network; `host` is 10..=250.
    #[must_use]
    pub fn private_address(&self, host: u8) -> Ipv4Addr {
        Ipv4Addr::new(10, 77, self.slot, host)
    }

    /// The daemon's own address in the private network.
    #[must_use]
    pub fn private_gateway(&self) -> Ipv4Addr {
        self.private_address(1)
    }

    /// A public address: a loopback address of this machine; `host` is 10..=250.
    #[must_use]
    pub fn public_address(&self, host: u8) -> Ipv4Addr {
        Ipv4Addr::new(127, 77, self.slot, host)
    }

    /// The network namespace that holds the bridge of the private network.
    #[must_use]
    pub fn vpc_namespace(&self) -> String {
        vpc_namespace(self.slot)
    }

    /// The network namespace of one instance or database. Ids are cut, so the first 24 characters must tell them apart.
    #[must_use]
    pub fn namespace(&self, id: &str) -> String {
        let short: String = id.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').take(24).collect();
        format!("jewel{}-{short}", self.slot)
    }
}

/// The name of the namespace with the bridge of the private network `slot`.
pub(crate) fn vpc_namespace(slot: u8) -> String {
    format!("jewel{slot}-vpc")
}

/// Where in 1..=250 the search for a free slot begins, so that a cloud remade in the same place gets the same addresses.
pub(crate) fn first_slot(data_dir: &Path) -> u8 {
    use sha2::{Digest, Sha256};
    let digest = Sha256::digest(data_dir.as_os_str().as_encoded_bytes());
    (u16::from_be_bytes([digest[0], digest[1]]) % 250) as u8 + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_follow_from_the_slot() {
        let layout = Layout::new("/data", "/cache", 7);
        assert_eq!(layout.private_address(10), Ipv4Addr::new(10, 77, 7, 10));
        assert_eq!(layout.public_address(250), Ipv4Addr::new(127, 77, 7, 250));
        assert_eq!(layout.vpc_namespace(), "jewel7-vpc");
        assert_eq!(layout.namespace("i-0123"), "jewel7-i-0123");
    }

    #[test]
    fn an_id_cannot_climb_out_of_the_namespace_directory() {
        assert_eq!(Layout::new("/d", "/c", 1).namespace("../x"), "jewel1-x");
    }

    #[test]
    fn the_first_slot_is_stable_and_in_range() {
        for name in ["/a", "/b", "/var/lib/x"] {
            let slot = first_slot(Path::new(name));
            assert!((1..=250).contains(&slot));
            assert_eq!(slot, first_slot(Path::new(name)));
        }
    }
}
