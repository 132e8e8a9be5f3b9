//! Running a [`Command`] on an instance: input in, output and exit status out, always within its deadline.

use std::fmt;
use std::pin::pin;

use futures::{Stream, StreamExt as _};
use russh::client::Msg;
use russh::{Channel, ChannelMsg, Sig};
use tokio::io::AsyncRead;

use crate::command::Command;
use crate::error::Error;
use crate::shell::Size;
use crate::ssh::Session;

/// The most a command may print when its output is kept.
const CAPTURE_LIMIT: usize = 32 << 20;
/// How many lines of a failed command are shown.
const LAST_LINES: usize = 20;

/// How a command ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Status {
    /// With this exit code.
    Code(u32),
    /// By this signal.
    Signal(String),
}

impl Status {
    /// Whether it ended with 0.
    #[must_use]
    pub fn success(&self) -> bool {
        *self == Self::Code(0)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => write!(f, "exit code {code}"),
            Self::Signal(name) => write!(f, "signal {name}"),
        }
    }
}

/// Everything a command said.
#[derive(Clone, Debug)]
pub struct Output {
    /// How it ended.
    pub status: Status,
    /// Its standard output.
    pub stdout: Vec<u8>,
    /// Its standard error.
    pub stderr: Vec<u8>,
}

impl Output {
    /// Standard output as text, without the last line break.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).trim_end().to_owned()
    }

    /// The last lines printed: of standard error if there are any, else of standard output.
    #[must_use]
    pub fn last_lines(&self) -> Vec<String> {
        let said = if self.stderr.trim_ascii().is_empty() { &self.stdout } else { &self.stderr };
        last_lines(&String::from_utf8_lossy(said))
    }
}

/// Which of the two outputs something was printed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

impl Session {
    /// Runs a command without input and keeps what it prints. A status other than 0 is not an error here.
    ///
    /// # Errors
    /// When the connection fails, the deadline passes or the output is too long to keep.
    pub async fn exec(&self, command: &Command) -> Result<Output, Error> {
        self.exec_with_input(command, tokio::io::empty()).await
    }

    /// Runs a command, feeding it `input` (bytes, a file, a stream: the way for secrets), and keeps what it prints.
    ///
    /// # Errors
    /// As [`Session::exec`].
    pub async fn exec_with_input(
        &self,
        command: &Command,
        input: impl AsyncRead + Unpin + Send,
    ) -> Result<Output, Error> {
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        let mut overflow = false;
        let status = self
            .exec_streaming(command, input, &mut |source, bytes| {
                let kept = if source == Source::Stdout { &mut stdout } else { &mut stderr };
                overflow |= kept.len() + bytes.len() > CAPTURE_LIMIT;
                if !overflow {
                    kept.extend_from_slice(bytes);
                }
            })
            .await?;
        if overflow {
            return Err(Error::TooMuchOutput {
                address: self.address().to_owned(),
                command: command.summary(),
                limit: CAPTURE_LIMIT,
            });
        }
        Ok(Output { status, stdout, stderr })
    }

    /// Runs a command that must end with 0.
    ///
    /// # Errors
    /// As [`Session::exec`], and [`Error::Command`] with its last lines when it ends otherwise.
    pub async fn run_ok(&self, command: &Command) -> Result<Output, Error> {
        self.run_ok_with_input(command, tokio::io::empty()).await
    }

    /// Runs a command that must end with 0, feeding it `input`.
    ///
    /// # Errors
    /// As [`Session::run_ok`].
    pub async fn run_ok_with_input(
        &self,
        command: &Command,
        input: impl AsyncRead + Unpin + Send,
    ) -> Result<Output, Error> {
        let output = self.exec_with_input(command, input).await?;
        if output.status.success() {
            return Ok(output);
        }
        Err(Error::Command {
            address: self.address().to_owned(),
            command: command.summary(),
            last_lines: output.last_lines(),
            status: output.status,
        })
    }

    /// Runs a command and hands on what it prints as it comes, in pieces that need not end at a line break.
    ///
    /// # Errors
    /// When the connection fails or the deadline passes.
    pub async fn exec_streaming(
        &self,
        command: &Command,
        input: impl AsyncRead + Unpin + Send,
        on_output: &mut (dyn FnMut(Source, &[u8]) + Send),
    ) -> Result<Status, Error> {
        let running = self.exec_unbounded(command, input, on_output);
        match tokio::time::timeout(command.deadline(), running).await {
            Ok(result) => result,
            Err(_elapsed) => Err(Error::Deadline {
                address: self.address().to_owned(),
                doing: format!("`{}`", command.summary()),
                after: command.deadline(),
            }),
        }
    }

