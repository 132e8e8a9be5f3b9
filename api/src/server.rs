//! Listening, serving, and stopping without cutting anybody off.

use std::{io, net::TcpListener, time::Duration};

use tokio::{
    signal::unix::{SignalKind, signal},
    sync::oneshot,
};
use tokio_util::sync::CancellationToken;

use crate::{
    app::App,
    config::Config,
    connections::{self, Limits},
    journal::KeepError,
    router::router,
    timers,
};

/// How long requests in flight may take to end once the server was told to stop. Less than the 30 s after which service
/// managers commonly kill.
pub const DRAIN_DEADLINE: Duration = Duration::from_secs(25);

/// How long saying goodbye to the database may take, and to the journal.
const CLOSE_DEADLINE: Duration = Duration::from_secs(2);

/// The socket systemd passed, or a new one at the configured address.
pub fn listener(config: &Config) -> io::Result<TcpListener> {
    match listenfd::ListenFd::from_env().take_tcp_listener(0)? {
        Some(passed) => Ok(passed),
        None => TcpListener::bind(config.listen),
    }
}

/// Serves until SIGTERM or SIGINT, then drains.
pub async fn serve(listener: TcpListener, app: App) -> io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let stop = async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    };
    serve_until(listener, app, stop, DRAIN_DEADLINE).await
}

/// Serves until `stop` ends; then takes no new connections, and waits for requests in flight until the deadline.
pub async fn serve_until(
    listener: TcpListener,
    app: App,
    stop: impl Future<Output = ()> + Send + 'static,
    drain_deadline: Duration,
) -> io::Result<()> {
    listener.set_nonblocking(true)?; // Sockets from a service manager need not be.
    let listener = tokio::net::TcpListener::from_std(listener)?;
    tracing::info!(address = %listener.local_addr()?, version = crate::build::VERSION, "listening");

    let (close_journal, closing) = oneshot::channel();
    let journal_ended = CancellationToken::new();
    let mut keeping = tokio::spawn({
        let (app, ended) = (app.clone(), journal_ended.clone().drop_guard());
        async move {
            let _ended = ended; // However this ends, a panic included.
            app.journal().keep(closing).await
        }
    });
    let (stopping, stopped) = oneshot::channel();
    let stop = async move {
        tokio::select! {
            () = stop => {}
            () = journal_ended.cancelled() => {}
        }
        tracing::info!("stopping: draining requests in flight");
        let _ = stopping.send(());
    };
    let serving = connections::serve(listener, router(app.clone()), Limits::default(), stop);
    let deadline = async {
        match stopped.await {
            Ok(()) => tokio::time::sleep(drain_deadline).await,
            Err(_) => std::future::pending().await,
        }
    };
    let reporting = async {
        app.report().await;
        std::future::pending::<()>().await;
    };
    tokio::select! {
        () = reporting => {}
        () = serving => {}
        () = timers::run(app.clone()) => {}
        () = deadline => tracing::warn!(seconds = drain_deadline.as_secs(), "requests still in flight were cut off"),
    }
    // After the requests, which wait for it.
    let _ = close_journal.send(());
    let kept = match tokio::time::timeout(CLOSE_DEADLINE, &mut keeping).await {
        Ok(kept) => kept.map_err(KeepError::from).flatten(),
        Err(_) => {
            keeping.abort();
            tracing::warn!("the journal did not end in time: what it lacks, the next process writes");
            Ok(())
        }
    };
    if tokio::time::timeout(CLOSE_DEADLINE, app.close()).await.is_err() {
        tracing::warn!("the database's connections did not close in time");
    }
    tracing::info!("stopped");
    kept.map_err(io::Error::other)
}
