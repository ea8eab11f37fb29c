//! The lease that keeps two runs of one tenant apart, in this process and across replicas.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::deps::EngineDeps;
use crate::store::{Hold, LeaseAnswer, StoreError};

/// Time between two looks at a holder that gives no signs of life.
const LOOK: Duration = Duration::from_millis(500);

/// The tenant's lease, or `None` if another run has it.
///
/// A holder that gives no signs of life is waited for: it gives one soon, or is found dead.
///
/// # Errors
/// [`StoreError`].
pub(super) async fn take(deps: &EngineDeps, run: Uuid) -> Result<Option<Arc<Hold>>, StoreError> {
    let EngineDeps { tenant, store, process, stop, .. } = deps;
    loop {
        match Hold::ask(store, process, tenant, run, true).await? {
            LeaseAnswer::Taken(hold) => return Ok(Some(hold)),
            LeaseAnswer::Held { is_silent: true } if !stop.is_cancelled() => tokio::time::sleep(LOOK).await,
            LeaseAnswer::Held { .. } => return Ok(None),
        }
    }
}

/// Stops a run whose lease is lost, because another may have begun.
pub(super) async fn watch(hold: Arc<Hold>, stop: CancellationToken) {
    stop.run_until_cancelled(hold.lost()).await;
    stop.cancel();
}
