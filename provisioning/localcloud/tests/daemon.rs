//! The daemon as its users meet it: started, found, killed, stopped, erased. Needs root.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

mod support;

use std::{
    ffi::OsString,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use jewel_localcloud::{Endpoints, Error, Event, Options, daemon, down, endpoints, public_url, reset, status, up};
use secrecy::ExposeSecret as _;

/// Names the file with the options for [`the_daemon`].
const OPTIONS: &str = "LOCALCLOUD_TEST_OPTIONS";

fn options(data: &Path) -> Options {
    let file = data.with_extension("path");
    std::fs::write(&file, data.as_os_str().as_encoded_bytes()).unwrap();
    let mut assignment = OsString::from(format!("{OPTIONS}="));
    assignment.push(&file);
    let this = std::env::current_exe().unwrap();
    let daemon_command = ["/usr/bin/env".into(), assignment, this.into(), "--exact".into(), "the_daemon".into()];
    let flags = ["--nocapture"].map(OsString::from);
    Options {
        data_dir: data.to_owned(),
        cache_dir: support::cache(),
        port: 0,
        time_factor: 0.0,
        region: "ap-southeast-1".into(),
        mysqld: None,
        daemon_command: daemon_command.into_iter().chain(flags).collect(),
    }
}

/// The daemon that the other tests start: `up` runs this very test in the background, with the options in a file that
/// the environment names. Without them there is nothing to do.
#[tokio::test(flavor = "multi_thread")]
async fn the_daemon() {
    let Ok(file) = std::env::var(OPTIONS) else { return };
    let data = std::fs::read_to_string(file).unwrap();
    if let Err(error) = daemon::run(&options(Path::new(&data))).await {
        panic!("{error}");
    }
}

/// A cloud of its own that leaves nothing behind, whatever happens.
struct Cloud {
    options: Options,
    home: tempfile::TempDir,
}

impl Cloud {
    fn new() -> Self {
        let home = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        Self { options: options(&home.path().join("cloud")), home }
    }

    async fn up(&self) -> Endpoints {
        up(&self.options, &mut |_| {}).await.unwrap()
    }

    /// The processes of this cloud: all whose command line names its directory.
    fn processes(&self) -> Vec<String> {
        let home = self.home.path().to_str().unwrap();
        let entries = std::fs::read_dir("/proc").unwrap().filter_map(Result::ok);
        entries
            .filter(|entry| {
                let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
                let environment = std::fs::read(entry.path().join("environ")).unwrap_or_default();
                let daemon = String::from_utf8_lossy(&environment).contains(&format!("{OPTIONS}={home}"));
                daemon || String::from_utf8_lossy(&line).contains(home)
            })
            .filter_map(|entry| entry.file_name().into_string().ok())
            .filter(|pid| *pid != std::process::id().to_string())
            .collect()
    }

    fn kill(&self, pids: &[String]) {
        assert!(!pids.is_empty());
        assert!(Command::new("kill").arg("-9").args(pids).status().unwrap().success());
    }
}

impl Drop for Cloud {
    fn drop(&mut self) {
        let options = self.options.clone();
        let erase = move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(reset(&options, &mut |_| {})).unwrap();
        };
        std::thread::spawn(erase).join().unwrap();
    }
}

