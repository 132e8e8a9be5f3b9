//! A shop to test with: a real database server with a small catalogue, a token issuer with real keys, and the API.
#![allow(dead_code, reason = "each test file uses its own part")]

pub(crate) mod issuer;
pub(crate) mod journal;
pub(crate) mod program;
pub(crate) mod s3;
#[path = "../../../migrations/tests/server/mod.rs"]
pub(crate) mod server;
mod signature;
pub(crate) mod stripe;

use std::{net::TcpListener, time::Duration};

use jewel_api::{App, Config, server::serve_until};
use jewel_migrations::{SHOWCASE_ANEW, UpOptions};
use reqwest::{Method, RequestBuilder, Response};
use serde_json::Value;
use sqlx::{AssertSqlSafe, ConnectOptions, MySqlConnection};
use tokio::{sync::oneshot, task::JoinHandle};

use issuer::Issuer;
use s3::S3;
use server::Server;

pub(crate) const ORIGIN_SECRET: &str = "current-secret-0123456789";
pub(crate) const NEXT_ORIGIN_SECRET: &str = "next-secret-9876543210";
pub(crate) const CLIENT_ID: &str = "shop-client";
pub(crate) const BANK: &str = "Jewel Pte Ltd, DBS 001-23456-7";
const DATABASE: &str = "shop";
pub(crate) const BACKUPS: &str = "backups";
pub(crate) const MEDIA: &str = "media";

pub(crate) struct Shop {
    pub(crate) database: Server,
    pub(crate) issuer: Issuer,
    pub(crate) s3: S3,
    pub(crate) api: Api,
}

/// A running API.
pub(crate) struct Api {
    pub(crate) address: String,
    client: reqwest::Client,
    stop: Option<oneshot::Sender<()>>,
    serving: Option<JoinHandle<std::io::Result<()>>>,
}

/// How many rounds a test of chance plays: two, or as many as `JEWEL_ROUNDS` says.
pub(crate) fn rounds() -> usize {
    std::env::var("JEWEL_ROUNDS").map_or(2, |count| count.parse().expect("JEWEL_ROUNDS is a number"))
}

/// A shop on every database server there is to test with.
pub(crate) async fn shops() -> Vec<Shop> {
    let mut shops = Vec::new();
    for database in server::all().await {
        stock(&database).await;
        let issuer = Issuer::start().await;
        let s3 = S3::start();
        let api = Api::start(&config(&database, &issuer, &s3));
        shops.push(Shop { database, issuer, s3, api });
    }
    shops
}

/// Makes the shop's database, with a small catalogue.
pub(crate) async fn stock(server: &Server) {
    let mut connection = server.database(DATABASE).await.connect().await.unwrap();
    jewel_migrations::up(&mut connection, &UpOptions::default(), &mut |_| {}).await.unwrap();
    fill(&mut connection).await;
}

/// The variables an operator would set.
pub(crate) fn environment(database: &Server, issuer: &Issuer, s3: &S3) -> Vec<(&'static str, String)> {
    vec![
        ("JEWEL_LISTEN", "127.0.0.1:0".into()),
        ("JEWEL_DATABASE_HOST", "127.0.0.1".into()),
        ("JEWEL_DATABASE_PORT", database.port.to_string()),
        ("JEWEL_DATABASE_NAME", DATABASE.into()),
        ("JEWEL_DATABASE_USER", server::USER.into()),
        ("JEWEL_DATABASE_PASSWORD", server::PASSWORD.into()),
        ("JEWEL_DATABASE_TLS", if database.tls { "required" } else { "disabled" }.into()),
        ("JEWEL_ORIGIN_SECRETS", format!("{ORIGIN_SECRET},{NEXT_ORIGIN_SECRET}")),
        ("JEWEL_TOKEN_ISSUER", issuer.url.clone()),
        ("JEWEL_TOKEN_CLIENT_ID", CLIENT_ID.into()),
        ("JEWEL_PAYMENT_METHODS", "bank_transfer,cash_on_delivery".into()),
        ("JEWEL_BANK_DETAILS", BANK.into()),
        ("JEWEL_RELEASE", "0.1.0-test".into()),
        // All tests are one client.
        ("JEWEL_RATE_LIMIT", "off".into()),
        ("JEWEL_JOURNAL", format!("s3://{BACKUPS}/journal")),
        ("JEWEL_MEDIA_BUCKET", MEDIA.into()),
        ("AWS_ENDPOINT_URL", s3.url.clone()),
        ("AWS_REGION", "eu-west-1".into()),
        ("AWS_ACCESS_KEY_ID", "a-key".into()),
        ("AWS_SECRET_ACCESS_KEY", signature::SECRET.into()),
    ]
}

