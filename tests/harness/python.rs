//! The stock AWS CLI and boto3, in an environment of their own, made once and cached.

use std::path::PathBuf;
use std::process::Command;
use std::sync::Mutex;

use crate::{Answer, Cloud};

// `regex` knows the classes that AWS's patterns use and Python's own module does not.
const PACKAGES: [&str; 3] = ["awscli==1.46.3", "boto3==1.44.3", "regex==2026.11.15"];

// The last one whose answers about a bucket's versioning have the root element that AWS's have.
const MOTO: [&str; 1] = ["moto[server]==5.1.22"];

impl Cloud {
    /// `aws ARGS…`, pointed at this cloud by the lines that `jewelctl local env` prints.
    pub fn aws(&self, args: &[&str]) -> Answer {
        let script = r#"eval "$("$JEWELCTL" local env)" && exec "$AWS" "$@""#;
        let mut command = self.shell(script);
        command.arg("aws").args(args);
        Answer::from(command.output().expect("sh runs"))
    }

    /// A Python program with boto3, pointed at this cloud.
    pub fn python(&self, program: &str) -> Answer {
        Answer::from(self.python_command(program).output().expect("sh runs"))
    }

    /// The same, to be started by the caller.
    pub fn python_command(&self, program: &str) -> Command {
        let script = r#"eval "$("$JEWELCTL" local env)" && exec "$PYTHON" -c "$1""#;
        let mut command = self.shell(script);
        command.arg("python").arg(program);
        command
    }

    /// The folder of the virtual environment.
    pub(crate) fn python_environment(&self) -> PathBuf {
        environment(self, &PACKAGES)
    }

    /// One that has moto, a second emulator of AWS.
    pub(crate) fn moto_environment(&self) -> PathBuf {
        environment(self, &MOTO)
    }

    fn shell(&self, script: &str) -> Command {
        let tools = self.python_environment();
        let mut command = Command::new("sh");
        command
            .args(["-c", script])
            .env("JEWELCTL", crate::binaries().join("jewelctl"))
            .env("AWS", tools.join("bin/aws"))
            .env("PYTHON", tools.join("bin/python3"))
            .env("AWS_PAGER", "")
            .env("HOME", self.folder())
            .env("XDG_DATA_HOME", self.folder().join("data"))
            .env("XDG_CACHE_HOME", self.cache())
            .current_dir(self.folder());
        command
    }
}

/// The virtual environment, made whole or not at all.
fn environment(cloud: &Cloud, packages: &[&str]) -> PathBuf {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _guard = ONE_AT_A_TIME.lock();
    let folder = cloud.cache().join("jewelctl/tests").join(packages.join("-").replace("==", "-"));
    if folder.join("complete").exists() {
        return folder;
    }
    let _ = fs_err::remove_dir_all(&folder);
    fs_err::create_dir_all(&folder).expect("the cache is writable");
    run(Command::new("python3").args(["-m", "venv"]).arg(&folder));
    run(Command::new(folder.join("bin/pip")).args(["install", "--quiet"]).args(packages));
    fs_err::write(folder.join("complete"), "").expect("the cache is writable");
    folder
}

fn run(command: &mut Command) {
    let output = command.output().expect("python3 runs");
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}
