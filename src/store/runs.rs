//! The rows of runs.

use gateway_core::sync::{Calls, Counts, Mode, Phases, RunState, Trigger};
use jiff::Timestamp;
use sqlx::FromRow;
use uuid::Uuid;

use super::error::During;
use super::{Store, StoreError, run_number, time_of, time_text, without_nul};

/// A run that begins.
#[derive(Debug, Clone)]
pub struct NewRun {
    /// A UUID v7, so that later runs have greater ones.
    pub id: Uuid,
    /// Whose.
    pub tenant: String,
    /// Who asked.
    pub trigger: Trigger,
    /// Whether it writes.
    pub mode: Mode,
    /// When.
    pub started_at: Timestamp,
    /// Under which name it takes the lease.
    pub holder: String,
}

/// How a run ended.
#[derive(Debug, Clone)]
pub struct RunEnd {
    /// Its last state.
    pub state: RunState,
    /// What it met.
    pub counts: Counts,
    /// What it cost.
    pub calls: Calls,
    /// How long it took.
    pub phases: Phases,
    /// Why the rails held it.
    pub halted_because: Option<String>,
    /// Why it failed or was skipped.
    pub error: Option<String>,
    /// When.
    pub finished_at: Timestamp,
}

/// A run as it is remembered.
#[derive(Debug, Clone, PartialEq)]
pub struct RunRow {
    /// Its name.
    pub id: Uuid,
    /// Who asked.
    pub trigger: Trigger,
    /// Whether it writes.
    pub mode: Mode,
    /// How it stands.
    pub state: RunState,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// What it met.
    pub counts: Counts,
    /// What it cost.
    pub calls: Calls,
    /// How long it took.
    pub phases: Phases,
    /// Why the rails held it.
    pub halted_because: Option<String>,
    /// Why it failed or was skipped.
    pub error: Option<String>,
}

/// A run that is under way by its row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunningRun {
    /// Its name.
    pub id: String,
    /// Who carries it out.
    pub holder: String,
    /// When it began.
    pub started_at: Timestamp,
    /// Whether a lease says that it is alive.
    pub has_lease: bool,
}

#[derive(FromRow)]
struct Row {
    id: String,
    started_by: String,
    dry_run: i64,
    state: String,
    started_at: String,
    finished_at: Option<String>,
    halted_because: Option<String>,
    error: Option<String>,
    counts: String,
    calls: String,
    phases: String,
}

impl From<Row> for RunRow {
    /// A value that an older or newer gateway wrote and this one does not know becomes its default.
    fn from(row: Row) -> RunRow {
        RunRow {
            id: row.id.parse().unwrap_or_default(),
            trigger: row.started_by.parse().unwrap_or(Trigger::Timer),
            mode: if row.dry_run != 0 { Mode::DryRun } else { Mode::Apply },
            state: row.state.parse().unwrap_or(RunState::Failed),
            started_at: time_of(&row.started_at),
            finished_at: row.finished_at.as_deref().map(time_of),
            counts: serde_json::from_str(&row.counts).unwrap_or_default(),
            calls: serde_json::from_str(&row.calls).unwrap_or_default(),
            phases: serde_json::from_str(&row.phases).unwrap_or_default(),
            halted_because: row.halted_because,
            error: row.error,
        }
    }
}

const COLUMNS: &str =
    "id, started_by, dry_run, state, started_at, finished_at, halted_because, error, counts, calls, phases";

