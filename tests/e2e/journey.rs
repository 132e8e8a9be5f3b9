//! What a visitor and an operator see of a shop that is up.

use serde_json::{Value, json};

use crate::Shop;

/// The page, its style sheet, a deep link and a picture: browser -> CloudFront -> S3.
pub fn page(shop: &Shop) {
    let page = shop.get("/");
    assert_eq!(page.status, 200);
    assert!(page.header("content-type").starts_with("text/html"), "{page:?}");
    let asset = page.text.split('"').find(|part| part.ends_with(".css")).expect("the page has a style sheet");
    let style = shop.get(&format!("/{}", asset.trim_start_matches('/')));
    assert_eq!((style.status, style.header("content-type").split(';').next().unwrap()), (200, "text/css"));
    assert_eq!(shop.get("/product/any-piece").text, page.text, "a deep link is the page");
    assert_eq!(shop.get("/assets/no-such-file.js").status, 403, "a missing file is not the page");
}

/// At least 24 pieces in 4 categories, each with a price and a picture that loads.
pub fn catalogue(shop: &Shop) {
    let categories = shop.get("/api/v1/categories").json();
    let categories = categories["items"].as_array().or_else(|| categories.as_array()).unwrap().clone();
    assert!(categories.len() >= 4, "{categories:?}");
    let mut products: Vec<Value> = Vec::new();
    let mut path = "/api/v1/products?limit=10".to_owned();
    loop {
        let answer = shop.get(&path).json();
        products.extend(answer["items"].as_array().unwrap().iter().cloned());
        let Some(cursor) = answer["next_cursor"].as_str() else { break };
        path = format!("/api/v1/products?limit=10&cursor={cursor}");
    }
    assert!(products.len() >= 24, "{} products", products.len());
    let mut slugs: Vec<&str> = products.iter().map(|product| product["slug"].as_str().unwrap()).collect();
    slugs.sort_unstable();
    slugs.dedup();
    assert_eq!(slugs.len(), products.len(), "pages overlap");
    for product in &products {
        assert!(product["price_from"]["amount"].as_i64().unwrap() > 0, "{product}");
    }
    let picture = shop.get(products[0]["image"]["url"].as_str().unwrap());
    assert_eq!((picture.status, picture.header("content-type")), (200, "image/svg+xml"));
    let ring = products.iter().find(|product| product["category"]["slug"] == "rings").expect("rings");
    let detail = shop.get(&format!("/api/v1/products/{}", ring["slug"].as_str().unwrap())).json();
    let variants = detail["variants"].as_array().unwrap();
    assert!(variants.iter().all(|variant| variant["ring_size"].is_string()), "{detail}");
    assert!(variants.len() > 1, "{detail}");
}

/// A real browser shows the pieces: the page, its script, the API and the pictures work together.
pub fn browser(shop: &Shop) {
    let document = jewel_tests::browser::document(&shop.url);
    let names: Vec<Value> = shop.get("/api/v1/products?limit=5").json()["items"].as_array().unwrap().clone();
    for product in &names {
        let slug = product["slug"].as_str().unwrap();
        assert!(document.contains(&format!("/product/{slug}")), "{slug} is not on the page:\n{document}");
    }
    assert!(document.contains("/media/products/"), "no pictures on the page");
}

/// The OpenAPI document is served through the shop's own address.
pub fn openapi(shop: &Shop) {
    let document = shop.get("/api/openapi.json").json();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"), "{document}");
    assert!(document["paths"]["/api/v1/products"].is_object(), "{document}");
}

/// The instance's own address answers nobody who lacks the origin secret.
pub fn origin_is_closed(shop: &Shop) {
    let outputs = shop.cloud.run(&["outputs", "--json"]).expect(0).json();
    let ip = outputs["static_ip"].as_str().unwrap();
    let answer = crate::http::get(&format!("http://{ip}/api/v1/products"));
    assert_eq!(answer.status, 403, "{answer:?}");
}

/// A real token from Cognito, for a person of the group `admins`, opens the admin route; without it, nothing does.
pub fn admin_creates_a_product(shop: &Shop) {
    let product = json!({
        "slug": "test-ring", "name": "Test Ring", "description": "Made by a test.", "category": "rings",
        "currency": "SGD",
        "variants": [{
            "sku": "TEST-1", "metal": "gold_18k", "stone": null, "ring_size": "12",
            "price_minor": 10_000, "on_hand": 2,
        }],
    });
    let path = "/api/v1/admin/products";
    assert_eq!(shop.post(path, None, &product).status, 401);
    let customer = shop.token("customer@example.com", None);
    assert_eq!(shop.post(path, Some(&customer), &product).status, 403);
    let admin = shop.token("admin@example.com", Some("admins"));
    let created = shop.post(path, Some(&admin), &product);
    assert_eq!(created.status, 201, "{created:?}");
    assert_eq!(shop.get("/api/v1/products/test-ring").json()["name"], "Test Ring");
}

/// Nothing to provision, migrate or deploy.
pub fn second_up(shop: &Shop) {
    let result = shop.cloud.run(&["up", "--yes", "--json"]).expect(0).json();
    assert_eq!(result["url"], shop.url);
    assert_eq!(result["provisioned"], 0, "{result}");
    assert_eq!(result["migrated"], 0, "{result}");
    assert_eq!(result["deployed"], false, "{result}");
    assert_eq!(result["site_files_sent"], 0, "{result}");
}

/// `plan --exit-code` right after `up`.
pub fn plan_is_empty(shop: &Shop) {
    let answer = shop.cloud.run(&["plan", "--exit-code"]).expect(0);
    assert!(answer.stdout.contains("no changes"), "{}", answer.stdout);
}

