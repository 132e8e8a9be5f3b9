//! Ctrl-C once: finish what is in flight, start nothing new. Twice: stop at once.

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::exit::Exit;
use crate::ui::Ui;

/// Listens for SIGINT and SIGTERM; the token is cancelled at the first.
pub(crate) fn watch(ui: &Ui) -> std::io::Result<CancellationToken> {
    let token = CancellationToken::new();
    let (mut int, mut term) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let (ui, cancelled) = (ui.clone(), token.clone());
    tokio::spawn(async move {
        loop {
            tokio::select! {
                _ = int.recv() => {}
                _ = term.recv() => {}
            }
            if cancelled.is_cancelled() {
                stop_now();
            }
            ui.say("stopping: finishing what is in flight; once more stops at once");
            cancelled.cancel();
        }
    });
    Ok(token)
}

#[expect(clippy::exit, reason = "the second Ctrl-C must not wait for anything")]
fn stop_now() -> ! {
    std::process::exit(i32::from(Exit::Interrupted.code()))
}
