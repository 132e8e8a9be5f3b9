//! From the cart to the door on real databases: what is promised, what is refused, what happens when answers are lost,
//! and who wins when many want the same.
#![expect(clippy::unwrap_used, reason = "a test stops where something is wrong")]

mod buyer;
mod race;
mod support;

use std::time::{Duration, Instant};

use buyer::{AURORA, Buyer, EMBER, TIDE, admin, checkout, connect, count, good, set_stock, sql, stock, variant};
use futures::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use support::{Shop, problem, shops};
use uuid::Uuid;

#[tokio::test]
async fn what_is_bought_arrives() {
    for shop in shops().await {
        carts_follow_prices_and_stock(&shop).await;
        carts_have_limits(&shop).await;
        a_visitors_cart_becomes_the_customers(&shop).await;
        a_visitor_buys_and_loses_the_answer(&shop).await;
        one_intent_is_one_order(&shop).await;
        what_cannot_be_had_is_refused(&shop).await;
        customers_see_their_own(&shop).await;
        an_order_goes_its_way(&shop).await;
        what_is_not_paid_in_time_is_given_up(&shop).await;
        stock_is_corrected_within_its_promises(&shop).await;
        late_money_is_not_lost(&shop).await;
        a_confirmation_can_be_kept(&shop).await;
    }
}

async fn carts_follow_prices_and_stock(shop: &Shop) {
    let empty = good(Buyer::default().request(shop, Method::GET, "/cart")).await;
    assert_eq!(empty, json!({"lines": [], "items": null, "quotes": [], "can_be_ordered": false}));

    let mut buyer = Buyer::default();
    buyer.put(shop, EMBER, 2).await;
    let cart = buyer.put(shop, EMBER, 1).await;
    assert_eq!(cart["lines"][0]["quantity"], 3);
    assert_eq!(cart["lines"][0]["changes"], json!([]));
    assert_eq!(cart["items"], json!({"amount": 55_500, "currency": "SGD"}));
    assert_eq!(cart["quotes"][0]["total"]["amount"], 55_500, "standard is free from 200 dollars");
    assert_eq!(cart["quotes"][1]["total"]["amount"], 58_000);
    assert_eq!(
        cart["quotes"][0]["tax"],
        json!({"name": "GST", "basis_points": 900,
        "amount": {"amount": 4_583, "currency": "SGD"}})
    );
    assert_eq!(cart["can_be_ordered"], true);

    sql(shop, "UPDATE variants SET price_minor = 20000, version = version + 1 WHERE sku = 'EMB-925'").await;
    set_stock(shop, EMBER, 2).await;
    let cart = good(buyer.request(shop, Method::GET, "/cart")).await;
    assert_eq!(cart["lines"][0]["changes"], json!([{"kind": "price", "was_minor": 18_500}, {"kind": "short"}]));
    assert_eq!((&cart["lines"][0]["available"], &cart["can_be_ordered"]), (&json!(2), &json!(false)));
    sql(shop, "UPDATE products SET status = 'archived', version = version + 1 WHERE slug = 'ember-studs'").await;
    let cart = good(buyer.request(shop, Method::GET, "/cart")).await;
    assert_eq!(cart["lines"][0]["changes"][1]["kind"], "withdrawn");
    let gone = buyer.order(shop, "gone", &checkout(&cart, "bank_transfer")).send().await.unwrap();
    assert_eq!(problem(gone, 409, "out-of-stock").await["shortages"][0]["available"], 0);

    sql(shop, "UPDATE products SET status = 'active', version = version + 1 WHERE slug = 'ember-studs'").await;
    sql(shop, "UPDATE variants SET price_minor = 18500, version = version + 1 WHERE sku = 'EMB-925'").await;
    set_stock(shop, EMBER, 9).await;
    let path = format!("/cart/lines/{}", variant(EMBER));
    let cart = good(buyer.request(shop, Method::PUT, &path).json(&json!({"quantity": 1}))).await;
    assert_eq!((&cart["lines"][0]["quantity"], &cart["lines"][0]["changes"]), (&json!(1), &json!([])));
    let cart = good(buyer.request(shop, Method::DELETE, &path)).await;
    assert_eq!(cart["lines"], json!([]));
    let again = good(buyer.request(shop, Method::DELETE, &path)).await;
    assert_eq!(again["lines"], json!([]), "removing twice is removing");
}

