//! Who may touch what: the API with its own key, the pipeline with its role, and an environment beside another.
//!
//! One cloud with two environments of one shop, `prod` and `staging`; the last trial takes `staging` down.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::process::{ExitCode, Stdio};
use std::sync::Arc;

use jewel_tests::{Answer, Cloud, inventory::Inventory};
use libtest_mimic::{Arguments, Failed, Trial};
use serde_json::{Value, json};

const RIGHTS: &str = include_str!("rights.py");
const PIPELINE: &str = include_str!("pipeline.py");
const CONTENTS: &str = include_str!("contents.py");

/// What the environments have otherwise.
const SETTINGS: &str = "[ci]
repository = 'maison/permata'
[env.staging]
api.throttle_burst = 20
snapshots.hour_utc = 3
[env.trial]
";

type Test = fn(&Cloud);

/// In this order.
const TESTS: &[(&str, Test)] = &[
    ("the_api_s_key_opens_what_it_needs_and_nothing_else", rights),
    ("the_pipeline_provisions_from_nothing_and_opens_nothing_else", pipeline),
    ("one_environment_s_end_leaves_the_other_as_it_was", two_environments),
];

fn main() -> ExitCode {
    let arguments = Arguments { test_threads: Some(1), ..Arguments::from_args() };
    let cloud = (!arguments.list).then(|| Arc::new(ground()));
    let trials = TESTS.iter().map(|(name, test)| {
        let (cloud, test) = (cloud.clone(), *test);
        Trial::test(*name, move || {
            let cloud = cloud.expect("a cloud");
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| test(&cloud))).map_err(|cause| {
                let text = cause.downcast_ref::<String>().cloned();
                Failed::from(text.or_else(|| cause.downcast_ref::<&str>().map(|s| (*s).to_owned())).unwrap_or_default())
            })
        })
    });
    let conclusion = libtest_mimic::run(&arguments, trials.collect());
    drop(cloud);
    conclusion.exit_code()
}

/// Two environments, the second with settings of its own.
fn ground() -> Cloud {
    let cloud = Cloud::new();
    cloud.run(&["init", "--yes"]).expect(0);
    let file = cloud.folder().join("jewel.toml");
    let text = fs_err::read_to_string(&file).unwrap();
    fs_err::write(&file, format!("{text}\n{SETTINGS}")).unwrap();
    cloud.run(&["local", "up"]).expect(0);
    for env in ["prod", "staging"] {
        cloud.run(&["provision", "--env", env, "--yes"]).expect(0);
    }
    cloud.run(&["plan", "--env", "stagin"]).expect(2);
    cloud
}

fn outputs(cloud: &Cloud, env: &str) -> Value {
    let mut outputs = cloud.run(&["outputs", "--env", env, "--json"]).expect(0).json();
    outputs["stack"] = format!("shop-{env}").into();
    outputs
}

/// Runs a program with one line of input.
fn ask(cloud: &Cloud, program: &str, line: &Value) -> Answer {
    let mut command = cloud.python_command(program);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("python3 runs");
    writeln!(child.stdin.take().expect("a pipe"), "{line}").expect("the program listens");
    Answer::from(child.wait_with_output().expect("the program ends"))
}

