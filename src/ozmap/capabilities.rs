//! What a tenant's host can do, learnt once and remembered.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

/// What is known of one batch-update route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BatchRoute {
    /// It works, and filters by this property reach exactly the records named.
    By(&'static str),
    /// The host has no such route, or does not honour the filter.
    Missing,
}

/// How the host gives splitters by identifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SplitterLookup {
    /// By a filter on this property.
    By(&'static str),
    /// Not by a filter.
    OneByOne,
}

/// What is known of one host; forgotten at a restart, so that an upgraded host is noticed.
#[derive(Default)]
pub(super) struct Capabilities {
    batch_routes: Mutex<HashMap<&'static str, BatchRoute>>,
    /// Locked while a batch route is tried out, so that it is tried once.
    pub(super) trying_batch_route: tokio::sync::Mutex<()>,
    splitter_lookup: OnceLock<SplitterLookup>,
}

impl Capabilities {
    /// `None` if the route was never tried.
    pub(super) fn batch_route(&self, route: &str) -> Option<BatchRoute> {
        self.batch_routes().get(route).copied()
    }

    pub(super) fn learn_batch_route(&self, route: &'static str, what: BatchRoute) {
        self.batch_routes().insert(route, what);
    }

    /// `None` if it was never found out.
    pub(super) fn splitter_lookup(&self) -> Option<SplitterLookup> {
        self.splitter_lookup.get().copied()
    }

    /// What was learnt first stays.
    pub(super) fn learn_splitter_lookup(&self, what: SplitterLookup) {
        self.splitter_lookup.get_or_init(|| what);
    }

    fn batch_routes(&self) -> MutexGuard<'_, HashMap<&'static str, BatchRoute>> {
        self.batch_routes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