async fn carts_have_limits(shop: &Shop) {
    let mut buyer = Buyer::default();
    for (body, field) in [
        (json!({"variant_id": variant(EMBER), "quantity": 0}), "quantity"),
        (json!({"variant_id": variant(EMBER), "quantity": -1}), "quantity"),
        (json!({"variant_id": variant(EMBER), "quantity": 11}), "quantity"),
        (json!({"variant_id": variant("no such"), "quantity": 1}), "variant_id"),
    ] {
        let response = buyer.request(shop, Method::POST, "/cart/lines").json(&body).send().await.unwrap();
        assert_eq!(problem(response, 422, "validation").await["errors"][0]["field"], field, "{body}");
    }
    let many = json!({"variant_id": variant(TIDE), "quantity": 6});
    let response = buyer.request(shop, Method::POST, "/cart/lines").json(&many).send().await.unwrap();
    let shortages = &problem(response, 409, "out-of-stock").await["shortages"];
    assert_eq!(shortages, &json!([{"variant_id": variant(TIDE), "sku": TIDE, "requested": 6, "available": 5}]));
    assert_eq!(count(shop, "carts WHERE contents LIKE '%TID%'").await, 0);

    buyer.put(shop, EMBER, 9).await;
    let more = json!({"variant_id": variant(EMBER), "quantity": 2});
    let response = buyer.request(shop, Method::POST, "/cart/lines").json(&more).send().await.unwrap();
    problem(response, 422, "validation").await;

    // A token that is not ours, one of another kind, one of a cart that is gone.
    let token = buyer.cart.clone().unwrap();
    for forged in ["x".to_owned(), token.replace(|c: char| c.is_ascii_digit(), "A"), format!("{token}A")] {
        let buyer = Buyer { cart: Some(forged), token: None };
        problem(buyer.request(shop, Method::GET, "/cart").send().await.unwrap(), 404, "not-found").await;
        problem(buyer.request(shop, Method::POST, "/cart/lines").json(&more).send().await.unwrap(), 404, "not-found")
            .await;
    }
}

async fn a_visitors_cart_becomes_the_customers(shop: &Shop) {
    let (mut visitor, mut customer) = (Buyer::default(), Buyer::customer(shop, "merger"));
    customer.put(shop, TIDE, 4).await;
    visitor.put(shop, TIDE, 3).await;
    visitor.put(shop, AURORA, 1).await;
    customer.cart = visitor.cart.clone();
    problem(visitor.request(shop, Method::POST, "/cart/merge").send().await.unwrap(), 401, "unauthorized").await;
    for _ in 0..2 {
        let cart = good(customer.request(shop, Method::POST, "/cart/merge")).await;
        let lines: Vec<(&str, i64)> = cart["lines"]
            .as_array()
            .unwrap()
            .iter()
            .map(|line| (line["sku"].as_str().unwrap(), line["quantity"].as_i64().unwrap()))
            .collect();
        assert_eq!(lines, [(TIDE, 5), (AURORA, 1)], "there are five of the first; merging twice adds nothing");
        assert!(cart.get("token").is_none());
    }
    problem(visitor.request(shop, Method::GET, "/cart").send().await.unwrap(), 404, "not-found").await;
    let devices = (0..5).map(|_| Buyer::customer(shop, "many devices"));
    let carts = join_all(devices.map(|mut device| async move { device.put(shop, EMBER, 1).await })).await;
    assert_eq!(carts.len(), 5);
    let cart = good(Buyer::customer(shop, "many devices").request(shop, Method::GET, "/cart")).await;
    assert_eq!(cart["lines"][0]["quantity"], 5, "one cart for all devices, and nothing lost");
}

