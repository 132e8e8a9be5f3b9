//! Rounds of ruin: orders at full speed while the program and the database are killed with -9 at random and S3 loses
//! answers; then the database's disk is destroyed, a copy from before the round put in its place, and the journal
//! replayed. Every acknowledged order must be there, once, and the stock that is promised must be what was ordered.
//!
//! Two rounds with every run of the tests; a hundred with
//! `JEWEL_ROUNDS=100 cargo test -p jewel-api --test no_loss -- --nocapture`.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test stops where something is wrong, and says its figures"
)]

mod support;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    process::{Child, Command},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use jewel_journal::{ReplayOptions, fence, replay};
use rand::random_range;
use reqwest::RequestBuilder;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use sqlx::{ConnectOptions, MySqlConnection};
use support::{
    ORIGIN_SECRET, Shop, environment,
    journal::contents,
    program::{self, free_port, kill},
    s3::Fault,
    shops,
};
use uuid::Uuid;

/// How many ask at once.
const CALLERS: usize = 8;

/// How much there is to sell.
const STOCK: i64 = 1_000_000;

/// How long a round's load lasts at least.
const ROUND: Duration = Duration::from_secs(5);

/// How many changes are acknowledged in a round at least, and how long that may take.
const ENOUGH: (usize, Duration) = (30, Duration::from_secs(240));

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost_whatever_dies() {
    rounds(support::rounds()).await;
}

async fn rounds(count: usize) {
    for mut shop in shops().await {
        shop.api.stop().await.unwrap().unwrap();
        let stock = "UPDATE inventory SET on_hand = ?, reserved = 0, version = version + 1";
        sqlx::query(stock).bind(STOCK).execute(&mut connect(&shop).await).await.unwrap();
        shop.s3.set_latency(Duration::from_millis(30));
        let load = Load::default();
        for round in 1..=count {
            one(&mut shop, &load).await;
            let (acknowledged, doubtful) =
                (load.acknowledged.lock().unwrap().len(), load.doubtful.load(Ordering::SeqCst));
            println!(
                "{} round {round}: {acknowledged} orders acknowledged and all there, {doubtful} without an answer, {} kills",
                shop.database.name,
                load.kills.load(Ordering::SeqCst)
            );
        }
        assert!(load.kills.load(Ordering::SeqCst) > 2 * count, "too few kills to prove anything");
    }
}

/// What was done in all rounds.
#[derive(Default)]
struct Load {
    /// Orders by their keys.
    acknowledged: Mutex<BTreeMap<Uuid, Uuid>>,
    doubtful: AtomicUsize,
    kills: AtomicUsize,
}

async fn one(shop: &mut Shop, load: &Load) {
    // The copy of minutes before: a snapshot of the disk.
    shop.database.kill();
    let saved = tempfile::tempdir().unwrap();
    copy(&shop.database.data(), saved.path());
    shop.database.launch().await;
    let epoch: i64 =
        sqlx::query_scalar("SELECT epoch FROM journal_state").fetch_one(&mut connect(shop).await).await.unwrap();

    ruin(shop, load).await;

    shop.database.kill();
    std::fs::remove_dir_all(shop.database.data()).unwrap();
    copy(&saved.path().join("data"), shop.database.data().parent().unwrap());
    shop.database.launch().await;
    let mut connection = connect(shop).await;
    let from = u64::try_from(epoch).unwrap();
    fence(&shop.s3, from, time::OffsetDateTime::now_utc()).await.unwrap();
    let options = ReplayOptions { from, ..ReplayOptions::default() };
    let first = replay(&mut connection, &shop.s3, options).await.unwrap();
    let rows = contents(&mut connection, "").await;
    let again = replay(&mut connection, &shop.s3, options).await.unwrap();
    assert_eq!((again.new, again.rows), (0, 0), "replayed twice, something was new");
    assert!(contents(&mut connection, "").await == rows, "replayed twice, something changed");
    assert!(first.new > 0, "{first:?}");
    everything_acknowledged_is_there_once(&mut connection, load).await;
}

async fn everything_acknowledged_is_there_once(connection: &mut MySqlConnection, load: &Load) {
    let query = "SELECT o.id, COUNT(*), COUNT(IF(l.quantity = 1 AND l.price_minor = 18500, 1, NULL)) FROM orders o
         JOIN order_lines l ON l.order_id = o.id
         WHERE EXISTS (SELECT 1 FROM order_history h WHERE h.order_id = o.id) GROUP BY o.id";
    let there: Vec<(Uuid, i64, i64)> = sqlx::query_as(query).fetch_all(&mut *connection).await.unwrap();
    assert!(
        there.iter().all(|(_, lines, good)| (*lines, *good) == (1, 1)),
        "an order has a part twice, or a wrong one"
    );
    let there: BTreeSet<Uuid> = there.into_iter().map(|(id, ..)| id).collect();
    let acknowledged = load.acknowledged.lock().unwrap().clone();
    let lost: Vec<_> = acknowledged.values().filter(|id| !there.contains(*id)).collect();
    assert!(lost.is_empty(), "acknowledged and lost: {lost:?}");
    let different: BTreeSet<&Uuid> = acknowledged.values().collect();
    assert_eq!(different.len(), acknowledged.len(), "two intents were answered with one order");
    // Each key made one order, however often it was sent.
    let keys = "SELECT COUNT(*) - COUNT(DISTINCT subject_id) FROM idempotency_keys";
    assert_eq!(sqlx::query_scalar::<_, i64>(keys).fetch_one(&mut *connection).await.unwrap(), 0);
    let stock = "SELECT CAST(reserved AS SIGNED), CAST(on_hand AS SIGNED) FROM inventory i
         JOIN variants v ON v.id = i.variant_id WHERE v.sku = 'EMB-925'";
    let (reserved, on_hand): (i64, i64) = sqlx::query_as(stock).fetch_one(connection).await.unwrap();
    assert_eq!(reserved + STOCK - on_hand, i64::try_from(there.len()).unwrap(), "promised and ordered differ");
}

