//! First things on a new instance: the service's user, the directories, the units. Idempotent; done again only when
//! what is wanted has changed.

use sha2::{Digest as _, Sha256};

use crate::command::Command;
use crate::{layout, units};

const SCRIPT: &str = r#"user=$1 root=$2 releases=$3 incoming=$4 environment=$5 service=$6
id -u "$user" >/dev/null 2>&1 ||
  useradd --system --user-group --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin "$user"
install -d -m 0755 "$root" "$releases"
install -d -m 0700 -o "$7" "$incoming"
install -d -m 0700 "$(dirname "$environment")"
put() {
  printf '%s' "$2" | cmp -s - "$1" && return
  printf '%s' "$2" >"$1.new"
  chmod 0644 "$1.new"
  sync "$1.new"
  mv -fT "$1.new" "$1"
}
put "/etc/systemd/system/$service.socket" "$8"
put "/etc/systemd/system/$service.service" "$9"
systemctl daemon-reload
printf '%s' "${10}" >"$root/.setup"
sync "$root/.setup""#;

/// Prepares the instance; `login` is the user that uploads.
#[must_use]
pub(crate) fn set_up(login: &str) -> Command {
    Command::script(SCRIPT)
        .args([layout::SERVICE_USER, layout::ROOT, layout::RELEASES, layout::INCOMING, layout::ENVIRONMENT])
        .args([layout::SERVICE, login, units::SOCKET, units::SERVICE, stamp(login).as_str()])
        .sudo()
}

/// The digest of what [`set_up`] would do, as it leaves it on the instance.
#[must_use]
pub(crate) fn stamp(login: &str) -> String {
    let mut hasher = Sha256::new();
    for part in [SCRIPT, login, units::SOCKET, units::SERVICE] {
        hasher.update(part);
        hasher.update([0]);
    }
    hex::encode(hasher.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stamp_follows_what_is_wanted() {
        assert_eq!(stamp("ubuntu"), stamp("ubuntu"));
        assert_ne!(stamp("ubuntu"), stamp("admin"));
        assert!(set_up("ubuntu").to_string().ends_with(&stamp("ubuntu")));
        assert_eq!(format!("{}/.setup", layout::ROOT), layout::SETUP_STAMP);
    }
}
