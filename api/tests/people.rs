//! People's own things: profile, addresses, being forgotten, and that nobody reaches another's. And the audit list.
#![expect(clippy::unwrap_used, reason = "a test stops where something is wrong")]

mod support;

use reqwest::{Method, Response};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, ConnectOptions, MySqlConnection};
use support::{Shop, problem, shops};

/// Somebody who is signed in.
struct Person<'a> {
    shop: &'a Shop,
    token: String,
}

impl<'a> Person<'a> {
    fn new(shop: &'a Shop, subject: &str) -> Self {
        let token = shop.issuer.token("first", json!({"sub": subject, "cognito:groups": null}));
        Self { shop, token }
    }

    async fn ask(&self, method: Method, path: &str, body: Option<Value>) -> Response {
        let mut request = self.shop.api.request(method, &format!("/api/v1{path}")).bearer_auth(&self.token);
        if let Some(body) = body {
            request = request.json(&body);
        }
        request.send().await.unwrap()
    }

    async fn read(&self, path: &str) -> Value {
        let response = self.ask(Method::GET, path, None).await;
        assert_eq!(response.status(), 200, "{path}");
        assert_eq!(response.headers()["cache-control"], "no-store", "{path}");
        response.json().await.unwrap()
    }

    async fn add(&self, line1: &str) -> String {
        let response = self.ask(Method::POST, "/me/addresses", Some(address(line1))).await;
        assert_eq!(response.status(), 201);
        response.json::<Value>().await.unwrap()["id"].as_str().unwrap().to_owned()
    }

    async fn addresses(&self) -> Vec<Value> {
        self.read("/me/addresses").await["items"].as_array().unwrap().clone()
    }
}

fn address(line1: &str) -> Value {
    json!({"label": "Office", "name": "Mei Tan", "phone": "+6561234567", "line1": line1, "line2": "#12-03",
        "city": "Singapore", "region": null, "postal_code": "079903", "country": "SG"})
}

async fn count(shop: &Shop, query: &str) -> i64 {
    let mut connection: MySqlConnection = shop.database.options().database("shop").connect().await.unwrap();
    sqlx::query_scalar(AssertSqlSafe(query.to_owned())).fetch_one(&mut connection).await.unwrap()
}

#[tokio::test]
async fn people_have_their_own_things() {
    for shop in shops().await {
        profiles_are_kept(&shop).await;
        address_books_are_kept(&shop).await;
        nobody_reaches_anothers_things(&shop).await;
        twenty_addresses_are_enough(&shop).await;
        who_asks_is_forgotten(&shop).await;
        administrators_see_what_was_changed(&shop).await;
    }
}

async fn profiles_are_kept(shop: &Shop) {
    let mei = Person::new(shop, "mei");
    let nobody =
        json!({"subject": "mei", "email": null, "admin": false, "name": null, "phone": null, "language": null});
    assert_eq!(mei.read("/me").await, nobody);
    let details = json!({"name": "Mei Tan", "phone": "+6561234567", "language": "en-SG"});
    let put = mei.ask(Method::PUT, "/me", Some(details)).await;
    assert_eq!(put.status(), 200);
    let profile: Value = put.json().await.unwrap();
    assert_eq!((&profile["name"], &profile["language"]), (&json!("Mei Tan"), &json!("en-SG")));
    assert_eq!(mei.read("/me").await, profile);
    // What is not sent is forgotten.
    assert_eq!(mei.ask(Method::PUT, "/me", Some(json!({"name": "Mei"}))).await.status(), 200);
    assert_eq!(mei.read("/me").await["phone"], Value::Null);

    // The e-mail address and the group are the token's.
    let claims = json!({"sub": "mei", "token_use": "id", "aud": "shop-client", "client_id": null,
        "email": "mei@example.com", "email_verified": true});
    let with_email = Person { shop, token: shop.issuer.token("first", claims) };
    let profile = with_email.read("/me").await;
    assert_eq!(
        (&profile["email"], &profile["admin"], &profile["name"]),
        (&json!("mei@example.com"), &json!(true), &json!("Mei"))
    );

    let wrong = json!({"name": " ", "phone": "1", "language": "English"});
    let answer = problem(mei.ask(Method::PUT, "/me", Some(wrong)).await, 422, "validation").await;
    let fields: Vec<&str> = answer["errors"].as_array().unwrap().iter().map(|e| e["field"].as_str().unwrap()).collect();
    assert_eq!(fields, ["name", "phone", "language"]);
    problem(mei.ask(Method::PUT, "/me", Some(json!({"email": "x@y.example"}))).await, 422, "validation").await;
    let without = shop.api.request(Method::GET, "/api/v1/me").send().await.unwrap();
    problem(without, 401, "unauthorized").await;
}

