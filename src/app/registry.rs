//! The tenants that are served now, and how they give way to others while requests and runs go on.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use jiff::SignedDuration;
use secrecy::ExposeSecret;
use tokio::sync::Mutex;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::ground::Ground;
use super::start_error::StartError;
use super::tenant::TenantParts;
use crate::config::{self, Config, Mistakes};
use crate::http::{Served, TenantState};
use crate::upstream::Sockets;

/// How often it is looked whether the last request of a tenant that is gone has ended.
const LOOK: Duration = Duration::from_millis(200);

/// What became of settings that were read anew.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TakenOver {
    /// Names of tenants that are new.
    pub added: Vec<String>,
    /// Names of those whose settings are others now.
    pub changed: Vec<String>,
    /// Names of those that are no longer served.
    pub removed: Vec<String>,
    /// Whether something of the whole gateway is another now.
    pub gateway: bool,
    /// Settings that wait for a restart, by name.
    pub need_restart: Vec<&'static str>,
}

/// The tenants, and what is the whole gateway's and may change.
pub(super) struct Registry {
    ground: Ground,
    served: Arc<ArcSwap<Served>>,
    keep_runs: Arc<ArcSwap<SignedDuration>>,
    now: Arc<Mutex<Now>>,
}

struct Now {
    config: Config,
    tenants: Vec<Running>,
}

/// One tenant that is served.
struct Running {
    settings: config::Tenant,
    parts: Arc<TenantParts>,
    state: Arc<TenantState>,
    /// Ends its schedules, and lets the work under way end by itself.
    schedules: CancellationToken,
    beat: Option<JoinHandle<()>>,
}

impl Registry {
    /// Puts every tenant together; nothing goes on by itself before [`Registry::begin`].
    ///
    /// # Errors
    /// [`StartError`].
    pub(super) async fn new(config: &Config, ground: Ground) -> Result<Registry, StartError> {
        let mut tenants = Vec::new();
        let sockets = shared_out(&ground, config);
        // Before any run of theirs is found to have been cut off.
        for settings in &config.tenants {
            ground.courier.set(&settings.name, settings.notices.clone());
        }
        for settings in &config.tenants {
            tenants.push(Running::new(settings.clone().sharing(&sockets), &ground).await?);
        }
        let served =
            Arc::new(ArcSwap::from_pointee(served(config, &tenants, config.metrics_listen.is_some())));
        let keep_runs = Arc::new(ArcSwap::from_pointee(config.keep_runs));
        let now = Arc::new(Mutex::new(Now { config: config.clone(), tenants }));
        Ok(Registry { ground, served, keep_runs, now })
    }

    /// What callers meet.
    pub(super) fn served(&self) -> Arc<ArcSwap<Served>> {
        Arc::clone(&self.served)
    }

    /// How long runs are kept.
    pub(super) fn keep_runs(&self) -> Arc<ArcSwap<SignedDuration>> {
        Arc::clone(&self.keep_runs)
    }

    /// Starts the schedules of every tenant.
    pub(super) async fn begin(&self) {
        for tenant in &mut self.now.lock().await.tenants {
            tenant.begin(&self.ground, None);
        }
    }

    /// Takes settings over. First everything new is put together; only if that succeeds, callers meet it.
    ///
    /// # Errors
    /// [`Mistakes`]; nothing is changed then.
    pub(super) async fn take_over(&self, config: &Config) -> Result<TakenOver, Mistakes> {
        let mut now = self.now.lock().await;
        let old = &now.config.tenants;
        let is_new = |tenant: &&config::Tenant| old.iter().all(|other| other.name != tenant.name);
        let added: Vec<config::Tenant> = config.tenants.iter().filter(is_new).cloned().collect();
        // Before the first scrape that shows a new tenant, and before anything is counted of it.
        self.ground.monitor.watch(&[old.as_slice(), added.as_slice()].concat());
        let prepared = self.prepare(&now, config).await;
        let watched = if prepared.is_ok() { config } else { &now.config };
        self.ground.monitor.watch(&watched.tenants);
        let prepared = prepared?;
        if !added.is_empty() {
            // What a scrape does not see did not happen.
            self.ground.monitor.look().await;
        }
        // From here on nothing waits and nothing fails: whoever stops the gateway meets all of it or none.
        let Now { config: old, tenants } = &mut *now;
        let mut before = std::mem::take(tenants);
        let mut told = TakenOver { need_restart: need_restart(old, config), ..TakenOver::default() };
        for (settings, next) in config.tenants.iter().zip(prepared) {
            let earlier = before.iter().position(|tenant| tenant.settings.name == settings.name);
            let earlier = earlier.map(|place| before.swap_remove(place));
            tenants.push(self.in_place_of(earlier, settings, next, &mut told));
        }
        told.gateway = is_gateway_changed(old, config);
        let elsewhere = self.served.load().metrics_elsewhere;
        self.served.store(Arc::new(served(config, tenants, elsewhere)));
        for settings in &config.tenants {
            self.ground.courier.set(&settings.name, settings.notices.clone());
        }
        self.keep_runs.store(Arc::new(config.keep_runs));
        for gone in before {
            told.removed.push(gone.settings.name.clone());
            self.retire(gone);
        }
        *old = kept_until_restart(old, config);
        Ok(told)
    }

