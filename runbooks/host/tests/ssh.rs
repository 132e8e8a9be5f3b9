//! The connection against a real OpenSSH server.

mod support;

use std::time::{Duration, Instant};

use jewel_host::{Command, Error, Source, Status, connect};
use support::{Sshd, foreign_host_key};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

const PATIENCE: Duration = Duration::from_secs(10);

#[tokio::test]
async fn a_certificate_of_any_key_type_opens_the_door() {
    let sshd = Sshd::start();
    for key_type in ["ed25519", "rsa", "ecdsa"] {
        let session = connect(&sshd.access(key_type), PATIENCE).await.unwrap_or_else(|e| panic!("{key_type}: {e:?}"));
        let output = session.run_ok(&Command::new("echo").arg("it's me")).await.unwrap();
        assert_eq!(output.text(), "it's me");
        session.close().await;
    }
}

#[tokio::test]
async fn another_host_key_is_refused_at_once_and_both_fingerprints_are_named() {
    let sshd = Sshd::start();
    for key_type in ["ed25519", "ecdsa"] {
        let mut access = sshd.access("ed25519");
        let _ = std::fs::remove_file(sshd.path("user_ed25519"));
        access.host_keys = vec![foreign_host_key(&sshd.path(""), key_type)];
        let started = Instant::now();
        let error = connect(&access, Duration::from_secs(60)).await.expect_err("must be refused");
        let Error::HostKey { presented, pinned, .. } = &error else { panic!("{error:?}") };
        assert!(started.elapsed() < PATIENCE, "it must not be tried again");
        assert!(pinned[0].starts_with("SHA256:") && *presented != pinned[0], "{error}");
        assert!(error.to_string().contains(pinned[0].as_str()) && error.to_string().contains(presented), "{error}");
    }
}

#[tokio::test]
async fn without_a_pinned_host_key_nothing_is_trusted() {
    let sshd = Sshd::start();
    let mut access = sshd.access("ed25519");
    access.host_keys.clear();
    assert!(matches!(connect(&access, PATIENCE).await, Err(Error::Access { what: "host key", .. })));
}

#[tokio::test]
async fn a_certificate_of_another_authority_is_denied() {
    let (sshd, other) = (Sshd::start(), Sshd::start());
    let mut access = other.access("ed25519");
    access.port = sshd.port;
    access.host_keys = sshd.access("rsa").host_keys;
    assert!(matches!(connect(&access, Duration::from_secs(2)).await, Err(Error::Denied { .. })));
}

#[tokio::test]
async fn a_server_that_never_comes_is_given_up_at_the_deadline() {
    let mut sshd = Sshd::start();
    let access = sshd.access("ed25519");
    sshd.kill();
    let started = Instant::now();
    let error = connect(&access, Duration::from_secs(1)).await.expect_err("nobody is there");
    assert!(matches!(error, Error::Unreachable { source: Some(_), .. }), "{error:?}");
    assert!(started.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn input_output_and_status_arrive_as_they_are() {
    let sshd = Sshd::start();
    let session = connect(&sshd.access("ed25519"), PATIENCE).await.unwrap();

    let megabytes: Vec<u8> = (0..3_000_000_u32).map(|n| (n * 31 % 251) as u8).collect();
    let output = session.run_ok_with_input(&Command::new("cat"), megabytes.as_slice()).await.unwrap();
    assert!(output.stdout == megabytes, "3 MB must come back unchanged, {} bytes did", output.stdout.len());

    let failing = Command::script("echo out; echo because >&2; exit 7");
    let output = session.exec(&failing).await.unwrap();
    assert_eq!((&output.status, output.last_lines()), (&Status::Code(7), vec!["because".to_owned()]));
    let error = session.run_ok(&failing).await.expect_err("7 is not 0").to_string();
    assert!(error.contains("exit code 7") && error.contains("because"), "{error}");

    let killed = session.exec(&Command::script("kill -TERM $$")).await.unwrap();
    assert_eq!(killed.status, Status::Signal("TERM".to_owned()));

    // A command that reads nothing must not block on input nobody takes.
    let ignored = session.exec_with_input(&Command::new("true"), megabytes.as_slice()).await.unwrap();
    assert!(ignored.status.success());

    let late = session.exec(&Command::new("sleep").arg("30").timeout(Duration::from_millis(200))).await;
    assert!(matches!(late, Err(Error::Deadline { .. })), "{late:?}");

    let mut seen = Vec::new();
    let streamed = Command::script("echo one; echo two >&2");
    session
        .exec_streaming(&streamed, tokio::io::empty(), &mut |from, bytes| seen.push((from, bytes.to_vec())))
        .await
        .unwrap();
    assert!(seen.contains(&(Source::Stdout, b"one\n".to_vec())) && seen.contains(&(Source::Stderr, b"two\n".to_vec())));
}

#[tokio::test]
async fn a_cut_connection_is_noticed() {
    let sshd = Sshd::start();
    let session = connect(&sshd.access("ed25519"), PATIENCE).await.unwrap();
    let (_never, never_ends) = tokio::io::duplex(1);
    // The parent of the shell is the server's process for this connection.
    let command = Command::script("kill -KILL $PPID; exec cat").timeout(PATIENCE);
    let result = session.exec_with_input(&command, never_ends).await;
    assert!(matches!(result, Err(Error::Ended { .. })), "{result:?}");
}

#[tokio::test]
async fn uploads_are_checked_resumed_and_atomic() {
    let sshd = Sshd::start();
    let session = connect(&sshd.access("ed25519"), PATIENCE).await.unwrap();
    let content: Vec<u8> = (0..5_000_000_u32).map(|n| (n * 7 % 253) as u8).collect();
    let (local, remote) = (sshd.path("local"), sshd.path("remote"));
    std::fs::write(&local, &content).unwrap();
    let part = sshd.path("remote.part");
    let remote_name = remote.to_str().unwrap();

    // The beginning of this file is kept.
    std::fs::write(&part, &content[..2_000_000]).unwrap();
    let mut reports = Vec::new();
    let uploaded =
        session.upload(&local, remote_name, 0o750, &mut |sent, total| reports.push((sent, total))).await.unwrap();
    assert_eq!((uploaded.size, uploaded.resumed_at), (5_000_000, 2_000_000));
    assert_eq!((reports[0], *reports.last().unwrap()), ((2_000_000, 5_000_000), (5_000_000, 5_000_000)));
    assert!(std::fs::read(&remote).unwrap() == content && !part.exists());
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&remote).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o750);

    // Something else under that name is not, be it shorter or longer.
    for foreign in [vec![9; 1_000_000], vec![9; 6_000_000]] {
        std::fs::write(&part, foreign).unwrap();
        let uploaded = session.upload(&local, remote_name, 0o750, &mut |_, _| {}).await.unwrap();
        assert_eq!(uploaded.resumed_at, 0);
        assert!(std::fs::read(&remote).unwrap() == content);
    }

    let back = sshd.path("back");
    assert_eq!(session.download(remote_name, &back).await.unwrap(), 5_000_000);
    assert!(std::fs::read(&back).unwrap() == content);
    let missing = session.download("/no/such/file", &back).await.expect_err("it is not there").to_string();
    assert!(missing.contains("/no/such/file"), "{missing}");
}

