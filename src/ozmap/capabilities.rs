//! What a tenant's host can do, learnt once and remembered; what it cannot do is asked again after a while.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use super::wire::BATCH_ROUTES;

/// How long a host that lacks something is believed to lack it.
const FORGET_AFTER: Duration = Duration::from_secs(30 * 60);

/// How a host names records in a filter of one route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum IdFilter {
    /// By this property, and such a filter gives exactly the records named.
    By(&'static str),
    /// Not at all: the host ignores it, or something in front of the host dislikes it.
    Unusable,
}

/// What is known of one batch-update route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BatchRoute {
    /// It works.
    Works {
        /// By which a filter names records.
        property: &'static str,
        /// How far that was looked at.
        proof: Proof,
    },
    /// The host has no such route, or does not honour the filter.
    Missing,
}

/// What was read back after a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Proof {
    /// Records of the batch hold the value.
    Inside,
    /// And records outside do not.
    Whole,
}

/// How the host gives splitters by identifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SplitterLookup {
    /// By a filter on this property.
    By(&'static str),
    /// Not by a filter.
    OneByOne,
}

type Verdicts<T> = Mutex<HashMap<&'static str, (T, Instant)>>;

/// What is known of one host; forgotten at a restart, so that an upgraded host is noticed.
pub(super) struct Capabilities {
    /// Whose host it is, in metrics.
    tenant: Arc<str>,
    /// How long a lack is believed.
    forget_after: Duration,
    id_filters: Verdicts<IdFilter>,
    batch_routes: Verdicts<BatchRoute>,
    /// Locked while a filter is tried out, so that it is tried once.
    pub(super) trying_filter: tokio::sync::Mutex<()>,
    /// Locked from the first batch of a route until it is read back.
    pub(super) proving: tokio::sync::Mutex<()>,
    splitter_lookup: OnceLock<SplitterLookup>,
}

impl Capabilities {
    /// Nothing is known yet of the host of this tenant; what it turns out to lack is asked again after half an hour.
    pub(super) fn new(tenant: Arc<str>) -> Capabilities {
        Capabilities {
            tenant,
            forget_after: FORGET_AFTER,
            id_filters: Verdicts::default(),
            batch_routes: Verdicts::default(),
            trying_filter: tokio::sync::Mutex::default(),
            proving: tokio::sync::Mutex::default(),
            splitter_lookup: OnceLock::new(),
        }
    }

    /// The same, asked again after this time.
    pub(super) fn forgetting_after(self, forget_after: Duration) -> Capabilities {
        Capabilities { forget_after, ..self }
    }

    /// `None` if it was never tried, or not for a while.
    pub(super) fn id_filter(&self, route: &str) -> Option<IdFilter> {
        self.known(&self.id_filters, route, IdFilter::Unusable)
    }

    pub(super) fn learn_id_filter(&self, route: &'static str, what: IdFilter) {
        locked(&self.id_filters).insert(route, (what, Instant::now()));
    }

    /// Something in front of the host dislikes every request with a filter.
    pub(super) fn learn_no_filters(&self) {
        for route in BATCH_ROUTES {
            self.learn_id_filter(route, IdFilter::Unusable);
            self.learn_batch_route(route, BatchRoute::Missing);
        }
    }

    /// `None` if the route was never tried, or not for a while.
    pub(super) fn batch_route(&self, route: &str) -> Option<BatchRoute> {
        self.known(&self.batch_routes, route, BatchRoute::Missing)
    }

    pub(super) fn learn_batch_route(&self, route: &'static str, what: BatchRoute) {
        let is_missing = what == BatchRoute::Missing;
        let (works, tenant) = (if is_missing { 0.0 } else { 1.0 }, self.tenant.to_string());
        metrics::gauge!("gateway_ozmap_batch_update", "tenant" => tenant.clone(), "system" => "OZmap", "route" => route)
            .set(works);
        metrics::counter!("gateway_ozmap_batch_fallbacks_total", "tenant" => tenant, "route" => route)
            .increment(u64::from(is_missing));
        locked(&self.batch_routes).insert(route, (what, Instant::now()));
    }

    fn known<T: Copy + PartialEq>(&self, verdicts: &Verdicts<T>, route: &str, lack: T) -> Option<T> {
        let (what, at) = locked(verdicts).get(route).copied()?;
        (what != lack || at.elapsed() < self.forget_after).then_some(what)
    }

    /// `None` if it was never found out.
    pub(super) fn splitter_lookup(&self) -> Option<SplitterLookup> {
        self.splitter_lookup.get().copied()
    }

    /// What was learnt first stays.
    pub(super) fn learn_splitter_lookup(&self, what: SplitterLookup) {
        self.splitter_lookup.get_or_init(|| what);
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lack_is_forgotten_after_a_while_and_an_ability_is_not() {
        let at_once = Capabilities::new("".into()).forgetting_after(Duration::ZERO);
        let works = BatchRoute::Works { property: "id", proof: Proof::Whole };
        at_once.learn_batch_route("properties", works);
        at_once.learn_batch_route("ftth-clients", BatchRoute::Missing);
        assert_eq!(at_once.batch_route("properties"), Some(works));
        assert_eq!(at_once.batch_route("ftth-clients"), None);
        let later = Capabilities::new("".into());
        later.learn_no_filters();
        assert_eq!(later.id_filter("ftth-clients"), Some(IdFilter::Unusable));
        assert_eq!(later.batch_route("properties"), Some(BatchRoute::Missing));
    }
}
