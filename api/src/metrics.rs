//! What the server counts about itself, for Prometheus to fetch and for CloudWatch to be told.
//!
//! Labels are routes' patterns, never paths: there are few of them, and they name nobody.

pub(crate) mod cloudwatch;
mod figures;
pub(crate) mod routes;

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use axum::{
    extract::{MatchedPath, Request, State},
    middleware::Next,
    response::Response,
};
use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::{Registry, Unit},
};
use tokio::time::Instant;

use crate::app::App;
use figures::Figures;

/// Upper bounds of the classes of latency, in seconds.
const LATENCIES: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answer {
    method: &'static str,
    route: Arc<str>,
    status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Route {
    route: Arc<str>,
}

/// All that is counted.
pub(crate) struct Metrics {
    registry: Registry,
    answers: Family<Answer, Counter>,
    seconds: Family<Route, Histogram, fn() -> Histogram>,
    in_flight: Gauge,
    connections: Gauge,
    connections_idle: Gauge,
    ready: Gauge,
    outbox_waiting: Gauge,
    journal_lag: Gauge<f64, AtomicU64>,
    totals: Totals,
}

/// What CloudWatch is told of the answers: sums, since each series there costs money.
#[derive(Default)]
struct Totals {
    answers: AtomicU64,
    failures: AtomicU64,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let seconds: fn() -> Histogram = || Histogram::new(LATENCIES);
        let mut metrics = Self {
            registry: Registry::with_prefix("jewel"),
            answers: Family::default(),
            seconds: Family::new_with_constructor(seconds),
            in_flight: Gauge::default(),
            connections: Gauge::default(),
            connections_idle: Gauge::default(),
            ready: Gauge::default(),
            outbox_waiting: Gauge::default(),
            journal_lag: Gauge::default(),
            totals: Totals::default(),
        };
        let all = &mut metrics.registry;
        all.register("http_requests", "Answered requests", metrics.answers.clone());
        all.register_with_unit("http_request", "How long answers took", Unit::Seconds, metrics.seconds.clone());
        all.register("http_requests_in_flight", "Requests being worked on", metrics.in_flight.clone());
        all.register("database_connections", "Open connections to the database", metrics.connections.clone());
        all.register("database_connections_idle", "Those of them at rest", metrics.connections_idle.clone());
        all.register("ready", "1 when the database answers and its schema fits", metrics.ready.clone());
        all.register("outbox_waiting", "Events that are not in the journal yet", metrics.outbox_waiting.clone());
        all.register_with_unit("journal_lag", "Age of the oldest of them", Unit::Seconds, metrics.journal_lag.clone());
        metrics
    }

    /// Everything as text, in the format that Prometheus reads.
    fn text(&self, figures: &Figures) -> Result<String, std::fmt::Error> {
        self.connections.set(i64::from(figures.connections));
        self.connections_idle.set(i64::try_from(figures.connections_idle).unwrap_or(i64::MAX));
        self.ready.set(i64::from(figures.ready));
        if let Some(outbox) = &figures.outbox {
            self.outbox_waiting.set(outbox.waiting);
            self.journal_lag.set(outbox.lag_seconds);
        }
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }

    /// The answers since the last call, and how many of them were failures of ours.
    fn take_totals(&self) -> (u64, u64) {
        (self.totals.answers.swap(0, Ordering::Relaxed), self.totals.failures.swap(0, Ordering::Relaxed))
    }

    fn answered(&self, method: &'static str, route: &Arc<str>, status: u16, seconds: f64) {
        self.answers.get_or_create(&Answer { method, route: Arc::clone(route), status }).inc();
        self.seconds.get_or_create(&Route { route: Arc::clone(route) }).observe(seconds);
        self.totals.answers.fetch_add(1, Ordering::Relaxed);
        if status >= 500 {
            self.totals.failures.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// One less in flight, whether the answer was given or its caller went away.
struct InFlight(Gauge);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// Counts a request and its answer.
pub(crate) async fn count(State(app): State<App>, request: Request, next: Next) -> Response {
    let metrics = app.metrics();
    metrics.in_flight.inc();
    let _in_flight = InFlight(metrics.in_flight.clone());
    let method = known(request.method().as_str());
    let route: Arc<str> = request.extensions().get::<MatchedPath>().map_or("-", MatchedPath::as_str).into();
    let begun = Instant::now();
    let response = next.run(request).await;
    metrics.answered(method, &route, response.status().as_u16(), begun.elapsed().as_secs_f64());
    response
}

/// Callers may invent methods; each would be a series for ever.
fn known(method: &str) -> &'static str {
    const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
    METHODS.into_iter().find(|known| *known == method).unwrap_or("other")
}
