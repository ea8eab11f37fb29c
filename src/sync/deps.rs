//! What a tenant's runs are made of.

use std::sync::Arc;

use gateway_core::sync::{Grouping, Limits, Rules};
use tokio_util::sync::CancellationToken;

use crate::int6;
use crate::ozmap::Ozmap;
use crate::store::{Locks, Process, Store};

/// What a tenant's engine needs.
pub struct EngineDeps {
    /// The tenant's name in the store.
    pub tenant: String,
    /// Runs, changes and leases.
    pub store: Store,
    /// One side.
    pub ozmap: Ozmap,
    /// The other.
    pub int6: int6::Api,
    /// What is compared and written.
    pub rules: Rules,
    /// The rails.
    pub limits: Limits,
    /// Nothing is ever written to OZmap.
    pub read_only: bool,
    /// By value, or record by record.
    pub grouping: Grouping,
    /// Writes under way at once.
    pub parallel: usize,
    /// This process, in leases.
    pub process: Process,
    /// One at a time for one client.
    pub locks: Arc<Locks>,
    /// Cancelled when the gateway is to stop.
    pub stop: CancellationToken,
}
