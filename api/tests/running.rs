//! What an operator sees: health, the origin check, headers, a database that goes and comes back, and stopping.
#![expect(clippy::unwrap_used, reason = "a test stops where something is wrong")]

mod support;

use std::{
    io::{BufRead, BufReader},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use reqwest::Method;
use serde_json::Value;
use sqlx::ConnectOptions;
use support::{Api, NEXT_ORIGIN_SECRET, Shop, config, environment, problem, shops};

const PROGRAM: &str = env!("CARGO_BIN_EXE_jewel-api");

#[tokio::test]
async fn a_running_server_behaves() {
    for mut shop in shops().await {
        health_needs_no_origin(&shop).await;
        only_the_gateway_gets_in(&shop).await;
        every_answer_has_its_headers(&shop).await;
        figures_are_for_this_machine_only(&shop).await;
        whoever_asks_too_often_is_told_when_to_come_back(&shop).await;
        the_document_is_a_page_too(&shop).await;
        cloudwatch_is_told(&shop).await;
        the_program_checks_and_serves(&shop).await;
        the_database_may_go_and_come_back(&mut shop).await;
        requests_in_flight_are_answered_before_the_end(&mut shop).await;
    }
}

async fn health_needs_no_origin(shop: &Shop) {
    for path in ["/livez", "/readyz", "/version"] {
        let response = shop.api.direct(Method::GET, path).send().await.unwrap();
        assert_eq!(response.status(), 200, "{path}");
        assert_eq!(response.headers()["cache-control"], "no-store");
    }
    let version: Value = shop.api.direct(Method::GET, "/version").send().await.unwrap().json().await.unwrap();
    assert_eq!(version["release"], "0.1.0-test");
    assert_eq!(version["schema_version"], jewel_migrations::expected_version());
}

async fn only_the_gateway_gets_in(shop: &Shop) {
    for path in ["/api/v1/products", "/api/openapi.json", "/api/v1/admin/products"] {
        problem(shop.api.direct(Method::GET, path).send().await.unwrap(), 403, "wrong-origin").await;
        let wrong = shop.api.direct(Method::GET, path).header("x-origin-verify", "current-secret-012345678");
        problem(wrong.send().await.unwrap(), 403, "wrong-origin").await;
    }
    let next = shop.api.direct(Method::GET, "/api/v1/products").header("x-origin-verify", NEXT_ORIGIN_SECRET);
    assert_eq!(next.send().await.unwrap().status(), 200);
}

async fn every_answer_has_its_headers(shop: &Shop) {
    for path in ["/api/v1/products", "/nothing", "/livez"] {
        let response = shop.api.request(Method::GET, path).header("x-request-id", "abc-123").send().await.unwrap();
        assert_eq!(response.headers()["x-request-id"], "abc-123");
        assert_eq!(response.headers()["x-content-type-options"], "nosniff");
        assert_eq!(response.headers()["content-security-policy"], "default-src 'none'; frame-ancestors 'none'");
    }
    let hostile = shop.api.request(Method::GET, "/livez").header("x-request-id", "\"},{\"a\":\"");
    let id = hostile.send().await.unwrap().headers()["x-request-id"].to_str().unwrap().to_owned();
    assert_eq!(id.len(), 36, "{id}");
}

async fn figures_are_for_this_machine_only(shop: &Shop) {
    let metrics = || shop.api.direct(Method::GET, "/metrics");
    shop.api.read("/api/v1/products/aurora-ring").await;
    let response = metrics().send().await.unwrap();
    assert!(response.headers()["content-type"].to_str().unwrap().starts_with("application/openmetrics-text"));
    let text = response.text().await.unwrap();
    for line in [
        "jewel_ready 1\n",
        "jewel_outbox_waiting 0\n",
        "jewel_journal_lag_seconds 0.0\n",
        "jewel_http_requests_total{method=\"GET\",route=\"/api/v1/products/{slug}\",status=\"200\"} ",
        "jewel_http_request_seconds_count{route=\"/api/v1/products/{slug}\"} ",
    ] {
        assert!(text.contains(line), "{line} is missing in\n{text}");
    }
    assert!(!text.contains("aurora"), "{text}");
    for (name, value) in [
        ("x-forwarded-for", "127.0.0.1"),
        ("forwarded", "for=127.0.0.1"),
        ("via", "HTTP/1.1 AmazonAPIGateway"),
        ("x-origin-verify", NEXT_ORIGIN_SECRET),
    ] {
        problem(metrics().header(name, value).send().await.unwrap(), 404, "not-found").await;
    }
}

async fn whoever_asks_too_often_is_told_when_to_come_back(shop: &Shop) {
    let mut config = config(&shop.database, &shop.issuer, &shop.s3);
    config.rate_limit = Some(1);
    // A server without a journal serves, too.
    config.journal = jewel_api::config::JournalConfig::Off;
    let api = Api::start(&config);
    let ask = async |visitor: &str| {
        let forwarded = format!("for={visitor};proto=https, for=198.51.100.7");
        api.request(Method::GET, "/api/openapi.json").header("forwarded", forwarded).send().await.unwrap()
    };
    let mut answers = Vec::new();
    for _ in 0..40 {
        answers.push(ask("192.0.2.1").await);
    }
    let allowed = answers.iter().filter(|answer| answer.status() == 200).count();
    assert!((10..30).contains(&allowed), "{allowed}");
    let refused = answers.into_iter().find(|answer| answer.status() != 200).unwrap();
    let wait: u64 = refused.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=2).contains(&wait), "{wait}");
    problem(refused, 429, "too-many-requests").await;
    assert_eq!(ask("192.0.2.2").await.status(), 200);
    assert_eq!(api.direct(Method::GET, "/livez").send().await.unwrap().status(), 200);

    // Whoever is signed in is counted as who they are, wherever they come from.
    let token = shop.issuer.admin();
    let mut statuses = Vec::new();
    for _ in 0..40 {
        let request = api.request(Method::POST, "/api/v1/admin/products").bearer_auth(&token).json(&Value::Null);
        statuses.push(request.send().await.unwrap().status().as_u16());
    }
    assert_eq!((statuses[0], statuses.contains(&429)), (422, true), "{statuses:?}");
}

