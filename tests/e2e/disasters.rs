//! Disasters, on an environment of its own: every drill, restores that are undone, given up and killed, and bad input.

use std::io::{BufRead as _, BufReader};

use jewel_tests::{Answer, Cloud};
use serde_json::{Value, json};

use crate::Shop;

/// The steps of a restore from a backup, all of them.
const STEPS: [&str; 14] = [
    "close",
    "stop",
    "fence",
    "make",
    "enter",
    "load",
    "migrate",
    "replay",
    "verify",
    "put_in_use",
    "provision",
    "deploy",
    "check",
    "open",
];

/// A shop that may be damaged, beside the one that the other tests look at.
pub struct Damaged<'a> {
    /// Where it runs.
    pub cloud: &'a Cloud,
    /// Its address.
    pub url: String,
}

impl<'a> Damaged<'a> {
    /// Brings it up, whatever the test before left of it.
    pub fn of(shop: &'a Shop) -> Self {
        let answer =
            shop.cloud.run(&["up", "--env", "drill", "--seed", "--yes", "--json", "--lock-wait", "60"]).expect(0);
        Self { cloud: &shop.cloud, url: answer.json()["url"].as_str().expect("an address").to_owned() }
    }

    /// `jewelctl ARGS…` on it, with consent.
    pub fn run(&self, args: &[&str]) -> Answer {
        self.cloud.run(&[args, &["--env", "drill", "--yes", "--json"]].concat())
    }

    /// A guest buys something: the order's id, and what opens it.
    pub fn buy(&self) -> (String, String) {
        let client = reqwest::blocking::Client::new();
        let json = |request: reqwest::blocking::RequestBuilder| -> Value {
            let answer = request.send().expect("an answer");
            let status = answer.status();
            let text = answer.text().expect("a body");
            assert!(status.is_success(), "{status}: {text}");
            serde_json::from_str(&text).expect("JSON")
        };
        let at = |path: &str| format!("{}/api/v1/{path}", self.url);
        let list = json(client.get(at("products?in_stock=true&limit=1")));
        let product = json(client.get(at(&format!("products/{}", list["items"][0]["slug"].as_str().expect("a slug")))));
        let variants = product["variants"].as_array().expect("variants");
        let variant = variants.iter().find(|one| one["available"].as_i64() > Some(0)).expect("something to buy");
        let line = json!({ "variant_id": variant["id"], "quantity": 1 });
        let cart = json(client.post(at("cart/lines")).json(&line));
        let quotes = cart["quotes"].as_array().expect("quotes");
        let quote = quotes.iter().find(|quote| quote["shipping_method"] == "standard").expect("standard shipping");
        let checkout = json!({
            "email": "mei@example.com", "shipping_method": "standard", "payment_method": "cash_on_delivery",
            "expected_total_minor": quote["total"]["amount"],
            "address": { "name": "Mei Tan", "line1": "10 Anson Road", "city": "Singapore", "postal_code": "079903",
                "country": "SG" },
        });
        let token = cart["token"].as_str().expect("a token");
        let order = client.post(at("orders")).header("x-cart-token", token).header("idempotency-key", token);
        let placed = json(order.json(&checkout));
        let text = |pointer: &str| placed.pointer(pointer).and_then(Value::as_str).expect("text").to_owned();
        (text("/order/id"), text("/order_token"))
    }

    /// Every one of these orders is there.
    #[track_caller]
    pub fn has(&self, orders: &[(String, String)]) {
        for (id, token) in orders {
            let asked = reqwest::blocking::Client::new().get(format!("{}/api/v1/orders/{id}", self.url));
            let answer = asked.header("x-order-token", token).send().expect("an answer");
            assert_eq!(answer.status().as_u16(), 200, "order {id} is lost: {:?}", answer.text());
        }
    }

    /// The database in use.
    pub fn database(&self) -> String {
        self.run(&["outputs"]).expect(0).json()["database_name"].as_str().expect("a name").to_owned()
    }

    /// Nothing is to be changed, and visitors are answered.
    pub fn is_whole(&self) {
        self.run(&["plan", "--exit-code"]).expect(0);
        self.run(&["status", "--exit-code"]).expect(0);
    }

    /// Deletes the databases and machines that restores have left behind: each is a server that runs.
    pub fn clear_away(&self) {
        let outputs = self.run(&["outputs"]).expect(0).json();
        let used = [&outputs["database_name"], &outputs["instance_name"]].map(|name| name.as_str().expect("a name"));
        let program = "
import boto3, sys
l = boto3.client('lightsail')
old = lambda name: name.startswith('shop-drill-') and name not in USED
for one in l.get_relational_databases()['relationalDatabases']:
    if old(one['name']): l.delete_relational_database(relationalDatabaseName=one['name'], skipFinalSnapshot=True)
for one in l.get_instances()['instances']:
    if old(one['name']): l.delete_instance(instanceName=one['name'], forceDeleteAddOns=True)
";
        self.cloud.python(&program.replace("USED", &format!("{used:?}"))).expect(0);
    }
}

