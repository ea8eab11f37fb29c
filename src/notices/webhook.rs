//! A webhook of the settings, and all that a tenant says of notices.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use gateway_core::notice::{Event, Subscription};
use url::Url;

use super::signing::Signing;
use crate::provisioning::CallbackHosts;
use crate::store::{Way, destination};

/// Somebody whom an operator wants told.
#[derive(Clone)]
pub struct Webhook {
    /// Where: http or https. It may carry a token, and is neither stored nor logged.
    pub url: Url,
    /// What notices are signed with.
    pub signing: Arc<Signing>,
    /// Of what. Default everything.
    pub events: BTreeSet<Event>,
}

impl fmt::Debug for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Webhook { url, signing, events } = self;
        let mut shown = f.debug_struct("Webhook");
        shown.field("host", &url.host_str()).field("signing", signing).field("events", events).finish()
    }
}

/// All that a tenant says of notices.
#[derive(Debug, Clone, Default)]
pub struct TenantNotices {
    /// Who is told. Default nobody.
    pub webhooks: Vec<Webhook>,
    /// Which hosts may be called back.
    pub callback_hosts: CallbackHosts,
}

impl TenantNotices {
    /// Who is told of what, for the store.
    pub fn subscriptions(&self, tenant: &str) -> Vec<Subscription> {
        let subscription = |webhook: &Webhook| Subscription {
            destination: destination(tenant, Way::Webhook, webhook.url.as_str()),
            events: webhook.events.clone(),
        };
        self.webhooks.iter().map(subscription).collect()
    }
}
