//! What is needed to get onto an instance, and turning it into keys. Knows nothing of where it came from.

use std::sync::Arc;

use russh::keys::ssh_key::{Certificate, PrivateKey, PublicKey};
use russh::keys::{Algorithm, HashAlg};
use secrecy::{ExposeSecret as _, SecretString};

use crate::Error;

/// How to reach one instance: everything temporary, nothing trusted on first use.
#[derive(Clone, Debug)]
pub struct Access {
    /// Address or name of the instance.
    pub host: String,
    /// Port of its SSH server.
    pub port: u16,
    /// The user to log in as (may use `sudo` without a password).
    pub user: String,
    /// The temporary private key, in OpenSSH or PEM form.
    pub private_key: SecretString,
    /// The OpenSSH certificate for that key, one line: `ssh-ed25519-cert-v01@openssh.com AAAA...`.
    pub certificate: String,
    /// The host keys that are right, one per entry: `ssh-ed25519 AAAA...`.
    pub host_keys: Vec<String>,
}

impl Access {
    /// `host:port`, as errors name it.
    #[must_use]
    pub fn address(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }
}

/// The parsed form of [`Access`].
pub(crate) struct Keys {
    pub(crate) private_key: Arc<PrivateKey>,
    pub(crate) certificate: Certificate,
    pub(crate) host_keys: Vec<PublicKey>,
}

impl Keys {
    pub(crate) fn parse(access: &Access) -> Result<Self, Error> {
        let bad = |what: &'static str, reason: String| Error::Access { address: access.address(), what, reason };
        let private_key = russh::keys::decode_secret_key(access.private_key.expose_secret(), None)
            .map_err(|error| bad("private key", error.to_string()))?;
        let certificate = Certificate::from_openssh(access.certificate.trim())
            .map_err(|error| bad("certificate", error.to_string()))?;
        if certificate.public_key() != private_key.public_key().key_data() {
            return Err(bad("certificate", "it belongs to another private key".to_owned()));
        }
        let host_keys = access
            .host_keys
            .iter()
            .map(|line| PublicKey::from_openssh(line.trim()).map_err(|error| bad("host key", error.to_string())))
            .collect::<Result<Vec<_>, _>>()?;
        if host_keys.is_empty() {
            return Err(bad("host key", "there is none, and an unknown server is never trusted".to_owned()));
        }
        Ok(Self { private_key: Arc::new(private_key), certificate, host_keys })
    }

    /// The signature algorithms under which the pinned keys can be shown, best first.
    ///
    /// Only these are offered, so that a server holding several keys shows one that can be compared. SHA-1 is left out.
    pub(crate) fn host_key_algorithms(&self) -> Vec<Algorithm> {
        let mut algorithms = Vec::new();
        for offered in russh::Preferred::DEFAULT.key.iter() {
            let pinned = self.host_keys.iter().any(|key| match (key.algorithm(), offered) {
                (Algorithm::Rsa { .. }, Algorithm::Rsa { hash }) => hash.is_some(),
                (have, offered) => have == *offered,
            });
            if pinned {
                algorithms.push(offered.clone());
            }
        }
        algorithms
    }

    pub(crate) fn pins(&self, presented: &PublicKey) -> bool {
        self.host_keys.iter().any(|pinned| pinned.key_data() == presented.key_data())
    }

    pub(crate) fn pinned_fingerprints(&self) -> Vec<String> {
        self.host_keys.iter().map(|key| key.fingerprint(HashAlg::Sha256).to_string()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn access(host_keys: Vec<String>) -> Access {
        Access {
            host: "192.0.2.1".to_owned(),
            port: 22,
            user: "ubuntu".to_owned(),
            private_key: SecretString::from("not a key"),
            certificate: String::new(),
            host_keys,
        }
    }

    #[test]
    fn a_bad_private_key_is_named_without_its_content() {
        let error = Keys::parse(&access(vec![])).err().expect("must be refused");
        let text = error.to_string();
        assert!(text.contains("private key") && text.contains("192.0.2.1:22"), "{text}");
        assert!(!text.contains("not a key"), "{text}");
    }
}
