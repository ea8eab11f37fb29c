//! INT6 asks: the light of a client, and what an installation makes of him in OZmap.
//!
//! `power` reads; `activation` looks, decides (by `domain::activation`, which is pure), writes and looks again;
//! `operations` keeps the promises that were given with a 202.

pub mod activation;
mod callback;
mod failure;
pub mod operations;
pub mod power;

pub use callback::Callbacks;
pub use failure::Failure;

use std::sync::Arc;
use std::time::Duration;

use activation::Activations;
use operations::Operations;
use power::Powers;

use crate::ozmap::Ozmap;
use crate::store::{Locks, Store};

/// How a tenant's questions are answered.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How long a calculated power is given again without asking OZmap. Default 30 s; zero always asks.
    pub power_cache: Duration,
    /// How long a caller waits before he is told that OZmap cannot be reached. Default 20 s.
    pub answer_within: Duration,
    /// Host names that may be called back. Default none.
    pub callback_hosts: Vec<String>,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            power_cache: Duration::from_secs(30),
            answer_within: Duration::from_secs(20),
            callback_hosts: Vec::new(),
        }
    }
}

/// All that a tenant's INT6 may ask; clones are the same.
#[derive(Clone)]
pub struct Provisioning {
    /// Calculated powers.
    pub powers: Arc<Powers>,
    /// Clients, and what becomes of them.
    pub activations: Activations,
    /// Promises.
    pub operations: Operations,
    /// Who may be called back.
    pub callbacks: Callbacks,
    /// How long a caller waits.
    pub answer_within: Duration,
}

impl Provisioning {
    /// Nothing is sent yet, and no promise is carried out before [`Operations::keep_promises`].
    ///
    /// # Errors
    /// A sentence for people if no HTTP client for callbacks can be built.
    pub fn new(
        tenant: &str,
        settings: &Settings,
        ozmap: &Ozmap,
        store: &Store,
        locks: &Arc<Locks>,
    ) -> Result<Provisioning, String> {
        let callbacks = Callbacks::new(settings.callback_hosts.clone())?;
        let activations =
            Activations::new(tenant.to_owned(), ozmap.clone(), store.clone(), Arc::clone(locks));
        let operations = Operations::new(
            tenant.to_owned(),
            store.clone(),
            Arc::clone(locks),
            activations.clone(),
            callbacks.clone(),
        );
        let powers = Powers::new(tenant.to_owned(), ozmap.clone(), store.clone(), settings.power_cache);
        let answer_within = settings.answer_within;
        Ok(Provisioning { powers: Arc::new(powers), activations, operations, callbacks, answer_within })
    }

    /// Waits until what was begun has been written and told. Cancel the promises' stop token first.
    pub async fn finished(&self) {
        self.activations.finished().await;
        self.callbacks.finished().await;
    }
}