    /// What is to stand in the place of each tenant, in the order of the settings.
    async fn prepare(&self, now: &Now, config: &Config) -> Result<Vec<Next>, Mistakes> {
        let (mut prepared, mut mistakes, mut added) = (Vec::new(), Vec::new(), Vec::new());
        let sockets = shared_out(&self.ground, config);
        for settings in &config.tenants {
            let settings = settings.clone().sharing(&sockets);
            let name = settings.name.clone();
            let next = match now.tenants.iter().find(|tenant| tenant.settings.name == name) {
                Some(earlier) => earlier.next(&settings, &self.ground).await,
                None => {
                    added.push(name.clone());
                    // Before any run of its is found to have been cut off.
                    self.ground.courier.set(&name, settings.notices.clone());
                    Running::new(settings, &self.ground).await.map(Next::another)
                }
            };
            match next {
                Ok(next) => prepared.push(next),
                Err(error) => mistakes.push(format!("tenant {name}: {error}")),
            }
        }
        if mistakes.is_empty() {
            return Ok(prepared);
        }
        added.iter().for_each(|name| self.ground.courier.forget(name));
        Err(Mistakes(mistakes))
    }

    fn in_place_of(
        &self,
        earlier: Option<Running>,
        settings: &config::Tenant,
        next: Next,
        told: &mut TakenOver,
    ) -> Running {
        match (earlier, next) {
            (Some(same), Next::Same) => same,
            (Some(same), Next::Door(state)) => {
                told.changed.push(settings.name.clone());
                Running { settings: settings.clone(), state, ..same }
            }
            (earlier, Next::Another(another)) => {
                let mut another = *another;
                let place = if earlier.is_some() { &mut told.changed } else { &mut told.added };
                place.push(settings.name.clone());
                let beat = earlier.and_then(|earlier| self.retire(earlier));
                another.begin(&self.ground, beat);
                another
            }
            // A tenant that was not there was prepared as another.
            (None, Next::Same | Next::Door(_)) => unreachable!("there is an earlier one"),
        }
    }

    /// Ends a tenant's schedules, and sees to it that its requests and runs under way end by themselves. Returns its beat.
    fn retire(&self, mut tenant: Running) -> Option<JoinHandle<()>> {
        tenant.schedules.cancel();
        let beat = tenant.beat.take();
        let (now, courier) = (Arc::clone(&self.now), self.ground.courier.clone());
        self.ground.tasks.spawn(async move {
            // A request may still begin a run, or an activation.
            while Arc::strong_count(&tenant.state) > 1 {
                tokio::time::sleep(LOOK).await;
            }
            tenant.parts.runs_finished().await;
            tenant.parts.requests_finished().await;
            let name = &tenant.settings.name;
            tracing::info!(tenant = name, "the last work under the earlier settings has ended");
            // Only now: its last run was told of, too. Meanwhile it may be served again.
            let now = now.lock().await;
            if now.tenants.iter().all(|other| other.settings.name != *name) {
                courier.forget(name);
            }
        });
        beat
    }

    /// Waits until every run has written its end.
    pub(super) async fn runs_finished(&self) {
        for tenant in &self.now.lock().await.tenants {
            tenant.parts.runs_finished().await;
        }
    }

