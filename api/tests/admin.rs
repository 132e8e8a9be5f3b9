//! Creating a product, and who may: real signed tokens, forged ones, and input that breaks the rules.
#![expect(clippy::unwrap_used, reason = "a test stops where something is wrong")]

mod support;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use reqwest::{Method, Response};
use serde_json::{Value, json};
use sqlx::{ConnectOptions, MySqlConnection};
use support::{Shop, issuer::now, problem, shops};

const PATH: &str = "/api/v1/admin/products";

fn product(slug: &str) -> Value {
    json!({
        "slug": slug, "name": "Lumen Bangle", "description": "A bangle.\nOf gold.", "category": "brooches", "currency": "SGD",
        "variants": [
            {"sku": format!("{slug}-1"), "metal": "rose_gold_18k", "price_minor": 250_000, "on_hand": 2},
            {"sku": format!("{slug}-2"), "metal": "gold_18k", "stone": "Citrine", "price_minor": 240_000},
        ],
    })
}

async fn create(shop: &Shop, token: &str, body: &Value) -> Response {
    shop.api.request(Method::POST, PATH).bearer_auth(token).json(body).send().await.unwrap()
}

async fn rows(shop: &Shop) -> (i64, i64, i64) {
    let mut connection: MySqlConnection = shop.database.options().database("shop").connect().await.unwrap();
    let query =
        "SELECT (SELECT COUNT(*) FROM products), (SELECT COUNT(*) FROM variants), (SELECT COUNT(*) FROM inventory)";
    sqlx::query_as(query).fetch_one(&mut connection).await.unwrap()
}

#[tokio::test]
async fn administrators_create_products_and_nobody_else() {
    for shop in shops().await {
        let before = rows(&shop).await;
        forged_tokens_are_refused(&shop).await;
        rules_are_kept(&shop).await;
        assert_eq!(rows(&shop).await, before, "something refused left a trace");

        let response = create(&shop, &shop.issuer.admin(), &product("lumen-bangle")).await;
        assert_eq!(response.status(), 201);
        assert_eq!(response.headers()["location"], "/api/v1/products/lumen-bangle");
        assert_eq!(response.headers()["cache-control"], "no-store");
        let created: Value = response.json().await.unwrap();
        assert_eq!(created["price_from"], json!({"amount": 240_000, "currency": "SGD"}));
        assert_eq!(created["variants"][0]["available"], 2);
        assert_eq!(created["variants"][1]["stone"], "Citrine");
        assert_eq!(shop.api.read("/api/v1/products/lumen-bangle").await, created);
        assert_eq!(shop.api.slugs("?category=brooches").await, ["lumen-bangle"]);
        assert_eq!(rows(&shop).await, (before.0 + 1, before.1 + 2, before.2 + 2));

        let taken = create(&shop, &shop.issuer.admin(), &product("lumen-bangle")).await;
        assert_eq!(problem(taken, 409, "conflict").await["errors"][0]["field"], "slug");
        let mut same_sku = product("other-bangle");
        same_sku["variants"][1]["sku"] = "lumen-bangle-1".into();
        let taken = create(&shop, &shop.issuer.admin(), &same_sku).await;
        assert_eq!(problem(taken, 409, "conflict").await["errors"][0]["field"], "variants");
        assert_eq!(rows(&shop).await, (before.0 + 1, before.1 + 2, before.2 + 2), "half a product stayed");

        keys_are_fetched_as_seldom_as_promised(shop).await;
    }
}

