//! Load balancers: HTTP on a public address, handed to the healthy ones of some addresses of the private network.
//!
//! As AWS's do, a balancer sends to all of its targets when none is healthy, answers 503 when it has none and 502 when a
//! target breaks off, says for whom it asks (`X-Forwarded-For`, `-Proto`, `-Port`), and ends TLS. Connections to targets
//! are not reused, and protocol upgrades are not passed on.

mod health;
mod serve;

use std::{
    collections::BTreeMap,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{net::TcpListener, task::JoinHandle};
use tokio_rustls::TlsAcceptor;

use self::health::Target;
pub(crate) use self::health::{Health, Reason};
use super::Network;
use crate::{daemon::ports, error::Error};

const HTTP: u16 = 80;
const HTTPS: u16 = 443;

/// What a balancer does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Balance {
    /// Whom it sends to.
    pub(crate) targets: Vec<Ipv4Addr>,
    /// Their port.
    pub(crate) port: u16,
    /// What is asked of them to see whether they are well; the answer must be 200.
    pub(crate) health_path: String,
    /// How often they are asked.
    pub(crate) health_every: Duration,
    /// With one, it speaks TLS too.
    pub(crate) certificate: Option<Certificate>,
    /// Sends visitors who come without TLS to where it is spoken.
    pub(crate) redirects: bool,
}

/// A certificate and its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Certificate {
    /// DER.
    pub(crate) certificate: Vec<u8>,
    /// PKCS #8, DER. Not shown by `Debug`.
    pub(crate) key: Key,
}

/// A private key that is not printed.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Key(pub(crate) Vec<u8>);

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key(..)")
    }
}

/// All balancers of one cloud. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Balancers {
    network: Network,
    running: Arc<tokio::sync::Mutex<BTreeMap<Ipv4Addr, Balancer>>>,
}

struct Balancer {
    tasks: BTreeMap<u16, JoinHandle<()>>,
    checks: JoinHandle<()>,
    shared: Arc<Shared>,
}

/// What the listeners, the health checks and [`Balancers::set`] all see.
struct Shared {
    network: Network,
    now: Mutex<Now>,
}

/// Locked for moments only, never across an await.
struct Now {
    wanted: Balance,
    tls: Option<TlsAcceptor>,
    targets: BTreeMap<Ipv4Addr, Target>,
    turn: usize,
}

impl Balancers {
    /// None runs yet.
    pub(crate) fn new(network: Network) -> Self {
        Self { network, running: Arc::default() }
    }

    /// Makes a balancer at `public` do what is `wanted`. What is known of the health of targets it keeps is kept.
    ///
    /// # Errors
    /// When the certificate is none, or something else on this machine listens there.
    pub(crate) async fn set(&self, public: Ipv4Addr, wanted: &Balance) -> Result<(), Error> {
        let tls = wanted.certificate.as_ref().map(serve::acceptor).transpose()?;
        let mut running = self.running.lock().await;
        let balancer = running.entry(public).or_insert_with(|| Balancer::new(self.network.clone(), wanted));
        balancer.shared.decide(wanted, tls);
        let ports = if wanted.certificate.is_some() { vec![HTTP, HTTPS] } else { vec![HTTP] };
        balancer.listen(public, &ports).await
    }

    /// Ends the balancer at `public` and cuts its connections. Idempotent.
    pub(crate) async fn remove(&self, public: Ipv4Addr) {
        let removed = self.running.lock().await.remove(&public);
        if let Some(mut balancer) = removed {
            // It listens nowhere when this returns.
            let _ = balancer.listen(public, &[]).await;
        }
    }

    /// How `target` is, as far as the balancer at `public` knows.
    pub(crate) async fn health(&self, public: Ipv4Addr, target: Ipv4Addr) -> Option<Health> {
        let running = self.running.lock().await;
        running.get(&public)?.shared.now().targets.get(&target).map(Target::health)
    }
}

impl Balancer {
    fn new(network: Network, wanted: &Balance) -> Self {
        let now = Now { wanted: wanted.clone(), tls: None, targets: BTreeMap::new(), turn: 0 };
        let shared = Arc::new(Shared { network, now: Mutex::new(now) });
        let checks = tokio::spawn(health::keep_checking(shared.clone()));
        Self { tasks: BTreeMap::new(), checks, shared }
    }

    /// Listens on exactly these ports.
    async fn listen(&mut self, public: Ipv4Addr, ports: &[u16]) -> Result<(), Error> {
        let gone: Vec<u16> = self.tasks.keys().filter(|port| !ports.contains(port)).copied().collect();
        for port in gone {
            if let Some(task) = self.tasks.remove(&port) {
                task.abort();
                // Only when the task is over is the port free.
                task.await.ok();
            }
        }
        for port in ports {
            if self.tasks.contains_key(port) {
                continue;
            }
            let address = SocketAddr::from((public, *port));
            let listener = TcpListener::bind(address).await.map_err(|source| {
                let by = ports::holder(*port).map(|by| format!(" (port {port} is held by {by})"));
                Error::Network { action: format!("listen on {address}{}", by.unwrap_or_default()), source }
            })?;
            self.tasks.insert(*port, tokio::spawn(serve::accept(listener, *port, self.shared.clone())));
        }
        Ok(())
    }
}

impl Drop for Balancer {
    fn drop(&mut self) {
        self.checks.abort();
        self.tasks.values().for_each(JoinHandle::abort);
    }
}

impl Shared {
    fn decide(&self, wanted: &Balance, tls: Option<TlsAcceptor>) {
        let mut now = self.now();
        let asks_the_same = (now.wanted.port, &now.wanted.health_path) == (wanted.port, &wanted.health_path);
        let mut before = if asks_the_same { std::mem::take(&mut now.targets) } else { BTreeMap::new() };
        now.targets =
            wanted.targets.iter().map(|address| (*address, before.remove(address).unwrap_or_default())).collect();
        now.wanted = wanted.clone();
        now.tls = tls;
    }

    /// Whose turn it is: one of the healthy, or of all when none is.
    fn next(&self) -> Option<SocketAddr> {
        let mut now = self.now();
        let healthy = |(_, target): &(&Ipv4Addr, &Target)| target.health() == Health::Healthy;
        let mut candidates: Vec<Ipv4Addr> = now.targets.iter().filter(healthy).map(|(address, _)| *address).collect();
        if candidates.is_empty() {
            candidates = now.targets.keys().copied().collect();
        }
        now.turn = now.turn.wrapping_add(1);
        let chosen = candidates.get(now.turn.checked_rem(candidates.len())?)?;
        Some(SocketAddr::from((*chosen, now.wanted.port)))
    }

    fn now(&self) -> MutexGuard<'_, Now> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
