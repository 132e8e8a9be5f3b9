//! Paying: a real shop against a stand-in that signs, forgets, fails and repeats itself as Stripe does.
#![expect(clippy::unwrap_used, reason = "a test stops where something is wrong")]

mod support;
mod till;

use reqwest::Method;
use serde_json::{Value, json};
use support::{
    BANK,
    issuer::now,
    problem, shops,
    stripe::{Fault, NEXT_WEBHOOK_SECRET, SECRET_KEY, WEBHOOK_SECRET, sign, signed},
};
use till::{TOTAL, Till, customer, id_of};
use uuid::Uuid;

#[tokio::test]
async fn money_is_taken_and_given_back() {
    for shop in shops().await {
        let till = Till::new(shop).await;
        a_card_pays(&till).await;
        a_refused_card_may_try_again(&till).await;
        twenty_deliveries_pay_once(&till).await;
        forged_messages_change_nothing(&till).await;
        another_amount_pays_nothing(&till).await;
        a_second_payment_is_for_a_person(&till).await;
        a_provider_that_is_away_costs_a_second_try(&till).await;
        a_lost_message_is_asked_for(&till).await;
        late_money_finds_its_order(&till).await;
        refunds_never_exceed_what_was_paid(&till).await;
        refunds_whose_answer_was_lost_happen_once(&till).await;
        what_stripe_does_by_itself_is_noticed(&till).await;
        a_transfer_is_recorded_by_hand(&till).await;
        strangers_get_nothing(&till).await;
        everything_said_is_in_the_journal(&till).await;
    }
}

async fn a_card_pays(till: &Till) {
    let placed = till.place("card").await;
    let order = id_of(&placed);
    let intent = till.stripe.intent_of(&order);
    assert_eq!((&intent["amount"], &intent["currency"]), (&json!(TOTAL), &json!("sgd")));
    let step = &placed["payment"];
    assert_eq!(step["state"], "pending");
    assert_eq!(step["client_secret"], intent["client_secret"]);
    assert_eq!(step["amount"], json!({"amount": TOTAL, "currency": "SGD"}));
    assert_eq!(till.started(&order).await, *step, "the same payment again");
    let stored = till.count("SELECT COUNT(*) FROM outbox WHERE body LIKE '%_secret_%'").await;
    assert_eq!(stored, 0, "the client's secret was stored");

    let body = till.stripe.event("payment_intent.succeeded", &till.stripe.pay(&intent));
    let rotated = sign(&body, NEXT_WEBHOOK_SECRET, now());
    let answer = till.deliver(&body, &rotated).await;
    assert_eq!(answer.json::<Value>().await.unwrap(), json!({"received": true}));
    assert_eq!(till.status(&order).await, "paid");
    let paid = till.started(&order).await;
    assert_eq!((&paid["state"], paid.get("client_secret")), (&json!("succeeded"), None));
    let payment = till.payment(&order).await;
    assert_eq!((&payment["received_minor"], &payment["flag"]), (&json!(TOTAL), &Value::Null));

    // Messages about what we do not sell with are none of our business.
    let before = till.count("SELECT COUNT(*) FROM webhook_events").await;
    till.tell("invoice.paid", &json!({"id": "in_1"})).await;
    assert_eq!(till.count("SELECT COUNT(*) FROM webhook_events").await, before);
}

async fn a_refused_card_may_try_again(till: &Till) {
    let order = till.order().await;
    let declined = till.stripe.decline(&till.stripe.intent_of(&order));
    till.tell("payment_intent.payment_failed", &declined).await;
    assert_eq!(till.status(&order).await, "pending_payment");
    let payment = till.payment(&order).await;
    assert_eq!((&payment["state"], &payment["failure"]), (&json!("failed"), &json!("insufficient_funds")));
    let again = till.started(&order).await;
    assert_eq!(again["client_secret"], declined["client_secret"], "the same payment is tried again");

    till.tell("payment_intent.succeeded", &till.stripe.pay(&declined)).await;
    assert_eq!(till.status(&order).await, "paid");
    // The refusal, told late.
    till.tell("payment_intent.payment_failed", &declined).await;
    till.tell("payment_intent.canceled", &{
        let mut cancelled = declined.clone();
        cancelled["status"] = "canceled".into();
        cancelled
    })
    .await;
    assert_eq!(till.status(&order).await, "paid");
    assert_eq!(till.payment(&order).await["state"], "succeeded");
}