/// Every scenario is rehearsed with the commands that an operator would type, and keeps every promise.
pub fn rehearsed(shop: &Shop) {
    let damaged = Damaged::of(shop);
    let listed = damaged.run(&["drill", "list"]).expect(0).json();
    let names: Vec<&str> =
        listed["scenarios"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
    assert!(names.contains(&"database-deleted") && names.contains(&"restore-killed"), "{names:?}");
    for name in &names {
        let answer = damaged.run(&["drill", "run", name]);
        assert!([0, 8].contains(&answer.code), "{name}: exit {}\n{}\n{}", answer.code, answer.stdout, answer.stderr);
        let report = answer.json()["drills"][0].clone();
        // How fast our share was says more of a machine that runs other tests at the same time than of us.
        let is_speed = |one: &&Value| one["target"].as_str().is_some_and(|target| target.starts_with("our share"));
        let verdicts = report["verdicts"].as_array().unwrap();
        let missed = || verdicts.iter().filter(|one| one["kept"] != true);
        assert!(missed().all(|one| is_speed(&one)), "{name}: {verdicts:?}");
        assert!(report["assertions"].as_array().unwrap().iter().all(|one| one["holds"] == true), "{name}: {report}");
        assert_eq!(answer.code == 0, missed().next().is_none(), "{name}: {verdicts:?}");
        damaged.clear_away();
    }
    let last = damaged.run(&["drill", "list"]).expect(0).json()["scenarios"].clone();
    assert!(last.as_array().unwrap().iter().all(|one| one["last"]["passed"].is_boolean()), "{last}");
    let report = damaged.run(&["drill", "report"]).expect(0).json();
    assert_eq!(report["scenario"], *names.last().unwrap());
    let text = damaged.cloud.run(&["drill", "report", "--env", "drill"]).expect(0).stdout;
    assert!(text.contains(report["id"].as_str().unwrap()), "{text}");
    damaged.is_whole();
}

/// Snapshots are taken, kept, listed and thinned out; what somebody else made is left alone.
pub fn snapshots(shop: &Shop) {
    let damaged = Damaged::of(shop);
    let foretold = damaged.cloud.run(&["snapshot", "create", "--dry-run", "--env", "drill"]).expect(0).stdout;
    assert!(foretold.contains("does not answer while its snapshot is taken"), "{foretold}");
    let taken = damaged.run(&["snapshot", "create"]).expect(0).json()["snapshots"].clone();
    let of: Vec<&str> = taken.as_array().unwrap().iter().map(|one| one["of"].as_str().unwrap()).collect();
    assert_eq!(of, ["db", "api"], "{taken}");
    damaged.run(&["snapshot", "create", "instance"]).expect(0);
    let machine = damaged.run(&["outputs"]).expect(0).json()["instance_name"].as_str().unwrap().to_owned();
    let by_hand = ["lightsail", "create-instance-snapshot", "--instance-name", &machine];
    damaged.cloud.aws(&[&by_hand[..], &["--instance-snapshot-name", "shop-drill-by-hand"]].concat()).expect(0);

    let listed = |what: &str| damaged.run(&["snapshot", "list", what]).expect(0).json()["snapshots"].clone();
    let count = |list: &Value, of: &str, kind: &str| {
        list.as_array().unwrap().iter().filter(|one| one["of"] == of && one["kind"] == kind).count()
    };
    let before = listed("all");
    assert!(count(&before, "api", "kept") >= 2 && count(&before, "api", "foreign") == 1, "{before}");
    assert_eq!(count(&listed("database"), "api", "kept"), 0);
    assert!(
        before.as_array().unwrap().iter().all(|one| one["kind"] != "kept" || one["monthly_usd"].is_f64()),
        "{before}"
    );

    let prune = ["snapshot", "prune", "instance", "--daily", "1", "--weekly", "0", "--monthly", "0"];
    let dry = damaged.run(&[&prune[..], &["--dry-run"]].concat()).expect(0).json();
    assert!(!dry["deletes"].as_array().unwrap().is_empty(), "{dry}");
    let names = |list: &Value| list.as_array().unwrap().iter().map(|one| one["name"].to_string()).collect::<Vec<_>>();
    assert_eq!(names(&listed("all")), names(&before), "a dry run deletes nothing");
    assert_eq!(damaged.run(&prune).expect(0).json()["deletes"], dry["deletes"]);
    let gone = || {
        let after = listed("all");
        (count(&after, "api", "kept"), count(&after, "api", "foreign"), count(&after, "db", "kept"))
    };
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(30);
    while gone() != (1, 1, count(&before, "db", "kept")) {
        assert!(std::time::Instant::now() < deadline, "{:?}", listed("all"));
    }
    damaged
        .cloud
        .aws(&["lightsail", "delete-instance-snapshot", "--instance-snapshot-name", "shop-drill-by-hand"])
        .expect(0);
    let kept = damaged.run(&["snapshot", "keep", "--dry-run"]).expect(0).json();
    assert_eq!((&kept["would_keep"], &kept["lacking"]), (&json!([]), &json!([])), "one of this week is kept already");
    damaged.is_whole();
}

/// Back to the database that served before, with everything that was acknowledged meanwhile.
pub fn undone(shop: &Shop) {
    let damaged = Damaged::of(shop);
    let first = damaged.database();
    let mut orders = vec![damaged.buy()];
    damaged.run(&["restore", "database", "--from", "point-in-time"]).expect(0);
    assert_ne!(damaged.database(), first);
    damaged.has(&orders);
    orders.push(damaged.buy());
    damaged.run(&["restore", "undo"]).expect(0);
    assert_eq!(damaged.database(), first);
    damaged.has(&orders);
    orders.push(damaged.buy());
    damaged.has(&orders);
    damaged.is_whole();
    damaged.clear_away();
}

/// A restore that was cut off before anything was put in use can be given up.
pub fn given_up(shop: &Shop) {
    let damaged = Damaged::of(shop);
    let first = damaged.database();
    let orders = [damaged.buy()];
    damaged.run(&["backup", "create"]).expect(0);
    let id =
        killed_after(&damaged, &["restore", "database", "--from", "backup"], Some("enter")).expect("it was killed");
    assert_eq!(damaged.run(&["status", "--exit-code"]).code, 8, "the shop is closed");
    assert_eq!(damaged.run(&["restore", "abandon"]).expect(0).json()["id"], *id);
    assert_eq!(damaged.database(), first);
    damaged.has(&orders);
    damaged.is_whole();
    damaged.run(&["restore", "abandon", &id]).expect(7);
    damaged.run(&["restore", "undo", &id]).expect(7);
    damaged.clear_away();
}

/// `kill -9` after each step; the same restore goes on each time, and in the end nothing is lost.
pub fn killed_at_each_step(shop: &Shop) {
    let damaged = Damaged::of(shop);
    let mut orders = vec![damaged.buy()];
    damaged.run(&["backup", "create"]).expect(0);
    orders.push(damaged.buy());
    let begin = ["restore", "database", "--from", "backup"];
    let id = killed_after(&damaged, &begin, None).expect("it was killed");
    let mut kills = 1;
    while killed_after(&damaged, &["restore", "database", "--resume", &id], None).is_some() {
        kills += 1;
    }
    // A step may have been done before the kill arrived.
    assert!(kills > STEPS.len() / 2, "it was killed only {kills} times");
    let done = damaged.run(&["restore", "database", "--resume", &id]).expect(0).json()["done"].clone();
    let steps: Vec<&str> = done.as_array().unwrap().iter().map(|one| one["step"].as_str().unwrap()).collect();
    assert_eq!(steps, STEPS);
    damaged.has(&orders);
    damaged.buy();
    damaged.is_whole();
    damaged.clear_away();
}

/// Bad input gets its exit code, and the shop stays as it is.
pub fn bad_input(shop: &Shop) {
    let damaged = Damaged::of(shop);
    let inventory = jewel_tests::inventory::Inventory::new(damaged.cloud);
    let before = inventory.of("drill");
    let soon = "2999-01-01T00:00:00Z";
    let table: &[(&[&str], i32)] = &[
        (&["restore", "database", "--from", "snapshot", "--name", "no-such"], 7),
        (&["restore", "database", "--from", "backup", "--name", "no-such"], 2),
        (&["restore", "database", "--from", "point-in-time", "--at", soon, "--no-replay"], 7),
        (&["restore", "database", "--from", "snapshot", "--at", "1h"], 2),
        (&["restore", "database", "--from", "nothing"], 2),
        (&["restore", "database", "--at", "yesterday"], 2),
        (&["restore", "database", "--name", "shop-drill-db-1"], 2),
        (&["restore", "database", "--resume", "no-such"], 2),
        (&["restore", "database", "--resume", "no-such", "--from", "backup"], 2),
        (&["restore", "instance", "--number", "2"], 2),
        (&["restore", "instance", "--number", "9"], 2),
        (&["restore", "instance", "--from", "nothing", "--name", "no-such"], 2),
        (&["restore", "instance", "--resume", "no-such"], 2),
        (&["restore", "undo", "no-such"], 2),
        (&["restore", "abandon", "no-such"], 2),
        (&["restore", "media"], 2),
        (&["restore", "media", "--at", soon], 2),
        (&["restore", "site", "--at", soon], 2),
        (&["restore", "site", "--at", "the day before"], 2),
        (&["snapshot", "create", "everything"], 2),
        (&["snapshot", "prune", "--daily", "-1"], 2),
        (&["backup", "show", "no-such"], 2),
        (&["backup", "verify", "no-such"], 2),
        (&["backup", "verify", "--slice", "0"], 2),
        (&["backup", "prune", "--daily", "all"], 2),
        (&["drill", "run", "no-such"], 2),
        (&["drill", "run"], 2),
        (&["drill", "report", "no-such"], 2),
        (&["runbook", "show", "no-such"], 2),
        (&["runbook", "run", "no-such"], 2),
        (&["runbook", "run", "journal"], 2),
        (&["runbook", "run", "site-down", "--from", "no-such"], 2),
    ];
    for (args, code) in table {
        let answer = damaged.run(args);
        assert_eq!(answer.code, *code, "{args:?}\n{}\n{}", answer.stdout, answer.stderr);
    }
    // Nobody consents.
    for args in [&["restore", "database"][..], &["snapshot", "create"], &["drill", "run", "database-deleted"]] {
        damaged.cloud.run(&[args, &["--env", "drill"]].concat()).expect(7);
    }
    // A window that is never open now, and one that always is.
    for (window, code) in [(hours_from_now(3), 7), (hours_from_now(0), 0)] {
        let file = format!("project = \"shop\"\n[env.drill.database]\nmaintenance_window = \"{window}\"\n");
        let config = damaged.cloud.folder().join("window.toml");
        fs_err::write(&config, file).unwrap();
        let config = config.to_string_lossy().into_owned();
        let args = ["snapshot", "create", "database", "--in-window", "--dry-run", "--config", &config];
        let answer = damaged.run(&args).expect(code);
        assert!(code == 0 || answer.stdout.contains("the next maintenance window is"), "{}", answer.stdout);
    }
    assert_eq!(inventory.of("drill"), before);
    damaged.is_whole();
}

/// The environment is taken down, although its database is lost; what restores and snapshots left is deleted by hand.
pub fn taken_down(shop: &Shop) {
    let damaged = Damaged::of(shop);
    damaged.clear_away();
    let delete = ["lightsail", "delete-relational-database", "--skip-final-snapshot", "--relational-database-name"];
    damaged.cloud.aws(&[&delete[..], &[&damaged.database()]].concat()).expect(0);
    damaged.cloud.run(&["destroy", "--env", "drill", "--confirm", "shop-drill", "--delete-data"]).expect(0);
    // What restores have put into the roles is of a later generation than what `up` made, and goes as well.
    let program = "
import boto3
l = boto3.client('lightsail')
left = [one['name'] for one in l.get_instances()['instances'] + l.get_relational_databases()['relationalDatabases']]
assert not [name for name in left if 'shop-drill' in name], left
for one in l.get_relational_database_snapshots()['relationalDatabaseSnapshots']:
    l.delete_relational_database_snapshot(relationalDatabaseSnapshotName=one['name'])
for one in l.get_instance_snapshots()['instanceSnapshots']:
    if 'shop-drill' in one['name']: l.delete_instance_snapshot(instanceSnapshotName=one['name'])
";
    damaged.cloud.python(program).expect(0);
}

/// Starts a restore and kills it as soon as it has said that this step is done, or any; its id. `None` when it came to
/// its end.
pub fn killed_after(damaged: &Damaged<'_>, args: &[&str], step: Option<&str>) -> Option<String> {
    let args = [args, &["--env", "drill", "--yes", "--json"]].concat();
    let mut child = damaged.cloud.command(&args).spawn();
    let (mut id, mut seen) = (None, String::new());
    for line in BufReader::new(child.stdout.take().expect("a pipe")).lines() {
        let line = line.expect("text");
        let value: Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
        seen.push_str(&line);
        seen.push('\n');
        if let Some(restore) = value.pointer("/event/restore").and_then(Value::as_str) {
            id = Some(restore.to_owned());
        }
        let done = value.pointer("/event/done").and_then(Value::as_str);
        if done.is_some() && (step.is_none() || done == step) {
            child.kill().expect("it can be killed");
            child.wait().expect("it ends");
            return id;
        }
    }
    let ended = child.wait().expect("it ends");
    assert!(ended.success() && step.is_none(), "it never did {step:?}, and ended with {ended}:\n{seen}");
    None
}

/// A window of two hours that begins so many hours from the last full one, as Lightsail writes it.
fn hours_from_now(hours: i64) -> String {
    let at = |hours: i64| {
        let then = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(hours);
        then.strftime("%a:%H:00").to_string().to_lowercase()
    };
    format!("{}-{}", at(hours), at(hours + 2))
}
