//! A proxy between the tool and the cloud: it records every call, slows them down, and makes one of them go wrong.
//!
//! It stands where the network stands. The calls are signed by the tool and checked by the cloud, the Host header
//! included, so nothing of a request is touched on its way.

mod answer;
mod call;
mod fault;
mod wire;

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::{Request, Response, Uri};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::{TokioExecutor, TokioIo};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::net::TcpListener;

pub use call::Call;
pub use fault::Fault;
pub use wire::Wire;

/// Between an answer that is on its way and the process that gets it.
const DELIVERY: Duration = Duration::from_millis(3);

/// Which call goes wrong.
#[derive(Clone, Debug)]
pub enum When {
    /// The n-th call of a label, once.
    Nth(String, usize),
    /// Each changing call, the first time it is made.
    EachOnce,
    /// Every call whose label contains this, except those before the n-th.
    From(String, usize),
}

/// What the proxy does with calls.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    /// The environment whose name stands in the resources' names.
    pub env: String,
    /// Waited before each call goes on.
    pub latency: Duration,
    /// What goes wrong, and with which call.
    pub fault: Option<(Fault, When)>,
    /// Whether requests are kept as they came.
    pub keep: bool,
}

/// A call as it was seen, and how long the cloud took.
#[derive(Clone, Debug)]
pub struct Seen {
    /// The call.
    pub call: Call,
    /// From its arrival to the answer's end, the added latency included.
    pub took: Duration,
    /// The request itself, where the rules ask for it.
    pub wire: Option<Wire>,
}

struct Shared {
    rules: Mutex<Rules>,
    /// The tool's process.
    pid: AtomicI32,
    log: Mutex<Log>,
}

#[derive(Default)]
struct Log {
    calls: Vec<Seen>,
    counts: BTreeMap<String, usize>,
    known: BTreeSet<u64>,
    struck: usize,
}

/// Two ports in front of a cloud: one for Lightsail, one for everything else. Gone when dropped.
pub struct Proxy {
    /// The address of everything but Lightsail.
    pub gateway: String,
    /// The address of Lightsail.
    pub lightsail: String,
    shared: Arc<Shared>,
    runtime: Option<tokio::runtime::Runtime>,
}

impl Proxy {
    /// Stands in front of the cloud at these two addresses (`http://127.0.0.1:PORT`).
    pub fn new(gateway: &str, lightsail: &str) -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("threads");
        let shared = Arc::new(Shared { rules: Mutex::default(), pid: AtomicI32::new(0), log: Mutex::default() });
        let open = |upstream: &str| {
            let upstream: SocketAddr = upstream.trim_start_matches("http://").parse().expect("an address");
            let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a free port");
            let address = format!("http://{}", listener.local_addr().expect("an address"));
            runtime.spawn(serve(listener, upstream, Arc::clone(&shared)));
            address
        };
        let (gateway, lightsail) = (open(gateway), open(lightsail));
        Self { gateway, lightsail, shared, runtime: Some(runtime) }
    }

    /// New rules, and an empty record. The next process has to be named again.
    pub fn begin(&self, rules: Rules) {
        *self.shared.rules.lock().expect("no panic") = rules;
        *self.shared.log.lock().expect("no panic") = Log::default();
        self.shared.pid.store(0, Ordering::SeqCst);
    }

    /// The process that a killing fault kills.
    pub fn victim(&self, pid: u32) {
        self.shared.pid.store(i32::try_from(pid).expect("a process id"), Ordering::SeqCst);
    }

    /// What was called since [`Proxy::begin`], in the order of arrival.
    pub fn calls(&self) -> Vec<Seen> {
        self.shared.log.lock().expect("no panic").calls.clone()
    }

    /// How many calls went wrong since [`Proxy::begin`].
    pub fn struck(&self) -> usize {
        self.shared.log.lock().expect("no panic").struck
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl std::fmt::Debug for Proxy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Proxy")
            .field("gateway", &self.gateway)
            .field("lightsail", &self.lightsail)
            .finish_non_exhaustive()
    }
}

impl Shared {
    /// Writes a call down; its place in the record, and what is to go wrong with it.
    fn arrived(&self, mut call: Call, fault: Option<&(Fault, When)>, wire: Option<Wire>) -> (usize, Option<Fault>) {
        let mut log = self.log.lock().expect("no panic");
        let count = log.counts.entry(call.label.clone()).or_default();
        *count += 1;
        call.occurrence = *count;
        let strike = fault.and_then(|(fault, when)| {
            let strikes = match when {
                When::Nth(label, nth) => log.struck == 0 && *label == call.label && *nth == call.occurrence,
                When::EachOnce => call.mutates && log.known.insert(call.identity),
                When::From(label, nth) => call.label.contains(label) && call.occurrence >= *nth,
            };
            strikes.then_some(*fault)
        });
        log.struck += usize::from(strike.is_some());
        log.calls.push(Seen { call, took: Duration::ZERO, wire });
        (log.calls.len() - 1, strike)
    }

