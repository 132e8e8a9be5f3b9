//! A shop, a program that can die, and what people were told by it.

use std::{
    process::Child,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use futures::future::join_all;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use sqlx::{ConnectOptions, MySqlConnection};
use uuid::Uuid;

use super::{Act, Misfortune, Scene, facts::Fact};
use crate::support::{
    ORIGIN_SECRET, environment,
    issuer::Issuer,
    program::{self, free_port, kill},
    s3::S3,
    server::Server,
    stripe::{Fault, NEXT_WEBHOOK_SECRET, SECRET_KEY, Stripe, WEBHOOK_SECRET, signed},
};

/// What is for sale: a variant and its product.
const GOODS: [(&str, &str); 4] = [
    ("EMB-925", "ember-studs"),
    ("TID-18Y", "tide-necklace"),
    ("ZEP-925", "zephyr-studs"),
    ("AUR-18Y-12", "aurora-ring"),
];

/// How many there are of each at first.
pub(crate) const STOCK: i32 = 20;

const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct World<'a> {
    pub(crate) s3: S3,
    issuer: &'a Issuer,
    stripe: Stripe,
    address: String,
    variables: Vec<(&'static str, String)>,
    program: Option<Child>,
    client: reqwest::Client,
    known: Mutex<Known>,
}

/// What people know.
#[derive(Default)]
struct Known {
    intents: Vec<Intent>,
    orders: Vec<Order>,
    /// Stripe's messages so far.
    messages: Vec<String>,
    facts: Vec<Fact>,
}

#[derive(Clone)]
struct Intent {
    who: usize,
    cart: Option<String>,
    key: String,
    checkout: Value,
    order: Option<Uuid>,
}

#[derive(Clone)]
struct Order {
    id: Uuid,
    token: String,
    total: i64,
}

/// The program of a story that failed would hold connections in the next.
impl Drop for World<'_> {
    fn drop(&mut self) {
        self.die();
    }
}

