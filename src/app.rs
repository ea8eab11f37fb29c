//! The parts put together: settings in, a running gateway out.

mod beat;
mod descriptors;
mod ending;
mod examination;
mod monitor;
mod probe;
mod service_manager;
mod start_error;
mod tenant;

use std::net::{IpAddr, SocketAddr, TcpListener};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures::future::select_all;
use hyper_util::rt::TokioTimer;
use ipnet::IpNet;
use jiff::{SignedDuration, Timestamp};
use metrics_exporter_prometheus::PrometheusHandle;
use secrecy::ExposeSecret;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::descriptors::Descriptors;
use self::ending::Ending;
pub use self::examination::examine;
use self::monitor::Monitor;
pub use self::probe::{NoSign, ProbeAnswer, Sign, sign_of_life};
pub use self::start_error::StartError;
use self::tenant::TenantParts;
pub use self::tenant::{Upstreams, engine, upstreams};
use crate::config::Config;
use crate::http::{self, AppState, Door, Room, Standing, StandingOf};
use crate::notices::Courier;
use crate::store::{Process, Store};
use crate::telemetry;
use crate::upstream::Sockets;

/// Longest time from a connection to its first request, with its whole head; the same for each later one.
const FIRST_REQUEST: Duration = Duration::from_secs(10);
/// How often the other end of an HTTP/2 connection is asked whether it is there, and how long it may take to say so.
const KEEP_ALIVE: Duration = Duration::from_secs(20);
/// Requests under way at once on one HTTP/2 connection.
const MOST_STREAMS: u32 = 100;
/// Largest head of an HTTP/2 request, in bytes; HTTP/1 has about the same.
const LARGEST_HEAD: u32 = 64 * 1024;
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
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        let process = Process::with_life(config.lease);
        let ending = Ending::within(stop.clone(), config.shutdown);
        let metrics = telemetry::metrics()?;
        let sockets = Sockets::new(descriptors.calls, descriptors.idle, config.tenants.len() * 2);
        let handle = axum_server::Handle::new();
        let monitor = Monitor::begin(&config.tenants, store.clone(), handle.clone());
        let courier = Courier::new(store.clone())?;
        // Before any run of theirs is found to have been cut off.
        for tenant in &config.tenants {
            courier.set(&tenant.name, tenant.notices.clone());
        }
        let (mut states, mut tenants) = (Vec::new(), Vec::new());
        for tenant in &config.tenants {
            let tenant = tenant.clone().sharing(&sockets);
            let parts = TenantParts::new(&tenant, &store, &process, &ending).await?;
            states.push(parts.state(&tenant)?);
            tenants.push(parts);
        }
        let app = AppState {
            store: store.clone(),
            tenants: states,
            trusted_proxies: config.trusted_proxies.clone(),
            cors_origins: config.cors_origins.clone(),
            metrics: metrics.clone(),
            last_words: ending.last_words.clone(),
        };
        let listener = listen(config.listen)?;
        let address = listener.local_addr().map_err(StartError::Serve)?;
        // Before the first scrape: what a scrape does not see did not happen.
        monitor.look().await;
        let room = Room { most: descriptors.callers, of_one_address: config.max_connections_per_address };
        let door = Door::new(room, standing_in(config));
        let server = serve_on(listener, handle.clone(), app, door)?;
        tracing::info!(%address, tenants = tenants.len(), "the gateway listens");
        for tenant in &tenants {
            tenant.spawn(&tasks, &stop);
        }
        tasks.spawn(courier.run(stop.clone()));
        tasks.spawn(keep_metrics_small(metrics, stop.clone()));
        tasks.spawn(monitor.run(stop.clone()));
        tasks.spawn(prune(store.clone(), config.keep_runs, stop.clone()));
        tasks.spawn(service_manager::inform(address, stop.clone()));
        let time_to_stop = config.shutdown;
        Ok(Gateway { address, server, handle, tenants, tasks, stop, store, process, time_to_stop })
    }

    /// Stops: no further call is begun, the calls under way finish or are cut off in time, each run's row says how it ended,
    /// and each request gets an answer. What is not done when the time is over is left.
    pub async fn stop(mut self) {
        let seconds = self.time_to_stop.as_secs();
        tracing::info!(seconds, "the gateway stops: calls under way are finished");
        self.stop.cancel();
        self.handle.graceful_shutdown(Some(self.time_to_stop));
        if tokio::time::timeout(self.time_to_stop, self.finished()).await.is_ok() {
            return tracing::info!("the gateway has stopped");
        }
        let (connections, tasks) = (self.handle.connection_count(), self.tasks.len());
        tracing::error!(
            connections,
            tasks,
            "the time to stop is over: what is under way is left, and the next start records it as cut off"
        );
        self.handle.shutdown();
    }

    async fn finished(&mut self) {
        for tenant in &self.tenants {
            tenant.runs_finished().await;
        }
        self.tasks.close();
        self.tasks.wait().await;
        for tenant in &self.tenants {
            tenant.requests_finished().await;
        }
        let served = (&mut self.server).await;
        // Last: what it held is the others' at once.
        self.process.leave(&self.store).await;
        match served {
            Ok(Ok(())) => (),
            Ok(Err(error)) => tracing::error!(%error, "the server ended badly"),
            Err(error) => tracing::error!(%error, "the server was cut off"),
        }
    }
}

/// Whose an address is, by the settings.
fn standing_in(config: &Config) -> StandingOf {
    let proxies = config.trusted_proxies.clone();
    let admitted: Vec<IpNet> =
        config.tenants.iter().flat_map(|tenant| tenant.allowed_ips.iter().copied()).collect();
    let has = |blocks: &[IpNet], address: IpAddr| blocks.iter().any(|block| block.contains(&address));
    Arc::new(move |address| match address {
        address if address.is_loopback() => Standing::Local,
        address if has(&proxies, address) => Standing::Proxy,
        address if has(&admitted, address) => Standing::Admitted,
        _ => Standing::Stranger,
    })
}

/// Serves the API in a task of its own.
fn serve_on(
    listener: TcpListener,
    handle: axum_server::Handle<SocketAddr>,
    app: AppState,
    door: Door,
) -> Result<JoinHandle<std::io::Result<()>>, StartError> {
    let service = http::router(app).into_make_service_with_connect_info::<SocketAddr>();
    let failed = door.clone();
    let mut server = axum_server::from_tcp(listener)
        .map_err(StartError::Serve)?
        .handle(handle)
        .acceptor(door)
        // Whatever is sent before it, and by which protocol: half a preface, half a head, or nothing.
        .first_request_timeout(FIRST_REQUEST)
        .accept_error_handler(move |_, error| failed.note_failure(error));
    // A later request that is sent by halves would hold a connection for ever.
    server.http_builder().http1().timer(TokioTimer::new()).header_read_timeout(FIRST_REQUEST);
    server
        .http_builder()
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(KEEP_ALIVE)
        .keep_alive_timeout(KEEP_ALIVE)
        .max_concurrent_streams(MOST_STREAMS)
        .max_header_list_size(LARGEST_HEAD);
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
