//! The parts put together: settings in, a running gateway out.

mod beat;
mod descriptors;
mod ending;
mod examination;
mod ground;
mod monitor;
mod probe;
mod registry;
mod reload;
mod server;
mod service_manager;
mod standing;
mod start_error;
mod tenant;

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use futures::future::select_all;
use jiff::{SignedDuration, Timestamp};
use metrics_exporter_prometheus::PrometheusHandle;
use secrecy::ExposeSecret;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::descriptors::Descriptors;
use self::ending::Ending;
pub use self::examination::examine;
use self::ground::Ground;
use self::monitor::Monitor;
pub use self::probe::{NoSign, ProbeAnswer, Sign, sign_of_life};
use self::registry::Registry;
pub use self::registry::TakenOver;
use self::server::{Handle, Server, listen};
use self::standing::{standing_at_metrics, standing_in};
pub use self::start_error::StartError;
pub use self::tenant::{Upstreams, engine, upstreams};
use crate::config::{Config, Mistakes, SettingsPlace};
use crate::http::{self, AppState, Door, Room};
use crate::notices::Courier;
use crate::store::{Process, Store};
use crate::telemetry;
use crate::upstream::Sockets;

/// Connections to the listener of the metrics: a few scrapers.
const ROOM_OF_METRICS: Room = Room { most: 16, of_one_address: 8 };
/// How often what was counted is added up.
const UPKEEP: Duration = Duration::from_secs(5);
/// How often old runs are looked for.
const PRUNE_EVERY: Duration = Duration::from_secs(6 * 3600);

/// A gateway that listens.
pub struct Gateway {
    /// Where.
    pub address: SocketAddr,
    /// Where `/metrics` has a listener of its own.
    pub metrics_address: Option<SocketAddr>,
    servers: Vec<Server>,
    registry: Registry,
    tasks: TaskTracker,
    stop: CancellationToken,
    store: Store,
    process: Process,
    /// How long the end may take.
    time_to_stop: Duration,
}

impl Gateway {
    /// Opens the store, listens, ends the runs that a crash cut off, and starts the schedules of every tenant.
    ///
    /// # Errors
    /// [`StartError`].
    pub async fn start(config: &Config) -> Result<Gateway, StartError> {
        let descriptors = Descriptors::raised(config.max_connections);
        let store = Store::open(config.database_url.expose_secret()).await?;
        let (stop, tasks, process) =
            (CancellationToken::new(), TaskTracker::new(), Process::with_life(config.lease));
        let metrics = telemetry::metrics()?;
        let handle = Handle::new();
        let monitor = Arc::new(Monitor::begin(&config.tenants, store.clone(), handle.clone()));
        let courier = Courier::new(store.clone())?;
        let ground = Ground {
            store: store.clone(),
            process: process.clone(),
            tasks: tasks.clone(),
            ending: Ending::within(stop.clone(), config.shutdown),
            sockets: Sockets::new(descriptors.calls, descriptors.idle, 1),
            monitor: Arc::clone(&monitor),
            courier: courier.clone(),
        };
        let last_words = ground.ending.last_words.clone();
        let registry = Registry::new(config, ground).await?;
        let served = registry.served();
        let app = Arc::new(AppState { store: store.clone(), served, metrics: metrics.clone(), last_words });
        // Before the first scrape: what a scrape does not see did not happen.
        monitor.look().await;
        let servers = servers(config, handle, &app, &registry, descriptors)?;
        let address = servers[0].address;
        let metrics_address = servers.get(1).map(|server| server.address);
        tracing::info!(%address, ?metrics_address, tenants = config.tenants.len(), "the gateway listens");
        registry.begin().await;
        tasks.spawn(courier.run(stop.clone()));
        tasks.spawn(keep_metrics_small(metrics, stop.clone()));
        tasks.spawn(monitor.run(stop.clone()));
        tasks.spawn(prune(store.clone(), registry.keep_runs(), stop.clone()));
        tasks.spawn(service_manager::inform(address, stop.clone()));
        let time_to_stop = config.shutdown;
        Ok(Gateway { address, metrics_address, servers, registry, tasks, stop, store, process, time_to_stop })
    }

    /// Takes these settings over: keys, new, changed and removed tenants, while requests and runs go on. What needs a restart
    /// is left and named.
    ///
    /// # Errors
    /// [`Mistakes`], of a tenant that cannot be put together; nothing is changed then.
    pub async fn take_over(&self, config: &Config) -> Result<TakenOver, Mistakes> {
        self.registry.take_over(config).await
    }

