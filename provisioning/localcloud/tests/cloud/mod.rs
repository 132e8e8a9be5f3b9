//! A cloud of its own for a test, with a daemon that is the test program itself.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    process::Command,
};

use jewel_localcloud::{Endpoints, Options, daemon, reset, up};
use secrecy::ExposeSecret as _;

/// Names the file with the options for [`the_daemon`].
const OPTIONS: &str = "LOCALCLOUD_TEST_OPTIONS";

/// The program's own cache: the base image is made once for all tests.
fn cache() -> PathBuf {
    let home = || PathBuf::from(std::env::var_os("HOME").expect("a home")).join(".cache");
    std::env::var_os("XDG_CACHE_HOME").map_or_else(home, PathBuf::from).join("jewelctl")
}

fn options(data: &Path) -> Options {
    let file = data.with_extension("path");
    std::fs::write(&file, data.as_os_str().as_encoded_bytes()).unwrap();
    let mut assignment = OsString::from(format!("{OPTIONS}="));
    assignment.push(&file);
    let this = std::env::current_exe().unwrap();
    let daemon_command = ["/usr/bin/env".into(), assignment, this.into(), "--exact".into(), "cloud::the_daemon".into()];
    let flags = ["--nocapture"].map(OsString::from);
    Options {
        data_dir: data.to_owned(),
        cache_dir: cache(),
        port: 0,
        time_factor: 0.0,
        region: "ap-southeast-1".into(),
        mysqld: None,
        daemon_command: daemon_command.into_iter().chain(flags).collect(),
    }
}

/// The daemon that the tests start: `up` runs this very test in the background, with the options in a file that the
/// environment names. Without them there is nothing to do.
#[tokio::test(flavor = "multi_thread")]
async fn the_daemon() {
    let Ok(file) = std::env::var(OPTIONS) else { return };
    let data = std::fs::read_to_string(file).unwrap();
    if let Err(error) = daemon::run(&options(Path::new(&data))).await {
        panic!("{error}");
    }
}

/// A cloud of its own that leaves nothing behind, whatever happens.
pub(crate) struct Cloud {
    pub(crate) options: Options,
    home: tempfile::TempDir,
}

impl Cloud {
    pub(crate) fn new() -> Self {
        let home = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        Self { options: options(&home.path().join("cloud")), home }
    }

    pub(crate) async fn up(&self) -> Endpoints {
        up(&self.options, &mut |_| {}).await.unwrap()
    }

    /// The processes of this cloud: all whose command line names its directory.
    pub(crate) fn processes(&self) -> Vec<String> {
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

    pub(crate) fn daemon_pid(&self) -> String {
        let text = std::fs::read_to_string(self.options.data_dir.join("daemon.json")).unwrap();
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        value["pid"].to_string()
    }

    pub(crate) fn kill(&self, pids: &[String]) {
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
pub(crate) fn python(endpoints: &Endpoints, script: &str) -> String {
    let prelude = "import botocore.session\nclient = botocore.session.get_session().create_client\n";
    let output = Command::new(cache().join("ministack-1.5.33/venv/bin/python"))
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
