//! The queue of accepted requests (202): on the disk before the answer, carried out with growing pauses until they succeed or
//! are refused.
//!
//! A worker claims a stock of them and carries out several at once, one for each splitter. While OZmap as a whole cannot be
//! worked with, one at a time is tried, and the others cost nothing.

mod attempt;
mod foreign;
mod hand;
mod outage;
mod worker;

use std::sync::Arc;

use gateway_core::provisioning::Command;
use jiff::Timestamp;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use url::Url;
use uuid::Uuid;

use self::attempt::QueueDeps;
use self::hand::Hand;
use self::worker::Worker;
use super::commands::Commands;
use crate::store::{NewOperation, Store, StoreError};

/// A tenant's queue; clones are the same.
#[derive(Clone)]
pub(super) struct OperationQueue {
    deps: Arc<QueueDeps>,
}

impl OperationQueue {
    /// Nothing is carried out before [`OperationQueue::run_worker`].
    pub(super) fn new(tenant: String, store: Store, commands: Commands) -> OperationQueue {
        let wake = Notify::new();
        OperationQueue { deps: Arc::new(QueueDeps { tenant, store, commands, wake }) }
    }

    /// Stores a command; it is on the disk once this returns, and only then may it be acknowledged.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(super) async fn enqueue(
        &self,
        command: &Command,
        requested_by: &str,
        callback: Option<&Url>,
    ) -> Result<Uuid, StoreError> {
        let (id, deps) = (Uuid::now_v7(), &self.deps);
        let operation = NewOperation {
            id,
            tenant: &deps.tenant,
            command,
            requested_by,
            callback_url: callback.map(Url::as_str),
            created_at: Timestamp::now(),
        };
        deps.store.enqueue_operation(operation).await?;
        deps.wake.notify_one();
        Ok(id)
    }

    /// Carries operations out until `stop`; those of an earlier process, too. One that hangs holds up no other client's.
    pub(super) async fn run_worker(self, stop: CancellationToken) {
        let hand = Arc::new(Hand::new(self.deps.tenant.clone(), self.deps.store.clone()));
        let mut worker = Worker::new(Arc::clone(&self.deps), Arc::clone(&hand));
        tokio::select! {
            () = worker.work(&stop) => (),
            () = hand.keep_claims() => (),
            () = self.deps.sweep() => (),
        }
    }
}
