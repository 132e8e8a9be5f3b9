//! The base image: a small Debian with systemd and an SSH server, made once per machine, whole or not at all.

use std::{
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use fs_err as fs;
use nix::{
    mount::{MntFlags, umount2},
    sys::signal::{Signal, kill, killpg},
    unistd::Pid,
};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::Command,
};

use super::mirror::{self, Source};
use crate::{error::Error, event::Event, files, process};

/// Raised whenever what is put into the image changes, so that old images are not used.
const RECIPE: u32 = 1;

const PACKAGES: [&str; 8] =
    ["systemd", "systemd-sysv", "dbus", "openssh-server", "sudo", "iproute2", "ca-certificates", "procps"];

/// Room for the image and what debootstrap downloads for it.
const NEEDED_BYTES: u64 = 700 << 20;

const DEADLINE: Duration = Duration::from_secs(900);

/// The user that cloud images have.
const USER: &str = "ubuntu";

/// Units that a machine of this kind does not need, most of them because the network and clock are the host's.
const MASKED: [&str; 16] = [
    "apt-daily.timer",
    "apt-daily-upgrade.timer",
    "console-getty.service",
    "dpkg-db-backup.timer",
    "e2scrub_all.timer",
    "e2scrub_reap.service",
    "fstrim.timer",
    "getty.target",
    "man-db.timer",
    "systemd-ask-password-console.path",
    "systemd-ask-password-wall.path",
    "systemd-logind.service",
    "systemd-networkd.service",
    "systemd-resolved.service",
    "systemd-timesyncd.service",
    "systemd-update-utmp.service",
];

const SSHD: &str = "\
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin no
TrustedUserCAKeys /etc/ssh/user_ca.pub
HostKey /etc/ssh/ssh_host_ed25519_key
HostKey /etc/ssh/ssh_host_ecdsa_key
UseDNS no
PrintMotd no
";

const USER_DATA_UNIT: &str = "\
[Unit]
Description=First-boot script
ConditionPathExists=/var/lib/cloud/user-data
ConditionPathExists=!/var/lib/cloud/user-data.done
After=network.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/var/lib/cloud/user-data
ExecStartPost=/usr/bin/touch /var/lib/cloud/user-data.done
TimeoutStartSec=infinity

[Install]
WantedBy=multi-user.target
";

/// Makes the image in `cache` unless it is there, and returns its root. Two runs wait for each other.
///
/// # Errors
/// [`Error::Image`], with the free space there and what the tool said; nothing unfinished stays behind.
pub async fn ensure(cache: &Path, on_event: &(dyn Fn(Event) + Send + Sync)) -> Result<PathBuf, Error> {
    let images = cache.join("images");
    let image_error =
        |reason: String| Error::Image { directory: images.clone(), free: files::free_bytes(&images), reason };
    let source = mirror::find(Path::new("/")).map_err(image_error)?;
    let image = images.join(format!("{}-{RECIPE}", source.codename));
    if image.is_dir() {
        return Ok(image);
    }
    files::dir(&images)?;
    let _lock = files::lock(&images.join("lock"), || on_event(Event::Waiting { what: "the base image" })).await?;
    if image.is_dir() {
        return Ok(image);
    }
    remove_unfinished(&images).await?;
    let free = files::free_bytes(&images);
    if free < NEEDED_BYTES {
        return Err(image_error(format!("{} are needed", crate::error::human(&NEEDED_BYTES))));
    }
    on_event(Event::ImageStarted { codename: source.codename.clone() });
    let unfinished = images.join(format!("{PARTIAL}{}", std::process::id()));
    let made = make(&source, &unfinished, on_event).await;
    let made = made.and_then(|()| fs::rename(&unfinished, &image).map_err(|e| e.to_string()));
    if let Err(reason) = made {
        let error = image_error(reason);
        remove_unfinished(&images).await?;
        return Err(error);
    }
    on_event(Event::ImageReady);
    Ok(image)
}

const PARTIAL: &str = "unfinished-";

async fn make(source: &Source, root: &Path, on_event: &(dyn Fn(Event) + Send + Sync)) -> Result<(), String> {
    debootstrap(source, root, on_event).await?;
    on_event(Event::ImageProgress { line: "Configuring".into() });
    configure(root).await.map_err(|e| e.to_string())?;
    nix::unistd::sync();
    Ok(())
}