async fn twenty_deliveries_pay_once(till: &Till) {
    let order = till.order().await;
    let intent = till.stripe.pay(&till.stripe.intent_of(&order));
    let body = till.stripe.event("payment_intent.succeeded", &intent);
    let signature = signed(&body);
    let deliveries = (0..20).map(|_| till.deliver(&body, &signature));
    for answer in futures::future::join_all(deliveries).await {
        assert_eq!(answer.status(), 200);
    }
    // The same under other ids: Stripe has two endpoints, or sends it twice.
    let others: Vec<String> = (0..5).map(|_| till.stripe.event("payment_intent.succeeded", &intent)).collect();
    let deliveries = others.iter().map(|body| async { till.deliver(body, &signed(body)).await.status() });
    assert!(futures::future::join_all(deliveries).await.iter().all(|status| *status == 200));

    let id = order.replace('-', "");
    let reference = intent["id"].as_str().unwrap();
    for (query, expected) in [
        (format!("SELECT COUNT(*) FROM order_history WHERE order_id = UNHEX('{id}') AND status = 'paid'"), 1),
        (format!("SELECT COUNT(*) FROM webhook_events WHERE about_reference = '{reference}'"), 6),
        (
            format!(
                "SELECT COUNT(*) FROM webhook_events WHERE about_reference = '{reference}' AND outcome = 'applied'"
            ),
            1,
        ),
        (format!("SELECT received_minor FROM payments WHERE order_id = UNHEX('{id}')"), TOTAL),
    ] {
        assert_eq!(till.count(&query).await, expected, "{query}");
    }
}

async fn forged_messages_change_nothing(till: &Till) {
    let order = till.order().await;
    let intent = till.stripe.pay(&till.stripe.intent_of(&order));
    let body = till.stripe.event("payment_intent.succeeded", &intent);
    let before = till.count("SELECT COUNT(*) FROM outbox").await;
    for (what, signature) in [
        ("nonsense", "nonsense".to_owned()),
        ("another secret", sign(&body, "whsec_guessed_0123456789", now())),
        ("the key as the secret", sign(&body, SECRET_KEY, now())),
        ("old", sign(&body, WEBHOOK_SECRET, now() - 301)),
        ("from the future", sign(&body, WEBHOOK_SECRET, now() + 330)),
        ("a newer time", signed(&body).replace(&format!("t={}", now()), &format!("t={}", now() + 60))),
        ("of another message", signed(&till.stripe.event("payment_intent.succeeded", &intent))),
        ("another scheme", signed(&body).replace("v1=", "v2=")),
    ] {
        let refused = problem(till.deliver(&body, &signature).await, 400, "invalid-request").await;
        assert_eq!(refused["detail"], "the message is not a genuine one", "{what}");
    }
    let unsigned = till.shop.api.request(Method::POST, "/api/v1/payments/stripe/webhook").body(body.clone());
    problem(unsigned.send().await.unwrap(), 400, "invalid-request").await;
    for nonsense in ["", "{", "[]", r#"{"id":"evt_x","type":"payment_intent.succeeded","data":{"object":null}}"#] {
        problem(till.deliver(nonsense, &signed(nonsense)).await, 400, "invalid-request").await;
    }
    let large = " ".repeat(256 * 1024 + 1);
    problem(till.deliver(&large, &signed(&large)).await, 413, "payload-too-large").await;
    assert_eq!(till.count("SELECT COUNT(*) FROM outbox").await, before, "something refused left a trace");
    assert_eq!(till.status(&order).await, "pending_payment");
    assert_eq!(till.deliver(&body, &signed(&body)).await.status(), 200);
    assert_eq!(till.status(&order).await, "paid");
}

