//! Notices that wait, in figures, and those that are forgotten.

use std::time::Duration;

use jiff::Timestamp;
use sqlx::AssertSqlSafe;

use super::deliveries::duration;
use super::error::During;
use super::{Store, StoreError};

/// A tenant's notices that wait.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitingNotices {
    /// Whose.
    pub tenant: String,
    /// How many.
    pub count: i64,
    /// Age of the oldest.
    pub oldest: Duration,
}

impl Store {
    /// How many notices wait, by tenant.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn waiting_notices(&self) -> Result<Vec<WaitingNotices>, StoreError> {
        let sql = format!(
            "SELECT tenant, COUNT(*), {} - MIN(written_at) FROM notices WHERE state = 'waiting' GROUP BY tenant",
            self.dialect.now_ms
        );
        let rows: Vec<(String, i64, i64)> = sqlx::query_as(AssertSqlSafe(sql))
            .fetch_all(&self.reader)
            .await
            .during("count the notices that wait")?;
        let waiting = |(tenant, count, oldest)| WaitingNotices { tenant, count, oldest: duration(oldest) };
        Ok(rows.into_iter().map(waiting).collect())
    }

    /// Deletes notices that ended before a time, those of nobody that the settings still name, and destinations without any;
    /// returns how many notices went.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(super) async fn prune_notices(&self, before: Timestamp) -> Result<u64, StoreError> {
        let before = before.as_millisecond();
        let mut pruned = 0;
        for sql in [
            "DELETE FROM notices WHERE state <> 'waiting' AND ended_at < $1",
            // Whoever could have delivered it is in no process's settings any more.
            "DELETE FROM notices WHERE state = 'waiting' AND written_at < $1 - 604800000",
        ] {
            let done = sqlx::query(sql).bind(before).execute(&self.writer).await;
            pruned += done.during("delete old notices")?.rows_affected();
        }
        let sql = format!(
            "DELETE FROM notice_destinations WHERE stopped_until < {now} AND claimed_until < {now} AND NOT EXISTS \
             (SELECT 1 FROM notices AS n WHERE n.destination = notice_destinations.destination)",
            now = self.dialect.now_ms
        );
        sqlx::query(AssertSqlSafe(sql)).execute(&self.writer).await.during("delete old destinations")?;
        Ok(pruned)
    }
}
