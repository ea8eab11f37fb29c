//! The parts put together: settings in, a running gateway out.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use gateway_core::System;
use gateway_core::sync::{Mode, Rails, Trigger};
use governor::{Quota, RateLimiter};
use jiff::{SignedDuration, Timestamp};
use metrics_exporter_prometheus::{BuildError, PrometheusHandle};
use secrecy::ExposeSecret;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::config::{self, Config};
use crate::http::{self, AppState};
use crate::mirror::{self, Mirror};
use crate::ozmap::Ozmap;
use crate::provisioning::{self, Provisioning};
use crate::schedule::{self, Pause};
use crate::store::{Locks, Process, Store, StoreError};
use crate::sync::{Engine, EngineDeps, Observer, Progress};
use crate::upstream::{HttpClientError, Upstream};
use crate::{int6, telemetry};

/// How long requests may take to finish once the gateway is to stop.
const GRACE: Duration = Duration::from_secs(10);
/// How often the mirror is refreshed where the sync is off.
const MIRROR_INTERVAL: Duration = Duration::from_secs(600);
/// How often what was counted is added up.
const UPKEEP: Duration = Duration::from_secs(5);
/// How often old runs are looked for.
const PRUNE_EVERY: Duration = Duration::from_secs(6 * 3600);

/// Why a gateway, or a part of it, did not start: human-readable, with the thing at fault.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The database cannot be opened or asked.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A system cannot be called at all: its CA file, or the machine, is at fault.
    #[error(transparent)]
    HttpClient(#[from] HttpClientError),
    /// No caller can be called back.
    #[error("no HTTP client for callbacks can be built: {0:?}")]
    Callbacks(reqwest::Error),
    /// Somebody else counts in this process.
    #[error("metrics cannot be counted: {0}")]
    Metrics(#[from] Arc<BuildError>),
    /// A tenant that nobody could call.
    #[error("tenant {tenant} has no API key")]
    NoKey {
        /// Its name.
        tenant: String,
    },
    /// The address is taken, or is none of this machine's.
    #[error("cannot listen on {address}: {error}; set GATEWAY_LISTEN to a free address and port")]
    Listen {
        /// As the settings say.
        address: SocketAddr,
        /// What the system says.
        error: std::io::Error,
    },
    /// The socket that was opened cannot be served.
    #[error(transparent)]
    Serve(std::io::Error),
}

/// The two systems of one tenant.
pub struct Upstreams {
    /// One side.
    pub ozmap: Ozmap,
    /// The other.
    pub int6: int6::Api,
}

/// Prepares calls to a tenant's systems; sends nothing.
///
/// # Errors
/// [`HttpClientError`].
pub fn upstreams(tenant: &config::Tenant) -> Result<Upstreams, HttpClientError> {
    let ozmap = Upstream::new(System::Ozmap, &tenant.ozmap_host)?;
    let int6 = Upstream::new(System::Int6, &tenant.int6_host)?;
    Ok(Upstreams {
        ozmap: Ozmap::new(ozmap, tenant.ozmap_key.clone(), tenant.ozmap_page_size),
        int6: int6::Api::new(int6, tenant.int6.clone()),
    })
}

/// A tenant's engine.
///
/// # Errors
/// [`HttpClientError`].
pub fn engine(
    tenant: &config::Tenant,
    store: &Store,
    process: &Process,
    stop: &CancellationToken,
) -> Result<Engine, HttpClientError> {
    let locks = Arc::new(Locks::new(tenant.name.clone(), store.clone(), process.clone()));
    Ok(engine_of(tenant, upstreams(tenant)?, store, process, &locks, stop))
}

fn engine_of(
    tenant: &config::Tenant,
    Upstreams { ozmap, int6 }: Upstreams,
    store: &Store,
    process: &Process,
    locks: &Arc<Locks>,
    stop: &CancellationToken,
) -> Engine {
    Engine::new(EngineDeps {
        tenant: tenant.name.clone(),
        store: store.clone(),
        ozmap,
        int6,
        limits: tenant.limits.clone(),
        grouping: tenant.grouping,
        parallel: tenant.ozmap_host.max_in_flight,
        process: process.clone(),
        locks: Arc::clone(locks),
        stop: stop.clone(),
    })
}

/// A tenant's mirror, with what was saved of it. It loads with half of the requests that OZmap may be sent at a time, so that
/// the other half is left to callers that wait for an answer.
async fn mirror_of(
    tenant: &config::Tenant,
    ozmap: &Ozmap,
    store: &Store,
    stop: &CancellationToken,
) -> Mirror {
    let mirror = Mirror::new(mirror::MirrorDeps {
        tenant: tenant.name.clone(),
        ozmap: ozmap.clone(),
        store: store.clone(),
        at_once: (tenant.ozmap_host.max_in_flight / 2).max(1),
        stop: stop.clone(),
    });
    if let Err(error) = mirror.warm_up().await {
        tracing::warn!(tenant = tenant.name, %error, "the mirror starts cold");
    }
    mirror
}

/// A gateway that listens.
pub struct Gateway {
    /// Where.
    pub address: SocketAddr,
    server: tokio::task::JoinHandle<std::io::Result<()>>,
    handle: axum_server::Handle<SocketAddr>,
    engines: Vec<Engine>,
    provisionings: Vec<Provisioning>,
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
        let (mut tenants, mut engines, mut provisionings) = (Vec::new(), Vec::new(), Vec::new());
        for tenant in &config.tenants {
            let upstreams = upstreams(tenant)?;
            let locks = Arc::new(Locks::new(tenant.name.clone(), store.clone(), process.clone()));
            let mirror = mirror_of(tenant, &upstreams.ozmap, &store, &stop).await;
            let provisioning = Provisioning::new(provisioning::ProvisioningDeps {
                tenant: &tenant.name,
                settings: &tenant.provisioning,
                ozmap: &upstreams.ozmap,
                store: &store,
                locks: &locks,
                mirror,
            })
            .map_err(StartError::Callbacks)?;
            let engine = engine_of(tenant, upstreams, &store, &process, &locks, &stop);
            engine.recover().await?;
            engines.push(engine.clone());
            tenants.push(http::TenantState {
                name: tenant.name.clone(),
                key_sha256: tenant
                    .key_sha256
                    .ok_or_else(|| StartError::NoKey { tenant: tenant.name.clone() })?,
                allowed_ips: tenant.allowed_ips.clone(),
                rate_limit: tenant
                    .requests_per_minute
                    .map(|most| RateLimiter::direct(Quota::per_minute(most))),
                engine,
                provisioning: provisioning.clone(),
            });
            provisionings.push(provisioning);
        }
        let app = AppState {
            store: store.clone(),
            tenants,
            trusted_proxies: config.trusted_proxies.clone(),
            cors_origins: config.cors_origins.clone(),
            metrics: metrics.clone(),
        };
        let listener = listen(config.listen)?;
        let address = listener.local_addr().map_err(StartError::Serve)?;
        let handle = axum_server::Handle::new();
        let service = http::router(app).into_make_service_with_connect_info::<SocketAddr>();
        let mut server = axum_server::from_tcp(listener).map_err(StartError::Serve)?.handle(handle.clone());
        // A request that is sent by halves would hold a connection for ever.
        server
            .http_builder()
            .http1()
            .timer(hyper_util::rt::TokioTimer::new())
            .header_read_timeout(Duration::from_secs(10));
        let server = tokio::spawn(server.serve(service));
        tracing::info!(%address, tenants = engines.len(), "the gateway listens");
        for ((tenant, engine), provisioning) in config.tenants.iter().zip(&engines).zip(&provisionings) {
            if let Some(interval) = tenant.sync_interval {
                let (engine, name) = (engine.clone(), tenant.name.clone());
                let run = async move || sync_once(&engine, &name).await;
                tasks.spawn(schedule::every(interval, stop.clone(), run));
            }
            let (interval, mirror) =
                (tenant.sync_interval.unwrap_or(MIRROR_INTERVAL), provisioning.mirror.clone());
            let refresh = async move || refresh_once(&mirror).await;
            tasks.spawn(schedule::every(interval, stop.clone(), refresh));
            tasks.spawn(provisioning.operations.clone().run_worker(stop.clone()));
        }
        tasks.spawn(keep_metrics_small(metrics, stop.clone()));
        tasks.spawn(prune(store, config.keep_runs, stop.clone()));
        Ok(Gateway { address, server, handle, engines, provisionings, tasks, stop })
    }

    /// Stops: no further call is begun, the calls under way finish, each run's row says how it ended.
    pub async fn stop(self) {
        tracing::info!("the gateway stops: calls under way are finished");
        self.stop.cancel();
        self.handle.graceful_shutdown(Some(GRACE));
        for engine in &self.engines {
            engine.finished().await;
        }
        self.tasks.close();
        self.tasks.wait().await;
        for provisioning in &self.provisionings {
            provisioning.finished().await;
        }
        match self.server.await {
            Ok(Ok(())) => tracing::info!("the gateway has stopped"),
            Ok(Err(error)) => tracing::error!(%error, "the server ended badly"),
            Err(error) => tracing::error!(%error, "the server was cut off"),
        }
    }
}

async fn sync_once(engine: &Engine, tenant: &str) -> Pause {
    let observer: Observer = Arc::new(|_: Progress<'_>| ());
    if let Err(error) = engine.run(Trigger::Timer, Mode::Apply, Rails::Hold, &observer).await {
        tracing::error!(%tenant, %error, "the run could not be begun");
    }
    Pause::Regular
}

/// What goes wrong is logged where it does.
async fn refresh_once(mirror: &Mirror) -> Pause {
    match mirror.refresh().await {
        Ok(_) => Pause::Regular,
        Err(_) => Pause::Short,
    }
}

/// Runs the gateway until SIGINT or SIGTERM.
///
/// # Errors
/// As [`Gateway::start`].
pub async fn serve(config: &Config) -> Result<(), StartError> {
    let gateway = Gateway::start(config).await?;
    stop_asked().await;
    gateway.stop().await;
    Ok(())
}

/// Waits for SIGINT or SIGTERM.
pub async fn stop_asked() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => {
            tokio::select! {
                _ = terminate.recv() => (),
                _ = tokio::signal::ctrl_c() => (),
            }
        }
        Err(_) => drop(tokio::signal::ctrl_c().await),
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