async fn a_visitor_buys_and_loses_the_answer(shop: &Shop) {
    set_stock(shop, TIDE, 5).await;
    let mut buyer = Buyer::default();
    let cart = buyer.put(shop, TIDE, 2).await;
    let body = checkout(&cart, "bank_transfer");
    let without = buyer.request(shop, Method::POST, "/orders").json(&body).send().await.unwrap();
    assert_eq!(problem(without, 400, "invalid-request").await["errors"][0]["field"], "Idempotency-Key");
    let first = buyer.order(shop, "a-key", &body).send().await.unwrap();
    assert_eq!(first.status(), 201);
    assert!(first.headers().get("idempotency-replayed").is_none());
    let location = first.headers()["location"].to_str().unwrap().to_owned();
    let first: Value = first.json().await.unwrap();
    assert_eq!(stock(shop, TIDE).await, (5, 2));

    let again = buyer.order(shop, "a-key", &body).send().await.unwrap();
    assert_eq!((again.status().as_u16(), &again.headers()["idempotency-replayed"]), (201, &"true".parse().unwrap()));
    assert_eq!(again.json::<Value>().await.unwrap(), first);
    let mut other = body.clone();
    other["email"] = "eve@example.com".into();
    let other = buyer.order(shop, "a-key", &other).send().await.unwrap();
    problem(other, 422, "idempotency-mismatch").await;
    let ordered = buyer.order(shop, "another-key", &body).send().await.unwrap();
    problem(ordered, 409, "wrong-state").await;
    assert_eq!(stock(shop, TIDE).await, (5, 2), "one cart is one order");

    let order = &first["order"];
    assert_eq!(order["status"], "pending_payment");
    assert_eq!(order["total"]["amount"], 420_000);
    assert_eq!(order["tax"]["amount"]["amount"], 34_679);
    assert_eq!(order["lines"][0]["details"], "gold 18k");
    assert_eq!(order["history"].as_array().unwrap().len(), 1);
    assert!(order["history"][0].get("actor").is_none());
    let path = location.strip_prefix("/api/v1").unwrap();
    let with = |token: &str| shop.api.request(Method::GET, &location).header("x-order-token", token);
    assert_eq!(&good(with(first["order_token"].as_str().unwrap())).await, order);
    problem(with("forged").send().await.unwrap(), 404, "not-found").await;
    problem(with(buyer.cart.as_ref().unwrap()).send().await.unwrap(), 404, "not-found").await;
    problem(buyer.request(shop, Method::GET, path).send().await.unwrap(), 401, "unauthorized").await;

    let cancel = || {
        let request = shop.api.request(Method::POST, &format!("{location}/cancel"));
        request.header("x-order-token", first["order_token"].as_str().unwrap())
    };
    for _ in 0..2 {
        assert_eq!(good(cancel()).await["status"], "cancelled");
        assert_eq!(stock(shop, TIDE).await, (5, 0));
    }
}

async fn one_intent_is_one_order(shop: &Shop) {
    let mut buyer = Buyer::customer(shop, "impatient");
    let cart = buyer.put(shop, TIDE, 1).await;
    let body = checkout(&cart, "cash_on_delivery");
    let before = (count(shop, "orders").await, count(shop, "outbox WHERE kind = 'order.placed'").await);
    let answers = join_all((0..12).map(|_| buyer.order(shop, "the-same", &body).send())).await;
    let mut orders = Vec::new();
    for answer in answers {
        let answer = answer.unwrap();
        assert_eq!(answer.status(), 201);
        orders.push(answer.json::<Value>().await.unwrap());
    }
    assert!(orders.iter().all(|order| order == &orders[0]));
    assert_eq!(orders[0]["order"]["status"], "confirmed");
    assert_eq!(count(shop, "orders").await, before.0 + 1);
    assert_eq!(count(shop, "outbox WHERE kind = 'order.placed'").await, before.1 + 1);
    assert_eq!(stock(shop, TIDE).await, (5, 1));

    // Another customer's key of the same name is another key.
    let mut other = Buyer::customer(shop, "patient");
    let cart = other.put(shop, TIDE, 1).await;
    let response = other.order(shop, "the-same", &checkout(&cart, "cash_on_delivery")).send().await.unwrap();
    let placed: Value = response.json().await.unwrap();
    assert_ne!(placed["order"]["id"], orders[0]["order"]["id"]);
    // Many keys for one cart are one order, too.
    let cart = other.put(shop, TIDE, 1).await;
    let body = checkout(&cart, "cash_on_delivery");
    let answers =
        join_all((0..6).map(|key| other.order(shop, &format!("key {key}").replace(' ', "-"), &body).send())).await;
    let placed = answers.iter().filter(|answer| answer.as_ref().unwrap().status() == 201).count();
    assert_eq!(placed, 1);
    set_stock(shop, TIDE, 5).await;
}

