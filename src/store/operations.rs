//! Accepted requests (202): on the disk before the answer, carried out until they succeed or are refused.

use gateway_core::provisioning::{Command, OperationAnswer, OperationKind, OperationState};
use jiff::Timestamp;
use sqlx::{AssertSqlSafe, FromRow};
use uuid::Uuid;

use super::durability::Statement;
use super::error::{During, StoreError};
use super::payload::{NotUnderstood, command_text, read_answer, read_command};
use super::{Store, time_of, time_text, without_nul};

/// An operation that is accepted.
#[derive(Debug, Clone)]
pub struct NewOperation<'a> {
    /// Its name.
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
    /// Its place among the requests of the tenant; 0 if a release without numbers accepted it.
    pub number: i64,
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
pub(super) struct OperationRow {
    id: String,
    number: i64,
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
            number: row.number,
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

/// Of the table, as [`OperationRow`] reads them.
pub(super) const COLUMNS: &str = "id, number, code, kind, wish, asked_by, callback_url, state, attempts, created_at, next_at, finished_at, \
                       answer, last_error";
/// Counts the tenant's requests up by one; what comes after it in the transaction has the number to itself.
pub(super) fn next_number(tenant: &str) -> Statement {
    Statement::new(
        "INSERT INTO request_numbers (tenant, last_number) VALUES ($1, 1) \
         ON CONFLICT (tenant) DO UPDATE SET last_number = request_numbers.last_number + 1",
    )
    .text(tenant)
}

impl Store {
    /// Stores an operation; it is on the disk once this returns.
    ///
    /// # Errors
    /// [`StoreError`]; the operation must not be acknowledged then.
    pub async fn enqueue_operation(&self, operation: NewOperation<'_>) -> Result<(), StoreError> {
        let NewOperation { id, tenant, command, requested_by, callback_url, created_at } = operation;
        let row = Statement::new(
            "INSERT INTO operations \
             (id, tenant, code, kind, wish, asked_by, callback_url, state, attempts, created_at, next_at, number) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, 'pending', 0, $8, $8, \
             (SELECT last_number FROM request_numbers WHERE tenant = $2))",
        )
        .text(id.to_string())
        .text(tenant)
        .text(without_nul(command.code().as_str()))
        .text(OperationKind::from(command).name())
        .text(command_text(command))
        .text(without_nul(requested_by))
        .maybe(callback_url.map(str::to_owned))
        .text(time_text(created_at));
        self.write_down(vec![next_number(tenant), row]).await.map(drop).during("store an operation")
    }

    /// One operation of a tenant.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn operation(&self, tenant: &str, id: Uuid) -> Result<Option<Operation>, StoreError> {
        let row: Option<OperationRow> = sqlx::query_as(AssertSqlSafe(format!(
            "SELECT {COLUMNS} FROM operations WHERE tenant = $1 AND id = $2"
        )))
        .bind(tenant)
        .bind(id.to_string())
        .fetch_optional(&self.reader)
        .await
        .during("look an operation up")?;
        Ok(row.map(Operation::from))
    }
}
