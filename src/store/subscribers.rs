//! Who is told of what in this process: set by the settings, asked whenever something is written that may be told.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use gateway_core::notice::{Event, Subscription};
use tokio::sync::Notify;

/// Subscriptions by tenant; clones are the same.
#[derive(Clone, Default)]
pub(super) struct Subscribers {
    by_tenant: Arc<RwLock<HashMap<String, Arc<[Subscription]>>>>,
    written: Arc<Notify>,
}

impl Subscribers {
    /// Names of a tenant's destinations that are told of this, sorted: whoever locks several does so in one order.
    pub(super) fn of(&self, tenant: &str, event: Event) -> Vec<String> {
        let by_tenant = self.by_tenant.read().unwrap_or_else(PoisonError::into_inner);
        let subscriptions = by_tenant.get(tenant).map(|all| &all[..]).unwrap_or_default();
        let told = subscriptions.iter().filter(|subscription| subscription.events.contains(&event));
        let mut names: Vec<String> = told.map(|subscription| subscription.destination.clone()).collect();
        names.sort();
        names
    }

    /// Wakes whoever delivers.
    pub(super) fn wake(&self) {
        self.written.notify_one();
    }

    /// From now on what happens to a tenant is told to these.
    pub(super) fn set(&self, tenant: &str, subscriptions: Arc<[Subscription]>) {
        let mut by_tenant = self.by_tenant.write().unwrap_or_else(PoisonError::into_inner);
        by_tenant.insert(tenant.to_owned(), subscriptions);
    }

    /// Completes once somebody was to be woken, perhaps before this call.
    pub(super) async fn woken(&self) {
        self.written.notified().await;
    }
}
