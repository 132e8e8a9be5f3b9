//! One SSH connection to one instance: pinned host key, certificate login, keepalive, and patience while sshd comes up.
//!
//! Everything else in this crate is built on [`Session`]; it knows nothing of releases.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use russh::client::{self, Handle};
use russh::keys::agent::AgentIdentity;
use russh::keys::ssh_encoding::Encode as _;
use russh::keys::ssh_key::Signature;
use russh::keys::ssh_key::private::KeypairData;
use russh::keys::{Algorithm, HashAlg, PrivateKey, PublicKeyOrCertificate, signature};
use tokio::time::Instant;

use crate::access::{Access, Keys};
use crate::error::Error;

/// Between two attempts to connect.
const RETRY_PAUSE: Duration = Duration::from_millis(150);
/// One attempt may take this long; a packet filter that drops packets answers nothing at all.
const ATTEMPT: Duration = Duration::from_secs(5);
/// How long a refused login is tried again: while a machine boots, `pam_nologin` refuses everybody but root, and
/// cloud-init installs the certificate authority only after sshd answers.
const LOGIN_PATIENCE: Duration = Duration::from_secs(10);
/// A silent connection is probed this often, and given up after [`KEEPALIVE_MISSES`] probes.
const KEEPALIVE: Duration = Duration::from_secs(5);
const KEEPALIVE_MISSES: usize = 4;

/// A connection to an instance, logged in. Cheap to clone; the connection ends when the last clone is dropped.
#[derive(Clone)]
pub struct Session {
    pub(crate) handle: Arc<Handle<HostKeyCheck>>,
    address: Arc<str>,
    user: Arc<str>,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Session({}@{})", self.user, self.address)
    }
}

/// Connects and logs in, trying again until `deadline` has passed while the server is still coming up.
///
/// # Errors
/// [`Error::HostKey`] at once when the server shows another key than the pinned ones, [`Error::Denied`] when it keeps
/// refusing the certificate, [`Error::Unreachable`] when nothing answers, [`Error::Access`] when the keys are unusable.
pub async fn connect(access: &Access, deadline: Duration) -> Result<Session, Error> {
    let keys = Arc::new(Keys::parse(access)?);
    let started = Instant::now();
    let ends = started + deadline;
    let mut login_ends = None;
    loop {
        let left = ends.saturating_duration_since(Instant::now());
        let failure = match tokio::time::timeout(left.min(ATTEMPT), attempt(access, &keys)).await {
            Ok(Ok(session)) => return Ok(session),
            Ok(Err(Failure::Final(error))) => return Err(*error),
            Ok(Err(failure)) => failure,
            Err(_elapsed) => Failure::NotYet(russh::Error::ConnectionTimeout),
        };
        if matches!(failure, Failure::Denied) {
            login_ends.get_or_insert_with(|| Instant::now() + LOGIN_PATIENCE);
        }
        if Instant::now() + RETRY_PAUSE >= login_ends.unwrap_or(ends).min(ends) {
            return Err(match failure {
                // Also when the very last attempt was cut short: a server that refused is there.
                Failure::NotYet(source) if login_ends.is_none() => {
                    let source = Some(Box::new(source));
                    Error::Unreachable { address: access.address(), waited: started.elapsed(), source }
                }
                _ => Error::Denied { address: access.address(), user: access.user.clone() },
            });
        }
        tokio::time::sleep(RETRY_PAUSE).await;
    }
}

impl Session {
    /// `host:port` of the server.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The user that is logged in.
    #[must_use]
    pub fn user(&self) -> &str {
        &self.user
    }

    /// Whether the connection is known to have ended.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.handle.is_closed()
    }

    /// Says goodbye. Dropping the session does as well, less politely.
    pub async fn close(&self) {
        // The answer does not matter: the server may have gone first.
        let _ = self.handle.disconnect(russh::Disconnect::ByApplication, "", "").await;
    }

    pub(crate) fn failed(&self, doing: impl Into<String>, source: russh::Error) -> Error {
        Error::Connection { address: self.address.to_string(), doing: doing.into(), source: Box::new(source) }
    }
}

enum Failure {
    /// Worth another attempt.
    NotYet(russh::Error),
    /// The login was refused.
    Denied,
    /// Trying again cannot help.
    Final(Box<Error>),
}

