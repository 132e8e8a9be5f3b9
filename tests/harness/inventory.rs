//! What there is in a cloud, counted by a program that shares no code with the tool: boto3.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::sync::Mutex;

use crate::Cloud;

const PROGRAM: &str = include_str!("inventory.py");

/// A running program that lists what belongs to an environment. One for many questions: importing boto3 is slow.
#[derive(Debug)]
pub struct Inventory {
    child: Child,
    pipes: Mutex<(ChildStdin, BufReader<ChildStdout>)>,
}

impl Inventory {
    /// Starts it, with the lines of `jewelctl local env`.
    pub fn new(cloud: &Cloud) -> Self {
        Self::over(cloud, &[])
    }

    /// Starts it with more variables: some services may be elsewhere.
    pub fn over(cloud: &Cloud, variables: &[(String, String)]) -> Self {
        let mut command = cloud.python_command(PROGRAM);
        command.envs(variables.iter().cloned());
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("python3 runs");
        let pipes = (child.stdin.take().expect("a pipe"), BufReader::new(child.stdout.take().expect("a pipe")));
        Self { child, pipes: Mutex::new(pipes) }
    }

    /// Everything of the stack `shop-ENV`, as kinds and names with ENV in place of the environment's name, and how
    /// often each occurs.
    ///
    /// # Panics
    /// When it cannot be asked.
    pub fn of(&self, env: &str) -> BTreeMap<String, usize> {
        let mut pipes = self.pipes.lock().expect("no panic");
        writeln!(pipes.0, "shop-{env}").expect("the inventory listens");
        pipes.0.flush().expect("the inventory listens");
        let mut line = String::new();
        pipes.1.read_line(&mut line).expect("the inventory answers");
        let names: Vec<String> = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: `{line}`"));
        let mut counts = BTreeMap::new();
        for name in names {
            *counts.entry(name).or_default() += 1;
        }
        counts
    }
}

impl Drop for Inventory {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
