//! The certificates of database servers: one authority per cloud, one certificate per server and start.

use std::{
    io::{self, Write as _},
    net::Ipv4Addr,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    date_time_ymd,
};

use super::error::Error;

/// What all server certificates of the cloud are signed with.
pub(crate) struct Authority {
    /// PEM.
    pub(crate) certificate: String,
    issuer: Issuer<'static, KeyPair>,
}

/// A server's certificate and key, PEM.
pub(crate) struct Leaf {
    pub(crate) certificate: String,
    pub(crate) key: String,
}

impl Authority {
    pub(crate) fn certificate_path(directory: &Path) -> PathBuf {
        directory.join("database-ca.pem")
    }

    /// The authority kept in `directory`; made at the first call.
    pub(crate) fn open(directory: &Path) -> Result<Self, Error> {
        let key_path = directory.join("database-ca-key.pem");
        let certificate_path = Self::certificate_path(directory);
        fs_err::create_dir_all(directory).map_err(Error::file("create", directory))?;
        let key = match fs_err::read_to_string(&key_path) {
            Ok(pem) => KeyPair::from_pem(&pem).map_err(failed)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let key = KeyPair::generate().map_err(failed)?;
                put(&key_path, &key.serialize_pem(), 0o600)?;
                key
            }
            Err(error) => return Err(Error::file("read", &key_path)(error)),
        };
        // The certificate follows from the key and these parameters, so it is read only to stay the same file.
        let parameters = parameters()?;
        let certificate = match fs_err::read_to_string(&certificate_path) {
            Ok(pem) => pem,
            Err(_) => {
                let pem = parameters.self_signed(&key).map_err(failed)?.pem();
                put(&certificate_path, &pem, 0o644)?;
                pem
            }
        };
        Ok(Self { certificate, issuer: Issuer::new(parameters, key) })
    }

    /// A certificate for a server at `address`.
    pub(crate) fn issue(&self, address: Ipv4Addr) -> Result<Leaf, Error> {
        let failed = |source| Error::Certificate { subject: address.to_string(), source };
        let key = KeyPair::generate().map_err(failed)?;
        let mut parameters = CertificateParams::new(vec![address.to_string()]).map_err(failed)?;
        parameters.distinguished_name.push(DnType::CommonName, address.to_string());
        parameters.not_before = date_time_ymd(2020, 1, 1);
        parameters.not_after = date_time_ymd(2120, 1, 1);
        parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        parameters.use_authority_key_identifier_extension = true;
        let certificate = parameters.signed_by(&key, &self.issuer).map_err(failed)?;
        Ok(Leaf { certificate: certificate.pem(), key: key.serialize_pem() })
    }
}

fn parameters() -> Result<CertificateParams, Error> {
    let mut parameters = CertificateParams::new(Vec::new()).map_err(failed)?;
    parameters.distinguished_name.push(DnType::CommonName, "local cloud database authority");
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    // A cloud lives as long as its data directory; an expired certificate would only be a riddle.
    parameters.not_before = date_time_ymd(2020, 1, 1);
    parameters.not_after = date_time_ymd(2120, 1, 1);
    Ok(parameters)
}

fn failed(source: rcgen::Error) -> Error {
    Error::Certificate { subject: "the database authority".to_owned(), source }
}

fn put(path: &Path, text: &str, mode: u32) -> Result<(), Error> {
    let temporary = path.with_extension("new");
    let write = || {
        let mut options = std::fs::OpenOptions::new();
        let mut file = options.write(true).create(true).truncate(true).mode(mode).open(&temporary)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs_err::rename(&temporary, path)
    };
    write().map_err(Error::file("write", path))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn the_authority_is_made_once_and_its_key_is_private() {
        let directory = tempfile::tempdir().unwrap();
        let first = Authority::open(directory.path()).unwrap();
        let second = Authority::open(directory.path()).unwrap();
        assert_eq!(first.certificate, second.certificate);
        let mode = std::fs::metadata(directory.path().join("database-ca-key.pem")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert!(second.issue(Ipv4Addr::new(10, 77, 1, 10)).unwrap().certificate.contains("BEGIN CERTIFICATE"));
    }
}
