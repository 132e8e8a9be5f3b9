//! Creating a product, and who may: real signed tokens, forged ones, and input that breaks the rules.
#![expect(clippy::unwrap_used, reason = "a test stops where something is wrong")]

mod support;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use reqwest::{Method, RequestBuilder, Response};
use serde_json::{Value, json};
use sqlx::{ConnectOptions, MySqlConnection};
use support::{
    Shop,
    issuer::now,
    journal::{assert_recovered, copy},
    problem, shops,
};

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

/// A request of an administrator.
fn ask(shop: &Shop, method: Method, path: &str) -> RequestBuilder {
    shop.api.request(method, path).bearer_auth(shop.issuer.admin())
}

/// Changes something to the version that is given.
async fn put(shop: &Shop, path: &str, version: &Value, body: &Value) -> Response {
    let tag = format!("\"{version}\"");
    ask(shop, Method::PUT, path).header("if-match", tag).json(body).send().await.unwrap()
}

async fn read(shop: &Shop, path: &str) -> Value {
    let response = ask(shop, Method::GET, path).send().await.unwrap();
    assert_eq!(response.status(), 200, "{path}");
    assert_eq!(response.headers()["cache-control"], "no-store");
    response.json().await.unwrap()
}

async fn good(response: Response, status: u16) -> Value {
    let given = response.status();
    let body: Value = response.json().await.unwrap();
    assert_eq!(given, status, "{body}");
    body
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
        let location = response.headers()["location"].to_str().unwrap().to_owned();
        assert_eq!(response.headers()["cache-control"], "no-store");
        assert_eq!(response.headers()["etag"], "\"1\"");
        let created: Value = response.json().await.unwrap();
        assert_eq!(location, format!("/api/v1/admin/products/{}", created["id"].as_str().unwrap()));
        assert_eq!(ask(&shop, Method::GET, &location).send().await.unwrap().json::<Value>().await.unwrap(), created);
        assert_eq!(created["price_from"], json!({"amount": 240_000, "currency": "SGD"}));
        assert_eq!(created["variants"][0]["available"], 2);
        assert_eq!(created["variants"][1]["stone"], "Citrine");
        let shown = shop.api.read("/api/v1/products/lumen-bangle").await;
        assert_eq!((&shown["id"], &shown["price_from"]), (&created["id"], &created["price_from"]));
        assert_eq!(shop.api.slugs("?category=brooches").await, ["lumen-bangle"]);
        assert_eq!(shop.api.slugs("?stone=citrine").await, ["lumen-bangle"]);
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

#[tokio::test]
async fn products_are_published_repriced_and_archived() {
    for shop in shops().await {
        let mut early = copy(&shop.database, "early").await;
        let mut draft = product("solstice-cuff");
        draft["status"] = "draft".into();
        let created = good(create(&shop, &shop.issuer.admin(), &draft).await, 201).await;
        let path = format!("/api/v1/admin/products/{}", created["id"].as_str().unwrap());
        problem(shop.api.get("/api/v1/products/solstice-cuff").await, 404, "not-found").await;
        let drafts = read(&shop, "/api/v1/admin/products?status=draft").await;
        let drafts: Vec<&Value> = drafts["items"].as_array().unwrap().iter().map(|item| &item["slug"]).collect();
        assert!(drafts.len() == 2 && drafts.contains(&&json!("solstice-cuff")), "{drafts:?}");

        // Published by one editor; the other one's change is refused, and nothing of it is there.
        let words = json!({"slug": "solstice-cuff", "name": "Solstice", "description": "", "category": "brooches",
            "status": "active"});
        let published = good(put(&shop, &path, &created["version"], &words).await, 200).await;
        assert_eq!((&published["version"], &published["status"]), (&json!(2), &json!("active")));
        assert_eq!(shop.api.read("/api/v1/products/solstice-cuff").await["name"], "Solstice");
        let mut late = words.clone();
        late["name"] = "Late".into();
        problem(put(&shop, &path, &created["version"], &late).await, 412, "precondition-failed").await;
        let unconditional = ask(&shop, Method::PUT, &path).json(&late).send().await.unwrap();
        problem(unconditional, 428, "precondition-required").await;
        assert_eq!(shop.api.read("/api/v1/products/solstice-cuff").await["name"], "Solstice");
        late["slug"] = "aurora-ring".into();
        let taken = put(&shop, &path, &published["version"], &late).await;
        assert_eq!(problem(taken, 409, "conflict").await["errors"][0]["field"], "slug");
        late["category"] = "tiaras".into();
        problem(put(&shop, &path, &published["version"], &late).await, 422, "validation").await;

        variants_keep_the_lowest_price(&shop, &path).await;

        let now = read(&shop, &path).await;
        let mut gone = words.clone();
        gone["status"] = "archived".into();
        good(put(&shop, &path, &now["version"], &gone).await, 200).await;
        problem(shop.api.get("/api/v1/products/solstice-cuff").await, 404, "not-found").await;
        let nowhere = format!("/api/v1/admin/products/{}", uuid::Uuid::nil());
        problem(put(&shop, &nowhere, &json!(1), &gone).await, 404, "not-found").await;
        the_list_has_every_product_once(&shop).await;
        assert_recovered(&mut early, &shop.s3).await;
    }
}

async fn variants_keep_the_lowest_price(shop: &Shop, path: &str) {
    let variants = format!("{path}/variants");
    let add = |body: Value| {
        let request = ask(shop, Method::POST, &variants).json(&body);
        async move { request.send().await.unwrap() }
    };
    let added =
        good(add(json!({"sku": "SOL-3", "metal": "gold_9k", "price_minor": 90_000, "on_hand": 1})).await, 201).await;
    assert_eq!(added["price_from"]["amount"], 90_000);
    let cheapest = &added["variants"][2];
    assert_eq!((&cheapest["sku"], &cheapest["karat"], &cheapest["available"]), (&json!("SOL-3"), &json!(9), &json!(1)));
    let taken = add(json!({"sku": "EMB-925", "metal": "gold_9k", "price_minor": 1})).await;
    assert_eq!(problem(taken, 409, "conflict").await["errors"][0]["field"], "sku");
    let wrong = add(json!({"sku": "a b", "metal": "G", "price_minor": 0, "on_hand": -1})).await;
    assert_eq!(problem(wrong, 422, "validation").await["errors"].as_array().unwrap().len(), 4);

    let one = format!("/api/v1/admin/variants/{}", cheapest["id"].as_str().unwrap());
    let change = |price: i64, status: &str| json!({"metal": "gold_9k", "stone": null, "ring_size": null, "price_minor": price, "position": 0, "status": status});
    // Twenty editors of one version: one of them changes it.
    let changes: Vec<Value> = (0..20).map(|n| change(80_000 + n, "active")).collect();
    let first = json!(1);
    let answers = futures::future::join_all(changes.iter().map(|change| put(shop, &one, &first, change))).await;
    assert_eq!(answers.iter().filter(|answer| answer.status() == 200).count(), 1);
    assert!(answers.iter().all(|answer| [200, 412].contains(&answer.status().as_u16())));
    let raced = read(shop, path).await;
    let winner = raced["variants"].as_array().unwrap().iter().find(|variant| variant["sku"] == "SOL-3").unwrap();
    assert_eq!(raced["price_from"], winner["price"]);
    assert_eq!(winner["version"], 2);

    let archived = good(put(shop, &one, &json!(2), &change(80_000, "archived")).await, 200).await;
    assert_eq!(archived["price_from"]["amount"], 240_000);
    let shown = shop.api.read("/api/v1/products/solstice-cuff").await;
    assert_eq!(shown["variants"].as_array().unwrap().len(), 2);
    assert_eq!(shown["metals"], json!(["gold_18k", "rose_gold_18k"]));
    let mut last = None;
    for variant in shown["variants"].as_array().unwrap() {
        let one = format!("/api/v1/admin/variants/{}", variant["id"].as_str().unwrap());
        last = Some(put(shop, &one, &json!(1), &change(5, "archived")).await);
    }
    problem(last.unwrap(), 409, "wrong-state").await;
}

async fn the_list_has_every_product_once(shop: &Shop) {
    let whole = read(shop, "/api/v1/admin/products").await;
    let ids = |page: &Value| -> Vec<String> {
        page["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect()
    };
    let (mut found, mut after) = (Vec::new(), String::new());
    loop {
        let page = read(shop, &format!("/api/v1/admin/products?limit=2{after}")).await;
        found.extend(ids(&page));
        let Some(next) = page["next"].as_str() else { break };
        after = format!("&after={next}");
    }
    assert_eq!(found, ids(&whole));
    assert_eq!(found.len(), 7);
    for query in ["?limit=0", "?limit=x", "?status=gone", "?after=1"] {
        let path = format!("/api/v1/admin/products{query}");
        problem(ask(shop, Method::GET, &path).send().await.unwrap(), 400, "invalid-request").await;
    }
}

#[tokio::test]
async fn categories_and_collections_are_kept() {
    for shop in shops().await {
        let mut early = copy(&shop.database, "early").await;
        let post = |path: &str, body: Value| {
            let request = ask(&shop, Method::POST, path).json(&body);
            async move { request.send().await.unwrap() }
        };
        let categories = "/api/v1/admin/categories";
        let made = good(post(categories, json!({"slug": "tiaras", "name": "Tiaras", "position": 9})).await, 201).await;
        problem(post(categories, json!({"slug": "tiaras", "name": "Again"})).await, 409, "conflict").await;
        problem(post(categories, json!({"slug": "../x", "name": " "})).await, 422, "validation").await;
        let tiaras = format!("{categories}/{}", made["id"].as_str().unwrap());
        let mut piece = product("crown");
        piece["category"] = "tiaras".into();
        let crown = good(create(&shop, &shop.issuer.admin(), &piece).await, 201).await;
        let archived = json!({"slug": "tiaras", "name": "Tiaras", "status": "archived"});
        problem(put(&shop, &tiaras, &json!(1), &archived).await, 409, "wrong-state").await;
        let gone =
            json!({"slug": "crown", "name": "Crown", "description": "", "category": "tiaras", "status": "archived"});
        let crown = format!("/api/v1/admin/products/{}", crown["id"].as_str().unwrap());
        good(put(&shop, &crown, &json!(1), &gone).await, 200).await;
        good(put(&shop, &tiaras, &json!(1), &archived).await, 200).await;
        let shown = shop.api.read("/api/v1/categories").await;
        assert!(shown["items"].as_array().unwrap().iter().all(|item| item["slug"] != "tiaras"));
        assert_eq!(read(&shop, categories).await["items"].as_array().unwrap().len(), 5);
        piece["slug"] = "coronet".into();
        problem(create(&shop, &shop.issuer.admin(), &piece).await, 422, "validation").await;

        let collections = "/api/v1/admin/collections";
        let body = |products: &[&str], status: &str| {
            json!({"slug": "tides", "name": "Tides", "description": "Of the sea.", "position": 1, "status": status,
                "products": products})
        };
        let wrong = post(collections, body(&["nothing", "sable-ring", "sable-ring"], "active")).await;
        problem(wrong, 422, "validation").await;
        let first = ["tide-necklace", "crown", "sable-ring", "draft"];
        let made = good(post(collections, body(&first, "draft")).await, 201).await;
        assert_eq!(made["products"], json!(first));
        problem(shop.api.get("/api/v1/collections/tides").await, 404, "not-found").await;
        assert_eq!(shop.api.slugs("?collection=tides").await, [] as [&str; 0]);

        let path = format!("{collections}/{}", made["id"].as_str().unwrap());
        good(put(&shop, &path, &json!(1), &body(&first, "active")).await, 200).await;
        // What is not for sale is left out.
        assert_eq!(collected(&shop).await, ["tide-necklace", "sable-ring"]);
        let second = ["ember-studs", "sable-ring", "aurora-ring"];
        good(put(&shop, &path, &json!(2), &body(&second, "active")).await, 200).await;
        assert_eq!(collected(&shop).await, second);
        assert_eq!(shop.api.slugs("?collection=tides&sort=name").await, ["aurora-ring", "ember-studs", "sable-ring"]);
        assert_eq!(shop.api.slugs("?collection=tides&category=rings&in_stock=true").await, ["aurora-ring"]);
        // One that was taken out and comes back is there once.
        good(put(&shop, &path, &json!(3), &body(&first, "active")).await, 200).await;
        assert_eq!(collected(&shop).await, ["tide-necklace", "sable-ring"]);
        problem(put(&shop, &path, &json!(3), &body(&[], "active")).await, 412, "precondition-failed").await;
        assert_eq!(read(&shop, &path).await["products"], json!(first));
        assert_eq!(shop.api.read("/api/v1/collections").await["items"][0]["product_count"], 2);
        assert_eq!(read(&shop, collections).await["items"][0]["product_count"], 4);
        assert_recovered(&mut early, &shop.s3).await;
    }
}

async fn collected(shop: &Shop) -> Vec<String> {
    let shown = shop.api.read("/api/v1/collections/tides").await;
    shown["products"].as_array().unwrap().iter().map(|item| item["slug"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn pictures_are_ordered_renamed_and_taken_away() {
    for shop in shops().await {
        let mut early = copy(&shop.database, "early").await;
        let id = shop.api.read("/api/v1/products/aurora-ring").await["id"].as_str().unwrap().to_owned();
        let product = format!("/api/v1/admin/products/{id}");
        let before = read(&shop, &product).await;
        let image = |index: usize| before["images"][index]["id"].as_str().unwrap().to_owned();
        let order = |ids: Value| {
            let request = ask(&shop, Method::PUT, &format!("{product}/images")).json(&json!({ "images": ids }));
            async move { request.send().await.unwrap() }
        };
        problem(order(json!([image(0)])).await, 409, "wrong-state").await;
        problem(order(json!([image(0), image(0)])).await, 422, "validation").await;
        good(order(json!([image(1), image(0)])).await, 200).await;
        let shown = shop.api.read("/api/v1/products/aurora-ring").await;
        assert_eq!(shown["image"]["alt"], "View 2");
        assert_eq!(
            shown["images"][1]["sizes"][0],
            json!({"url": "/media/products/aurora-ring/1.svg", "width": 800, "height": 600})
        );

        let first = format!("/api/v1/admin/images/{}", image(0));
        problem(put(&shop, &first, &json!(1), &json!({"alt": "From above"})).await, 412, "precondition-failed").await;
        problem(put(&shop, &first, &json!(2), &json!({"alt": " "})).await, 422, "validation").await;
        let named = good(put(&shop, &first, &json!(2), &json!({"alt": "From above"})).await, 200).await;
        assert_eq!(named["images"][1]["alt"], "From above");
        let remove = |version: &str| {
            let request = ask(&shop, Method::DELETE, &first).header("if-match", version);
            async move { request.send().await.unwrap() }
        };
        problem(remove("\"2\"").await, 412, "precondition-failed").await;
        assert_eq!(good(remove("\"3\"").await, 200).await["images"].as_array().unwrap().len(), 1);
        problem(remove("\"4\"").await, 404, "not-found").await;
        assert_eq!(shop.api.read("/api/v1/products/aurora-ring").await["images"].as_array().unwrap().len(), 1);
        assert_recovered(&mut early, &shop.s3).await;
    }
}
