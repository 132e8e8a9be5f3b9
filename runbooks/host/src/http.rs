//! Asking an HTTP server on the instance, through the SSH connection: the gate of a rollout needs no `curl` there and
//! no open port.

use std::time::Duration;

use http::{Request, StatusCode};
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;

use crate::ssh::Session;

/// Health answers are small.
const LARGEST_BODY: usize = 64 << 10;

/// What a server answered.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status code.
    pub status: StatusCode,
    /// The body as text.
    pub body: String,
}

impl Session {
    /// `GET path` from a server that listens on the instance's loopback address.
    ///
    /// # Errors
    /// In words, since a server that is not up yet is the normal case for the caller.
    pub async fn http_get(&self, port: u16, path: &str, deadline: Duration) -> Result<Answer, String> {
        match tokio::time::timeout(deadline, self.http_get_unbounded(port, path)).await {
            Ok(answer) => answer,
            Err(_elapsed) => Err(format!("GET {path} was not answered within {} s", deadline.as_secs_f64())),
        }
    }

    async fn http_get_unbounded(&self, port: u16, path: &str) -> Result<Answer, String> {
        let stream =
            self.open_stream("127.0.0.1", port).await.map_err(|_| format!("nothing listens on port {port}"))?;
        let words = |error: hyper::Error| format!("GET {path} failed: {error}");
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(words)?;
        let request = Request::get(path)
            .header(http::header::HOST, "localhost")
            .header(http::header::CONNECTION, "close")
            .body(Empty::<Bytes>::new())
            .map_err(|error| error.to_string())?;
        let exchange = async {
            let answer = sender.send_request(request).await.map_err(words)?;
            let status = answer.status();
            let body = Limited::new(answer.into_body(), LARGEST_BODY).collect().await.map_err(|e| e.to_string())?;
            Ok(Answer { status, body: String::from_utf8_lossy(&body.to_bytes()).into_owned() })
        };
        // The connection does the reading and writing; it is polled beside the exchange and dropped with it.
        tokio::pin!(exchange, connection);
        let mut running = true;
        loop {
            tokio::select! {
                answer = &mut exchange => return answer,
                _ = &mut connection, if running => running = false,
            }
        }
    }
}
