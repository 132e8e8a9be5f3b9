//! The kernel's counters of one namespace: bytes over its interfaces, and connections to a port.
//!
//! Both are files that show the namespace of the thread that reads them, so a thread enters it for a moment.

use std::path::Path;

use nix::sched::{CloneFlags, setns};

/// An established connection, in the words of `/proc/net/tcp`.
const ESTABLISHED: &str = "01";

/// What was counted since the namespace was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counters {
    /// Bytes that came in over all interfaces but the loopback.
    pub(crate) received: u64,
    /// Bytes that went out.
    pub(crate) sent: u64,
    /// Connections to the port that was asked about, now.
    pub(crate) connections: u64,
}

/// Reads the counters of the namespace whose file is `namespace`; none when there is no such namespace.
pub(super) async fn read(namespace: &Path, port: u16) -> Option<Counters> {
    let namespace = std::fs::File::open(namespace).ok()?;
    let (sender, result) = tokio::sync::oneshot::channel();
    let work = move || {
        let counters = setns(namespace, CloneFlags::CLONE_NEWNET).ok().map(|()| {
            let text = |name: &str| std::fs::read_to_string(format!("/proc/thread-self/net/{name}"));
            let (received, sent) = bytes(&text("dev").unwrap_or_default());
            let tables = ["tcp", "tcp6"].map(|name| text(name).unwrap_or_default());
            Counters { received, sent, connections: tables.iter().map(|table| connections(table, port)).sum() }
        });
        sender.send(counters).ok();
    };
    // Not one of the runtime's threads: this one stays in the namespace until it ends.
    std::thread::Builder::new().name("counters".into()).spawn(work).ok()?;
    result.await.ok().flatten()
}

/// Received and sent, of all interfaces but the loopback.
fn bytes(dev: &str) -> (u64, u64) {
    let interfaces = dev.lines().filter_map(|line| line.split_once(':')).filter(|(name, _)| name.trim() != "lo");
    let counted = interfaces.filter_map(|(_, numbers)| {
        let mut numbers = numbers.split_whitespace();
        Some((numbers.next()?.parse::<u64>().ok()?, numbers.nth(7)?.parse::<u64>().ok()?))
    });
    counted.fold((0, 0), |sum, next| (sum.0 + next.0, sum.1 + next.1))
}

fn connections(table: &str, port: u16) -> u64 {
    let ending = format!(":{port:04X}");
    let is_one = |line: &&str| {
        let mut fields = line.split_whitespace().skip(1);
        let local = fields.next().unwrap_or_default();
        local.ends_with(&ending) && fields.nth(1) == Some(ESTABLISHED)
    };
    table.lines().filter(is_one).count() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_of_all_interfaces_but_the_loopback() {
        let dev = "Inter-|   Receive                    |  Transmit\n face |bytes packets ...\n\
                    lo: 999 1 0 0 0 0 0 0 999 1 0 0 0 0 0 0\n\
                  eth0: 120 3 0 0 0 0 0 0 340 4 0 0 0 0 0 0\n";
        assert_eq!(bytes(dev), (120, 340));
    }

    #[test]
    fn only_established_connections_to_the_port_count() {
        let table = "  sl  local_address rem_address   st\n\
                     0: 0A07014D:0CEA 0B07014D:9C40 01 0:0 0 0 0 0\n\
                     1: 0A07014D:0CEA 00000000:0000 0A 0:0 0 0 0 0\n\
                     2: 0A07014D:9C40 0B07014D:0CEA 01 0:0 0 0 0 0\n";
        assert_eq!(connections(table, 3306), 1);
    }
}
