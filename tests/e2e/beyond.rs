//! What a shop shares with others or has elsewhere: the Region's one mail contact, and a database of the operator's own.

use jewel_tests::Answer;

use crate::Shop;

/// Lightsail has one mail contact: a second shop uses the first one's, and inherits it.
pub fn one_contact_for_two_shops(shop: &Shop) {
    let run = |name: &str, args: &[&str]| with(shop, name, "[alerts]\nemails = [\"owner@example.com\"]\n", args);
    run("first", &["provision", "--yes"]).expect(0);
    run("second", &["provision", "--yes"]).expect(0);
    let plan = run("second", &["plan", "--exit-code"]).expect(0).stdout;
    assert!(plan.contains("one mail contact in a Region") && plan.contains("jewel:env=first"), "{plan}");

    by_hand(
        shop,
        "
import boto3
l = boto3.client('lightsail')
l.put_alarm(alarmName='shop-first-api-cpu', metricName='NetworkIn', monitoredResourceName='shop-first-api-1',
            comparisonOperator='LessThanThreshold', threshold=7, evaluationPeriods=4)
l.delete_alarm(alarmName='shop-first-db-storage')
",
    );
    let plan = run("first", &["plan", "--exit-code"]).expect(6).stdout;
    assert!(plan.contains("NetworkIn -> CPUUtilization") && plan.contains("alarm.db-storage"), "{plan}");
    run("first", &["provision", "--yes"]).expect(0);
    run("first", &["plan", "--exit-code"]).expect(0);

    let contacts = "
import boto3
for one in boto3.client('lightsail').get_contact_methods()['contactMethods']:
    print(one['contactEndpoint'], *sorted(tag['value'] for tag in one['tags']))
";
    run("first", &["destroy", "--confirm", "shop-first", "--delete-data"]).expect(0);
    assert_eq!(by_hand(shop, contacts), "owner@example.com contact second shop\n");
    run("second", &["plan", "--exit-code"]).expect(0);
    run("second", &["destroy", "--confirm", "shop-second", "--delete-data"]).expect(0);
    assert_eq!(by_hand(shop, contacts), "");
}

/// A database that the shop did not make carries it, and outlives it.
pub fn a_database_of_the_operators_own(shop: &Shop) {
    let run = |args: &[&str]| with(shop, "away", "[database]\nexternal = true\n", args);
    let refusal = run(&["plan"]).expect(7).stderr;
    assert!(refusal.contains("create-secret") && refusal.contains("shop-away-database-external"), "{refusal}");

    let secret = "
import boto3, json, sys
l, s = boto3.client('lightsail'), boto3.client('secretsmanager')
l.create_relational_database(relationalDatabaseName='orders', relationalDatabaseBlueprintId='mysql_8_0',
    relationalDatabaseBundleId='small_ha_2_0', masterDatabaseName='boutique', masterUsername='chief',
    masterUserPassword='Do-Not-Show-1')
while True:
    database = l.get_relational_database(relationalDatabaseName='orders')['relationalDatabase']
    if database['state'] == 'available':
        break
told = {'host': database['masterEndpoint']['address'], 'port': '3306', 'username': 'chief',
        'password': 'Do-Not-Show-1', 'database': 'boutique'}
s.create_secret(Name='shop-away-database-external', SecretString=json.dumps(told))
";
    by_hand(shop, secret);
    let refusal = run(&["plan"]).expect(7).stderr;
    assert!(refusal.contains("`port`") && refusal.contains("put-secret-value"), "{refusal}");
    assert!(!refusal.contains("Do-Not-Show-1"), "{refusal}");
    by_hand(
        shop,
        "
import boto3, json
s = boto3.client('secretsmanager')
told = json.loads(s.get_secret_value(SecretId='shop-away-database-external')['SecretString'])
s.put_secret_value(SecretId='shop-away-database-external', SecretString=json.dumps({**told, 'port': 3306}))
",
    );

    let result = run(&["up", "--yes", "--json"]).expect(0);
    assert!(!result.stdout.contains("Do-Not-Show-1") && !result.stderr.contains("Do-Not-Show-1"));
    let url = result.json()["url"].as_str().unwrap().to_owned();
    assert!(!crate::http::get(&format!("{url}/api/v1/products")).json()["items"].as_array().unwrap().is_empty());
    run(&["plan", "--exit-code"]).expect(0);
    run(&["status", "--exit-code"]).expect(0);
    run(&["migrate", "status", "--exit-code"]).expect(0);
    assert_eq!(run(&["outputs", "--json"]).expect(0).json()["database_secret"], "shop-away-database-external");

    run(&["destroy", "--confirm", "shop-away", "--delete-data"]).expect(0);
    let left = by_hand(
        shop,
        "
import boto3
l, s = boto3.client('lightsail'), boto3.client('secretsmanager')
print(*(one['name'] for one in l.get_relational_databases()['relationalDatabases'] if 'prod' not in one['name']))
print(*(one['Name'] for one in s.list_secrets()['SecretList'] if 'prod' not in one['Name']))
l.delete_relational_database(relationalDatabaseName='orders', skipFinalSnapshot=True)
s.delete_secret(SecretId='shop-away-database-external', ForceDeleteWithoutRecovery=True)
",
    );
    assert_eq!(left, "orders\nshop-away-database-external\n");
}

/// Runs a command on another shop of the same cloud, with settings of its own.
fn with(shop: &Shop, env: &str, settings: &str, args: &[&str]) -> Answer {
    let file = shop.cloud.folder().join(format!("{env}.toml"));
    fs_err::write(&file, format!("project = \"shop\"\nenv = \"{env}\"\n{settings}")).unwrap();
    shop.cloud.run(&[args, &["--config", file.to_str().unwrap()]].concat())
}

fn by_hand(shop: &Shop, program: &str) -> String {
    shop.cloud.python(program).expect(0).stdout
}
