//! The run of ports of a cloud: choosing it, checking it, and saying who is in the way.

use std::net::{Ipv4Addr, TcpListener};

use fs_err as fs;
use nix::unistd::Pid;
use rand::RngExt as _;

use crate::{error::Error, process};

/// Gateway, Lightsail, admin.
pub(crate) const FIXED: u16 = 3;

/// A run is this long: the fixed ones, some air, and the edges.
const RUN: u16 = 30;

/// Below the range from which the kernel gives out ports by itself (32768 upward).
const RANDOM: std::ops::Range<u16> = 15_000..32_000;

/// The base port of a new cloud: `wanted` if its fixed ports are free, or any free run when `wanted` is 0.
pub(crate) fn choose(wanted: u16) -> Result<u16, Error> {
    if wanted != 0 {
        let base = wanted.min(u16::MAX - RUN);
        check(base)?;
        return Ok(base);
    }
    let mut rng = rand::rng();
    (0..200)
        .map(|_| rng.random_range(RANDOM))
        .find(|base| (*base..*base + RUN).all(is_free))
        .ok_or_else(|| taken(RANDOM.start))
}

/// Fails when one of the fixed ports from `base` is taken.
pub(crate) fn check(base: u16) -> Result<(), Error> {
    (base..base + FIXED).find(|port| !is_free(*port)).map_or(Ok(()), |port| Err(taken(port)))
}

/// The error that says who has `port`.
pub(crate) fn taken(port: u16) -> Error {
    Error::PortTaken { port, by: holder(port) }
}

/// Whether nobody listens on it here.
pub(crate) fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

/// The process that listens on `port`, such as "nginx (pid 812)", if /proc tells us.
pub(crate) fn holder(port: u16) -> Option<String> {
    let inode = ["/proc/net/tcp", "/proc/net/tcp6"]
        .into_iter()
        .filter_map(|table| fs::read_to_string(table).ok())
        .find_map(|table| listener_inode(&table, port))?;
    let wanted = format!("socket:[{inode}]");
    let pid = process::processes().into_iter().find(|pid| has_open(*pid, &wanted))?;
    let name = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
    Some(format!("{} (pid {pid})", name.trim()))
}

fn has_open(pid: Pid, target: &str) -> bool {
    let Ok(entries) = fs::read_dir(format!("/proc/{pid}/fd")) else { return false };
    entries
        .filter_map(Result::ok)
        .filter_map(|entry| fs::read_link(entry.path()).ok())
        .any(|link| link.to_string_lossy() == target)
}

/// In /proc/net/tcp: field 1 is the local address (hex address:port), 3 the state (0A = listening), 9 the inode.
fn listener_inode(table: &str, port: u16) -> Option<u64> {
    table.lines().skip(1).find_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let local = fields.get(1)?.rsplit(':').next()?;
        let listening = fields.get(3) == Some(&"0A");
        (listening && u16::from_str_radix(local, 16) == Ok(port)).then(|| fields.get(9)?.parse().ok())?
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_holder_of_a_port_is_named() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let text = taken(port).to_string();
        assert!(text.contains(&port.to_string()) && text.contains(&std::process::id().to_string()), "{text}");
    }

    #[test]
    fn a_free_run_is_found_and_a_taken_one_refused() {
        let base = choose(0).unwrap();
        assert!(RANDOM.contains(&base));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        assert!(
            matches!(choose(port - 1), Err(Error::PortTaken { port: p, .. }) if p == port || p == port - 1 || p == port + 1)
        );
    }

    #[test]
    fn the_kernels_table_is_read() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n   \
                     0: 0100007F:11D6 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1 0 100\n   \
                     1: 0100007F:11D7 0100007F:1 01 00000000:00000000 00:00000000 00000000     0        0 4712 1 0 100\n";
        assert_eq!(listener_inode(table, 4566), Some(4711));
        assert_eq!(listener_inode(table, 4567), None, "a connection is not a listener");
    }
}
