//! How every tenant stands by what is remembered: what monitors must know, whichever replica did it and whoever has restarted
//! since.

use gateway_core::sync::Counts;
use jiff::Timestamp;
use sqlx::{AssertSqlSafe, FromRow};

use super::error::During;
use super::runs::HeldField;
use super::{Store, StoreError, time_of};

/// Whose standing is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watched {
    /// The tenant's name in the store.
    pub tenant: String,
    /// Its runs only ever compare: then they count, and not those that write.
    pub read_only: bool,
}

/// How a tenant stands. A *full* run compares the whole tenant and writes what differs.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Overview {
    /// Whose.
    pub tenant: String,
    /// When the oldest full run that is remembered began.
    pub first_at: Option<Timestamp>,
    /// When the last full run came to its end.
    pub good_at: Option<Timestamp>,
    /// When the last full run failed, if none was good since. One that ended with its gateway, or because another took its
    /// lease, did not fail.
    pub failed_at: Option<Timestamp>,
    /// When the last full run was halted by the rails, if none was good since.
    pub halted_at: Option<Timestamp>,
    /// When a run of any kind last came to its end.
    pub finished_at: Option<Timestamp>,
    /// What the last full run saw that came to its end or was halted.
    pub last: Option<LastRun>,
    /// Operations that wait.
    pub pending: u64,
    /// When the oldest of them was accepted.
    pub oldest_pending_at: Option<Timestamp>,
}

/// What a run saw.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LastRun {
    /// What it met.
    pub counts: Counts,
    /// What the rails kept back.
    pub held: Vec<HeldField>,
}

#[derive(FromRow)]
struct OverviewRow {
    tenant: String,
    first_at: Option<String>,
    good_at: Option<String>,
    failed_at: Option<String>,
    halted_at: Option<String>,
    finished_at: Option<String>,
    counts: Option<String>,
    held: Option<String>,
    pending: i64,
    oldest_pending_at: Option<String>,
}

impl From<OverviewRow> for Overview {
    fn from(row: OverviewRow) -> Overview {
        let time = |text: Option<String>| text.as_deref().map(time_of);
        let held = row.held.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
        let last =
            |counts: String| LastRun { counts: serde_json::from_str(&counts).unwrap_or_default(), held };
        Overview {
            tenant: row.tenant,
            first_at: time(row.first_at),
            good_at: time(row.good_at),
            failed_at: time(row.failed_at),
            halted_at: time(row.halted_at),
            finished_at: time(row.finished_at),
            last: row.counts.map(last),
            pending: row.pending.max(0) as u64,
            oldest_pending_at: time(row.oldest_pending_at),
        }
    }
}

/// A full run of the tenant of this row.
const FULL: &str =
    "r.tenant = w.tenant AND r.dry_run = w.dry_run AND r.started_by <> 'client' AND r.plan IS NULL";
/// How the errors of runs begin that ended with their gateway: no failure of anybody's.
const CUT_OFF: &str = "COALESCE(r.error, '') LIKE 'cut off%' OR COALESCE(r.error, '') LIKE 'interrupted%'";

impl Store {
    /// How these tenants stand: one question for all of them, which walks an index from its newest end.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn overview(&self, watched: &[Watched]) -> Result<Vec<Overview>, StoreError> {
        let asked: Vec<_> =
            watched.iter().map(|Watched { tenant, read_only }| (tenant, i64::from(*read_only))).collect();
        let rows: Vec<OverviewRow> = sqlx::query_as(AssertSqlSafe(self.overview_sql()))
            .bind("pending")
            .bind(serde_json::to_string(&asked).unwrap_or_default())
            .fetch_all(&self.reader)
            .await
            .during("see how the tenants stand")?;
        Ok(rows.into_iter().map(Overview::from).collect())
    }

    fn overview_sql(&self) -> String {
        let last = |column: &str, which: &str| {
            format!("(SELECT r.{column} FROM runs AS r WHERE {which} ORDER BY r.number DESC LIMIT 1)")
        };
        let since = |state: &str| format!("{FULL} AND r.state = '{state}' AND r.number > w.good");
        let seen = format!("{FULL} AND r.state IN ('finished', 'halted')");
        format!(
            "WITH asked AS (SELECT value->>0 AS tenant, CAST(value->>1 AS BIGINT) AS dry_run FROM {rows}), \
             standing AS (SELECT w.tenant AS tenant, w.dry_run AS dry_run, COALESCE({number}, 0) AS good FROM asked AS w) \
             SELECT w.tenant AS tenant, \
             (SELECT r.started_at FROM runs AS r WHERE {FULL} ORDER BY r.number LIMIT 1) AS first_at, \
             (SELECT r.finished_at FROM runs AS r WHERE r.number = w.good) AS good_at, \
             {failed} AS failed_at, {halted} AS halted_at, {finished} AS finished_at, {counts} AS counts, {held} AS held, \
             (SELECT COUNT(*) FROM operations AS o WHERE o.tenant = w.tenant AND o.state = $1) AS pending, \
             (SELECT MIN(o.created_at) FROM operations AS o WHERE o.tenant = w.tenant AND o.state = $1) AS oldest_pending_at \
             FROM standing AS w",
            rows = self.dialect.rows_in_2,
            number = last("number", &format!("{FULL} AND r.state = 'finished'")),
            failed = last("finished_at", &format!("{} AND NOT ({CUT_OFF})", since("failed"))),
            halted = last("finished_at", &since("halted")),
            finished = last("finished_at", "r.tenant = w.tenant AND r.state = 'finished'"),
            counts = last("counts", &seen),
            held = last("held", &seen),
        )
    }
}
