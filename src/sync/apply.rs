//! Carrying a plan's calls out: goes on after a failure, and narrows a failed batch down to the records at fault.

use std::pin::Pin;

use futures::StreamExt;
use gateway_core::RecordId;
use gateway_core::sync::{Call, Change, ChangeOutcome, edits};
use tokio_util::sync::CancellationToken;

use crate::ozmap::{WriteError, Writer};
use crate::upstream::{CallError, Kind};

/// What is needed to carry calls out.
pub struct Apply<'a, D> {
    /// The only thing here that can change OZmap.
    pub(crate) writer: &'a Writer,
    /// The plan's changes; calls name them by their place.
    pub changes: &'a [Change],
    /// Calls under way at once, at least 1.
    pub parallel: usize,
    /// Once cancelled, no further call is started; those under way are finished.
    pub stop: &'a CancellationToken,
    /// Hears what became of each change, exactly once unless it was stopped before.
    pub done: D,
}

impl<D: Fn(&[u32], ChangeOutcome) + Sync> Apply<'_, D> {
    /// Carries the calls out, in no particular order.
    pub async fn all(&self, calls: Vec<Call>) {
        futures::stream::iter(calls).for_each_concurrent(self.parallel.max(1), |call| self.one(call)).await;
    }

    /// Boxed, because a call that fails becomes smaller calls.
    fn one(&self, call: Call) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(async move {
            if self.stop.is_cancelled() {
                return;
            }
            match self.send(&call).await {
                Ok(()) => (self.done)(call.changes(), ChangeOutcome::Applied),
                Err(WriteError::NoBatch) => self.all(call.one_by_one()).await,
                Err(WriteError::Call(error)) => match call.narrowed().filter(|_| is_about_records(&error)) {
                    // Both halves at once: the sound one tells the circuit breaker that the host is there.
                    Some([left, right]) => drop(tokio::join!(self.one(left), self.one(right))),
                    None => (self.done)(call.changes(), ChangeOutcome::Failed(error.to_string())),
                },
            }
        })
    }

    async fn send(&self, call: &Call) -> Result<(), WriteError> {
        match call {
            Call::Set { value, changes } => {
                let ids: Vec<&RecordId> =
                    changes.iter().map(|&i| self.changes[i as usize].record.id()).collect();
                self.writer.set(*value, &ids).await
            }
            Call::Patch { changes } => {
                let record = &self.changes[changes[0] as usize].record;
                Ok(self.writer.patch(record, edits(self.changes, call)).await?)
            }
        }
    }
}

/// Whether fewer records in the call could help. A host that is away is found out soon: the circuit breaker opens.
fn is_about_records(error: &CallError) -> bool {
    match error.kind {
        Kind::Rejected { .. } | Kind::Failing { .. } | Kind::Unreachable { .. } | Kind::Malformed { .. } => {
            true
        }
        Kind::Unauthorized { .. }
        | Kind::RateLimited { .. }
        | Kind::Untrusted { .. }
        | Kind::CircuitOpen
        | Kind::QuotaExhausted
        | Kind::Busy => false,
    }
}