    fn answered(&self, index: usize, took: Duration) {
        // The record may have been emptied meanwhile.
        if let Some(seen) = self.log.lock().expect("no panic").calls.get_mut(index) {
            seen.took = took;
        }
    }

    async fn kill(&self) {
        // Its number is told right after its start; its first call may be faster.
        let pid = loop {
            match self.pid.load(Ordering::SeqCst) {
                0 => tokio::task::yield_now().await,
                pid => break pid,
            }
        };
        // It may have ended by itself just now.
        let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
    }
}

/// The connection breaks instead of an answer.
#[derive(Debug, thiserror::Error)]
#[error("the connection was cut on purpose")]
struct Cut;

type Answer = Response<answer::Content>;

async fn serve(listener: TcpListener, upstream: SocketAddr, shared: Arc<Shared>) {
    // A connection for each call: none can have been closed by the other side meanwhile.
    let client: Client<HttpConnector, Full<Bytes>> =
        Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build_http();
    while let Ok((stream, _)) = listener.accept().await {
        stream.set_nodelay(true).ok();
        let (client, shared) = (client.clone(), Arc::clone(&shared));
        tokio::spawn(async move {
            let service = hyper::service::service_fn(move |request| {
                let (client, shared) = (client.clone(), Arc::clone(&shared));
                async move { pass(request, &client, upstream, &shared).await }
            });
            // Cut connections are what this is for.
            let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn pass(
    request: Request<Incoming>,
    client: &Client<HttpConnector, Full<Bytes>>,
    upstream: SocketAddr,
    shared: &Arc<Shared>,
) -> Result<Answer, Cut> {
    let began = Instant::now();
    let rules = shared.rules.lock().expect("no panic").clone();
    let (mut parts, body) = request.into_parts();
    let body = body.collect().await.map_err(|_| Cut)?.to_bytes();
    let path = parts.uri.path_and_query().map_or_else(|| "/".to_owned(), ToString::to_string);
    let call = Call::read(parts.method.as_str(), &path, &parts.headers, &body, &rules.env);
    let service = call.service.clone();
    let wire = rules.keep.then(|| Wire::new(&parts, &path, &body));
    let (index, fault) = shared.arrived(call, rules.fault.as_ref(), wire);
    tokio::time::sleep(rules.latency).await;

    match fault {
        Some(Fault::KillBefore) => {
            shared.kill().await;
            return Err(Cut);
        }
        Some(Fault::Throttle) => return Ok(refuse(fault::throttled(&service))),
        Some(Fault::Error) => return Ok(refuse(fault::broken(&service))),
        Some(Fault::Busy) => return Ok(refuse(fault::busy(&service, &path))),
        Some(Fault::Page) => return Ok(refuse(fault::foreign(503, "<html><h1>Service Unavailable</h1></html>"))),
        Some(Fault::Bare) => return Ok(refuse(fault::foreign(429, ""))),
        Some(Fault::Deny) => return Ok(refuse(fault::denied(&service))),
        Some(Fault::Hang) => return std::future::pending().await,
        _ => {}
    }
    parts.uri =
        Uri::builder().scheme("http").authority(upstream.to_string()).path_and_query(path).build().map_err(|_| Cut)?;
    // A task of its own: the cloud finishes what it was asked even when nobody waits for it any more.
    let client = client.clone();
    let asking = tokio::spawn(async move {
        let (parts, body) = client.request(Request::from_parts(parts, Full::new(body))).await.ok()?.into_parts();
        Some((parts, body.collect().await.ok()?.to_bytes()))
    });
    let (mut parts, body) = asking.await.ok().flatten().ok_or(Cut)?;
    // The body is whole now and framed anew, except where there is none and the header is all there is to say.
    parts.headers.remove("transfer-encoding");
    parts.headers.remove("connection");
    shared.answered(index, began.elapsed());
    match fault {
        Some(Fault::KillAfter) => {
            shared.kill().await;
            return Err(Cut);
        }
        Some(Fault::LoseAnswer) => return Err(Cut),
        Some(Fault::HangAfter) => return std::future::pending().await,
        Some(Fault::KillDelivered) => {
            let shared = Arc::clone(shared);
            tokio::spawn(async move {
                tokio::time::sleep(DELIVERY).await;
                shared.kill().await;
            });
        }
        _ => {}
    }
    let content = match fault {
        // What has no body can only be lost.
        Some(Fault::Torn) if body.is_empty() => return Err(Cut),
        Some(Fault::Torn) => answer::Content::torn(&body),
        _ => answer::Content::whole(body),
    };
    Ok(Response::from_parts(parts, content))
}

fn refuse(refusal: fault::Refusal) -> Answer {
    Response::builder()
        .status(refusal.status)
        .header("content-type", refusal.kind)
        .header("smithy-protocol", "rpc-v2-cbor")
        .header("x-amzn-requestid", "00000000-0000-0000-0000-000000000000")
        .body(answer::Content::whole(refusal.body.into()))
        .expect("a status and two headers")
}
