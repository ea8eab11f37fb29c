//! The process's courier: looks which destinations have something due, and serves each in a task of its own, so that a slow one
//! holds up no other.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::{Id, JoinSet};
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use super::addresses::Addresses;
use super::post::{NoCourier, Poster};
use super::route::Route;
use super::webhook::TenantNotices;
use crate::store::{DueDestination, Store};

/// How often the store is looked at, for notices of other processes and for pauses that end.
const LOOK: Duration = Duration::from_secs(1);
/// Destinations that are served at once…
const PARALLEL: usize = 32;
/// …and of one tenant's callbacks: each may have an address of its own, and all of them may hang.
const CALLBACKS: usize = 4;
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
        let (mut under_way, mut counted) = (UnderWay::default(), None::<Instant>);
        while !stop.is_cancelled() {
            if counted.is_none_or(|at| at.elapsed() >= COUNT) {
                self.count().await;
                counted = Some(Instant::now());
            }
            for due in self.due(&under_way).await {
                let (deps, stop) = (Arc::clone(&self.deps), stop.clone());
                under_way.begin(due, |name| async move { deps.serve(&name, &stop).await });
            }
            tokio::select! {
                () = stop.cancelled() => (),
                () = self.deps.store.notice_written() => (),
                () = tokio::time::sleep(LOOK) => (),
                () = under_way.one_ended(), if !under_way.tasks.is_empty() => (),
            }
        }
        while !under_way.tasks.is_empty() {
            under_way.one_ended().await;
        }
    }

    /// What may be begun beside what is under way.
    async fn due(&self, under_way: &UnderWay) -> Vec<DueDestination> {
        let CourierDeps { store, addresses, .. } = &*self.deps;
        let places = PARALLEL - under_way.tasks.len();
        if places == 0 {
            return Vec::new();
        }
        // 32 at most, and 4.
        let due = store.due_destinations(&addresses.known(), PARALLEL as u32, CALLBACKS as u32).await;
        let mut due = due.unwrap_or_else(|error| {
            tracing::warn!(%error, "notices cannot be looked up");
            Vec::new()
        });
        due.retain(|due| !under_way.has(&due.name));
        let mut callbacks = under_way.callbacks();
        due.retain(|due| {
            let begun = callbacks.entry(due.tenant.clone()).or_default();
            *begun += usize::from(due.is_callback);
            !due.is_callback || *begun <= CALLBACKS
        });
        due.truncate(places);
        due
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
            metrics::gauge!("gateway_notices_oldest_age_seconds", "tenant" => tenant)
                .set(oldest.as_secs_f64());
        }
    }
}

/// Destinations that are being served.
#[derive(Default)]
struct UnderWay {
    tasks: JoinSet<()>,
    places: Vec<(Id, DueDestination)>,
}

impl UnderWay {
    fn begin<F: Future<Output = ()> + Send + 'static>(
        &mut self,
        due: DueDestination,
        serve: impl FnOnce(String) -> F,
    ) {
        let task = self.tasks.spawn(serve(due.name.clone()).in_current_span()).id();
        self.places.push((task, due));
    }

    fn has(&self, name: &str) -> bool {
        self.places.iter().any(|(_, place)| place.name == name)
    }

    /// How many callbacks, by tenant.
    fn callbacks(&self) -> HashMap<String, usize> {
        let mut callbacks = HashMap::new();
        for (_, place) in self.places.iter().filter(|(_, place)| place.is_callback) {
            *callbacks.entry(place.tenant.clone()).or_default() += 1;
        }
        callbacks
    }

    /// Waits for the end of one, be it by a panic.
    async fn one_ended(&mut self) {
        let task = match self.tasks.join_next_with_id().await {
            Some(Ok((task, ()))) => task,
            Some(Err(error)) => {
                tracing::error!(%error, "the delivery of notices ended badly");
                error.id()
            }
            None => return,
        };
        self.places.retain(|(place, _)| *place != task);
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