async fn another_amount_pays_nothing(till: &Till) {
    for (amount, currency) in [(TOTAL - 1, "sgd"), (TOTAL + 1, "sgd"), (TOTAL, "idr"), (0, "sgd")] {
        let order = till.order().await;
        let intent = till.stripe.pay_otherwise(&till.stripe.intent_of(&order), amount, currency);
        till.tell("payment_intent.succeeded", &intent).await;
        assert_eq!(till.status(&order).await, "pending_payment", "{amount} {currency}");
        let payment = till.payment(&order).await;
        assert_eq!((&payment["state"], &payment["flag"]), (&json!("mismatched"), &json!("amount_mismatch")));
        assert_eq!(payment["received_minor"], amount);
        assert!(till.is_flagged(&payment).await);
        if amount == TOTAL - 1 {
            assert_eq!(till.gave_back(&payment, amount).await["state"], "succeeded");
        }
        let path = format!("/payments/{}/resolve", payment["id"].as_str().unwrap());
        assert_eq!(till.admin(Method::POST, &path, None).await.status(), 200);
        assert!(!till.is_flagged(&payment).await);
    }
}

async fn a_second_payment_is_for_a_person(till: &Till) {
    let (order, first) = till.paid_order().await;
    // Somebody made another payment for it, in Stripe's own pages.
    let mut second = first.clone();
    second["id"] = "pi_by_hand".into();
    till.tell("payment_intent.succeeded", &second).await;
    let payment = till.payment(&order).await;
    assert_eq!((&payment["state"], &payment["flag"]), (&json!("surplus"), &json!("paid_twice")));
    assert_eq!(till.status(&order).await, "paid");

    // And one for an order that is not ours.
    second["id"] = "pi_unknown".into();
    second["metadata"]["order_id"] = Uuid::now_v7().to_string().into();
    till.tell("payment_intent.succeeded", &second).await;
    let known = "SELECT COUNT(*) FROM webhook_events WHERE about_reference = 'pi_unknown' AND outcome = 'unknown'";
    assert_eq!(till.count(known).await, 1);
}

async fn a_provider_that_is_away_costs_a_second_try(till: &Till) {
    for (fault, flag) in [
        (Fault::Away, Value::Null),
        (Fault::LostAnswer, Value::Null),
        (Fault::Broken, Value::Null),
        (Fault::Refused, json!("refused")),
    ] {
        till.stripe.fail_next(fault);
        let placed = till.place("card").await;
        let order = id_of(&placed);
        assert_eq!(placed["payment"]["state"], "not_started", "{fault:?}");
        assert_eq!(till.payment(&order).await["flag"], flag);
        let step = till.started(&order).await;
        let intent = till.stripe.intent_of(&order);
        assert_eq!(
            (&step["state"], &step["client_secret"]),
            (&json!("pending"), &intent["client_secret"]),
            "{fault:?}"
        );
    }
    till.stripe.set_away(true);
    let order = till.order().await;
    assert_eq!(till.started(&order).await["state"], "not_started");
    till.stripe.set_away(false);
    // Many tries at once are one payment.
    let steps = futures::future::join_all((0..8).map(|_| till.started(&order))).await;
    let intent = till.stripe.intent_of(&order);
    assert!(steps.iter().all(|step| step["client_secret"] == intent["client_secret"]), "{steps:?}");

    // The answer was lost, and the customer paid: the message names the order.
    till.stripe.fail_next(Fault::LostAnswer);
    let order = till.order().await;
    till.tell("payment_intent.succeeded", &till.stripe.pay(&till.stripe.intent_of(&order))).await;
    assert_eq!(till.status(&order).await, "paid");

    // Cancelled in Stripe's own pages: the next start is another payment.
    let order = till.order().await;
    let cancelled = till.stripe.cancel(&till.stripe.intent_of(&order));
    let step = till.started(&order).await;
    assert_eq!(step["state"], "pending");
    assert_ne!(step["client_secret"], cancelled["client_secret"]);
    assert_eq!(till.payment(&order).await["attempt"], 2);
}

async fn a_lost_message_is_asked_for(till: &Till) {
    let paid = till.order().await;
    till.stripe.pay(&till.stripe.intent_of(&paid));
    let called_off = till.order().await;
    let path = format!("/api/v1/orders/{called_off}/cancel");
    let cancelled = till.shop.api.request(Method::POST, &path).bearer_auth(&till.customer).send().await.unwrap();
    assert_eq!(cancelled.status(), 200);
    let open = till.order().await;

    till.stripe.set_away(true);
    let nothing = till.reconcile().await;
    assert!(nothing["unanswered"].as_u64().unwrap() >= 1, "{nothing}");
    assert_eq!(till.status(&paid).await, "pending_payment");
    till.stripe.set_away(false);
    till.reconcile().await;
    assert_eq!(till.status(&paid).await, "paid");
    assert_eq!(till.stripe.intent_of(&called_off)["status"], "canceled", "nobody waits for it");
    assert_eq!(till.payment(&called_off).await["state"], "cancelled");
    assert_eq!(till.stripe.intent_of(&open)["status"], "requires_payment_method");
    assert_eq!(till.payment(&open).await["state"], "pending");
}