    /// Stops: no further call is begun, the calls under way finish or are cut off in time, each run's row says how it ended,
    /// and each request gets an answer. What is not done when the time is over is left.
    pub async fn stop(mut self) {
        let seconds = self.time_to_stop.as_secs();
        tracing::info!(seconds, "the gateway stops: calls under way are finished");
        self.stop.cancel();
        for server in &self.servers {
            server.handle.graceful_shutdown(Some(self.time_to_stop));
        }
        if tokio::time::timeout(self.time_to_stop, self.finished()).await.is_ok() {
            return tracing::info!("the gateway has stopped");
        }
        let connections: usize = self.servers.iter().map(|server| server.handle.connection_count()).sum();
        tracing::error!(
            connections,
            tasks = self.tasks.len(),
            "the time to stop is over: what is under way is left, and the next start records it as cut off"
        );
        for server in &self.servers {
            server.handle.shutdown();
        }
    }

    async fn finished(&mut self) {
        self.registry.runs_finished().await;
        self.tasks.close();
        self.tasks.wait().await;
        self.registry.requests_finished().await;
        for server in &mut self.servers {
            server.finished().await;
        }
        // Last: what it held is the others' at once.
        self.process.leave(&self.store).await;
    }
}

/// The API's listener, and if they have one that of the metrics.
fn servers(
    config: &Config,
    handle: Handle,
    app: &Arc<AppState>,
    registry: &Registry,
    descriptors: Descriptors,
) -> Result<Vec<Server>, StartError> {
    let room = Room { most: descriptors.callers, of_one_address: config.max_connections_per_address };
    let (api, metrics) = (
        listen(config.listen, "GATEWAY_LISTEN")?,
        config.metrics_listen.map(|place| listen(place, "GATEWAY_METRICS_LISTEN")).transpose()?,
    );
    let door = Door::new(room, standing_in(registry.served()));
    let mut servers = vec![Server::start(api, handle, http::router(Arc::clone(app)), door)?];
    if let Some(metrics) = metrics {
        let door = Door::new(ROOM_OF_METRICS, standing_at_metrics());
        let router = http::metrics_router(Arc::clone(app));
        servers.push(Server::start(metrics, Handle::new(), router, door)?);
    }
    Ok(servers)
}

/// Runs the gateway until SIGINT or SIGTERM. On SIGHUP, and if they are watched when a file of theirs changes, it takes the
/// settings over that are at `place` then.
///
/// # Errors
/// As [`Gateway::start`].
pub async fn serve(config: &Config, place: &SettingsPlace) -> Result<(), StartError> {
    let mut stop = pin!(stop_asked());
    // Caught from here on: it would end a process that has only just started.
    let requests = reload::Requests::new();
    let gateway = tokio::select! {
        gateway = Gateway::start(config) => gateway?,
        () = &mut stop => return Ok(()),
    };
    tokio::select! {
        () = &mut stop => (),
        never = reload::keep(&gateway.registry, config, place, requests) => match never {},
    }
    gateway.stop().await;
    Ok(())
}

/// Completes on SIGINT or SIGTERM. They are caught from this call on, not only once it is awaited: a platform may stop what it
/// has only just started.
pub fn stop_asked() -> impl Future<Output = ()> + Send {
    let caught = [SignalKind::terminate(), SignalKind::interrupt()].map(signal);
    let signals: Vec<Signal> = caught.into_iter().filter_map(Result::ok).collect();
    async move {
        let one = |mut signal: Signal| Box::pin(async move { signal.recv().await });
        match signals.is_empty() {
            true => std::future::pending().await,
            false => drop(select_all(signals.into_iter().map(one)).await),
        }
    }
}

/// Histograms keep every value until somebody reads them, or this.
async fn keep_metrics_small(metrics: PrometheusHandle, stop: CancellationToken) {
    while stop.run_until_cancelled(tokio::time::sleep(UPKEEP)).await.is_some() {
        metrics.run_upkeep();
    }
}

async fn prune(store: Store, keep: Arc<ArcSwap<SignedDuration>>, stop: CancellationToken) {
    loop {
        let before = Timestamp::now() - **keep.load();
        match store.prune(before).await {
            Ok(0) => (),
            Ok(rows) => tracing::info!(rows, "old runs, activations and powers were deleted"),
            Err(error) => tracing::warn!(%error, "old runs, activations and powers could not be deleted"),
        }
        tokio::select! {
            () = tokio::time::sleep(PRUNE_EVERY) => (),
            () = stop.cancelled() => return,
        }
    }
}