async fn attempt(access: &Access, keys: &Arc<Keys>) -> Result<Session, Failure> {
    let config = client::Config {
        keepalive_interval: Some(KEEPALIVE),
        keepalive_max: KEEPALIVE_MISSES,
        nodelay: true,
        preferred: russh::Preferred {
            key: Cow::Owned(keys.host_key_algorithms()),
            // The processor does AES; ChaCha20 first would make uploads several times slower.
            cipher: Cow::Borrowed(&[russh::cipher::AES_256_GCM, russh::cipher::CHACHA20_POLY1305]),
            ..russh::Preferred::DEFAULT
        },
        ..client::Config::default()
    };
    let check = HostKeyCheck { keys: Arc::clone(keys) };
    let mut handle = match client::connect(Arc::new(config), (access.host.as_str(), access.port), check).await {
        Ok(handle) => handle,
        Err(HandshakeError::HostKey { presented }) => {
            return Err(wrong_host_key(access, keys, presented));
        }
        Err(HandshakeError::Ssh(russh::Error::NoCommonAlgo { kind: russh::AlgorithmKind::Key, theirs, .. })) => {
            return Err(wrong_host_key(access, keys, format!("of another kind ({})", theirs.join(", "))));
        }
        Err(HandshakeError::Ssh(error)) => return Err(Failure::NotYet(error)),
    };
    let hash = match keys.certificate.algorithm() {
        Algorithm::Rsa { .. } => match handle.best_supported_rsa_hash().await {
            Ok(answer) => Some(answer.flatten().unwrap_or(HashAlg::Sha512)),
            Err(error) => return Err(Failure::NotYet(error)),
        },
        _ => None,
    };
    let mut signer = CertificateSigner { key: Arc::clone(&keys.private_key) };
    let answer = handle
        .authenticate_certificate_with(access.user.as_str(), keys.certificate.clone(), hash, &mut signer)
        .await
        .map_err(|SignError(error)| Failure::NotYet(error))?;
    if !answer.success() {
        return Err(Failure::Denied);
    }
    Ok(Session { handle: Arc::new(handle), address: access.address().into(), user: access.user.as_str().into() })
}

fn wrong_host_key(access: &Access, keys: &Keys, presented: String) -> Failure {
    let pinned = keys.pinned_fingerprints();
    Failure::Final(Box::new(Error::HostKey { address: access.address(), presented, pinned }))
}

/// The one thing asked of us during the handshake: is this the server's key?
pub(crate) struct HostKeyCheck {
    keys: Arc<Keys>,
}

#[derive(Debug)]
pub(crate) enum HandshakeError {
    HostKey { presented: String },
    Ssh(russh::Error),
}

impl From<russh::Error> for HandshakeError {
    fn from(error: russh::Error) -> Self {
        Self::Ssh(error)
    }
}

impl client::Handler for HostKeyCheck {
    type Error = HandshakeError;

    async fn check_server_key(&mut self, presented: &PublicKeyOrCertificate) -> Result<bool, Self::Error> {
        let presented = presented.public_key();
        if self.keys.pins(&presented) {
            return Ok(true);
        }
        Err(HandshakeError::HostKey { presented: presented.fingerprint(HashAlg::Sha256).to_string() })
    }
}

/// Signs the login with the key the certificate is for.
///
/// The library's own certificate login signs RSA with SHA-1, which OpenSSH has refused since 8.8, and RSA is what AWS
/// hands out; so the signing is done here, with the hash the server asked for.
struct CertificateSigner {
    key: Arc<PrivateKey>,
}

struct SignError(russh::Error);

impl From<russh::SendError> for SignError {
    fn from(_: russh::SendError) -> Self {
        Self(russh::Error::SendError)
    }
}

impl russh::Signer for CertificateSigner {
    type Error = SignError;

    async fn auth_sign(
        &mut self,
        _identity: &AgentIdentity,
        hash: Option<HashAlg>,
        mut to_sign: Vec<u8>,
    ) -> Result<Vec<u8>, Self::Error> {
        let signed: Result<Signature, _> = match self.key.key_data() {
            KeypairData::Rsa(pair) => signature::Signer::try_sign(&(pair, hash), &to_sign),
            pair => signature::Signer::try_sign(pair, &to_sign),
        };
        let signed = signed.map_err(|error| SignError(error.into()))?;
        let mut encoded = Vec::new();
        signed.encode(&mut encoded).map_err(|error| SignError(russh::Error::SshEncoding(error)))?;
        encoded.encode(&mut to_sign).map_err(|error| SignError(russh::Error::SshEncoding(error)))?;
        Ok(to_sign)
    }
}
