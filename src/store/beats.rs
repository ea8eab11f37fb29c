//! When each tenant's next run is due: one run a beat, however many replicas there are.

use std::time::Duration;

use sqlx::AssertSqlSafe;

use super::error::During;
use super::{Store, StoreError};

/// What became of asking for a tenant's next run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beat {
    /// It is the asker's to begin, and nobody else's; the next is due an interval later.
    Ours,
    /// It is not due yet.
    In(Duration),
    /// It is due, and a run of the tenant is under way.
    Busy,
}

impl Store {
    /// Lets a tenant's next run be due after `spread`, where none was planned, or where it was due while nobody was there: a gateway
    /// with many tenants does not begin with all of them.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn plan_beat(&self, tenant: &str, spread: Duration) -> Result<(), StoreError> {
        let sql = format!(
            "INSERT INTO beats (tenant, due_ms) VALUES ($1, {now} + $2) \
             ON CONFLICT (tenant) DO UPDATE SET due_ms = excluded.due_ms WHERE beats.due_ms <= {now}",
            now = self.dialect.now_ms
        );
        sqlx::query(AssertSqlSafe(sql))
            .bind(tenant)
            .bind(milliseconds(spread))
            .execute(&self.writer)
            .await
            .map(drop)
            .during("plan the next run")
    }

    /// Asks for a tenant's next run, if it is due; the one after it is due `interval` later.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn begin_beat(&self, tenant: &str, interval: Duration) -> Result<Beat, StoreError> {
        let (due, is_busy) = match self.due_in(tenant).await.during("look when the next run is due")? {
            Some(found) => found,
            None => {
                self.plan_beat(tenant, Duration::ZERO).await?;
                (0, false)
            }
        };
        // Later than any beat: the database's clock was put back, or the interval was longer.
        let latest = milliseconds(interval) * 11 / 10 + 1_000;
        if (1..=latest).contains(&due) {
            return Ok(Beat::In(Duration::from_millis(due as u64)));
        }
        if is_busy {
            return Ok(Beat::Busy);
        }
        let sql = format!(
            "UPDATE beats SET due_ms = {now} + $2 WHERE tenant = $1 AND (due_ms <= {now} OR due_ms > {now} + $3)",
            now = self.dialect.now_ms
        );
        let begun = sqlx::query(AssertSqlSafe(sql))
            .bind(tenant)
            .bind(milliseconds(interval))
            .bind(latest)
            .execute(&self.writer)
            .await
            .during("begin the next run")?;
        Ok(if begun.rows_affected() > 0 { Beat::Ours } else { Beat::In(interval) })
    }

    /// Milliseconds until the next run is due, and whether one is under way.
    async fn due_in(&self, tenant: &str) -> Result<Option<(i64, bool)>, sqlx::Error> {
        let sql = format!(
            "SELECT due_ms - {now}, CAST((SELECT COUNT(*) FROM leases WHERE leases.tenant = $1 \
             AND leases.holder <> '' AND leases.expires_at > {text}) AS BIGINT) FROM beats WHERE tenant = $1",
            now = self.dialect.now_ms,
            text = self.dialect.text(self.dialect.now_ms),
        );
        let row: Option<(i64, i64)> =
            sqlx::query_as(AssertSqlSafe(sql)).bind(tenant).fetch_optional(&self.reader).await?;
        Ok(row.map(|(due, leases)| (due, leases > 0)))
    }
}

fn milliseconds(time: Duration) -> i64 {
    time.as_millis().min(i64::MAX as u128 / 16) as i64
}