async fn what_cannot_be_had_is_refused(shop: &Shop) {
    let mut buyer = Buyer::default();
    let empty = buyer.order(shop, "k", &checkout(&json!({"quotes": [{"total": {"amount": 1}}]}), "cash_on_delivery"));
    problem(empty.send().await.unwrap(), 404, "not-found").await;
    buyer.put(shop, TIDE, 2).await;
    let cart = buyer.put(shop, AURORA, 1).await;
    let body = checkout(&cart, "bank_transfer");
    set_stock(shop, TIDE, 1).await;
    set_stock(shop, AURORA, 0).await;
    let response = buyer.order(shop, "k", &body).send().await.unwrap();
    let shortages = problem(response, 409, "out-of-stock").await["shortages"].clone();
    assert_eq!(shortages.as_array().unwrap().len(), 2, "everything that is missing is said at once");
    assert_eq!((&shortages[0]["available"], &shortages[1]["available"]), (&json!(1), &json!(0)));
    set_stock(shop, TIDE, 5).await;
    set_stock(shop, AURORA, 3).await;

    sql(shop, "UPDATE variants SET price_minor = 220000, version = version + 1 WHERE sku = 'TID-18Y'").await;
    let response = buyer.order(shop, "k", &body).send().await.unwrap();
    assert_eq!(problem(response, 409, "price-changed").await["total_minor"], 569_000);
    sql(shop, "UPDATE variants SET price_minor = 210000, version = version + 1 WHERE sku = 'TID-18Y'").await;
    let mut wrong = body.clone();
    wrong["email"] = "nobody".into();
    wrong["address"]["country"] = "Singapore".into();
    let response = buyer.order(shop, "k", &wrong).send().await.unwrap();
    let fields: Vec<Value> = problem(response, 422, "validation").await["errors"].as_array().unwrap().clone();
    assert_eq!(fields.iter().map(|e| e["field"].clone()).collect::<Vec<_>>(), ["email", "address.country"]);
    let mut unknown = body.clone();
    unknown["discount"] = 100.into();
    problem(buyer.order(shop, "k", &unknown).send().await.unwrap(), 422, "validation").await;

    // None of the refusals used the key up, or promised anything.
    assert_eq!((stock(shop, TIDE).await, stock(shop, AURORA).await), ((5, 0), (3, 0)));
    assert_eq!(buyer.order(shop, "k", &body).send().await.unwrap().status(), 201);
    assert_eq!((stock(shop, TIDE).await, stock(shop, AURORA).await), ((5, 2), (3, 1)));
    set_stock(shop, TIDE, 5).await;
    set_stock(shop, AURORA, 3).await;
}

async fn customers_see_their_own(shop: &Shop) {
    let mut buyer = Buyer::customer(shop, "collector");
    set_stock(shop, EMBER, 9).await;
    let mut placed = Vec::new();
    for _ in 0..3 {
        placed.push(buyer.buys(shop, EMBER, 1, "cash_on_delivery").await["order"]["id"].clone());
    }
    placed.reverse();
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = good(buyer.request(shop, Method::GET, &format!("/orders?limit=2&cursor={cursor}"))).await;
        seen.extend(page["items"].as_array().unwrap().iter().map(|order| order["id"].clone()));
        match page["next_cursor"].as_str() {
            Some(next) => next.clone_into(&mut cursor),
            None => break,
        }
    }
    assert_eq!(seen, placed);
    let stranger = Buyer::customer(shop, "stranger");
    let list = good(stranger.request(shop, Method::GET, "/orders")).await;
    assert_eq!(list, json!({"items": [], "next_cursor": null}));
    let path = format!("/orders/{}", placed[0].as_str().unwrap());
    problem(stranger.request(shop, Method::GET, &path).send().await.unwrap(), 404, "not-found").await;
    let cancel = stranger.request(shop, Method::POST, &format!("{path}/cancel")).send().await.unwrap();
    problem(cancel, 404, "not-found").await;
    problem(stranger.request(shop, Method::GET, "/orders/1").send().await.unwrap(), 404, "not-found").await;
    problem(
        stranger.request(shop, Method::GET, "/orders?cursor=x&limit=0").send().await.unwrap(),
        400,
        "invalid-request",
    )
    .await;
    problem(stranger.request(shop, Method::GET, "/admin/orders").send().await.unwrap(), 403, "forbidden").await;
}

