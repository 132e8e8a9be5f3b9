//! A stand-in for S3: objects in memory, `If-None-Match`, checksums, and every way in which a PUT can go wrong.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    body::Bytes,
    extract::{DefaultBodyLimit, Path, State},
    http::{HeaderMap, Method, StatusCode, Uri, header},
    response::{IntoResponse, Response},
    routing::any,
};
use base64::{Engine, prelude::BASE64_STANDARD};
use sha2::{Digest, Sha256};

use super::signature;

/// What happens to one PUT instead of what should.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// 503, and nothing is stored.
    Busy,
    /// It is stored, and the caller hears 500.
    AnswerLost,
    /// It is never answered, and stored only after the caller has left.
    LandsLate(Duration),
    /// 412, as if somebody else had written it.
    Taken,
}

/// An object as it was stored.
#[derive(Clone, Debug)]
pub(crate) struct Object {
    pub(crate) body: Bytes,
    pub(crate) content_type: String,
    pub(crate) cache_control: String,
}

#[derive(Default)]
struct Cloud {
    /// By `bucket/key`.
    objects: BTreeMap<String, Object>,
    faults: VecDeque<Fault>,
    latency: Duration,
    away: bool,
    puts: usize,
}

/// The stand-in. Clones are the same one.
#[derive(Clone)]
pub(crate) struct S3 {
    pub(crate) url: String,
    cloud: Arc<Mutex<Cloud>>,
}

impl S3 {
    pub(crate) async fn start() -> Self {
        let cloud = Arc::new(Mutex::new(Cloud::default()));
        let router = Router::new()
            .route("/{bucket}/{*key}", any(answer))
            .layer(DefaultBodyLimit::max(64 * 1024 * 1024))
            .with_state(Arc::clone(&cloud));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, cloud }
    }

    /// How long each request takes.
    pub(crate) fn set_latency(&self, latency: Duration) {
        self.cloud.lock().unwrap().latency = latency;
    }

    /// Whether every request is answered with 503.
    pub(crate) fn set_away(&self, away: bool) {
        self.cloud.lock().unwrap().away = away;
    }

    /// What happens to the next PUTs, one each.
    pub(crate) fn fail(&self, faults: impl IntoIterator<Item = Fault>) {
        self.cloud.lock().unwrap().faults.extend(faults);
    }

    /// The object of this key, if there is one.
    pub(crate) fn object(&self, bucket: &str, key: &str) -> Option<Object> {
        self.cloud.lock().unwrap().objects.get(&format!("{bucket}/{key}")).cloned()
    }

    /// Stores an object, as somebody else.
    pub(crate) fn store(&self, bucket: &str, key: &str, body: impl Into<Bytes>, content_type: &str) {
        let object = Object { body: body.into(), content_type: content_type.to_owned(), cache_control: String::new() };
        self.cloud.lock().unwrap().objects.insert(format!("{bucket}/{key}"), object);
    }

    /// Removes an object.
    pub(crate) fn remove(&self, bucket: &str, key: &str) {
        self.cloud.lock().unwrap().objects.remove(&format!("{bucket}/{key}"));
    }

    /// The keys of a bucket that begin with `prefix`, in order.
    pub(crate) fn keys(&self, bucket: &str, prefix: &str) -> Vec<String> {
        let start = format!("{bucket}/{prefix}");
        let cloud = self.cloud.lock().unwrap();
        let keys = cloud.objects.keys().filter(|key| key.starts_with(&start));
        keys.map(|key| key[bucket.len() + 1..].to_owned()).collect()
    }

    /// How many PUTs arrived, whatever became of them.
    pub(crate) fn puts(&self) -> usize {
        self.cloud.lock().unwrap().puts
    }
}

async fn answer(
    State(cloud): State<Arc<Mutex<Cloud>>>,
    Path((bucket, key)): Path<(String, String)>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let place = format!("{bucket}/{key}");
    let (latency, away, fault) = {
        let mut cloud = cloud.lock().unwrap();
        let fault = (method == Method::PUT).then(|| {
            cloud.puts += 1;
            cloud.faults.pop_front()
        });
        (cloud.latency, cloud.away, fault.flatten())
    };
    if !latency.is_zero() {
        tokio::time::sleep(latency).await;
    }
    if away {
        return error(StatusCode::SERVICE_UNAVAILABLE, "SlowDown");
    }
    if signature::is_good(&method, &uri, &headers) == Some(false) {
        return error(StatusCode::FORBIDDEN, "SignatureDoesNotMatch");
    }
    match method {
        Method::PUT => match fault {
            None => put(&cloud, place, &headers, body),
            Some(Fault::Busy) => error(StatusCode::SERVICE_UNAVAILABLE, "SlowDown"),
            Some(Fault::Taken) => error(StatusCode::PRECONDITION_FAILED, "PreconditionFailed"),
            Some(Fault::AnswerLost) => {
                put(&cloud, place, &headers, body);
                error(StatusCode::INTERNAL_SERVER_ERROR, "InternalError")
            }
            Some(Fault::LandsLate(after)) => {
                tokio::spawn(async move {
                    tokio::time::sleep(after).await;
                    put(&cloud, place, &headers, body);
                });
                std::future::pending().await
            }
        },
        Method::GET | Method::HEAD => match cloud.lock().unwrap().objects.get(&place).cloned() {
            Some(object) => {
                let etag = format!("\"{}\"", hex::encode(Sha256::digest(&object.body)));
                ([(header::CONTENT_TYPE, object.content_type), (header::ETAG, etag)], object.body).into_response()
            }
            None => error(StatusCode::NOT_FOUND, "NoSuchKey"),
        },
        Method::DELETE => {
            cloud.lock().unwrap().objects.remove(&place);
            StatusCode::NO_CONTENT.into_response()
        }
        _ => error(StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed"),
    }
}

fn put(cloud: &Mutex<Cloud>, place: String, headers: &HeaderMap, body: Bytes) -> Response {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let checksum = BASE64_STANDARD.encode(Sha256::digest(&body));
    if text("x-amz-checksum-sha256").is_some_and(|sent| sent != checksum) {
        return error(StatusCode::BAD_REQUEST, "BadDigest");
    }
    if text("content-encoding") == Some("aws-chunked") {
        return error(StatusCode::NOT_IMPLEMENTED, "NotImplemented");
    }
    let only_new = text("if-none-match") == Some("*");
    // The API's key may write below `journal/` only so.
    if place.starts_with(&format!("{}/journal/", super::BACKUPS)) && !only_new {
        return error(StatusCode::FORBIDDEN, "AccessDenied");
    }
    let mut cloud = cloud.lock().unwrap();
    if only_new && cloud.objects.contains_key(&place) {
        return error(StatusCode::PRECONDITION_FAILED, "PreconditionFailed");
    }
    let content_type = text("content-type").unwrap_or("application/octet-stream").to_owned();
    let cache_control = text("cache-control").unwrap_or_default().to_owned();
    cloud.objects.insert(place, Object { body, content_type, cache_control });
    ([(header::ETAG, format!("\"{checksum}\""))], StatusCode::OK).into_response()
}

fn error(status: StatusCode, code: &str) -> Response {
    let body = format!("<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>{code}</Message></Error>");
    (status, [(header::CONTENT_TYPE, "application/xml")], body).into_response()
}