async fn address_books_are_kept(shop: &Shop) {
    let mei = Person::new(shop, "mei");
    assert!(mei.addresses().await.is_empty());
    let (first, second) = (mei.add("1 First Street").await, mei.add("2 Second Street").await);
    let mut changed = address("3 Third Street");
    changed["label"] = "".into();
    let put = mei.ask(Method::PUT, &format!("/me/addresses/{first}"), Some(changed)).await;
    assert_eq!(put.status(), 200);
    let lines = |addresses: Vec<Value>| -> Vec<String> {
        addresses.iter().map(|address| address["line1"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(lines(mei.addresses().await), ["3 Third Street", "2 Second Street"]);
    assert_eq!(mei.addresses().await[1]["line2"], "#12-03");

    let removed = mei.ask(Method::DELETE, &format!("/me/addresses/{second}"), None).await;
    assert_eq!(removed.status(), 204);
    assert_eq!(lines(mei.addresses().await), ["3 Third Street"]);
    let path = format!("/me/addresses/{second}");
    problem(mei.ask(Method::DELETE, &path, None).await, 404, "not-found").await;
    problem(mei.ask(Method::PUT, &path, Some(address("x"))).await, 404, "not-found").await;
    let left = "SELECT COUNT(*) FROM addresses WHERE line1 LIKE '%Second%' OR (removed_at IS NOT NULL AND name <> '')";
    assert_eq!(count(shop, left).await, 0, "something stayed of a removed address");

    let wrong = json!({"name": "", "line1": "", "city": "", "country": "Singapore", "postal_code": "?"});
    let answer = problem(mei.ask(Method::POST, "/me/addresses", Some(wrong)).await, 422, "validation").await;
    assert_eq!(answer["errors"].as_array().unwrap().len(), 5, "{answer}");
    problem(mei.ask(Method::DELETE, "/me/addresses/not-an-id", None).await, 404, "not-found").await;
}

async fn nobody_reaches_anothers_things(shop: &Shop) {
    let (mei, eve) = (Person::new(shop, "mei"), Person::new(shop, "eve"));
    let before = mei.addresses().await;
    let path = format!("/me/addresses/{}", before[0]["id"].as_str().unwrap());
    problem(eve.ask(Method::PUT, &path, Some(address("Evil Street"))).await, 404, "not-found").await;
    problem(eve.ask(Method::DELETE, &path, None).await, 404, "not-found").await;
    assert_eq!(mei.addresses().await, before);
    assert!(eve.addresses().await.is_empty());
    assert_eq!(eve.read("/me").await["name"], Value::Null);
    // Subjects are compared as they are.
    assert_eq!(Person::new(shop, "MEI").read("/me").await["name"], Value::Null);
}

async fn twenty_addresses_are_enough(shop: &Shop) {
    let greedy = Person::new(shop, "greedy");
    let adding = (0..30).map(|number| {
        let greedy = &greedy;
        async move {
            let path = format!("{number} Long Street");
            greedy.ask(Method::POST, "/me/addresses", Some(address(&path))).await.status().as_u16()
        }
    });
    let mut answers = futures::future::join_all(adding).await;
    answers.sort_unstable();
    assert_eq!(answers, [[201; 20].as_slice(), &[409; 10]].concat());
    assert_eq!(greedy.addresses().await.len(), 20);
}

async fn who_asks_is_forgotten(shop: &Shop) {
    let greedy = Person::new(shop, "greedy");
    greedy.ask(Method::PUT, "/me", Some(json!({"name": "Greedy Grim", "phone": "+6569999999"}))).await;
    let erased: Value = greedy.ask(Method::DELETE, "/me", None).await.json().await.unwrap();
    assert_eq!((&erased["addresses"], &erased["kept_orders"]), (&json!(20), &json!(0)));
    assert!(erased["note"].as_str().unwrap().contains("tax law"));
    assert!(greedy.addresses().await.is_empty());
    assert_eq!(greedy.read("/me").await["name"], Value::Null);
    let left = "SELECT (SELECT COUNT(*) FROM customers WHERE name LIKE 'Greedy%' OR phone = '+6569999999')
        + (SELECT COUNT(*) FROM addresses WHERE line1 LIKE '%Long Street')";
    assert_eq!(count(shop, left).await, 0);
    // And may come back.
    greedy.add("1 New Street").await;
    assert_eq!(greedy.ask(Method::PUT, "/me", Some(json!({"name": "Grim"}))).await.status(), 200);
    assert_eq!(count(shop, "SELECT COUNT(*) FROM customers WHERE name = 'Grim' AND erased_at IS NULL").await, 1);
}

async fn administrators_see_what_was_changed(shop: &Shop) {
    let admin = Person { shop, token: shop.issuer.admin() };
    let create = |slug: &str| {
        json!({"slug": slug, "name": "Bangle", "category": "brooches", "currency": "SGD",
            "variants": [{"sku": slug, "metal": "gold_18k", "price_minor": 250_000}]})
    };
    for slug in ["one", "two", "three"] {
        assert_eq!(admin.ask(Method::POST, "/admin/products", Some(create(slug))).await.status(), 201);
    }
    let all = admin.read("/admin/audit").await;
    let items = all["items"].as_array().unwrap();
    assert_eq!((items.len(), all.get("next_cursor")), (3, None));
    assert!(items.iter().all(|item| item["kind"] == "product.created" && item["actor"] == shop.issuer.claims()["sub"]));
    assert!(items[0]["created_at"].as_str() > items[2]["created_at"].as_str(), "the latest first");
    assert_eq!(items[0]["changed"]["variants"].as_array().unwrap().len(), 1);

    let first = admin.read("/admin/audit?limit=2").await;
    assert_eq!(first["items"].as_array().unwrap()[..], items[..2]);
    let rest = admin.read(&format!("/admin/audit?limit=2&cursor={}", first["next_cursor"].as_str().unwrap())).await;
    assert_eq!((&rest["items"][0], rest.get("next_cursor")), (&items[2], None));
    let subject = shop.issuer.claims()["sub"].as_str().unwrap().to_owned();
    for (query, expected) in [
        (format!("?actor={subject}&kind=product.created"), 3),
        ("?kind=product.changed".to_owned(), 0),
        ("?actor=somebody".to_owned(), 0),
        ("?actor=&kind=".to_owned(), 3),
    ] {
        let page = admin.read(&format!("/admin/audit{query}")).await;
        assert_eq!(page["items"].as_array().unwrap().len(), expected, "{query}");
    }
    let wrong = format!("/admin/audit?limit=0&cursor=x&kind={}", "k".repeat(200));
    let answer = problem(admin.ask(Method::GET, &wrong, None).await, 400, "invalid-request").await;
    assert_eq!(answer["errors"].as_array().unwrap().len(), 3, "{answer}");
    problem(Person::new(shop, "mei").ask(Method::GET, "/admin/audit", None).await, 403, "forbidden").await;
}
