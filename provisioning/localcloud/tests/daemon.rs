//! The daemon as its users meet it: started, found, killed, stopped, erased. Needs root.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should say where")]

mod cloud;

use std::{
    ffi::OsString,
    time::{Duration, Instant},
};

use jewel_localcloud::{Error, Event, Options, daemon, down, endpoints, public_url, reset, status, up};

use self::cloud::{Cloud, python};

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
    let pid = cloud.daemon_pid();
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
