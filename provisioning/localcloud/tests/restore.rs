//! Disasters over the wire: snapshots, backups and what is made from them, with the daemon killed in the middle of each.
//! Needs root; with `JEWEL_MYSQLD` set, the databases' part also runs on that MySQL.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

mod cloud;

use std::{path::PathBuf, time::Duration};

use jewel_localcloud::{Endpoints, auto_snapshot, down};

use self::cloud::{Cloud, python};

/// What all scripts use.
const TOOLS: &str = r#"
import os, subprocess, sys, tempfile, time
from botocore.exceptions import ClientError
lightsail = client('lightsail')
deadline = time.monotonic() + 90
def until(what, condition):
    while not (found := condition()):
        if time.monotonic() > deadline:
            sys.exit('not in time: ' + what)
        time.sleep(0.1)
    return found
def ended(name):
    """Waits for everything that was begun with a resource, and wants all of it to have succeeded."""
    operations = lambda: lightsail.get_operations_for_resource(resourceName=name)['operations']
    until(name, lambda: all(o['isTerminal'] for o in operations()))
    assert all(o['status'] == 'Succeeded' for o in operations()), operations()
def database(name):
    return lightsail.get_relational_database(relationalDatabaseName=name)['relationalDatabase']
def available(name):
    until(name, lambda: database(name)['state'] == 'available')
def sql(name, statement, password=None):
    address = database(name)['masterEndpoint']['address']
    password = password or lightsail.get_relational_database_master_user_password(
        relationalDatabaseName=name)['masterUserPassword']
    done = subprocess.run(['ip', 'netns', 'exec', 'jewel' + address.split('.')[2] + '-vpc', 'mariadb', '--no-defaults',
        '--ssl', '-N', '-h', address, '-u', 'owner', 'shop', '-e', statement], capture_output=True, text=True,
        env={'MYSQL_PWD': password, 'PATH': '/usr/sbin:/usr/bin:/sbin:/bin'})
    return done.stdout.split() if done.returncode == 0 else 'failed: ' + done.stderr
def running(name):
    until(name, lambda: lightsail.get_instance_state(instanceName=name)['state']['name'] == 'running')
