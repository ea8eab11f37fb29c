//! What a run reported instead of guessing.

use gateway_core::sync::{Finding, FindingKind};
use sqlx::{Any, AssertSqlSafe, FromRow, Transaction};
use uuid::Uuid;

use super::error::During;
use super::{Store, StoreError, run_number, without_nul};

/// Rows of one statement.
const ROWS: usize = 5_000;

/// Which findings are asked for; an empty filter is all.
#[derive(Debug, Clone, Copy, Default)]
pub struct FindingFilter {
    /// Only of this kind.
    pub kind: Option<FindingKind>,
    /// Only those that this run did not have.
    pub since_run: Option<Uuid>,
}

/// A finding as it is remembered.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct FindingRow {
    /// Its place in the report.
    pub seq: i64,
    /// Why.
    pub kind: String,
    /// `OZmap` or `INT6`.
    pub system: String,
    /// Whose, if it could be read.
    pub code: Option<String>,
    /// For people.
    pub detail: String,
}

impl Store {
    /// Writes a run's findings.
    ///
    /// # Errors
    /// [`StoreError`]; nothing is written then.
    pub async fn record_findings(&self, run: Uuid, findings: &[Finding]) -> Result<(), StoreError> {
        let transaction = self.run_transaction(run_number(run), "record the findings").await?;
        self.insert_findings(transaction, run_number(run), findings).await.during("record the findings")
    }

    async fn insert_findings(
        &self,
        mut transaction: Transaction<'static, Any>,
        run: i64,
        findings: &[Finding],
    ) -> Result<(), sqlx::Error> {
        let sql = format!(
            "INSERT INTO findings (run, seq, kind, system, code, detail) \
             SELECT $1, CAST(value->>0 AS BIGINT), value->>1, value->>2, value->>3, value->>4 FROM {}",
            self.dialect.rows_in_2
        );
        let row = |(seq, f): (usize, &Finding)| {
            (seq, f.kind.name(), f.system.name(), f.code.as_deref().map(without_nul), without_nul(&f.detail))
        };
        for (number, chunk) in findings.chunks(ROWS).enumerate() {
            let rows: Vec<_> = (number * ROWS..).zip(chunk).map(row).collect();
            let rows = serde_json::to_string(&rows).unwrap_or_default();
            sqlx::query(AssertSqlSafe(sql.clone())).bind(run).bind(rows).execute(&mut *transaction).await?;
        }
        transaction.commit().await
    }

    /// A run's findings that fit a filter: at most `limit`, after the place `after`.
    ///
    /// Two runs' findings are the same if kind, system and client are; without a client, if they say the same.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn findings(
        &self,
        run: Uuid,
        filter: FindingFilter,
        after: Option<i64>,
        limit: u32,
    ) -> Result<Vec<FindingRow>, StoreError> {
        sqlx::query_as(
            "SELECT seq, kind, system, code, detail FROM findings \
             WHERE run = $1 AND seq > $2 AND ($3 = '' OR kind = $3) \
             AND ($5 = 0 OR kind || '/' || system || '/' || COALESCE(code, detail) NOT IN \
               (SELECT kind || '/' || system || '/' || COALESCE(code, detail) FROM findings WHERE run = $5)) \
             ORDER BY seq LIMIT $4",
        )
        .bind(run_number(run))
        .bind(after.unwrap_or(-1))
        .bind(filter.kind.map_or("", FindingKind::name))
        .bind(i64::from(limit))
        .bind(filter.since_run.map_or(0, run_number))
        .fetch_all(&self.reader)
        .await
        .during("read the findings of a run")
    }
}
