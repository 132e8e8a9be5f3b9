//! Input that means harm, for every route that the OpenAPI document knows: the answer is a 4xx that the document knows
//! too, and nothing in the database changes.
#![expect(clippy::unwrap_used, reason = "a test stops where something is wrong")]

mod support;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use reqwest::{Method, RequestBuilder, Response};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, ConnectOptions, MySqlConnection};
use support::{Shop, issuer::now, problem, shops};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

#[tokio::test]
async fn hostile_input_gets_a_4xx_and_changes_nothing() {
    for shop in shops().await {
        let mut database = shop.database.options().database("shop").connect().await.unwrap();
        let operations = operations(&shop).await;
        let before = checksums(&mut database).await;
        forged_tokens_open_nothing(&shop, &operations).await;
        bodies_that_mean_harm(&shop, &operations).await;
        words_that_mean_harm(&shop, &operations).await;
        paths_lead_nowhere_else(&shop).await;
        assert_eq!(checksums(&mut database).await, before, "something changed on {}", shop.database.name);
    }
}

/// A documented operation.
struct Operation {
    method: Method,
    path: String,
    document: Value,
}

async fn operations(shop: &Shop) -> Vec<Operation> {
    let document = shop.api.read("/api/openapi.json").await;
    let mut operations = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap().iter().filter(|_| path.starts_with("/api/")) {
            let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
            operations.push(Operation { method, path: path.clone(), document: operation.clone() });
        }
    }
    operations
}

impl Operation {
    fn takes_tokens(&self) -> bool {
        self.document["security"].as_array().is_some_and(|ways| ways.iter().any(|way| way.get("token").is_some()))
    }

    fn takes_json(&self) -> bool {
        self.document["requestBody"]["content"]["application/json"].is_object()
    }

    /// The path with this in place of each of its parts that vary.
    fn path_with(&self, value: &str) -> String {
        let parts = self.path.split('/').map(|part| if part.starts_with('{') { value } else { part });
        parts.collect::<Vec<_>>().join("/")
    }

    fn request(&self, shop: &Shop, path: &str) -> RequestBuilder {
        // What some routes ask for beside the body, so that they get to see the body.
        let key = uuid::Uuid::new_v4().to_string();
        shop.api.request(self.method.clone(), path).header("idempotency-key", key).header("if-match", "\"0\"")
    }

    async fn refuses(&self, response: Response, what: &str) {
        let status = response.status();
        let name = format!("{} {} with {what}", self.method, self.path);
        assert!(status.is_client_error(), "{name}: {status}");
        assert!(self.document["responses"].get(status.as_str()).is_some(), "{name}: {status} is not documented");
        assert_eq!(response.headers()["content-type"], "application/problem+json", "{name}");
    }
}

const NOBODYS_ID: &str = "01938c3e-0000-7000-8000-000000000000";

