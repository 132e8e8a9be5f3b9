//! Accepting connections: how many, how patiently, and how they end.
//!
//! `axum::serve` would do but for two things: it waits for ever for a request's head, and takes any number of
//! connections, so that a few idle strangers could use up the process's descriptors.

use std::{convert::Infallible, io, sync::Arc, time::Duration};

use axum::{
    Router,
    http::{HeaderValue, header},
    response::Response,
};
use hyper::{
    Request,
    body::Incoming,
    server::conn::http1,
    service::{Service, service_fn},
};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;

use crate::http::client::Peer;

/// What one process takes on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// Connections at once. More wait in the kernel's queue.
    pub(crate) connections: usize,
    /// How long the head of a request may take. A connection that stays silent for so long is closed, so this is longer
    /// than the 60 s for which proxies commonly keep idle connections.
    pub(crate) head_timeout: Duration,
    /// How long a server that stops goes on taking connections, and waits for a request on each that it has. A request
    /// may be on its way already when its connection is closed, and would be lost; one that is answered is told that it
    /// was the last.
    pub(crate) linger: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { connections: 1024, head_timeout: Duration::from_secs(75), linger: Duration::from_millis(500) }
    }
}

/// Serves until `stop` ends; then lingers, takes no more connections, lets each finish its request, and returns when all
/// have.
pub(crate) async fn serve(listener: TcpListener, router: Router, limits: Limits, stop: impl Future<Output = ()>) {
    let places = Arc::new(Semaphore::new(limits.connections));
    let mut connections = JoinSet::new();
    let stopping = CancellationToken::new();
    let end = async {
        stop.await;
        stopping.cancel();
        tokio::time::sleep(limits.linger).await;
    };
    let mut end = std::pin::pin!(end);
    loop {
        // Connections that have ended are cleared away as we go.
        while connections.try_join_next().is_some() {}
        let accepted = async {
            // The semaphore is never closed.
            let place = Arc::clone(&places).acquire_owned().await.ok();
            (accept(&listener).await, place)
        };
        let (stream, place) = tokio::select! {
            biased;
            () = &mut end => break,
            accepted = accepted => accepted,
        };
        let (router, stopping) = (router.clone(), stopping.clone());
        connections.spawn(async move {
            converse(stream, router, limits, &stopping).await;
            drop(place);
        });
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

/// The next connection. When there are no descriptors left, it waits for some to be given back.
async fn accept(listener: &TcpListener) -> TcpStream {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return stream,
            Err(error) if is_of_one_connection(&error) => {}
            Err(error) => {
                tracing::error!(%error, "could not accept a connection");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        }
    }
}

fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

/// The application, told with each request who connected. While the server stops, an answer says that it is the
/// connection's last.
fn known(
    peer: Option<Peer>,
    router: Router,
    stopping: CancellationToken,
) -> impl Service<Request<Incoming>, Response = Response, Error = Infallible, Future: Send> {
    let service = TowerToHyperService::new(router);
    service_fn(move |mut request: Request<Incoming>| {
        if let Some(peer) = peer {
            request.extensions_mut().insert(peer);
        }
        let (answered, stopping) = (service.call(request), stopping.clone());
        async move {
            let mut response = answered.await?;
            if stopping.is_cancelled() {
                response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
            }
            Ok(response)
        }
    })
}

async fn converse(stream: TcpStream, router: Router, limits: Limits, stopping: &CancellationToken) {
    // Answers are small and written at once: waiting to fill packets only delays them.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "could not set TCP_NODELAY");
    }
    let peer = stream.peer_addr().ok().map(|address| Peer(address.ip().to_canonical()));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head_timeout)
        .serve_connection(TokioIo::new(stream), known(peer, router, stopping.clone()));
    let mut connection = std::pin::pin!(connection);
    let last = async {
        stopping.cancelled().await;
        tokio::time::sleep(limits.linger).await;
    };
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = last => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        // Callers that hang up or send nonsense are their own business.
        tracing::debug!(%error, "connection ended early");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::routing::get;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    async fn start(limits: Limits) -> (std::net::SocketAddr, tokio::sync::oneshot::Sender<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = tokio::sync::oneshot::channel();
        let router = Router::new().route("/", get(async || "hello"));
        tokio::spawn(serve(listener, router, limits, async move {
            let _ = stopped.await;
        }));
        (address, stop)
    }

    async fn ask(address: std::net::SocketAddr) -> TcpStream {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
        stream
    }

    async fn hears_something(stream: &mut TcpStream, within: Duration) -> bool {
        let mut buffer = [0; 1024];
        matches!(tokio::time::timeout(within, stream.read(&mut buffer)).await, Ok(Ok(count)) if count > 0)
    }

    #[tokio::test]
    async fn silent_callers_are_hung_up_on() {
        let limits = Limits { head_timeout: Duration::from_millis(50), ..Limits::default() };
        let (address, _stop) = start(limits).await;
        let mut slow = TcpStream::connect(address).await.unwrap();
        slow.write_all(b"GET / HTTP/1.1\r\nhost:").await.unwrap();
        let mut rest = Vec::new();
        tokio::time::timeout(Duration::from_secs(10), slow.read_to_end(&mut rest)).await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn a_connection_beyond_the_limit_waits_for_its_turn() {
        let (address, _stop) = start(Limits { connections: 1, ..Limits::default() }).await;
        let mut first = ask(address).await;
        assert!(hears_something(&mut first, Duration::from_secs(10)).await);
        let mut second = ask(address).await;
        assert!(!hears_something(&mut second, Duration::from_millis(100)).await);
        drop(first);
        assert!(hears_something(&mut second, Duration::from_secs(10)).await);
    }

    #[tokio::test]
    async fn a_server_that_stops_answers_what_was_on_its_way() {
        let (address, stop) = start(Limits::default()).await;
        let fresh = TcpStream::connect(address).await.unwrap();
        let mut idle = ask(address).await;
        assert!(hears_something(&mut idle, Duration::from_secs(10)).await);
        stop.send(()).unwrap();
        tokio::task::yield_now().await;
        let late = TcpStream::connect(address).await.unwrap();
        for mut stream in [idle, fresh, late] {
            stream.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
            let mut answer = String::new();
            tokio::time::timeout(Duration::from_secs(10), stream.read_to_string(&mut answer)).await.unwrap().unwrap();
            assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("connection: close"), "{answer}");
        }
    }

    #[tokio::test]
    async fn idle_connections_end_soon_after_the_server_stops() {
        let limits = Limits { linger: Duration::from_millis(20), ..Limits::default() };
        let (address, stop) = start(limits).await;
        let mut fresh = TcpStream::connect(address).await.unwrap();
        let mut idle = ask(address).await;
        assert!(hears_something(&mut idle, Duration::from_secs(10)).await);
        stop.send(()).unwrap();
        for stream in [&mut idle, &mut fresh] {
            let mut rest = Vec::new();
            tokio::time::timeout(Duration::from_secs(10), stream.read_to_end(&mut rest)).await.unwrap().unwrap();
        }
        let refused = async { while TcpStream::connect(address).await.is_ok() {} };
        tokio::time::timeout(Duration::from_secs(10), refused).await.unwrap();
    }
}
