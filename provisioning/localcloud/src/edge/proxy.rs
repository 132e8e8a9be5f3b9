//! The reverse proxy behind one edge: streams both ways, replaces the Host header, says for whom it asks.

use std::{convert::Infallible, net::SocketAddr};

use http::{HeaderValue, Request, Response, StatusCode, Uri, header, uri::Authority};
use http_body_util::{Either, Full};
use hyper::body::{Bytes, Incoming};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioIo},
};
use tokio::{net::TcpListener, task::JoinSet};

use crate::hops::{remove_hop_by_hop, say_for_whom};

type Body = Either<Incoming, Full<Bytes>>;

/// Serves `listener` until dropped: every request goes to `gateway` as one for `host`.
pub(super) async fn serve(listener: TcpListener, host: String, gateway: SocketAddr) {
    let client: Client<HttpConnector, Incoming> = Client::builder(TokioExecutor::new()).build_http();
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        let (stream, peer) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of file descriptors, most likely: give others a moment to close theirs.
                tracing::warn!(%error, "edge could not accept");
                tokio::time::sleep(std::time::Duration::from_millis(100)).await;
                continue;
            }
        };
        let (client, host) = (client.clone(), host.clone());
        connections.spawn(async move {
            let service = hyper::service::service_fn(move |request| {
                let (client, host) = (client.clone(), host.clone());
                async move { Ok::<_, Infallible>(forward(&client, request, &host, gateway, peer).await) }
            });
            stream.set_nodelay(true).ok();
            let connection = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
            if let Err(error) = connection.await {
                tracing::debug!(%error, "edge connection ended");
            }
        });
    }
}

async fn forward(
    client: &Client<HttpConnector, Incoming>,
    request: Request<Incoming>,
    host: &str,
    gateway: SocketAddr,
    peer: SocketAddr,
) -> Response<Body> {
    let Some(request) = readdress(request, host, gateway, peer) else {
        return plain(StatusCode::BAD_REQUEST, "this request cannot be forwarded\n");
    };
    match client.request(request).await {
        Ok(response) => {
            let (mut parts, body) = response.into_parts();
            remove_hop_by_hop(&mut parts.headers);
            Response::from_parts(parts, Either::Left(body))
        }
        Err(error) => {
            tracing::warn!(%error, host, "the gateway did not answer");
            plain(StatusCode::BAD_GATEWAY, "the local cloud's gateway does not answer\n")
        }
    }
}

fn readdress<B>(request: Request<B>, host: &str, gateway: SocketAddr, peer: SocketAddr) -> Option<Request<B>> {
    let (mut parts, body) = request.into_parts();
    let path = parts.uri.path_and_query().map_or("/", |p| p.as_str());
    let authority: Authority = gateway.to_string().parse().ok()?;
    parts.uri = Uri::builder().scheme("http").authority(authority).path_and_query(path).build().ok()?;
    remove_hop_by_hop(&mut parts.headers);
    parts.headers.insert(header::HOST, HeaderValue::from_str(host).ok()?);
    // The plain local port stands for the TLS endpoint that AWS would have; without this a distribution that redirects
    // to HTTPS would redirect for ever.
    say_for_whom(&mut parts.headers, peer.ip(), "https")?;
    Some(Request::from_parts(parts, body))
}

fn plain(status: StatusCode, text: &'static str) -> Response<Body> {
    let mut response = Response::new(Either::Right(Full::from(text)));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_readdressed() {
        let request = Request::get("/a/b?c=d")
            .header("host", "127.0.0.1:4576")
            .header("connection", "keep-alive, x-private")
            .header("x-private", "1")
            .header("x-forwarded-for", "203.0.113.9")
            .body(())
            .unwrap();
        let peer = "127.0.0.1:5000".parse().unwrap();
        let request = readdress(request, "d1.cloudfront.localhost", "127.0.0.1:4566".parse().unwrap(), peer).unwrap();
        assert_eq!(request.uri(), "http://127.0.0.1:4566/a/b?c=d");
        assert_eq!(request.headers()["host"], "d1.cloudfront.localhost");
        assert_eq!(request.headers()["x-forwarded-for"], "203.0.113.9, 127.0.0.1");
        assert_eq!(request.headers()["x-forwarded-proto"], "https");
        assert!(!request.headers().contains_key("x-private") && !request.headers().contains_key("connection"));
    }
}