async fn debootstrap(source: &Source, root: &Path, on_event: &(dyn Fn(Event) + Send + Sync)) -> Result<(), String> {
    let tool = process::find("debootstrap").ok_or("debootstrap is not installed")?;
    let mut child = Command::new(tool)
        .arg("--variant=minbase")
        .arg(format!("--include={}", PACKAGES.join(",")))
        .arg(&source.codename)
        .arg(root)
        .arg(&source.mirror)
        .env("DEBIAN_FRONTEND", "noninteractive")
        .env("LC_ALL", "C")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()
        .map_err(|e| e.to_string())?;
    // It starts many programs; if we are dropped in the middle, all of them must end.
    let mut group = Group(child.id().unwrap_or_default() as i32);
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let said = async {
        let mut last = Vec::new();
        let Some(stdout) = stdout else { return last };
        let mut lines = BufReader::new(stdout).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            let text = line.trim_start_matches("I: ").to_owned();
            if line.starts_with("E: ") || line.starts_with("W: ") {
                last.push(line);
            }
            on_event(Event::ImageProgress { line: text });
        }
        last
    };
    let complained = async {
        let mut last = Vec::new();
        let Some(stderr) = stderr else { return last };
        let mut lines = BufReader::new(stderr).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            last.push(line);
        }
        last
    };
    let work = async { tokio::join!(said, complained, child.wait()) };
    let outcome = tokio::time::timeout(DEADLINE, work).await;
    if outcome.is_ok() {
        // It ended by itself: its number may be somebody else's by now.
        group.0 = 0;
    }
    match outcome {
        Err(_) => Err(format!("debootstrap did not end within {} s", DEADLINE.as_secs())),
        Ok((_, _, Ok(status))) if status.success() => Ok(()),
        Ok((said, complained, _)) => {
            let log = files::last_lines(&root.join("debootstrap/debootstrap.log"), 4);
            let all: Vec<String> = said.into_iter().chain(complained).chain(log.lines().map(str::to_owned)).collect();
            if all.iter().any(|line| line.contains("No space left on device")) {
                return Err("the disk is full".into());
            }
            Err(format!("debootstrap failed: {}", all[all.len().saturating_sub(6)..].join("; ")))
        }
    }
}

async fn configure(root: &Path) -> Result<(), Error> {
    let write = |name: &str, text: &str| files::write_public(&root.join(name), text.as_bytes());
    let path = root.to_string_lossy().into_owned();
    for arguments in [
        vec![&*path, "useradd", "--create-home", "--shell", "/bin/bash", "--groups", "sudo", USER],
        vec![&*path, "apt-get", "clean"],
    ] {
        process::run("chroot", arguments, Duration::from_secs(60)).await?;
    }
    write("etc/sudoers.d/90-cloud", "%sudo ALL=(ALL:ALL) NOPASSWD:ALL\n")?;
    write("etc/ssh/sshd_config.d/10-cloud.conf", SSHD)?;
    write("etc/systemd/system/user-data.service", USER_DATA_UNIT)?;
    write("etc/resolv.conf", "# The private network has no name server.\n")?;
    write("etc/fstab", "")?;
    write("etc/machine-id", "")?;
    link("/etc/systemd/system/user-data.service", root, "multi-user.target.wants/user-data.service")?;
    for unit in MASKED {
        link("/dev/null", root, unit)?;
    }
    // Where this directory exists the journal survives a reboot.
    files::dir(&root.join("var/log/journal"))?;
    for algorithm in ["rsa", "ecdsa", "ed25519"] {
        for suffix in ["", ".pub"] {
            // Every machine gets its own; those of the package are nobody's.
            fs::remove_file(root.join(format!("etc/ssh/ssh_host_{algorithm}_key{suffix}"))).ok();
        }
    }
    files::remove_tree(&root.join("var/lib/apt/lists"))?;
    files::remove_tree(&root.join("usr/share/doc"))
}

fn link(target: &str, root: &Path, unit: &str) -> Result<(), Error> {
    let path = root.join("etc/systemd/system").join(unit);
    if let Some(parent) = path.parent() {
        files::dir(parent)?;
    }
    fs::remove_file(&path).ok();
    symlink(target, &path).map_err(Error::file("link", &path))
}

/// Removes what a killed or failed run left: its programs, its mounts, its files. The caller holds the lock.
async fn remove_unfinished(images: &Path) -> Result<(), Error> {
    let entries = fs::read_dir(images).map_err(Error::file("read", images))?;
    for directory in entries.filter_map(Result::ok).map(|entry| entry.path()) {
        if !directory.file_name().is_some_and(|name| name.to_string_lossy().starts_with(PARTIAL)) {
            continue;
        }
        for pid in process::processes().into_iter().filter(|pid| works_in(*pid, &directory)) {
            kill(pid, Signal::SIGKILL).ok();
        }
        let mut mounts = files::mounts_under(&directory)?;
        mounts.reverse();
        for mount in mounts {
            umount2(&mount, MntFlags::MNT_DETACH).map_err(|e| Error::file("unmount", &mount)(e.into()))?;
        }
        tokio::task::spawn_blocking(move || files::remove_tree(&directory)).await.unwrap_or(Ok(()))?;
    }
    Ok(())
}

/// debootstrap names the directory in its arguments; what it runs in there has it as its root.
fn works_in(pid: Pid, directory: &Path) -> bool {
    let rooted = fs::read_link(format!("/proc/{pid}/root")).is_ok_and(|root| root.starts_with(directory));
    let named = process::command_line(pid);
    let debootstrap = named.iter().any(|argument| argument.ends_with("/debootstrap"));
    rooted || (debootstrap && named.iter().any(|argument| Path::new(argument) == directory))
}

/// A process group that is killed when this is dropped; harmless when it is gone already.
struct Group(i32);

impl Drop for Group {
    fn drop(&mut self) {
        if self.0 > 1 {
            killpg(Pid::from_raw(self.0), Signal::SIGKILL).ok();
        }
    }
}
