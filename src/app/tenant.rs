//! One tenant put together: its two systems, its sync, what its INT6 may ask, and what goes on by itself.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use gateway_core::System;
use governor::{Quota, RateLimiter};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, Span, error_span};

use super::beat::SyncBeat;
use super::ending::{self, Ending};
use super::ground::Ground;
use super::start_error::StartError;
use crate::mirror::{self, Mirror};
use crate::notices::tell_of_contact;
use crate::ozmap::Ozmap;
use crate::provisioning::{Provisioning, ProvisioningDeps};
use crate::schedule::{self, Pause};
use crate::store::{Locks, Process, Store};
use crate::sync::{Engine, EngineDeps};
use crate::upstream::{Contact, ContactState, HttpClientError, Upstream};
use crate::{config, http, int6};

/// How often the mirror is refreshed where the sync is off.
const MIRROR_INTERVAL: Duration = Duration::from_secs(600);

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
    let Hosts { ozmap, int6 } = Hosts::of(tenant, &CancellationToken::new())?;
    Ok(Upstreams { ozmap: ozmap_at(tenant, ozmap), int6: int6::Api::new(int6, tenant.int6.clone()) })
}

fn ozmap_at(tenant: &config::Tenant, host: Upstream) -> Ozmap {
    Ozmap::new(host, tenant.ozmap_key.clone(), tenant.ozmap_page_size).in_projects(tenant.projects.clone())
}

/// The two hosts of one tenant; whoever calls one of them keeps to its limits and pauses, with all others.
#[derive(Clone)]
struct Hosts {
    ozmap: Upstream,
    int6: Upstream,
}

impl Hosts {
    /// Once `cut`, calls under way are given up.
    fn of(tenant: &config::Tenant, cut: &CancellationToken) -> Result<Hosts, HttpClientError> {
        Ok(Hosts {
            ozmap: Upstream::new(System::Ozmap, &tenant.ozmap_host)?.of_tenant(&tenant.name).cut_off_by(cut),
            int6: Upstream::new(System::Int6, &tenant.int6_host)?.of_tenant(&tenant.name).cut_off_by(cut),
        })
    }

    /// For the sync, which has the time that a run has. Records that OZmap cannot write open a breaker of its own, so that
    /// INT6's questions are still asked.
    fn of_the_sync(&self, tenant: &config::Tenant, stop: &CancellationToken) -> Upstreams {
        Upstreams {
            ozmap: ozmap_at(tenant, self.ozmap.for_runs(stop).with_own_breaker()),
            int6: int6::Api::new(self.int6.for_runs(stop), tenant.int6.clone()),
        }
    }
}

/// A tenant's engine, for a command. Once it is to `stop`, calls under way have 16 s.
///
/// # Errors
/// [`HttpClientError`].
pub fn engine(
    tenant: &config::Tenant,
    store: &Store,
    process: &Process,
    stop: &CancellationToken,
) -> Result<Engine, HttpClientError> {
    store.subscribe(&tenant.name, tenant.notices.subscriptions(&tenant.name));
    let locks = Arc::new(Locks::new(tenant.name.clone(), store.clone(), process.clone()));
    let ending = Ending::within(stop.clone(), ending::OF_A_COMMAND);
    let upstreams = Hosts::of(tenant, &ending.cut)?.of_the_sync(tenant, stop);
    Ok(engine_of(tenant, upstreams, store, process, &locks, stop))
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
        rules: tenant.rules.clone(),
        limits: tenant.limits.clone(),
        read_only: tenant.read_only,
        grouping: tenant.grouping,
        parallel: tenant.ozmap_host.max_in_flight,
        process: process.clone(),
        locks: Arc::clone(locks),
        stop: stop.clone(),
    })
}

