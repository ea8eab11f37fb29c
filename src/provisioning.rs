//! INT6 asks: the calculated power of a client, splitters nearby, and what an installation makes of a client in OZmap.
//!
//! `power` and `nearby` read. `commands` is the one shell for everything that writes: it records a command, locks, and lets
//! `converge` look, decide (by [`gateway_core::provisioning`], which is pure), write and look again. `queue` carries out what
//! was accepted with a 202.

mod callback;
mod commands;
mod converge;
mod failure;
mod foreseen;
pub mod nearby;
mod power;
mod queue;
mod requester;

use std::sync::Arc;
use std::time::Duration;

pub use callback::{CallbackHosts, CallbackRefused};
pub use commands::RequestOrigin;
pub use failure::Failure;
use gateway_core::provisioning::{Command, Done, Refusal};
use gateway_core::{ClientCode, ClientRecord};
pub use power::{Origin, PowerAnswer};
pub use requester::Requester;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use url::Url;
use uuid::Uuid;

use self::commands::{CommandDeps, Commands};
use self::foreseen::Foreseen;
use self::nearby::{Checked, NearbySearch};
use self::power::Powers;
use self::queue::OperationQueue;
use crate::mirror::{Mirror, Network};
use crate::ozmap::Ozmap;
use crate::store::{Locks, Operation, Store, StoreError};

/// How a tenant's questions are answered.
#[derive(Debug, Clone)]
pub struct ProvisioningSettings {
    /// How long a calculated power is given again without asking OZmap. Default 30 s; zero always asks.
    pub power_cache: Duration,
    /// How long a caller waits before it is answered that OZmap cannot be reached. Default 20 s.
    pub answer_within: Duration,
    /// Hosts that may be called back. Default none.
    pub callback_hosts: CallbackHosts,
}

/// What a tenant's answers are made of.
pub struct ProvisioningDeps<'a> {
    /// The tenant's name in the store.
    pub tenant: &'a str,
    /// How its questions are answered.
    pub settings: &'a ProvisioningSettings,
    /// Its OZmap, with the same limits as the sync's.
    pub ozmap: &'a Ozmap,
    /// Activations, operations, powers.
    pub store: &'a Store,
    /// The same as the sync's.
    pub locks: &'a Arc<Locks>,
    /// Its network.
    pub mirror: Mirror,
    /// Cancelled when whoever still stands in line is to be told that the gateway stops.
    pub cut: &'a CancellationToken,
}

/// All that a tenant's INT6 may ask; clones are the same.
#[derive(Clone)]
pub struct Provisioning {
    tenant: String,
    ozmap: Ozmap,
    store: Store,
    mirror: Mirror,
    powers: Arc<Powers>,
    commands: Commands,
    queue: OperationQueue,
    callback_hosts: CallbackHosts,
    answer_within: Duration,
}

impl Provisioning {
    /// Nothing is sent yet, and no operation is carried out before [`Provisioning::run_worker`].
    pub fn new(deps: ProvisioningDeps<'_>) -> Provisioning {
        let ProvisioningDeps { tenant, settings, ozmap, store, locks, mirror, cut } = deps;
        let (tenant, ozmap, store) = (tenant.to_owned(), ozmap.clone(), store.clone());
        let powers =
            Arc::new(Powers::new(tenant.clone(), ozmap.clone(), store.clone(), settings.power_cache));
        let commands = Commands::new(CommandDeps {
            tenant: tenant.clone(),
            ozmap: ozmap.clone(),
            store: store.clone(),
            locks: Arc::clone(locks),
            powers: Arc::clone(&powers),
            foreseen: Foreseen::new(),
            cut: cut.clone(),
        });
        let queue = OperationQueue::new(tenant.clone(), store.clone(), commands.clone());
        let ProvisioningSettings { callback_hosts, answer_within, .. } = settings.clone();
        Provisioning { tenant, ozmap, store, mirror, powers, commands, queue, callback_hosts, answer_within }
    }

    /// The calculated power of a client; with `anew`, what was cached does not count.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn power(&self, code: &ClientCode, anew: bool) -> Result<PowerAnswer, Failure> {
        self.powers.of(code, anew).await
    }

    /// Splitters near a place, of the mirror, with what OZmap says of their ports; `None` if no network was ever loaded.
    pub async fn nearby(&self, search: &NearbySearch) -> Option<(Arc<Network>, Checked)> {
        nearby::check(&self.mirror, &self.ozmap, search).await
    }

    /// What OZmap holds of a client now.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn client(&self, code: &ClientCode) -> Result<ClientRecord, Failure> {
        let mut records = self.ozmap.all_of_code(code, None).await?;
        match (records.pop(), records.len()) {
            (None, _) => Err(Refusal::UnknownClient(code.clone()).into()),
            (Some(record), 0) => Ok(record),
            (Some(_), others) => Err(Refusal::Ambiguous { code: code.clone(), count: others + 1 }.into()),
        }
    }

    /// Carries a command out now, in a task of its own.
    pub fn submit(&self, command: Command, origin: RequestOrigin) -> JoinHandle<Result<Done, Failure>> {
        self.commands.begin(command, origin)
    }

    /// Stores a command, to be carried out for sure; only then may it be acknowledged.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn enqueue(
        &self,
        command: &Command,
        requested_by: &str,
        callback: Option<&Url>,
    ) -> Result<Uuid, StoreError> {
        self.queue.enqueue(command, requested_by, callback).await
    }

    /// What became of a stored command.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn operation(&self, id: Uuid) -> Result<Option<Operation>, StoreError> {
        self.store.operation(&self.tenant, id).await
    }

    /// A callback address, if its host is admitted.
    ///
    /// # Errors
    /// [`CallbackRefused`].
    pub fn admitted_callback(&self, url: &str) -> Result<Url, CallbackRefused> {
        self.callback_hosts.admitted(url)
    }

    /// How long a caller waits.
    pub fn answer_within(&self) -> Duration {
        self.answer_within
    }

    /// The tenant's network.
    pub fn mirror(&self) -> &Mirror {
        &self.mirror
    }

    /// Carries stored commands out until `stop`.
    pub async fn run_worker(self, stop: CancellationToken) {
        self.queue.run_worker(stop).await;
    }

    /// Waits until what was begun has been written. Cancel the worker's stop token first.
    pub async fn finished(&self) {
        self.commands.finished().await;
    }
}
