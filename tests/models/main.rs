//! Every request of a shop's life, held against the AWS service models: made, changed, looked at, taken down.

mod pipeline;
mod settings;

use jewel_tests::models::{judge, judge_the_judge};
use jewel_tests::proxy::Rules;
use jewel_tests::{Cloud, Proxied};

/// Everything there is to call for a shop. A service that is missing was not tried.
const SERVICES: [&str; 18] = [
    "acm",
    "apigateway",
    "backup",
    "budgets",
    "cloudfront",
    "cloudtrail",
    "cognito-idp",
    "iam",
    "lightsail",
    "logs",
    "monitoring",
    "pricingplanmanager",
    "route53",
    "s3",
    "secretsmanager",
    "sns",
    "sts",
    "wafv2",
];

#[test]
fn the_checker_finds_every_kind_of_mistake() {
    let output = judge_the_judge(&Cloud::new());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn aws_would_take_every_request() {
    let cloud = Cloud::new();
    settings::write(cloud.folder(), settings::First);
    cloud.run(&["local", "up"]).expect(0);
    let way = Proxied::new(&cloud);
    let mut calls = Vec::new();
    let mut run = |args: &[&str]| {
        let answer = way.run(Rules { env: "prod".into(), keep: true, ..Rules::default() }, args);
        calls.extend(way.proxy.calls());
        answer
    };
    run(&["provision", "--yes", "--json"]).expect(0);
    settings::write(cloud.folder(), settings::Changed);
    run(&["provision", "--yes", "--json"]).expect(0);
    run(&["plan", "--exit-code"]).expect(0);
    run(&["status"]).expect(0);
    run(&["outputs"]).expect(0);
    let before = judge(&cloud, &calls).operations;
    let mut run = |args: &[&str]| {
        let answer = way.run(Rules { env: "prod".into(), keep: true, ..Rules::default() }, args);
        calls.extend(way.proxy.calls());
        answer
    };
    run(&["destroy", "--confirm", "shop-prod", "--json"]).expect(0);
    run(&["destroy", "--confirm", "shop-prod", "--delete-data", "--json"]).expect(0);

    let verdict = judge(&cloud, &calls);
    let missing: Vec<_> = SERVICES.iter().filter(|name| !verdict.operations.contains_key(**name)).collect();
    assert!(missing.is_empty(), "nothing was asked of {missing:?}");
    let operations: usize = verdict.operations.values().map(Vec::len).sum();
    println!("{} requests of {operations} operations", verdict.requests);
    if std::env::var_os("JEWEL_MODELS_SHOW").is_some() {
        println!("{:#?}", verdict.operations);
    }
    let documents = cloud.run(&["outputs", "--ci-policy", "--json"]).expect(0).json();
    let refused = pipeline::not_allowed(&documents["policy"], &before);
    assert!(refused.is_empty(), "the pipeline's role lacks {refused:#?}");
    let wrong = verdict.violations;
    assert!(wrong.is_empty(), "AWS would refuse:\n{}", wrong.join("\n"));
}
