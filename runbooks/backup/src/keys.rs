//! Who may read a backup, and how it is known that a backup is ours.
//!
//! Objects are encrypted to [age](https://age-encryption.org) recipients, which are public keys: whoever knows them can
//! encrypt something. That a manifest was written by the shop is said by a seal over it, a keyed hash. So making a
//! backup takes the recipients and the seal and cannot read what it made; reading one takes an identity and the seal.

use std::str::FromStr;

use age::x25519;
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

use crate::{Error, hash::Hash};

/// The secret under which manifests are sealed. It reads nothing.
#[derive(Clone, Debug)]
pub struct Seal(SecretString);

/// Short ones could be guessed from a manifest, which is no secret.
const SHORTEST_SEAL: usize = 32;

impl Seal {
    /// From its text: 32 characters or more, that nobody can guess.
    ///
    /// # Errors
    /// When it is too short.
    pub fn new(text: SecretString) -> Result<Self, Error> {
        if text.expose_secret().len() < SHORTEST_SEAL { Err(Error::ShortSeal) } else { Ok(Self(text)) }
    }

    /// What it says over these bytes.
    pub(crate) fn over(&self, bytes: &[u8]) -> Hash {
        let mut mac =
            Hmac::<Sha256>::new_from_slice(self.0.expose_secret().as_bytes()).expect("HMAC takes keys of any length");
        mac.update(bytes);
        Hash(mac.finalize().into_bytes().into())
    }
}

/// What it takes to make a backup.
#[derive(Clone, Debug)]
pub struct MakingKeys {
    pub(crate) recipients: Vec<x25519::Recipient>,
    pub(crate) seal: Seal,
}

impl MakingKeys {
    /// To these recipients (`age1…`), under this seal.
    ///
    /// # Errors
    /// When there is no recipient, or one is none.
    pub fn new(recipients: &[impl AsRef<str>], seal: Seal) -> Result<Self, Error> {
        let parse =
            |text: &str| x25519::Recipient::from_str(text).map_err(|_| Error::Recipient { text: text.to_owned() });
        let recipients = recipients.iter().map(|text| parse(text.as_ref())).collect::<Result<Vec<_>, _>>()?;
        if recipients.is_empty() { Err(Error::NoRecipient) } else { Ok(Self { recipients, seal }) }
    }
}

/// What it takes to read a backup.
#[derive(Clone)]
pub struct ReadingKeys {
    pub(crate) identity: x25519::Identity,
    pub(crate) seal: Seal,
}

impl std::fmt::Debug for ReadingKeys {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("ReadingKeys").finish_non_exhaustive()
    }
}

impl ReadingKeys {
    /// With this identity (`AGE-SECRET-KEY-1…`), the shop's or the printed one, and the seal.
    ///
    /// # Errors
    /// When it is no identity.
    pub fn new(identity: &SecretString, seal: Seal) -> Result<Self, Error> {
        let identity = x25519::Identity::from_str(identity.expose_secret().trim()).map_err(|_| Error::Identity)?;
        Ok(Self { identity, seal })
    }
}

/// A new identity and its recipient.
pub fn generate() -> (SecretString, String) {
    let identity = x25519::Identity::generate();
    // age has a `SecretString` of an older `secrecy`.
    (
        SecretString::from(age::secrecy::ExposeSecret::expose_secret(&identity.to_string()).to_owned()),
        identity.to_public().to_string(),
    )
}
