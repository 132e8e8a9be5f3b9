//! `jewelctl ssh`: a shell on an instance, or one command.

use std::time::Duration;

use futures::Stream;
use jewel_host::{Command, Size, Source, Status};
use jewel_runbooks::Reach;
use tokio::signal::unix::{SignalKind, signal};

use crate::Run;
use crate::args::SshArgs;
use crate::environment;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::wiring::Shop;

/// Runs it; the door closes behind it.
pub async fn run(run: &Run, args: &SshArgs) -> Outcome {
    let shop = Shop::open(run).await?;
    let outputs = shop.outputs().await?;
    let known = || outputs.instances.iter().map(|one| one.name.as_str()).collect::<Vec<_>>().join(", ");
    let wanted = args.instance.as_deref().unwrap_or(&outputs.instance_name);
    let instance = outputs.instances.iter().find(|one| one.name == wanted).ok_or_else(|| {
        Failure::new(Exit::Usage, format!("the shop has no instance {wanted}")).hint(format!("it has {}", known()))
    })?;
    let context = shop.context(&outputs).await?;
    context
        .on(instance, async |reach| {
            tokio::select! {
                ended = work(run, reach, &args.command) => ended,
                () = run.cancel.cancelled() => Err(Failure::new(Exit::Interrupted, "interrupted; the door is closed")),
            }
        })
        .await
}

async fn work(run: &Run, reach: &Reach<'_>, command: &[String]) -> Outcome {
    let session = reach.session();
    let mut print = |source: Source, bytes: &[u8]| run.ui.bytes(source == Source::Stdout, bytes);
    let input = tokio::io::stdin();
    let status = if command.is_empty() && run.ui.is_terminal() {
        let raw = Raw::enter()?;
        let ended = session.shell(&environment::terminal(), size(), input, sizes()?, &mut print).await;
        drop(raw);
        ended?
    } else {
        // As `ssh` does: the words make one line, which the shell over there reads. Without any it reads its input.
        let line = command.join(" ");
        let arguments = if line.is_empty() { Vec::new() } else { vec!["-c", line.as_str()] };
        let shell = Command::new("sh").args(arguments).timeout(Duration::MAX);
        session.exec_streaming(&shell, input, &mut print).await?
    };
    match status {
        Status::Code(0) => Ok(Exit::Done),
        Status::Code(code) => Ok(Exit::Remote(u8::try_from(code).unwrap_or(u8::MAX))),
        Status::Signal(name) => Err(Failure::new(Exit::Failed, format!("it was ended by signal {name}"))),
    }
}

/// The terminal here hands on every key while this value lives.
struct Raw;

impl Raw {
    fn enter() -> Result<Self, Failure> {
        crossterm::terminal::enable_raw_mode()?;
        Ok(Self)
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        // Nothing can be done about a terminal that is gone.
        let _ = crossterm::terminal::disable_raw_mode();
    }
}

fn size() -> Size {
    let (columns, rows) = crossterm::terminal::size().unwrap_or((80, 24));
    Size { columns: columns.into(), rows: rows.into() }
}

/// The terminal's size, each time it changes.
fn sizes() -> Result<impl Stream<Item = Size> + Unpin + Send, Failure> {
    let changes = signal(SignalKind::window_change())?;
    Ok(Box::pin(futures::stream::unfold(changes, |mut changes| async {
        changes.recv().await.map(|()| (size(), changes))
    })))
}
