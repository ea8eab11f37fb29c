//! Each change of a run: old, new, result.

use std::collections::BTreeMap;

use gateway_core::sync::{Change, ChangeOutcome, ChangeResult, Field};
use sqlx::{Any, AssertSqlSafe, FromRow, Transaction};
use uuid::Uuid;

use super::error::During;
use super::{Store, StoreError, run_number, without_nul};

/// Rows of one statement.
const ROWS: usize = 5_000;

/// Whether a plan's records are kept, so that it can be applied by its id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeepRecords {
    /// A dry or halted run.
    Yes,
    /// A run that writes its plan itself.
    No,
}

/// Which changes are asked for; an empty filter is all.
#[derive(Debug, Clone, Default)]
pub struct ChangeFilter {
    /// Only this field.
    pub field: Option<Field>,
    /// Only this result.
    pub result: Option<ChangeResult>,
    /// Only this client.
    pub code: Option<String>,
}

/// A change as it is remembered.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct ChangeRow {
    /// Its place in the plan.
    pub seq: i64,
    /// Whose.
    pub code: String,
    /// Which field.
    pub field: String,
    /// JSON.
    pub old_value: String,
    /// JSON.
    pub new_value: String,
    /// A word of [`ChangeResult`].
    pub result: String,
    /// Why it failed.
    pub error: Option<String>,
    /// JSON: what stood there instead of the old value, where it was skipped.
    pub found: Option<String>,
}

impl Store {
    /// Writes a plan's changes, as planned or held. Their records are kept where the plan may be applied by its id: what is held
    /// always, the others if `keep` says so.
    ///
    /// # Errors
    /// [`StoreError`], such as a lost lease; nothing is written then.
    pub async fn record_changes(
        &self,
        run: Uuid,
        changes: &[Change],
        keep: KeepRecords,
    ) -> Result<(), StoreError> {
        let transaction = self.run_transaction(run_number(run), "record the plan").await?;
        self.insert_changes(transaction, run_number(run), changes, keep).await.during("record the plan")
    }

    async fn insert_changes(
        &self,
        mut transaction: Transaction<'static, Any>,
        run: i64,
        changes: &[Change],
        keep: KeepRecords,
    ) -> Result<(), sqlx::Error> {
        // Most runs keep no record: each value of a row that need not be looked up in its JSON is time saved.
        let bare = "CAST(value->>0 AS BIGINT), value->>1, value->>2, value->>3, value->>4, 'planned', NULL";
        let whole =
            "CAST(value->>0 AS BIGINT), value->>1, value->>2, value->>3, value->>4, value->>5, value->>6";
        for (columns, with_record) in [(bare, false), (whole, true)] {
            let keeps = |change: &Change| keep == KeepRecords::Yes || change.held;
            let places: Vec<usize> =
                (0..changes.len()).filter(|&place| keeps(&changes[place]) == with_record).collect();
            let sql = format!(
                "INSERT INTO changes (run, seq, code, field, old_value, new_value, result, record) SELECT $1, {columns} FROM {}",
                self.dialect.rows_in_2
            );
            for chunk in places.chunks(ROWS) {
                let rows = rows_text(changes, chunk, with_record);
                sqlx::query(AssertSqlSafe(sql.clone()))
                    .bind(run)
                    .bind(rows)
                    .execute(&mut *transaction)
                    .await?;
            }
        }
        transaction.commit().await
    }

    /// Writes what became of some changes, named by their places in the plan.
    ///
    /// # Errors
    /// [`StoreError`], such as a lost lease; nothing is written then.
    pub async fn record_outcomes(
        &self,
        run: Uuid,
        outcomes: &[(u32, ChangeOutcome)],
    ) -> Result<(), StoreError> {
        let mut alike: BTreeMap<StoredOutcome, Vec<u32>> = BTreeMap::new();
        for (seq, outcome) in outcomes {
            alike.entry(StoredOutcome::of(outcome)).or_default().push(*seq);
        }
        let operation = "record what became of the changes";
        let transaction = self.run_transaction(run_number(run), operation).await?;
        update_outcomes(transaction, run_number(run), alike).await.during(operation)
    }

