//! What an operator does to the API of a shop that runs: releases, the way back, its log, a shell, the database.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::PathBuf;
use std::process::{Child, Command};

use jewel_tests::Cloud;
use serde_json::Value;

use crate::Shop;

/// Another release, seen in the list, and the way back; what is no release is refused.
pub fn releases_and_rollback(shop: &Shop) {
    let before = current(shop);
    let next = variant(&shop.cloud, "next");
    let deployed = shop.cloud.run(&["deploy", "api", "--json", "--binary", next.to_str().unwrap()]).expect(0).json();
    let after = deployed["release"].as_str().unwrap().to_owned();
    assert_eq!((deployed["previous"].as_str(), current(shop)), (Some(before.as_str()), after.clone()));
    let listed = releases(shop);
    assert_eq!((state(&listed, &after), state(&listed, &before)), ("current", "previous"));
    assert!(listed.iter().all(|one| one["state"] == "rejected" || one["schema_version"].is_u64()), "{listed:?}");

    let dry = shop.cloud.run(&["rollback", "--dry-run", "--json"]).expect(0).json();
    assert_eq!((dry["release"].as_str(), current(shop)), (Some(before.as_str()), after.clone()));
    let back = shop.cloud.run(&["rollback", "--json"]).expect(0).json();
    assert_eq!((back["release"].as_str(), back["previous"].as_str()), (Some(before.as_str()), Some(after.as_str())));
    assert_eq!((current(shop), shop.get("/api/v1/categories").status), (before.clone(), 200));
    let refused = shop.cloud.run(&["rollback", "9.9"]).expect(2);
    assert!(refused.stderr.contains("no release 9.9") && refused.stderr.contains(&after), "{}", refused.stderr);
    shop.cloud.run(&["rollback", &after]).expect(0);
    assert_eq!(current(shop), after);
    shop.cloud.run(&["rollback"]).expect(0);
    // One that was written for a schema that is long gone.
    let about = format!("/opt/jewel/releases/{after}/about");
    shop.cloud.run(&["ssh", "--", &format!("sudo sed -i -E 's/(schema_version.:)[0-9]+/\\11/' {about}")]).expect(0);
    for command in [&["rollback", "--dry-run"][..], &["rollback"], &["rollback", &after]] {
        let refused = shop.cloud.run(command).expect(7);
        assert!(refused.stderr.contains("is written for schema 1"), "{}", refused.stderr);
    }
    assert_eq!(current(shop), before);
    // The way back leaves nothing to deliver: the API's key went with it.
    shop.cloud.run(&["status", "--exit-code"]).expect(0);
}

/// A migration of a later jewelctl may have taken away what a release uses: this one cannot say.
pub fn unknown_schema(shop: &Shop) {
    let another = variant(&shop.cloud, "another");
    shop.cloud.run(&["deploy", "api", "--binary", another.to_str().unwrap()]).expect(0);
    let refused = shop.cloud.run(&["rollback"]).expect(7);
    assert!(refused.stderr.contains("has migration 0010"), "{}", refused.stderr);
    shop.cloud.run(&["deploy", "api"]).expect(0);
}

/// The log, from the instance's journal, filtered here.
pub fn logs(shop: &Shop) {
    let all = shop.cloud.run(&["logs", "--grep", "Started", "--json"]).expect(0);
    let lines = all.stream();
    let (result, lines) = lines.split_last().expect("a result");
    assert_eq!(result["lines"], lines.len(), "{result}");
    let message = |line: &Value| line["event"]["message"].as_str().unwrap().contains("Started");
    assert!(!lines.is_empty() && lines.iter().all(message), "{lines:?}");
    let text = shop.cloud.run(&["logs", "--since", "1d"]).expect(0).stdout;
    assert!(text.lines().count() >= lines.len() && text.contains("jewel-api"), "{text}");
    shop.cloud.run(&["logs", "--since", "yesterday"]).expect(2);

    let (mut following, _) = started(shop, &["logs", "-f", "--json"]);
    assert_eq!(open_ports(shop), "22 80\n", "open while it follows");
    interrupt(&following);
    assert!(following.wait().unwrap().success());
    assert_eq!(open_ports(shop), "80\n");
}

/// A command's output and exit code are those of `jewelctl ssh`; its input is read too.
pub fn ssh(shop: &Shop) {
    let answer = shop.cloud.run(&["ssh", "--", "echo", "out;", "echo err >&2; exit 7"]).expect(7);
    assert_eq!((answer.stdout.as_str(), answer.stderr.as_str()), ("out\n", "err\n"));
    shop.cloud.run(&["ssh", "--", "sudo -n id -u | grep -qx 0"]).expect(0);
    shop.cloud.run(&["ssh", "--instance", "no-such"]).expect(2);
    assert_eq!(open_ports(shop), "80\n");
}