def ssh(name, command):
    access = lightsail.get_instance_access_details(instanceName=name)['accessDetails']
    with tempfile.TemporaryDirectory() as keys:
        def write(file, text):
            with open(os.open(f'{keys}/{file}', os.O_CREAT | os.O_WRONLY, 0o600), 'w') as out:
                out.write(text)
            return f'{keys}/{file}'
        key = write('key', access['privateKey'])
        write('key-cert.pub', access['certKey'] + '\n')
        known = write('known', ''.join(f"{access['ipAddress']} {k['algorithm']} {k['publicKey']}\n" for k in access['hostKeys']))
        done = subprocess.run(['ssh', '-F', 'none', '-i', key, '-o', f'UserKnownHostsFile={known}', '-o', 'BatchMode=yes',
            '-o', 'StrictHostKeyChecking=yes', '-o', 'IdentitiesOnly=yes', f"{access['username']}@{access['ipAddress']}",
            command], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()
"#;

fn run(endpoints: &Endpoints, script: &str) -> String {
    python(endpoints, &format!("{TOOLS}{script}"))
}

/// Kills the daemon a while after a request, twice: the second time in what the next daemon does about it.
async fn killed_in_the_middle(cloud: &Cloud) -> Endpoints {
    for moment in [Duration::from_millis(150), Duration::from_millis(600)] {
        tokio::time::sleep(moment).await;
        cloud.kill(&[cloud.daemon_pid()]);
        cloud.up().await;
    }
    cloud.up().await
}

/// Nothing that was stopped for a moment stays behind.
async fn ends(cloud: &Cloud) {
    down(&cloud.options, &mut |_| {}).await.unwrap();
    assert_eq!(cloud.processes(), Vec::<String>::new());
}

fn kept(cloud: &Cloud, directory: &str) -> Vec<String> {
    let entries = std::fs::read_dir(cloud.options.data_dir.join(directory)).into_iter().flatten();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

const WRITE: &str = "
lightsail.create_relational_database(relationalDatabaseName='db', relationalDatabaseBlueprintId='mysql_8_4',
    relationalDatabaseBundleId='micro_2_0', masterDatabaseName='shop', masterUsername='owner')
ended('db')
assert sql('db', 'CREATE TABLE orders (number INT PRIMARY KEY); INSERT INTO orders VALUES (1), (2)') == []
lightsail.create_relational_database_snapshot(relationalDatabaseName='db', relationalDatabaseSnapshotName='kept')
";

const DROP: &str = "
ended('kept')
available('db')
assert sql('db', 'SELECT number FROM orders') == ['1', '2']
assert sql('db', 'INSERT INTO orders VALUES (3)') == []
at = int(time.time()) + 1
while time.time() < at:
    time.sleep(0.01)
assert sql('db', 'INSERT INTO orders VALUES (4); DROP TABLE orders') == []
until('backups', lambda: database('db')['latestRestorableTime'].timestamp() > at + 1)
lightsail.create_relational_database_from_snapshot(relationalDatabaseName='db-2', sourceRelationalDatabaseName='db',
    restoreTime=at)
";

const RESTORED: &str = "
ended('db-2')
available('db-2')
assert sql('db-2', 'SELECT number FROM orders') == ['1', '2', '3'], sql('db-2', 'SELECT number FROM orders')
old = lightsail.get_relational_database_master_user_password(relationalDatabaseName='db')['masterUserPassword']
assert sql('db-2', 'SELECT 1', old).startswith('failed')
assert database('db-2')['masterEndpoint'] != database('db')['masterEndpoint']
lightsail.create_relational_database_from_snapshot(relationalDatabaseName='db-3', relationalDatabaseSnapshotName='kept')
";

const TAKEN_DOWN: &str = "
ended('db-3')
available('db-3')
assert sql('db-3', 'SELECT number FROM orders') == ['1', '2']
words = [e['message'] for e in lightsail.get_relational_database_events(relationalDatabaseName='db-3')['relationalDatabaseEvents']]
assert words[0] == 'Restored from snapshot kept', words
lines = lightsail.get_relational_database_log_events(relationalDatabaseName='db-3', logStreamName='error')['resourceLogEvents']
assert any('ready for connections' in line['message'] for line in lines), lines
for name in ['db-2', 'db-3']:
    lightsail.delete_relational_database(relationalDatabaseName=name, skipFinalSnapshot=True)
lightsail.delete_relational_database(relationalDatabaseName='db', finalRelationalDatabaseSnapshotName='last')
until('nothing', lambda: not lightsail.get_relational_databases()['relationalDatabases'])
names = [s['name'] for s in lightsail.get_relational_database_snapshots()['relationalDatabaseSnapshots']]
assert names == ['kept', 'last'], names
";

async fn a_database_comes_back(mysqld: Option<PathBuf>) {
    let mut cloud = Cloud::new();
    cloud.options.mysqld = mysqld;
    run(&cloud.up().await, WRITE);
    run(&killed_in_the_middle(&cloud).await, DROP);
    run(&killed_in_the_middle(&cloud).await, RESTORED);
    run(&killed_in_the_middle(&cloud).await, TAKEN_DOWN);
    assert_eq!(kept(&cloud, "snapshots").len(), 2);
    assert_eq!(kept(&cloud, "backups"), Vec::<String>::new(), "automatic backups die with their database");
    ends(&cloud).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mariadb_comes_back_to_the_second_whatever_is_killed() {
    a_database_comes_back(None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mysql_comes_back_to_the_second_whatever_is_killed() {
    match std::env::var_os("JEWEL_MYSQLD") {
        Some(mysqld) => a_database_comes_back(Some(mysqld.into())).await,
        None => eprintln!("NOT TESTED ON MYSQL: JEWEL_MYSQLD names no mysqld"),
    }
}

const INSTANCE: &str = "
lightsail.create_instances(instanceNames=['web'], availabilityZone='ap-southeast-1a', blueprintId='ubuntu_24_04',
    bundleId='nano_3_0', addOns=[{'addOnType': 'AutoSnapshot'}])
ended('web')
ssh('web', 'echo old | sudo tee /srv/file; sync')
lightsail.open_instance_public_ports(instanceName='web', portInfo={'fromPort': 443, 'toPort': 443, 'protocol': 'tcp'})
lightsail.create_instance_snapshot(instanceName='web', instanceSnapshotName='kept')
";

const CHANGED: &str = "
ended('kept')
running('web')
ssh('web', 'echo new | sudo tee /srv/file')
lightsail.create_instances_from_snapshot(instanceNames=['web-2'], availabilityZone='ap-southeast-1b',
    bundleId='micro_3_0', instanceSnapshotName='kept')
";

const COPIED: &str = "
ended('web-2')
running('web-2')
assert ssh('web-2', 'cat /srv/file; hostname').split() == ['old', 'web-2']
ports = sorted(p['fromPort'] for p in lightsail.get_instance_port_states(instanceName='web-2')['portStates'])
assert ports == [22, 80], ports
";

const OUTLIVED: &str = "
dates = [s['date'] for s in lightsail.get_auto_snapshots(resourceName='web')['autoSnapshots']]
assert dates == ['2026-11-22', '2026-11-21'], dates
lightsail.copy_snapshot(sourceResourceName='web', restoreDate='2026-11-21', targetSnapshotName='weekly',
    sourceRegion='ap-southeast-1')
ended('weekly')
lightsail.delete_instance(instanceName='web', forceDeleteAddOns=True)
ended('web')
lightsail.create_instances_from_snapshot(instanceNames=['web-3'], availabilityZone='ap-southeast-1a',
    bundleId='nano_3_0', instanceSnapshotName='weekly')
ended('web-3')
assert ssh('web-3', 'cat /srv/file') == 'new'
";

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_comes_back_whatever_is_killed() {
    let cloud = Cloud::new();
    run(&cloud.up().await, INSTANCE);
    run(&killed_in_the_middle(&cloud).await, CHANGED);
    let endpoints = killed_in_the_middle(&cloud).await;
    run(&endpoints, COPIED);
    assert!(auto_snapshot(&endpoints, "web-2", None).await.is_err(), "add-ons are not restored");
    for date in ["2026-11-21", "2026-11-22"] {
        auto_snapshot(&endpoints, "web", Some(date)).await.unwrap();
    }
    run(&endpoints, OUTLIVED);
    assert_eq!(kept(&cloud, "snapshots").len(), 2, "automatic snapshots die with their instance");
    ends(&cloud).await;
}