    async fn exec_unbounded(
        &self,
        command: &Command,
        input: impl AsyncRead + Unpin + Send,
        on_output: &mut (dyn FnMut(Source, &[u8]) + Send),
    ) -> Result<Status, Error> {
        let doing = format!("running `{}`", command.summary());
        let channel = self.handle.channel_open_session().await.map_err(|error| self.failed(&doing, error))?;
        channel.exec(true, command.to_string()).await.map_err(|error| self.failed(&doing, error))?;
        self.converse(channel, input, futures::stream::pending(), on_output, &doing).await
    }

    /// Input in, output and exit status out, until the far side closes the channel.
    pub(crate) async fn converse(
        &self,
        channel: Channel<Msg>,
        input: impl AsyncRead + Unpin + Send,
        mut sizes: impl Stream<Item = Size> + Unpin + Send,
        on_output: &mut (dyn FnMut(Source, &[u8]) + Send),
        doing: &str,
    ) -> Result<Status, Error> {
        let (mut messages, writer) = channel.split();
        let mut status = None;
        {
            // Input and output go on at the same time, or a command that answers while it reads would block both.
            let mut feed = pin!(async {
                writer.data(input).await?;
                writer.eof().await
            });
            let mut fed = false;
            loop {
                let message = tokio::select! {
                    result = &mut feed, if !fed => {
                        // A command may end without reading all of its input; its status says whether that matters.
                        if let Err(error) = result {
                            tracing::debug!(%error, "the command did not take all of its input");
                        }
                        fed = true;
                        continue;
                    }
                    Some(size) = sizes.next() => {
                        let sent = writer.window_change(size.columns, size.rows, 0, 0).await;
                        sent.map_err(|error| self.failed(doing, error))?;
                        continue;
                    }
                    message = messages.wait() => message,
                };
                match message {
                    Some(ChannelMsg::Data { data }) => on_output(Source::Stdout, &data),
                    Some(ChannelMsg::ExtendedData { data, .. }) => on_output(Source::Stderr, &data),
                    Some(ChannelMsg::ExitStatus { exit_status }) => status = Some(Status::Code(exit_status)),
                    Some(ChannelMsg::ExitSignal { signal_name, .. }) => {
                        status = Some(Status::Signal(signal(&signal_name)));
                    }
                    Some(ChannelMsg::Failure) => return Err(self.failed(doing, russh::Error::RequestDenied)),
                    Some(ChannelMsg::Close) | None => break,
                    Some(_) => {}
                }
            }
        }
        // Both sides close a channel; the server has, or the connection is gone and there is nothing to close.
        let _ = writer.close().await;
        status.ok_or_else(|| Error::Ended { address: self.address().to_owned(), doing: doing.to_owned() })
    }
}

/// The last lines of a text, the empty ones left out.
#[must_use]
pub(crate) fn last_lines(text: &str) -> Vec<String> {
    let lines: Vec<&str> = text.lines().map(str::trim_end).filter(|line| !line.is_empty()).collect();
    lines[lines.len().saturating_sub(LAST_LINES)..].iter().map(|line| (*line).to_owned()).collect()
}

fn signal(name: &Sig) -> String {
    match name {
        Sig::Custom(other) => other.clone(),
        known => format!("{known:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_lines_are_kept() {
        let text: String = (1..=30).map(|n| format!("line {n}\n\n")).collect();
        let lines = last_lines(&text);
        assert_eq!((lines.len(), lines[0].as_str(), lines[19].as_str()), (20, "line 11", "line 30"));
    }

    #[test]
    fn standard_error_speaks_for_a_failed_command() {
        let output = |stdout: &str, stderr: &str| Output {
            status: Status::Code(1),
            stdout: stdout.into(),
            stderr: stderr.into(),
        };
        assert_eq!(output("result", "reason\n").last_lines(), ["reason"]);
        assert_eq!(output("result", " \n").last_lines(), ["result"]);
    }
}
