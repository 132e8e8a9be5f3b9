//! A shop that takes money: keys come in as secrets, settings say how one may pay, and an order is paid when Stripe says
//! so at the shop's own address.

use std::io::Write as _;
use std::process::Stdio;

use jewel_tests::{Answer, stripe::Stripe};
use serde_json::{Value, json};

use crate::Shop;
use crate::http::Response;

const KEY: &str = "sk_test_51e2eKeyThatNobodySees";
const SECRET: &str = "whsec_e2eFirstThatNobodySees";
const NEXT_SECRET: &str = "whsec_e2eSecondThatNobodySees";
const BANK: &str = "DBS Bank, account 003-912345-6, \"Maison\" Permata";

/// Types a value on a terminal once it is asked for and no longer echoed, and prints all that the terminal showed.
const PROMPT: &str = "
import os, pty, select, sys, termios, time
pid, terminal = pty.fork()
if pid == 0:
    program = os.environ['JEWELCTL']
    os.execv(program, [program, 'secrets', 'set', 'stripe-secret-key', '--target', 'local'])
shown, typed, deadline = b'', False, time.monotonic() + 60
while time.monotonic() < deadline:
    if select.select([terminal], [], [], 0.02)[0]:
        try:
            shown += os.read(terminal, 4096)
        except OSError:
            break
    echoes = termios.tcgetattr(terminal)[3] & termios.ECHO
    if b'stripe-secret-key' in shown and not echoes and not typed:
        typed = os.write(terminal, b'THE_VALUE\\n') > 0
print(shown.decode())
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
";

/// Runs commands and keeps what they said.
struct Till<'a> {
    shop: &'a Shop,
    said: std::cell::RefCell<Vec<String>>,
}

/// The whole way: refused without keys, set, delivered, paid, changed; and the values are nowhere to be read.
pub fn payments(shop: &Shop) {
    let till = Till { shop, said: std::cell::RefCell::default() };
    let query = ["--query", "instances[0].privateIpAddress", "--output", "text"];
    let address = shop.cloud.aws(&[&["lightsail", "get-instances"], &query[..]].concat()).expect(0).stdout;
    let stripe = Stripe::beside(address.trim(), KEY);
    let file = shop.cloud.folder().join("jewel.toml");
    let before = fs_err::read_to_string(&file).unwrap();
    let methods = format!("methods = [\"card\", \"bank_transfer\"]\nbank_details = '{BANK}'");
    let standard = "standard = { price_minor = 800, free_from_minor = 20_000 }";
    let text = [
        ("methods = [\"cash_on_delivery\"]", methods.as_str()),
        (standard, "standard = { price_minor = 777 }"),
        ("percent = 9.0", "percent = 8.25"),
        ("[local]", &format!("[local]\nstripe_url = \"{}\"", stripe.url)),
    ];
    let text = text.iter().fold(before.clone(), |text, (old, new)| text.replace(old, new));
    fs_err::write(&file, text).unwrap();

    till.refused_without_keys();
    till.keys_are_set_and_delivered();
    till.terms_are_those_of_the_settings();
    till.an_order_is_paid(&stripe);
    till.a_transfer_is_explained();
    till.webhook_secrets_change();
    till.carts_outlive_their_secret();
    till.provision_keeps_what_it_did_not_make();
    till.nothing_is_to_be_read();

    fs_err::write(&file, before).unwrap();
    till.run(&["deploy", "api"], None).expect(0);
    till.run(&["status", "--exit-code"], None).expect(0);
}

