//! The program that changes things by hand: boto3, sharing no code with the tool. One process for all changes.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use jewel_tests::Cloud;
use serde_json::{Value, json};

const PROGRAM: &str = include_str!("changes.py");

/// The shop's own domain.
pub const DOMAIN: &str = "permata.example";

/// A resource's address and the name of one of its fields.
pub type Field = (String, String);

/// The running program and its table.
pub struct Changes {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    /// What can be changed, and what else differs then.
    pub possible: BTreeMap<Field, Vec<Field>>,
    /// What nobody can change by hand.
    pub impossible: BTreeSet<Field>,
}

impl Changes {
    /// Starts it on a shop that is provisioned.
    pub fn start(cloud: &Cloud, stack: &str) -> Self {
        let mut outputs = cloud.run(&["outputs", "--json"]).expect(0).json();
        outputs["stack"] = stack.into();
        outputs["domain"] = DOMAIN.into();
        let mut command = cloud.python_command(PROGRAM);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("python3 runs");
        let mut input = child.stdin.take().expect("a pipe");
        let mut output = BufReader::new(child.stdout.take().expect("a pipe"));
        let table = ask(&mut input, &mut output, &outputs);
        let text = |row: &Value, key: &str| row[key].as_str().expect("a text").to_owned();
        let rows = |key: &str| table[key].as_array().expect("a list").clone();
        let possible = rows("changes").into_iter().map(|row| {
            let also = serde_json::from_value(row["also"].clone()).expect("a list of fields");
            ((text(&row, "address"), text(&row, "field")), also)
        });
        let impossible = rows("unchangeable").iter().map(|row| (text(row, "address"), text(row, "field"))).collect();
        Self { possible: possible.collect(), impossible, child, input, output }
    }

    /// Makes some changes; gives those that were refused, with what AWS said.
    pub fn make(&mut self, fields: &[Field]) -> Vec<(Field, String)> {
        let answer = ask(&mut self.input, &mut self.output, &json!(fields));
        let answers = answer.as_array().expect("a list").iter();
        fields
            .iter()
            .zip(answers)
            .filter_map(|(field, answer)| Some((field.clone(), answer.as_str()?.to_owned())))
            .collect()
    }
}

impl Drop for Changes {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn ask(input: &mut ChildStdin, output: &mut BufReader<ChildStdout>, question: &Value) -> Value {
    writeln!(input, "{question}").expect("the program listens");
    input.flush().expect("the program listens");
    let mut line = String::new();
    output.read_line(&mut line).expect("the program answers");
    serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: `{line}`"))
}
