//! Which server program runs the databases, and of which family it is: MySQL and MariaDB differ in more than the name.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use super::{error::Error, first_existing, process};

/// Where Debian, Fedora, Arch and hand-made installations put the server. `PATH` is not asked: a daemon's is anything.
const SERVERS: [&str; 5] = [
    "/usr/sbin/mariadbd",
    "/usr/local/sbin/mariadbd",
    "/usr/bin/mariadbd",
    "/usr/libexec/mariadbd",
    "/usr/local/bin/mariadbd",
];

/// MariaDB's data directory is made by a script.
const INSTALLERS: [&str; 3] =
    ["/usr/bin/mariadb-install-db", "/usr/local/bin/mariadb-install-db", "/usr/bin/mysql_install_db"];

/// How long a server may take to say its version; a cold disk is slow.
const VERSION_WITHIN: Duration = Duration::from_secs(20);

/// The two families.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flavour {
    /// `mariadbd`.
    MariaDb,
    /// Oracle's `mysqld`, 8.0 or later.
    MySql,
}

/// A server program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Engine {
    /// Its family.
    pub flavour: Flavour,
    /// Such as `8.4.3` or `10.11.14-MariaDB`.
    pub version: String,
    /// The program.
    pub binary: PathBuf,
}

impl Engine {
    /// `mysqld`, or the `mariadbd` of this machine.
    pub(crate) async fn find(mysqld: Option<&Path>) -> Result<Self, Error> {
        let found = mysqld.or_else(|| first_existing(SERVERS));
        let binary = found.ok_or_else(|| Error::NoEngine { searched: SERVERS.join(", ") })?.to_owned();
        let unknown = |reason: String| Error::UnknownEngine { binary: binary.clone(), reason };
        let run = process::bare(&binary).args(["--no-defaults", "--version"]).kill_on_drop(true).output();
        let output = tokio::time::timeout(VERSION_WITHIN, run).await;
        let output = output.map_err(|_| unknown(format!("--version took more than {} s", VERSION_WITHIN.as_secs())))?;
        let output = output.map_err(|source| Error::Spawn { program: binary.clone(), source })?;
        let said = String::from_utf8_lossy(if output.status.success() { &output.stdout } else { &output.stderr });
        let (flavour, version) = parse(&said).ok_or_else(|| unknown(said.trim().chars().take(200).collect()))?;
        Ok(Self { flavour, version, binary })
    }

    /// The script that makes MariaDB's data directory: beside the server first, so that versions agree.
    pub(crate) fn installer(&self) -> Option<PathBuf> {
        let prefix = self.binary.parent()?.parent()?;
        let beside = ["bin/mariadb-install-db", "scripts/mariadb-install-db"].map(|path| prefix.join(path));
        beside.into_iter().find(|path| path.exists()).or_else(|| first_existing(INSTALLERS).map(Path::to_owned))
    }
}

/// Reads `/usr/sbin/mysqld  Ver 8.4.3 for Linux on x86_64 (...)` and its like.
fn parse(said: &str) -> Option<(Flavour, String)> {
    let mut words = said.split_whitespace().skip_while(|word| *word != "Ver");
    let version = words.nth(1)?;
    if let Some(end) = version.find("-MariaDB") {
        return Some((Flavour::MariaDb, version[..end + "-MariaDB".len()].to_owned()));
    }
    let number: String = version.chars().take_while(|c| c.is_ascii_digit() || *c == '.').collect();
    let major: u32 = number.split('.').next()?.parse().ok()?;
    (major >= 8).then_some((Flavour::MySql, number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_as_the_servers_print_them() {
        let maria = "mariadbd  Ver 10.11.14-MariaDB-0+deb12u2 for debian-linux-gnu on x86_64 (Debian 12)";
        assert_eq!(parse(maria), Some((Flavour::MariaDb, "10.11.14-MariaDB".into())));
        let mysql = "/r/usr/sbin/mysqld  Ver 9.7.4-2 for Linux on x86_64 ((Debian))";
        assert_eq!(parse(mysql), Some((Flavour::MySql, "9.7.4".into())));
        assert_eq!(parse("mysqld  Ver 8.0.45 for Linux"), Some((Flavour::MySql, "8.0.45".into())));
    }

    #[test]
    fn what_is_no_server_is_not_taken_for_one() {
        for said in ["", "postgres (PostgreSQL) 16.1", "mysqld  Ver 5.7.44 for Linux", "Ver"] {
            assert_eq!(parse(said), None, "{said}");
        }
    }

    #[tokio::test]
    async fn a_missing_program_is_named() {
        let error = Engine::find(Some(Path::new("/nonexistent/mysqld"))).await.unwrap_err();
        assert_eq!(error.to_string(), "could not run /nonexistent/mysqld");
    }
}