/// Orders at full speed, and everything that can die dies; at the end all of it at once.
async fn ruin(shop: &mut Shop, load: &Load) {
    let address = format!("127.0.0.1:{}", free_port());
    let over = Arc::new(AtomicBool::new(false));
    let mut program = Some(serve(shop, &address));
    let callers = (0..CALLERS).map(|_| call(&address, &over, load));
    let ruin = async {
        let (start, before) = (Instant::now(), load.acknowledged.lock().unwrap().len());
        let enough = || load.acknowledged.lock().unwrap().len() >= before + ENOUGH.0;
        while start.elapsed() < ROUND || !enough() {
            assert!(start.elapsed() < ENOUGH.1, "too few changes to prove anything");
            // The next misfortune comes after some more were acknowledged, or before the last one is over.
            let (last, patience) = (Instant::now(), Duration::from_millis(random_range(500..5000)));
            let goal = load.acknowledged.lock().unwrap().len() + random_range(0..12);
            while load.acknowledged.lock().unwrap().len() < goal && last.elapsed() < patience {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            match random_range(0..9) {
                0..4 => {
                    kill(program.take());
                    load.kills.fetch_add(1, Ordering::SeqCst);
                    program = Some(serve(shop, &address));
                }
                4 => {
                    shop.database.kill();
                    load.kills.fetch_add(1, Ordering::SeqCst);
                    shop.database.launch().await;
                }
                5 => shop.s3.fail([Fault::AnswerLost]),
                6 => shop.s3.fail([Fault::Busy, Fault::AnswerLost]),
                _ => shop.s3.fail([Fault::LandsLate(Duration::from_millis(100))]),
            }
            // One that gave its epoch up is started anew, as the service manager does.
            if program.as_mut().is_some_and(|it| it.try_wait().unwrap().is_some()) {
                program = Some(serve(shop, &address));
            }
        }
        kill(program.take());
        shop.database.kill();
        load.kills.fetch_add(2, Ordering::SeqCst);
        over.store(true, Ordering::SeqCst);
    };
    futures::future::join(ruin, futures::future::join_all(callers)).await;
}

/// One caller: a cart and its order, one after the other. After a lost answer, the same request again with the same key.
async fn call(address: &str, over: &AtomicBool, load: &Load) {
    let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(12)).build().unwrap();
    let post = |path: &str, body: &Value| {
        let request = client.post(format!("http://{address}/api/v1{path}"));
        request.header("x-origin-verify", ORIGIN_SECRET).json(body)
    };
    let variant = Uuid::from_slice(&Sha256::digest("EMB-925")[..16]).unwrap();
    while !over.load(Ordering::SeqCst) {
        let line = post("/cart/lines", &json!({"variant_id": variant, "quantity": 1}));
        let Some(cart) = answered(line, over, load).await else { continue };
        let body = json!({
            "email": "ada@example.com", "shipping_method": "standard", "payment_method": "cash_on_delivery",
            "expected_total_minor": cart["quotes"][0]["total"]["amount"],
            "address": {"name": "Ada Tan", "line1": "10 Anson Road", "city": "Singapore", "postal_code": "079903",
                "country": "SG"},
        });
        let key = Uuid::now_v7();
        while !over.load(Ordering::SeqCst) {
            let order = post("/orders", &body).header("x-cart-token", cart["token"].as_str().unwrap());
            if let Some(placed) = answered(order.header("idempotency-key", key.to_string()), over, load).await {
                let id = placed["order"]["id"].as_str().unwrap().parse().unwrap();
                load.acknowledged.lock().unwrap().insert(key, id);
                break;
            }
        }
    }
}

/// The body of a good answer; of none, or of one that tells to come again, nothing.
async fn answered(request: RequestBuilder, over: &AtomicBool, load: &Load) -> Option<Value> {
    if let Ok(answer) = request.send().await {
        let status = answer.status();
        if let Ok(body) = answer.json::<Value>().await {
            if status.is_success() {
                return Some(body);
            }
            assert_eq!(status, 503, "{body}");
        }
    }
    load.doubtful.fetch_add(1, Ordering::SeqCst);
    if !over.load(Ordering::SeqCst) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    None
}

fn serve(shop: &Shop, address: &str) -> Child {
    let mut variables = environment(&shop.database, &shop.issuer, &shop.s3);
    variables.push(("JEWEL_LISTEN", address.to_owned()));
    variables.push(("JEWEL_LOG", "error".to_owned()));
    program::serve(variables)
}

fn copy(from: &Path, into: &Path) {
    assert!(Command::new("cp").arg("-a").args([from, into]).status().unwrap().success());
}

async fn connect(shop: &Shop) -> MySqlConnection {
    shop.database.options().database("shop").connect().await.unwrap()
}
