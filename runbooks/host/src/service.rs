//! What is asked of systemd during a rollout: clear, start beside, look, switch, go back. Commands as values.

use std::time::Duration;

use crate::command::Command;
use crate::release::ReleaseId;
use crate::{layout, units};

/// What systemd says when the kernel would not run a program: wrong architecture, missing loader, not a program at all.
pub(crate) const NOT_EXECUTABLE: &str = "203";
/// The same in words.
pub(crate) const WRONG_MACHINE: &str = "it is not a program that this machine can run";
/// Checks run in a unit of this name.
const CHECK: &str = "jewel-api-check";
/// The service drains for up to 30 s before it ends, twice when a switch goes wrong.
const SWITCHING: Duration = Duration::from_secs(90);

/// Stops what an earlier rollout may have left running.
#[must_use]
pub(crate) fn clear() -> Command {
    Command::script(
        r#"systemctl stop "$1" "$2" 2>/dev/null || true
systemctl reset-failed "$1" "$2" 2>/dev/null || true
rm -f "$3""#,
    )
    .args([format!("{}.service", layout::CANDIDATE), format!("{CHECK}.service")])
    .arg(layout::CANDIDATE_ENVIRONMENT)
    .timeout(SWITCHING)
    .sudo()
}

/// Lets the release say whether it could run here.
#[must_use]
pub(crate) fn check(id: &ReleaseId) -> Command {
    let flags = ["--wait", "--pipe", "--collect", "--quiet", "--property=RuntimeMaxSec=45"];
    units::transient(CHECK, id.as_str(), &[], &flags, "check")
}

/// Starts the release beside the one in service; returns once its program runs.
#[must_use]
pub(crate) fn start_candidate(id: &ReleaseId) -> Command {
    let listen = format!("127.0.0.1:{}", layout::CANDIDATE_PORT);
    let environment = [("JEWEL_LISTEN", listen.as_str())];
    let flags = ["--service-type=exec", "--quiet", "--description=The jewelry shop's API, on trial"];
    units::transient(layout::CANDIDATE, id.as_str(), &environment, &flags, "serve")
}

/// Asks how a unit is.
#[must_use]
pub(crate) fn show(unit: &str) -> Command {
    Command::new("systemctl")
        .args(["show", "--property=ActiveState,SubState,Result,ExecMainCode,ExecMainStatus,NRestarts"])
        .arg(format!("{unit}.service"))
}

/// The last lines a unit's latest run wrote to the journal, and what systemd said of it. What a program wrote at its end
/// may arrive after the news that it has ended: for a second, it is waited for.
#[must_use]
pub(crate) fn journal(unit: &str) -> Command {
    Command::script(
        r#"journalctl --sync 2>/dev/null || true
run=$(systemctl show --property=InvocationID --value "$1")
test -n "$run" || exit 0
for try in 1 2 3 4 5 6 7 8 9 10; do
  test -z "$(journalctl --no-pager --quiet --output=cat --lines=1 "_SYSTEMD_INVOCATION_ID=$run")" || break
  sleep 0.1
done
journalctl --no-pager --quiet --output=cat --lines=20 "_SYSTEMD_INVOCATION_ID=$run" + "INVOCATION_ID=$run""#,
    )
    .arg(format!("{unit}.service"))
    .sudo()
}

/// Puts a release into service: environment, symlink, restart. The socket stays open all the while.
#[must_use]
pub(crate) fn switch_to(id: &ReleaseId) -> Command {
    Command::script(
        r#"release=$1 service=$2 environment=$3 candidate=$4 previous=$5 current=$6
test -x "$(dirname "$current")/releases/$release/$service"
if test -e "$environment"; then cp -pf "$environment" "$previous"; else rm -f "$previous"; fi
sync "$candidate"
mv -fT "$candidate" "$environment"
ln -sfnT "releases/$release" "$current.new"
mv -fT "$current.new" "$current"
sync "$(dirname "$current")"
systemctl enable --quiet "$service.socket" "$service.service"
systemctl start "$service.socket"
systemctl restart "$service.service""#,
    )
    .args([id.as_str(), layout::SERVICE, layout::ENVIRONMENT, layout::CANDIDATE_ENVIRONMENT])
    .args([layout::PREVIOUS_ENVIRONMENT, layout::CURRENT])
    .timeout(SWITCHING)
    .sudo()
}

/// Puts the release and the environment before the last switch back.
#[must_use]
pub(crate) fn switch_back(previous: &str) -> Command {
    Command::script(
        r#"release=$1 service=$2 environment=$3 previous=$4 current=$5
if test -e "$previous"; then cp -pf "$previous" "$environment.new"; mv -fT "$environment.new" "$environment"; fi
ln -sfnT "releases/$release" "$current.new"
mv -fT "$current.new" "$current"
sync "$(dirname "$current")"
systemctl restart "$service.service""#,
    )
    .args([previous, layout::SERVICE, layout::ENVIRONMENT, layout::PREVIOUS_ENVIRONMENT, layout::CURRENT])
    .timeout(SWITCHING)
    .sudo()
}

