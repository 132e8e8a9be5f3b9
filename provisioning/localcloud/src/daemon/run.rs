//! The daemon itself, in the foreground: brings every part up in order, waits to be told to stop, takes them down.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use secrecy::ExposeSecret as _;
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
    sync::{Notify, watch},
};

use super::{admin, guard, ports, settings::Settings, start, stop};
use crate::{
    edge::Edges,
    error::Error,
    event::Event,
    files,
    lightsail::{Ground, Lightsail, LightsailOptions},
    machine::Machines,
    ministack::{self, Ministack},
    network::{Network, forward::Forwards},
    options::Options,
};

/// Everything is down within this, cleanly or not.
const STOP_DEADLINE: Duration = Duration::from_secs(40);

/// Runs the cloud until it is told to stop (the admin interface, SIGTERM or SIGINT).
///
/// # Errors
/// When another daemon has the cloud, a port is taken, or a part does not start.
pub async fn run(options: &Options) -> Result<(), Error> {
    guard::root_on_linux()?;
    let options = guard::absolute(options)?;
    // Away from the terminal that started us. Fails when we lead a group already, which is as good.
    nix::unistd::setsid().ok();
    tracing_subscriber::fmt().with_ansi(false).with_writer(std::io::stderr).with_target(false).try_init().ok();

    files::private_dir(&options.data_dir)?;
    let Some(_only_one) = files::try_lock(&options.data_dir.join("daemon.lock"))? else {
        return Err(Error::AlreadyRunning { data_dir: options.data_dir.clone() });
    };
    let mut asked_to_stop = Stop::listen()?;
    let settings = Settings::read_or_make(&options)?;
    let layout = settings.layout(&options);

    let leftovers = stop::clear(&options.data_dir, Some(settings.slot), Duration::from_secs(5)).await?;
    if leftovers > 0 {
        tracing::warn!(leftovers, "ended what a killed daemon left behind");
    }
    ports::check(settings.base_port)?;

    let lightsail_listener = listen(settings.lightsail_port()).await?;
    let admin_listener = listen(settings.admin_port()).await?;
    let log_event = |event: Event| tracing::info!(?event, "preparing");
    let prepared = start::prepare(&options, &log_event).await?;

    let (network, ministack) = tokio::try_join!(
        Network::open(layout.clone()),
        Ministack::start(ministack::Settings {
            python: prepared.python,
            directory: options.data_dir.join("ministack"),
            log: layout.log("ministack"),
            port: settings.gateway_port(),
            region: settings.region.clone(),
            account_id: settings.account_id.clone(),
            access_key_id: settings.access_key_id.clone(),
            secret_access_key: settings.secret_access_key.clone(),
        })
    )?;
    let inward: Vec<u16> = vec![settings.gateway_port(), settings.lightsail_port()];
    network.expose_to_instances(&inward).await?;

    let forwards = Forwards::new(network.clone());
    let machines = Machines::open(layout.clone(), network.clone(), prepared.image).await?;
    let lightsail = Lightsail::open(Ground {
        layout,
        network,
        forwards,
        machines: machines.clone(),
        options: LightsailOptions {
            region: settings.region.clone(),
            account_id: settings.account_id.clone(),
            access_key_id: settings.access_key_id.clone(),
            identity_url: Some(format!("http://127.0.0.1:{}{}", settings.gateway_port(), ministack::AUTHORIZE_PATH)),
            time_factor: options.time_factor,
            mysqld: options.mysqld.clone(),
        },
    })
    .await?;
    let edges_store = options.data_dir.join("edges.json");
    let edges = Edges::open(edges_store, settings.first_edge_port(), settings.gateway_port()).await?;

    let lightsail_router = lightsail.router();
    let parts = Arc::new(admin::Parts {
        edges,
        ministack,
        lightsail,
        stop: Notify::new(),
        token: admin::token(settings.secret_access_key.expose_secret()),
    });
    let (quit, quitting) = watch::channel(false);
    let servers = [
        tokio::spawn(serve(lightsail_listener, lightsail_router, quitting.clone())),
        tokio::spawn(serve(admin_listener, admin::router(Arc::clone(&parts)), quitting)),
    ];
    files::write_json(&options.data_dir.join("daemon.json"), &serde_json::json!({ "pid": std::process::id() }))?;
    tracing::info!(port = settings.base_port, slot = settings.slot, "the cloud is up");

    tokio::select! {
        () = parts.stop.notified() => {}
        () = asked_to_stop.asked() => {}
    }
    tracing::info!("stopping");
    quit.send_replace(true);
    let clean = async {
        tokio::join!(parts.lightsail.shutdown(), parts.ministack.stop());
        machines.shutdown().await;
    };
    if tokio::time::timeout(STOP_DEADLINE, clean).await.is_err() {
        tracing::warn!("not everything stopped in time");
    }
    stop::clear(&options.data_dir, Some(settings.slot), Duration::from_secs(2)).await?;
    for server in servers {
        server.abort();
    }
    tracing::info!("stopped");
    Ok(())
}

/// The signals that end us.
struct Stop {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

impl Stop {
    fn listen() -> Result<Self, Error> {
        let listen =
            |kind| signal(kind).map_err(|source| Error::Network { action: "listen for signals".into(), source });
        Ok(Self { terminate: listen(SignalKind::terminate())?, interrupt: listen(SignalKind::interrupt())? })
    }

    async fn asked(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

async fn listen(port: u16) -> Result<TcpListener, Error> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    TcpListener::bind(address).await.map_err(|_| ports::taken(port))
}

async fn serve(listener: TcpListener, router: axum::Router, mut quitting: watch::Receiver<bool>) {
    let quit = async move {
        quitting.wait_for(|quit| *quit).await.ok();
    };
    if let Err(error) = axum::serve(listener, router).with_graceful_shutdown(quit).await {
        tracing::error!(%error, "a server ended");
    }
}
