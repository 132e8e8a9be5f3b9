//! A login shell on the instance for a person at a terminal.

use futures::Stream;
use tokio::io::AsyncRead;

use crate::error::Error;
use crate::exec::{Source, Status};
use crate::ssh::Session;

/// How large a terminal is, in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Characters in a line.
    pub columns: u32,
    /// Lines.
    pub rows: u32,
}

impl Session {
    /// Runs the user's login shell on a terminal of the instance's until it ends. `kind` is what `TERM` says here,
    /// `sizes` tells when the terminal here changes its size.
    ///
    /// # Errors
    /// When the instance gives no terminal, or the connection fails.
    pub async fn shell(
        &self,
        kind: &str,
        size: Size,
        input: impl AsyncRead + Unpin + Send,
        sizes: impl Stream<Item = Size> + Unpin + Send,
        on_output: &mut (dyn FnMut(Source, &[u8]) + Send),
    ) -> Result<Status, Error> {
        let doing = "running a shell";
        let failed = |error| self.failed(doing, error);
        let channel = self.handle.channel_open_session().await.map_err(failed)?;
        channel.request_pty(true, kind, size.columns, size.rows, 0, 0, &[]).await.map_err(failed)?;
        channel.request_shell(true).await.map_err(failed)?;
        self.converse(channel, input, sizes, on_output, doing).await
    }
}
