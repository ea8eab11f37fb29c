//! A tenant's network in memory, replaced as a whole: readers never wait, and never see half a load.
//!
//! `snapshot` is what is held, `builder` makes one, `sphere` searches it, `saved` writes it as texts.

mod builder;
mod saved;
mod snapshot;
mod sphere;

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use arc_swap::ArcSwapOption;
pub use builder::Builder;
use futures::FutureExt;
use futures::future::{BoxFuture, Shared};
use jiff::Timestamp;
pub use snapshot::{MirrorStats, MirroredSite, MirroredSplitter, Network};
pub use sphere::metres;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use crate::ozmap::{LoadStats, Ozmap};
use crate::store::payload::MIRROR_FORMAT;
use crate::store::{self, Store};
use crate::upstream;

/// What a tenant's mirror needs.
pub struct MirrorDeps {
    /// The tenant's name in the store.
    pub tenant: String,
    /// What is mirrored.
    pub ozmap: Ozmap,
    /// Where it is saved.
    pub store: Store,
    /// Requests under way at a time while it loads; the others are left to callers that wait for an answer.
    pub at_once: usize,
    /// Cancelled when the gateway is to stop.
    pub stop: CancellationToken,
}

/// A tenant's mirror; clones are the same one.
#[derive(Clone)]
pub struct Mirror(Arc<Inner>);

struct Inner {
    deps: MirrorDeps,
    current: ArcSwapOption<Network>,
    load: Mutex<Option<SharedLoad>>,
}

type SharedLoad = Shared<BoxFuture<'static, Result<Arc<Network>, RefreshError>>>;

/// Why a mirror was not refreshed; what it held before is still there.
#[derive(Debug, Clone, thiserror::Error)]
pub enum RefreshError {
    /// OZmap did not give it.
    #[error(transparent)]
    Ozmap(#[from] upstream::CallError),
    /// OZmap gave no splitter that could be offered.
    #[error(
        "OZmap gave no drop splitter in a box or building on the map, where there were {had}; they are kept. Does \
         the API key still see the network?"
    )]
    Emptied {
        /// Splitters held.
        had: u64,
    },
    /// The gateway stops.
    #[error("the gateway stops")]
    Stopped,
}

impl Mirror {
    /// A mirror that holds nothing yet.
    pub fn new(deps: MirrorDeps) -> Mirror {
        Mirror(Arc::new(Inner { deps, current: ArcSwapOption::empty(), load: Mutex::default() }))
    }

    /// What it holds now; `None` if it never loaded.
    pub fn network(&self) -> Option<Arc<Network>> {
        self.0.current.load_full()
    }

    /// What it holds now, or else a load, if that comes within this time.
    pub(crate) async fn network_within(&self, wait: Duration) -> Option<Arc<Network>> {
        match self.network() {
            Some(network) => Some(network),
            None => tokio::time::timeout(wait, self.refresh()).await.ok()?.ok(),
        }
    }

    /// Takes what was saved, if it holds nothing yet.
    ///
    /// # Errors
    /// [`store::StoreError`]. What is saved but not understood is left aside instead.
    pub async fn warm_up(&self) -> Result<(), store::StoreError> {
        let MirrorDeps { tenant, store, .. } = &self.0.deps;
        let mut builder = Builder::default();
        let mut understood = true;
        let take = |chunk: String| understood &= saved::read(&chunk, &mut builder);
        let Some(as_of) = store.saved_mirror(tenant, self.format(), take).await? else { return Ok(()) };
        if !understood {
            tracing::warn!("the saved mirror is not understood and left aside");
            return Ok(());
        }
        let network = in_background(move || builder.build(as_of, LoadStats::default())).await;
        if let (Some(network), true) = (network, self.0.current.load().is_none()) {
            tracing::info!(%as_of, splitters = network.stats.splitters, "the mirror starts warm");
            self.count(&network);
            self.0.current.store(Some(Arc::new(network)));
        }
        Ok(())
    }

