//! The shop's own signature under what it starts: made here when a release is sent, checked on the instance before every
//! start by a script that root owns and OpenSSL that is there anyway.

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret as _, SecretString};

use crate::error::Error;
use crate::release::ReleaseId;

const PRIVATE: &str = "PRIVATE KEY";
const PUBLIC: &str = "PUBLIC KEY";

/// The script that checks a release's signature and checksum; its argument is the release's directory.
pub(crate) const VERIFY: &str = include_str!("../units/verify");

/// An Ed25519 key (RFC 8032) that releases are signed with.
#[derive(Debug)]
pub struct SigningKey {
    pair: Ed25519KeyPair,
    public: String,
}

impl SigningKey {
    /// A new private key, in PEM (PKCS #8).
    ///
    /// # Errors
    /// [`Error::Signing`] when the machine gives no randomness.
    pub fn generate() -> Result<SecretString, Error> {
        let unusable = |_| Error::Signing { reason: "no key could be made" };
        let pair = Ed25519KeyPair::generate().map_err(unusable)?;
        let der: Pkcs8V1Der<'_> = pair.as_der().map_err(unusable)?;
        Ok(SecretString::from(pem(PRIVATE, der.as_ref())))
    }

    /// Reads what [`SigningKey::generate`] gave.
    ///
    /// # Errors
    /// [`Error::Signing`] when it is no such key.
    pub fn parse(private: &SecretString) -> Result<Self, Error> {
        let unusable = || Error::Signing { reason: "what is kept as the key is none" };
        let body: String = private.expose_secret().lines().filter(|line| !line.starts_with("-----")).collect();
        let der = STANDARD.decode(body).map_err(|_| unusable())?;
        let pair = Ed25519KeyPair::from_pkcs8(&der).map_err(|_| unusable())?;
        let public: PublicKeyX509Der<'_> = pair.public_key().as_der().map_err(|_| unusable())?;
        let public = pem(PUBLIC, public.as_ref());
        Ok(Self { pair, public })
    }

    /// The half that everybody may know, in PEM.
    pub(crate) fn public(&self) -> &str {
        &self.public
    }

    /// A signature, in base64.
    pub(crate) fn sign(&self, text: &str) -> String {
        STANDARD.encode(self.pair.sign(text.as_bytes()))
    }
}

/// What is signed: which release this is, and which binary. It is also the environment that tells the service its name.
pub(crate) fn manifest(id: &ReleaseId, sha256: &str) -> String {
    format!("JEWEL_RELEASE=\"{id}\"\nJEWEL_RELEASE_SHA256=\"{sha256}\"\n")
}

/// Both keys are short enough for one line.
fn pem(label: &str, der: &[u8]) -> String {
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", STANDARD.encode(der))
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Output};

    use super::*;

    /// A release as it lies on an instance, and the script as it runs there.
    fn verify(spoil: impl FnOnce(&std::path::Path)) -> Output {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let release = path("1.0-0123456789ab");
        std::fs::create_dir(&release).unwrap();
        let key = SigningKey::parse(&SigningKey::generate().unwrap()).unwrap();
        std::fs::write(path("release.pub"), key.public()).unwrap();
        std::fs::write(path("verify"), VERIFY).unwrap();
        std::fs::write(release.join("jewel-api"), "the program").unwrap();
        let sha256 = hex::encode(<sha2::Sha256 as sha2::Digest>::digest("the program"));
        let text = manifest(&ReleaseId::new("1.0", "0123456789abcdef"), &sha256);
        std::fs::write(release.join("release.env"), &text).unwrap();
        std::fs::write(release.join("release.env.sig"), STANDARD.decode(key.sign(&text)).unwrap()).unwrap();
        // The service finds its release through a link.
        std::os::unix::fs::symlink(&release, path("current")).unwrap();
        spoil(&release);
        let mut command = Command::new("sh");
        command.arg(path("verify")).arg(path("current")).arg(path("release.pub"));
        command.output().expect("sh runs")
    }

    #[track_caller]
    fn refused(output: &Output, why: &str) {
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(1) && said.contains(why), "{output:?}");
    }

    #[test]
    fn only_what_was_signed_as_it_is_passes() {
        let output = verify(|_| {});
        assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
        refused(
            &verify(|release| std::fs::write(release.join("jewel-api"), "another").unwrap()),
            "is not the one that was signed",
        );
        refused(&verify(|release| std::fs::remove_file(release.join("release.env.sig")).unwrap()), "is not signed");
        refused(&verify(|release| std::fs::write(release.join("release.env.sig"), [7; 64]).unwrap()), "is not signed");
        refused(
            &verify(|release| {
                let env = release.join("release.env");
                let text = std::fs::read_to_string(&env).unwrap();
                std::fs::write(env, format!("{text}LD_PRELOAD=\"/tmp/evil\"\n")).unwrap();
            }),
            "is not signed",
        );
        refused(
            &verify(|release| {
                let renamed = release.with_file_name("2.0-0123456789ab");
                std::fs::rename(release, &renamed).unwrap();
                std::fs::remove_file(release.with_file_name("current")).unwrap();
                std::os::unix::fs::symlink(renamed, release.with_file_name("current")).unwrap();
            }),
            "is signed as another",
        );
    }

    #[test]
    fn a_key_is_read_back_and_nothing_else_is() {
        let kept = SigningKey::generate().unwrap();
        assert_eq!(SigningKey::parse(&kept).unwrap().public(), SigningKey::parse(&kept).unwrap().public());
        assert!(SigningKey::parse(&SecretString::from("no key")).is_err());
    }
}
