//! The pages for 3 a.m., run as they stand there after the damage that they are about: so they cannot rot.

use std::process::Command;

use jiff::Timestamp;
use serde_json::Value;

use crate::Shop;
use crate::disasters::{Damaged, killed_after};

/// Every page that says what to type does what it says.
pub fn run_as_written(shop: &Shop) {
    let damaged = Damaged::of(shop);
    let listed = damaged.run(&["runbook", "list"]).expect(0).json();
    let pages: Vec<(String, Option<String>)> = listed["pages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|page| {
            let drill = page.pointer("/head/drill").and_then(Value::as_str).map(str::to_owned);
            (page["name"].as_str().unwrap().to_owned(), drill)
        })
        .collect();
    assert!(pages.len() > 10, "{pages:?}");
    for (page, drill) in &pages {
        let order = damaged.buy();
        let before = do_damage(&damaged, drill.as_deref());
        let args = ["runbook", "run", page, "--yes", "--env", "drill"];
        damaged.cloud.command(&args).env("AT", before.to_string()).run().expect(0);
        if drill.as_deref() == Some("credentials-leaked") {
            // The new key closes the guests' links, so the database itself is asked.
            let id = order.0.replace('-', "");
            assert_eq!(sql(&damaged, &format!("SELECT HEX(id) FROM orders WHERE id = 0x{id}")), id.to_uppercase());
        } else {
            damaged.has(&[order]);
        }
        damaged.is_whole();
        damaged.clear_away();
    }
}

/// What the drill of this name does, by other programs than ours; the last whole second before it.
fn do_damage(damaged: &Damaged<'_>, drill: Option<&str>) -> Timestamp {
    let database = damaged.database();
    let outputs = damaged.run(&["outputs"]).expect(0).json();
    let delete_database =
        format!("lightsail.delete_relational_database(relationalDatabaseName='{database}', skipFinalSnapshot=True)");
    let program = match drill {
        // That somebody knows the keys is not to be seen in the shop.
        None | Some("bad-deploy" | "tables-dropped" | "credentials-leaked") => None,
        Some("database-deleted" | "restore-killed") => {
            damaged.run(&["snapshot", "create", "database"]).expect(0);
            Some(delete_database)
        }
        Some("instance-lost") => {
            let name = outputs["instance_name"].as_str().unwrap();
            Some(format!("lightsail.delete_instance(instanceName='{name}', forceDeleteAddOns=True)"))
        }
        Some("media-deleted") => {
            let bucket = outputs["media_bucket"].as_str().unwrap();
            Some(format!(
                "[s3.delete_object(Bucket='{bucket}', Key=one['Key']) for one in s3.list_objects_v2(Bucket='{bucket}')['Contents']]"
            ))
        }
        Some("journal-away") => Some("iam.delete_user_policy(UserName='shop-drill-api', PolicyName='api')".to_owned()),
        Some(other) => panic!("no damage is known for the drill {other}"),
    };
    let before = a_second_passes();
    if let Some(program) = program {
        let clients = "import boto3\nlightsail, s3, iam = map(boto3.client, ('lightsail', 's3', 'iam'))\n";
        damaged.cloud.python(&format!("{clients}{program}\n")).expect(0);
    }
    match drill {
        Some("tables-dropped") => drop_orders(damaged),
        Some("bad-deploy") => {
            let program = jewel_tests::binaries().join("jewelctl");
            damaged.run(&["deploy", "api", "--binary", program.to_str().unwrap()]).expect(1);
        }
        Some("restore-killed") => {
            killed_after(damaged, &["restore", "database"], Some("enter"));
        }
        _ => {}
    }
    before
}

/// Point-in-time goes by seconds: what came before is at least one of them older than what comes next.
fn a_second_passes() -> Timestamp {
    let before = Timestamp::now();
    while Timestamp::now().as_second() < before.as_second() + 2 {
        std::thread::yield_now();
    }
    Timestamp::from_second(before.as_second() + 1).unwrap()
}

fn drop_orders(damaged: &Damaged<'_>) {
    let statement = "SET foreign_key_checks = 0; DROP TABLE refunds, payments, order_history, order_lines, orders";
    sql(damaged, statement);
}

/// What the stock client says, through a tunnel.
fn sql(damaged: &Damaged<'_>, statement: &str) -> String {
    let secret = "
import boto3, json
s = boto3.client('secretsmanager')
print(s.get_secret_value(SecretId='shop-drill-database')['SecretString'])
";
    let secret: Value = serde_json::from_str(&damaged.cloud.python(secret).expect(0).stdout).unwrap();
    let args = ["tunnel", "database", "--env", "drill", "--json"];
    let (mut tunnel, line) = crate::operate::started_on(damaged.cloud, &args);
    let port = serde_json::from_str::<Value>(&line).unwrap()["port"].to_string();
    let text = |name: &str| secret[name].as_str().unwrap().to_owned();
    let said = Command::new("mariadb")
        .args(["--protocol=tcp", "--host=127.0.0.1", "--port", &port, "--ssl", "--skip-ssl-verify-server-cert"])
        .args(["--user", &text("username"), "--skip-column-names", "--batch", "--execute", statement, &text("dbname")])
        .env("MYSQL_PWD", text("password"))
        .output()
        .expect("the MariaDB client is there");
    crate::operate::interrupt(&tunnel);
    tunnel.wait().unwrap();
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    String::from_utf8(said.stdout).unwrap().trim().to_owned()
}
