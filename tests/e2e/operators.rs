//! What an operator sees of a run: who holds the lock, what was done, what a failed one left, and what is said before
//! the first write.

use std::io::{BufRead as _, BufReader};

use jewel_tests::proxy::{Fault, Proxy, Rules, When};
use jewel_tests::{Answer, Jewelctl};
use serde_json::Value;

use crate::Shop;

impl Shop {
    /// The same cloud as if it were AWS: found by the variables of the AWS CLI.
    fn as_aws(&self, args: &[&str]) -> Jewelctl {
        let mut command = self.cloud.command(args).env("JEWEL_TARGET", "aws");
        for (name, value) in self.cloud.variables() {
            command = command.env(&name, value);
        }
        command
    }

    /// A name of the shop, as `outputs` gives it.
    fn output(&self, name: &str) -> String {
        self.cloud.run(&["outputs", "--json"]).expect(0).json()[name].as_str().unwrap().to_owned()
    }

    /// The operations bucket's object is made to say this.
    fn put(&self, key: &str, text: &str) {
        let path = self.cloud.folder().join("object.json");
        fs_err::write(&path, text).unwrap();
        let target = format!("s3://{}/{key}", self.output("operations_bucket"));
        self.cloud.aws(&["s3", "cp", path.to_str().unwrap(), &target]).expect(0);
    }
}

/// A lock of a run on another machine, renewed just now.
fn foreign_lock(id: &str, host: &str, pid: u32) -> String {
    let now = jiff::Timestamp::now();
    let later = now + jiff::Span::new().seconds(45);
    serde_json::json!({
        "format_version": 1,
        "id": id,
        "holder": { "user": "ada", "host": host, "pid": pid, "command": "jewelctl provision" },
        "acquired_at": now, "renewed_at": now, "expires_at": later,
    })
    .to_string()
}

/// `lock status` names the holder; `release` asks, and takes it away from exactly that one.
pub fn lock(shop: &Shop) {
    let free = shop.cloud.run(&["lock", "status", "--exit-code", "--json"]).expect(0).json();
    assert_eq!(free["held"], false);
    shop.cloud.run(&["lock", "release"]).expect(0);
    shop.put("lock.json", &foreign_lock("run-of-ada", "engine", 7));
    let held = shop.cloud.run(&["lock", "status", "--exit-code", "--json"]).expect(5).json();
    assert_eq!((&held["run"], &held["holder"]["user"]), (&"run-of-ada".into(), &"ada".into()), "{held}");
    assert!(held["expires_in_seconds"].as_u64().unwrap() <= 45, "{held}");
    let refused = shop.cloud.run(&["deploy", "site"]).expect(5);
    assert!(refused.stderr.contains("locked by ada on engine (process 7, `jewelctl provision`)"), "{}", refused.stderr);
    let asked = shop.cloud.run(&["lock", "release"]).expect(7);
    assert!(asked.stderr.contains("Take the lock away from ada on engine?"), "{}", asked.stderr);
    assert!(shop.cloud.run(&["lock", "release", "--dry-run"]).expect(0).stdout.contains("jewelctl provision"));
    shop.cloud.run(&["lock", "release", "--yes"]).expect(0);
    shop.cloud.run(&["lock", "status", "--exit-code"]).expect(0);
}

/// A lock of a process that works on this machine is left to it, unless forced; a killed one's is not in the way.
pub fn lock_of_this_machine(shop: &Shop) {
    let mut holder = shop.cloud.command(&["up", "--yes", "--json", "--env", "locked"]).spawn();
    let lines = BufReader::new(holder.stdout.take().unwrap()).lines();
    let provisioning = lines.map_while(Result::ok).find(|line| line.contains("\"provision\""));
    assert!(provisioning.is_some());
    let status = || shop.cloud.run(&["lock", "status", "--json", "--env", "locked"]).expect(0).json();
    assert_eq!((status()["held"].clone(), status()["holder"]["pid"].clone()), (true.into(), holder.id().into()));
    let refused = shop.cloud.run(&["lock", "release", "--yes", "--env", "locked"]).expect(7);
    assert!(refused.stderr.contains(&format!("process {}", holder.id())), "{}", refused.stderr);
    holder.kill().unwrap();
    holder.wait().unwrap();
    let dead = status();
    assert_eq!((&dead["held"], &dead["holder_is_gone"]), (&false.into(), &true.into()), "{dead}");
    let runs = shop.cloud.run(&["runs", "--json", "--env", "locked"]).expect(0).json();
    assert_eq!(runs["runs"][0]["outcome"], "unfinished", "{runs}");
    let again = shop.cloud.run(&["provision", "--yes", "--env", "locked"]).expect(0);
    assert!(again.stderr.contains("was killed and left its lock"), "{}", again.stderr);
    shop.cloud.run(&["destroy", "--env", "locked", "--confirm", "shop-locked", "--delete-data"]).expect(0);
}

