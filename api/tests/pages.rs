//! Pages of a category are the same however they are read, whatever was changed since they were read last.
//!
//! A filter that everything meets (`min_price=0`) makes the API look for a page product by product: what it finds is what
//! the page has to be that is read as one stretch.
#![expect(clippy::unwrap_used, reason = "a test stops where something is wrong")]

mod support;

use futures::future::join_all;
use jewel_migrations::SHOWCASE_ANEW;
use reqwest::Method;
use serde_json::{Value, json};
use sqlx::{ConnectOptions, MySqlConnection};
use support::{Shop, shops};

/// A page's length, and one that all products fit into.
const LIMITS: [usize; 3] = [1, 4, 100];

#[tokio::test]
async fn pages_are_what_is_there() {
    for shop in shops().await {
        let mut database = shop.database.options().database("shop").connect().await.unwrap();
        let mut products = Vec::new();
        for number in 0..11 {
            products.push(create(&shop, number).await);
            same(&shop, "brooches").await;
        }
        assert_eq!(shop.api.slugs("?category=brooches").await.len(), 11);

        for (change, number) in [("name", 10), ("name", 5), ("draft", 6), ("rings", 2), ("draft", 10), ("draft", 0)] {
            edit(&shop, &products[number], change).await;
            same(&shop, "brooches").await;
            same(&shop, "rings").await;
        }
        assert_eq!(shop.api.slugs("?category=brooches").await.len(), 7);
        edit(&shop, &products[6], "active").await;
        same(&shop, "brooches").await;

        // Out of date all at once, and older than the oldest.
        sqlx::query(SHOWCASE_ANEW).execute(&mut database).await.unwrap();
        same(&shop, "brooches").await;
        earlier(&mut database).await;
        same(&shop, "brooches").await;

        rename(&shop, "brooches", "pins").await;
        assert_eq!(shop.api.slugs("?category=brooches").await, [] as [&str; 0]);
        same(&shop, "pins").await;
        rename(&shop, "rings", "brooches").await;
        assert!(shop.api.slugs("?category=brooches").await.contains(&"aurora-ring".to_owned()));
        for category in ["pins", "brooches", "rings"] {
            same(&shop, category).await;
        }
    }
}

/// Every page of a category, asked for several times at once, and the first ones while others are asked for.
async fn same(shop: &Shop, category: &str) {
    for limit in LIMITS {
        let mut cursor = String::new();
        loop {
            let query = format!("/api/v1/products?category={category}&limit={limit}&cursor={cursor}");
            let expected = shop.api.read(&format!("{query}&min_price=0")).await;
            let beside = format!("/api/v1/products?category=necklaces&limit={limit}");
            let asked = [&query, &query, &beside, &query, &query];
            for (path, page) in asked.iter().zip(join_all(asked.iter().map(|path| shop.api.read(path))).await) {
                assert!(*path == &beside || page == expected, "{path} on {}", shop.database.name);
            }
            // Once more: by now it is known how far it goes.
            assert_eq!(shop.api.read(&query).await, expected, "{query} on {}", shop.database.name);
            match expected["next_cursor"].as_str() {
                Some(next) => cursor = next.to_owned(),
                None => break,
            }
        }
    }
}

async fn create(shop: &Shop, number: usize) -> Value {
    let product = json!({
        "slug": format!("pin-{number}"), "name": format!("Pin {number}"), "category": "brooches", "currency": "SGD",
        "variants": [{"sku": format!("PIN-{number}"), "metal": "gold_18k", "price_minor": 1_000, "on_hand": 1}],
    });
    let request = shop.api.request(Method::POST, "/api/v1/admin/products").bearer_auth(shop.issuer.admin());
    let response = request.json(&product).send().await.unwrap();
    assert_eq!(response.status(), 201);
    response.json().await.unwrap()
}

async fn edit(shop: &Shop, product: &Value, change: &str) {
    let category = if change == "rings" { "rings" } else { "brooches" };
    let status = if change == "draft" { "draft" } else { "active" };
    let words = json!({
        "slug": product["slug"], "name": change, "description": "Changed.", "category": category, "status": status,
    });
    change_of(shop, &format!("/api/v1/admin/products/{}", product["id"].as_str().unwrap()), words).await;
}

async fn rename(shop: &Shop, from: &str, to: &str) {
    let mut database = shop.database.options().database("shop").connect().await.unwrap();
    let id: uuid::Uuid = sqlx::query_scalar("SELECT id FROM categories WHERE slug = ?")
        .bind(from)
        .fetch_one(&mut database)
        .await
        .unwrap();
    change_of(shop, &format!("/api/v1/admin/categories/{id}"), json!({"slug": to, "name": "Another"})).await;
}

async fn change_of(shop: &Shop, path: &str, body: Value) {
    let ask = |method| shop.api.request(method, path).bearer_auth(shop.issuer.admin());
    let version = ask(Method::GET).send().await.unwrap().headers()["etag"].clone();
    let response = ask(Method::PUT).header("if-match", version).json(&body).send().await.unwrap();
    let (status, said) = (response.status(), response.text().await.unwrap());
    assert_eq!(status, 200, "{path}: {said}");
}

/// A product that somebody put in by hand, before all others.
async fn earlier(database: &mut MySqlConnection) {
    sqlx::raw_sql(
        "INSERT INTO products (id, category_id, slug, name, description, status, currency, price_from_minor, created_at,
            updated_at, version) SELECT UNHEX(LEFT(SHA2('old-pin', 256), 32)), id, 'old-pin', 'Old', '', 'active', 'SGD', 1,
            '1999-01-01', '1999-01-01', 1 FROM categories WHERE slug = 'brooches';
         INSERT INTO variants (id, product_id, position, sku, metal, price_minor, created_at, updated_at, version)
            SELECT UNHEX(LEFT(SHA2('OLD', 256), 32)), id, 0, 'OLD', 'gold_9k', 1, created_at, created_at, 1
            FROM products WHERE slug = 'old-pin'",
    )
    .execute(&mut *database)
    .await
    .unwrap();
    sqlx::query(SHOWCASE_ANEW).execute(database).await.unwrap();
}
