//! A real OpenSSH server on loopback for one test: its own keys, its own certificate authority, gone with the value.

#![expect(clippy::unwrap_used, reason = "a test whose server cannot be set up fails right there")]

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use jewel_host::Access;
use secrecy::SecretString;
use tempfile::TempDir;

/// A running server and everything it was started from.
pub(crate) struct Sshd {
    directory: TempDir,
    child: Child,
    pub(crate) port: u16,
    user: String,
}

impl Sshd {
    pub(crate) fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        for name in ["host_key", "ca"] {
            keygen(&["-q", "-t", "ed25519", "-N", "", "-f", path(name).to_str().unwrap()]);
        }
        let user = text(Command::new("id").arg("-un"));
        let (child, port) = (0..20)
            .find_map(|_| {
                let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
                let child = spawn(directory.path(), port);
                answers(child, port).map(|child| (child, port))
            })
            .expect("sshd did not start; install it with: apt-get install -y openssh-server");
        Self { directory, child, port, user }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// A fresh key of this type with a certificate of this server's authority.
    pub(crate) fn access(&self, key_type: &str) -> Access {
        let key = self.path(&format!("user_{key_type}"));
        keygen(&["-q", "-t", key_type, "-N", "", "-f", key.to_str().unwrap()]);
        let ca = self.path("ca");
        let public = format!("{}.pub", key.display());
        keygen(&["-q", "-s", ca.to_str().unwrap(), "-I", "test", "-n", &self.user, "-V", "+1h", &public]);
        Access {
            host: "127.0.0.1".to_owned(),
            port: self.port,
            user: self.user.clone(),
            private_key: SecretString::from(std::fs::read_to_string(&key).unwrap()),
            certificate: std::fs::read_to_string(format!("{}-cert.pub", key.display())).unwrap(),
            host_keys: vec![std::fs::read_to_string(self.path("host_key.pub")).unwrap()],
        }
    }

    /// Kills the server and every connection of it.
    pub(crate) fn kill(&mut self) {
        let group = format!("-{}", self.child.id());
        let _ = Command::new("kill").args(["-KILL", "--", &group]).stderr(Stdio::null()).status();
        let _ = self.child.wait();
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A key that nobody knows, as a line of `known_hosts` without the host.
pub(crate) fn foreign_host_key(directory: &Path, key_type: &str) -> String {
    let key = directory.join(format!("foreign_{key_type}"));
    keygen(&["-q", "-t", key_type, "-N", "", "-f", key.to_str().unwrap()]);
    std::fs::read_to_string(format!("{}.pub", key.display())).unwrap()
}

fn spawn(directory: &Path, port: u16) -> Child {
    use std::os::unix::process::CommandExt as _;
    // Debian's sshd wants its privilege separation directory, which only its own service makes.
    let _ = std::fs::create_dir_all("/run/sshd");
    let config = format!(
        "ListenAddress 127.0.0.1\nPort {port}\nHostKey {d}/host_key\nTrustedUserCAKeys {d}/ca.pub\nPidFile none\n\
         AuthorizedKeysFile none\nPasswordAuthentication no\nKbdInteractiveAuthentication no\nUsePAM no\nStrictModes no\n\
         PermitRootLogin prohibit-password\nSubsystem sftp internal-sftp\nLogLevel VERBOSE\n",
        d = directory.display()
    );
    let file = directory.join("sshd_config");
    std::fs::write(&file, config).unwrap();
    let log = std::fs::File::create(directory.join("sshd.log")).unwrap();
    Command::new("/usr/sbin/sshd")
        .args(["-D", "-e", "-f", file.to_str().unwrap()])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .process_group(0)
        .spawn()
        .expect("sshd is missing; install it with: apt-get install -y openssh-server")
}

fn answers(mut child: Child, port: u16) -> Option<Child> {
    let deadline = Instant::now() + Duration::from_secs(10);
    while Instant::now() < deadline {
        if child.try_wait().unwrap().is_some() {
            return None;
        }
        if std::net::TcpStream::connect(("127.0.0.1", port)).is_ok() {
            return Some(child);
        }
        std::thread::yield_now();
    }
    let _ = child.kill();
    None
}

fn keygen(args: &[&str]) {
    let output = Command::new("ssh-keygen").args(args).output().expect("ssh-keygen (openssh-client) is needed");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn text(command: &mut Command) -> String {
    String::from_utf8(command.output().unwrap().stdout).unwrap().trim().to_owned()
}