/// Each command that changed the shop left a record with its steps and calls; reading left none; no secret is in one.
pub fn runs(shop: &Shop) {
    let list = |args: &[&str]| shop.cloud.run(args).expect(0).json()["runs"].as_array().unwrap().clone();
    let before = list(&["runs", "list", "--json", "--limit", "1000"]).len();
    shop.cloud.run(&["plan"]).expect(0);
    shop.cloud.run(&["status"]).expect(0);
    shop.cloud.run(&["provision", "--dry-run"]).expect(0);
    assert_eq!(list(&["runs", "list", "--json", "--limit", "1000"]).len(), before);
    let first = list(&["runs", "list", "--json", "--limit", "1000"])[0].clone();
    assert_eq!((&first["outcome"], &first["stack"]), (&"done".into(), &"shop-prod".into()), "{first}");
    assert!(first["command"].as_str().unwrap().starts_with("jewelctl up"), "{first}");
    let steps = first["steps"].as_array().unwrap();
    assert!(steps.len() > 40 && steps.iter().all(|step| step["status"] == "done"), "{first}");
    assert!(first["calls"]["Lightsail.CreateInstances"].as_u64() >= Some(1), "{}", first["calls"]);
    // The bucket has it too, and there it ages.
    let id = first["id"].as_str().unwrap();
    let bucket = shop.output("operations_bucket");
    let object = shop.cloud.aws(&["s3", "cp", &format!("s3://{bucket}/runs/{id}.json"), "-"]).expect(0).stdout;
    let object: Value = serde_json::from_str(&object).unwrap();
    assert_eq!((&object["id"], &object["exit_code"]), (&id.into(), &0.into()));
    let rules = shop.cloud.aws(&["s3api", "get-bucket-lifecycle-configuration", "--bucket", &bucket]).expect(0).stdout;
    assert!(rules.contains("\"runs/\"") && rules.contains("365"), "{rules}");
    let shown = shop.cloud.run(&["runs", "show", id]).expect(0).stdout;
    assert!(shown.contains("Lightsail.CreateInstances") && shown.contains("database.shop"), "{shown}");
    shop.cloud.run(&["runs", "show", "no-such-run"]).expect(2);
}