async fn the_document_is_a_page_too(shop: &Shop) {
    problem(shop.api.direct(Method::GET, "/api/docs").send().await.unwrap(), 403, "wrong-origin").await;
    let response = shop.api.get("/api/docs").await;
    assert_eq!(response.headers()["content-type"], "text/html; charset=utf-8");
    let policy = response.headers()["content-security-policy"].to_str().unwrap();
    assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{policy}");
    assert!(response.text().await.unwrap().contains("<code>/api/v1/products/{slug}</code>"));
}

async fn cloudwatch_is_told(shop: &Shop) {
    let (told, mut heard) = tokio::sync::mpsc::unbounded_channel();
    let router = axum::Router::new().fallback(async move |body: axum::body::Bytes| {
        told.send(String::from_utf8_lossy(&body).into_owned()).unwrap();
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut config = config(&shop.database, &shop.issuer, &shop.s3);
    config.metrics_namespace = Some("Jewel/shop-test".to_owned());
    config.aws.as_mut().unwrap().endpoint = Some(format!("http://{}", listener.local_addr().unwrap()));
    tokio::spawn(async move { axum::serve(listener, router).await });
    let _api = Api::start(&config);
    // The journal writes to the same address.
    let figures = async {
        loop {
            let body = heard.recv().await.unwrap();
            if body.contains("Jewel/shop-test") {
                return body;
            }
        }
    };
    let body = tokio::time::timeout(Duration::from_secs(20), figures).await.unwrap();
    for part in ["Ready", "JournalLagSeconds", "Requests", "Failures"] {
        assert!(body.contains(part), "{part} is missing in {body}");
    }
}

/// A request with all that could name a person, answered by this server.
async fn ask_as_somebody(address: &str, token: &str) {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let path = "/api/v1/products/jane-doe?q=jane%40example.com";
    let request = client.get(format!("http://{address}{path}")).bearer_auth(token);
    let request = request.header("x-origin-verify", NEXT_ORIGIN_SECRET).header("forwarded", "for=192.0.2.33");
    let request = request.header("cookie", "jane=1").header("user-agent", "Janes-Telephone");
    assert_eq!(request.send().await.unwrap().status(), 404);
}

const NAMES_SOMEBODY: [&str; 6] =
    ["jane", "Jane", "192.0.2.33", "Telephone", NEXT_ORIGIN_SECRET, "a-password-for-tests"];

async fn the_program_checks_and_serves(shop: &Shop) {
    let variables = environment(&shop.database, &shop.issuer, &shop.s3);
    let program = |command: &str| {
        let mut program = Command::new(PROGRAM);
        program.arg(command).env_clear().envs(variables.iter().map(|(name, value)| (*name, value.as_str())));
        program
    };
    let good = program("check").output().unwrap();
    let words = String::from_utf8(good.stdout).unwrap();
    assert!(good.status.success(), "{words}");
    let needed = jewel_migrations::expected_version();
    assert!(words.contains(&format!("ok      schema: version {needed}, needs {needed}")), "{words}");

    let refused = program("check").env("JEWEL_DATABASE_PASSWORD", "wrong-password").output().unwrap();
    let words = String::from_utf8(refused.stdout).unwrap();
    assert_eq!(refused.status.code(), Some(1));
    assert!(words.contains("failed  database") && !words.contains("wrong-password"), "{words}");

    let empty = shop.database.database("empty").await;
    drop(empty);
    let old = program("check").env("JEWEL_DATABASE_NAME", "empty").output().unwrap();
    let words = String::from_utf8(old.stdout).unwrap();
    assert_eq!(old.status.code(), Some(1));
    assert!(words.contains(&format!("failed  schema: version 0, needs {needed}: migrate first")), "{words}");

    let unset = program("serve").env_remove("JEWEL_DATABASE_HOST").env("JEWEL_LISTEN", "x").output().unwrap();
    let words = String::from_utf8(unset.stderr).unwrap();
    assert_eq!(unset.status.code(), Some(2));
    assert!(words.contains("JEWEL_DATABASE_HOST is not set\n") && words.contains("JEWEL_LISTEN is not"), "{words}");

    // SIGTERM ends it well, and its log is JSON from the first line to the last.
    let mut serving = program("serve").stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(serving.stdout.take().unwrap()).lines();
    let first: Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
    let address = first["address"].as_str().unwrap();
    assert_eq!(reqwest::get(format!("http://{address}/readyz")).await.unwrap().status(), 200);
    ask_as_somebody(address, &shop.issuer.admin()).await;
    let id = serving.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    let rest: Vec<Value> = lines.map(|line| serde_json::from_str(&line.unwrap()).unwrap()).collect();
    assert!(serving.wait().unwrap().success());
    let log = serde_json::to_string(&rest).unwrap();
    for name in NAMES_SOMEBODY {
        assert!(!log.contains(name), "{name} is in the log: {log}");
    }
    assert_eq!(rest.last().unwrap()["message"], "stopped", "{rest:?}");
    let access = rest.iter().find(|line| line["message"] == "answered").unwrap();
    assert_eq!(access["span"]["route"], "/readyz");
    assert_eq!(access["status"], 200);
}

async fn the_database_may_go_and_come_back(shop: &mut Shop) {
    shop.database.kill();
    let started_without = Api::start(&config(&shop.database, &shop.issuer, &shop.s3));
    for api in [&shop.api, &started_without] {
        assert_eq!(api.direct(Method::GET, "/livez").send().await.unwrap().status(), 200);
        problem(api.direct(Method::GET, "/readyz").send().await.unwrap(), 503, "unavailable").await;
        let response = api.get("/api/v1/products").await;
        assert_eq!(response.headers()["retry-after"], "5");
        problem(response, 503, "unavailable").await;
    }
    shop.database.launch().await;
    for api in [&shop.api, &started_without] {
        let deadline = Instant::now() + Duration::from_secs(15);
        while api.direct(Method::GET, "/readyz").send().await.unwrap().status() != 200 {
            assert!(Instant::now() < deadline, "it did not recover");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert_eq!(api.slugs("?category=rings").await.len(), 2);
    }
}

async fn requests_in_flight_are_answered_before_the_end(shop: &mut Shop) {
    // A row lock holds one request up while the server is told to stop.
    let mut blocker = shop.database.options().database("shop").connect().await.unwrap();
    let lock = "LOCK TABLES products WRITE, variants WRITE, inventory WRITE, categories WRITE, images WRITE";
    sqlx::raw_sql(lock).execute(&mut blocker).await.unwrap();
    let held_up = tokio::spawn(shop.api.request(Method::GET, "/api/v1/categories").send());
    let mut watcher = shop.database.options().connect().await.unwrap();
    let waiting = "SELECT COUNT(*) FROM information_schema.processlist WHERE state LIKE 'Waiting for table%'";
    let deadline = Instant::now() + Duration::from_secs(8);
    while sqlx::query_scalar::<_, i64>(waiting).fetch_one(&mut watcher).await.unwrap() == 0 {
        assert!(Instant::now() < deadline, "the request did not reach the database");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let serving = shop.api.stop();
    let deadline = Instant::now() + Duration::from_secs(8);
    while shop.api.direct(Method::GET, "/livez").send().await.is_ok() {
        assert!(Instant::now() < deadline, "it goes on taking connections");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(!serving.is_finished());
    sqlx::raw_sql("UNLOCK TABLES").execute(&mut blocker).await.unwrap();
    assert_eq!(held_up.await.unwrap().unwrap().status(), 200);
    serving.await.unwrap().unwrap();
}
