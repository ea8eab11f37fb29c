//! Activations that were promised with a 202: stored before the answer, carried out until they succeed or are refused.

use jiff::Timestamp;
use sqlx::FromRow;
use uuid::Uuid;

use super::error::During;
use super::{Store, StoreError, time_text, without_nul};

/// An operation that is promised.
#[derive(Debug, Clone)]
pub struct NewOperation<'a> {
    /// A UUID v7: the order in which they were asked for.
    pub id: Uuid,
    /// Whose.
    pub tenant: &'a str,
    /// The client's code.
    pub code: &'a str,
    /// `create` or `activate`.
    pub kind: &'static str,
    /// JSON.
    pub request: String,
    /// Who asked.
    pub asked_by: &'a str,
    /// Who wants to be told.
    pub callback_url: Option<&'a str>,
    /// When.
    pub created_at: Timestamp,
}

/// An operation as it is remembered.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct OperationRow {
    /// Its name.
    pub id: String,
    /// The client's code.
    pub code: String,
    /// `create` or `activate`.
    pub kind: String,
    /// JSON.
    #[sqlx(rename = "wish")]
    pub request: String,
    /// Who asked.
    pub asked_by: String,
    /// Who wants to be told.
    pub callback_url: Option<String>,
    /// `pending`, `succeeded`, `refused` or `superseded`.
    pub state: String,
    /// How often it was tried.
    pub attempts: i64,
    /// RFC 3339.
    pub created_at: String,
    /// RFC 3339.
    pub next_at: String,
    /// RFC 3339.
    pub finished_at: Option<String>,
    /// JSON: what the caller would have been answered.
    pub answer: Option<String>,
    /// Why the last try failed.
    pub last_error: Option<String>,
}

impl Store {
    /// Writes a promise down.
    ///
    /// # Errors
    /// [`StoreError`]; the promise must not be given then.
    pub async fn enqueue_operation(&self, operation: NewOperation<'_>) -> Result<(), StoreError> {
        let NewOperation { id, tenant, code, kind, request, asked_by, callback_url, created_at } = operation;
        sqlx::query(
            "INSERT INTO operations (id, tenant, code, kind, wish, asked_by, callback_url, state, attempts, created_at, next_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, 'pending', 0, $8, $8)",
        )
        .bind(id.to_string())
        .bind(tenant)
        .bind(without_nul(code))
        .bind(kind)
        .bind(request)
        .bind(without_nul(asked_by))
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
    pub async fn operation(&self, tenant: &str, id: Uuid) -> Result<Option<OperationRow>, StoreError> {
        sqlx::query_as("SELECT * FROM operations WHERE tenant = $1 AND id = $2")
            .bind(tenant)
            .bind(id.to_string())
            .fetch_optional(&self.reader)
            .await
            .during("look an operation up")
    }

    /// OperationQueue whose time has come, oldest first; of one client only the oldest, so that they stay in their order.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn due_operations(
        &self,
        tenant: &str,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<OperationRow>, StoreError> {
        sqlx::query_as(
            "SELECT * FROM operations AS o WHERE tenant = $1 AND state = 'pending' AND next_at <= $2 \
             AND NOT EXISTS (SELECT 1 FROM operations AS e WHERE e.tenant = o.tenant AND e.code = o.code \
             AND e.state = 'pending' AND e.id < o.id) ORDER BY id LIMIT $3",
        )
        .bind(tenant)
        .bind(time_text(now))
        .bind(i64::from(limit))
        .fetch_all(&self.reader)
        .await
        .during("look for operations that wait")
    }

    /// Writes that a try failed, and when the next one is due.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn postpone_operation(
        &self,
        id: &str,
        next_at: Timestamp,
        why: &str,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE operations SET attempts = attempts + 1, next_at = $1, last_error = $2 \
             WHERE id = $3 AND state = 'pending'",
        )
        .bind(time_text(next_at))
        .bind(without_nul(why))
        .bind(id)
        .execute(&self.writer)
        .await
        .map(drop)
        .during("postpone an operation")
    }

    /// Writes how an operation ended.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn end_operation(
        &self,
        id: &str,
        state: &str,
        answer: &str,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE operations SET attempts = attempts + 1, state = $1, answer = $2, finished_at = $3, last_error = NULL \
             WHERE id = $4 AND state = 'pending'",
        )
        .bind(state)
        .bind(answer)
        .bind(time_text(at))
        .bind(id)
        .execute(&self.writer)
        .await
        .map(drop)
        .during("record the end of an operation")
    }
}