impl Till<'_> {
    fn run(&self, args: &[&str], input: Option<&str>) -> Answer {
        let mut child = self.shop.cloud.command(args).input(Stdio::piped()).spawn();
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(input.unwrap_or_default().as_bytes()).unwrap();
        drop(stdin);
        let answer = Answer::from(child.wait_with_output().unwrap());
        self.said.borrow_mut().extend([answer.stdout.clone(), answer.stderr.clone()]);
        answer
    }

    /// A secret as `secrets list` has it: how many values, and whether the instances have them.
    fn listed(&self, name: &str) -> (i64, bool) {
        let list = self.run(&["secrets", "list", "--json"], None).expect(0).json();
        let all = list["secrets"].as_array().unwrap();
        let one = all.iter().find(|secret| secret["name"] == name).unwrap_or_else(|| panic!("{name} in {list}"));
        assert_eq!(one["set_at"].is_string(), one["values"] != 0, "{one}");
        (one["values"].as_i64().unwrap(), one["delivered"].as_bool().unwrap())
    }

    fn refused_without_keys(&self) {
        for command in [&["deploy", "api"][..], &["deploy", "api", "--dry-run"], &["up", "--yes"]] {
            let refused = self.run(command, None).expect(2);
            assert!(refused.stderr.contains("`payments.methods` offers card"), "{}", refused.stderr);
            assert!(refused.stderr.contains("jewelctl secrets set stripe-secret-key"), "{}", refused.stderr);
        }
        assert_eq!(self.shop.get("/api/v1/payment-methods").json()["items"], json!(["cash_on_delivery"]));
        let status = self.run(&["status", "--exit-code"], None).expect(8);
        assert!(status.stdout.contains("jewel.toml says card, bank_transfer"), "{}", status.stdout);
    }

    fn keys_are_set_and_delivered(&self) {
        let set = ["secrets", "set", "stripe-secret-key"];
        let public = "pk_test_51e2ePublishable";
        let wrong = self.run(&set, Some(public)).expect(2);
        assert!(wrong.stderr.contains("publishable") && !wrong.stderr.contains(public), "{}", wrong.stderr);
        self.run(&set, None).expect(2);
        self.run(&[&set[..], &["--dry-run"]].concat(), Some(KEY)).expect(0);
        assert_eq!(self.listed("stripe-secret-key"), (0, false));
        let done = self.shop.cloud.python(&PROMPT.replace("THE_VALUE", KEY)).expect(0);
        assert!(done.stdout.contains("test mode"), "{}", done.stdout);
        self.said.borrow_mut().push(done.stdout);
        let again = self.run(&[&set[..], &["--json"]].concat(), Some(&format!("{KEY}\n"))).expect(0).json();
        assert_eq!(again["written"], false, "{again}");
        // Half an account is none.
        let half = self.run(&["deploy", "api"], None).expect(2);
        assert!(!half.stderr.contains("no stripe-secret-key"), "{}", half.stderr);
        self.run(&["secrets", "set", "stripe-webhook-secret"], Some(SECRET)).expect(0);
        assert_eq!(self.listed("stripe-webhook-secret"), (1, false));
        assert_eq!(self.listed("origin"), (1, true));
        self.run(&["deploy", "api"], None).expect(0);
        assert_eq!(self.listed("stripe-webhook-secret"), (1, true));
        self.run(&["status", "--exit-code"], None).expect(0);
        assert_eq!(self.shop.get("/api/v1/payment-methods").json()["items"], json!(["card", "bank_transfer"]));
    }

    fn an_order_is_paid(&self, stripe: &Stripe) {
        let (order, token, payment) = self.order("card");
        assert_eq!((&payment["state"], stripe.refused()), (&json!("pending"), 0), "{payment}");
        assert!(payment["client_secret"].is_string(), "{payment}");
        let status = || self.shop.get_with(&format!("/api/v1/orders/{order}"), "x-order-token", &token).json();
        assert_eq!(status()["status"], "pending_payment");
        // Stripe has no token of the shop's; its signature is what counts.
        let message = stripe.paid(&order);
        assert_eq!(self.tell(&message, "whsec_of_somebody_else").status, 400);
        assert_eq!(self.tell("{}", SECRET).status, 400);
        assert_eq!(status()["status"], "pending_payment");
        for _ in 0..2 {
            let answer = self.tell(&message, SECRET);
            assert_eq!(answer.status, 200, "{answer:?}");
        }
        let paid = status();
        assert_eq!(paid["status"], "paid", "{paid}");
        assert!(paid["payment"]["paid_at"].is_string(), "{paid}");
    }

    /// Shipping and tax are those of the settings.
    fn terms_are_those_of_the_settings(&self) {
        let quote = self.quote(&self.cart());
        assert_eq!(
            (&quote["shipping"]["amount"], &quote["tax"]["basis_points"]),
            (&json!(777), &json!(825)),
            "{quote}"
        );
    }

    fn a_transfer_is_explained(&self) {
        let (_, _, payment) = self.order("bank_transfer");
        assert_eq!(payment["instructions"], BANK, "{payment}");
        assert!(payment["remittance"].is_string(), "{payment}");
    }

    fn webhook_secrets_change(&self) {
        let set = ["secrets", "set", "stripe-webhook-secret"];
        let both = self.run(&set, Some(NEXT_SECRET)).expect(0);
        assert!(both.stdout.contains("the value before it is accepted too"), "{}", both.stdout);
        self.run(&["deploy", "api"], None).expect(0);
        let message =
            json!({ "id": "evt_1", "object": "event", "type": "balance.available", "data": { "object": {} } });
        let told = |secret| self.tell(&message.to_string(), secret).status;
        assert_eq!((told(SECRET), told(NEXT_SECRET)), (200, 200));
        self.run(&[&set[..], &["--only"]].concat(), Some(NEXT_SECRET)).expect(0);
        self.run(&["deploy", "api"], None).expect(0);
        assert_eq!((told(SECRET), told(NEXT_SECRET)), (400, 200));
    }

    fn carts_outlive_their_secret(&self) {
        let cart = self.cart();
        let lines = |token: &str| self.shop.get_with("/api/v1/cart", "x-cart-token", token);
        self.run(&["secrets", "rotate", "cart", "--dry-run"], None).expect(0);
        assert_eq!(self.listed("cart"), (1, true));
        self.run(&["secrets", "rotate", "cart"], None).expect(0);
        assert_eq!(self.listed("cart"), (2, false));
        self.run(&["deploy", "api"], None).expect(0);
        let token = cart["token"].as_str().unwrap();
        let seen = lines(token).json();
        assert_eq!(seen["lines"].as_array().unwrap().len(), 1, "{seen}");
        assert_ne!(seen["token"], cart["token"], "the new secret signs");
        self.run(&["secrets", "rotate", "cart", "--only"], None).expect(0);
        self.run(&["deploy", "api"], None).expect(0);
        assert!(lines(token).status >= 400 && lines(seen["token"].as_str().unwrap()).status >= 400);
    }

    /// Half of the document is gone: what was made is made again, what was given stays.
    fn provision_keeps_what_it_did_not_make(&self) {
        let program = "
import boto3, json
c = boto3.client('secretsmanager')
document = json.loads(c.get_secret_value(SecretId='shop-prod-api')['SecretString'])
del document['cart_secrets']
document['of_another_version'] = 'kept'
c.put_secret_value(SecretId='shop-prod-api', SecretString=json.dumps(document))
";
        self.shop.cloud.python(program).expect(0);
        assert_eq!(self.listed("cart"), (0, false));
        self.run(&["deploy", "api"], None).expect(1);
        let drift = self.run(&["drift", "--exit-code"], None).expect(6);
        assert!(drift.stdout.contains("cart_secret"), "{}", drift.stdout);
        self.run(&["provision", "--yes"], None).expect(0);
        assert_eq!((self.listed("cart"), self.listed("stripe-secret-key")), ((1, false), (1, true)));
        let program = "
import boto3, json
text = boto3.client('secretsmanager').get_secret_value(SecretId='shop-prod-api')['SecretString']
print(json.loads(text)['of_another_version'])
";
        assert_eq!(self.shop.cloud.python(program).expect(0).stdout.trim(), "kept");
        self.run(&["deploy", "api"], None).expect(0);
    }

    fn nothing_is_to_be_read(&self) {
        self.run(&["plan", "--json"], None).expect(0);
        self.run(&["provision", "--yes", "--json", "-vvv"], None).expect(0);
        self.run(&["deploy", "api", "--json", "-vvv"], None).expect(0);
        self.run(&["secrets", "list", "-vvv"], None).expect(0);
        self.run(&["runs", "list", "--json"], None).expect(0);
        let last = self.run(&["runs", "show", "last", "--json"], None).expect(0);
        assert!(last.stdout.contains("deploy api"), "{}", last.stdout);
        let mut texts = self.said.borrow().clone();
        texts.extend(self.shop.logs());
        texts.extend(self.shop.records());
        assert!(texts.iter().any(|text| text.contains("secrets set stripe-webhook-secret")), "no record of it");
        let values = ["KeyThatNobodySees", "FirstThatNobodySees", "SecondThatNobodySees"];
        for text in &texts {
            assert!(!values.iter().any(|value| text.contains(value)), "a secret is in an output, a log or a record");
        }
    }

    /// A visitor's cart with one piece in it.
    fn cart(&self) -> Value {
        let ring = self.shop.get("/api/v1/products?in_stock=true&limit=1").json();
        let slug = ring["items"][0]["slug"].as_str().unwrap_or_else(|| panic!("{ring}")).to_owned();
        let variants = self.shop.get(&format!("/api/v1/products/{slug}")).json()["variants"].clone();
        let variant = variants.as_array().unwrap().iter().find(|variant| variant["available"].as_i64() > Some(0));
        let line = json!({ "variant_id": variant.unwrap_or_else(|| panic!("{variants}"))["id"], "quantity": 1 });
        let added = self.shop.post("/api/v1/cart/lines", None, &line);
        assert_eq!(added.status, 200, "{added:?}");
        added.json()
    }

    /// What a cart comes to with standard shipping.
    fn quote(&self, cart: &Value) -> Value {
        let quotes = cart["quotes"].as_array().unwrap_or_else(|| panic!("{cart}"));
        quotes.iter().find(|quote| quote["shipping_method"] == "standard").expect("standard shipping").clone()
    }

    /// A guest's order: its id, what opens it, and how to pay.
    fn order(&self, method: &str) -> (String, String, Value) {
        let cart = self.cart();
        let checkout = json!({
            "email": "mei@example.com", "shipping_method": "standard", "payment_method": method,
            "expected_total_minor": self.quote(&cart)["total"]["amount"],
            "address": { "name": "Mei Tan", "line1": "10 Anson Road", "city": "Singapore", "postal_code": "079903",
                "country": "SG" },
        });
        let token = cart["token"].as_str().unwrap();
        let headers = [("idempotency-key", format!("e2e-{token}")), ("x-cart-token", token.to_owned())];
        let placed = self.shop.post_with("/api/v1/orders", &headers, &checkout.to_string());
        assert_eq!(placed.status, 201, "{placed:?}");
        let placed = placed.json();
        let text = |value: &Value| value.as_str().unwrap_or_else(|| panic!("{placed}")).to_owned();
        (text(&placed["order"]["id"]), text(&placed["order_token"]), placed["payment"].clone())
    }

    /// Delivers a message to the shop's own address, signed as Stripe signs.
    fn tell(&self, message: &str, secret: &str) -> Response {
        let program = "
import hashlib, hmac, sys, time
secret, at, message = sys.argv[1], str(int(time.time())), sys.stdin.read()
print(f't={at},v1=' + hmac.new(secret.encode(), f'{at}.{message}'.encode(), hashlib.sha256).hexdigest())
";
        let mut python = std::process::Command::new("python3");
        let mut child = python
            .args(["-c", program, secret])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3 runs");
        child.stdin.take().unwrap().write_all(message.as_bytes()).unwrap();
        let signature = Answer::from(child.wait_with_output().unwrap()).expect(0).stdout.trim().to_owned();
        self.shop.post_with("/api/v1/payments/stripe/webhook", &[("stripe-signature", signature)], message)
    }
}
