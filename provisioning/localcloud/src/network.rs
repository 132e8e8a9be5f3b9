//! The private network of a cloud: a namespace with a bridge that the host has no route to, and one namespace with one
//! address for each instance and database.
//!
//! Namespaces vanish with a reboot and may be left by a killed daemon, so [`Network::open`] begins anew and
//! [`Network::attach`] makes what is missing. Knows nothing of what runs in the namespaces.

pub(crate) mod balancer;
pub(crate) mod counters;
pub mod forward;
mod inside;
mod ip;

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use tokio::{
    net::{TcpListener, TcpSocket, TcpStream},
    sync::Mutex,
    task::JoinSet,
};

use self::inside::Inside;
use crate::{error::Error, layout, layout::Layout, process};

const CONNECT_DEADLINE: Duration = Duration::from_secs(5);

/// A namespace of the private network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Namespace {
    /// As `ip netns` knows it.
    pub name: String,
    /// Its file.
    pub path: PathBuf,
    /// Its address.
    pub address: Ipv4Addr,
}

/// The private network of one cloud. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Network {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    layout: Layout,
    inside: Inside,
    /// One change at a time: `ip` makes several steps of each.
    changes: Mutex<()>,
    /// Ports of the host that instances reach at the gateway address.
    exposed: Mutex<JoinSet<()>>,
}

impl Network {
    /// Makes the network anew; what a killed daemon left of it is removed. Nothing may run in it yet.
    ///
    /// # Errors
    /// When the kernel or `ip` refuses.
    pub async fn open(layout: Layout) -> Result<Self, Error> {
        remove_all(layout.slot()).await?;
        let vpc = layout.vpc_namespace();
        ip::make_bridge(&vpc, layout.private_gateway()).await?;
        let inside = Inside::enter(&ip::path(&vpc)).await?;
        let exposed = Mutex::new(JoinSet::new());
        Ok(Self { inner: Arc::new(Inner { layout, inside, changes: Mutex::new(()), exposed }) })
    }

    /// The namespace of an instance or database, with `address` on the private network. Idempotent.
    ///
    /// # Errors
    /// When the kernel or `ip` refuses.
    pub async fn attach(&self, id: &str, address: Ipv4Addr) -> Result<Namespace, Error> {
        let layout = &self.inner.layout;
        let name = layout.namespace(id);
        let namespace = Namespace { path: ip::path(&name), name, address };
        let _change = self.inner.changes.lock().await;
        if ip::has_address(&namespace.name, address).await {
            return Ok(namespace);
        }
        ip::remove(&namespace.name).await?;
        ip::make_member(&layout.vpc_namespace(), &namespace.name, address, layout.private_gateway()).await?;
        Ok(namespace)
    }

    /// Removes the namespace of an instance or database. Idempotent.
    ///
    /// # Errors
    /// When `ip` refuses.
    pub async fn detach(&self, id: &str) -> Result<(), Error> {
        let _change = self.inner.changes.lock().await;
        ip::remove(&self.inner.layout.namespace(id)).await
    }

    /// What the namespace of an instance or database has counted, with its connections to `port`; none while it has none.
    pub(crate) async fn counters(&self, id: &str, port: u16) -> Option<counters::Counters> {
        counters::read(&ip::path(&self.inner.layout.namespace(id)), port).await
    }

    /// A connection from inside the private network.
    ///
    /// # Errors
    /// Those of the socket; `TimedOut` after five seconds.
    pub async fn connect(&self, to: SocketAddr) -> std::io::Result<TcpStream> {
        // A socket belongs to the namespace it was made in, wherever it is used.
        let socket = self.inner.inside.run(TcpSocket::new_v4).await??;
        match tokio::time::timeout(CONNECT_DEADLINE, socket.connect(to)).await {
            Ok(result) => result,
            Err(_) => Err(std::io::ErrorKind::TimedOut.into()),
        }
    }

    /// Makes the host's loopback `ports` reachable for instances, at the gateway address of the private network.
    ///
    /// # Errors
    /// When it cannot listen there.
    pub async fn expose_to_instances(&self, ports: &[u16]) -> Result<(), Error> {
        let gateway = self.inner.layout.private_gateway();
        let mut exposed = self.inner.exposed.lock().await;
        for port in ports {
            let address = SocketAddr::from((gateway, *port));
            let failed = |source| Error::Network { action: format!("listen on {address}"), source };
            let listen = move || std::net::TcpListener::bind(address);
            let listener = self.inner.inside.run(listen).await.and_then(|r| r).map_err(failed)?;
            listener.set_nonblocking(true).map_err(failed)?;
            let listener = TcpListener::from_std(listener).map_err(failed)?;
            exposed.spawn(hand_out(listener, SocketAddr::from((Ipv4Addr::LOCALHOST, *port))));
        }
        Ok(())
    }
}

/// Removes every namespace of the private network `slot`.
pub(crate) async fn remove_all(slot: u8) -> Result<(), Error> {
    for name in namespaces(slot) {
        ip::remove(&name).await?;
    }
    Ok(())
}

/// Ends what still runs in the private network `slot`: asks first, then insists after `patience`. No daemon may run.
pub(crate) async fn end_processes(slot: u8, patience: Duration) -> usize {
    let found = || namespaces(slot).iter().flat_map(|name| process::in_network(&ip::path(name))).collect();
    process::end(found, patience).await
}

fn namespaces(slot: u8) -> Vec<String> {
    let vpc = layout::vpc_namespace(slot);
    let prefix = vpc.trim_end_matches("vpc");
    ip::list().into_iter().filter(|name| name.starts_with(prefix)).collect()
}

async fn hand_out(listener: TcpListener, to: SocketAddr) {
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        match listener.accept().await {
            Ok((mut inward, _)) => {
                connections.spawn(async move {
                    let Ok(mut outward) = TcpStream::connect(to).await else { return };
                    tokio::io::copy_bidirectional(&mut inward, &mut outward).await.ok();
                });
            }
            Err(error) => {
                tracing::warn!(%error, "could not accept from an instance");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}