/// Remembers that a release serves, and since when.
#[must_use]
pub(crate) fn mark_served(id: &ReleaseId) -> Command {
    Command::new("touch").arg(format!("{}/{id}/served", layout::RELEASES)).sudo()
}

/// Stops what serves and what listens, and keeps both from coming back with the next start of the machine. A rollout
/// enables them again.
#[must_use]
pub(crate) fn stop() -> Command {
    Command::script(
        r#"systemctl disable --quiet --now "$1.socket" "$1.service" 2>/dev/null || true
! systemctl is-active --quiet "$1.service""#,
    )
    .arg(layout::SERVICE)
    .timeout(SWITCHING)
    .sudo()
}

/// Takes a first release out of service, with nothing to put in its place.
#[must_use]
pub(crate) fn take_out() -> Command {
    Command::script(
        r#"systemctl stop "$1.socket" "$1.service" || true
systemctl reset-failed "$1.service" 2>/dev/null || true
rm -f "$2" "$3""#,
    )
    .args([layout::SERVICE, layout::CURRENT, layout::ENVIRONMENT])
    .timeout(SWITCHING)
    .sudo()
}

/// How a unit is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct UnitState {
    /// `active`, `activating`, `failed`, `inactive`, ...
    pub active: String,
    /// `success`, `exit-code`, `signal`, `oom-kill`, ...
    pub result: String,
    /// Exit code or signal of the main process.
    pub status: String,
    /// How often it was started again by itself.
    pub restarts: u32,
}

impl UnitState {
    /// Reads the answer to [`show`].
    #[must_use]
    pub(crate) fn parse(answer: &str) -> Self {
        let mut state = Self::default();
        for (key, value) in answer.lines().filter_map(|line| line.split_once('=')) {
            match key {
                "ActiveState" => value.clone_into(&mut state.active),
                "Result" => value.clone_into(&mut state.result),
                "ExecMainStatus" => value.clone_into(&mut state.status),
                "NRestarts" => state.restarts = value.parse().unwrap_or(0),
                _ => {}
            }
        }
        state
    }

    /// Why the program is not running, if it is not.
    #[must_use]
    pub(crate) fn exited(&self) -> Option<String> {
        if matches!(self.active.as_str(), "active" | "reloading") && self.restarts == 0 {
            return None;
        }
        if self.active == "activating" && self.restarts == 0 && self.result == "success" {
            return None;
        }
        Some(match self.result.as_str() {
            "exit-code" if self.status == NOT_EXECUTABLE => WRONG_MACHINE.to_owned(),
            // Its program never began: what looks at the signature ended first.
            "exit-code" if self.status == "0" => "it was not let start".to_owned(),
            "exit-code" => format!("it exited with code {}", self.status),
            "signal" | "core-dump" => format!("it was ended by signal {}", self.status),
            "oom-kill" => "it ran out of memory".to_owned(),
            "success" if self.restarts == 0 => "it exited".to_owned(),
            "success" => "it exited and was started again".to_owned(),
            other => format!("it ended ({other})"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_that_stopped_says_why() {
        let exited = |text: &str| UnitState::parse(text).exited();
        assert_eq!(exited("ActiveState=active\nResult=success\nNRestarts=0\n"), None);
        assert_eq!(exited("ActiveState=activating\nResult=success\nNRestarts=0\n"), None);
        let failed = "ActiveState=failed\nResult=exit-code\nExecMainStatus=203\nNRestarts=0\n";
        assert_eq!(exited(failed).as_deref(), Some(WRONG_MACHINE));
        let looping = "ActiveState=activating\nResult=signal\nExecMainStatus=11\nNRestarts=2\n";
        assert_eq!(exited(looping).as_deref(), Some("it was ended by signal 11"));
        assert_eq!(exited("ActiveState=inactive\nResult=success\n").as_deref(), Some("it exited"));
    }

    #[test]
    fn commands_are_what_they_were() {
        let id = ReleaseId::new("1.0.0", "0123456789abcdef");
        let all = [
            clear(),
            check(&id),
            start_candidate(&id),
            show(layout::CANDIDATE),
            journal(layout::CANDIDATE),
            switch_to(&id),
            mark_served(&id),
            switch_back("0.9.0-abc"),
            take_out(),
            stop(),
        ];
        insta::assert_snapshot!(all.map(|command| command.to_string()).join("\n---\n"));
    }
}