async fn late_money_finds_its_order(till: &Till) {
    let stock = "inventory WHERE variant_id = UNHEX(LEFT(SHA2('EMB-925', 256), 32))";
    for sold_out in [false, true] {
        let order = till.order().await;
        // As the timer leaves an order that was not paid in time.
        let id = order.replace('-', "");
        till.sql(&format!(
            "UPDATE orders SET status = 'expired', expires_at = NULL, version = version + 1 WHERE id = UNHEX('{id}');
             UPDATE inventory SET reserved = reserved - 1, version = version + 1
             WHERE variant_id = UNHEX(LEFT(SHA2('EMB-925', 256), 32))"
        ))
        .await;
        let on_hand = till.count(&format!("SELECT CAST(on_hand AS SIGNED) FROM {stock}")).await;
        if sold_out {
            till.sql(
                "UPDATE inventory SET on_hand = reserved WHERE variant_id = UNHEX(LEFT(SHA2('EMB-925', 256), 32))",
            )
            .await;
        }
        problem(till.start(&order).await, 409, "wrong-state").await;
        till.tell("payment_intent.succeeded", &till.stripe.pay(&till.stripe.intent_of(&order))).await;
        assert_eq!(till.status(&order).await, if sold_out { "paid_out_of_stock" } else { "paid" });
        assert_eq!(till.payment(&order).await["state"], "succeeded");
        till.sql(&format!(
            "UPDATE inventory SET on_hand = {on_hand} WHERE variant_id = UNHEX(LEFT(SHA2('EMB-925', 256), 32))"
        ))
        .await;
    }
}

async fn refunds_never_exceed_what_was_paid(till: &Till) {
    let (order, intent) = till.paid_order().await;
    let payment = till.payment(&order).await;
    let reference = intent["id"].as_str().unwrap();
    let quarter = TOTAL / 4;
    let rush = (0..10).map(|_| async { till.give_back(&payment, quarter, &Uuid::new_v4().to_string()).await.status() });
    let mut answers: Vec<u16> = futures::future::join_all(rush).await.iter().map(|status| status.as_u16()).collect();
    answers.sort_unstable();
    assert_eq!(answers, [201, 201, 201, 201, 409, 409, 409, 409, 409, 409]);
    let returned: i64 = till.stripe.refunds_of(reference).iter().map(|refund| refund["amount"].as_i64().unwrap()).sum();
    assert_eq!(returned, quarter * 4);
    assert_eq!(till.payment(&order).await["refunded_minor"], quarter * 4);
    let too_much = problem(till.give_back(&payment, TOTAL, "too-much").await, 409, "conflict").await;
    assert_eq!(too_much["errors"][0]["field"], "amount_minor");
    for amount in [0, -1, i64::MIN, i64::MAX] {
        problem(till.give_back(&payment, amount, "odd").await, 422, "validation").await;
    }

    // All of it: the order is refunded. The same key again is the same refund.
    let (order, intent) = till.paid_order().await;
    let payment = till.payment(&order).await;
    let key = Uuid::new_v4().to_string();
    let first: Value = till.give_back(&payment, TOTAL, &key).await.json().await.unwrap();
    let again: Value = till.give_back(&payment, TOTAL, &key).await.json().await.unwrap();
    assert_eq!(first, again);
    problem(till.give_back(&payment, 1, &key).await, 422, "idempotency-mismatch").await;
    assert_eq!(till.stripe.refunds_of(intent["id"].as_str().unwrap()).len(), 1);
    assert_eq!(till.status(&order).await, "refunded");
    // Stripe tells what we know.
    let charge = json!({"id": "ch_1", "payment_intent": intent["id"], "amount_refunded": TOTAL});
    till.tell("charge.refunded", &charge).await;
    assert_eq!(till.payment(&order).await["flag"], Value::Null);

    let unpaid = till.order().await;
    let payment = till.payment(&unpaid).await;
    problem(till.give_back(&payment, 1, "early").await, 409, "wrong-state").await;

    // By the order, as it is done at the desk.
    let (order, _) = till.paid_order().await;
    let by_order = |order: &str, key: &str| {
        let path = format!("/api/v1/admin/orders/{order}/refunds");
        let request = till.shop.api.request(Method::POST, &path).bearer_auth(till.shop.issuer.admin());
        request.header("idempotency-key", key).json(&json!({"amount_minor": 300, "reason": "late"})).send()
    };
    assert_eq!(by_order(&order, "desk").await.unwrap().status(), 201);
    assert_eq!(by_order(&order, "desk").await.unwrap().status(), 201);
    assert_eq!(till.payment(&order).await["refunded_minor"], 300);
    assert_eq!(till.status(&order).await, "paid");
    problem(by_order(&unpaid, "unpaid").await.unwrap(), 409, "wrong-state").await;
}

