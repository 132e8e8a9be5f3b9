//! Whatever is killed, the same command brings it back.

use std::io::{BufRead as _, BufReader};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::Shop;

/// Two runs at once: one does the work, the other is told who holds the lock; neither harms the shop.
pub fn two_ups_at_once(shop: &Shop) {
    let args = ["up", "--yes", "--json", "--env", "twice"];
    let first = shop.cloud.command(&args).spawn();
    let second = shop.cloud.command(&args).spawn();
    let codes: Vec<Option<i32>> =
        [first, second].into_iter().map(|child| child.wait_with_output().unwrap().status.code()).collect();
    assert!(codes.contains(&Some(0)), "{codes:?}");
    assert!(codes.iter().all(|code| [Some(0), Some(5)].contains(code)), "{codes:?}");
    shop.cloud.run(&["plan", "--exit-code", "--env", "twice"]).expect(0);
    shop.cloud.run(&["destroy", "--env", "twice", "--confirm", "shop-twice", "--delete-data"]).expect(0);
}

/// `kill -9` of the daemon and everything under it; `local up` brings the same cloud back, with its data.
pub fn kill_everything(shop: &Shop) {
    let before = shop.get("/api/v1/products?limit=100").json();
    let users = shop.cloud.aws(&["lightsail", "get-relational-databases"]).expect(0).stdout;
    let killed = kill_everything_under_the_daemon(&shop.cloud.folder().to_string_lossy());
    assert!(killed >= 10, "only {killed} processes belonged to the cloud, the machine's own among them");
    shop.cloud.run(&["local", "status"]).expect(8);
    shop.cloud.run(&["local", "up"]).expect(0);
    shop.cloud.run(&["local", "status"]).expect(0);
    let deadline = Instant::now() + Duration::from_secs(60);
    let after = loop {
        let answer = shop.get("/api/v1/products?limit=100");
        if answer.status == 200 {
            break answer.json();
        }
        assert!(Instant::now() < deadline, "{answer:?}");
        std::thread::yield_now();
    };
    assert_eq!(before, after);
    let name =
        |text: &str| serde_json::from_str::<Value>(text).unwrap()["relationalDatabases"][0]["supportCode"].clone();
    assert_eq!(name(&users), name(&shop.cloud.aws(&["lightsail", "get-relational-databases"]).expect(0).stdout));
    assert_eq!(shop.get("/").status, 200);
    shop.token("admin@example.com", Some("admins"));
    shop.cloud.run(&["plan", "--exit-code"]).expect(0);
}

/// `kill -9` of `up` itself, later and later, on a shop of its own; then once to the end: no orphan, no duplicate.
pub fn kill_up(shop: &Shop) {
    let args = ["up", "--yes", "--json", "--env", "killed"];
    for lines in [2, 8, 20, 40] {
        let mut child = shop.cloud.command(&args).spawn();
        let mut reader = BufReader::new(child.stdout.take().unwrap()).lines();
        for _ in 0..lines {
            if reader.next().is_none() {
                break;
            }
        }
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let answer = shop.cloud.run(&[&args[..], &["--lock-wait", "90"]].concat()).expect(0).json();
    assert!(answer["url"].is_string());
    shop.cloud.run(&["plan", "--exit-code", "--env", "killed"]).expect(0);
    let program = "
import boto3
names = lambda items, key: sorted(i[key] for i in items if 'killed' in i[key])
print(len(names(boto3.client('lightsail').get_instances()['instances'], 'name')))
print(len(names(boto3.client('lightsail').get_relational_databases()['relationalDatabases'], 'name')))
print(len(names(boto3.client('apigatewayv2').get_apis()['Items'], 'Name')))
print(len(names(boto3.client('cognito-idp').list_user_pools(MaxResults=60)['UserPools'], 'Name')))
items = boto3.client('cloudfront').list_distributions()['DistributionList'].get('Items', [])
print(len([d for d in items if 'killed' in d['Comment']]))
";
    assert_eq!(shop.cloud.python(program).expect(0).stdout, "1\n1\n1\n1\n1\n");
    shop.cloud.run(&["destroy", "--env", "killed", "--confirm", "shop-killed", "--delete-data"]).expect(0);
}

/// Kills the daemon of the cloud in this folder and all its descendants at once; how many there were.
pub fn kill_everything_under_the_daemon(folder: &str) -> usize {
    let doomed = under_the_daemon(folder);
    // One that ends by itself because another was killed first makes `kill` complain; what counts is that all are gone.
    let pids: Vec<String> = doomed.iter().map(|(pid, _)| pid.to_string()).collect();
    let _ = std::process::Command::new("kill").arg("-9").args(&pids).output();
    pids.len()
}

/// The daemon of the cloud in this folder and all its descendants, those in its machines too: their ids and what they
/// call themselves.
pub fn under_the_daemon(folder: &str) -> Vec<(u32, String)> {
    let mut parents: Vec<(u32, u32, String)> = Vec::new();
    for entry in fs_err::read_dir("/proc").unwrap().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
        let command = fs_err::read(entry.path().join("cmdline")).unwrap_or_default();
        let Ok(stat) = fs_err::read_to_string(entry.path().join("stat")) else { continue };
        // After the name in parentheses: the state, then the parent.
        let parent = stat.rsplit(") ").next().and_then(|rest| rest.split(' ').nth(1)).and_then(|pid| pid.parse().ok());
        parents.push((pid, parent.unwrap_or_default(), String::from_utf8_lossy(&command).replace('\0', " ")));
    }
    let daemon = parents.iter().find(|(_, _, command)| command.contains("local daemon") && command.contains(folder));
    let daemon = daemon.expect("the daemon runs");
    let mut found = vec![(daemon.0, daemon.2.clone())];
    let mut next = 0;
    while next < found.len() {
        let parent = found[next].0;
        let children = parents.iter().filter(|(_, of, _)| *of == parent);
        found.extend(children.map(|(pid, _, command)| (*pid, command.clone())));
        next += 1;
    }
    found
}
