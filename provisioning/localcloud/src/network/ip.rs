//! Network namespaces by the `ip` command.

use std::{
    net::Ipv4Addr,
    path::{Path, PathBuf},
    time::Duration,
};

use crate::{error::Error, process};

const DIRECTORY: &str = "/run/netns";
const DEADLINE: Duration = Duration::from_secs(10);

/// The file of a namespace.
pub(super) fn path(name: &str) -> PathBuf {
    Path::new(DIRECTORY).join(name)
}

/// All namespaces of this machine.
pub(super) fn list() -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(DIRECTORY) else { return Vec::new() };
    entries.filter_map(Result::ok).filter_map(|e| e.file_name().into_string().ok()).collect()
}

/// Removes a namespace; what runs in it keeps it until it ends, but its link is gone at once. Idempotent.
pub(super) async fn remove(name: &str) -> Result<(), Error> {
    if !path(name).exists() {
        return Ok(());
    }
    // Without its link the address is free for the next, even while a dying process still holds the namespace.
    process::run("ip", ["-n", name, "link", "delete", "eth0"], DEADLINE).await.ok();
    match process::run("ip", ["netns", "delete", name], DEADLINE).await {
        Err(_) if !path(name).exists() => Ok(()),
        result => result.map(drop),
    }
}

/// The namespace with the bridge.
pub(super) async fn make_bridge(name: &str, gateway: Ipv4Addr) -> Result<(), Error> {
    process::run("ip", ["netns", "add", name], DEADLINE).await?;
    let steps = format!(
        "link set lo up\nlink add br0 type bridge forward_delay 0 stp_state 0\naddr add {gateway}/24 dev br0\nlink set br0 up\n"
    );
    batch(name, &steps).await
}

/// A namespace with one address, wired to the bridge of `vpc`.
pub(super) async fn make_member(vpc: &str, name: &str, address: Ipv4Addr, gateway: Ipv4Addr) -> Result<(), Error> {
    let [_, _, slot, host] = address.octets();
    // The hardware address follows from the address, so that nobody on the bridge remembers a wrong one.
    let hardware = format!("02:4a:77:00:{slot:02x}:{host:02x}");
    process::run("ip", ["netns", "add", name], DEADLINE).await?;
    let wire = format!(
        "link add v{host} type veth peer name eth0 address {hardware} netns {name}\nlink set v{host} master br0\nlink set v{host} up\n"
    );
    batch(vpc, &wire).await?;
    let own =
        format!("link set lo up\naddr add {address}/24 dev eth0\nlink set eth0 up\nroute add default via {gateway}\n");
    batch(name, &own).await
}

/// Whether the namespace exists and is wired with `address`.
pub(super) async fn has_address(name: &str, address: Ipv4Addr) -> bool {
    if !path(name).exists() {
        return false;
    }
    let arguments = ["-n", name, "-4", "-o", "addr", "show", "dev", "eth0", "up"];
    let shown = process::run("ip", arguments, DEADLINE).await;
    shown.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).contains(&format!(" {address}/24 ")))
}

async fn batch(namespace: &str, steps: &str) -> Result<(), Error> {
    let arguments = ["-n", namespace, "-batch", "-"];
    process::run_with_input("ip", arguments, Some(steps), DEADLINE).await.map(drop)
}
