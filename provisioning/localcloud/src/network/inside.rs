//! A thread that lives in another network namespace and makes sockets there.

use std::{path::Path, sync::mpsc};

use nix::sched::{CloneFlags, setns};
use tokio::sync::oneshot;

use crate::error::Error;

type Job = Box<dyn FnOnce() + Send>;

/// The thread. It ends when this is dropped.
#[derive(Debug)]
pub(super) struct Inside {
    jobs: mpsc::Sender<Job>,
}

impl Inside {
    /// Enters the namespace whose file is `path`.
    pub(super) async fn enter(path: &Path) -> Result<Self, Error> {
        let failed = |source| Error::Network { action: format!("enter {}", path.display()), source };
        let namespace = std::fs::File::open(path).map_err(failed)?;
        let runtime = tokio::runtime::Handle::current();
        let (jobs, queue) = mpsc::channel::<Job>();
        let (entered, result) = oneshot::channel();
        let work = move || {
            let outcome = setns(namespace, CloneFlags::CLONE_NEWNET);
            let here = outcome.is_ok();
            entered.send(outcome).ok();
            // Sockets of the runtime's kind may be made here too.
            let _runtime = runtime.enter();
            while let (true, Ok(job)) = (here, queue.recv()) {
                job();
            }
        };
        std::thread::Builder::new().name("private-network".into()).spawn(work).map_err(failed)?;
        match result.await {
            Ok(Ok(())) => Ok(Self { jobs }),
            Ok(Err(e)) => Err(failed(e.into())),
            Err(_) => Err(failed(std::io::ErrorKind::BrokenPipe.into())),
        }
    }

    /// Runs a short job there. It must not block: there is one thread.
    pub(super) async fn run<T: Send + 'static>(&self, job: impl FnOnce() -> T + Send + 'static) -> std::io::Result<T> {
        let gone = || std::io::Error::from(std::io::ErrorKind::BrokenPipe);
        let (sender, result) = oneshot::channel();
        let job: Job = Box::new(move || {
            sender.send(job()).ok();
        });
        self.jobs.send(job).map_err(|_| gone())?;
        result.await.map_err(|_| gone())
    }
}
