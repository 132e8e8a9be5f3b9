//! Two hundred buyers want ten rings, while connections are cut and deadlocks provoked.
#![expect(clippy::print_stdout, reason = "the figures are what it is run for")]

use std::{
    collections::HashSet,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use futures::{StreamExt, future::join_all, stream};
use rand::seq::IteratorRandom;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, MySqlConnection, Row};
use uuid::Uuid;

use crate::{
    buyer::{Buyer, checkout, connect, stock, variant},
    support::{Shop, problem},
};

const BUYERS: usize = 200;
const RINGS: i32 = 10;
const RING: &str = "AUR-18Y-12";
/// Of these there are enough.
const OTHER: &str = "EMB-925";
const PATIENCE: Duration = Duration::from_secs(120);

/// What was done to the database, and what buyers went through.
#[derive(Default)]
struct Troubles {
    over: AtomicBool,
    cut: AtomicUsize,
    tried_again: AtomicUsize,
}

/// What a buyer was told in the end.
enum Told {
    Sold { order: String, other: bool },
    Refused,
}

pub(crate) async fn run(shop: &Shop, rounds: usize) {
    // An answer of 500 ends the test, and its reason is in the log only.
    jewel_api::telemetry::init("jewel_api=error");
    let begun = Instant::now();
    let troubles = Troubles::default();
    let deadlocks = deadlocks(shop).await;
    let (mut sold, mut refused) = (0, 0);
    for _ in 0..rounds {
        let figures = round(shop, &troubles).await;
        sold += figures.0;
        refused += figures.1;
    }
    let deadlocks = self::deadlocks(shop).await - deadlocks;
    println!(
        "{}: {rounds} rounds of {BUYERS} buyers for {RINGS} rings: {sold} sold, {refused} told there are none; {} \
         connections cut, {deadlocks} deadlocks, {} requests sent again; {:.1} s",
        shop.database.name,
        troubles.cut.load(Ordering::Relaxed),
        troubles.tried_again.load(Ordering::Relaxed),
        begun.elapsed().as_secs_f64(),
    );
    assert!(troubles.cut.load(Ordering::Relaxed) > 0 && deadlocks > 0);
}

/// How many the server has seen since it started.
async fn deadlocks(shop: &Shop) -> i64 {
    let query =
        "SELECT CAST(SUM(`COUNT`) AS SIGNED) FROM information_schema.INNODB_METRICS WHERE NAME = 'lock_deadlocks'";
    sqlx::query_scalar(query).fetch_one(&mut connect(shop).await).await.unwrap()
}

async fn round(shop: &Shop, troubles: &Troubles) -> (usize, usize) {
    let mut connection = connect(shop).await;
    for (sku, on_hand) in [(RING, RINGS), (OTHER, 1000)] {
        sqlx::query("UPDATE inventory SET on_hand = ?, reserved = 0, version = version + 1 WHERE variant_id = ?")
            .bind(on_hand)
            .bind(variant(sku))
            .execute(&mut connection)
            .await
            .unwrap();
    }
    // Half of them want a second thing, some of these first and some last.
    let carts = stream::iter(0..BUYERS).map(|index| async move {
        let skus: &[&str] = match index % 4 {
            0 => &[RING, OTHER],
            1 => &[OTHER, RING],
            _ => &[RING],
        };
        let (mut buyer, mut cart) = (Buyer::default(), Value::Null);
        for sku in skus {
            let body = json!({"variant_id": variant(sku), "quantity": 1});
            let send = || buyer.request(shop, Method::POST, "/cart/lines").json(&body);
            let response = until_answered(send, None).await;
            assert_eq!(response.status(), 200);
            cart = response.json().await.unwrap();
            buyer.keep(&cart);
        }
        (buyer, cart, skus.len() == 2)
    });
    let ready: Vec<(Buyer, Value, bool)> = carts.buffer_unordered(20).collect().await;

    troubles.over.store(false, Ordering::SeqCst);
    let buying = async {
        let told = join_all(ready.iter().map(|(buyer, cart, other)| buy(shop, buyer, cart, *other, troubles))).await;
        troubles.over.store(true, Ordering::SeqCst);
        told
    };
    let mut provoking = connect(shop).await;
    let spared = [own_id(&mut connection).await, own_id(&mut provoking).await];
    let (told, (), ()) =
        tokio::join!(buying, cut_connections(shop, troubles, spared), provoke_deadlocks(&mut provoking, troubles));

    let mut orders = HashSet::new();
    let (mut refused, mut others) = (0, 0);
    for told in told {
        match told {
            Told::Sold { order, other } => {
                assert!(orders.insert(order), "two buyers were told of the same order");
                others += i32::from(other);
            }
            Told::Refused => refused += 1,
        }
    }
    assert_eq!((orders.len(), refused), (10, BUYERS - 10));
    assert_eq!(stock(shop, RING).await, (RINGS, RINGS));
    assert_eq!(stock(shop, OTHER).await, (1000, others));
    let ids: Vec<Uuid> = orders.iter().map(|order| Uuid::parse_str(order).unwrap()).collect();
    let marks = vec!["?"; ids.len()].join(", ");
    let query = AssertSqlSafe(format!(
        "SELECT COUNT(*) FROM orders o JOIN order_lines l ON l.order_id = o.id JOIN carts c ON c.id = o.cart_id
         WHERE o.id IN ({marks}) AND l.variant_id = ? AND o.status = 'confirmed' AND c.status = 'ordered'"
    ));
    let mut query = sqlx::query_scalar::<_, i64>(query);
    for id in ids {
        query = query.bind(id);
    }
    assert_eq!(query.bind(variant(RING)).fetch_one(&mut connection).await.unwrap(), 10);
    (10, refused)
}

