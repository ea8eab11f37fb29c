//! What INT6 asked to be done: who asked, before → after, and what became of it.
//!
//! Requests of a tenant are in the order in which the database numbered them, whatever the clocks of replicas say.

use std::time::Duration;

use gateway_core::ClientRecord;
use gateway_core::provisioning::{ActivationResult, Command};
use jiff::Timestamp;
use sqlx::{AssertSqlSafe, FromRow};
use strum::VariantArray;
use uuid::Uuid;

use super::durability::Statement;
use super::error::{During, StoreError};
use super::operations::next_number;
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
    /// Its place among the tenant's requests: that of its operation, or `None` for the next one.
    pub number: Option<i64>,
}

/// The requests after which a stored one came too late.
#[derive(Debug, Clone, Copy)]
pub struct Since {
    /// The place of the stored request among the tenant's.
    pub number: i64,
    /// When it was accepted; counts beside requests that a release without numbers wrote.
    pub asked_at: Timestamp,
}

/// The number that the transaction has taken for the tenant in `$2`.
const NUMBER: &str = "(SELECT last_number FROM request_numbers WHERE tenant = $2)";
/// How long an activation counts as under way after its last sign of life.
const ALIVE: Duration = Duration::from_secs(15);
/// What stands in the record of one whose process is gone.
const CUT_OFF: &str = "unavailable: cut off: the process that carried it out ended, or lost its database, before the end \
                       could be recorded; whether OZmap holds what was asked was not looked at";

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
    /// When it ended; `None` while it is under way.
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
        let NewActivation { id, tenant, command, requested_at, requested_by, operation, number } = activation;
        // A new one is counted up in the same transaction.
        let place = if number.is_some() { "$10" } else { NUMBER };
        let now = self.dialect.now_ms;
        let row = Statement::new(format!(
            "INSERT INTO activations (id, tenant, code, asked_at, asked_by, operation, wish, result, number, alive_until) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, {place}, {now} + $9)"
        ))
        .text(id.to_string())
        .text(tenant)
        .text(without_nul(command.code().as_str()))
        .text(time_text(requested_at))
        .text(without_nul(requested_by))
        .maybe(operation.map(|id| id.to_string()))
        .text(command_text(command))
        .text(ActivationResult::Running.name())
        .number(ALIVE.as_millis() as i64);
        // An operation is in one hand: whoever tried it before is gone.
        let before = operation.map(|operation| {
            Statement::new(
                "UPDATE activations SET result = $1, error = $2, finished_at = $3 \
                 WHERE operation = $4 AND result = 'running'",
            )
            .text(ActivationResult::Failed.name())
            .text(CUT_OFF)
            .text(time_text(requested_at.max(Timestamp::now())))
            .text(operation.to_string())
        });
        let row = match number {
            Some(number) => vec![row.number(number)],
            None => vec![next_number(tenant), row],
        };
        let statements = before.into_iter().chain(row).collect();
        self.write_down(statements).await.map(drop).during("record an activation")
    }

    /// Writes that an activation is still under way; it must be written every few seconds.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn keep_activation(&self, id: Uuid) -> Result<(), StoreError> {
        let sql = format!("UPDATE activations SET alive_until = {} + $1 WHERE id = $2", self.dialect.now_ms);
        let mut connection = self.forgetful().await.during("keep an activation")?;
        sqlx::query(AssertSqlSafe(sql))
            .bind(ALIVE.as_millis() as i64)
            .bind(id.to_string())
            .execute(&mut *connection)
            .await
            .map(drop)
            .during("keep an activation")
    }

    /// Writes how an activation ended. What was asked of the client before and waits is due at once: it came too late, if this
    /// one was done.
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
        let ended = Statement::new(
            "UPDATE activations SET finished_at = $1, result = $2, old_state = $3, new_state = $4, error = $5 WHERE id = $6",
        )
        .text(time_text(at))
        .text(result.name())
        .maybe(before.as_ref().map(client_text))
        .maybe(after.as_ref().map(client_text))
        .maybe(error.as_deref().map(without_nul))
        .text(id.to_string());
        let overtaken = result.is_done().then(|| {
            Statement::new(
                "UPDATE operations SET due_at = 0 WHERE state = 'pending' AND due_at > 0 AND EXISTS \
                 (SELECT 1 FROM activations AS a WHERE a.id = $1 AND a.tenant = operations.tenant \
                 AND a.code = operations.code AND a.number > operations.number)",
            )
            .text(id.to_string())
        });
        let statements = [ended].into_iter().chain(overtaken).collect();
        self.write_down(statements).await.map(drop).during("record the end of an activation")
    }

    /// Writes the end of the activations of a tenant that a kill, or a database that was away, cut off; how many they are.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn end_cut_off_activations(&self, tenant: &str, at: Timestamp) -> Result<u64, StoreError> {
        const WHICH: &str = "tenant = $1 AND result = 'running' AND alive_until <";
        let now = self.dialect.now_ms;
        let looked = format!("SELECT id FROM activations WHERE {WHICH} {now} LIMIT 1");
        let found: Option<(String,)> = sqlx::query_as(AssertSqlSafe(looked))
            .bind(tenant)
            .fetch_optional(&self.reader)
            .await
            .during("look for activations that were cut off")?;
        if found.is_none() {
            return Ok(0);
        }
        let ended = Statement::new(format!(
            "UPDATE activations SET result = $2, error = $3, finished_at = $4 WHERE {WHICH} {now}"
        ))
        .text(tenant)
        .text(ActivationResult::Failed.name())
        .text(CUT_OFF)
        .text(time_text(at));
        self.write_down(vec![ended]).await.during("end the activations that were cut off")
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
    pub async fn activated_since(&self, tenant: &str, code: &str, since: Since) -> Result<bool, StoreError> {
        let done = ActivationResult::VARIANTS.iter().filter(|result| result.is_done());
        let done: Vec<String> = done.map(|result| format!("'{}'", result.name())).collect();
        let sql = format!(
            "SELECT id FROM activations WHERE tenant = $1 AND code = $2 AND result IN ({}) \
             AND (number > $3 OR (number = 0 AND asked_at > $4)) LIMIT 1",
            done.join(", ")
        );
        let row: Option<(String,)> = sqlx::query_as(AssertSqlSafe(sql))
            .bind(tenant)
            .bind(without_nul(code))
            .bind(since.number)
            .bind(time_text(since.asked_at))
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
