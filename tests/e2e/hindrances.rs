//! What can be wrong with a machine, and what can happen to a run: a clear message, the right exit code, nothing lost.

use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::process::{Child, Command};

use jewel_tests::{Answer, Cloud, binaries};

use crate::Shop;

/// A port that somebody holds: named, with its holder; no cloud is made.
pub fn port_taken() {
    let cloud = Cloud::new();
    let holder = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = holder.local_addr().unwrap().port();
    let answer = cloud.command(&["local", "up"]).env("JEWEL_LOCAL_PORT", port.to_string()).run().expect(2);
    assert!(answer.stderr.contains(&format!("port {port} is taken by")), "{}", answer.stderr);
    assert!(answer.stderr.contains("hint: "), "{}", answer.stderr);
    assert!(cloud.run(&["local", "status"]).expect(8).stdout.contains("never started"));
}

/// Somebody who is not root.
pub fn not_root() {
    let folder = tempfile::Builder::new().prefix("jewel-nobody-").tempdir_in("/tmp").unwrap();
    let program = folder.path().join("jewelctl");
    fs_err::copy(binaries().join("jewelctl"), &program).unwrap();
    let run = |command: &mut Command| assert!(command.status().unwrap().success());
    run(Command::new("chmod").args(["-R", "a+rX"]).arg(folder.path()));
    let output = Command::new("setpriv")
        .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
        .arg(&program)
        .args(["local", "up"])
        .env("HOME", folder.path())
        .env_remove("XDG_DATA_HOME")
        .current_dir(folder.path())
        .output()
        .unwrap();
    let answer = Answer::from(output).expect(2);
    assert!(
        answer.stderr.starts_with("error: the local cloud runs real machines and needs root\n"),
        "{}",
        answer.stderr
    );
}

/// No database server.
pub fn no_database_server() {
    let cloud = Cloud::new();
    let answer = cloud.command(&["up", "--yes"]).env("JEWEL_MYSQLD", "/no/such/mysqld").run().expect(8);
    assert!(answer.stderr.contains("/no/such/mysqld does not exist"), "{}", answer.stderr);
}

/// A disk that is full while the base image is made: said, with the place and the room; nothing half-made stays.
pub fn full_disk() {
    let cloud = Cloud::new();
    let cache = cloud.folder().join("small");
    fs_err::create_dir(&cache).unwrap();
    let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=40m", "tmpfs"]).arg(&cache).status().unwrap();
    assert!(mounted.success());
    let answer = cloud.command(&["local", "up"]).env("XDG_CACHE_HOME", &cache).run();
    let left: Vec<_> = fs_err::read_dir(cache.join("jewelctl/images"))
        .map(|entries| entries.flatten().filter(|entry| entry.path().is_dir()).map(|entry| entry.path()).collect())
        .unwrap_or_default();
    assert!(Command::new("umount").arg(&cache).status().unwrap().success());
    let answer = answer.expect(1);
    assert!(
        answer.stderr.contains("could not make the") && answer.stderr.contains("small/jewelctl"),
        "{}",
        answer.stderr
    );
    assert!(answer.stderr.contains("hint: free some disk space"), "{}", answer.stderr);
    assert!(left.is_empty(), "{left:?}");
}

/// Ctrl-C in the middle of `up`: 130, the lock is free, and the same command goes on.
pub fn ctrl_c(shop: &Shop) {
    let args = ["up", "--yes", "--json", "--env", "stopped"];
    let mut child = shop.cloud.command(&args).spawn();
    read_lines(&mut child, 12);
    let interrupted = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(interrupted.success());
    let answer = Answer::from(child.wait_with_output().unwrap()).expect(130);
    assert!(answer.stderr.contains("the same command goes on from here"), "{}", answer.stderr);
    again(shop, &args, "stopped");
}

/// The daemon killed in the middle of `up`: a clear failure, and the same command goes on.
pub fn daemon_killed(shop: &Shop) {
    let args = ["up", "--yes", "--json", "--env", "orphan"];
    let mut child = shop.cloud.command(&args).spawn();
    read_lines(&mut child, 20);
    crate::recovery::kill_everything_under_the_daemon(&shop.cloud.folder().to_string_lossy());
    let answer = Answer::from(child.wait_with_output().unwrap());
    assert!([1, 8].contains(&answer.code), "{}: {}", answer.code, answer.stderr);
    assert!(answer.stderr.contains("error: ") && !answer.stderr.contains("panicked"), "{}", answer.stderr);
    again(shop, &args, "orphan");
}

fn read_lines(child: &mut Child, count: usize) {
    let reader = BufReader::new(child.stdout.as_mut().unwrap());
    assert_eq!(reader.lines().take(count).count(), count);
}

fn again(shop: &Shop, args: &[&str], env: &str) {
    shop.cloud.run(args).expect(0);
    shop.cloud.run(&["plan", "--exit-code", "--env", env]).expect(0);
    let name = format!("shop-{env}");
    shop.cloud.run(&["destroy", "--env", env, "--confirm", &name, "--delete-data"]).expect(0);
}
