//! Accepted requests (202): stored before the answer, carried out until they succeed or are refused.

use std::collections::BTreeSet;

use gateway_core::provisioning::{Command, OperationAnswer, OperationKind, OperationState};
use jiff::Timestamp;
use sqlx::{AssertSqlSafe, FromRow};
use uuid::Uuid;

use super::error::{During, StoreError};
use super::payload::{NotUnderstood, answer_text, command_text, read_answer, read_command};
use super::{Store, time_of, time_text, without_nul};

/// An operation that is accepted.
#[derive(Debug, Clone)]
pub struct NewOperation<'a> {
    /// A UUID v7: the order in which they were asked for.
    pub id: Uuid,
    /// Whose.
    pub tenant: &'a str,
    /// What is to be done.
    pub command: &'a Command,
    /// Who asked.
    pub requested_by: &'a str,
    /// Who wants to be called back.
    pub callback_url: Option<&'a str>,
    /// When.
    pub created_at: Timestamp,
}

/// An operation as it is remembered.
#[derive(Debug, Clone, PartialEq)]
pub struct Operation {
    /// Its name.
    pub id: Uuid,
    /// The same as it stands in the table, where somebody may have put what is no UUID.
    pub key: String,
    /// The client's code.
    pub code: String,
    /// What is to be done, if this release understands it.
    pub command: Result<Command, NotUnderstood>,
    /// Who asked.
    pub requested_by: String,
    /// Who wants to be called back.
    pub callback_url: Option<String>,
    /// How it stands; `Err` is the word of a later release.
    pub state: Result<OperationState, String>,
    /// How often it was tried.
    pub attempts: i64,
    /// When it was accepted.
    pub created_at: Timestamp,
    /// When it is tried next, or was tried last.
    pub next_at: Timestamp,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// What the caller would have been answered; `None` while it is pending, or if a later release wrote it.
    pub answer: Option<OperationAnswer>,
    /// Why the last try failed.
    pub last_error: Option<String>,
}

#[derive(FromRow)]
struct OperationRow {
    id: String,
    code: String,
    kind: String,
    wish: String,
    asked_by: String,
    callback_url: Option<String>,
    state: String,
    attempts: i64,
    created_at: String,
    next_at: String,
    finished_at: Option<String>,
    answer: Option<String>,
    last_error: Option<String>,
}

impl From<OperationRow> for Operation {
    fn from(row: OperationRow) -> Operation {
        let id: Result<Uuid, _> = row.id.parse();
        let command = match &id {
            Ok(_) => read_command(&row.kind, &row.wish),
            Err(error) => Err(NotUnderstood::Malformed(format!("its id is no UUID: {error}"))),
        };
        Operation {
            id: id.unwrap_or_default(),
            key: row.id,
            code: row.code,
            command,
            requested_by: row.asked_by,
            callback_url: row.callback_url,
            state: row.state.parse().map_err(|_| row.state),
            attempts: row.attempts,
            created_at: time_of(&row.created_at),
            next_at: time_of(&row.next_at),
            finished_at: row.finished_at.as_deref().map(time_of),
            answer: row.answer.as_deref().and_then(|answer| read_answer(answer).ok()),
            last_error: row.last_error,
        }
    }
}

impl Store {
    /// Stores an operation.
    ///
    /// # Errors
    /// [`StoreError`]; the operation must not be acknowledged then.
    pub async fn enqueue_operation(&self, operation: NewOperation<'_>) -> Result<(), StoreError> {
        let NewOperation { id, tenant, command, requested_by, callback_url, created_at } = operation;
        sqlx::query(
            "INSERT INTO operations (id, tenant, code, kind, wish, asked_by, callback_url, state, attempts, created_at, next_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, 'pending', 0, $8, $8)",
        )
        .bind(id.to_string())
        .bind(tenant)
        .bind(without_nul(command.code().as_str()))
        .bind(OperationKind::from(command).name())
        .bind(command_text(command))
        .bind(without_nul(requested_by))
        .bind(callback_url)
        .bind(time_text(created_at))
        .execute(&self.writer)
        .await
        .map(drop)
        .during("store an operation")
    }

    /// One operation of a tenant.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn operation(&self, tenant: &str, id: Uuid) -> Result<Option<Operation>, StoreError> {
        let row: Option<OperationRow> =
            sqlx::query_as("SELECT * FROM operations WHERE tenant = $1 AND id = $2")
                .bind(tenant)
                .bind(id.to_string())
                .fetch_optional(&self.reader)
                .await
                .during("look an operation up")?;
        Ok(row.map(Operation::from))
    }

    /// Operations whose time has come, oldest first; of one client only the oldest, so that they stay in their order.
    ///
    /// Those of `except` are passed over, and hold no other up: they wait for another release.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn due_operations(
        &self,
        tenant: &str,
        now: Timestamp,
        except: &BTreeSet<String>,
        limit: u32,
    ) -> Result<Vec<Operation>, StoreError> {
        let passed_over = format!("(SELECT value->>0 FROM {})", self.dialect.rows_in_2);
        let sql = format!(
            "SELECT * FROM operations AS o WHERE tenant = $1 AND state = 'pending' AND next_at <= $3 \
             AND id NOT IN {passed_over} AND NOT EXISTS (SELECT 1 FROM operations AS e \
             WHERE e.tenant = o.tenant AND e.code = o.code AND e.state = 'pending' AND e.id < o.id \
             AND e.id NOT IN {passed_over}) ORDER BY id LIMIT $4"
        );
        let except: Vec<[&String; 1]> = except.iter().map(|key| [key]).collect();
        let rows: Vec<OperationRow> = sqlx::query_as(AssertSqlSafe(sql))
            .bind(tenant)
            .bind(serde_json::to_string(&except).unwrap_or_default())
            .bind(time_text(now))
            .bind(i64::from(limit))
            .fetch_all(&self.reader)
            .await
            .during("look for operations that wait")?;
        Ok(rows.into_iter().map(Operation::from).collect())
    }

    /// Writes that a try failed, and when the next one is due.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn postpone_operation(
        &self,
        id: Uuid,
        next_at: Timestamp,
        why: &str,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE operations SET attempts = attempts + 1, next_at = $1, last_error = $2 \
             WHERE id = $3 AND state = 'pending'",
        )
        .bind(time_text(next_at))
        .bind(without_nul(why))
        .bind(id.to_string())
        .execute(&self.writer)
        .await
        .map(drop)
        .during("postpone an operation")
    }

    /// Writes how an operation ended, and who is to be told.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn end_operation(
        &self,
        id: Uuid,
        answer: &OperationAnswer,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let written = async {
            let mut transaction = self.transaction().await?;
            let ended = sqlx::query(
                "UPDATE operations SET attempts = attempts + 1, state = $1, answer = $2, finished_at = $3, last_error = NULL \
                 WHERE id = $4 AND state = 'pending'",
            )
            .bind(answer.state().name())
            .bind(answer_text(answer))
            .bind(time_text(at))
            .bind(id.to_string())
            .execute(&mut *transaction)
            .await?;
            if ended.rows_affected() > 0 {
                self.tell_operation_end(&mut transaction, &id.to_string(), answer, at).await?;
            }
            transaction.commit().await
        };
        written.await.during("record the end of an operation")?;
        self.subscribers.wake();
        Ok(())
    }
}