/// A permission that is missing in the middle: which action on which resource, what became of the rest, and the same
/// command goes on once it is there.
pub fn missing_permission(shop: &Shop) {
    let variables = shop.cloud.variables();
    let at = |name: &str| variables.iter().find(|(key, _)| key == name).map(|(_, url)| url.as_str()).unwrap();
    let proxy = Proxy::new(at("AWS_ENDPOINT_URL"), at("AWS_ENDPOINT_URL_LIGHTSAIL"));
    let label = "s3 PUT /shop-ENV-media-747474747474/?cors".to_owned();
    proxy.begin(Rules { env: "denied".into(), fault: Some((Fault::Deny, When::Nth(label, 1))), ..Rules::default() });
    let provision = ["provision", "--yes", "--json", "--env", "denied"];
    let answer = shop
        .as_aws(&provision)
        .env("AWS_ENDPOINT_URL", &proxy.gateway)
        .env("AWS_ENDPOINT_URL_LIGHTSAIL", &proxy.lightsail)
        .run();
    let labels: Vec<String> = proxy.calls().into_iter().map(|seen| seen.call.label).collect();
    assert_eq!(proxy.struck(), 1, "it was not called: {labels:?}");
    let answer = answer.expect(1);
    let error = answer.json();
    let hint = error["hint"].as_str().unwrap();
    assert!(hint.contains("arn:aws:iam::123456789012:user/ada may not s3:TheAction on arn:aws:s3:::the-resource"));
    assert!(hint.contains(r#"{"Effect":"Allow","Action":"s3:TheAction""#) && hint.contains("the same command"));
    let report = &error["report"];
    let failed = &report["failed"][0];
    assert_eq!((&failed["address"], &failed["failure"]["code"]), (&"bucket-cors.media".into(), &"AccessDenied".into()));
    assert!(
        report["done"].as_array().unwrap().len() > 40 && report["not_started"] == serde_json::json!([]),
        "{report}"
    );
    assert!(answer.stderr.contains("failed: bucket-cors.media: could not "), "{}", answer.stderr);
    let last = shop.cloud.run(&["runs", "show", "last", "--json", "--env", "denied"]).expect(0).json();
    assert_eq!((&last["exit_code"], last["errors"][0].as_str()), (&1.into(), error["message"].as_str()), "{last}");
    shop.cloud.run(&provision).expect(0);
    shop.cloud.run(&["plan", "--exit-code", "--env", "denied"]).expect(0);
    shop.cloud.run(&["destroy", "--env", "denied", "--confirm", "shop-denied", "--delete-data"]).expect(0);
}

/// Credentials that end too soon are told before the first write; ended ones stop the run there.
pub fn credentials_that_end(shop: &Shop) {
    let bucket = shop.output("media_bucket");
    let provision = |end: &str| -> Answer {
        shop.cloud.aws(&["s3api", "delete-bucket-cors", "--bucket", &bucket]).expect(0);
        shop.as_aws(&["provision", "--yes", "--json"]).env("AWS_CREDENTIAL_EXPIRATION", end).run()
    };
    let ended = provision("2020-01-01T00:00:00Z").expect(3);
    assert!(ended.json()["message"].as_str().unwrap().contains("nothing was changed"), "{}", ended.stdout);
    assert!(!ended.stdout.contains("\"started\",\"title\""), "something was written:\n{}", ended.stdout);
    let soon = (jiff::Timestamp::now() + jiff::Span::new().seconds(90)).to_string();
    let stream = provision(&soon).expect(0).stream();
    let place = |wanted: &dyn Fn(&Value) -> bool| stream.iter().position(wanted);
    let warned = place(&|line| line["type"] == "warning").expect("a warning");
    let wrote = place(&|line| line["event"]["event"] == "started").expect("a step");
    assert!(warned < wrote && stream[warned]["message"].as_str().unwrap().contains("bucket-cors.media"), "{stream:?}");
    let far = provision("2999-01-01T00:00:00Z").expect(0);
    assert!(far.stream().iter().all(|line| line["type"] != "warning"), "{}", far.stdout);
}

/// A firewall opened by hand is shown as the whole set before and after, rule by rule.
pub fn firewall_change(shop: &Shop) {
    let instance = shop.output("instance_name");
    let rule = "fromPort=8080,toPort=8080,protocol=tcp";
    shop.cloud
        .aws(&["lightsail", "open-instance-public-ports", "--instance-name", &instance, "--port-info", rule])
        .expect(0);
    let plan = shop.cloud.run(&["plan", "--exit-code"]).expect(6).stdout;
    let (before, after) = plan.split_once("open after").expect("the set after");
    assert!(before.contains("open before") && before.contains("- protocol tcp  ports 8080"), "{plan}");
    assert!(after.contains("protocol tcp  ports 80  from 0.0.0.0/0") && !after.contains("8080"), "{plan}");
    shop.cloud.run(&["provision", "--yes"]).expect(0);
    shop.cloud.run(&["plan", "--exit-code"]).expect(0);
}

/// Somebody else's bucket of our name: refused, named; `--adopt` says what it takes over before it does.
pub fn foreign_resource(shop: &Shop) {
    let topic = "shop-theirs-alarms";
    let tags = "Key=owner,Value=them";
    shop.cloud.aws(&["sns", "create-topic", "--name", topic, "--tags", tags]).expect(0);
    let refused = shop.cloud.run(&["provision", "--yes", "--env", "theirs"]).expect(7);
    assert!(refused.stderr.contains(topic) && refused.stderr.contains("--adopt"), "{}", refused.stderr);
    let shown = shop.cloud.run(&["provision", "--adopt", "--env", "theirs"]).expect(7).stderr;
    assert!(shown.contains(&format!("~ topic {topic} (topic.alarms)\n    take it over: ")), "{shown}");
    shop.cloud.run(&["provision", "--adopt", "--yes", "--env", "theirs"]).expect(0);
    shop.cloud.run(&["destroy", "--env", "theirs", "--confirm", "shop-theirs", "--delete-data"]).expect(0);
}
