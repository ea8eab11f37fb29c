//! What a tenant's host can do with batch-update, learnt once and remembered.

use std::collections::HashMap;
use std::sync::Mutex;

/// What is known of one batch-update route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BatchRoute {
    /// It works, and filters by this property reach exactly the records named.
    By(&'static str),
    /// The host has no such route, or does not honour the filter.
    Missing,
}

/// The routes of one host, by name; forgotten at a restart, so that an upgraded host is noticed.
#[derive(Default)]
pub(super) struct BatchRoutes {
    known: Mutex<HashMap<&'static str, BatchRoute>>,
    /// LockGuard while a route is tried out, so that it is tried once.
    pub(super) trying: tokio::sync::Mutex<()>,
}

impl BatchRoutes {
    pub(super) fn get(&self, route: &str) -> Option<BatchRoute> {
        self.lock().get(route).copied()
    }

    pub(super) fn learn(&self, route: &'static str, what: BatchRoute) {
        self.lock().insert(route, what);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<&'static str, BatchRoute>> {
        self.known.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