async fn an_order_goes_its_way(shop: &Shop) {
    set_stock(shop, EMBER, 9).await;
    let mut buyer = Buyer::customer(shop, "collector");
    let order = buyer.buys(shop, EMBER, 2, "cash_on_delivery").await["order"]["id"].as_str().unwrap().to_owned();
    let at = |step: &str| format!("/orders/{order}/{step}");
    let ship = json!({"carrier": "SingPost", "tracking": "EE123456789SG"});
    problem(admin(shop, &at("ship"), Some(ship.clone())).await, 409, "wrong-state").await;
    problem(admin(shop, &at("reserve"), None).await, 409, "wrong-state").await;
    for _ in 0..2 {
        assert_eq!(admin(shop, &at("fulfil"), None).await.json::<Value>().await.unwrap()["status"], "fulfilled");
        assert_eq!(stock(shop, EMBER).await, (9, 2));
    }
    let late = buyer.request(shop, Method::POST, &format!("/orders/{order}/cancel")).send().await.unwrap();
    problem(late, 409, "wrong-state").await;
    for _ in 0..2 {
        let shipped: Value = admin(shop, &at("ship"), Some(ship.clone())).await.json().await.unwrap();
        assert_eq!(shipped["shipment"], ship);
        assert_eq!(stock(shop, EMBER).await, (7, 0), "the goods leave the house once");
    }
    let otherwise = admin(shop, &at("ship"), Some(json!({"carrier": "DHL"}))).await;
    problem(otherwise, 409, "wrong-state").await;
    problem(admin(shop, &at("ship"), Some(json!({"carrier": "\n"}))).await, 422, "validation").await;
    let arrived: Value = admin(shop, &at("deliver"), None).await.json().await.unwrap();
    let went: Vec<&str> =
        arrived["history"].as_array().unwrap().iter().map(|step| step["status"].as_str().unwrap()).collect();
    assert_eq!(went, ["confirmed", "fulfilled", "shipped", "delivered"]);
    assert_eq!(arrived["history"][1]["actor"], "admin:7d3c1f0e-0000-4000-8000-000000000001");
    assert_eq!(arrived["customer"], "collector");
    let cancel = admin(shop, &at("cancel"), Some(json!({"reason": "too late"}))).await;
    problem(cancel, 409, "wrong-state").await;
    assert_eq!(count(shop, "audit WHERE kind = 'order.shipped'").await, 2, "a move told again is on record again");
    let listed =
        shop.api.request(Method::GET, "/api/v1/admin/orders?status=delivered").bearer_auth(shop.issuer.admin());
    assert_eq!(good(listed).await["items"].as_array().unwrap().len(), 1);
    let listed = shop.api.request(Method::GET, "/api/v1/admin/orders?status=lost").bearer_auth(shop.issuer.admin());
    problem(listed.send().await.unwrap(), 400, "invalid-request").await;
    problem(admin(shop, &format!("/orders/{}/fulfil", Uuid::now_v7()), None).await, 404, "not-found").await;
}

async fn what_is_not_paid_in_time_is_given_up(shop: &Shop) {
    set_stock(shop, EMBER, 9).await;
    let mut buyer = Buyer::customer(shop, "forgetful");
    let kept = buyer.buys(shop, EMBER, 1, "bank_transfer").await["order"]["id"].clone();
    let given_up = buyer.buys(shop, EMBER, 3, "bank_transfer").await["order"]["id"].clone();
    assert_eq!(stock(shop, EMBER).await, (9, 4));
    overdue(shop, &buyer, given_up.as_str().unwrap()).await;
    let status = async |order: &Value| {
        let path = format!("/orders/{}", order.as_str().unwrap());
        good(buyer.request(shop, Method::GET, &path)).await["status"].as_str().unwrap().to_owned()
    };
    assert_eq!(stock(shop, EMBER).await, (9, 1));
    assert_eq!(status(&kept).await, "pending_payment");
    assert_eq!(count(shop, "outbox WHERE kind = 'order.expired'").await, 1);
}