    /// A run's changes in the order of the plan: at most `limit`, after the place `after`.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn changes(
        &self,
        run: Uuid,
        filter: &ChangeFilter,
        after: Option<i64>,
        limit: u32,
    ) -> Result<Vec<ChangeRow>, StoreError> {
        sqlx::query_as(
            "SELECT seq, code, field, old_value, new_value, result, error, found FROM changes \
             WHERE run = $1 AND seq > $2 AND ($3 = '' OR field = $3) AND ($4 = '' OR result = $4) \
             AND ($5 = '' OR code = $5) ORDER BY seq LIMIT $6",
        )
        .bind(run_number(run))
        .bind(after.unwrap_or(-1))
        .bind(filter.field.map_or("", Field::name))
        .bind(filter.result.map_or("", ChangeResult::name))
        .bind(filter.code.as_deref().map(without_nul).unwrap_or_default())
        .bind(i64::from(limit))
        .fetch_all(&self.reader)
        .await
        .during("read the changes of a run")
    }
}

async fn update_outcomes(
    mut transaction: Transaction<'static, Any>,
    run: i64,
    alike: BTreeMap<StoredOutcome, Vec<u32>>,
) -> Result<(), sqlx::Error> {
    for (StoredOutcome { result, error, found }, seqs) in alike {
        for chunk in seqs.chunks(ROWS) {
            // Numbers of ours, so that they may stand in the text.
            let places: Vec<String> = chunk.iter().map(u32::to_string).collect();
            let places = places.join(",");
            let sql = format!(
                "UPDATE changes SET result = $1, error = $2, found = $3 WHERE run = $4 AND seq IN ({places})"
            );
            sqlx::query(AssertSqlSafe(sql))
                .persistent(false)
                .bind(result)
                .bind(error.as_deref().map(without_nul))
                .bind(found.as_deref().map(without_nul))
                .bind(run)
                .execute(&mut *transaction)
                .await?;
        }
    }
    transaction.commit().await
}

/// Place, code, field, old and new value, result and record; the values are JSON in a text.
type NewRow<'a> = (usize, &'a str, &'static str, String, String, &'static str, &'a str);

fn row(seq: usize, change: &Change) -> NewRow<'_> {
    let Change { code, record, edit, held } = change;
    let result = if *held { ChangeResult::Held } else { ChangeResult::Planned };
    let (old, new) = (edit.old_json().to_string(), edit.new_json().to_string());
    (seq, code.as_str(), edit.field().name(), old, new, result.name(), record.id().as_str())
}

/// A JSON list of the changes at these places; without their results and records where those need not be kept.
fn rows_text(changes: &[Change], places: &[usize], with_record: bool) -> String {
    let rows: Vec<NewRow<'_>> = places.iter().map(|&place| row(place, &changes[place])).collect();
    let text = match with_record {
        true => serde_json::to_string(&rows),
        false => serde_json::to_string(&rows.iter().map(bare).collect::<Vec<_>>()),
    };
    // Texts and numbers: it cannot fail.
    text.unwrap_or_default()
}

fn bare<'a>(
    (seq, code, field, old, new, _, _): &'a NewRow<'_>,
) -> (usize, &'a str, &'a str, &'a str, &'a str) {
    (*seq, code, field, old, new)
}

/// An outcome as it is stored.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct StoredOutcome {
    result: &'static str,
    error: Option<String>,
    found: Option<String>,
}

impl StoredOutcome {
    fn of(outcome: &ChangeOutcome) -> StoredOutcome {
        let (error, found) = match outcome {
            ChangeOutcome::Planned | ChangeOutcome::Held | ChangeOutcome::Applied => (None, None),
            ChangeOutcome::Skipped(found) => (None, Some(found.to_string())),
            ChangeOutcome::Failed(reason) => (Some(reason.clone()), None),
        };
        StoredOutcome { result: ChangeResult::from(outcome).name(), error, found }
    }
}