    /// Waits until what INT6 asked for has been written, and its callbacks are delivered.
    pub(super) async fn requests_finished(&self) {
        for tenant in &self.now.lock().await.tenants {
            tenant.parts.requests_finished().await;
        }
    }
}

/// What stands in a tenant's place from now on.
enum Next {
    /// Itself: nothing is new.
    Same,
    /// Itself, but others may call.
    Door(Arc<TenantState>),
    /// Another.
    Another(Box<Running>),
}

impl Next {
    fn another(running: Running) -> Next {
        Next::Another(Box::new(running))
    }
}

impl Running {
    async fn new(settings: config::Tenant, ground: &Ground) -> Result<Running, StartError> {
        let parts = TenantParts::new(&settings, ground).await?;
        Running::of(settings, parts, ground)
    }

    fn of(settings: config::Tenant, parts: TenantParts, ground: &Ground) -> Result<Running, StartError> {
        Ok(Running {
            state: Arc::new(parts.state(&settings)?),
            settings,
            parts: Arc::new(parts),
            schedules: ground.ending.asked.child_token(),
            beat: None,
        })
    }

    async fn next(&self, settings: &config::Tenant, ground: &Ground) -> Result<Next, StartError> {
        let (old, new) = (self.settings.fingerprints, settings.fingerprints);
        if old == new {
            return Ok(Next::Same);
        }
        if old.work == new.work {
            return self.parts.state(settings).map(|state| Next::Door(Arc::new(state)));
        }
        let parts = self.parts.renewed(settings, old.upstreams == new.upstreams, ground).await?;
        Running::of(settings.clone(), parts, ground).map(Next::another)
    }

    fn begin(&mut self, ground: &Ground, after: Option<JoinHandle<()>>) {
        self.beat = Some(self.parts.spawn(ground, &self.schedules, after));
    }
}

/// The bound on connections, for so many tenants.
fn shared_out(ground: &Ground, config: &Config) -> Sockets {
    ground.sockets.among(config.tenants.len() * 2)
}

fn served(config: &Config, tenants: &[Running], metrics_elsewhere: bool) -> Served {
    Served {
        tenants: tenants.iter().map(|tenant| Arc::clone(&tenant.state)).collect(),
        trusted_proxies: config.trusted_proxies.clone(),
        cors_origins: config.cors_origins.clone(),
        metrics_key_sha256: config.metrics_key_sha256,
        metrics_elsewhere,
    }
}

/// Settings of the whole gateway that are others now, and that no running gateway can take over.
fn need_restart(old: &Config, new: &Config) -> Vec<&'static str> {
    let changed = [
        ("GATEWAY_LISTEN", old.listen != new.listen),
        ("DATABASE_URL", old.database_url.expose_secret() != new.database_url.expose_secret()),
        ("GATEWAY_METRICS_LISTEN", old.metrics_listen != new.metrics_listen),
        ("GATEWAY_WATCH_CONFIG", old.watch_config != new.watch_config),
        ("GATEWAY_LEASE_SECONDS", old.lease != new.lease),
        ("GATEWAY_MAX_CONNECTIONS", old.max_connections != new.max_connections),
        (
            "GATEWAY_MAX_CONNECTIONS_PER_ADDRESS",
            old.max_connections_per_address != new.max_connections_per_address,
        ),
        ("GATEWAY_SHUTDOWN_SECONDS", old.shutdown != new.shutdown),
    ];
    changed.into_iter().filter_map(|(name, is_changed)| is_changed.then_some(name)).collect()
}

fn is_gateway_changed(old: &Config, new: &Config) -> bool {
    old.trusted_proxies != new.trusted_proxies
        || old.cors_origins != new.cors_origins
        || old.keep_runs != new.keep_runs
        || old.metrics_key_sha256 != new.metrics_key_sha256
}

/// The new settings, with those of the old ones that hold until a restart: they are told again until then.
fn kept_until_restart(old: &Config, new: &Config) -> Config {
    Config {
        listen: old.listen,
        database_url: old.database_url.clone(),
        metrics_listen: old.metrics_listen,
        watch_config: old.watch_config,
        lease: old.lease,
        max_connections: old.max_connections,
        max_connections_per_address: old.max_connections_per_address,
        shutdown: old.shutdown,
        ..new.clone()
    }
}