/// A tenant's mirror, with what was saved of it. It loads with half of the requests that OZmap may be sent at a time, so that
/// the other half is left to those who wait for an answer.
async fn mirror_of(tenant: &config::Tenant, ozmap: Ozmap, store: &Store, stop: &CancellationToken) -> Mirror {
    let mirror = Mirror::new(mirror::MirrorDeps {
        tenant: tenant.name.clone(),
        ozmap,
        store: store.clone(),
        at_once: (tenant.ozmap_host.max_in_flight / 2).max(1),
        stop: stop.clone(),
    });
    if let Err(error) = mirror.warm_up().await {
        tracing::warn!(%error, "the mirror starts cold");
    }
    mirror
}

/// What a tenant stands on. It outlives a change of its other settings: two of it would not know of each other's limits,
/// pauses and locks.
#[derive(Clone)]
struct Foundations {
    hosts: Hosts,
    locks: Arc<Locks>,
    mirror: Mirror,
}

impl Foundations {
    async fn laid(
        tenant: &config::Tenant,
        locks: Arc<Locks>,
        ground: &Ground,
    ) -> Result<Foundations, StartError> {
        let Ending { asked, cut, .. } = &ground.ending;
        let hosts = Hosts::of(tenant, cut)?;
        let background = ozmap_at(tenant, hosts.ozmap.for_runs(asked));
        let mirror = mirror_of(tenant, background, &ground.store, asked).await;
        Ok(Foundations { hosts, locks, mirror })
    }
}

/// A tenant that is ready.
pub(super) struct TenantParts {
    name: String,
    foundations: Foundations,
    engine: Engine,
    provisioning: Provisioning,
    sync_interval: Option<Duration>,
    read_only: bool,
    span: Span,
}

impl TenantParts {
    /// Puts a tenant together, and ends the runs that a crash cut off.
    ///
    /// # Errors
    /// [`StartError`].
    pub(super) async fn new(tenant: &config::Tenant, ground: &Ground) -> Result<TenantParts, StartError> {
        let span = error_span!("tenant", tenant = tenant.name);
        let Ground { store, process, .. } = ground;
        let locks = Arc::new(Locks::new(tenant.name.clone(), store.clone(), process.clone()));
        let foundations = Foundations::laid(tenant, locks, ground).instrument(span.clone()).await?;
        let parts = TenantParts::on(foundations, tenant, ground);
        parts.engine.recover().instrument(span).await?;
        Ok(parts)
    }

    /// The same tenant with other settings. Its locks stay; its limits, pauses, breakers and mirror, too, unless its systems
    /// are others now.
    ///
    /// # Errors
    /// [`StartError`].
    pub(super) async fn renewed(
        &self,
        tenant: &config::Tenant,
        same_upstreams: bool,
        ground: &Ground,
    ) -> Result<TenantParts, StartError> {
        let foundations = match same_upstreams {
            true => self.foundations.clone(),
            false => {
                let locks = Arc::clone(&self.foundations.locks);
                Foundations::laid(tenant, locks, ground).instrument(self.span.clone()).await?
            }
        };
        Ok(TenantParts::on(foundations, tenant, ground))
    }

    fn on(foundations: Foundations, tenant: &config::Tenant, ground: &Ground) -> TenantParts {
        let Foundations { hosts, locks, mirror } = &foundations;
        let Ground { store, process, ending, .. } = ground;
        let provisioning = Provisioning::new(ProvisioningDeps {
            tenant: &tenant.name,
            settings: &tenant.provisioning,
            ozmap: &ozmap_at(tenant, hosts.ozmap.clone()),
            store,
            locks,
            mirror: mirror.clone(),
            cut: &ending.cut,
        });
        let stop = &ending.asked;
        let engine = engine_of(tenant, hosts.of_the_sync(tenant, stop), store, process, locks, stop);
        TenantParts {
            name: tenant.name.clone(),
            engine,
            provisioning,
            sync_interval: tenant.sync_interval,
            read_only: tenant.read_only,
            span: error_span!("tenant", tenant = tenant.name),
            foundations,
        }
    }