/// Under the policies that were provisioned, with the key that is on the instance, against a cloud that enforces them.
fn rights(cloud: &Cloud) {
    let environments = json!([outputs(cloud, "prod"), outputs(cloud, "staging")]);
    let calls = ask(cloud, RIGHTS, &environments).expect(0).stream();
    let expecting = |what: &str| calls.iter().filter(|call| call["expected"] == what).count();
    assert!(expecting("ok") >= 7 && expecting("denied") >= 50, "{} calls", calls.len());
    let wrong: Vec<&Value> = calls.iter().filter(|call| call["expected"] != call["got"]).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// A job's credentials for the role of a stack, which is made first when its documents are given.
fn take_role(cloud: &Cloud, stack: &str, documents: Option<Value>) -> Value {
    let mut question = documents.unwrap_or_else(|| json!({}));
    question["do"] = "role".into();
    question["stack"] = stack.into();
    let answer = ask(cloud, PIPELINE, &question).expect(0).json();
    let refused = answer["refused"].as_object().expect("who was refused");
    assert!(refused.len() == 4 && refused.values().all(|outcome| outcome == "denied"), "{refused:#?}");
    answer["credentials"].clone()
}

/// `jewelctl` as a job runs it: AWS is wherever the variables say, and the credentials are the role's.
fn job(cloud: &Cloud, credentials: &Value, args: &[&str]) -> Answer {
    let mut command = cloud.command(args).env("JEWEL_TARGET", "aws");
    for (name, value) in cloud.variables() {
        command = command.env(&name, value);
    }
    for (name, value) in credentials.as_object().expect("variables") {
        command = command.env(name, value.as_str().expect("a text"));
    }
    command.run()
}

/// With the role that was provisioned, and with one made by hand of the documents that are printed.
fn pipeline(cloud: &Cloud) {
    let prod = outputs(cloud, "prod");
    assert!(prod["ci_role"].as_str().is_some_and(|arn| arn.ends_with(":role/shop-prod-ci")), "{prod}");
    let credentials = take_role(cloud, "shop-prod", None);
    job(cloud, &credentials, &["plan", "--exit-code"]).expect(0);
    job(cloud, &credentials, &["drift", "--exit-code"]).expect(0);

    let documents = cloud.run(&["outputs", "--env", "trial", "--ci-policy", "--json"]).expect(0).json();
    let credentials = take_role(cloud, "shop-trial", Some(documents));
    job(cloud, &credentials, &["provision", "--env", "trial", "--yes"]).expect(0);
    job(cloud, &credentials, &["plan", "--env", "trial", "--exit-code"]).expect(0);

    let question = json!({
        "do": "rights",
        "stack": "shop-trial",
        "credentials": credentials,
        "ours": outputs(cloud, "trial"),
        "theirs": prod,
    });
    let calls = ask(cloud, PIPELINE, &question).expect(0).stream();
    assert!(calls.len() >= 60, "{} calls", calls.len());
    let open: Vec<&Value> = calls.iter().filter(|call| call["got"] != "denied").collect();
    assert!(open.is_empty(), "{open:#?}");
    cloud.run(&["plan", "--env", "prod", "--exit-code"]).expect(0);
}

/// Every name, every setting and every object's every version.
fn two_environments(cloud: &Cloud) {
    let inventory = Inventory::new(cloud);
    let prod = outputs(cloud, "prod");
    let contents = || -> BTreeMap<String, Value> {
        serde_json::from_value(ask(cloud, CONTENTS, &prod).expect(0).json()).expect("an object")
    };
    let (names, before) = (inventory.of("prod"), contents());
    assert!(before.len() > 60, "{} items", before.len());
    let staging = inventory.of("staging");
    assert_eq!(kinds(&names), kinds(&staging), "both environments have the same resources");

    cloud.run(&["destroy", "--env", "staging", "--confirm", "shop-staging", "--delete-data"]).expect(0);

    assert_eq!(inventory.of("staging"), BTreeMap::new());
    assert_eq!(inventory.of("prod"), names);
    let after = contents();
    let changed: Vec<_> = before.iter().filter(|(name, value)| after.get(*name) != Some(value)).collect();
    assert!(changed.is_empty() && before.len() == after.len(), "{changed:#?}");
    cloud.run(&["plan", "--env", "prod", "--exit-code"]).expect(0);
    cloud.run(&["drift", "--env", "prod", "--exit-code"]).expect(0);

    // Whoever made what an account has once leaves it to those who still need it.
    let provider = || cloud.aws(&["iam", "list-open-id-connect-providers", "--output", "text"]).expect(0).stdout;
    assert!(provider().contains("token.actions.githubusercontent.com"), "prod's provider went with staging");
    let trusted = cloud.aws(&["iam", "get-role", "--role-name", "shop-trial-ci"]).code == 0;
    cloud.run(&["destroy", "--env", "prod", "--confirm", "shop-prod", "--delete-data"]).expect(0);
    assert_eq!(provider().contains("token.actions.githubusercontent.com"), trusted, "{}", provider());
    assert_eq!(inventory.of("prod"), BTreeMap::new());
}

/// Resources, not the objects in buckets: the records of runs have times in their names.
fn kinds(items: &BTreeMap<String, usize>) -> BTreeMap<&String, usize> {
    items.iter().filter(|(name, _)| !name.starts_with("object ")).map(|(name, count)| (name, *count)).collect()
}
