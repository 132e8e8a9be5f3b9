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
    let id = serving.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    let rest: Vec<Value> = lines.map(|line| serde_json::from_str(&line.unwrap()).unwrap()).collect();
    assert!(serving.wait().unwrap().success());
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
