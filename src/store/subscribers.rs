//! Who is told of what in this process: set by the settings, asked whenever something is written that may be told.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use gateway_core::notice::{Event, Subscription};
use tokio::sync::Notify;

use super::Store;

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
}

impl Store {
    /// From now on what happens to this tenant is told to these; who was told before, and is not among them, no more.
    pub fn subscribe(&self, tenant: &str, subscriptions: impl Into<Arc<[Subscription]>>) {
        let mut by_tenant = self.subscribers.by_tenant.write().unwrap_or_else(PoisonError::into_inner);
        by_tenant.insert(tenant.to_owned(), subscriptions.into());
    }

    /// Completes once this process has written a notice, perhaps before this call.
    pub async fn notice_written(&self) {
        self.subscribers.written.notified().await;
    }
}
