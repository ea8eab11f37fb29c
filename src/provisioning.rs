//! INT6 asks: the light of a client, and what an installation makes of him in OZmap.
//!
//! `power` and `nearby` read; `activation` looks, decides (by [`gateway_core::provisioning`], which is pure), writes and looks again;
//! `operations` keeps the promises that were given with a 202.

pub mod activation;
mod callback;
mod failure;
pub mod nearby;
pub mod power;
pub mod queue;

use std::sync::Arc;
use std::time::Duration;

use activation::Activations;
pub use callback::Callbacks;
pub use failure::Failure;
use power::Powers;
use queue::OperationQueue;

use crate::mirror::Mirror;
use crate::ozmap::Ozmap;
use crate::store::{Locks, Store};

/// How a tenant's questions are answered.
#[derive(Debug, Clone)]
pub struct ProvisioningSettings {
    /// How long a calculated power is given again without asking OZmap. Default 30 s; zero always asks.
    pub power_cache: Duration,
    /// How long a caller waits before he is told that OZmap cannot be reached. Default 20 s.
    pub answer_within: Duration,
    /// Host names that may be called back. Default none.
    pub callback_hosts: Vec<String>,
}

impl Default for ProvisioningSettings {
    fn default() -> ProvisioningSettings {
        ProvisioningSettings {
            power_cache: Duration::from_secs(30),
            answer_within: Duration::from_secs(20),
            callback_hosts: Vec::new(),
        }
    }
}

/// What a tenant's answers are made of.
pub struct ProvisioningDeps<'a> {
    /// The tenant's name in the store.
    pub tenant: &'a str,
    /// How its questions are answered.
    pub settings: &'a ProvisioningSettings,
    /// Its OZmap, with the same limits as the sync's.
    pub ozmap: &'a Ozmap,
    /// Activations, promises, powers.
    pub store: &'a Store,
    /// The same as the sync's.
    pub locks: &'a Arc<Locks>,
    /// Its network.
    pub mirror: Mirror,
}

/// All that a tenant's INT6 may ask; clones are the same.
#[derive(Clone)]
pub struct Provisioning {
    /// Calculated powers.
    pub powers: Arc<Powers>,
    /// Clients, and what becomes of them.
    pub activations: Activations,
    /// Promises.
    pub operations: OperationQueue,
    /// Who may be called back.
    pub callbacks: Callbacks,
    /// The network, for splitters nearby.
    pub mirror: Mirror,
    /// Where their ports are checked.
    pub ozmap: Ozmap,
    /// How long a caller waits.
    pub answer_within: Duration,
}

impl Provisioning {
    /// Nothing is sent yet, and no promise is carried out before [`OperationQueue::run_worker`].
    ///
    /// # Errors
    /// [`reqwest::Error`] if no HTTP client for callbacks can be built.
    pub fn new(parts: ProvisioningDeps<'_>) -> Result<Provisioning, reqwest::Error> {
        let ProvisioningDeps { tenant, settings, ozmap, store, locks, mirror } = parts;
        let (name, ozmap) = (|| tenant.to_owned(), ozmap.clone());
        let callbacks = Callbacks::new(settings.callback_hosts.clone())?;
        let powers = Arc::new(Powers::new(name(), ozmap.clone(), store.clone(), settings.power_cache));
        let activations = Activations::new(activation::ActivationDeps {
            tenant: name(),
            ozmap: ozmap.clone(),
            store: store.clone(),
            locks: Arc::clone(locks),
            powers: Arc::clone(&powers),
        });
        let operations = OperationQueue::new(
            name(),
            store.clone(),
            Arc::clone(locks),
            activations.clone(),
            callbacks.clone(),
        );
        let answer_within = settings.answer_within;
        Ok(Provisioning { powers, activations, operations, callbacks, mirror, ozmap, answer_within })
    }

    /// Waits until what was begun has been written and told. Cancel the promises' stop token first.
    pub async fn finished(&self) {
        self.activations.finished().await;
        self.callbacks.finished().await;
    }
}
