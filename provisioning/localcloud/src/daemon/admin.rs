//! The daemon's own small interface: is it well, where does a host answer, do now what only time does, stop.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{Request, State},
    http::{StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use tokio::sync::Notify;

use super::client::{Part, Status};
use crate::{
    edge::{self, Edges},
    lightsail::Lightsail,
    ministack::Ministack,
};

/// Asks for a plain address for a host.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct EdgeRequest {
    pub(super) host: String,
}

/// The plain address.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct EdgeAnswer {
    pub(super) url: String,
}

/// Asks for an automatic snapshot now.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct AutoSnapshotRequest {
    pub(super) instance: String,
    /// Whose day's it is to be; today's if nothing is said.
    pub(super) date: Option<String>,
}

/// What the interface speaks for.
pub(super) struct Parts {
    pub(super) edges: Edges,
    pub(super) ministack: Ministack,
    pub(super) lightsail: Lightsail,
    pub(super) stop: Notify,
    pub(super) token: String,
}

/// The interface. Every request carries the cloud's token, so that no web page and no other user can stop it.
pub(super) fn router(parts: Arc<Parts>) -> Router {
    Router::new()
        .route("/health", get(|| async { Json(serde_json::json!({ "status": "ok" })) }))
        .route("/status", get(status))
        .route("/edges", post(open_edge))
        .route("/auto-snapshots", post(auto_snapshot))
        .route("/shutdown", post(shut_down))
        .route_layer(middleware::from_fn_with_state(Arc::clone(&parts), authorise))
        .with_state(parts)
}

/// What callers show, derived from the account's secret so that there is one secret to keep.
pub(super) fn token(secret_access_key: &str) -> String {
    hex::encode(Sha256::digest(format!("jewel-localcloud-admin:{secret_access_key}")))
}

async fn authorise(State(parts): State<Arc<Parts>>, request: Request, next: Next) -> Response {
    let given = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    // The token is a digest of a secret; comparing digests again makes the comparison's duration say nothing.
    let digest = |text: &str| Sha256::digest(text.as_bytes());
    if digest(given.unwrap_or_default()) == digest(&format!("Bearer {}", parts.token)) {
        next.run(request).await
    } else {
        (StatusCode::UNAUTHORIZED, "the token of this cloud is needed\n").into_response()
    }
}

async fn status(State(parts): State<Arc<Parts>>) -> Json<Status> {
    let gateway = parts.ministack.healthy().await;
    let restarts = parts.ministack.restarts();
    let health = parts.lightsail.health().await;
    let (open, asked) = parts.edges.count().await;
    let part = |name: &str, healthy: bool, detail: String| Part { name: name.into(), healthy, detail };
    // Stopped ones are as they should be and do not count.
    let count =
        |name: &str, running: usize, all: usize| part(name, running >= all, format!("{running} of {all} running"));
    let list = vec![
        part("daemon", true, format!("running (pid {})", std::process::id())),
        part(
            "gateway",
            gateway,
            match (gateway, restarts) {
                (true, 0) => "answers".into(),
                (true, n) => format!("answers; restarted {n} times"),
                (false, n) => format!("does not answer; restarted {n} times"),
            },
        ),
        part("lightsail", true, "answers".into()),
        count("instances", health.instances_running, health.instances),
        count("databases", health.databases_running, health.databases),
        part("addresses", open == asked, format!("{open} of {asked} open")),
    ];
    Json(Status { running: true, healthy: list.iter().all(|p| p.healthy), parts: list })
}

async fn open_edge(State(parts): State<Arc<Parts>>, Json(request): Json<EdgeRequest>) -> Response {
    if !edge::is_host(&request.host) {
        return (StatusCode::BAD_REQUEST, format!("`{}` is not a host name\n", request.host)).into_response();
    }
    match parts.edges.port(&request.host).await {
        Ok(port) => Json(EdgeAnswer { url: format!("http://127.0.0.1:{port}") }).into_response(),
        Err(error) => (StatusCode::CONFLICT, format!("{error}\n")).into_response(),
    }
}

async fn auto_snapshot(State(parts): State<Arc<Parts>>, Json(request): Json<AutoSnapshotRequest>) -> Response {
    match parts.lightsail.auto_snapshot(&request.instance, request.date.as_deref()).await {
        Ok(()) => Json(serde_json::json!({ "status": "taken" })).into_response(),
        Err(reason) => (StatusCode::CONFLICT, format!("{reason}\n")).into_response(),
    }
}

async fn shut_down(State(parts): State<Arc<Parts>>) -> Json<serde_json::Value> {
    parts.stop.notify_one();
    Json(serde_json::json!({ "status": "stopping" }))
}
