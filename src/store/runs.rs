//! The rows of runs.

use gateway_core::sync::{Calls, Counts, Measures, Mode, Phases, RunState, Trigger};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sqlx::any::AnyArguments;
use sqlx::{Any, AssertSqlSafe, FromRow, Transaction};
use uuid::Uuid;

use super::error::During;
use super::leases::Lease;
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
    /// The run whose plan it applies.
    pub plan: Option<Uuid>,
}

/// Changes of one field that a rail kept back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldField {
    /// A word of [`gateway_core::sync::Field`].
    pub field: String,
    /// Clients.
    pub clients: u64,
    /// A word of [`gateway_core::sync::HoldReason`].
    pub reason: String,
    /// The same for people.
    pub because: String,
}

/// What came of a run's changes of one field.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct FieldCounts {
    /// A word of [`gateway_core::sync::Field`].
    pub field: String,
    /// Changes of the plan, whatever came of them.
    pub changes: u64,
    /// OZmap confirmed them.
    pub applied: u64,
    /// A rail kept them back.
    pub held: u64,
    /// Their records moved since the plan was shown.
    pub skipped: u64,
    /// OZmap refused them or could not be reached.
    pub failed: u64,
}

/// What a run leaves behind beside its figures.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RunNotes {
    /// What the rails kept back.
    pub held: Vec<HeldField>,
    /// What came of each field's changes.
    pub fields: Vec<FieldCounts>,
    /// What else a person should know, a sentence each.
    pub remarks: Vec<String>,
    /// Whether no earlier run had come to its end.
    pub is_first: bool,
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
    /// What it leaves behind.
    pub notes: RunNotes,
    /// What it measured.
    pub measures: Option<Measures>,
    /// The same, if later runs are held against it.
    pub good: Option<Measures>,
    /// Clients that it implanted.
    pub implanted: u64,
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
    /// What it left behind.
    pub notes: RunNotes,
    /// What it measured.
    pub measures: Option<Measures>,
    /// The run whose plan it applied.
    pub plan: Option<Uuid>,
}

/// Which runs are asked for; an empty filter is all.
#[derive(Debug, Clone, Default)]
pub struct RunFilter {
    /// Only in this state.
    pub state: Option<RunState>,
    /// Only begun by this.
    pub trigger: Option<Trigger>,
    /// Only begun then or later.
    pub since: Option<Timestamp>,
    /// Only begun before.
    pub until: Option<Timestamp>,
    /// Only those with a change of this client.
    pub code: Option<String>,
    /// Only older than this run.
    pub before: Option<Uuid>,
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
    held: String,
    fields: String,
    remarks: String,
    first_run: i64,
    measures: Option<String>,
    plan: Option<String>,
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
            notes: RunNotes {
                held: serde_json::from_str(&row.held).unwrap_or_default(),
                fields: serde_json::from_str(&row.fields).unwrap_or_default(),
                remarks: serde_json::from_str(&row.remarks).unwrap_or_default(),
                is_first: row.first_run != 0,
            },
            measures: row.measures.and_then(|text| serde_json::from_str(&text).ok()),
            plan: row.plan.and_then(|plan| plan.parse().ok()),
        }
    }
}

const COLUMNS: &str = "id, started_by, dry_run, state, started_at, finished_at, halted_because, error, counts, calls, phases, \
     held, fields, remarks, first_run, measures, plan";