async fn forged_tokens_are_refused(shop: &Shop) {
    let issuer = &shop.issuer;
    issuer.generate("unpublished");
    let unsigned = {
        let part = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
        format!("{}.{}.", part(&json!({"alg": "none", "kid": "first", "typ": "JWT"})), part(&issuer.claims()))
    };
    let by_secret = {
        let header = Header { kid: Some("first".into()), ..Header::new(Algorithm::HS256) };
        encode(&header, &issuer.claims(), &EncodingKey::from_secret(b"first")).unwrap()
    };
    let changed = {
        let good = issuer.admin();
        let parts: Vec<&str> = good.split('.').collect();
        let mut claims = issuer.claims();
        claims["sub"] = "somebody else".into();
        format!("{}.{}.{}", parts[0], BASE64_URL_SAFE_NO_PAD.encode(claims.to_string()), parts[2])
    };
    for (what, token) in [
        ("garbage", "garbage".to_owned()),
        ("too long", "a".repeat(20_000)),
        ("alg none", unsigned),
        ("a shared secret", by_secret),
        ("changed claims", changed),
        ("an unpublished key", issuer.token("unpublished", json!({}))),
        ("expired", issuer.token("first", json!({"exp": now() - 120}))),
        ("no expiry", issuer.token("first", json!({"exp": null}))),
        ("not yet valid", issuer.token("first", json!({"nbf": now() + 600}))),
        ("another pool", issuer.token("first", json!({"iss": format!("{}x", issuer.url)}))),
        ("no issuer", issuer.token("first", json!({"iss": null}))),
        ("another client", issuer.token("first", json!({"client_id": "other"}))),
        ("an id token of another client", issuer.token("first", json!({"token_use": "id", "aud": "other"}))),
        ("a refresh token", issuer.token("first", json!({"token_use": "refresh"}))),
    ] {
        let response = create(shop, &token, &product("forged")).await;
        assert_eq!(response.headers()["www-authenticate"], "Bearer", "{what}");
        problem(response, 401, "unauthorized").await;
    }
    let without = shop.api.request(Method::POST, PATH).json(&product("forged")).send().await.unwrap();
    problem(without, 401, "unauthorized").await;
    for groups in [json!(["customers", "Admins"]), json!([]), Value::Null] {
        let customer = issuer.token("first", json!({"cognito:groups": groups}));
        problem(create(shop, &customer, &product("forged")).await, 403, "forbidden").await;
    }
    let id_token = issuer.token("first", json!({"token_use": "id", "aud": "shop-client", "client_id": null}));
    problem(create(shop, &id_token, &json!({})).await, 422, "validation").await;
}

async fn rules_are_kept(shop: &Shop) {
    let token = shop.issuer.admin();
    let mut wrong = product("Not A Slug");
    wrong["variants"][0]["price_minor"] = (-1).into();
    wrong["variants"][1]["sku"] = "Not A Slug-1".into();
    let answer = problem(create(shop, &token, &wrong).await, 422, "validation").await;
    let fields: Vec<&str> = answer["errors"].as_array().unwrap().iter().map(|e| e["field"].as_str().unwrap()).collect();
    assert_eq!(fields, ["slug", "variants[0].sku", "variants[0].price_minor", "variants[1].sku", "variants[1].sku"]);

    let mut nowhere = product("nowhere");
    nowhere["category"] = "tiaras".into();
    let answer = problem(create(shop, &token, &nowhere).await, 422, "validation").await;
    assert_eq!(answer["errors"][0]["field"], "category");
    let mut unknown = product("unknown");
    unknown["prize"] = 1.into();
    let answer = problem(create(shop, &token, &unknown).await, 422, "validation").await;
    assert!(answer["detail"].as_str().unwrap().contains("prize"), "{answer}");

    let post = || shop.api.request(Method::POST, PATH).bearer_auth(&token);
    problem(post().body("{}").send().await.unwrap(), 415, "unsupported-media-type").await;
    let json = || post().header("content-type", "application/json");
    problem(json().body("{\"slug\":").send().await.unwrap(), 400, "invalid-request").await;
    problem(json().body("[".repeat(100_000)).send().await.unwrap(), 422, "validation").await;
    problem(json().body(" ".repeat(1024 * 1024 + 1)).send().await.unwrap(), 413, "payload-too-large").await;
}

async fn keys_are_fetched_as_seldom_as_promised(mut shop: Shop) {
    // All that was tried so far, forged key ids included, was one fetch.
    assert_eq!(shop.issuer.fetches(), 1);

    // A server that starts while the issuer is away says so, and does not hammer it.
    shop.api = support::Api::start(&support::config(&shop.database, &shop.issuer, &shop.s3));
    shop.issuer.set_away(true);
    for _ in 0..3 {
        problem(create(&shop, &shop.issuer.admin(), &product("x")).await, 503, "unavailable").await;
    }
    assert_eq!(shop.issuer.fetches(), 2);
    shop.issuer.set_away(false);

    // Many at once with a new key share one fetch.
    shop.api = support::Api::start(&support::config(&shop.database, &shop.issuer, &shop.s3));
    shop.issuer.publish("second");
    let token = shop.issuer.token("second", json!({}));
    let requests = (0..20).map(|_| create(&shop, &token, &Value::Null));
    for response in futures::future::join_all(requests).await {
        assert_eq!(response.status(), 422);
    }
    assert_eq!(shop.issuer.fetches(), 3);
}