async fn forged_tokens_open_nothing(shop: &Shop, operations: &[Operation]) {
    let good = shop.issuer.admin();
    let (head, rest) = good.split_once('.').unwrap();
    let (_, signature) = rest.split_once('.').unwrap();
    let part = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
    let claims = part(&shop.issuer.claims());
    let by_secret = |secret: &[u8]| {
        let header = Header { kid: Some("first".into()), ..Header::new(Algorithm::HS256) };
        encode(&header, &shop.issuer.claims(), &EncodingKey::from_secret(secret)).unwrap()
    };
    let foreign = shop.issuer.generate("foreign");
    let header = Header { kid: Some("first".into()), ..Header::new(Algorithm::RS256) };
    let other = shop.issuer.claims().as_object().unwrap().clone();
    let forged = [
        ("an expired token", shop.issuer.token("first", json!({"exp": now() - 3600}))),
        ("one for later", shop.issuer.token("first", json!({"nbf": now() + 3600}))),
        ("one that never ends", shop.issuer.token("first", json!({"exp": null}))),
        ("one of another pool", shop.issuer.token("first", json!({"iss": "https://issuer.example/pool"}))),
        ("one for another client", shop.issuer.token("first", json!({"client_id": "other"}))),
        ("one of another use", shop.issuer.token("first", json!({"token_use": "refresh"}))),
        ("one of nobody", shop.issuer.token("first", json!({"sub": null}))),
        ("alg none", format!("{}.{claims}.", part(&json!({"alg": "none", "typ": "JWT", "kid": "first"})))),
        ("alg none and a signature", format!("{}.{claims}.{signature}", part(&json!({"alg": "nOnE", "kid": "first"})))),
        ("a shared secret", by_secret(b"")),
        ("the key's name as a secret", by_secret(b"first")),
        ("a foreign key under a known name", encode(&header, &other, &foreign).unwrap()),
        ("a key that nobody has", shop.issuer.token("foreign", json!({}))),
        ("other claims under a good signature", format!("{head}.{}.{signature}", part(&json!({"sub": "x"})))),
        (
            "a key from anywhere",
            format!(
                "{}.{claims}.{signature}",
                part(&json!({"alg": "RS256", "kid": "../../x", "jku": "http://127.0.0.1:1/"}))
            ),
        ),
        ("no token", String::new()),
        ("nonsense", "a.b.c".into()),
        ("something long", "a".repeat(20_000)),
    ];
    for operation in operations.iter().filter(|operation| operation.takes_tokens()) {
        for (what, token) in &forged {
            let request = operation.request(shop, &operation.path_with(NOBODYS_ID)).bearer_auth(token);
            let request = if operation.takes_json() { request.json(&json!({})) } else { request };
            let response = request.send().await.unwrap();
            // hyper takes no head of that size, and need not.
            assert!(
                [401, 431].contains(&response.status().as_u16()),
                "{} with {what}: {}",
                operation.path,
                response.status()
            );
            operation.refuses(response, what).await;
        }
    }
    for operation in operations.iter().filter(|operation| operation.path.starts_with("/api/v1/admin/")) {
        let customer = shop.issuer.token("first", json!({"cognito:groups": ["customers", "Admins", "admin"]}));
        let request = operation.request(shop, &operation.path_with(NOBODYS_ID)).bearer_auth(customer);
        let request = if operation.takes_json() { request.json(&json!({})) } else { request };
        problem(request.send().await.unwrap(), 403, "forbidden").await;
    }
}

async fn bodies_that_mean_harm(shop: &Shop, operations: &[Operation]) {
    const JSON: &str = "application/json";
    let deep = |open: &str, close: &str| format!("{}1{}", open.repeat(100_000), close.repeat(100_000)).into_bytes();
    let bodies: [(&str, &str, Vec<u8>); 14] = [
        ("nothing", JSON, Vec::new()),
        ("half of something", JSON, b"{\"a\":".to_vec()),
        ("lists within lists", JSON, deep("[", "]")),
        ("objects within objects", JSON, deep("{\"a\":", "}")),
        ("null", JSON, b"null".to_vec()),
        ("a list", JSON, b"[]".to_vec()),
        ("a number", JSON, b"1e999".to_vec()),
        ("a field that nobody knows", JSON, b"{\"__proto__\":{\"admin\":true}}".to_vec()),
        ("the same field twice", JSON, b"{\"name\":\"a\",\"name\":\"b\"}".to_vec()),
        ("bytes that are no text", JSON, b"{\"name\":\"\xc0\xaf\xff\"}".to_vec()),
        ("half a character", JSON, b"{\"name\":\"\\ud800\"}".to_vec()),
        ("too much", JSON, vec![b' '; 3 * 1024 * 1024]),
        ("a form", "application/x-www-form-urlencoded", b"name=a".to_vec()),
        ("XML", "application/xml", b"<!DOCTYPE a [<!ENTITY b SYSTEM \"file:///etc/passwd\">]><a>&b;</a>".to_vec()),
    ];
    for operation in operations.iter().filter(|operation| operation.takes_json()) {
        for (what, kind, body) in &bodies {
            let request = operation.request(shop, &operation.path_with(NOBODYS_ID)).header("content-type", *kind);
            let sent = request.bearer_auth(shop.issuer.admin()).body(body.clone()).send().await;
            match sent {
                Ok(response) => operation.refuses(response, what).await,
                // The server may answer and hang up before it has read all of it.
                Err(error) => assert!(*what == "too much" && error.is_request(), "{}: {error:?}", operation.path),
            }
        }
    }
}

