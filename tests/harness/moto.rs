//! moto, an emulator of AWS that shares nothing with the one in the local cloud.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::Cloud;

/// How long it may take until it listens.
const PATIENCE: Duration = Duration::from_secs(60);

/// A running moto with nothing in it; ends when dropped.
#[derive(Debug)]
pub struct Moto {
    /// Its address.
    pub url: String,
    child: Child,
}

impl Moto {
    /// Starts it on a port of its own, for an account.
    ///
    /// # Panics
    /// When it does not listen in time.
    pub fn new(cloud: &Cloud, account: &str) -> Self {
        let program = cloud.moto_environment().join("bin/moto_server");
        // Free a moment ago; moto cannot be asked to choose one itself and tell.
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        drop(listener);
        let child = Command::new(program)
            .args(["-H", "127.0.0.1", "-p", &address.port().to_string()])
            .env("MOTO_ACCOUNT_ID", account)
            // AWS's own policies, which roles may be given.
            .env("MOTO_IAM_LOAD_MANAGED_POLICIES", "true")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("moto runs");
        let moto = Self { url: format!("http://{address}"), child };
        moto.wait(address);
        moto
    }

    fn wait(&self, address: SocketAddr) {
        let deadline = Instant::now() + PATIENCE;
        while TcpStream::connect(address).is_err() {
            assert!(Instant::now() < deadline, "moto does not listen");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