#[tokio::test]
async fn an_upload_that_is_cut_goes_on_where_it_was() {
    let sshd = Sshd::start();
    let content: Vec<u8> = (0..8_000_000_u32).map(|n| (n * 11 % 251) as u8).collect();
    let (local, remote) = (sshd.path("binary"), sshd.path("release"));
    std::fs::write(&local, &content).unwrap();
    let remote_name = remote.to_str().unwrap();

    let access = sshd.access("ed25519");
    let session = connect(&access, PATIENCE).await.unwrap();
    // The parent of the shell is the server's process for this connection.
    let server = session.exec(&Command::script("echo $PPID")).await.unwrap();
    let server = String::from_utf8(server.stdout).unwrap();
    let mut cut_at = None;
    let mut cut = |sent, _| {
        if sent >= 3_000_000 && cut_at.is_none() {
            cut_at = Some(sent);
            assert!(std::process::Command::new("kill").args(["-KILL", server.trim()]).status().unwrap().success());
        }
    };
    let upload = session.upload(&local, remote_name, 0o755, &mut cut);
    let cut = tokio::time::timeout(PATIENCE, upload).await.expect("it is noticed");
    assert!(matches!(cut, Err(Error::Transfer { .. } | Error::Ended { .. } | Error::Connection { .. })), "{cut:?}");
    assert!(!remote.exists(), "half a file under its name");

    let session = connect(&access, PATIENCE).await.unwrap();
    let uploaded = session.upload(&local, remote_name, 0o755, &mut |_, _| {}).await.unwrap();
    // Something was on its way.
    assert!(uploaded.resumed_at >= 1_000_000, "{} after a cut at {cut_at:?}", uploaded.resumed_at);
    assert!(std::fs::read(&remote).unwrap() == content);
}

#[tokio::test]
async fn a_tunnel_carries_many_connections_and_ends_with_its_value() {
    let sshd = Sshd::start();
    let session = connect(&sshd.access("ed25519"), PATIENCE).await.unwrap();
    let echo = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = echo.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = echo.accept().await {
            tokio::spawn(async move {
                let (mut read, mut write) = stream.split();
                let _ = tokio::io::copy(&mut read, &mut write).await;
            });
        }
    });

    let tunnel = session.tunnel("127.0.0.1", port).await.unwrap();
    let local = tunnel.local();
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..20_u8 {
        tasks.spawn(async move {
            let sent = vec![n; 100_000];
            let mut stream = tokio::net::TcpStream::connect(local).await.unwrap();
            let (mut read, mut write) = stream.split();
            let (written, mut back) = (write.write_all(&sent), vec![0; sent.len()]);
            let (written, read) = tokio::join!(written, read.read_exact(&mut back));
            written.unwrap();
            read.unwrap();
            assert!(back == sent);
        });
    }
    while let Some(result) = tasks.join_next().await {
        result.unwrap();
    }

    assert!(session.open_stream("127.0.0.1", 1).await.is_err(), "nothing listens on port 1");
    drop(tunnel);
    let deadline = Instant::now() + PATIENCE;
    while tokio::net::TcpStream::connect(local).await.is_ok() {
        assert!(Instant::now() < deadline, "the local port must close");
        tokio::task::yield_now().await;
    }
}