/// As they stand in an address.
const WORDS: [&str; 18] = [
    "%27%20OR%20%271%27=%271",
    "1;DROP%20TABLE%20products--",
    "%22%3E%3Cscript%3Ealert(1)%3C/script%3E",
    "$%7Bjndi:ldap://127.0.0.1/a%7D",
    "..%2f..%2f..%2fetc%2fpasswd",
    "%00",
    "a%0d%0ax-injected:%201",
    "%c0%af",
    "%ed%a0%80",
    "%f4%90%80%80",
    "%e2%80%ae%d7%90",
    "%F0%9F%92%8D%cc%81%cc%81%cc%81",
    "-1",
    "99999999999999999999999999999999999999",
    "1e400",
    "NaN",
    "%25%5F%5C",
    "true%00false",
];

async fn words_that_mean_harm(shop: &Shop, operations: &[Operation]) {
    let token = shop.issuer.admin();
    for operation in operations {
        for word in WORDS {
            if operation.path.contains('{') {
                let request = operation.request(shop, &operation.path_with(word)).bearer_auth(&token);
                let request = if operation.takes_json() { request.json(&json!({})) } else { request };
                operation.refuses(request.send().await.unwrap(), word).await;
            }
            let parameters = operation.document["parameters"].as_array().cloned().unwrap_or_default();
            for parameter in parameters.iter().filter(|it| it["in"] == "query" && operation.method == Method::GET) {
                let name = parameter["name"].as_str().unwrap();
                let path = format!("{}?{name}={word}", operation.path_with(NOBODYS_ID));
                let response = operation.request(shop, &path).bearer_auth(&token).send().await.unwrap();
                let status = response.status();
                assert!(!status.is_server_error(), "{path}: {status}");
                assert!(!response.headers().contains_key("x-injected"), "{path}");
                let is_documented = operation.document["responses"].get(status.as_str()).is_some();
                assert!(is_documented, "{path}: {status} is not documented");
            }
        }
    }
}

async fn paths_lead_nowhere_else(shop: &Shop) {
    for path in [
        "/api/v1/products/../admin/products",
        "/api/v1/products/%2e%2e/admin/products",
        "/api/v1/products/..%2fadmin%2fproducts",
        "//api/v1/products",
        "/api//v1/products",
        "/api/v1/products/",
        "/api/v1/./products",
        "/API/v1/products",
        "/api/v1/products;a=b",
        "/api/v1/products%00",
        "/api/v1/products%2f",
        "/api/v1/media/../../../etc/passwd",
        "/media/%2e%2e/%2e%2e/etc/passwd",
        "/metrics/",
        "/livez/../metrics",
        "/\\..\\api",
    ] {
        let status = raw(shop, path).await;
        assert!([400, 404].contains(&status), "{path}: {status}");
    }
}

/// The status of a request whose path no client has tidied.
async fn raw(shop: &Shop, path: &str) -> u16 {
    let address = shop.api.address.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    let secret = support::ORIGIN_SECRET;
    let request = format!("GET {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\nx-origin-verify: {secret}\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer.split(' ').nth(1).unwrap().parse().unwrap()
}

/// Of every table of the shop.
async fn checksums(database: &mut MySqlConnection) -> Vec<(String, Option<i64>)> {
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT CAST(table_name AS CHAR) FROM information_schema.tables WHERE table_schema = 'shop' ORDER BY 1",
    )
    .fetch_all(&mut *database)
    .await
    .unwrap();
    let text = format!("CHECKSUM TABLE {}", tables.join(", "));
    sqlx::query_as(AssertSqlSafe(text)).fetch_all(database).await.unwrap()
}