    /// Loads the network anew, puts it in the place of the old one and saves it; whoever asks during a load gets that one.
    ///
    /// A load that would empty the mirror is not believed: no ISP takes its last splitter down, but a key that lost its
    /// rights sees none. Nothing wrong comes of it, because ports are checked before they are offered. Inferred.
    ///
    /// # Errors
    /// [`RefreshError`]; it is logged already.
    pub async fn refresh(&self) -> Result<Arc<Network>, RefreshError> {
        let shared = {
            let mut load = self.0.load.lock().unwrap_or_else(PoisonError::into_inner);
            match &*load {
                Some(shared) if shared.peek().is_none() => shared.clone(),
                _ => load.insert(self.begin_load()).clone(),
            }
        };
        shared.await
    }

    /// In a task of its own, so that a caller that hangs up does not end it for the others.
    fn begin_load(&self) -> SharedLoad {
        let mirror = self.clone();
        let load = async move {
            let stop = mirror.0.deps.stop.clone();
            let outcome = stop.run_until_cancelled(mirror.load()).await;
            outcome.unwrap_or(Err(RefreshError::Stopped))
        };
        let task = tokio::spawn(load.in_current_span());
        task.map(|joined| joined.unwrap_or(Err(RefreshError::Stopped))).boxed().shared()
    }

    async fn load(&self) -> Result<Arc<Network>, RefreshError> {
        let MirrorDeps { ozmap, at_once, .. } = &self.0.deps;
        let (as_of, begun) = (Timestamp::now(), Instant::now());
        let mut builder = Builder::default();
        let load = ozmap.network(*at_once, |record| builder.add(record)).await.inspect_err(|error| {
            let held = self.network().map(|network| network.as_of.to_string());
            tracing::warn!(%error, held, "the mirror could not be refreshed");
        })?;
        let network = in_background(move || builder.build(as_of, load)).await.ok_or(RefreshError::Stopped)?;
        let had = self.network().map_or(0, |network| network.stats.splitters);
        if network.stats.splitters == 0 && had > 0 {
            let error = RefreshError::Emptied { had };
            tracing::warn!(%error, "the mirror could not be refreshed");
            return Err(error);
        }
        let network = Arc::new(network);
        self.0.current.store(Some(Arc::clone(&network)));
        self.report(&network, begun.elapsed());
        self.save(&network).await;
        Ok(network)
    }

    fn report(&self, network: &Network, elapsed: Duration) {
        let MirrorStats {
            sites,
            splitters,
            in_draft,
            without_site,
            without_coordinate,
            not_drop,
            unreadable,
        } = network.stats;
        let duration_ms = elapsed.as_millis() as u64;
        tracing::info!(
            sites,
            splitters,
            in_draft,
            without_site,
            without_coordinate,
            not_drop,
            unreadable,
            duration_ms,
            "the mirror is fresh"
        );
        self.count(network);
    }

    fn count(&self, network: &Network) {
        let (tenant, splitters) = (&self.0.deps.tenant, network.stats.splitters);
        metrics::gauge!("gateway_mirror_splitters", "tenant" => tenant.clone()).set(splitters as f64);
        metrics::gauge!("gateway_mirror_loaded_timestamp_seconds", "tenant" => tenant.clone())
            .set(network.as_of.as_second() as f64);
    }

    /// What was saved under other projects is not read: it may have splitters that are no longer on offer, or lack some. Below 0
    /// no version of the form is met.
    fn format(&self) -> i64 {
        let rules = self.0.deps.ozmap.project_rules();
        if !rules.is_used() {
            return MIRROR_FORMAT;
        }
        let mut hasher = DefaultHasher::new();
        (MIRROR_FORMAT, rules).hash(&mut hasher);
        // The sign bit alone is more than the rest can make up for.
        i64::MIN + (hasher.finish() >> 1) as i64
    }

    /// A mirror that is not saved serves all the same.
    async fn save(&self, network: &Network) {
        let MirrorDeps { tenant, store, .. } = &self.0.deps;
        let (count, chunk) = (saved::count(network), |number| saved::chunk(network, number));
        let saved = store.save_mirror(tenant, self.format(), network.as_of, count, chunk).await;
        if let Err(error) = saved {
            tracing::warn!(%error, "the mirror could not be saved; a restart would start without it");
        }
    }
}

/// Sorting and indexing a million records takes a second: not on a thread that serves others.
async fn in_background<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    tokio::task::spawn_blocking(work).await.ok()
}

#[cfg(test)]
mod tests;