pub(crate) fn config(database: &Server, issuer: &Issuer, s3: &S3) -> Config {
    config_with(database, issuer, s3, &[])
}

/// With more variables set, or others than usual.
pub(crate) fn config_with(database: &Server, issuer: &Issuer, s3: &S3, more: &[(&'static str, String)]) -> Config {
    let environment = environment(database, issuer, s3);
    let find = |name: &str| more.iter().chain(&environment).find(|(key, _)| *key == name);
    Config::from_lookup(|name| find(name).map(|(_, value)| value.clone())).unwrap()
}

impl Api {
    pub(crate) fn start(config: &Config) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let (stop, stopped) = oneshot::channel::<()>();
        let stopped = async move {
            let _ = stopped.await;
        };
        let serving = tokio::spawn(serve_until(listener, App::new(config), stopped, Duration::from_secs(20)));
        let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(30)).build().unwrap();
        Self { address, client, stop: Some(stop), serving: Some(serving) }
    }

    /// A request that did not come through the gateway.
    pub(crate) fn direct(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.address))
    }

    /// A request as the gateway forwards it.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.direct(method, path).header("x-origin-verify", ORIGIN_SECRET)
    }

    pub(crate) async fn get(&self, path: &str) -> Response {
        self.request(Method::GET, path).send().await.unwrap()
    }

    /// The body of a successful answer.
    pub(crate) async fn read(&self, path: &str) -> Value {
        let response = self.get(path).await;
        assert_eq!(response.status(), 200, "{path}");
        response.json().await.unwrap()
    }

    /// The slugs of a product list.
    pub(crate) async fn slugs(&self, query: &str) -> Vec<String> {
        let page = self.read(&format!("/api/v1/products{query}")).await;
        page["items"].as_array().unwrap().iter().map(|item| item["slug"].as_str().unwrap().to_owned()).collect()
    }

    /// What the server ends with, when it ends by itself.
    pub(crate) async fn ended(&mut self) -> std::io::Result<()> {
        let serving = self.serving.take().unwrap();
        tokio::time::timeout(Duration::from_secs(20), serving).await.unwrap().unwrap()
    }

    /// Tells the server to stop, and takes what it ends with.
    pub(crate) fn stop(&mut self) -> JoinHandle<std::io::Result<()>> {
        self.stop.take().unwrap().send(()).unwrap();
        self.serving.take().unwrap()
    }
}

/// The problem document of an error answer, checked for what all of them have in common.
pub(crate) async fn problem(response: Response, status: u16, kind: &str) -> Value {
    assert_eq!(response.status(), status, "{}", response.url());
    assert_eq!(response.headers()["content-type"], "application/problem+json", "{}", response.url());
    assert_eq!(response.headers()["cache-control"], "no-store");
    assert!(response.headers().contains_key("x-request-id"));
    let problem: Value = response.json().await.unwrap();
    assert_eq!(problem["type"], format!("/problems/{kind}"), "{problem}");
    assert_eq!(problem["status"], status, "{problem}");
    problem
}

/// (slug, category, name, description, price, day)
const PRODUCTS: &[(&str, &str, &str, &str, i64, u8)] = &[
    ("aurora-ring", "rings", "Aurora Ring", "A solitaire of yellow gold with a brilliant-cut diamond.", 129_000, 1),
    ("sable-ring", "rings", "Sable Ring", "A platinum band with black spinel.", 98_000, 2),
    ("tide-necklace", "necklaces", "Tide Necklace", "Akoya pearls on a gold chain, 45 cm.", 210_000, 3),
    ("ember-studs", "earrings", "Ember Studs", "Garnet studs in silver.", 18_500, 4),
    ("zephyr-studs", "earrings", "Zéphyr Studs", "Moonstone studs in silver.", 18_500, 4),
];