async fn refunds_whose_answer_was_lost_happen_once(till: &Till) {
    for fault in [Fault::Away, Fault::LostAnswer, Fault::Broken] {
        let (order, intent) = till.paid_order().await;
        let payment = till.payment(&order).await;
        till.stripe.fail_next(fault);
        assert_eq!(till.gave_back(&payment, 500).await["state"], "requested", "{fault:?}");
        till.reconcile().await;
        let refund = till.money(&order).await["refunds"][0].clone();
        assert_eq!(refund["state"], "succeeded", "{fault:?}");
        assert_eq!(till.stripe.refunds_of(intent["id"].as_str().unwrap()).len(), 1, "{fault:?}");
        assert_eq!(till.payment(&order).await["refunded_minor"], 500);
    }
    // Refused for good: the money is still here.
    let (order, _) = till.paid_order().await;
    let payment = till.payment(&order).await;
    till.stripe.fail_next(Fault::Refused);
    let refused = till.gave_back(&payment, 500).await;
    assert_eq!((&refused["state"], &refused["failure"]), (&json!("failed"), &json!("amount_too_small")));
    let payment = till.payment(&order).await;
    assert_eq!((&payment["refunded_minor"], &payment["flag"]), (&json!(0), &json!("refund_failed")));
}

async fn what_stripe_does_by_itself_is_noticed(till: &Till) {
    // Given back in Stripe's own pages.
    let (order, intent) = till.paid_order().await;
    let charge = json!({"id": "ch_2", "payment_intent": intent["id"], "amount_refunded": 700});
    till.tell("charge.refunded", &charge).await;
    till.tell("charge.refunded", &charge).await;
    let payment = till.payment(&order).await;
    assert_eq!((&payment["refunded_minor"], &payment["flag"]), (&json!(700), &json!("refunded_elsewhere")));
    problem(till.give_back(&payment, TOTAL, "all").await, 409, "conflict").await;

    let (order, intent) = till.paid_order().await;
    till.tell("charge.dispute.created", &json!({"id": "dp_1", "payment_intent": intent["id"]})).await;
    assert_eq!(till.payment(&order).await["flag"], "disputed");

    // A refund that the bank sends back weeks later.
    let (order, intent) = till.paid_order().await;
    till.stripe.begin_refunds_as("pending");
    let refund = till.gave_back(&till.payment(&order).await, 900).await;
    till.stripe.begin_refunds_as("succeeded");
    assert_eq!(refund["state"], "pending");
    let mut told = till.stripe.refunds_of(intent["id"].as_str().unwrap())[0].clone();
    told["status"] = "failed".into();
    told["failure_reason"] = "lost_or_stolen_card".into();
    till.tell("refund.failed", &told).await;
    told["status"] = "succeeded".into();
    till.tell("refund.updated", &told).await;
    let money = till.money(&order).await;
    assert_eq!(
        (&money["refunds"][0]["state"], &money["refunds"][0]["failure"]),
        (&json!("failed"), &json!("lost_or_stolen_card"))
    );
    assert_eq!(
        (&money["payments"][0]["refunded_minor"], &money["payments"][0]["flag"]),
        (&json!(0), &json!("refund_failed"))
    );
}

