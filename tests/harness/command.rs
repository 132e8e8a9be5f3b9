//! Running the real binary and reading what it answered.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use serde_json::Value;

/// The folder with `jewelctl` and `jewel-api`, built from the present sources.
pub fn binaries() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let status = Command::new(cargo)
            .args(["build", "--quiet", "--workspace", "--bins"])
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .status()
            .expect("cargo runs");
        assert!(status.success(), "the binaries do not build");
        // target/debug/deps/this-test
        let this = std::env::current_exe().expect("the test knows where it is");
        let folder = this.parent().and_then(Path::parent).expect("tests run from target/PROFILE/deps").to_path_buf();
        assert!(folder.join("jewelctl").exists(), "no jewelctl in {}", folder.display());
        folder
    })
}

/// One call of `jewelctl`.
#[derive(Debug)]
pub struct Jewelctl {
    command: Command,
}

/// What it answered.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The exit code; 128 + the signal where one ended it.
    pub code: i32,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Jewelctl {
    /// `jewelctl ARGS…` in a folder, with a home of its own and none of the caller's AWS or jewel variables.
    pub fn new(folder: &Path, home: &Path, args: &[&str]) -> Self {
        let mut command = Command::new(binaries().join("jewelctl"));
        command.args(args).current_dir(folder).stdin(Stdio::null());
        for (name, _) in std::env::vars_os() {
            let text = name.to_string_lossy();
            if ["AWS_", "JEWEL_", "XDG_"].iter().any(|prefix| text.starts_with(prefix)) {
                command.env_remove(&name);
            }
        }
        command.env("HOME", home).env("NO_COLOR", "1").env("AWS_EC2_METADATA_DISABLED", "true");
        Self { command }
    }

    /// Sets a variable.
    #[must_use]
    pub fn env(mut self, name: &str, value: impl AsRef<std::ffi::OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Gives it a standard input; without, it has none.
    #[must_use]
    pub fn input(mut self, input: Stdio) -> Self {
        self.command.stdin(input);
        self
    }

    /// Runs it to its end.
    pub fn run(mut self) -> Answer {
        let output = self.command.output().expect("jewelctl runs");
        Answer::from(output)
    }

    /// Starts it and returns at once.
    pub fn spawn(mut self) -> Child {
        self.command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("jewelctl runs")
    }
}

impl From<std::process::Output> for Answer {
    fn from(output: std::process::Output) -> Self {
        use std::os::unix::process::ExitStatusExt as _;
        Self {
            code: output.status.code().unwrap_or_else(|| 128 + output.status.signal().unwrap_or_default()),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

impl Answer {
    /// Itself, if the exit code is this one.
    #[track_caller]
    pub fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, code, "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }

    /// The result: the last line of standard output, as an object.
    #[track_caller]
    pub fn json(&self) -> Value {
        let line = self.stdout.lines().last().unwrap_or_default();
        serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: `{line}`\nstderr:\n{}", self.stderr))
    }

    /// Every line of the stream.
    #[track_caller]
    pub fn stream(&self) -> Vec<Value> {
        self.stdout.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: `{line}`"))).collect()
    }
}
