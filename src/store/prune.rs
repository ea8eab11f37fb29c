//! What is forgotten when it is old.

use jiff::Timestamp;

use super::error::During;
use super::{Store, StoreError, time_text};

/// An operation that waits is never forgotten, nor is what was tried of it: it says whether a create may have happened.
/// A lease that is so old expired long ago; one that was given back and kept has no time.
const OLD: [&str; 4] = [
    "DELETE FROM operations WHERE state <> 'pending' AND finished_at < $1",
    "DELETE FROM activations WHERE asked_at < $1 AND NOT EXISTS \
     (SELECT 1 FROM operations AS o WHERE o.id = activations.operation AND o.state = 'pending')",
    "DELETE FROM known_powers WHERE as_of < $1",
    "DELETE FROM leases WHERE holder <> '' AND expires_at < $1",
];

impl Store {
    /// Deletes what is older than a time: runs with their changes and findings, activations, operations that are done,
    /// notices, and known powers; returns how many of these went.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn prune(&self, before: Timestamp) -> Result<u64, StoreError> {
        let mut pruned = self.prune_runs(before).await? + self.prune_notices(before).await?;
        for sql in OLD {
            let done = sqlx::query(sql).bind(time_text(before)).execute(&self.writer).await;
            pruned += done.during("delete what is old")?.rows_affected();
        }
        Ok(pruned)
    }
}
