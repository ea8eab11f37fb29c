//! What all tenants of a process stand on.

use std::sync::Arc;

use tokio_util::task::TaskTracker;

use super::ending::Ending;
use super::monitor::Monitor;
use crate::notices::Courier;
use crate::store::{Process, Store};
use crate::upstream::Sockets;

/// One for the whole gateway; it stays when tenants come and go.
pub(super) struct Ground {
    pub(super) store: Store,
    pub(super) process: Process,
    /// All that goes on by itself.
    pub(super) tasks: TaskTracker,
    /// The gateway's end.
    pub(super) ending: Ending,
    /// The bound on connections to all systems together.
    pub(super) sockets: Sockets,
    /// Looks how each tenant stands.
    pub(super) monitor: Arc<Monitor>,
    /// Delivers what is told of each tenant.
    pub(super) courier: Courier,
}
