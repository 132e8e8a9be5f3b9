//! What the service wrote, from the instance's journal.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::command::Command;
use crate::error::Error;
use crate::exec::{self, Source};
use crate::layout;
use crate::ssh::Session;

/// How much is shown when nothing says from when.
const LAST_LINES: u32 = 100;

/// Which lines are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogQuery {
    /// Those since then; else the last hundred, or all of them where `everything` is wanted.
    pub since: Option<Timestamp>,
    /// All that the journal has kept.
    pub everything: bool,
    /// Those to come as well, for as long as the caller listens.
    pub follow: bool,
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LogLine {
    /// When it was written.
    pub at: Timestamp,
    /// Who wrote it: the service, or systemd about it.
    pub from: String,
    /// The line.
    pub message: String,
}

impl Session {
    /// Hands on what the service wrote, a release that is being tried included, line by line.
    ///
    /// # Errors
    /// [`Error::Command`] when the journal cannot be read, or whatever happened to the connection.
    pub async fn log(&self, query: &LogQuery, on_line: &mut (dyn FnMut(LogLine) + Send)) -> Result<(), Error> {
        let command = journal(query);
        let (mut rest, mut said) = (Vec::new(), Vec::new());
        let status = self
            .exec_streaming(&command, tokio::io::empty(), &mut |source, bytes| {
                if source == Source::Stderr {
                    said.extend_from_slice(bytes);
                    return;
                }
                rest.extend_from_slice(bytes);
                while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
                    let line: Vec<u8> = rest.drain(..=end).collect();
                    if let Some(line) = parse(&line) {
                        on_line(line);
                    }
                }
            })
            .await?;
        if status.success() {
            return Ok(());
        }
        Err(Error::Command {
            address: self.address().to_owned(),
            command: command.summary(),
            status,
            last_lines: exec::last_lines(&String::from_utf8_lossy(&said)),
        })
    }
}

fn journal(query: &LogQuery) -> Command {
    let mut command = Command::new("journalctl").args(["--no-pager", "--quiet", "--output=json"]);
    for unit in [layout::SERVICE, layout::CANDIDATE] {
        command = command.arg(format!("--unit={unit}.service"));
    }
    command = match (query.since, query.everything) {
        (Some(since), _) => command.arg(format!("--since=@{}", since.as_second())),
        (None, true) => command.arg("--lines=all"),
        (None, false) => command.arg(format!("--lines={LAST_LINES}")),
    };
    if query.follow {
        // journalctl shows ten lines before it follows, whatever it was told about the time.
        let all = if query.since.is_some() { &["--lines=all", "--follow"][..] } else { &["--follow"] };
        return command.args(all.iter().copied()).timeout(Duration::MAX).sudo();
    }
    command.sudo()
}

/// Reads one line of `journalctl --output=json`. A message that is not text comes as a list of its bytes.
fn parse(line: &[u8]) -> Option<LogLine> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Text {
        Text(String),
        Bytes(Vec<u8>),
    }
    #[derive(Deserialize)]
    struct Entry {
        #[serde(rename = "__REALTIME_TIMESTAMP")]
        at: String,
        #[serde(rename = "SYSLOG_IDENTIFIER", default)]
        from: String,
        #[serde(rename = "MESSAGE")]
        message: Text,
    }
    let entry: Entry = serde_json::from_slice(line).ok()?;
    let message = match entry.message {
        Text::Text(text) => text,
        Text::Bytes(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
    };
    Some(LogLine { at: Timestamp::from_microsecond(entry.at.parse().ok()?).ok()?, from: entry.from, message })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_whether_they_are_text_or_bytes() {
        let text = br#"{"__REALTIME_TIMESTAMP":"1700000000000001","SYSLOG_IDENTIFIER":"jewel-api","MESSAGE":"hello"}"#;
        let line = parse(text).unwrap();
        assert_eq!(
            (line.from.as_str(), line.message.as_str(), line.at.as_second()),
            ("jewel-api", "hello", 1_700_000_000)
        );
        let bytes = br#"{"__REALTIME_TIMESTAMP":"1700000000000001","MESSAGE":[104,105,255]}"#;
        assert_eq!(parse(bytes).unwrap().message, "hi\u{fffd}");
        assert_eq!(parse(b"-- No entries --"), None);
    }

    #[test]
    fn the_journal_is_asked_for_what_is_wanted() {
        let since = Some(Timestamp::from_second(1_700_000_000).unwrap());
        let asked = |query: LogQuery| journal(&query).to_string();
        assert!(asked(LogQuery::default()).ends_with("--unit=jewel-api-candidate.service --lines=100"));
        assert!(asked(LogQuery { since, ..LogQuery::default() }).ends_with("--since=@1700000000"));
        let follow = LogQuery { since, follow: true, everything: false };
        assert!(asked(follow.clone()).ends_with("--since=@1700000000 --lines=all --follow"));
        assert_eq!(journal(&follow).deadline(), Duration::MAX);
    }
}
