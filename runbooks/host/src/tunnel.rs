//! Reaching what only the instance can reach: a stream to a private address, or a local port that leads there.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};

use crate::error::Error;
use crate::ssh::Session;

/// The server opens the far end within this, or says that it cannot.
const OPEN: Duration = Duration::from_secs(15);

/// A local port that leads to a private address for as long as this value lives.
#[derive(Debug)]
pub struct Tunnel {
    local: SocketAddr,
    target: String,
    accepting: JoinHandle<()>,
}

impl Tunnel {
    /// The address to connect to, on 127.0.0.1.
    #[must_use]
    pub fn local(&self) -> SocketAddr {
        self.local
    }

    /// Where it leads, `host:port` as seen from the instance.
    #[must_use]
    pub fn target(&self) -> &str {
        &self.target
    }
}

impl Drop for Tunnel {
    fn drop(&mut self) {
        // The connections belong to the task and end with it.
        self.accepting.abort();
    }
}

impl Session {
    /// Opens one connection from the instance to `host:port`.
    ///
    /// # Errors
    /// When the instance cannot connect there, or the SSH connection fails.
    pub async fn open_stream(
        &self,
        host: &str,
        port: u16,
    ) -> Result<impl AsyncRead + AsyncWrite + Unpin + Send + 'static, Error> {
        let doing = || format!("connecting to {host}:{port} from it");
        let opening = self.handle.channel_open_direct_tcpip(host, u32::from(port), "127.0.0.1", 0);
        match tokio::time::timeout(OPEN, opening).await {
            Ok(Ok(channel)) => Ok(channel.into_stream()),
            Ok(Err(error)) => Err(self.failed(doing(), error)),
            Err(_elapsed) => Err(Error::Deadline { address: self.address().to_owned(), doing: doing(), after: OPEN }),
        }
    }

    /// Listens on a free port of 127.0.0.1 and leads every connection to `host:port` as seen from the instance.
    ///
    /// # Errors
    /// When no local port can be opened. A far end that cannot be reached shows as a closed connection.
    pub async fn tunnel(&self, host: &str, port: u16) -> Result<Tunnel, Error> {
        self.tunnel_from(0, host, port).await
    }

    /// As [`Session::tunnel`], from a local port of the caller's choice.
    ///
    /// # Errors
    /// As [`Session::tunnel`], also when the port is taken.
    pub async fn tunnel_from(&self, local_port: u16, host: &str, port: u16) -> Result<Tunnel, Error> {
        let target = format!("{host}:{port}");
        let listen = |source| Error::Listen { target: target.clone(), source };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, local_port)).await.map_err(listen)?;
        let local = listener.local_addr().map_err(listen)?;
        let accepting = tokio::spawn(accept(self.clone(), listener, host.to_owned(), port));
        Ok(Tunnel { local, target, accepting })
    }
}

async fn accept(session: Session, listener: TcpListener, host: String, port: u16) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((mut near, _)) => {
                    let (session, host) = (session.clone(), host.clone());
                    connections.spawn(async move {
                        match session.open_stream(&host, port).await {
                            Ok(mut far) => {
                                // Either side may go away at any time; both see it as the end of the connection.
                                let _ = tokio::io::copy_bidirectional(&mut near, &mut far).await;
                            }
                            Err(error) => tracing::debug!(%error, "a connection through the tunnel was not opened"),
                        }
                    });
                }
                Err(error) => {
                    tracing::debug!(%error, "the tunnel stopped accepting connections");
                    return;
                }
            },
            Some(_) = connections.join_next() => {}
        }
    }
}
