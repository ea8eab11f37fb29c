//! The parts put together: settings in, a running gateway out.

mod examination;
mod registry;
mod reload;
mod start_error;
mod tenant;

use std::net::{SocketAddr, TcpListener};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use axum::Router;
use futures::future::select_all;
use jiff::{SignedDuration, Timestamp};
use metrics_exporter_prometheus::PrometheusHandle;
use secrecy::ExposeSecret;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use self::examination::examine;
pub use self::registry::TakenOver;
use self::registry::{Ground, Registry};
pub use self::start_error::StartError;
pub use self::tenant::{Upstreams, engine, upstreams};
use crate::config::{Config, Mistakes, SettingsPlace};
use crate::http::{self, AppState};
use crate::store::{Process, Store};
use crate::telemetry;

/// How long requests may take to finish once the gateway is to stop.
const GRACE: Duration = Duration::from_secs(10);
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
}

impl Gateway {
    /// Opens the store, listens, ends the runs that a crash cut off, and starts the schedules of every tenant.
    ///
    /// # Errors
    /// [`StartError`].
    pub async fn start(config: &Config) -> Result<Gateway, StartError> {
        let store = Store::open(config.database_url.expose_secret()).await?;
        let (stop, process, tasks) = (CancellationToken::new(), Process::current(), TaskTracker::new());
        let metrics = telemetry::metrics()?;
        let ground = Ground { store: store.clone(), process, tasks: tasks.clone(), stop: stop.clone() };
        let registry = Registry::new(config, ground).await?;
        let app = AppState { store: store.clone(), served: registry.served(), metrics: metrics.clone() };
        let app = Arc::new(app);
        let api = Server::start(listen(config.listen, "GATEWAY_LISTEN")?, http::router(Arc::clone(&app)))?;
        let (address, mut servers) = (api.address, vec![api]);
        let mut metrics_address = None;
        if let Some(place) = config.metrics_listen {
            let listener = listen(place, "GATEWAY_METRICS_LISTEN")?;
            let server = Server::start(listener, http::metrics_router(app))?;
            metrics_address = Some(server.address);
            tracing::info!(metrics = %server.address, "the metrics have a listener of their own");
            servers.push(server);
        }
        tracing::info!(%address, tenants = config.tenants.len(), "the gateway listens");
        registry.begin().await;
        tasks.spawn(keep_metrics_small(metrics, stop.clone()));
        tasks.spawn(prune(store, registry.keep_runs(), stop.clone()));
        Ok(Gateway { address, metrics_address, servers, registry, tasks, stop })
    }

    /// Takes these settings over: keys, new, changed and removed tenants, while requests and runs go on. What needs a restart
    /// is left and named.
    ///
    /// # Errors
    /// [`Mistakes`], of a tenant that cannot be put together; nothing is changed then.
    pub async fn take_over(&self, config: &Config) -> Result<TakenOver, Mistakes> {
        self.registry.take_over(config).await
    }

    /// Stops: no further call is begun, the calls under way finish, each run's row says how it ended.
    pub async fn stop(self) {
        tracing::info!("the gateway stops: calls under way are finished");
        self.stop.cancel();
        for server in &self.servers {
            server.handle.graceful_shutdown(Some(GRACE));
        }
        self.registry.runs_finished().await;
        self.tasks.close();
        self.tasks.wait().await;
        self.registry.requests_finished().await;
        for server in self.servers {
            match server.task.await {
                Ok(Ok(())) => (),
                Ok(Err(error)) => tracing::error!(%error, "the server ended badly"),
                Err(error) => tracing::error!(%error, "the server was cut off"),
            }
        }
        tracing::info!("the gateway has stopped");
    }
}

/// A listener that is served, in a task of its own.
struct Server {
    address: SocketAddr,
    handle: axum_server::Handle<SocketAddr>,
    task: JoinHandle<std::io::Result<()>>,
}

impl Server {
    fn start(listener: TcpListener, router: Router) -> Result<Server, StartError> {
        let address = listener.local_addr().map_err(StartError::Serve)?;
        let handle = axum_server::Handle::new();
        let service = router.into_make_service_with_connect_info::<SocketAddr>();
        let mut server = axum_server::from_tcp(listener).map_err(StartError::Serve)?.handle(handle.clone());
        // A request that is sent by halves would hold a connection for ever.
        server
            .http_builder()
            .http1()
            .timer(hyper_util::rt::TokioTimer::new())
            .header_read_timeout(Duration::from_secs(10));
        Ok(Server { address, handle, task: tokio::spawn(server.serve(service)) })
    }
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

fn listen(address: SocketAddr, setting: &'static str) -> Result<TcpListener, StartError> {
    let bound = TcpListener::bind(address);
    let listener = bound.map_err(|error| StartError::Listen { address, setting, error })?;
    listener.set_nonblocking(true).map_err(StartError::Serve)?;
    Ok(listener)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_is_taken_is_named_with_the_remedy() {
        let taken = TcpListener::bind("127.0.0.1:0").and_then(|socket| Ok((socket.local_addr()?, socket)));
        let (address, _socket) = taken.expect("a free port");
        let error = listen(address, "GATEWAY_LISTEN").expect_err("it is taken");
        assert!(matches!(error, StartError::Listen { .. }), "{error:?}");
        let text = error.to_string();
        assert!(text.starts_with(&format!("cannot listen on {address}: ")), "{text}");
        assert!(text.ends_with("; set GATEWAY_LISTEN to a free address and port"), "{text}");
    }
}