async fn a_transfer_is_recorded_by_hand(till: &Till) {
    let placed = till.place("bank_transfer").await;
    let order = id_of(&placed);
    let step = &placed["payment"];
    assert_eq!((&step["state"], &step["instructions"]), (&json!("pending"), &json!(BANK)));
    assert_eq!(step["remittance"], placed["order"]["number"]);
    let path = format!("/orders/{order}/payment/received");
    let receive = |amount: i64, reference: &str| {
        till.admin(Method::POST, &path, Some(json!({"amount_minor": amount, "reference": reference})))
    };
    problem(receive(TOTAL - 1, "DBS-1").await, 422, "validation").await;
    problem(receive(0, "").await, 422, "validation").await;
    assert_eq!(receive(TOTAL, "DBS-1").await.status(), 200);
    assert_eq!(receive(TOTAL, "DBS-1").await.status(), 200);
    problem(receive(TOTAL, "DBS-2").await, 409, "wrong-state").await;
    assert_eq!(till.status(&order).await, "paid");
    assert_eq!(till.gave_back(&till.payment(&order).await, TOTAL).await["state"], "by_hand");
    assert_eq!(till.status(&order).await, "refunded");

    let other = id_of(&till.place("bank_transfer").await);
    let money = json!({"amount_minor": TOTAL, "reference": "DBS-1"});
    let used = till.admin(Method::POST, &format!("/orders/{other}/payment/received"), Some(money.clone())).await;
    problem(used, 409, "conflict").await;

    let at_the_door = till.place("cash_on_delivery").await;
    assert_eq!(at_the_door["payment"]["state"], "pending");
    assert_eq!(at_the_door["payment"].get("instructions"), None);
    let card = till.order().await;
    let by_card = till.admin(Method::POST, &format!("/orders/{card}/payment/received"), Some(money)).await;
    problem(by_card, 409, "wrong-state").await;
}

async fn strangers_get_nothing(till: &Till) {
    let placed = till.place("card").await;
    let order = id_of(&placed);
    let path = format!("/api/v1/orders/{order}/payment");
    let post = |path: &str| till.shop.api.request(Method::POST, path);
    problem(post(&path).send().await.unwrap(), 401, "unauthorized").await;
    let other = customer(&till.shop, "somebody else");
    problem(post(&path).bearer_auth(&other).send().await.unwrap(), 404, "not-found").await;
    let forged = post(&path).header("x-order-token", "forged").send().await.unwrap();
    problem(forged, 404, "not-found").await;
    let token = placed["order_token"].as_str().unwrap();
    assert_eq!(post(&path).header("x-order-token", token).send().await.unwrap().status(), 200);
    let nowhere = format!("/api/v1/orders/{}/payment", Uuid::now_v7());
    problem(post(&nowhere).bearer_auth(&other).send().await.unwrap(), 404, "not-found").await;

    let payment = till.payment(&order).await["id"].as_str().unwrap().to_owned();
    for (method, path) in [
        (Method::GET, "/payments".to_owned()),
        (Method::GET, format!("/orders/{order}/payments")),
        (Method::POST, format!("/orders/{order}/payment/received")),
        (Method::POST, format!("/payments/{payment}/refunds")),
        (Method::POST, format!("/orders/{order}/refunds")),
        (Method::POST, format!("/payments/{payment}/resolve")),
        (Method::POST, "/payments/reconcile".to_owned()),
    ] {
        let request = || till.shop.api.request(method.clone(), &format!("/api/v1/admin{path}")).json(&json!({}));
        problem(request().send().await.unwrap(), 401, "unauthorized").await;
        problem(request().bearer_auth(&other).send().await.unwrap(), 403, "forbidden").await;
    }
    let path = format!("/payments/{payment}/refunds");
    let without_key = till.admin(Method::POST, &path, Some(json!({"amount_minor": 1, "reason": "x"})));
    problem(without_key.await, 400, "invalid-request").await;
}

async fn everything_said_is_in_the_journal(till: &Till) {
    for kind in [
        "payment.started",
        "payment.told",
        "payment.checked",
        "payment.received",
        "payment.resolved",
        "refund.requested",
        "refund.answered",
    ] {
        let events = till.count(&format!("SELECT COUNT(*) FROM outbox WHERE kind = '{kind}'")).await;
        assert!(events > 0, "{kind}");
    }
    assert_eq!(till.count("SELECT COUNT(*) FROM outbox WHERE journal_seq IS NULL").await, 0);
    // Nothing that people are called by was kept of what Stripe said.
    assert_eq!(till.count("SELECT COUNT(*) FROM outbox WHERE body LIKE '%insufficient funds, Mei%'").await, 0);
}
