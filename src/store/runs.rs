//! The rows of runs.

use gateway_core::sync::{Calls, Counts, Measures, Mode, Phases, RunState, Trigger};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sqlx::any::AnyArguments;
use sqlx::{Any, FromRow};
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

    /// Writes how a run ended.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn end_run(&self, id: Uuid, end: RunEnd) -> Result<(), StoreError> {
        let RunEnd { state, counts, calls, phases, halted_because, error, finished_at, .. } = end;
        let RunEnd { notes, measures, good, implanted, .. } = end;
        let RunNotes { held, fields, remarks, is_first } = notes;
        let ended = sqlx::query(
            "UPDATE runs SET state = $1, counts = $2, calls = $3, phases = $4, halted_because = $5, error = $6, \
             finished_at = $7, held = $9, fields = $10, remarks = $11, first_run = $12, measures = $13, good = $14, \
             implanted = $15 WHERE number = $8",
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
        self.write_run_end(&id.to_string(), ended).await.during("record how a run ended")
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
        let rows: Vec<Row> = sqlx::query_as(sqlx::AssertSqlSafe(sql))
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
        let ended = sqlx::query(
            "UPDATE runs SET state = 'failed', finished_at = $1, \
             error = 'cut off: the gateway was stopped while this run was under way; the next run goes on' \
             WHERE id = $2 AND state = 'running'",
        )
        .bind(time_text(now))
        .bind(id.to_owned());
        self.write_run_end(id, ended).await.during("end a run that was cut off")
    }

    /// Writes a run's end, and what is told of it, at once.
    async fn write_run_end(
        &self,
        run: &str,
        end: sqlx::query::Query<'static, Any, AnyArguments>,
    ) -> Result<(), sqlx::Error> {
        let mut transaction = self.transaction().await?;
        if end.execute(&mut *transaction).await?.rows_affected() > 0 {
            self.tell_run_end(&mut transaction, run).await?;
        }
        transaction.commit().await?;
        self.subscribers.wake();
        Ok(())
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
