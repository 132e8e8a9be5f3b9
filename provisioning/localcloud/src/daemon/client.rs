//! Asking a running daemon.

use std::time::Duration;

use http::Method;
use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};

use super::{admin, guard, settings::Settings};
use crate::{
    call::call,
    error::Error,
    options::{Endpoints, Options},
};

/// How long the daemon may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long it may take to copy a disk.
const COPYING: Duration = Duration::from_secs(300);

/// How a cloud is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// Whether its daemon answers.
    pub running: bool,
    /// Whether all its parts are well.
    pub healthy: bool,
    /// Each part.
    pub parts: Vec<Part>,
}

/// One part of a cloud.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Such as `gateway`.
    pub name: String,
    /// Whether it is well.
    pub healthy: bool,
    /// How it is, or what is wrong.
    pub detail: String,
}

/// Where the cloud answers; `None` when it does not run.
///
/// # Errors
/// When its settings cannot be read.
pub async fn endpoints(options: &Options) -> Result<Option<Endpoints>, Error> {
    let options = guard::absolute(options)?;
    let Some(settings) = Settings::read(&options.data_dir)? else { return Ok(None) };
    let endpoints = settings.endpoints(&settings.layout(&options));
    Ok(is_up(&endpoints).await.then_some(endpoints))
}

/// The first port of the cloud, or the one it would be made with (0: any).
pub(crate) fn base_port(options: &Options) -> Result<u16, Error> {
    Ok(Settings::read(&options.data_dir)?.map_or(options.port, |settings| settings.base_port))
}

/// How each part of the cloud is; a cloud that does not run is not an error.
///
/// # Errors
/// When its settings cannot be read, or its daemon answers nonsense.
pub async fn status(options: &Options) -> Result<Status, Error> {
    let stopped = |detail: &str| Status {
        running: false,
        healthy: false,
        parts: vec![Part { name: "daemon".into(), healthy: false, detail: detail.into() }],
    };
    let options = guard::absolute(options)?;
    let Some(settings) = Settings::read(&options.data_dir)? else { return Ok(stopped("never started")) };
    let endpoints = settings.endpoints(&settings.layout(&options));
    if !is_up(&endpoints).await {
        return Ok(stopped("not running"));
    }
    ask(Method::GET, &endpoints, "/status", None, "its status", PATIENCE).await
}

/// A plain URL, `http://127.0.0.1:PORT`, that leads to `host`: a CloudFront distribution's domain name or the host of an
/// API's endpoint. The same host gets the same URL for as long as the cloud exists.
///
/// # Errors
/// When the daemon does not answer or refuses the host.
pub async fn public_url(endpoints: &Endpoints, host: &str) -> Result<String, Error> {
    let host = host.trim_start_matches("https://").trim_start_matches("http://").trim_end_matches('/');
    let request = serde_json::json!(admin::EdgeRequest { host: host.to_owned() });
    let answer = ask(Method::POST, endpoints, "/edges", Some(request), "a public address", PATIENCE);
    let answer: admin::EdgeAnswer = answer.await?;
    Ok(answer.url)
}

/// Takes an automatic snapshot of an instance now and returns when it is taken: for rehearsals, because the add-on takes
/// one a day and Lightsail has no such request. `date` (`YYYY-MM-DD`) makes it that of another day than today.
///
/// # Errors
/// When the daemon does not answer, the instance has no such add-on, or no snapshot could be taken.
pub async fn auto_snapshot(endpoints: &Endpoints, instance: &str, date: Option<&str>) -> Result<(), Error> {
    let request = admin::AutoSnapshotRequest { instance: instance.to_owned(), date: date.map(str::to_owned) };
    let (request, what) = (serde_json::json!(request), "an automatic snapshot");
    let taken = ask::<serde_json::Value>(Method::POST, endpoints, "/auto-snapshots", Some(request), what, COPYING);
    taken.await.map(drop)
}

/// Asks the daemon to stop; it answers before it does.
pub(super) async fn shut_down(endpoints: &Endpoints) -> Result<(), Error> {
    ask::<serde_json::Value>(Method::POST, endpoints, "/shutdown", None, "to stop", PATIENCE).await.map(drop)
}

/// Whether this very cloud's daemon answers (another's does not know our token).
pub(super) async fn is_up(endpoints: &Endpoints) -> bool {
    let url = format!("{}/health", endpoints.admin);
    let answer = call(Method::GET, &url, Some(&token(endpoints)), None, Duration::from_secs(2)).await;
    answer.is_ok_and(|(status, _)| status.is_success())
}

async fn ask<T: serde::de::DeserializeOwned>(
    method: Method,
    endpoints: &Endpoints,
    path: &str,
    body: Option<serde_json::Value>,
    what: &str,
    patience: Duration,
) -> Result<T, Error> {
    let refused = |reason: String| Error::Refused { request: what.to_owned(), reason };
    let url = format!("{}{path}", endpoints.admin);
    let body = body.map(|body| body.to_string().into_bytes());
    let answer = call(method, &url, Some(&token(endpoints)), body, patience).await;
    let (status, answer) = answer.map_err(|e| refused(e.to_string()))?;
    if !status.is_success() {
        return Err(refused(format!("{} ({status})", String::from_utf8_lossy(&answer).trim())));
    }
    serde_json::from_slice(&answer).map_err(|e| refused(e.to_string()))
}

fn token(endpoints: &Endpoints) -> String {
    admin::token(endpoints.secret_access_key.expose_secret())
}
