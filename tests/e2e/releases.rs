//! Releases that must not serve, and deployments that are cut anywhere: the old release goes on serving, the operator is
//! told why, and the next run goes on.

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command};

use jewel_tests::Answer;
use serde_json::Value;

use crate::Shop;
use crate::operate::{current, open_ports, variant};
use crate::recovery::under_the_daemon;

/// Programs that run and are no good.
pub fn that_run(shop: &Shop) {
    let cases = [
        (1, "exited with code 3", "the crystal is cracked"),
        (2, "was not ready within 3 s", "the crystal is cracked"),
        (3, "/readyz answers 500", "the crystal is cracked"),
        (4, "its own check ended with exit code 1", "schema: version 7, needs 99: migrate first"),
    ];
    for (mode, reason, last_line) in cases {
        refused(shop, &compiled(shop, mode), &[reason, last_line]);
    }
}

/// Files that are refused before they are sent.
pub fn that_do_not_fit(shop: &Shop) {
    let whole = fs_err::read(jewel_tests::binaries().join("jewel-api")).unwrap();
    let mut foreign = whole.clone();
    foreign[18] = if whole[18] == 183 { 62 } else { 183 };
    let cases = [
        ("foreign", &foreign[..], &["aarch64", "x86_64", "shop-prod-api-1"][..]),
        ("future", &newer(&whole), &["it needs glibc 9.99, and the instance has 2."]),
        ("half", &whole[..whole.len() / 2], &["not all of it is there"]),
        ("archive", b"PK\x03\x04", &["is not a program"]),
    ];
    for (name, bytes, said) in cases {
        let path = shop.cloud.folder().join(name);
        fs_err::write(&path, bytes).unwrap();
        refused(shop, &path, said);
    }
}

/// A program that needs a glibc that is yet to come.
fn newer(program: &[u8]) -> Vec<u8> {
    let mut newer = program.to_vec();
    let known = b"GLIBC_2.34";
    let places: Vec<usize> = (0..newer.len() - known.len()).filter(|at| newer[*at..].starts_with(known)).collect();
    assert!(!places.is_empty(), "it needs no glibc of 2021");
    for at in places {
        newer[at..at + known.len()].copy_from_slice(b"GLIBC_9.99");
    }
    newer
}

/// The connection is cut while the program is sent: nothing of it is started, and the next run sends the rest.
pub fn cut_in_transit(shop: &Shop) {
    let binary = variant(&shop.cloud, "in-transit");
    let size = fs_err::metadata(&binary).unwrap().len();
    let args = ["deploy", "api", "--json", "--binary", binary.to_str().unwrap()];
    let before = current(shop);
    let mut child = shop.cloud.command(&args).spawn();
    let sent = |line: &Value| (line["event"]["event"] == "uploading").then(|| line["event"]["sent"].as_u64().unwrap());
    let mut lines = BufReader::new(child.stdout.as_mut().unwrap()).lines();
    let half = |line: &std::io::Result<String>| {
        sent(&serde_json::from_str(line.as_ref().unwrap()).unwrap()).is_some_and(|sent| sent > size / 2)
    };
    assert!(lines.any(|line| half(&line)), "it never was half sent");
    cut_connection(shop, &mut child);
    let answer = Answer::from(child.wait_with_output().unwrap());
    assert_eq!((answer.code, current(shop)), (1, before), "{}", answer.stderr);
    serves(shop);

    let stream = shop.cloud.run(&args).expect(0).stream();
    let first = stream.iter().find_map(sent);
    assert!(first.is_some_and(|first| first > size / 4), "{first:?} of {size} bytes were there");
    assert!(current(shop).ends_with(&sha(&binary)[..12]));
    serves(shop);
    shop.cloud.run(&["deploy", "api"]).expect(0);
}

/// A release whose signature is gone is not put back, and systemd itself does not start it.
pub fn that_nobody_signed(shop: &Shop) {
    let kept = deployed(shop, &variant(&shop.cloud, "unsigned"));
    shop.cloud.run(&["rollback"]).expect(0);
    let directory = format!("/opt/jewel/releases/{kept}");
    on_instance(shop, &format!("sudo mv {directory}/release.env.sig /opt/jewel/put-aside"));
    let answer = shop.cloud.run(&["rollback", &kept]).expect(1);
    assert!(answer.stderr.contains("is not signed with this shop's key"), "{}", answer.stderr);
    serves(shop);

    let here = format!("/opt/jewel/releases/{}/release.env.sig", current(shop));
    on_instance(shop, &format!("sudo cp -p {here} /opt/jewel/own && sudo cp /opt/jewel/put-aside {here}"));
    let restart = shop.cloud.run(&["ssh", "--", "sudo systemctl restart jewel-api"]);
    on_instance(shop, &format!("sudo mv /opt/jewel/own {here} && sudo systemctl restart jewel-api"));
    assert_ne!(restart.code, 0, "it was started with another release's signature");
    assert!(shop.cloud.run(&["logs", "--grep", "is not signed"]).expect(0).stdout.contains(&current(shop)));
    serves(shop);
}

