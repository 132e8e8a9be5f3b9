//! What this machine lacks for the local cloud, as values; and installing it.

mod install;

use std::{path::Path, time::Duration};

use serde::Serialize;

pub use self::install::{fix, install_command};
use crate::{
    daemon::ports,
    database::{Flavour, Tool},
    error::human,
    files, ministack,
    options::{Endpoints, Options},
    process,
};

/// Disk space that a cloud takes comfortably: image, Python environment, instances, databases.
pub const NEEDED_BYTES: u64 = 3 << 30;

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What was looked at, such as `systemd-nspawn`.
    pub name: String,
    /// Whether it is as it must be.
    pub ok: bool,
    /// What was found, or what is wrong.
    pub detail: String,
    /// The Debian package that brings it.
    pub package: Option<String>,
}

/// A command, the package that brings it, and what it is for.
const COMMANDS: [(&str, &str, &str); 5] = [
    ("systemd-nspawn", "systemd-container", "runs instances"),
    ("debootstrap", "debootstrap", "makes the base image"),
    ("ip", "iproute2", "makes private networks"),
    ("ssh-keygen", "openssh-client", "makes host and login keys"),
    ("node", "nodejs", "runs CloudFront functions"),
];

/// Everything that matters, in the order in which a reader wants it.
pub async fn check(options: &Options) -> Vec<Check> {
    let mut checks = vec![check_linux(), check_root()];
    checks.extend(check_requirements(options).await);
    checks.push(check_replay_tool(options));
    checks.push(check_disk("free disk space for data", &options.data_dir));
    checks.push(check_disk("free disk space for the cache", &options.cache_dir));
    checks.push(check_ports(options).await);
    checks
}

/// Without these nothing starts: the commands, and what the kernel must be able to do.
pub(crate) async fn check_requirements(options: &Options) -> Vec<Check> {
    let mut checks = vec![check_python().await];
    checks.extend(check_database_server(options));
    checks.extend(COMMANDS.iter().map(|(command, package, purpose)| check_command(command, package, purpose)));
    checks.push(check_overlay(&options.data_dir));
    checks.push(check_namespaces().await);
    checks
}

fn check_linux() -> Check {
    let ok = cfg!(target_os = "linux");
    Check { name: "Linux".into(), ok, detail: if ok { "yes" } else { "no" }.into(), package: None }
}

fn check_root() -> Check {
    let ok = nix::unistd::geteuid().is_root();
    let detail = if ok { "yes" } else { "no: run it again with sudo" };
    Check { name: "root".into(), ok, detail: detail.into(), package: None }
}

fn check_command(command: &str, package: &str, purpose: &str) -> Check {
    let found = process::find(command);
    let detail = match &found {
        Some(path) => path.display().to_string(),
        None => format!("not found; {purpose}"),
    };
    Check { name: command.into(), ok: found.is_some(), detail, package: Some(package.into()) }
}

fn check_database_server(options: &Options) -> Vec<Check> {
    let Some(server) = &options.mysqld else {
        return vec![
            check_command("mariadbd", "mariadb-server-core", "runs databases"),
            check_command("mariadb-install-db", "mariadb-server-core", "makes databases"),
            // The script that makes databases needs it, and its package does not say so.
            check_command("my_print_defaults", "mariadb-client-core", "makes databases"),
        ];
    };
    let ok = server.is_file();
    let detail = if ok { server.display().to_string() } else { format!("{} does not exist", server.display()) };
    vec![Check { name: "mysqld".into(), ok, detail, package: None }]
}

/// Without it everything works but restores to a point in time.
fn check_replay_tool(options: &Options) -> Check {
    let server = options.mysqld.clone().or_else(|| process::find("mariadbd"));
    let flavour = if options.mysqld.is_some() { Flavour::MySql } else { Flavour::MariaDb };
    let places = server.map(|server| Tool::places(&server, flavour)).unwrap_or_default();
    let found = places.iter().find(|path| path.is_file());
    let detail = match found {
        Some(path) => path.display().to_string(),
        None => "not found beside the server; restores databases to a point in time".to_owned(),
    };
    // MariaDB's package is no help where a MySQL server was named.
    let package = options.mysqld.is_none().then(|| "mariadb-client".to_owned());
    Check { name: Tool::name(flavour).into(), ok: found.is_some(), detail, package }
}

async fn check_python() -> Check {
    let (major, minor) = ministack::OLDEST_PYTHON;
    let name = format!("Python {major}.{minor} or newer, with venv");
    let package = Some("python3-venv".to_owned());
    match ministack::find_python().await {
        Ok(path) => Check { name, ok: true, detail: path.display().to_string(), package },
        Err(reasons) if reasons.is_empty() => {
            Check { name, ok: false, detail: "not found; runs the AWS services".into(), package }
        }
        Err(reasons) => {
            // A release whose own Python is too old has no package that helps.
            let package = package.filter(|_| reasons.iter().any(|reason| reason.contains("venv")));
            Check { name, ok: false, detail: reasons.join(", "), package }
        }
    }
}

