//! What is decided once, when a cloud is made: its slot, its ports, its account.

use std::path::{Path, PathBuf};

use fs_err as fs;
use rand::RngExt as _;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};

use super::{ports, slots};
use crate::{
    error::Error,
    files,
    layout::Layout,
    options::{Endpoints, Options},
};

/// The account of every local cloud. Not all zeros, so that it looks like one and is not taken for "unknown".
const ACCOUNT_ID: &str = "747474747474";

/// The file that makes a directory a cloud.
const FILE: &str = "cloud.json";

/// What a cloud is made with; kept in its data directory, closed to others.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    pub(crate) slot: u8,
    pub(crate) base_port: u16,
    pub(crate) region: String,
    pub(crate) account_id: String,
    pub(crate) access_key_id: String,
    #[serde(serialize_with = "expose")]
    pub(crate) secret_access_key: SecretString,
    pub(crate) created_at: jiff::Timestamp,
}

fn expose<S: serde::Serializer>(secret: &SecretString, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(secret.expose_secret())
}

impl Settings {
    /// The settings of the cloud in `data_dir`, if there is one.
    pub(crate) fn read(data_dir: &Path) -> Result<Option<Self>, Error> {
        files::read_json(&data_dir.join(FILE))
    }

    /// The settings of the cloud, made now if it is new. The caller holds the lock of the data directory.
    pub(crate) fn read_or_make(options: &Options) -> Result<Self, Error> {
        if let Some(settings) = Self::read(&options.data_dir)? {
            slots::claim(settings.slot, &options.data_dir)?;
            return Ok(settings);
        }
        refuse_foreign(&options.data_dir)?;
        let settings = Self {
            base_port: ports::choose(options.port)?,
            slot: slots::claim_free(&options.data_dir)?,
            region: options.region.clone(),
            account_id: ACCOUNT_ID.into(),
            access_key_id: format!("AKIA{}", random(16, b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")),
            secret_access_key: random(40, b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/").into(),
            created_at: jiff::Timestamp::now(),
        };
        files::write_json(&options.data_dir.join(FILE), &settings)?;
        Ok(settings)
    }

    pub(crate) fn layout(&self, options: &Options) -> Layout {
        Layout::new(&options.data_dir, &options.cache_dir, self.slot)
    }

    pub(crate) fn gateway_port(&self) -> u16 {
        self.base_port
    }

    pub(crate) fn lightsail_port(&self) -> u16 {
        self.base_port + 1
    }

    pub(crate) fn admin_port(&self) -> u16 {
        self.base_port + 2
    }

    pub(crate) fn first_edge_port(&self) -> u16 {
        self.base_port + 10
    }

    pub(crate) fn endpoints(&self, layout: &Layout) -> Endpoints {
        let local = |port: u16| format!("http://127.0.0.1:{port}");
        Endpoints {
            gateway: local(self.gateway_port()),
            lightsail: local(self.lightsail_port()),
            admin: local(self.admin_port()),
            gateway_from_instances: format!("http://{}:{}", layout.private_gateway(), self.gateway_port()),
            region: self.region.clone(),
            account_id: self.account_id.clone(),
            access_key_id: self.access_key_id.clone(),
            secret_access_key: self.secret_access_key.clone(),
        }
    }
}

/// A new cloud takes an empty directory only: everything in a cloud's directory is erased with it one day.
pub(super) fn refuse_foreign(data_dir: &Path) -> Result<(), Error> {
    const OURS: [&str; 4] = ["up.lock", "daemon.lock", "logs", ".new-"];
    let entries = fs::read_dir(data_dir).map_err(Error::file("read", data_dir))?;
    for entry in entries {
        let name = entry.map_err(Error::file("read", data_dir))?.file_name();
        let name = name.to_string_lossy();
        if !OURS.iter().any(|ours| name.starts_with(ours)) {
            return Err(Error::NotOurs { data_dir: PathBuf::from(data_dir), found: name.into_owned() });
        }
    }
    Ok(())
}

fn random(length: usize, alphabet: &[u8]) -> String {
    let mut rng = rand::rng();
    (0..length).map(|_| char::from(alphabet[rng.random_range(0..alphabet.len())])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_with_foreign_files_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("up.lock"), "").unwrap();
        refuse_foreign(dir.path()).unwrap();
        std::fs::write(dir.path().join("thesis.tex"), "").unwrap();
        let text = refuse_foreign(dir.path()).unwrap_err().to_string();
        assert!(text.contains("thesis.tex"), "{text}");
    }

    #[test]
    fn the_secret_is_kept_and_not_shown() {
        let settings = Settings {
            slot: 3,
            base_port: 4566,
            region: "ap-southeast-1".into(),
            account_id: ACCOUNT_ID.into(),
            access_key_id: "AKIA".into(),
            secret_access_key: "hush".to_owned().into(),
            created_at: jiff::Timestamp::UNIX_EPOCH,
        };
        assert!(!format!("{settings:?}").contains("hush"));
        let text = serde_json::to_string(&settings).unwrap();
        let back: Settings = serde_json::from_str(&text).unwrap();
        assert_eq!(back.secret_access_key.expose_secret(), "hush");
    }
}
