//! Requests held against the AWS service models, as botocore ships them: what the types of an SDK let pass and AWS
//! refuses (patterns, lengths, ranges, enums, what is required), and what no model has a place for.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::Deserialize;
use serde_json::json;

use crate::Cloud;
use crate::proxy::Seen;

/// What the models say of a number of requests.
#[derive(Clone, Debug, Default)]
pub struct Verdict {
    /// What AWS would refuse. Values are described, never shown.
    pub violations: Vec<String>,
    /// How many requests there were.
    pub requests: usize,
    /// What was called, by the name that requests are signed with.
    pub operations: BTreeMap<String, Vec<String>>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Line {
    Violation { violation: Violation },
    Summary { requests: usize, operations: BTreeMap<String, Vec<String>> },
}

#[derive(Deserialize)]
struct Violation {
    service: String,
    operation: String,
    path: String,
    rule: String,
    wanted: String,
    value: String,
}

/// Judges recorded requests.
///
/// # Panics
/// When one was not kept, or the checker itself fails.
pub fn judge(cloud: &Cloud, calls: &[Seen]) -> Verdict {
    let mut records = Vec::new();
    for seen in calls {
        let wire = seen.wire.as_ref().expect("requests are kept");
        let record = json!({
            "service": seen.call.service,
            "method": wire.method,
            "path": wire.path,
            "headers": wire.headers.iter().cloned().collect::<BTreeMap<_, _>>(),
            "body": BASE64.encode(&wire.body),
        });
        writeln!(records, "{record}").expect("memory");
    }
    let mut child =
        program(cloud, "check.py").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("python3 runs");
    let mut stdin = child.stdin.take().expect("a pipe");
    // Answers are written while questions are read.
    let writer = std::thread::spawn(move || stdin.write_all(&records));
    let output = child.wait_with_output().expect("python3 ends");
    writer.join().expect("no panic").expect("the checker listens");
    assert!(output.status.success(), "the checker failed");
    let mut verdict = Verdict::default();
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        match serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: `{line}`")) {
            Line::Violation { violation: v } => verdict
                .violations
                .push(format!("{} {} {}: {} {} ({})", v.service, v.operation, v.path, v.rule, v.wanted, v.value)),
            Line::Summary { requests, operations } => (verdict.requests, verdict.operations) = (requests, operations),
        }
    }
    verdict.violations.sort();
    verdict.violations.dedup();
    verdict
}

/// The checker's own tests: that it finds every kind of mistake.
pub fn judge_the_judge(cloud: &Cloud) -> Output {
    program(cloud, "test_check.py").output().expect("python3 runs")
}

fn program(cloud: &Cloud, name: &str) -> Command {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("harness/models");
    let mut command = Command::new(cloud.python_environment().join("bin/python3"));
    // Nothing is compiled into the source tree.
    command.arg("-B").arg(folder.join(name));
    command
}
