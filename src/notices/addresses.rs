//! Where destinations are: webhooks stand in the settings, callbacks with their operation.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use url::Url;

use super::signing::Signing;
use super::webhook::TenantNotices;
use crate::store::{Claim, Way, destination};

/// Where to post, and what to sign with.
#[derive(Debug, Clone)]
pub(super) struct Address {
    pub(super) url: Url,
    pub(super) signing: Arc<Signing>,
}

/// Why there is no address.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum NoAddress {
    /// The settings changed; another process may know it.
    #[error("this process does not know it")]
    Unknown,
    /// The settings changed since the caller asked.
    #[error("its host is not among PROVISIONING_CALLBACK_HOSTS any more")]
    NotAdmitted,
}

/// Of all tenants of this process; what is set counts from the next notice on.
#[derive(Default)]
pub(super) struct Addresses {
    by_tenant: RwLock<HashMap<String, Arc<TenantNotices>>>,
}

impl Addresses {
    pub(super) fn set(&self, tenant: &str, notices: TenantNotices) {
        let mut by_tenant = self.by_tenant.write().unwrap_or_else(PoisonError::into_inner);
        by_tenant.insert(tenant.to_owned(), Arc::new(notices));
    }

    pub(super) fn forget(&self, tenant: &str) {
        self.by_tenant.write().unwrap_or_else(PoisonError::into_inner).remove(tenant);
    }

    /// The tenants, each of which may have callbacks.
    pub(super) fn tenants(&self) -> Vec<String> {
        self.by_tenant.read().unwrap_or_else(PoisonError::into_inner).keys().cloned().collect()
    }

    /// The names of the destinations that this process can deliver to; a tenant's name stands for its callbacks.
    pub(super) fn known(&self) -> Vec<String> {
        let by_tenant = self.by_tenant.read().unwrap_or_else(PoisonError::into_inner);
        let of_tenant = |(tenant, notices): (&String, &Arc<TenantNotices>)| {
            let webhooks = notices.subscriptions(tenant).into_iter().map(|webhook| webhook.destination);
            webhooks.chain([tenant.clone()]).collect::<Vec<_>>()
        };
        by_tenant.iter().flat_map(of_tenant).collect()
    }

    /// Where a claimed destination is.
    ///
    /// # Errors
    /// [`NoAddress`].
    pub(super) fn of(&self, claim: &Claim) -> Result<Address, NoAddress> {
        let by_tenant = self.by_tenant.read().unwrap_or_else(PoisonError::into_inner);
        let notices = by_tenant.get(&claim.tenant).ok_or(NoAddress::Unknown)?;
        match &claim.url {
            Some(url) => callback(notices, url),
            None => {
                let is_it =
                    |url: &Url| destination(&claim.tenant, Way::Webhook, url.as_str()) == claim.destination;
                let webhook = notices.webhooks.iter().find(|webhook| is_it(&webhook.url));
                let webhook = webhook.ok_or(NoAddress::Unknown)?;
                Ok(Address { url: webhook.url.clone(), signing: Arc::clone(&webhook.signing) })
            }
        }
    }
}

/// A callback is signed with the secrets of a webhook of the same scheme, host and port, if the tenant has one.
fn callback(notices: &TenantNotices, url: &str) -> Result<Address, NoAddress> {
    let url = notices.callback_hosts.admitted(url).map_err(|_| NoAddress::NotAdmitted)?;
    let webhook = notices.webhooks.iter().find(|webhook| webhook.url.origin() == url.origin());
    let signing = webhook.map(|webhook| Arc::clone(&webhook.signing)).unwrap_or_default();
    Ok(Address { url, signing })
}