/// Instances need an overlay over the image, which not every file system can be the upper part of.
fn check_overlay(data_dir: &Path) -> Check {
    let name = "overlay file system".to_owned();
    let detail = |ok: bool, detail: String| Check { name: name.clone(), ok, detail, package: None };
    if !nix::unistd::geteuid().is_root() {
        return detail(false, "cannot be tried without root".into());
    }
    let Some(existing) = data_dir.ancestors().find(|path| path.is_dir()) else {
        return detail(false, format!("{} cannot be made", data_dir.display()));
    };
    match try_overlay(existing) {
        Ok(()) => detail(true, format!("works in {}", existing.display())),
        Err(reason) => detail(false, format!("does not work in {}: {reason}", existing.display())),
    }
}

fn try_overlay(directory: &Path) -> Result<(), String> {
    use nix::mount::{MntFlags, MsFlags, mount, umount2};
    let scratch = tempfile::Builder::new().prefix(".overlay-").tempdir_in(directory).map_err(|e| e.to_string())?;
    let path = |name: &str| scratch.path().join(name);
    for name in ["lower", "upper", "work", "root"] {
        std::fs::create_dir(path(name)).map_err(|e| e.to_string())?;
    }
    let options = format!(
        "lowerdir={},upperdir={},workdir={}",
        path("lower").display(),
        path("upper").display(),
        path("work").display()
    );
    mount(Some("overlay"), &path("root"), Some("overlay"), MsFlags::empty(), Some(options.as_str()))
        .map_err(|e| e.to_string())?;
    umount2(&path("root"), MntFlags::MNT_DETACH).map_err(|e| e.to_string())
}

async fn check_namespaces() -> Check {
    // A process of its own, which takes its namespaces with it.
    let arguments = ["--net", "--mount", "--pid", "--uts", "--ipc", "--fork", "true"];
    let tried = process::run("unshare", arguments, Duration::from_secs(10)).await;
    let (ok, detail) = match tried {
        Ok(_) => (true, "yes".to_owned()),
        Err(error) => (false, error.to_string()),
    };
    Check { name: "namespaces".into(), ok, detail, package: None }
}

fn check_disk(name: &str, directory: &Path) -> Check {
    let free = files::free_bytes(directory);
    let ok = free >= NEEDED_BYTES;
    let mut detail = format!("{} at {}", human(&free), directory.display());
    if !ok {
        detail.push_str(&format!("; {} are needed", human(&NEEDED_BYTES)));
    }
    Check { name: name.into(), ok, detail, package: None }
}

async fn check_ports(options: &Options) -> Check {
    let check = |ok: bool, detail: String| Check { name: "ports".into(), ok, detail, package: None };
    match crate::daemon::endpoints(options).await {
        Ok(Some(Endpoints { gateway, .. })) => return check(true, format!("in use by this cloud ({gateway})")),
        Ok(None) => {}
        Err(error) => return check(false, error.to_string()),
    }
    match crate::daemon::base_port(options) {
        Ok(0) => check(true, "any free ones will be taken".into()),
        Ok(base) => match ports::check(base) {
            Ok(()) => check(true, format!("{base} to {} are free", base + ports::FIXED - 1)),
            Err(error) => check(false, error.to_string()),
        },
        Err(error) => check(false, error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options() -> Options {
        Options {
            data_dir: "/nonexistent/data".into(),
            cache_dir: "/nonexistent/cache".into(),
            port: 0,
            time_factor: 0.0,
            region: "ap-southeast-1".into(),
            mysqld: None,
            daemon_command: Vec::new(),
        }
    }

    #[test]
    fn a_missing_command_names_its_package_and_purpose() {
        let check = check_command("no-such-command", "some-package", "does things");
        assert_eq!((check.ok, check.package.as_deref()), (false, Some("some-package")));
        assert!(check.detail.contains("does things"));
    }

    #[test]
    fn a_named_database_server_must_exist() {
        let options = Options { mysqld: Some("/nonexistent/mysqld".into()), ..options() };
        let [check] = &check_database_server(&options)[..] else { panic!("one check") };
        assert!(!check.ok && check.detail.contains("/nonexistent/mysqld") && check.package.is_none());
    }

    #[test]
    fn what_reads_binary_logs_is_looked_for_beside_the_server() {
        let options = Options { mysqld: Some("/nonexistent/mysqld".into()), ..options() };
        let check = check_replay_tool(&options);
        assert_eq!((check.ok, check.name.as_str(), check.package), (false, "mysqlbinlog", None));
    }

    #[tokio::test]
    async fn nothing_is_changed_by_looking() {
        let checks = check(&options()).await;
        assert!(checks.iter().any(|c| c.name == "ports" && c.ok));
        assert!(!Path::new("/nonexistent").exists());
    }
}
