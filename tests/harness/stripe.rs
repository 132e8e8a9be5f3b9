//! A stand-in for Stripe where an instance of the local cloud finds it: on the instance's own loopback address, which is
//! the one place besides Stripe that the API would send its key to.
//!
//! It knows one key and takes payments; what it tells of them is for the test to sign and to deliver.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::process::Command;
use std::sync::{Arc, Mutex, mpsc};

use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use nix::sched::{CloneFlags, setns};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

/// The stand-in; it ends when this is dropped.
#[derive(Debug)]
pub struct Stripe {
    /// Its address, as the instance has it.
    pub url: String,
    account: Arc<Mutex<Account>>,
    _until: oneshot::Sender<()>,
}

#[derive(Debug)]
struct Account {
    key: String,
    /// By idempotency key.
    payments: BTreeMap<String, Value>,
    refused: usize,
}

impl Stripe {
    /// Starts it beside the instance that has this address in the private network.
    pub fn beside(private_address: &str, key: &str) -> Self {
        let namespace = namespace_of(private_address);
        let account = Arc::new(Mutex::new(Account { key: key.to_owned(), payments: BTreeMap::new(), refused: 0 }));
        let (until, ended) = oneshot::channel();
        let (started, address) = mpsc::channel();
        let shared = Arc::clone(&account);
        std::thread::spawn(move || {
            let namespace = fs_err::File::open(format!("/run/netns/{namespace}")).expect("the instance has a network");
            // Of this thread alone; its sockets stay in the namespace they are made in.
            setns(namespace.file(), CloneFlags::CLONE_NEWNET).expect("the tests run as root");
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async {
                let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
                started.send(listener.local_addr().expect("a bound socket has an address")).expect("somebody waits");
                tokio::select! {
                    () = serve(listener, shared) => {}
                    _ = ended => {}
                }
            });
        });
        let address: SocketAddr = address.recv().expect("the stand-in starts");
        Self { url: format!("http://{address}"), account, _until: until }
    }

    /// The message that an order's payment succeeded, as Stripe words it.
    pub fn paid(&self, order: &str) -> String {
        let mut account = self.account.lock().expect("no one panicked");
        let payment = account.payments.values_mut().find(|payment| payment["metadata"]["order_id"] == order);
        let payment = payment.expect("the API asked for a payment of this order");
        payment["status"] = "succeeded".into();
        payment["amount_received"] = payment["amount"].clone();
        json!({
            "id": format!("evt_{order}"), "object": "event", "type": "payment_intent.succeeded", "livemode": false,
            "data": { "object": payment },
        })
        .to_string()
    }

    /// How many requests came with another key, or none.
    pub fn refused(&self) -> usize {
        self.account.lock().expect("no one panicked").refused
    }
}

/// The network namespace that has this address: addresses of the private networks are unique on this machine.
fn namespace_of(address: &str) -> String {
    let ip = |args: &[&str]| {
        let output = Command::new("ip").args(args).output().expect("ip runs");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let all = ip(&["netns", "list"]);
    let mut names = all.lines().filter_map(|line| line.split_whitespace().next());
    let has = |name: &&str| ip(&["-n", name, "-4", "-o", "address"]).contains(&format!(" {address}/"));
    names.find(has).unwrap_or_else(|| panic!("no namespace has {address}:\n{all}")).to_owned()
}

async fn serve(listener: TcpListener, account: Arc<Mutex<Account>>) {
    let mut connections = tokio::task::JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let account = Arc::clone(&account);
        let service = hyper::service::service_fn(move |request| answer(request, Arc::clone(&account)));
        connections.spawn(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

async fn answer(
    request: Request<Incoming>,
    account: Arc<Mutex<Account>>,
) -> Result<Response<Full<Bytes>>, hyper::Error> {
    let header = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let (key, once) = (header("authorization"), header("idempotency-key").unwrap_or_default());
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let body = request.into_body().collect().await?.to_bytes();
    let (status, answer) = account.lock().expect("no one panicked").answer(&method, &path, key, &once, &body);
    let mut response = Response::new(Full::from(answer.to_string()));
    *response.status_mut() = status;
    Ok(response)
}

impl Account {
    fn answer(
        &mut self,
        method: &Method,
        path: &str,
        key: Option<String>,
        once: &str,
        body: &[u8],
    ) -> (StatusCode, Value) {
        if key != Some(format!("Bearer {}", self.key)) {
            self.refused += 1;
            return (StatusCode::UNAUTHORIZED, json!({ "error": { "type": "invalid_request_error" } }));
        }
        let id = path.strip_prefix("/v1/payment_intents/");
        if let Some(payment) = id.and_then(|id| self.payments.values().find(|payment| payment["id"] == id)) {
            return (StatusCode::OK, payment.clone());
        }
        if *method != Method::POST || path != "/v1/payment_intents" {
            return (StatusCode::NOT_FOUND, json!({ "error": { "code": "resource_missing" } }));
        }
        let number = self.payments.len() + 1;
        let payment = self.payments.entry(once.to_owned()).or_insert_with(|| {
            // Numbers, codes and ids: nothing in these fields is escaped.
            let form = String::from_utf8_lossy(body);
            let field = |name: &str| form.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
            json!({
                "id": format!("pi_{number}"), "object": "payment_intent", "status": "requires_payment_method",
                "amount": field("amount").and_then(|amount| amount.parse::<i64>().ok()), "amount_received": 0,
                "currency": field("currency"), "client_secret": format!("pi_{number}_secret_{number}"),
                "metadata": { "order_id": field("metadata%5Border_id%5D") }, "last_payment_error": null,
            })
        });
        (StatusCode::OK, payment.clone())
    }
}
