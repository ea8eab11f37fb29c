//! What INT6 asked to be done: who asked, before → after, and what became of it.

use gateway_core::ClientRecord;
use gateway_core::provisioning::{ActivationResult, Command};
use jiff::Timestamp;
use sqlx::{AssertSqlSafe, FromRow};
use strum::VariantArray;
use uuid::Uuid;

use super::error::{During, StoreError};
use super::payload::{client_text, command_text, read_client, read_recorded_command};
use super::{Store, time_of, time_text, without_nul};

/// An activation that begins.
#[derive(Debug, Clone)]
pub struct NewActivation<'a> {
    /// A UUID v7, so that later ones are greater.
    pub id: Uuid,
    /// Whose.
    pub tenant: &'a str,
    /// What is to be done.
    pub command: &'a Command,
    /// When it was asked for.
    pub requested_at: Timestamp,
    /// Who asked: the key's name, the caller's address and the request's id.
    pub requested_by: &'a str,
    /// The stored operation that it carries out, if it is one.
    pub operation: Option<Uuid>,
}

/// How an activation ended.
#[derive(Debug, Clone)]
pub struct ActivationEnd {
    /// What became of it.
    pub result: ActivationResult,
    /// What OZmap held before; `None` if it knew no such client, or could not be asked.
    pub before: Option<ClientRecord>,
    /// What it holds now; `None` if nothing was written.
    pub after: Option<ClientRecord>,
    /// The stable code and the reason, if it was refused or failed.
    pub error: Option<String>,
}

/// An activation as it is remembered.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordedActivation {
    /// Its name.
    pub id: Uuid,
    /// The client's code.
    pub code: String,
    /// When it was asked for.
    pub requested_at: Timestamp,
    /// Who asked.
    pub requested_by: String,
    /// The stored operation that it carried out.
    pub operation: Option<Uuid>,
    /// What was to be done; `None` if another release wrote it in a form that this one does not know.
    pub command: Option<Command>,
    /// When it ended; `None` while it is under way, or if a crash cut it off.
    pub finished_at: Option<Timestamp>,
    /// What OZmap held before.
    pub before: Option<ClientRecord>,
    /// What it held afterwards.
    pub after: Option<ClientRecord>,
    /// How it stands; `Err` is the word of a later release.
    pub result: Result<ActivationResult, String>,
    /// Why it was refused or failed.
    pub error: Option<String>,
}

#[derive(FromRow)]
struct ActivationRow {
    id: String,
    code: String,
    asked_at: String,
    asked_by: String,
    operation: Option<String>,
    wish: String,
    finished_at: Option<String>,
    old_state: Option<String>,
    new_state: Option<String>,
    result: String,
    error: Option<String>,
}

impl From<ActivationRow> for RecordedActivation {
    fn from(row: ActivationRow) -> RecordedActivation {
        let client = |text: Option<String>| text.and_then(|text| read_client(&text).ok());
        RecordedActivation {
            id: row.id.parse().unwrap_or_default(),
            code: row.code,
            requested_at: time_of(&row.asked_at),
            requested_by: row.asked_by,
            operation: row.operation.and_then(|id| id.parse().ok()),
            command: read_recorded_command(&row.wish).ok(),
            finished_at: row.finished_at.as_deref().map(time_of),
            before: client(row.old_state),
            after: client(row.new_state),
            result: row.result.parse().map_err(|_| row.result),
            error: row.error,
        }
    }
}

/// Which activations are asked for; an empty filter is all.
#[derive(Debug, Clone, Default)]
pub struct ActivationFilter {
    /// Only this client.
    pub code: Option<String>,
    /// Only this result.
    pub result: Option<ActivationResult>,
    /// Only older than this one.
    pub before: Option<Uuid>,
    /// Only those that were asked for with the key of this name.
    pub by_key: Option<String>,
}