/// A person at a terminal gets a shell on a terminal of the same size.
pub fn shell(shop: &Shop) {
    let program = format!(
        "
import os, pty, sys, fcntl, termios, struct
pid, fd = pty.fork()
if pid == 0:
    fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack('HHHH', 37, 91, 0, 0))
    os.execvp({program:?}, ['jewelctl', 'ssh', '--target', 'local'])
seen = b''
while b'$ ' not in seen and b'# ' not in seen:
    seen += os.read(fd, 1024)
os.write(fd, b'tty; stty size; exit 3\\n')
try:
    while True:
        part = os.read(fd, 1024)
        if not part: break
        seen += part
except OSError:
    pass
print(seen.decode(), os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
",
        program = jewel_tests::binaries().join("jewelctl").display().to_string(),
    );
    let said = shop.cloud.python(&program).expect(0).stdout;
    assert!(said.contains("/dev/pts/") && said.contains("37 91") && said.trim_end().ends_with('3'), "{said}");
    assert_eq!(open_ports(shop), "80\n");
}

/// The database answers at a local port for as long as the command runs; its password is nowhere in what is printed.
pub fn tunnel(shop: &Shop) {
    let (mut child, line) = started(shop, &["tunnel", "database", "--json"]);
    let told: Value = serde_json::from_str(&line).unwrap();
    let port = u16::try_from(told["port"].as_u64().unwrap()).unwrap();
    let mut greeting = [0; 5];
    std::net::TcpStream::connect(("127.0.0.1", port)).unwrap().read_exact(&mut greeting).unwrap();
    assert_eq!(greeting[4], 10, "a server of MySQL's protocol greets with its version: {greeting:?}");
    assert!(told["secret"].is_string() && told.get("password").is_none(), "{told}");
    let taken = shop.cloud.run(&["tunnel", "database", "--port", &port.to_string()]).expect(1);
    assert!(taken.stderr.contains("--port"), "{}", taken.stderr);
    interrupt(&child);
    assert!(child.wait().unwrap().success());
    assert!(std::net::TcpStream::connect(("127.0.0.1", port)).is_err());
    assert_eq!(open_ports(shop), "80\n");
}

/// What `kill -9` leaves open, `doctor` closes and names, and so does whatever is done next over SSH.
pub fn door_left_open(shop: &Shop) {
    for next in [&["doctor", "--json"][..], &["releases", "--json"], &["ssh", "--", "true"]] {
        let (mut child, _) = started(shop, &["logs", "-f", "--json"]);
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(open_ports(shop), "22 80\n", "nobody was left to close it");
        let answer = shop.cloud.run(next).expect(0);
        assert_eq!(open_ports(shop), "80\n", "after {next:?}");
        if next[0] == "doctor" {
            assert_eq!(answer.json()["closed"][0], "shop-prod-api-1", "{}", answer.stdout);
            assert!(shop.cloud.run(next).expect(0).json()["closed"].as_array().unwrap().is_empty());
        }
    }
}

/// A copy of the API's binary that does the same and is another release: what follows an ELF file's end is not read.
pub(crate) fn variant(cloud: &Cloud, name: &str) -> PathBuf {
    let path = cloud.folder().join(name);
    let mut bytes = fs_err::read(jewel_tests::binaries().join("jewel-api")).unwrap();
    bytes.extend_from_slice(name.as_bytes());
    fs_err::write(&path, bytes).unwrap();
    path
}

pub(crate) fn releases(shop: &Shop) -> Vec<Value> {
    let answer = shop.cloud.run(&["releases", "--json"]).expect(0).json();
    answer["releases"].as_array().unwrap().clone()
}

pub(crate) fn current(shop: &Shop) -> String {
    let releases = releases(shop);
    let current = releases.iter().find(|one| one["state"] == "current").expect("one serves");
    current["id"].as_str().unwrap().to_owned()
}

fn state<'a>(releases: &'a [Value], id: &str) -> &'a str {
    let release = releases.iter().find(|one| one["id"] == id).unwrap_or_else(|| panic!("no {id} in {releases:?}"));
    release["state"].as_str().unwrap()
}

/// A command that goes on, and the first line it printed.
fn started(shop: &Shop, args: &[&str]) -> (Child, String) {
    started_on(&shop.cloud, args)
}

/// Starts a command that goes on until it is interrupted; with its first line.
pub(crate) fn started_on(cloud: &Cloud, args: &[&str]) -> (Child, String) {
    let mut child = cloud.command(args).spawn();
    let mut lines = BufReader::new(child.stdout.as_mut().unwrap()).lines();
    let line = lines.next().expect("it prints").unwrap();
    (child, line)
}

pub(crate) fn interrupt(child: &Child) {
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
}

pub(crate) fn open_ports(shop: &Shop) -> String {
    let program = "
import boto3
l = boto3.client('lightsail')
states = l.get_instance_port_states(instanceName='shop-prod-api-1')['portStates']
print(*sorted(s['fromPort'] for s in states if s['state'] == 'open'))
";
    shop.cloud.python(program).expect(0).stdout
}