impl<'a> World<'a> {
    /// Opens the shop on a database that is filled.
    pub(crate) async fn open(server: &'a Server, issuer: &'a Issuer) -> Self {
        let (s3, stripe) = (S3::start(), Stripe::start().await);
        let address = format!("127.0.0.1:{}", free_port());
        let mut variables = environment(server, issuer, &s3);
        for (name, value) in [
            ("JEWEL_LISTEN", address.clone()),
            ("JEWEL_LOG", "error".to_owned()),
            ("JEWEL_PAYMENT_METHODS", "card,bank_transfer,cash_on_delivery".to_owned()),
            ("JEWEL_STRIPE_URL", stripe.url.clone()),
            ("JEWEL_STRIPE_SECRET_KEY", SECRET_KEY.to_owned()),
            ("JEWEL_STRIPE_WEBHOOK_SECRETS", format!("{WEBHOOK_SECRET},{NEXT_WEBHOOK_SECRET}")),
        ] {
            variables.retain(|(known, _)| *known != name);
            variables.push((name, value));
        }
        let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(20)).build().unwrap();
        let program = None;
        let mut world = Self { s3, issuer, stripe, address, variables, program, client, known: Mutex::default() };
        world.live().await;
        world
    }

    /// Starts the program unless it runs, and waits until it answers.
    pub(crate) async fn live(&mut self) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let runs = self.program.as_mut().is_some_and(|program| program.try_wait().unwrap().is_none());
            if !runs {
                self.program = Some(program::serve(self.variables.clone()));
            }
            let answer = self.client.get(format!("http://{}/livez", self.address)).send().await;
            if answer.is_ok_and(|answer| answer.status().is_success()) {
                return;
            }
            assert!(Instant::now() < deadline, "the program does not answer");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    pub(crate) fn die(&mut self) {
        kill(self.program.take());
    }

    /// Everything acknowledged so far.
    pub(crate) fn facts(&self) -> Vec<Fact> {
        self.known(|known| known.facts.clone())
    }

    /// Plays a scene, and has the program run after it.
    pub(crate) async fn play(&mut self, scene: &Scene) {
        match &scene.misfortune {
            Misfortune::Nothing | Misfortune::Death(_) => {}
            Misfortune::Journal(faults) => self.s3.fail(faults.iter().copied()),
            Misfortune::Away => self.s3.set_away(true),
            Misfortune::StripeForgets => self.stripe.fail_next(Fault::LostAnswer),
        }
        let dying = async |program: Option<Child>| {
            if let Misfortune::Death(after) = scene.misfortune {
                tokio::time::sleep(Duration::from_millis(after)).await;
                kill(program);
                return None;
            }
            program
        };
        let program = self.program.take();
        let acts = join_all(scene.acts.iter().map(|act| self.act(act)));
        let (_, program) = tokio::join!(acts, dying(program));
        self.program = program;
        self.s3.set_away(false);
        self.live().await;
    }

    /// Nothing when it was not acknowledged.
    async fn act(&self, act: &Act) -> Option<()> {
        match *act {
            Act::Buy { who, what, quantity, method } => self.buy(who, what, quantity, method).await,
            Act::BuyAgain { intent } => {
                let (index, intent) = self.known(|known| pick(&known.intents, intent))?;
                self.checkout(index, &intent).await
            }
            Act::CallOff { order } => {
                let (_, order) = self.known(|known| pick(&known.orders, order))?;
                let path = format!("/orders/{}/cancel", order.id);
                self.send(self.ask(None, Method::POST, &path).header("x-order-token", order.token)).await?;
                self.learn(Fact::Moved(order.id, "cancelled"))
            }
            Act::Move { order, to } => self.step(order, to).await,
            Act::Pay { order, short } => {
                let intent = self.open_intent(order)?;
                let amount = intent["amount"].as_i64().unwrap() - short;
                let paid = self.stripe.pay_otherwise(&intent, amount, intent["currency"].as_str().unwrap());
                self.tell(self.stripe.event("payment_intent.succeeded", &paid)).await
            }
            Act::Decline { order } => {
                let declined = self.stripe.decline(&self.open_intent(order)?);
                self.tell(self.stripe.event("payment_intent.payment_failed", &declined)).await
            }
            Act::TellAgain { message } => {
                let (_, message) = self.known(|known| pick(&known.messages, message))?;
                self.tell(message).await
            }
            Act::Receive { order, short } => {
                let (_, order) = self.known(|known| pick(&known.orders, order))?;
                let reference = Uuid::new_v4().to_string();
                let money = json!({"amount_minor": order.total - short, "reference": reference});
                let path = format!("/admin/orders/{}/payment/received", order.id);
                self.send(self.admin(Method::POST, &path).json(&money)).await?;
                self.learn(Fact::Received(reference))
            }
            Act::GiveBack { order, amount } => {
                let (_, order) = self.known(|known| pick(&known.orders, order))?;
                let wish = json!({"amount_minor": amount, "reason": "asked for"});
                let request = self.admin(Method::POST, &format!("/admin/orders/{}/refunds", order.id)).json(&wish);
                let refund = self.send(request.header("idempotency-key", Uuid::new_v4().to_string())).await?;
                self.learn(Fact::Row("refunds", id_of(&refund)))
            }
            Act::Reconcile => self.send(self.admin(Method::POST, "/admin/payments/reconcile")).await.map(drop),
            Act::Adjust { what, delta } => {
                let reason = Uuid::new_v4().to_string();
                let path = format!("/admin/inventory/{}/adjustments", derived(GOODS[what].0));
                let body = json!({"delta": delta, "reason": reason});
                self.send(self.admin(Method::POST, &path).json(&body)).await?;
                self.learn(Fact::Adjusted(reason, delta))
            }
            Act::Threshold { what, low } => {
                let path = format!("/admin/inventory/{}/threshold", derived(GOODS[what].0));
                self.send(self.admin(Method::PUT, &path).json(&json!({"low_stock": low}))).await.map(drop)
            }
            Act::Reprice { what, price } => self.reprice(what, price).await,
            Act::Keep { who } => {
                let address =
                    json!({"name": "Ada Tan", "line1": "10 Anson Road", "city": "Singapore", "country": "SG"});
                let kept = self.send(self.ask(Some(who), Method::POST, "/me/addresses").json(&address)).await?;
                self.learn(Fact::Row("addresses", id_of(&kept)))
            }
        }
    }

    async fn buy(&self, who: usize, what: usize, quantity: i32, method: &str) -> Option<()> {
        let line = json!({"variant_id": derived(GOODS[what].0), "quantity": quantity});
        // One of them does not sign in.
        let signed_in = (who > 0).then_some(who);
        let cart = self.send(self.ask(signed_in, Method::POST, "/cart/lines").json(&line)).await?;
        let checkout = json!({
            "email": "ada@example.com", "shipping_method": "standard", "payment_method": method,
            "expected_total_minor": cart["quotes"][0]["total"]["amount"],
            "address": {"name": "Ada Tan", "line1": "10 Anson Road", "city": "Singapore", "postal_code": "079903",
                "country": "SG"},
        });
        let cart = cart["token"].as_str().map(str::to_owned);
        let intent = Intent { who, cart, key: Uuid::new_v4().to_string(), checkout, order: None };
        let index = self.known(|known| {
            known.intents.push(intent.clone());
            known.intents.len() - 1
        });
        self.checkout(index, &intent).await
    }

    async fn checkout(&self, index: usize, intent: &Intent) -> Option<()> {
        let signed_in = (intent.who > 0).then_some(intent.who);
        let mut request = self.ask(signed_in, Method::POST, "/orders").header("idempotency-key", &intent.key);
        if let Some(cart) = &intent.cart {
            request = request.header("x-cart-token", cart);
        }
        let placed = self.send(request.json(&intent.checkout)).await?;
        let id = id_of(&placed["order"]);
        let token = placed["order_token"].as_str().unwrap().to_owned();
        let total = placed["order"]["total"]["amount"].as_i64().unwrap();
        let first = self.known(|known| known.intents[index].order.replace(id));
        assert!(first.is_none_or(|first| first == id), "one intent was answered with two orders");
        if first.is_none() {
            self.known(|known| known.orders.push(Order { id, token, total }));
        }
        self.learn(Fact::Row("orders", id))
    }

    async fn step(&self, order: usize, to: &'static str) -> Option<()> {
        let (_, order) = self.known(|known| pick(&known.orders, order))?;
        let request = self.admin(Method::POST, &format!("/admin/orders/{}/{to}", order.id));
        let (request, status) = match to {
            "fulfil" => (request, "fulfilled"),
            "ship" => (request.json(&json!({"carrier": "SingPost"})), "shipped"),
            "deliver" => (request, "delivered"),
            "reserve" => (request, "paid"),
            _ => (request.json(&json!({"reason": "asked for"})), "cancelled"),
        };
        self.send(request).await?;
        self.learn(Fact::Moved(order.id, status))
    }

    async fn reprice(&self, what: usize, price: i64) -> Option<()> {
        let (sku, slug) = GOODS[what];
        let product = self.send(self.admin(Method::GET, &format!("/admin/products/{}", derived(slug)))).await?;
        let find = |product: &Value| {
            let variants = product["variants"].as_array().unwrap();
            variants.iter().find(|variant| variant["sku"] == sku).unwrap().clone()
        };
        let variant = find(&product);
        let change = json!({"metal": variant["metal"], "price_minor": price, "position": 0, "status": "active"});
        let path = format!("/admin/variants/{}", variant["id"].as_str().unwrap());
        let request = self.admin(Method::PUT, &path).header("if-match", format!("\"{}\"", variant["version"]));
        let changed = find(&self.send(request.json(&change)).await?);
        self.learn(Fact::Version(id_of(&changed), changed["version"].as_i64().unwrap()))
    }

    /// A payment at Stripe that can still be made.
    fn open_intent(&self, order: usize) -> Option<Value> {
        let (_, order) = self.known(|known| pick(&known.orders, order))?;
        let intents = self.stripe.intents_of(&order.id.to_string());
        intents.into_iter().find(|intent| intent["status"] == "requires_payment_method")
    }

    async fn tell(&self, message: String) -> Option<()> {
        let name = serde_json::from_str::<Value>(&message).unwrap()["id"].as_str().unwrap().to_owned();
        self.known(|known| known.messages.push(message.clone()));
        let request = self.ask(None, Method::POST, "/payments/stripe/webhook");
        self.send(request.header("stripe-signature", signed(&message)).body(message)).await?;
        self.learn(Fact::Told(name))
    }

    fn ask(&self, who: Option<usize>, method: Method, path: &str) -> RequestBuilder {
        let request = self.client.request(method, format!("http://{}/api/v1{path}", self.address));
        let request = request.header("x-origin-verify", ORIGIN_SECRET);
        let claims = |who| json!({"sub": format!("customer-{who}"), "cognito:groups": null});
        match who {
            Some(who) => request.bearer_auth(self.issuer.token("first", claims(who))),
            None => request,
        }
    }

    fn admin(&self, method: Method, path: &str) -> RequestBuilder {
        self.ask(None, method, path).bearer_auth(self.issuer.admin())
    }

    /// The body of an answer that acknowledges; of a refusal, or of none at all, nothing.
    async fn send(&self, request: RequestBuilder) -> Option<Value> {
        let answer = request.send().await.ok()?;
        let (status, path) = (answer.status(), answer.url().path().to_owned());
        let body = answer.json::<Value>().await.ok()?;
        assert!(status.is_success() || status.is_client_error() || status == 503, "{path}: {status} {body}");
        status.is_success().then_some(body)
    }

    fn learn(&self, fact: Fact) -> Option<()> {
        self.known(|known| known.facts.push(fact));
        Some(())
    }

    fn known<T>(&self, with: impl FnOnce(&mut Known) -> T) -> T {
        with(&mut self.known.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// One of them, if there is any, and where it is.
fn pick<T: Clone>(all: &[T], number: usize) -> Option<(usize, T)> {
    let index = number.checked_rem(all.len())?;
    Some((index, all[index].clone()))
}

fn id_of(value: &Value) -> Uuid {
    value["id"].as_str().unwrap().parse().unwrap()
}

/// The id that the test's catalogue derives from a name.
fn derived(name: &str) -> Uuid {
    use sha2::{Digest, Sha256};
    Uuid::from_slice(&Sha256::digest(name)[..16]).unwrap()
}

/// The shop's database.
pub(crate) async fn connect(server: &Server) -> MySqlConnection {
    server.options().database("shop").connect().await.unwrap()
}
