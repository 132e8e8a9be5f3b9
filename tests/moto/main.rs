//! The whole shop on moto, a second emulator of AWS. What only one emulator takes is that one's peculiarity, not AWS.

use jewel_tests::proxy::{Proxy, Rules};
use jewel_tests::{Answer, Cloud, Moto, inventory::Inventory};
use serde_json::Value;

/// What moto lacks, or cannot be asked for by this SDK; these stay with the local cloud, as Lightsail does.
///
/// API Gateway: it lists no authorizers. Backup: it knows no selections. Budgets: it changes none. CloudFront: it
/// publishes no functions. CloudWatch: it does not speak CBOR. The pricing plans: it has none.
const ELSEWHERE: [&str; 6] = ["APIGATEWAYV2", "BACKUP", "BUDGETS", "CLOUDFRONT", "CLOUDWATCH", "PRICING_PLAN_MANAGER"];

/// What it has of what a shop needs, as the SDKs name it.
const ITS_OWN: [&str; 9] = [
    "CLOUDTRAIL",
    "CLOUDWATCH_LOGS",
    "COGNITO_IDENTITY_PROVIDER",
    "IAM",
    "S3",
    "SECRETS_MANAGER",
    "SNS",
    "STS",
    "WAFV2",
];

/// What somebody changes by hand, in each service that can be changed without hurting the rest.
const BY_HAND: &str = "
import boto3
account = boto3.client('sts').get_caller_identity()['Account']
s3, site = boto3.client('s3'), f'shop-prod-site-{account}'
s3.delete_public_access_block(Bucket=site)
s3.put_bucket_versioning(Bucket=site, VersioningConfiguration={'Status': 'Suspended'})
s3.delete_bucket_policy(Bucket=site)
s3.delete_bucket_lifecycle(Bucket=site)
s3.delete_bucket_cors(Bucket=f'shop-prod-media-{account}')
boto3.client('cloudtrail').stop_logging(Name='shop-prod')
logs = boto3.client('logs')
for group in logs.describe_log_groups(logGroupNamePrefix='/jewel/shop-prod')['logGroups']:
    logs.put_retention_policy(logGroupName=group['logGroupName'], retentionInDays=1)
";

#[test]
fn a_shop_lives_and_ends_on_moto() {
    let cloud = Cloud::new();
    cloud.run(&["init", "--yes"]).expect(0);
    cloud.run(&["local", "up"]).expect(0);
    let variables = cloud.variables();
    let local =
        |name: &str| variables.iter().find(|(key, _)| key == name).map(|(_, url)| url.clone()).expect("an address");
    let account = cloud.aws(&["sts", "get-caller-identity", "--query", "Account", "--output", "text"]).expect(0).stdout;
    let moto = Moto::new(&cloud, account.trim());
    let to_moto = Proxy::new(&moto.url, &local("AWS_ENDPOINT_URL_LIGHTSAIL"));
    let to_local = Proxy::new(&local("AWS_ENDPOINT_URL"), &local("AWS_ENDPOINT_URL_LIGHTSAIL"));
    let run = |args: &[&str]| -> Answer {
        [&to_moto, &to_local].iter().for_each(|proxy| proxy.begin(Rules { env: "prod".into(), ..Rules::default() }));
        let mut command = cloud.command(args).env("JEWEL_TARGET", "aws");
        for (name, value) in &variables {
            command = command.env(name, value);
        }
        for service in ELSEWHERE {
            command = command.env(&format!("AWS_ENDPOINT_URL_{service}"), &to_local.gateway);
        }
        command.env("AWS_ENDPOINT_URL", &to_moto.gateway).env("AWS_ENDPOINT_URL_LIGHTSAIL", &to_moto.lightsail).run()
    };
    let here = || -> Vec<(String, String)> {
        ITS_OWN.map(|service| (format!("AWS_ENDPOINT_URL_{service}"), moto.url.clone())).to_vec()
    };
    let inventory = Inventory::over(&cloud, &here());

    run(&["provision", "--yes", "--json"]).expect(0);
    assert!(to_moto.calls().len() > 100, "moto was asked {} times only", to_moto.calls().len());
    let made = inventory.of("prod");
    run(&["plan", "--exit-code"]).expect(0);

    run(&["provision", "--yes", "--json"]).expect(0);
    let writes: Vec<_> = [to_moto.calls(), to_local.calls()].concat();
    let writes: Vec<_> = writes.iter().filter(|seen| seen.call.mutates).map(|seen| &seen.call.label).collect();
    assert!(writes.is_empty(), "a second provision writes: {writes:?}");

    let mut by_hand = cloud.python_command(BY_HAND);
    let changed = Answer::from(by_hand.envs(here()).output().expect("sh runs")).expect(0);
    assert_eq!(changed.stderr, "");
    let drift = run(&["plan", "--exit-code", "--json"]).expect(6).json();
    let steps =
        drift["steps"].as_array().map_or(0, |steps| steps.iter().filter(|step| step["action"] != "none").count());
    assert!(
        steps >= 5,
        "only {steps} changes are seen: {}",
        drift["steps"].as_array().map_or(Value::Null, |s| s[0].clone())
    );
    run(&["provision", "--yes", "--json"]).expect(0);
    run(&["plan", "--exit-code"]).expect(0);
    assert_eq!(inventory.of("prod"), made);

    run(&["destroy", "--confirm", "shop-prod", "--delete-data", "--json"]).expect(0);
    let left = inventory.of("prod");
    assert!(left.is_empty(), "left after a destroy: {left:?}");
}