async fn stock_is_corrected_within_its_promises(shop: &Shop) {
    set_stock(shop, EMBER, 9).await;
    Buyer::default().buys(shop, EMBER, 4, "bank_transfer").await;
    let path = format!("/inventory/{}", variant(EMBER));
    let adjust = async |body: Value| admin(shop, &format!("{path}/adjustments"), Some(body)).await;
    let low = adjust(json!({"set": 3, "reason": "counted"})).await;
    let detail = problem(low, 409, "wrong-state").await["detail"].clone();
    assert_eq!(detail, "there are 9, of which 4 are promised to orders");
    problem(adjust(json!({"delta": -10, "reason": "stolen"})).await, 409, "wrong-state").await;
    for wrong in [
        json!({"reason": "neither"}),
        json!({"delta": 1, "set": 1, "reason": "both"}),
        json!({"delta": 0, "reason": "nothing"}),
        json!({"set": -1, "reason": "debt"}),
        json!({"delta": i32::MIN, "reason": "huge"}),
        json!({"set": 1, "reason": ""}),
    ] {
        problem(adjust(wrong).await, 422, "validation").await;
    }
    let request = || {
        let path = format!("/api/v1/admin{path}/adjustments");
        let request = shop.api.request(Method::POST, &path).bearer_auth(shop.issuer.admin());
        request.header("idempotency-key", "damaged-1").json(&json!({"delta": -1, "reason": "damaged"}))
    };
    for _ in 0..2 {
        assert_eq!(good(request()).await["on_hand"], 8);
    }
    assert_eq!(adjust(json!({"set": 5, "reason": "counted"})).await.json::<Value>().await.unwrap()["on_hand"], 5);
    let read =
        |path: String| shop.api.request(Method::GET, &format!("/api/v1/admin{path}")).bearer_auth(shop.issuer.admin());
    let made = good(read(format!("{path}/adjustments"))).await;
    let made: Vec<(i64, &str)> = made["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["delta"].as_i64().unwrap(), one["reason"].as_str().unwrap()))
        .collect();
    assert_eq!(made, [(-3, "counted"), (-1, "damaged")]);

    let skus = |page: &Value| -> Vec<String> {
        page["items"].as_array().unwrap().iter().map(|one| one["sku"].as_str().unwrap().to_owned()).collect()
    };
    let low = good(read("/inventory?low_stock=true".to_owned())).await;
    assert!(skus(&low).contains(&EMBER.to_owned()) && !skus(&low).contains(&TIDE.to_owned()), "{low}");
    let threshold = shop.api.request(Method::PUT, &format!("/api/v1/admin{path}/threshold"));
    let changed = good(threshold.bearer_auth(shop.issuer.admin()).json(&json!({"low_stock": 0}))).await;
    assert_eq!(changed["low_stock"], 0);
    assert!(!skus(&good(read("/inventory?low_stock=true".to_owned())).await).contains(&EMBER.to_owned()));
    let first = good(read("/inventory?limit=4".to_owned())).await;
    let next = good(read(format!("/inventory?limit=4&cursor={}", first["next_cursor"].as_str().unwrap()))).await;
    let mut all = skus(&first);
    all.extend(skus(&next));
    assert_eq!(all.len(), 7);
    assert!(all.is_sorted() && next["next_cursor"].is_null());
}

async fn overdue(shop: &Shop, buyer: &Buyer, order: &str) {
    sqlx::query("UPDATE orders SET expires_at = '2026-01-01', version = version + 1 WHERE id = ?")
        .bind(Uuid::parse_str(order).unwrap())
        .execute(&mut connect(shop).await)
        .await
        .unwrap();
    let deadline = Instant::now() + Duration::from_secs(60);
    while good(buyer.request(shop, Method::GET, &format!("/orders/{order}"))).await["status"] != "expired" {
        assert!(Instant::now() < deadline, "the order does not expire");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn late_money_is_not_lost(shop: &Shop) {
    set_stock(shop, TIDE, 5).await;
    let mut buyer = Buyer::customer(shop, "late");
    let mut order = async || {
        let id = buyer.buys(shop, TIDE, 3, "bank_transfer").await["order"]["id"].as_str().unwrap().to_owned();
        overdue(shop, &buyer, &id).await;
        id
    };
    let (first, second) = (order().await, order().await);
    assert_eq!(stock(shop, TIDE).await, (5, 0));
    let read = async |order: &str| {
        let path = format!("/api/v1/admin/orders/{order}");
        good(shop.api.request(Method::GET, &path).bearer_auth(shop.issuer.admin())).await
    };
    let pay = async |order: &str, reference: &str| {
        let money = json!({"amount_minor": 630_000, "reference": reference});
        let response = admin(shop, &format!("/orders/{order}/payment/received"), Some(money)).await;
        let (status, text) = (response.status(), response.text().await.unwrap());
        assert_eq!(status, 200, "{text}");
    };
    pay(&first, "first").await;
    assert_eq!(read(&first).await["status"], "paid");
    assert_eq!(stock(shop, TIDE).await, (5, 3), "the items were still there");
    pay(&second, "second").await;
    let stranded = read(&second).await;
    assert_eq!((&stranded["status"], stock(shop, TIDE).await), (&json!("paid_out_of_stock"), (5, 3)));
    assert!(!stranded["payment"]["paid_at"].is_null());
    problem(admin(shop, &format!("/orders/{second}/reserve"), None).await, 409, "out-of-stock").await;
    let paid = admin(shop, &format!("/orders/{first}/cancel"), Some(json!({"reason": "a paid one"}))).await;
    problem(paid, 409, "wrong-state").await;
    let more = json!({"set": 6, "reason": "found some"});
    assert_eq!(admin(shop, &format!("/inventory/{}/adjustments", variant(TIDE)), Some(more)).await.status(), 200);
    assert_eq!(admin(shop, &format!("/orders/{second}/reserve"), None).await.status(), 200);
    assert_eq!((read(&second).await["status"].clone(), stock(shop, TIDE).await), (json!("paid"), (6, 6)));
}

async fn a_confirmation_can_be_kept(shop: &Shop) {
    set_stock(shop, EMBER, 9).await;
    let mut buyer = Buyer::customer(shop, "keeper");
    let placed = buyer.buys(shop, EMBER, 2, "cash_on_delivery").await;
    let id = placed["order"]["id"].as_str().unwrap();
    let path = format!("/orders/{id}/document");
    let fetch = async || {
        let response = buyer.request(shop, Method::GET, &path).send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/html; charset=utf-8");
        assert_eq!(response.headers()["cache-control"], "no-store");
        response.text().await.unwrap()
    };
    let page = fetch().await;
    assert!(page.contains("Ada &lt;b&gt;Tan&lt;/b&gt;") && page.contains("SGD 370.00"), "{page}");
    assert!(!page.contains("<b>") && !page.contains("<script"));
    let deadline = Instant::now() + Duration::from_secs(60);
    let key = format!("documents/orders/{id}.html");
    while shop.s3.object(support::MEDIA, &key).is_none() || count(shop, "orders WHERE document = 'due'").await > 0 {
        assert!(Instant::now() < deadline, "the confirmation is not stored");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(shop.s3.object(support::MEDIA, &key).unwrap().body, page.as_bytes());
    shop.s3.store(support::MEDIA, &key, "the stored one", "text/html");
    assert_eq!(fetch().await, "the stored one");
    let stranger = Buyer::customer(shop, "stranger");
    problem(stranger.request(shop, Method::GET, &path).send().await.unwrap(), 404, "not-found").await;
}

/// `JEWEL_ROUNDS=50 cargo test -p jewel-api --test orders ten_rings -- --nocapture` prints the figures of many rounds.
#[tokio::test]
async fn ten_rings_are_sold_ten_times() {
    for shop in shops().await {
        race::run(&shop, support::rounds()).await;
    }
}