impl Store {
    /// Writes the row of a run that begins.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn begin_run(&self, run: NewRun) -> Result<(), StoreError> {
        insert_run(run).execute(&self.writer).await.map(drop).during("record that a run begins")
    }

    /// Writes how a run ended, and who is to be told; `false` if another replica has recorded by now that it was cut off.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn end_run(&self, id: Uuid, end: RunEnd) -> Result<bool, StoreError> {
        let RunEnd { state, counts, calls, phases, halted_because, error, finished_at, .. } = end;
        let RunEnd { notes, measures, good, implanted, .. } = end;
        let RunNotes { held, fields, remarks, is_first } = notes;
        let end = sqlx::query(
            "UPDATE runs SET state = $1, counts = $2, calls = $3, phases = $4, halted_because = $5, error = $6, \
             finished_at = $7, held = $9, fields = $10, remarks = $11, first_run = $12, measures = $13, good = $14, \
             implanted = $15 WHERE number = $8 AND state = 'running'",
        )
        .bind(state.name())
        .bind(json(&counts))
        .bind(json(&calls))
        .bind(json(&phases))
        .bind(halted_because.as_deref().map(without_nul))
        .bind(error.as_deref().map(without_nul))
        .bind(time_text(finished_at))
        .bind(run_number(id))
        .bind(without_nul(&json(&held)))
        .bind(json(&fields))
        .bind(without_nul(&json(&remarks)))
        .bind(i64::from(is_first))
        .bind(measures.as_ref().map(json))
        .bind(good.as_ref().map(json))
        .bind(implanted as i64);
        let written = async {
            let mut transaction = self.transaction().await?;
            let is_its_end = end.execute(&mut *transaction).await?.rows_affected() > 0;
            if is_its_end {
                self.tell_run_end(&mut transaction, &id.to_string()).await?;
            }
            transaction.commit().await?;
            Ok(is_its_end)
        };
        let is_its_end = written.await.during("record how a run ended")?;
        self.subscribers.wake();
        Ok(is_its_end)
    }

    /// One run of a tenant.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn run(&self, tenant: &str, id: Uuid) -> Result<Option<RunRow>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM runs WHERE tenant = $1 AND id = $2");
        let row: Option<Row> = sqlx::query_as(AssertSqlSafe(sql))
            .bind(tenant)
            .bind(id.to_string())
            .fetch_optional(&self.reader)
            .await
            .during("read a run")?;
        Ok(row.map(RunRow::from))
    }

    /// A tenant's runs that fit a filter, newest first: at most `limit`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn runs(
        &self,
        tenant: &str,
        filter: &RunFilter,
        limit: u32,
    ) -> Result<Vec<RunRow>, StoreError> {
        let RunFilter { state, trigger, since, until, code, before } = filter;
        let sql = format!(
            "SELECT {COLUMNS} FROM runs WHERE tenant = $1 AND number < $2 AND ($3 = '' OR state = $3) \
             AND ($5 = '' OR started_by = $5) AND ($6 = '' OR started_at >= $6) AND ($7 = '' OR started_at < $7) \
             AND ($8 = '' OR EXISTS (SELECT 1 FROM changes WHERE changes.run = runs.number AND changes.code = $8)) \
             ORDER BY number DESC LIMIT $4"
        );
        let rows: Vec<Row> = sqlx::query_as(AssertSqlSafe(sql))
            .bind(tenant)
            .bind(before.map_or(i64::MAX, run_number))
            .bind(state.map_or("", RunState::name))
            .bind(i64::from(limit))
            .bind(trigger.map_or("", Trigger::name))
            .bind(since.map(time_text).unwrap_or_default())
            .bind(until.map(time_text).unwrap_or_default())
            .bind(code.as_deref().map(without_nul).unwrap_or_default())
            .fetch_all(&self.reader)
            .await
            .during("read the runs")?;
        Ok(rows.into_iter().map(RunRow::from).collect())
    }

    /// Lets a run record what it does under the number of its lease; `false` if it was recorded as cut off by now.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn number_run(&self, id: Uuid, lease: &Lease) -> Result<bool, StoreError> {
        sqlx::query("UPDATE runs SET fence = $1, holder = $2 WHERE number = $3 AND state = 'running'")
            .bind(lease.fence)
            .bind(lease.holder.as_str())
            .bind(run_number(id))
            .execute(&self.writer)
            .await
            .map(|done| done.rows_affected() > 0)
            .during("number a run")
    }

    /// A transaction in which a run may record what it does: its lease is held, and is not taken away before the end.
    pub(super) async fn run_transaction(
        &self,
        number: i64,
        operation: &'static str,
    ) -> Result<Transaction<'static, Any>, StoreError> {
        let mut transaction = self.transaction().await.during(operation)?;
        // Whoever takes the lease away ends the run's row in the same transaction, and waits for this one.
        let sql = format!(
            "SELECT CAST(CASE WHEN fence = 0 THEN 1 WHEN state <> 'running' THEN 0 ELSE (SELECT COUNT(*) FROM leases \
             WHERE leases.holder = runs.holder AND leases.fence = runs.fence) END AS BIGINT) FROM runs WHERE number = $1{}",
            self.dialect.keep_row
        );
        let held: Option<(i64,)> = sqlx::query_as(AssertSqlSafe(sql))
            .bind(number)
            .fetch_optional(&mut *transaction)
            .await
            .during(operation)?;
        match held {
            Some((0,)) => Err(StoreError::LeaseLost),
            Some(_) | None => Ok(transaction),
        }
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
            "DELETE FROM plan_fields WHERE run = $1",
            "DELETE FROM findings WHERE run = $1",
            "DELETE FROM runs WHERE number = $1",
        ] {
            sqlx::query(sql).bind(number).execute(&mut *transaction).await?;
        }
        transaction.commit().await
    }
}

/// Texts, numbers and lists of them: it cannot fail.
fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

/// The statement that writes the row of a run that begins.
pub(super) fn insert_run(run: NewRun) -> sqlx::query::Query<'static, Any, AnyArguments> {
    let NewRun { id, tenant, trigger, mode, started_at, holder, plan } = run;
    sqlx::query(
        "INSERT INTO runs (number, id, tenant, started_by, dry_run, state, holder, started_at, plan, counts, calls, phases) \
         VALUES ($1, $2, $3, $4, $5, 'running', $6, $7, $8, '{}', '{}', '{}')",
    )
    .bind(run_number(id))
    .bind(id.to_string())
    .bind(tenant)
    .bind(trigger.name())
    .bind(i64::from(mode == Mode::DryRun))
    .bind(holder)
    .bind(time_text(started_at))
    .bind(plan.map(|plan| plan.to_string()))
}