/// A second `provision` starts no step.
pub fn second_provision(shop: &Shop) {
    let answer = shop.cloud.run(&["provision", "--yes", "--json"]).expect(0);
    assert_eq!(answer.json()["changes"], 0, "{}", answer.stdout);
}

/// A plan made before something changed is not applied after it: exit 4.
pub fn stale_plan(shop: &Shop) {
    let path = shop.cloud.folder().join("jewel.toml");
    let text = fs_err::read_to_string(&path).unwrap();
    fs_err::write(&path, text.replace("throttle_burst = 200", "throttle_burst = 150")).unwrap();
    let pending = shop.cloud.run(&["plan", "--exit-code", "--out", "plan.json"]).expect(6);
    assert!(pending.stdout.contains("150"), "{}", pending.stdout);
    shop.cloud.run(&["provision", "--yes"]).expect(0);
    shop.cloud.run(&["provision", "plan.json", "--yes"]).expect(4);
    fs_err::write(&path, text).unwrap();
    shop.cloud.run(&["provision", "--yes"]).expect(0);
}

/// What would cost more than it may is refused before anything is written, as a plan, a file and an `up`.
pub fn over_budget(shop: &Shop) {
    let path = shop.cloud.folder().join("jewel.toml");
    let text = fs_err::read_to_string(&path).unwrap();
    fs_err::write(&path, text.replace("monthly_usd = 65.0", "monthly_usd = 10.0")).unwrap();
    let refused = shop.cloud.run(&["plan", "--out", "dear.json"]).expect(7);
    assert!(refused.stderr.contains("`budget.monthly_usd` allows USD 10.00"), "{}", refused.stderr);
    for command in [&["provision", "--yes"][..], &["provision", "dear.json", "--yes"], &["up", "--yes"], &["cost"]] {
        shop.cloud.run(command).expect(7);
    }
    // The budget itself is what would change, and it has not.
    let pending = shop.cloud.run(&["plan", "--over-budget", "--exit-code", "--json"]).expect(6).json();
    assert_eq!(pending["cost"]["budget_usd"], 10.0, "{}", pending["cost"]);
    shop.cloud.run(&["provision", "dear.json", "--yes", "--over-budget"]).expect(0);
    // What is paid already refuses nothing that changes nothing.
    shop.cloud.run(&["plan", "--exit-code"]).expect(0);
    fs_err::write(&path, text).unwrap();
    shop.cloud.run(&["provision", "--yes"]).expect(0);
}

/// Nothing pending.
pub fn migrations(shop: &Shop) {
    shop.cloud.run(&["migrate", "status", "--exit-code"]).expect(0);
}

/// The database's password and what the API is told stand in no output, no log, no record.
pub fn no_secrets(shop: &Shop) {
    let program = "
import boto3
c = boto3.client('secretsmanager')
for p in c.get_paginator('list_secrets').paginate():
    for s in p['SecretList']:
        print(c.get_secret_value(SecretId=s['Name'])['SecretString'])
";
    let values = shop.cloud.python(program).expect(0).stdout;
    let mut secrets: Vec<String> = Vec::new();
    for line in values.lines() {
        match serde_json::from_str::<Value>(line) {
            Ok(Value::Object(fields)) => {
                let halves = ["password", "secret_access_key", "origin_secret"]
                    .iter()
                    .filter_map(|key| fields.get(*key)?.as_str());
                secrets.extend(halves.map(str::to_owned));
                let listed = fields.get("cart_secrets").and_then(Value::as_array).into_iter().flatten();
                secrets.extend(listed.filter_map(Value::as_str).map(str::to_owned));
            }
            _ => panic!("a secret that is no document"),
        }
    }
    assert!(secrets.len() >= 4 && secrets.iter().all(|secret| secret.len() >= 16), "{} secrets", secrets.len());
    let answer = shop.cloud.run(&["provision", "--yes", "--json", "-vvv"]).expect(0);
    let plan = shop.cloud.run(&["plan", "--json"]).expect(0);
    let mut texts = vec![answer.stdout, answer.stderr, plan.stdout];
    texts.extend(shop.logs());
    for (number, secret) in secrets.iter().enumerate() {
        assert!(!texts.iter().any(|text| text.contains(secret.as_str())), "secret {number} is in an output or a log");
    }
}

/// A release that cannot run: exit 1 with what it said, and the old one serves on.
pub fn bad_release(shop: &Shop) {
    let release = shop.cloud.folder().join("bad-release");
    fs_err::write(&release, "#!/bin/sh\necho 'the crystal is cracked' >&2\nexit 3\n").unwrap();
    let release = release.to_str().unwrap();
    shop.cloud.run(&["deploy", "api", "--binary", release, "--dry-run"]).expect(0);
    let answer = shop.cloud.run(&["deploy", "api", "--binary", release]).expect(1);
    assert!(answer.stderr.contains("the crystal is cracked"), "{}", answer.stderr);
    assert_eq!(shop.get("/api/v1/categories").status, 200);
    shop.cloud.run(&["status", "--exit-code"]).expect(0);
}

/// Commands that go over SSH leave the firewall as the plan wants it.
pub fn ssh_is_closed(shop: &Shop) {
    let outputs = shop.cloud.run(&["outputs", "--json"]).expect(0).json();
    let instance = outputs["instance_name"].as_str().unwrap();
    let states = shop.cloud.aws(&["lightsail", "get-instance-port-states", "--instance-name", instance]).expect(0);
    let states: Value = serde_json::from_str(&states.stdout).unwrap();
    let open: Vec<i64> = states["portStates"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|state| state["state"] == "open")
        .map(|state| state["fromPort"].as_i64().unwrap())
        .collect();
    assert_eq!(open, [80]);
}
