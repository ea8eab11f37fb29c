//! The process's courier: looks which destinations have something due, and serves each in a task of its own, so that a slow one
//! holds up no other.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::addresses::Addresses;
use super::post::{NoCourier, Poster};
use super::route::Route;
use super::webhook::TenantNotices;
use crate::store::Store;

/// How often the store is looked at, for notices of other processes and for pauses that end.
const LOOK: Duration = Duration::from_secs(1);
/// Destinations that are served at once.
const PARALLEL: usize = 32;
/// How often what waits is counted.
const COUNT: Duration = Duration::from_secs(15);

/// Delivers the notices of a process's tenants; clones are the same.
#[derive(Clone)]
pub struct Courier {
    deps: Arc<CourierDeps>,
}

struct CourierDeps {
    store: Store,
    addresses: Addresses,
    poster: Poster,
}

impl Courier {
    /// Nothing is delivered before [`Courier::run`].
    ///
    /// # Errors
    /// [`NoCourier`].
    pub fn new(store: Store) -> Result<Courier, NoCourier> {
        let deps = CourierDeps { store, addresses: Addresses::default(), poster: Poster::new()? };
        Ok(Courier { deps: Arc::new(deps) })
    }

    /// What a tenant says of notices counts from now on.
    pub fn set(&self, tenant: &str, notices: TenantNotices) {
        self.deps.store.subscribe(tenant, notices.subscriptions(tenant));
        self.deps.addresses.set(tenant, notices);
    }

    /// A tenant is no longer this process's: what waits for it is another's to deliver.
    pub fn forget(&self, tenant: &str) {
        self.deps.store.subscribe(tenant, Vec::new());
        self.deps.addresses.forget(tenant);
    }

    /// Delivers until `stop`; posts under way then have five seconds more, and what is left is another process's at once.
    pub async fn run(self, stop: CancellationToken) {
        let (mut under_way, mut counted) = (JoinSet::new(), None::<Instant>);
        while !stop.is_cancelled() {
            if counted.is_none_or(|at| at.elapsed() >= COUNT) {
                self.count().await;
                counted = Some(Instant::now());
            }
            for destination in self.due(PARALLEL - under_way.len()).await {
                let (deps, stop) = (Arc::clone(&self.deps), stop.clone());
                under_way.spawn(async move { deps.serve(&destination, &stop).await });
            }
            tokio::select! {
                () = stop.cancelled() => (),
                () = self.deps.store.notice_written() => (),
                () = tokio::time::sleep(LOOK) => (),
                Some(_) = under_way.join_next(), if under_way.len() >= PARALLEL => (),
            }
            while under_way.try_join_next().is_some() {}
        }
        while under_way.join_next().await.is_some() {}
    }

    async fn due(&self, places: usize) -> Vec<String> {
        let CourierDeps { store, addresses, .. } = &*self.deps;
        if places == 0 {
            return Vec::new();
        }
        // At most 32.
        let due = store.due_destinations(&addresses.known(), places as u32).await;
        due.unwrap_or_else(|error| {
            tracing::warn!(%error, "notices cannot be looked up");
            Vec::new()
        })
    }

    /// What waits, for the metrics; it is the same for all processes of one database.
    async fn count(&self) {
        let CourierDeps { store, addresses, .. } = &*self.deps;
        let waiting = match store.waiting_notices().await {
            Ok(waiting) => waiting,
            Err(error) => {
                tracing::debug!(%error, "notices that wait cannot be counted");
                return;
            }
        };
        let by_tenant: HashMap<String, (i64, Duration)> =
            waiting.into_iter().map(|waiting| (waiting.tenant, (waiting.count, waiting.oldest))).collect();
        for tenant in addresses.tenants() {
            let (count, oldest) = by_tenant.get(&tenant).copied().unwrap_or_default();
            metrics::gauge!("gateway_notices_waiting", "tenant" => tenant.clone()).set(count as f64);
            metrics::gauge!("gateway_notices_oldest_seconds", "tenant" => tenant).set(oldest.as_secs_f64());
        }
    }
}

impl CourierDeps {
    async fn serve(&self, destination: &str, stop: &CancellationToken) {
        let CourierDeps { store, addresses, poster } = self;
        if let Err(error) = (Route { store, addresses, poster, stop }).serve(destination).await {
            tracing::warn!(%error, "notices could not be delivered; they are tried again");
        }
    }
}
