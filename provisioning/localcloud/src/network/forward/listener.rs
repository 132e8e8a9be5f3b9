//! One public address: its listeners, and its live connections so that they can be cut.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    net::{TcpListener, TcpStream},
    task::{AbortHandle, JoinHandle},
};

use super::{PortRule, allowed, listened};
use crate::{daemon::ports, error::Error, network::Network};

#[derive(Debug)]
pub(super) struct Address {
    public: Ipv4Addr,
    network: Network,
    listeners: BTreeMap<u16, JoinHandle<()>>,
    shared: Arc<Mutex<Shared>>,
}

/// What listeners and [`Address::set`] both see. Locked for moments only, never across an await.
#[derive(Debug, Default)]
struct Shared {
    target: Option<Ipv4Addr>,
    rules: Vec<PortRule>,
    next: u64,
    live: BTreeMap<u64, Live>,
}

#[derive(Debug)]
struct Live {
    port: u16,
    from: IpAddr,
    task: AbortHandle,
}

impl Address {
    pub(super) fn new(public: Ipv4Addr, network: Network) -> Self {
        Self { public, network, listeners: BTreeMap::new(), shared: Arc::default() }
    }

    pub(super) async fn set(&mut self, target: Option<Ipv4Addr>, rules: &[PortRule]) -> Result<(), Error> {
        self.decide(target, rules);
        let wanted = if target.is_some() { listened(rules) } else { Default::default() };
        let gone: Vec<u16> = self.listeners.keys().filter(|port| !wanted.contains(port)).copied().collect();
        for port in gone {
            if let Some(task) = self.listeners.remove(&port) {
                task.abort();
                // Only when the task is over is the port free, and that is what callers rely on.
                task.await.ok();
            }
        }
        let mut failure = None;
        for port in wanted {
            if self.listeners.contains_key(&port) {
                continue;
            }
            let address = SocketAddr::from((self.public, port));
            match TcpListener::bind(address).await {
                Ok(listener) => {
                    let task = accept(listener, port, self.network.clone(), Arc::clone(&self.shared));
                    self.listeners.insert(port, tokio::spawn(task));
                }
                Err(source) => {
                    // A program that listens on all addresses of this machine has this one too.
                    let by = ports::holder(port).map(|by| format!(" (port {port} is held by {by})"));
                    let action = format!("listen on {address}{}", by.unwrap_or_default());
                    failure = Some(Error::Network { action, source });
                }
            }
        }
        failure.map_or(Ok(()), Err)
    }

    /// From here on nothing is let in that the new rules forbid, and what is in already is cut.
    fn decide(&self, target: Option<Ipv4Addr>, rules: &[PortRule]) {
        let mut shared = lock(&self.shared);
        let moved = shared.target != target;
        shared.target = target;
        shared.rules = rules.to_vec();
        shared.live.retain(|_, live| {
            let keep = !moved && allowed(rules, live.port, live.from);
            if !keep {
                live.task.abort();
            }
            keep
        });
    }
}

impl Drop for Address {
    fn drop(&mut self) {
        self.decide(None, &[]);
        for task in self.listeners.values() {
            task.abort();
        }
    }
}

async fn accept(listener: TcpListener, port: u16, network: Network, shared: Arc<Mutex<Shared>>) {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => admit(stream, peer.ip(), port, &network, &shared),
            Err(error) => {
                tracing::warn!(%error, port, "a public address could not accept");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

/// Forwards the connection if the rules of this moment allow it, and resets it otherwise.
fn admit(stream: TcpStream, from: IpAddr, port: u16, network: &Network, shared: &Arc<Mutex<Shared>>) {
    let mut locked = lock(shared);
    let target = locked.target.filter(|_| allowed(&locked.rules, port, from));
    let Some(target) = target else {
        stream.set_zero_linger().ok();
        return;
    };
    let key = locked.next;
    locked.next += 1;
    let (network, registry) = (network.clone(), Arc::clone(shared));
    let task = tokio::spawn(async move {
        forward(stream, SocketAddr::from((target, port)), &network).await;
        lock(&registry).live.remove(&key);
    });
    // The task cannot remove its entry before it is made: it needs the lock that we hold.
    locked.live.insert(key, Live { port, from, task: task.abort_handle() });
}

async fn forward(mut stream: TcpStream, to: SocketAddr, network: &Network) {
    let mut target = match network.connect(to).await {
        Ok(target) => target,
        Err(error) => {
            tracing::debug!(%error, %to, "nothing answers behind a public address");
            stream.set_zero_linger().ok();
            return;
        }
    };
    stream.set_nodelay(true).ok();
    target.set_nodelay(true).ok();
    tokio::io::copy_bidirectional(&mut stream, &mut target).await.ok();
}

fn lock(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
