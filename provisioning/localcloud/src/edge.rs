//! Plain addresses for hosts that only the gateway can tell apart.
//!
//! A CloudFront distribution or an HTTP API is recognised by its Host header, and such names do not resolve on every
//! machine. Each gets a port of 127.0.0.1, kept for good, from which requests go to the gateway under the right name.

mod proxy;

use std::{
    collections::BTreeMap,
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    sync::Arc,
};

use tokio::{net::TcpListener, sync::Mutex, task::JoinSet};

use crate::{daemon::ports, error::Error, files};

/// Ports set aside for edges after the first.
const PORTS: u16 = 200;

/// All edges of one cloud. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Edges {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    store: PathBuf,
    first_port: u16,
    gateway: SocketAddr,
    open: Mutex<Open>,
}

#[derive(Debug, Default)]
struct Open {
    ports: BTreeMap<String, u16>,
    listening: BTreeMap<String, u16>,
    tasks: JoinSet<()>,
}

impl Edges {
    /// Opens all edges that were ever asked for. One whose port is taken meanwhile is opened again when asked for.
    pub(crate) async fn open(store: PathBuf, first_port: u16, gateway_port: u16) -> Result<Self, Error> {
        let ports: BTreeMap<String, u16> = files::read_json(&store)?.unwrap_or_default();
        let gateway = SocketAddr::from((Ipv4Addr::LOCALHOST, gateway_port));
        let open = Mutex::new(Open { ports: ports.clone(), ..Open::default() });
        let edges = Self { inner: Arc::new(Inner { store, first_port, gateway, open }) };
        for host in ports.keys() {
            if let Err(error) = edges.port(host).await {
                tracing::warn!(%host, %error, "an edge does not open");
            }
        }
        Ok(edges)
    }

    /// The port that leads to `host`, opened now if it is not yet.
    pub(crate) async fn port(&self, host: &str) -> Result<u16, Error> {
        let name = gateway_name(host);
        let mut open = self.inner.open.lock().await;
        if let Some(port) = open.listening.get(host) {
            return Ok(*port);
        }
        let (port, listener) = match open.ports.get(host) {
            Some(port) => (*port, listen(*port).await?),
            None => {
                let (port, listener) = self.first_free(&open.ports).await?;
                open.ports.insert(host.to_owned(), port);
                files::write_json(&self.inner.store, &open.ports)?;
                (port, listener)
            }
        };
        open.listening.insert(host.to_owned(), port);
        open.tasks.spawn(proxy::serve(listener, name, self.inner.gateway));
        tracing::info!(%host, port, "edge open");
        Ok(port)
    }

    /// How many there are.
    pub(crate) async fn count(&self) -> (usize, usize) {
        let open = self.inner.open.lock().await;
        (open.listening.len(), open.ports.len())
    }

    async fn first_free(&self, taken: &BTreeMap<String, u16>) -> Result<(u16, TcpListener), Error> {
        let first = self.inner.first_port;
        for port in first..first.saturating_add(PORTS) {
            if taken.values().any(|t| *t == port) {
                continue;
            }
            if let Ok(listener) = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await {
                return Ok((port, listener));
            }
        }
        Err(ports::taken(first))
    }
}

/// The name under which the gateway knows `host`: distributions carry AWS's own domain.
fn gateway_name(host: &str) -> String {
    match host.strip_suffix(".cloudfront.net") {
        Some(label) => format!("{label}.cloudfront.localhost"),
        None => host.to_owned(),
    }
}

/// Host names only, with an optional port: nothing that could end a header line or climb anywhere.
pub(crate) fn is_host(host: &str) -> bool {
    let (name, port) = host.split_once(':').unwrap_or((host, "1"));
    let label = |l: &str| !l.is_empty() && l.len() <= 63 && l.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    name.len() <= 253 && name.split('.').all(label) && port.parse::<u16>().is_ok()
}

async fn listen(port: u16) -> Result<TcpListener, Error> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.map_err(|_| ports::taken(port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_distribution_is_named_as_the_gateway_knows_it() {
        assert_eq!(gateway_name("d1abc.cloudfront.net"), "d1abc.cloudfront.localhost");
        assert_eq!(gateway_name("ab12.execute-api.localhost:4566"), "ab12.execute-api.localhost:4566");
    }

    #[test]
    fn hosts_are_only_hosts() {
        assert!(is_host("d1abc.cloudfront.net"));
        assert!(is_host("ab12cd34.execute-api.localhost:4566"));
        for bad in ["", "a b", "a\r\nX: y", "../x", "a..b", "a:x", "a:99999", "a/b"] {
            assert!(!is_host(bad), "{bad:?}");
        }
    }
}
