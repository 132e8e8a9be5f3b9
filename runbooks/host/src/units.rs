//! The unit files as templates in files, and the same hardening for a candidate: what is tried is what will serve.

use crate::command::Command;
use crate::layout;

/// The socket unit, which owns port 80.
pub(crate) const SOCKET: &str = include_str!("../units/jewel-api.socket");
/// The service unit.
pub(crate) const SERVICE: &str = include_str!("../units/jewel-api.service");

/// Settings of the service that a candidate has its own values for, or must not have at all.
const NOT_SHARED: [&str; 6] = ["Type", "ExecStartPre", "ExecStart", "EnvironmentFile", "Restart", "RestartSec"];

/// The settings of the service unit's `[Service]` section that every run of the binary shares.
pub(crate) fn shared_settings() -> impl Iterator<Item = (&'static str, &'static str)> {
    section(SERVICE, "Service").filter(|(key, _)| !NOT_SHARED.contains(key))
}

/// Runs a release's binary in a transient unit, hardened like the service, with the candidate's environment.
#[must_use]
pub(crate) fn transient(
    unit: &str,
    release: &str,
    environment: &[(&str, &str)],
    flags: &[&str],
    argument: &str,
) -> Command {
    let directory = format!("{}/{release}", layout::RELEASES);
    let mut command = Command::new("systemd-run").arg(format!("--unit={unit}")).args(flags.iter().copied());
    for (key, value) in shared_settings() {
        command = command.arg(format!("--property={key}={value}"));
    }
    command = command
        .arg(format!("--property=ExecStartPre={} {directory}", layout::VERIFY))
        .arg(format!("--property=EnvironmentFile={}", layout::CANDIDATE_ENVIRONMENT))
        .arg(format!("--property=EnvironmentFile={directory}/release.env"));
    for (name, value) in environment {
        command = command.arg(format!("--setenv={name}={value}"));
    }
    command.arg("--").arg(format!("{directory}/{}", layout::SERVICE)).arg(argument).sudo()
}

fn section(unit: &'static str, name: &'static str) -> impl Iterator<Item = (&'static str, &'static str)> {
    let mut inside = false;
    unit.lines().filter_map(move |line| {
        let line = line.trim();
        if let Some(header) = line.strip_prefix('[') {
            inside = header.strip_suffix(']') == Some(name);
            return None;
        }
        if !inside || line.starts_with('#') {
            return None;
        }
        line.split_once('=')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_units_agree_with_the_layout() {
        let service: Vec<_> = section(SERVICE, "Service").collect();
        let exec = format!("{}/{} serve", layout::CURRENT, layout::SERVICE);
        assert!(service.contains(&("ExecStart", exec.as_str())));
        let verified = format!("{} {}", layout::VERIFY, layout::CURRENT);
        assert!(service.contains(&("ExecStartPre", verified.as_str())));
        assert!(service.contains(&("EnvironmentFile", layout::ENVIRONMENT)));
        assert!(service.contains(&("User", layout::SERVICE_USER)));
        let port = layout::PUBLIC_PORT.to_string();
        assert!(section(SOCKET, "Socket").any(|setting| setting == ("ListenStream", port.as_str())));
    }

    #[test]
    fn a_candidate_is_as_confined_as_the_service() {
        let shared: Vec<_> = shared_settings().map(|(key, _)| key).collect();
        for key in
            ["User", "NoNewPrivileges", "ProtectSystem", "SystemCallFilter", "MemoryMax", "CapabilityBoundingSet"]
        {
            assert!(shared.contains(&key), "{key} is missing");
        }
        assert!(!shared.contains(&"Restart"), "a candidate that exits must stay down");
        assert_eq!(
            section(SERVICE, "Service").count(),
            shared.len() + NOT_SHARED.len() + 1,
            "EnvironmentFile is twice"
        );
    }

    #[test]
    fn a_transient_run_is_one_command() {
        let command = transient("try", "1-abc", &[("JEWEL_LISTEN", "127.0.0.1:1")], &["--wait"], "check").to_string();
        assert!(
            command.starts_with("sudo -n -- systemd-run --unit=try --wait --property=TimeoutStopSec=30"),
            "{command}"
        );
        assert!(command.ends_with("--setenv=JEWEL_LISTEN=127.0.0.1:1 -- /opt/jewel/releases/1-abc/jewel-api check"));
        assert!(command.contains("'--property=SystemCallFilter=~@privileged @resources @obsolete'"), "{command}");
    }
}
