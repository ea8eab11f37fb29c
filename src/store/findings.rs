//! What a run reported instead of guessing.

use std::collections::HashMap;

use gateway_core::sync::{Finding, FindingKind};
use sqlx::{AssertSqlSafe, FromRow};
use uuid::Uuid;

use super::error::During;
use super::{Store, StoreError, run_number, without_nul};

/// Findings of each kind that are kept; a run's counts are exact.
const MOST_OF_A_KIND: usize = 1_000;

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
    /// Writes a run's findings, at most 1,000 of each kind.
    ///
    /// # Errors
    /// [`StoreError`]; nothing is written then.
    pub async fn record_findings(&self, run: Uuid, findings: &[Finding]) -> Result<(), StoreError> {
        let mut met: HashMap<FindingKind, usize> = HashMap::new();
        let kept: Vec<&Finding> = findings
            .iter()
            .filter(|finding| {
                let met = met.entry(finding.kind).or_default();
                *met += 1;
                *met <= MOST_OF_A_KIND
            })
            .collect();
        self.insert_findings(run_number(run), &kept).await.during("record the findings")
    }

    async fn insert_findings(&self, run: i64, findings: &[&Finding]) -> Result<(), sqlx::Error> {
        let mut transaction = self.transaction().await?;
        let sql = format!(
            "INSERT INTO findings (run, seq, kind, system, code, detail) \
             SELECT $1, CAST(value->>0 AS BIGINT), value->>1, value->>2, value->>3, value->>4 FROM {}",
            self.dialect.rows_in_2
        );
        let row = |(seq, f): (usize, &&Finding)| {
            (seq, f.kind.name(), f.system.name(), f.code.as_deref().map(without_nul), without_nul(&f.detail))
        };
        let rows: Vec<_> = findings.iter().enumerate().map(row).collect();
        let rows = serde_json::to_string(&rows).unwrap_or_default();
        sqlx::query(AssertSqlSafe(sql)).bind(run).bind(rows).execute(&mut *transaction).await?;
        transaction.commit().await
    }

    /// A run's findings: at most `limit`, after the place `after`, of one kind if one is given.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn findings(
        &self,
        run: Uuid,
        kind: Option<FindingKind>,
        after: Option<i64>,
        limit: u32,
    ) -> Result<Vec<FindingRow>, StoreError> {
        sqlx::query_as(
            "SELECT seq, kind, system, code, detail FROM findings \
             WHERE run = $1 AND seq > $2 AND ($3 = '' OR kind = $3) ORDER BY seq LIMIT $4",
        )
        .bind(run_number(run))
        .bind(after.unwrap_or(-1))
        .bind(kind.map_or("", FindingKind::name))
        .bind(i64::from(limit))
        .fetch_all(&self.reader)
        .await
        .during("read the findings of a run")
    }
}