impl Store {
    /// Writes that an activation begins, before anything is sent to OZmap.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn begin_activation(&self, activation: NewActivation<'_>) -> Result<(), StoreError> {
        let NewActivation { id, tenant, command, requested_at, requested_by, operation } = activation;
        sqlx::query(
            "INSERT INTO activations (id, tenant, code, asked_at, asked_by, operation, wish, result) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        )
        .bind(id.to_string())
        .bind(tenant)
        .bind(without_nul(command.code().as_str()))
        .bind(time_text(requested_at))
        .bind(without_nul(requested_by))
        .bind(operation.map(|id| id.to_string()))
        .bind(command_text(command))
        .bind(ActivationResult::Running.name())
        .execute(&self.writer)
        .await
        .map(drop)
        .during("record an activation")
    }

    /// Writes how an activation ended.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn end_activation(
        &self,
        id: Uuid,
        at: Timestamp,
        end: ActivationEnd,
    ) -> Result<(), StoreError> {
        let ActivationEnd { result, before, after, error } = end;
        sqlx::query(
            "UPDATE activations SET finished_at = $1, result = $2, old_state = $3, new_state = $4, error = $5 WHERE id = $6",
        )
        .bind(time_text(at))
        .bind(result.name())
        .bind(before.as_ref().map(client_text))
        .bind(after.as_ref().map(client_text))
        .bind(error.as_deref().map(without_nul))
        .bind(id.to_string())
        .execute(&self.writer)
        .await
        .map(drop)
        .during("record the end of an activation")
    }

    /// Activations of a tenant, newest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn activations(
        &self,
        tenant: &str,
        filter: &ActivationFilter,
        limit: u32,
    ) -> Result<Vec<RecordedActivation>, StoreError> {
        let before = filter.before.map(|id| id.to_string());
        let result = filter.result.map(|result| result.name().to_owned());
        let wanted = [("code", &filter.code), ("result", &result), ("id", &before)];
        let mut sql = "SELECT * FROM activations WHERE tenant = $1".to_owned();
        let mut values = vec![tenant.to_owned()];
        for (column, value) in
            wanted.into_iter().filter_map(|(column, value)| Some((column, value.as_ref()?)))
        {
            values.push(without_nul(value));
            let operator = if column == "id" { "<" } else { "=" };
            sql.push_str(&format!(" AND {column} {operator} ${}", values.len()));
        }
        if let Some(key) = &filter.by_key {
            // The name, a blank, and behind it two words: a name may have blanks itself.
            values.push(format!("{} ", without_nul(key)));
            let (name, length) = (values.len(), key.chars().count() + 1);
            let rest = format!("substr(asked_by, {})", length + 1);
            sql.push_str(&format!(
                " AND substr(asked_by, 1, {length}) = ${name} \
                 AND length({rest}) - length(replace({rest}, ' ', '')) = 1"
            ));
        }
        sql.push_str(&format!(" ORDER BY id DESC LIMIT {limit}"));
        let mut query = sqlx::query_as(AssertSqlSafe(sql));
        for value in values {
            query = query.bind(value);
        }
        let rows: Vec<ActivationRow> = query.fetch_all(&self.reader).await.during("list activations")?;
        Ok(rows.into_iter().map(RecordedActivation::from).collect())
    }

    /// Whether something later than this was asked for the client and done.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn activated_since(
        &self,
        tenant: &str,
        code: &str,
        since: Timestamp,
    ) -> Result<bool, StoreError> {
        let done = ActivationResult::VARIANTS.iter().filter(|result| result.is_done());
        let done: Vec<String> = done.map(|result| format!("'{}'", result.name())).collect();
        let sql = format!(
            "SELECT id FROM activations WHERE tenant = $1 AND code = $2 AND asked_at > $3 AND result IN ({}) LIMIT 1",
            done.join(", ")
        );
        let row: Option<(String,)> = sqlx::query_as(AssertSqlSafe(sql))
            .bind(tenant)
            .bind(without_nul(code))
            .bind(time_text(since))
            .fetch_optional(&self.reader)
            .await
            .during("look for later activations")?;
        Ok(row.is_some())
    }

    /// Whether an operation was begun before, however that ended.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn was_tried(&self, operation: Uuid) -> Result<bool, StoreError> {
        let row: Option<(String,)> =
            sqlx::query_as("SELECT id FROM activations WHERE operation = $1 LIMIT 1")
                .bind(operation.to_string())
                .fetch_optional(&self.reader)
                .await
                .during("look for earlier tries")?;
        Ok(row.is_some())
    }
}