    /// The tenant as callers meet it.
    ///
    /// # Errors
    /// [`StartError::NoKey`].
    pub(super) fn state(&self, tenant: &config::Tenant) -> Result<http::TenantState, StartError> {
        let (name, keys) = (tenant.name.clone(), tenant.all_keys());
        if keys.is_empty() {
            return Err(StartError::NoKey { tenant: name });
        }
        let limit = tenant.requests_per_minute.map(|most| RateLimiter::direct(Quota::per_minute(most)));
        Ok(http::TenantState {
            name,
            keys,
            allowed_ips: tenant.allowed_ips.clone(),
            rate_limit: limit.map(Arc::new),
            read_only: tenant.read_only,
            engine: self.engine.clone(),
            provisioning: self.provisioning.clone(),
            upstreams: self.signs_of_life(),
        })
    }

    /// What is known of the two systems, whenever it is asked for.
    fn signs_of_life(&self) -> http::SignsOfLife {
        let Hosts { ozmap, int6 } = self.foundations.hosts.clone();
        Box::new(move || [&ozmap, &int6].map(sign_of_life).into())
    }

    /// Begins what goes on by itself until `stop`: the sync, the mirror, the queue, telling how both systems stand. The beat
    /// that is returned has ended once its last run has; with `after`, this one's first run waits for that.
    pub(super) fn spawn(
        &self,
        ground: &Ground,
        stop: &CancellationToken,
        after: Option<JoinHandle<()>>,
    ) -> JoinHandle<()> {
        let spawn = |task: BoxFuture<'static, ()>| ground.tasks.spawn(task.instrument(self.span.clone()));
        let beat = self.sync_interval.map(|interval| SyncBeat {
            engine: self.engine.clone(),
            store: ground.store.clone(),
            process: ground.process.clone(),
            tenant: self.name.clone(),
            interval,
        });
        let until = stop.clone();
        let beat = async move {
            if let Some(before) = after {
                // A panic there is told there.
                drop(before.await);
            }
            if let Some(beat) = beat {
                beat.keep(until).await;
            }
        };
        let beat = spawn(beat.boxed());
        let mirror = self.provisioning.mirror().clone();
        let refresh = async move || refresh_once(&mirror).await;
        let interval = self.sync_interval.unwrap_or(MIRROR_INTERVAL);
        spawn(schedule::every(interval, stop.clone(), refresh).boxed());
        let Hosts { ozmap, int6 } = &self.foundations.hosts;
        for host in [ozmap, int6] {
            let (store, name) = (ground.store.clone(), self.name.clone());
            let told = tell_of_contact(store, name, host.system(), host.contact_watch(), stop.clone());
            spawn(told.boxed());
        }
        // Stored commands of a tenant that is read only wait for better days.
        if !self.read_only {
            spawn(self.provisioning.clone().run_worker(stop.clone()).boxed());
        }
        beat
    }

    /// Waits until every run has written its end.
    pub(super) async fn runs_finished(&self) {
        self.engine.finished().await;
    }

    /// Waits until what INT6 asked for has been written.
    pub(super) async fn requests_finished(&self) {
        self.provisioning.finished().await;
    }
}

fn sign_of_life(host: &Upstream) -> http::SignOfLife {
    let Contact { state, last_answer_at, .. } = host.contact();
    let state = match state {
        ContactState::Unknown => http::UpstreamState::Unknown,
        ContactState::Answering => http::UpstreamState::Ok,
        ContactState::Failing | ContactState::Away => http::UpstreamState::Failing,
        ContactState::LeftAlone => http::UpstreamState::LeftAlone,
        ContactState::KeyRefused => http::UpstreamState::KeyRefused,
    };
    http::SignOfLife { system: host.system(), state, last_answer_at }
}

/// What goes wrong is logged where it does.
async fn refresh_once(mirror: &Mirror) -> Pause {
    match mirror.refresh().await {
        Ok(_) => Pause::Regular,
        Err(_) => Pause::Short,
    }
}
