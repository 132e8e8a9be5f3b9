//! The server's command line: everything it is told, in one place, for both families.
//!
//! `--loose-` is for what only some versions know. No secret is ever an argument.

use std::ffi::OsString;

use super::{PORT, ServerSpec, directory::Directory, engine::Flavour, parameters, process::flag};

/// The file with the statements that the server runs before it lets anyone in, under the database's directory.
pub(crate) const INIT_FILE: &str = "run/init.sql";

/// All arguments. Later ones win, so the user's parameters come last.
pub(crate) fn arguments(flavour: Flavour, directory: &Directory, spec: &ServerSpec) -> Vec<OsString> {
    let inside = directory.jail.inside();
    let mut arguments: Vec<OsString> = vec!["--no-defaults".into()];
    for (name, place) in [
        ("--datadir=", "data"),
        ("--tmpdir=", "tmp"),
        // Packages compile in a directory that need not exist.
        ("--secure-file-priv=", "tmp"),
        ("--socket=", "run/mysqld.sock"),
        ("--pid-file=", "run/mysqld.pid"),
        ("--init-file=", INIT_FILE),
        ("--ssl-ca=", "tls/ca.pem"),
        ("--ssl-cert=", "tls/server.pem"),
        ("--ssl-key=", "tls/server-key.pem"),
    ] {
        arguments.push(flag(name, inside.join(place)));
    }
    let mut say = |text: &str| arguments.push(text.into());
    say(&format!("--user={}", directory.user));
    say(&format!("--bind-address={}", spec.address));
    say(&format!("--port={PORT}"));
    // Unique in the private network, as replicas and readers of the binary log need it.
    say(&format!("--server-id={}", u32::from(spec.address)));
    for setting in [
        "--skip-name-resolve",
        "--tls-version=TLSv1.2,TLSv1.3",
        "--character-set-server=utf8mb4",
        "--default-time-zone=+00:00",
        // Nothing that was acknowledged is lost: RDS's settings, and the point of all this.
        "--innodb-flush-log-at-trx-commit=1",
        "--sync-binlog=1",
        // A developer's machine runs several of these.
        "--innodb-buffer-pool-size=64M",
        "--performance-schema=OFF",
        "--max-connections=100",
        // Containers and old kernels refuse it, and there are few slots for it in a machine.
        "--innodb-use-native-aio=OFF",
        "--loose-mysqlx=OFF",
        "--loose-innodb-redo-log-capacity=64M",
    ] {
        say(setting);
    }
    if flavour == Flavour::MariaDb {
        say("--innodb-log-file-size=48M");
        // MySQL's default, and deprecated there as an option.
        say("--binlog-format=ROW");
    }
    if spec.binary_log {
        arguments.push(flag("--log-bin=", inside.join("binlog").join("binlog")));
        arguments.push("--binlog-expire-logs-seconds=604800".into());
    } else {
        arguments.push("--skip-log-bin".into());
    }
    for (name, value) in &spec.parameters {
        arguments.push(format!("--{}={value}", parameters::option_name(name)).into());
    }
    arguments
}

#[cfg(test)]
mod tests {
    use std::{net::Ipv4Addr, path::Path};

    use super::*;

    fn line(binary_log: bool) -> Vec<String> {
        let spec = ServerSpec {
            id: "d1".into(),
            address: Ipv4Addr::new(10, 77, 1, 10),
            binary_log,
            parameters: [("time_zone", "+08:00"), ("max_connections", "7")]
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into(),
        };
        let directory = Directory::new("/data/databases/d1".into(), Path::new("/usr/sbin/mariadbd"));
        let arguments = arguments(Flavour::MariaDb, &directory, &spec);
        arguments.into_iter().map(|argument| argument.into_string().unwrap()).collect()
    }

    #[test]
    fn the_users_parameters_come_last_and_win() {
        let line = line(true);
        assert_eq!(line[0], "--no-defaults");
        assert_eq!(line[line.len() - 2..], ["--max-connections=7", "--default-time-zone=+08:00"]);
        assert!(line.contains(&"--log-bin=/mnt/binlog/binlog".to_owned()));
    }

    #[test]
    fn without_backups_there_is_no_binary_log() {
        let line = line(false);
        assert!(line.contains(&"--skip-log-bin".to_owned()));
        assert!(!line.iter().any(|argument| argument.starts_with("--log-bin")));
    }
}