async fn buy(shop: &Shop, buyer: &Buyer, cart: &Value, other: bool, troubles: &Troubles) -> Told {
    let (body, key) = (checkout(cart, "cash_on_delivery"), Uuid::now_v7().to_string());
    let send = || buyer.request(shop, Method::POST, "/orders").header("idempotency-key", &key).json(&body);
    let response = until_answered(send, Some(&troubles.tried_again)).await;
    if response.status() == 201 {
        let placed: Value = response.json().await.unwrap();
        return Told::Sold { order: placed["order"]["id"].as_str().unwrap().to_owned(), other };
    }
    let problem = problem(response, 409, "out-of-stock").await;
    assert_eq!(problem["shortages"][0]["variant_id"], variant(RING).to_string());
    assert_eq!(problem["shortages"][0]["available"], 0);
    Told::Refused
}

/// Sends the same again until the answer is not that it is to be sent again.
async fn until_answered(send: impl Fn() -> RequestBuilder, again: Option<&AtomicUsize>) -> reqwest::Response {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let response = send().send().await.unwrap();
        if response.status() != 503 {
            return response;
        }
        assert!(response.headers().contains_key("retry-after"));
        assert!(Instant::now() < deadline, "nobody answers");
        if let Some(again) = again {
            again.fetch_add(1, Ordering::Relaxed);
        }
        tokio::time::sleep(Duration::from_millis(rand::random_range(5..50))).await;
    }
}

async fn own_id(connection: &mut MySqlConnection) -> u64 {
    sqlx::query_scalar("SELECT CAST(CONNECTION_ID() AS UNSIGNED)").fetch_one(connection).await.unwrap()
}

/// Cuts a connection of the API again and again, wherever it is in its work.
async fn cut_connections(shop: &Shop, troubles: &Troubles, spared: [u64; 2]) {
    let mut connection = shop.database.options().connect().await.unwrap();
    while !troubles.over.load(Ordering::SeqCst) {
        let rows = sqlx::raw_sql("SHOW PROCESSLIST").fetch_all(&mut connection).await.unwrap();
        let ids = rows.iter().filter(|row| row.get_unchecked::<Option<String>, _>(3).as_deref() == Some("shop"));
        let ids = ids.map(|row| row.get_unchecked::<u64, _>(0)).filter(|id| !spared.contains(id));
        let victim = ids.choose(&mut rand::rng());
        if let Some(id) = victim
            && sqlx::raw_sql(AssertSqlSafe(format!("KILL {id}"))).execute(&mut connection).await.is_ok()
        {
            troubles.cut.fetch_add(1, Ordering::Relaxed);
        }
        tokio::time::sleep(Duration::from_millis(15)).await;
    }
}

/// Takes both rows in the order that no buyer takes them in, so that they meet. Every other time after so many changes
/// that the server lets the buyer give way.
async fn provoke_deadlocks(connection: &mut MySqlConnection, troubles: &Troubles) {
    let mut ids = [variant(RING), variant(OTHER)];
    ids.sort_unstable();
    ids.reverse();
    let mut heavy = false;
    while !troubles.over.load(Ordering::SeqCst) {
        let mut transaction = connection.begin().await.unwrap();
        if heavy {
            for _ in 0..5 {
                let changes = "UPDATE images SET created_at = UTC_TIMESTAMP(6)";
                sqlx::query(changes).execute(&mut *transaction).await.unwrap();
            }
        }
        for id in ids {
            let taken = sqlx::query("UPDATE inventory SET updated_at = UTC_TIMESTAMP(6) WHERE variant_id = ?")
                .bind(id)
                .execute(&mut *transaction)
                .await;
            if taken.is_err() {
                break;
            }
        }
        transaction.rollback().await.unwrap();
        heavy = !heavy;
        tokio::task::yield_now().await;
    }
}