impl Store {
    /// Writes the row of a run that begins.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn begin_run(&self, run: NewRun) -> Result<(), StoreError> {
        let NewRun { id, tenant, trigger, mode, started_at, holder } = run;
        sqlx::query(
            "INSERT INTO runs (number, id, tenant, started_by, dry_run, state, holder, started_at, counts, calls, phases) \
             VALUES ($1, $2, $3, $4, $5, 'running', $6, $7, '{}', '{}', '{}')",
        )
        .bind(run_number(id))
        .bind(id.to_string())
        .bind(tenant)
        .bind(trigger.name())
        .bind(i64::from(mode == Mode::DryRun))
        .bind(holder)
        .bind(time_text(started_at))
        .execute(&self.writer)
        .await
        .map(drop)
        .during("record that a run begins")
    }

    /// Writes how a run ended.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn end_run(&self, id: Uuid, end: RunEnd) -> Result<(), StoreError> {
        let RunEnd { state, counts, calls, phases, halted_because, error, finished_at } = end;
        let json = |value: Result<String, serde_json::Error>| value.unwrap_or_else(|_| "{}".to_owned());
        sqlx::query(
            "UPDATE runs SET state = $1, counts = $2, calls = $3, phases = $4, halted_because = $5, error = $6, \
             finished_at = $7 WHERE number = $8",
        )
        .bind(state.name())
        .bind(json(serde_json::to_string(&counts)))
        .bind(json(serde_json::to_string(&calls)))
        .bind(json(serde_json::to_string(&phases)))
        .bind(halted_because.as_deref().map(without_nul))
        .bind(error.as_deref().map(without_nul))
        .bind(time_text(finished_at))
        .bind(run_number(id))
        .execute(&self.writer)
        .await
        .map(drop)
        .during("record how a run ended")
    }

    /// One run of a tenant.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn run(&self, tenant: &str, id: Uuid) -> Result<Option<RunRow>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM runs WHERE tenant = $1 AND id = $2");
        let row: Option<Row> = sqlx::query_as(sqlx::AssertSqlSafe(sql))
            .bind(tenant)
            .bind(id.to_string())
            .fetch_optional(&self.reader)
            .await
            .during("read a run")?;
        Ok(row.map(RunRow::from))
    }

    /// A tenant's runs, newest first: at most `limit`, begun before the run `before`, in the state if one is given.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn runs(
        &self,
        tenant: &str,
        limit: u32,
        before: Option<Uuid>,
        state: Option<RunState>,
    ) -> Result<Vec<RunRow>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM runs WHERE tenant = $1 AND number < $2 AND ($3 = '' OR state = $3) \
             ORDER BY number DESC LIMIT $4"
        );
        let rows: Vec<Row> = sqlx::query_as(sqlx::AssertSqlSafe(sql))
            .bind(tenant)
            .bind(before.map_or(i64::MAX, run_number))
            .bind(state.map_or("", RunState::name))
            .bind(i64::from(limit))
            .fetch_all(&self.reader)
            .await
            .during("read the runs")?;
        Ok(rows.into_iter().map(RunRow::from).collect())
    }

    /// Runs of a tenant that are under way by their rows.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn running(&self, tenant: &str, now: Timestamp) -> Result<Vec<RunningRun>, StoreError> {
        let rows: Vec<(String, String, String, i64)> = sqlx::query_as(
            "SELECT id, holder, started_at, (SELECT COUNT(*) FROM leases WHERE leases.holder = runs.holder AND expires_at > $2) \
             FROM runs WHERE tenant = $1 AND state = 'running'",
        )
        .bind(tenant)
        .bind(time_text(now))
        .fetch_all(&self.reader)
        .await
        .during("look for runs under way")?;
        let run = |(id, holder, started_at, leases): (String, String, String, i64)| RunningRun {
            id,
            holder,
            started_at: time_of(&started_at),
            has_lease: leases > 0,
        };
        Ok(rows.into_iter().map(run).collect())
    }

    /// Marks a run that is under way by its row as failed; whoever carries it out is gone.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn cut_off_run(&self, id: &str, now: Timestamp) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE runs SET state = 'failed', finished_at = $1, \
             error = 'cut off: the gateway was stopped while this run was under way; the next run goes on' \
             WHERE id = $2 AND state = 'running'",
        )
        .bind(time_text(now))
        .bind(id)
        .execute(&self.writer)
        .await
        .map(drop)
        .during("end a run that was cut off")
    }

    /// Deletes runs that began before a time, with their changes and findings; returns how many.
    ///
    /// One run at a time, so that the sync never waits long for it.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(super) async fn prune_runs(&self, before: Timestamp) -> Result<u64, StoreError> {
        let mut pruned = 0;
        loop {
            let oldest: Option<(i64,)> = sqlx::query_as(
                "SELECT number FROM runs WHERE started_at < $1 AND state <> 'running' ORDER BY number LIMIT 1",
            )
            .bind(time_text(before))
            .fetch_optional(&self.reader)
            .await
            .during("look for old runs")?;
            let Some((number,)) = oldest else { return Ok(pruned) };
            self.delete_run(number).await.during("delete an old run")?;
            pruned += 1;
        }
    }

    async fn delete_run(&self, number: i64) -> Result<(), sqlx::Error> {
        let mut transaction = self.transaction().await?;
        for sql in [
            "DELETE FROM changes WHERE run = $1",
            "DELETE FROM findings WHERE run = $1",
            "DELETE FROM runs WHERE number = $1",
        ] {
            sqlx::query(sql).bind(number).execute(&mut *transaction).await?;
        }
        transaction.commit().await
    }
}