/// (product, sku, metal, size, price, on hand, reserved)
type VariantRow = (&'static str, &'static str, &'static str, Option<&'static str>, i64, i32, i32);

const VARIANTS: &[VariantRow] = &[
    ("aurora-ring", "AUR-18Y-12", "gold_18k", Some("12"), 129_000, 3, 1),
    ("aurora-ring", "AUR-18Y-14", "gold_18k", Some("14"), 129_000, 0, 0),
    ("aurora-ring", "AUR-950-12", "platinum_950", Some("12"), 159_000, 1, 0),
    ("sable-ring", "SAB-950-13", "platinum_950", Some("13"), 98_000, 2, 2),
    ("tide-necklace", "TID-18Y", "gold_18k", None, 210_000, 5, 0),
    ("ember-studs", "EMB-925", "silver_925", None, 18_500, 9, 0),
    ("zephyr-studs", "ZEP-925", "silver_925", None, 18_500, 0, 0),
];

async fn fill(connection: &mut MySqlConnection) {
    let mut statements = vec![
        "INSERT INTO categories (id, slug, name, description, position, created_at, updated_at, version) VALUES
            (UNHEX(LEFT(SHA2('rings', 256), 32)), 'rings', 'Rings', 'For hands', 1, '2026-01-01', '2026-01-01', 1),
            (UNHEX(LEFT(SHA2('necklaces', 256), 32)), 'necklaces', 'Necklaces', '', 2, '2026-01-01', '2026-01-01', 1),
            (UNHEX(LEFT(SHA2('earrings', 256), 32)), 'earrings', 'Earrings', '', 3, '2026-01-01', '2026-01-01', 1),
            (UNHEX(LEFT(SHA2('brooches', 256), 32)), 'brooches', 'Brooches', '', 4, '2026-01-01', '2026-01-01', 1)"
            .to_owned(),
        "INSERT INTO products (id, category_id, slug, name, description, status, currency, price_from_minor,
            created_at, updated_at, version) SELECT UNHEX(LEFT(SHA2('draft', 256), 32)), id, 'draft', 'Draft', 'gold', 'draft', 'SGD', 1,
            '2026-02-01', '2026-02-01', 1 FROM categories WHERE slug = 'rings'"
            .to_owned(),
    ];
    for (slug, category, name, description, price, day) in PRODUCTS {
        statements.push(format!(
            "INSERT INTO products (id, category_id, slug, name, description, status, currency, price_from_minor, created_at,
             updated_at, version) VALUES (UNHEX(LEFT(SHA2('{slug}', 256), 32)), UNHEX(LEFT(SHA2('{category}', 256), 32)), '{slug}', '{name}',
             '{description}', 'active', 'SGD', {price}, '2026-01-{day:02} 10:00:00.123456', '2026-01-01', 1)"
        ));
    }
    for (position, (product, sku, metal, size, price, on_hand, reserved)) in VARIANTS.iter().enumerate() {
        let size = size.map_or_else(|| "NULL".to_owned(), |size| format!("'{size}'"));
        statements.push(format!(
            "INSERT INTO variants (id, product_id, position, sku, metal, stone, ring_size, price_minor, created_at, updated_at,
             version) VALUES (UNHEX(LEFT(SHA2('{sku}', 256), 32)), UNHEX(LEFT(SHA2('{product}', 256), 32)), {position}, '{sku}', '{metal}',
             NULL, {size}, {price}, '2026-01-01', '2026-01-01', 1)"
        ));
        statements.push(format!(
            "INSERT INTO inventory (variant_id, on_hand, reserved, updated_at, version) VALUES (UNHEX(LEFT(SHA2('{sku}', 256), 32)), {on_hand}, {reserved}, '2026-01-01', 1)"
        ));
    }
    for position in 1..=2 {
        statements.push(format!(
            "INSERT INTO images (id, product_id, position, object_key, alt, width, height, created_at, version) VALUES (UNHEX(LEFT(SHA2('i{position}', 256), 32)), UNHEX(LEFT(SHA2('aurora-ring', 256), 32)), {position},
             'media/products/aurora-ring/{position}.svg', 'View {position}', 800, 600, '2026-01-01', 1)"
        ));
    }
    statements.push(SHOWCASE_ANEW.to_owned());
    for statement in statements {
        sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut *connection).await.unwrap();
    }
}
