//! First things on a new instance: the service's user, the directories, the units. Idempotent; done again only when
//! what is wanted has changed.

use sha2::{Digest as _, Sha256};

use crate::command::Command;
use crate::signing::VERIFY;
use crate::{layout, units};

const SCRIPT: &str = r#"user=$1 root=$2 releases=$3 incoming=$4 environment=$5 service=$6
id -u "$user" >/dev/null 2>&1 ||
  useradd --system --user-group --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin "$user"
install -d -m 0755 "$root" "$releases"
install -d -m 0700 -o "$7" "$incoming"
install -d -m 0700 "$(dirname "$environment")"
openssl pkeyutl -help 2>&1 | grep -q rawin || { echo "openssl 3 is needed to check signatures" >&2; exit 1; }
put() {
  printf '%s' "$3" | cmp -s - "$2" && return
  printf '%s' "$3" >"$2.new"
  chmod "$1" "$2.new"
  sync "$2.new"
  mv -fT "$2.new" "$2"
}
put 0755 "${11}" "${12}"
put 0644 "${13}" "${14}"
put 0644 "/etc/systemd/system/$service.socket" "$8"
put 0644 "/etc/systemd/system/$service.service" "$9"
systemctl daemon-reload
printf '%s' "${10}" >"$root/.setup"
sync "$root/.setup""#;

/// Prepares the instance; `login` is the user that uploads, `key` the public half of the one that releases are signed
/// with.
#[must_use]
pub(crate) fn set_up(login: &str, key: &str) -> Command {
    Command::script(SCRIPT)
        .args([layout::SERVICE_USER, layout::ROOT, layout::RELEASES, layout::INCOMING, layout::ENVIRONMENT])
        .args([layout::SERVICE, login, units::SOCKET, units::SERVICE, stamp(login, key).as_str()])
        .args([layout::VERIFY, VERIFY, layout::PUBLIC_KEY, key])
        .sudo()
}

/// The digest of what [`set_up`] would do, as it leaves it on the instance.
#[must_use]
pub(crate) fn stamp(login: &str, key: &str) -> String {
    let mut hasher = Sha256::new();
    for part in [SCRIPT, login, units::SOCKET, units::SERVICE, VERIFY, key] {
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
        assert_eq!(stamp("ubuntu", "key"), stamp("ubuntu", "key"));
        assert_ne!(stamp("ubuntu", "key"), stamp("admin", "key"));
        assert_ne!(stamp("ubuntu", "key"), stamp("ubuntu", "another"));
        assert!(set_up("ubuntu", "key").to_string().contains(&stamp("ubuntu", "key")));
        assert_eq!(format!("{}/.setup", layout::ROOT), layout::SETUP_STAMP);
    }
}
