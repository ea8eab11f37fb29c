//! The parts put together: settings in, a running gateway out.

mod examination;
mod start_error;
mod tenant;

use std::net::{SocketAddr, TcpListener};
use std::pin::pin;
use std::time::Duration;

use futures::future::select_all;
use jiff::{SignedDuration, Timestamp};
use metrics_exporter_prometheus::PrometheusHandle;
use secrecy::ExposeSecret;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use self::examination::examine;
pub use self::start_error::StartError;
use self::tenant::TenantParts;
pub use self::tenant::{Upstreams, engine, upstreams};
use crate::config::Config;
use crate::http::{self, AppState};
use crate::notices::Courier;
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
    server: JoinHandle<std::io::Result<()>>,
    handle: axum_server::Handle<SocketAddr>,
    tenants: Vec<TenantParts>,
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
        let courier = Courier::new(store.clone())?;
        let (mut states, mut tenants) = (Vec::new(), Vec::new());
        for tenant in &config.tenants {
            courier.set(&tenant.name, tenant.notices.clone());
            let parts = TenantParts::new(tenant, &store, &process, &stop).await?;
            states.push(parts.state(tenant)?);
            tenants.push(parts);
        }
        let app = AppState {
            store: store.clone(),
            tenants: states,
            trusted_proxies: config.trusted_proxies.clone(),
            cors_origins: config.cors_origins.clone(),
            metrics: metrics.clone(),
        };
        let listener = listen(config.listen)?;
        let address = listener.local_addr().map_err(StartError::Serve)?;
        let handle = axum_server::Handle::new();
        let server = serve_on(listener, handle.clone(), app)?;
        tracing::info!(%address, tenants = tenants.len(), "the gateway listens");
        for tenant in &tenants {
            tenant.spawn(&tasks, &stop);
        }
        tasks.spawn(courier.run(stop.clone()));
        tasks.spawn(keep_metrics_small(metrics, stop.clone()));
        tasks.spawn(prune(store, config.keep_runs, stop.clone()));
        Ok(Gateway { address, server, handle, tenants, tasks, stop })
    }

    /// Stops: no further call is begun, the calls under way finish, each run's row says how it ended.
    pub async fn stop(self) {
        tracing::info!("the gateway stops: calls under way are finished");
        self.stop.cancel();
        self.handle.graceful_shutdown(Some(GRACE));
        for tenant in &self.tenants {
            tenant.runs_finished().await;
        }
        self.tasks.close();
        self.tasks.wait().await;
        for tenant in &self.tenants {
            tenant.requests_finished().await;
        }
        match self.server.await {
            Ok(Ok(())) => tracing::info!("the gateway has stopped"),
            Ok(Err(error)) => tracing::error!(%error, "the server ended badly"),
            Err(error) => tracing::error!(%error, "the server was cut off"),
        }
    }
}

/// Serves the API in a task of its own.
fn serve_on(
    listener: TcpListener,
    handle: axum_server::Handle<SocketAddr>,
    app: AppState,
) -> Result<JoinHandle<std::io::Result<()>>, StartError> {
    let service = http::router(app).into_make_service_with_connect_info::<SocketAddr>();
    let mut server = axum_server::from_tcp(listener).map_err(StartError::Serve)?.handle(handle);
    // A request that is sent by halves would hold a connection for ever.
    server
        .http_builder()
        .http1()
        .timer(hyper_util::rt::TokioTimer::new())
        .header_read_timeout(Duration::from_secs(10));
    Ok(tokio::spawn(server.serve(service)))
}

/// Runs the gateway until SIGINT or SIGTERM.
///
/// # Errors
/// As [`Gateway::start`].
pub async fn serve(config: &Config) -> Result<(), StartError> {
    let mut stop = pin!(stop_asked());
    let gateway = tokio::select! {
        gateway = Gateway::start(config) => gateway?,
        () = &mut stop => return Ok(()),
    };
    stop.await;
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

fn listen(address: SocketAddr) -> Result<TcpListener, StartError> {
    let listener = TcpListener::bind(address).map_err(|error| StartError::Listen { address, error })?;
    listener.set_nonblocking(true).map_err(StartError::Serve)?;
    Ok(listener)
}

/// Histograms keep every value until somebody reads them, or this.
async fn keep_metrics_small(metrics: PrometheusHandle, stop: CancellationToken) {
    while stop.run_until_cancelled(tokio::time::sleep(UPKEEP)).await.is_some() {
        metrics.run_upkeep();
    }
}

async fn prune(store: Store, keep: SignedDuration, stop: CancellationToken) {
    loop {
        let before = Timestamp::now() - keep;
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
        let error = listen(address).expect_err("it is taken");
        assert!(matches!(error, StartError::Listen { .. }), "{error:?}");
        let text = error.to_string();
        assert!(text.starts_with(&format!("cannot listen on {address}: ")), "{text}");
        assert!(text.ends_with("; set GATEWAY_LISTEN to a free address and port"), "{text}");
    }
}