/// `kill -9` of the program, and the SSH connection cut, at each step of a deployment.
pub fn cut_anywhere(shop: &Shop) {
    let other = variant(&shop.cloud, "other");
    let (mine, other) = (jewel_tests::binaries().join("jewel-api"), other);
    shop.cloud.run(&["deploy", "api"]).expect(0);
    for (number, step) in ["uploading", "uploaded", "checked", "started", "ready", "serving"].iter().enumerate() {
        for cut in [kill as fn(&Shop, &mut Child), cut_connection] {
            // What is uploaded is there for the later steps; the first ones need something new.
            let binary = match number {
                0 => variant(&shop.cloud, &format!("cut-{}", cut as usize)),
                _ if current(shop).ends_with(&sha(&mine)[..12]) => other.clone(),
                _ => mine.clone(),
            };
            let mut child =
                shop.cloud.command(&["deploy", "api", "--json", "--binary", binary.to_str().unwrap()]).spawn();
            until(&mut child, step);
            cut(shop, &mut child);
            let answer = Answer::from(child.wait_with_output().unwrap());
            assert!([0, 1, 128 + 9].contains(&answer.code), "{step}: {} {}", answer.code, answer.stderr);
            serves(shop);
            let id = deployed(shop, &binary);
            assert!(id.ends_with(&sha(&binary)[..12]), "{id}");
            let left = "systemctl is-active --quiet jewel-api-candidate || sudo test -e /etc/jewel/api.env.candidate || echo clean";
            let left = shop.cloud.run(&["ssh", "--", left]).expect(0).stdout;
            assert_eq!(left, "clean\n", "something of the trial was left after {step}");
            assert_eq!(open_ports(shop), "80\n", "after {step}");
        }
    }
    shop.cloud.run(&["deploy", "api"]).expect(0);
    shop.cloud.run(&["status", "--exit-code"]).expect(0);
}

/// How much systemd thinks the service is exposed: less than 2.5 of 10.
pub fn exposure(shop: &Shop) {
    let command = "systemd-analyze security --no-pager jewel-api.service | tail -1";
    let said = shop.cloud.run(&["ssh", "--", command]).expect(0).stdout;
    let figure = said.split_whitespace().find_map(|word| word.parse::<f64>().ok());
    assert!(figure.is_some_and(|figure| figure < 2.5), "{said}");
}

fn refused(shop: &Shop, binary: &std::path::Path, said: &[&str]) {
    let before = current(shop);
    let args = ["deploy", "api", "--ready-within", "3", "--binary", binary.to_str().unwrap()];
    let answer = shop.cloud.run(&args).expect(1);
    for words in said {
        assert!(answer.stderr.contains(words), "no `{words}`:\n{}", answer.stderr);
    }
    assert_eq!(current(shop), before);
    serves(shop);
}

fn serves(shop: &Shop) {
    assert_eq!(shop.get("/api/v1/categories").status, 200);
}

fn deployed(shop: &Shop, binary: &std::path::Path) -> String {
    let answer = shop.cloud.run(&["deploy", "api", "--json", "--binary", binary.to_str().unwrap()]).expect(0).json();
    answer["release"].as_str().unwrap().to_owned()
}

fn on_instance(shop: &Shop, line: &str) {
    shop.cloud.run(&["ssh", "--", line]).expect(0);
}

fn compiled(shop: &Shop, mode: u32) -> PathBuf {
    let path = shop.cloud.folder().join(format!("bad-{mode}"));
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/e2e/bad.c");
    let status = Command::new("cc").arg(format!("-DMODE={mode}")).arg("-o").arg(&path).arg(source).status();
    assert!(status.expect("a C compiler, which Rust's linker is").success());
    path
}

fn sha(path: &std::path::Path) -> String {
    let output = Command::new("sha256sum").arg(path).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

/// Reads what a deployment says until it is at this step.
fn until(child: &mut Child, step: &str) {
    for line in BufReader::new(child.stdout.as_mut().unwrap()).lines() {
        let line: Value = serde_json::from_str(&line.unwrap()).unwrap();
        if line["event"]["event"] == step {
            return;
        }
    }
    panic!("it never was at `{step}`");
}

fn kill(_: &Shop, child: &mut Child) {
    child.kill().unwrap();
}

/// Ends the server's processes for all connections to this cloud's machines.
fn cut_connection(shop: &Shop, _: &mut Child) {
    let sessions: Vec<String> = under_the_daemon(&shop.cloud.folder().to_string_lossy())
        .into_iter()
        .filter(|(_, command)| command.starts_with("sshd: ") && !command.contains("[listener]"))
        .map(|(pid, _)| pid.to_string())
        .collect();
    assert!(!sessions.is_empty(), "nobody is logged in");
    // The children of a session end with it, so that some may be gone already.
    let _ = Command::new("kill").arg("-9").args(&sessions).output();
}
