//! One HTTP request to a server on this machine: plain, direct, bounded.
//!
//! Neither TLS nor proxies nor a pool of connections are of use there, and setting them up takes longer than the call.

use std::time::Duration;

use http::{Method, Request, StatusCode, Uri, header};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CallError {
    #[error("nothing answers at {0}")]
    Refused(String),
    #[error("no answer within {} s", .0.as_secs())]
    Late(Duration),
    #[error("the answer makes no sense: {0}")]
    Garbled(String),
}

/// Sends `body` (JSON, where there is one) to `url` and returns the whole answer.
pub(crate) async fn call(
    method: Method,
    url: &str,
    token: Option<&str>,
    body: Option<Vec<u8>>,
    deadline: Duration,
) -> Result<(StatusCode, Bytes), CallError> {
    tokio::time::timeout(deadline, exchange(method, url, token, body)).await.unwrap_or(Err(CallError::Late(deadline)))
}

async fn exchange(
    method: Method,
    url: &str,
    token: Option<&str>,
    body: Option<Vec<u8>>,
) -> Result<(StatusCode, Bytes), CallError> {
    let garbled = |e: &dyn std::error::Error| CallError::Garbled(e.to_string());
    let uri: Uri = url.parse().map_err(|e| garbled(&e))?;
    let authority = uri.authority().map(ToString::to_string).unwrap_or_default();
    let stream = TcpStream::connect(&authority).await.map_err(|_| CallError::Refused(authority.clone()))?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(|e| garbled(&e))?;
    let connection = tokio::spawn(connection);
    let path = uri.path_and_query().map_or("/", |p| p.as_str());
    let mut request = Request::builder().method(method).uri(path).header(header::HOST, authority);
    if let Some(token) = token {
        request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
    }
    if body.is_some() {
        request = request.header(header::CONTENT_TYPE, "application/json");
    }
    let request = request.body(Full::new(Bytes::from(body.unwrap_or_default()))).map_err(|e| garbled(&e))?;
    let answer = async {
        let response = sender.send_request(request).await?;
        let status = response.status();
        Ok::<_, hyper::Error>((status, response.into_body().collect().await?.to_bytes()))
    };
    let answer = answer.await.map_err(|e| garbled(&e));
    connection.abort();
    answer
}