/// Runs a script with the stock Python SDK, `client(service)` at hand, and returns what it prints.
fn python(endpoints: &Endpoints, script: &str) -> String {
    let prelude = "import botocore.session\nclient = botocore.session.get_session().create_client\n";
    let output = Command::new(support::cache().join("ministack-1.5.33/venv/bin/python"))
        .args(["-c", &format!("{prelude}{script}")])
        .env("AWS_ENDPOINT_URL", &endpoints.gateway)
        .env("AWS_ENDPOINT_URL_LIGHTSAIL", &endpoints.lightsail)
        .env("AWS_ACCESS_KEY_ID", &endpoints.access_key_id)
        .env("AWS_SECRET_ACCESS_KEY", endpoints.secret_access_key.expose_secret())
        .env("AWS_DEFAULT_REGION", &endpoints.region)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    assert!(output.status.success(), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
    text
}

const FILL: &str = "
s3 = client('s3')
s3.create_bucket(Bucket='kept', CreateBucketConfiguration={'LocationConstraint': 'ap-southeast-1'})
s3.put_object(Bucket='kept', Key='a', Body=b'object')
pool = client('cognito-idp').create_user_pool(PoolName='kept')['UserPool']['Id']
client('cognito-idp').admin_create_user(UserPoolId=pool, Username='somebody', MessageAction='SUPPRESS')
client('secretsmanager').create_secret(Name='kept', SecretString='hush')
print(pool)
";

const READ: &str = "
print(client('s3').get_object(Bucket='kept', Key='a')['Body'].read().decode())
idp = client('cognito-idp')
for pool in idp.list_user_pools(MaxResults=5)['UserPools']:
    print([user['Username'] for user in idp.list_users(UserPoolId=pool['Id'])['Users']])
print(client('secretsmanager').get_secret_value(SecretId='kept')['SecretString'])
";

const KEPT: &str = "object\n['somebody']\nhush";

#[tokio::test(flavor = "multi_thread")]
async fn a_cloud_is_found_again_and_survives_being_killed() {
    let cloud = Cloud::new();
    assert!(endpoints(&cloud.options).await.unwrap().is_none());
    assert!(!status(&cloud.options).await.unwrap().running);
    let first = cloud.up().await;

    let begin = Instant::now();
    let mut events = Vec::new();
    let second = up(&cloud.options, &mut |event| events.push(event)).await.unwrap();
    assert!(begin.elapsed() < Duration::from_millis(500), "finding it took {:?}", begin.elapsed());
    assert!(matches!(events[..], [Event::Ready { already: true, .. }]), "{events:?}");
    assert_eq!(first.gateway, second.gateway);
    let health = status(&cloud.options).await.unwrap();
    assert!(health.running && health.healthy, "{health:?}");

    python(&first, FILL);
    let url = public_url(&first, "abc123.cloudfront.net").await.unwrap();
    assert_eq!(url, public_url(&first, "https://abc123.cloudfront.net/").await.unwrap());
    assert!(matches!(public_url(&first, "no host").await, Err(Error::Refused { .. })));

    // At most the last second may be lost, so give it that; then pull every plug at once.
    tokio::time::sleep(Duration::from_secs(1)).await;
    cloud.kill(&cloud.processes());
    let again = cloud.up().await;
    assert_eq!(python(&again, READ), KEPT);
    assert_eq!((&again.gateway, &again.access_key_id), (&first.gateway, &first.access_key_id));
    assert_eq!(url, public_url(&again, "abc123.cloudfront.net").await.unwrap(), "addresses are kept");

    // The daemon alone: its children end with it, or are ended by the next start.
    let pid = daemon_pid(&cloud);
    cloud.kill(&[pid]);
    let again = cloud.up().await;
    assert_eq!(python(&again, READ), KEPT);

    down(&cloud.options, &mut |_| {}).await.unwrap();
    assert_eq!(cloud.processes(), Vec::<String>::new());
    down(&cloud.options, &mut |_| {}).await.unwrap();
    assert!(endpoints(&cloud.options).await.unwrap().is_none());
    let again = cloud.up().await;
    assert_eq!(python(&again, READ), KEPT);

    let secrets = std::fs::metadata(cloud.options.data_dir.join("cloud.json")).unwrap();
    assert_eq!(std::os::unix::fs::PermissionsExt::mode(&secrets.permissions()) & 0o777, 0o600);
    reset(&cloud.options, &mut |_| {}).await.unwrap();
    assert!(!cloud.options.data_dir.exists());
    assert_eq!(cloud.processes(), Vec::<String>::new());
}

fn daemon_pid(cloud: &Cloud) -> String {
    let text = std::fs::read_to_string(cloud.options.data_dir.join("daemon.json")).unwrap();
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    value["pid"].to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn two_starts_at_once_make_one_cloud() {
    let cloud = Cloud::new();
    let (mut ignore_one, mut ignore_two) = (|_| {}, |_| {});
    let (one, two) = tokio::join!(up(&cloud.options, &mut ignore_one), up(&cloud.options, &mut ignore_two));
    assert_eq!(one.unwrap().access_key_id, two.unwrap().access_key_id);
    let daemon = daemon::run(&cloud.options).await;
    assert!(matches!(daemon, Err(Error::AlreadyRunning { .. })), "{daemon:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_taken_port_is_named_and_nothing_is_made() {
    let cloud = Cloud::new();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let options = Options { port, ..cloud.options.clone() };
    let error = up(&options, &mut |_| {}).await.unwrap_err();
    assert!(matches!(error, Error::PortTaken { port: p, .. } if p == port), "{error}");
    assert!(error.to_string().contains(&std::process::id().to_string()), "{error}");
    assert!(!cloud.options.data_dir.join("cloud.json").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_that_does_not_start_is_reported_at_once_with_what_it_said() {
    let cloud = Cloud::new();
    let command = ["/bin/sh", "-c", "echo the reason; exit 3"].map(OsString::from).to_vec();
    let options = Options { daemon_command: command, ..cloud.options.clone() };
    let begin = Instant::now();
    let text = up(&options, &mut |_| {}).await.unwrap_err().to_string();
    assert!(text.contains("the reason") && text.contains("exit status: 3"), "{text}");
    assert!(begin.elapsed() < Duration::from_secs(60));
}
