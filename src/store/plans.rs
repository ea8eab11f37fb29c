//! Plans that are kept, to be applied by the id of their run, each field once; and what the rails know of earlier runs.

use gateway_core::sync::{Change, ChangeResult, Field, Fields, Measures, Past};
use jiff::{SignedDuration, Timestamp};
use sqlx::FromRow;
use uuid::Uuid;

use super::error::During;
use super::payload::{NotUnderstood, StoredChange, read_change};
use super::runs::{NewRun, insert_run};
use super::{Store, StoreError, run_number, time_text};

/// Days whose implantations are looked at. Source: `docs/contracts/rules.md`, "Rails, per field".
const DAYS: i64 = 30;
/// Days that must have runs before their implantations say anything. The same source.
const LEAST_DAYS: usize = 7;

/// Which of a plan's changes are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlanPart {
    /// All that was listed.
    All,
    /// What a rail kept back; the rest was written.
    Held,
}

#[derive(FromRow)]
struct PlanRow {
    code: String,
    field: String,
    record: Option<String>,
    old_value: String,
    new_value: String,
}

impl Store {
    /// A plan's changes of these fields, in their order; one that is not understood is counted instead.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn plan_changes(
        &self,
        run: Uuid,
        fields: Fields,
        part: PlanPart,
    ) -> Result<(Vec<Change>, u64), StoreError> {
        let rows: Vec<PlanRow> = sqlx::query_as(
            "SELECT code, field, record, old_value, new_value FROM changes \
             WHERE run = $1 AND ($2 = '' OR result = $2) ORDER BY seq",
        )
        .bind(run_number(run))
        .bind(if part == PlanPart::Held { ChangeResult::Held.name() } else { "" })
        .fetch_all(&self.reader)
        .await
        .during("read a plan")?;
        let (mut changes, mut lost) = (Vec::with_capacity(rows.len()), 0);
        for row in rows {
            match change(row) {
                Ok(change) if fields.contains(change.edit.field()) => changes.push(change),
                Ok(_) => (),
                Err(_) => lost += 1,
            }
        }
        Ok((changes, lost))
    }

    /// Writes the row of a run that applies these fields of a plan; `false` if one of them was applied already.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn begin_plan_run(&self, plan: Uuid, fields: Fields, run: NewRun) -> Result<bool, StoreError> {
        let by = run.id.to_string();
        match self.claim(plan, fields, run, by).await {
            Ok(()) => Ok(true),
            Err(sqlx::Error::Database(error)) if error.is_unique_violation() => Ok(false),
            Err(error) => Err(error).during("record that a plan is applied"),
        }
    }

    async fn claim(&self, plan: Uuid, fields: Fields, run: NewRun, by: String) -> Result<(), sqlx::Error> {
        let mut transaction = self.transaction().await?;
        insert_run(run).execute(&mut *transaction).await?;
        for field in fields.iter() {
            sqlx::query("INSERT INTO plan_fields (run, field, applied_by) VALUES ($1, $2, $3)")
                .bind(run_number(plan))
                .bind(field.name())
                .bind(by.clone())
                .execute(&mut *transaction)
                .await?;
        }
        transaction.commit().await
    }

    /// Gives the fields back that a run took of a plan, and wrote nothing of.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn release_plan(&self, by: Uuid) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM plan_fields WHERE applied_by = $1")
            .bind(by.to_string())
            .execute(&self.writer)
            .await
            .map(drop)
            .during("give a plan back")
    }

    /// The fields of a plan that were applied.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn applied_fields(&self, plan: Uuid) -> Result<Fields, StoreError> {
        let fields: Vec<(String,)> = sqlx::query_as("SELECT field FROM plan_fields WHERE run = $1")
            .bind(run_number(plan))
            .fetch_all(&self.reader)
            .await
            .during("look which fields of a plan were applied")?;
        Ok(fields.iter().filter_map(|(field,)| field.parse::<Field>().ok()).collect())
    }

    /// What the rails look at of a tenant's earlier runs.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn past(&self, tenant: &str, now: Timestamp) -> Result<Past, StoreError> {
        let last: Option<(String,)> = sqlx::query_as(
            "SELECT good FROM runs WHERE tenant = $1 AND good IS NOT NULL ORDER BY number DESC LIMIT 1",
        )
        .bind(tenant)
        .fetch_optional(&self.reader)
        .await
        .during("look for the last good run")?;
        let last: Option<Measures> = last.and_then(|(text,)| serde_json::from_str(&text).ok());
        let today = time_text(now)[..10].to_owned();
        let days: Vec<(String, i64)> = sqlx::query_as(
            "SELECT SUBSTR(started_at, 1, 10) AS day, CAST(SUM(implanted) AS BIGINT) FROM runs \
             WHERE tenant = $1 AND started_at >= $2 AND started_at < $3 AND state = 'finished' AND dry_run = 0 \
             GROUP BY SUBSTR(started_at, 1, 10)",
        )
        .bind(tenant)
        .bind(time_text(now - SignedDuration::from_hours(24 * DAYS)))
        .bind(today)
        .fetch_all(&self.reader)
        .await
        .during("look how many clients were implanted a day")?;
        let most = days.iter().map(|(_, implanted)| *implanted as u64).max();
        Ok(Past { last, implanted_a_day: most.filter(|_| days.len() >= LEAST_DAYS) })
    }
}

fn change(row: PlanRow) -> Result<Change, NotUnderstood> {
    let PlanRow { code, field, record, old_value, new_value } = row;
    read_change(&StoredChange {
        code: &code,
        field: &field,
        record: record.as_deref().unwrap_or_default(),
        old: &old_value,
        new: &new_value,
    })
}
