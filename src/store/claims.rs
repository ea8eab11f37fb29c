//! Who carries an accepted request out.
//!
//! A worker claims them for a while by the database's clock, so that each is in one hand and none stays in that of a process
//! that is gone. Of one client they are claimed one at a time and in the order of their numbers; one that was tried in vain
//! lets the next ones pass until it is due again.

use std::collections::BTreeSet;
use std::time::Duration;

use gateway_core::provisioning::OperationAnswer;
use jiff::{SignedDuration, Timestamp};
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::durability::Statement;
use super::error::{During, StoreError};
use super::operations::{COLUMNS, Operation, OperationRow};
use super::payload::answer_text;
use super::{Dialect, Store, time_text, without_nul};

/// Tries in vain after which an operation lets later ones of its client pass until it is due again.
const IN_VAIN: i64 = 2;

/// Who carries operations of a tenant out, and how long a claim lives without being renewed.
#[derive(Debug, Clone)]
pub struct Claimant {
    /// The tenant's name.
    pub tenant: String,
    /// A name that no other worker has, nor the same one after a restart.
    pub holder: String,
    /// By the database's clock.
    pub lifetime: Duration,
}

impl Store {
    /// How long until an operation of the tenant is due, negative if one is; `None` if none waits.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn next_operation_in(&self, tenant: &str) -> Result<Option<SignedDuration>, StoreError> {
        let sql = format!(
            "SELECT MIN(due_at) - {} FROM operations WHERE tenant = $1 AND state = 'pending'",
            self.dialect.now_ms
        );
        let (left,): (Option<i64>,) = sqlx::query_as(AssertSqlSafe(sql))
            .bind(tenant)
            .fetch_one(&self.reader)
            .await
            .during("look for operations that wait")?;
        Ok(left.map(SignedDuration::from_millis))
    }

    /// Claims operations whose time has come, oldest first; of one client one, the oldest that may be tried, and none while
    /// another one of it is claimed.
    ///
    /// Those of `except` are passed over, and hold no other up: they wait for another release.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn claim_operations(
        &self,
        claimant: &Claimant,
        except: &BTreeSet<String>,
        limit: usize,
    ) -> Result<Vec<Operation>, StoreError> {
        let except: Vec<[&String; 1]> = except.iter().map(|key| [key]).collect();
        let claimed = async {
            let mut connection = self.forgetful().await?;
            sqlx::query_as::<_, OperationRow>(AssertSqlSafe(self.claim_sql()))
                .bind(claimant.tenant.as_str())
                .bind(serde_json::to_string(&except).unwrap_or_default())
                .bind(claimant.holder.as_str())
                .bind(claimant.lifetime.as_millis() as i64)
                .bind(limit as i64)
                .fetch_all(&mut *connection)
                .await
        };
        let rows = claimed.await.during("claim operations")?;
        let mut operations: Vec<Operation> = rows.into_iter().map(Operation::from).collect();
        operations.sort_by(|one, other| (one.number, &one.key).cmp(&(other.number, &other.key)));
        Ok(operations)
    }

    /// One statement, so that two workers never claim the same row.
    fn claim_sql(&self) -> String {
        let Dialect { now_ms: now, rows_in_2, skip_locked, .. } = self.dialect;
        let passed_over = format!("(SELECT value->>0 FROM {rows_in_2})");
        format!(
            "WITH due AS MATERIALIZED (SELECT o.id AS due_id FROM operations AS o \
             WHERE o.tenant = $1 AND o.state = 'pending' AND o.due_at <= {now} AND o.claimed_until <= {now} \
             AND o.id NOT IN {passed_over} AND NOT EXISTS (SELECT 1 FROM operations AS e \
             WHERE e.tenant = o.tenant AND e.code = o.code AND e.state = 'pending' AND e.id <> o.id \
             AND e.id NOT IN {passed_over} AND (e.claimed_until > {now} \
             OR ((e.number < o.number OR (e.number = o.number AND e.id < o.id)) \
             AND (e.due_at <= {now} OR e.attempts < {IN_VAIN})))) \
             ORDER BY o.number, o.id LIMIT $5 {skip_locked}) \
             UPDATE operations SET holder = $3, claimed_until = {now} + $4 FROM due \
             WHERE operations.id = due.due_id RETURNING {COLUMNS}"
        )
    }

    /// Prolongs claims of a worker; those that it has lost stay lost.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn renew_claims(&self, claimant: &Claimant, keys: &[String]) -> Result<(), StoreError> {
        self.set_claims(claimant, keys, claimant.lifetime).await.during("renew the claims of operations")
    }

    /// Gives claims back before anything was done.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn release_claims(&self, claimant: &Claimant, keys: &[String]) -> Result<(), StoreError> {
        self.set_claims(claimant, keys, Duration::ZERO).await.during("give back the claims of operations")
    }

    async fn set_claims(
        &self,
        claimant: &Claimant,
        keys: &[String],
        lifetime: Duration,
    ) -> Result<(), sqlx::Error> {
        let Dialect { now_ms: now, rows_in_2, .. } = self.dialect;
        let sql = format!(
            "UPDATE operations SET claimed_until = {now} + $4 WHERE tenant = $1 AND state = 'pending' AND holder = $3 \
             AND claimed_until > {now} AND id IN (SELECT value->>0 FROM {rows_in_2})"
        );
        let keys: Vec<[&String; 1]> = keys.iter().map(|key| [key]).collect();
        let mut connection = self.forgetful().await?;
        sqlx::query(AssertSqlSafe(sql))
            .bind(claimant.tenant.as_str())
            .bind(serde_json::to_string(&keys).unwrap_or_default())
            .bind(claimant.holder.as_str())
            .bind(lifetime.as_millis() as i64)
            .execute(&mut *connection)
            .await
            .map(drop)
    }

    /// Whether an operation waits, and this worker has its claim.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn has_claim(&self, claimant: &Claimant, id: Uuid) -> Result<bool, StoreError> {
        let sql = format!(
            "SELECT id FROM operations WHERE id = $1 AND state = 'pending' AND holder = $2 AND claimed_until > {}",
            self.dialect.now_ms
        );
        let row: Option<(String,)> = sqlx::query_as(AssertSqlSafe(sql))
            .bind(id.to_string())
            .bind(claimant.holder.as_str())
            .fetch_optional(&self.reader)
            .await
            .during("look a claim up")?;
        Ok(row.is_some())
    }

    /// Writes that a try failed, and that the next one is due after a `pause`; `next_at` is that moment for people. The claim
    /// is given back. Somebody else's is left alone.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn postpone_operation(
        &self,
        claimant: &Claimant,
        id: Uuid,
        pause: Duration,
        next_at: Timestamp,
        why: &str,
    ) -> Result<(), StoreError> {
        let postponed = Statement::new(format!(
            "UPDATE operations SET attempts = attempts + 1, next_at = $1, last_error = $2, claimed_until = 0, \
             due_at = {} + $3 WHERE id = $4 AND state = 'pending' AND holder = $5",
            self.dialect.now_ms
        ))
        .text(time_text(next_at))
        .text(without_nul(why))
        .number(pause.as_millis() as i64)
        .text(id.to_string())
        .text(claimant.holder.as_str());
        self.write_down(vec![postponed]).await.map(drop).during("postpone an operation")
    }

    /// Writes how an operation ended, and who is to be told; false if it had ended, or somebody else has its claim.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn end_operation(
        &self,
        claimant: &Claimant,
        id: Uuid,
        answer: &OperationAnswer,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        let (key, holder) = (id.to_string(), claimant.holder.as_str());
        // First, so that nobody else ends it before the transaction does.
        let kept = Statement::new(
            "UPDATE operations SET attempts = attempts + 1 WHERE id = $1 AND state = 'pending' AND holder = $2",
        );
        let ended = Statement::new(
            "UPDATE operations SET state = $1, answer = $2, finished_at = $3, last_error = NULL \
             WHERE id = $4 AND state = 'pending' AND holder = $5",
        )
        .text(answer.state().name())
        .text(answer_text(answer))
        .text(time_text(at))
        .text(key.as_str())
        .text(holder);
        let written = async {
            let told = self.told_operation_end((&claimant.tenant, holder), &key, answer, at).await?;
            let first = kept.text(key.as_str()).text(holder);
            self.write_down([first].into_iter().chain(told).chain([ended]).collect()).await
        };
        let ended = written.await.during("record the end of an operation")?;
        self.subscribers.wake();
        Ok(ended == 1)
    }
}
