//! The way of a request through a balancer.

use std::{
    convert::Infallible,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use http::{HeaderName, HeaderValue, Request, Response, StatusCode, Uri, header};
use http_body_util::{Either, Full};
use hyper::body::{Body, Bytes, Incoming};
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpListener,
    task::JoinSet,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        crypto::aws_lc_rs,
        pki_types::{CertificateDer, PrivatePkcs8KeyDer},
    },
};

use super::{Certificate, HTTPS, Shared};
use crate::{
    error::Error,
    hops::{remove_hop_by_hop, say_for_whom},
    network::Network,
};

/// How long a visitor may take to agree on TLS.
const HANDSHAKE_WITHIN: Duration = Duration::from_secs(10);

/// How long a target may take to begin its answer; AWS's idle timeout.
const ANSWER_WITHIN: Duration = Duration::from_secs(60);

type Answer = Response<Either<Incoming, Full<Bytes>>>;

/// What ends TLS with `certificate`.
pub(super) fn acceptor(certificate: &Certificate) -> Result<TlsAcceptor, Error> {
    let failed = |error: tokio_rustls::rustls::Error| Error::Network {
        action: "use a certificate".to_owned(),
        source: std::io::Error::new(std::io::ErrorKind::InvalidData, error),
    };
    let chain = vec![CertificateDer::from(certificate.certificate.clone())];
    let key = PrivatePkcs8KeyDer::from(certificate.key.0.clone()).into();
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
    let config = config.with_safe_default_protocol_versions().map_err(failed)?;
    let config = config.with_no_client_auth().with_single_cert(chain, key).map_err(failed)?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// Serves `listener` until it is aborted, which cuts all that came through it.
pub(super) async fn accept(listener: TcpListener, port: u16, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        let (stream, peer) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, port, "a load balancer could not accept");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        stream.set_nodelay(true).ok();
        let shared = shared.clone();
        connections.spawn(async move {
            let tls = shared.now().tls.clone().filter(|_| port == HTTPS);
            match tls {
                None if port == HTTPS => {}
                None => converse(stream, peer.ip(), port, shared).await,
                Some(tls) => match tokio::time::timeout(HANDSHAKE_WITHIN, tls.accept(stream)).await {
                    Ok(Ok(stream)) => converse(stream, peer.ip(), port, shared).await,
                    Ok(Err(error)) => tracing::debug!(%error, "no agreement on TLS"),
                    Err(_) => tracing::debug!("no agreement on TLS in time"),
                },
            }
        });
    }
}

async fn converse(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    peer: IpAddr,
    port: u16,
    shared: Arc<Shared>,
) {
    let service = hyper::service::service_fn(move |request| {
        let shared = shared.clone();
        async move { Ok::<_, Infallible>(answer(&shared, request, peer, port).await) }
    });
    let connection = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    if let Err(error) = connection.await {
        tracing::debug!(%error, "a connection to a load balancer ended");
    }
}

async fn answer(shared: &Shared, request: Request<Incoming>, peer: IpAddr, port: u16) -> Answer {
    let redirects = {
        let now = shared.now();
        now.wanted.redirects && now.tls.is_some() && port != HTTPS
    };
    if redirects {
        return redirect(&request);
    }
    let Some(to) = shared.next() else {
        return plain(StatusCode::SERVICE_UNAVAILABLE, "the load balancer has no instances\n");
    };
    let Some(request) = readdress(request, peer, port) else {
        return plain(StatusCode::BAD_REQUEST, "this request cannot be forwarded\n");
    };
    match tokio::time::timeout(ANSWER_WITHIN, send(&shared.network, to, request)).await {
        Ok(Ok(response)) => {
            let (mut parts, body) = response.into_parts();
            remove_hop_by_hop(&mut parts.headers);
            Response::from_parts(parts, Either::Left(body))
        }
        Ok(Err(())) => plain(StatusCode::BAD_GATEWAY, "the instance did not answer\n"),
        Err(_) => plain(StatusCode::GATEWAY_TIMEOUT, "the instance did not answer in time\n"),
    }
}

/// One request over a connection of its own.
pub(super) async fn send<B>(network: &Network, to: SocketAddr, request: Request<B>) -> Result<Response<Incoming>, ()>
where
    B: Body<Data: Send, Error: Into<Box<dyn std::error::Error + Send + Sync>>> + Send + 'static,
{
    let debug = |error: &dyn std::fmt::Display| tracing::debug!(%error, %to, "a target did not answer");
    let stream = network.connect(to).await.map_err(|error| debug(&error))?;
    stream.set_nodelay(true).ok();
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(|error| debug(&error))?;
    // It ends with the answer's body: nobody else holds the other end.
    tokio::spawn(async move { connection.await.ok() });
    sender.send_request(request).await.map_err(|error| debug(&error))
}

/// The same request, as the balancer makes it: to the path alone, the host as it was.
fn readdress<B>(request: Request<B>, peer: IpAddr, port: u16) -> Option<Request<B>> {
    let (mut parts, body) = request.into_parts();
    parts.uri = parts.uri.path_and_query().map_or("/", |path| path.as_str()).parse::<Uri>().ok()?;
    remove_hop_by_hop(&mut parts.headers);
    say_for_whom(&mut parts.headers, peer, if port == HTTPS { "https" } else { "http" })?;
    parts.headers.insert(HeaderName::from_static("x-forwarded-port"), HeaderValue::from(port));
    Some(Request::from_parts(parts, body))
}

fn redirect<B>(request: &Request<B>) -> Answer {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let host = host.split(':').next().unwrap_or_default();
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    let mut answer = plain(StatusCode::MOVED_PERMANENTLY, "");
    if let Ok(location) = HeaderValue::from_str(&format!("https://{host}{path}")) {
        answer.headers_mut().insert(header::LOCATION, location);
    }
    answer
}

fn plain(status: StatusCode, text: &'static str) -> Answer {
    let mut response = Response::new(Either::Right(Full::from(text)));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_says_for_whom_and_keeps_its_host() {
        let request = Request::get("http://shop.example/a?b=c").header("host", "shop.example");
        let request = request.header("connection", "x-private").header("x-private", "1").body(()).unwrap();
        let request = readdress(request, [203, 0, 113, 9].into(), 443).unwrap();
        assert_eq!(request.uri(), "/a?b=c");
        let headers = request.headers();
        assert_eq!(
            (&headers["host"], &headers["x-forwarded-for"]),
            (&"shop.example".parse().unwrap(), &"203.0.113.9".parse().unwrap())
        );
        assert_eq!(
            (&headers["x-forwarded-proto"], &headers["x-forwarded-port"]),
            (&"https".parse().unwrap(), &"443".parse().unwrap())
        );
        assert!(!headers.contains_key("x-private"));
    }

    #[test]
    fn a_visitor_without_tls_is_sent_to_where_it_is_spoken() {
        let request = Request::get("/a?b=c").header("host", "shop.example:80").body(()).unwrap();
        assert_eq!(redirect(&request).headers()["location"], "https://shop.example/a?b=c");
    }
}
