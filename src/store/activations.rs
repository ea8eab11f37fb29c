//! What INT6 asked to be connected: who asked, old → new, and what became of it.

use jiff::Timestamp;
use sqlx::{AssertSqlSafe, FromRow};
use strum::{EnumString, IntoStaticStr, VariantArray};
use uuid::Uuid;

use super::error::During;
use super::{Store, StoreError, time_text, without_nul};

/// An activation that begins.
#[derive(Debug, Clone)]
pub struct NewActivation<'a> {
    /// A UUID v7, so that later ones are greater.
    pub id: Uuid,
    /// Whose.
    pub tenant: &'a str,
    /// The client's code.
    pub code: &'a str,
    /// When.
    pub asked_at: Timestamp,
    /// Who asked: the caller's address and request id.
    pub asked_by: &'a str,
    /// The stored operation that it carries out, if it is one.
    pub operation: Option<Uuid>,
    /// JSON.
    pub request: String,
}

/// How an activation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum ActivationResult {
    /// Under way, or cut off by a crash.
    Running,
    /// OZmap did not know the client.
    Created,
    /// Something was written.
    Updated,
    /// Everything was so already.
    Unchanged,
    /// It may not be done.
    Refused,
    /// OZmap, or the gateway itself, could not be reached.
    Failed,
}

impl ActivationResult {
    /// The word in the API and the store.
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// Whether the client is what was asked for, so that an older request is overtaken.
    pub fn is_done(self) -> bool {
        match self {
            ActivationResult::Created | ActivationResult::Updated | ActivationResult::Unchanged => true,
            ActivationResult::Running | ActivationResult::Refused | ActivationResult::Failed => false,
        }
    }
}

/// How an activation ended.
#[derive(Debug, Clone)]
pub struct ActivationEnd {
    /// What became of it.
    pub result: ActivationResult,
    /// What OZmap held before, JSON; `None` if it knew no such client, or could not be asked.
    pub old: Option<String>,
    /// What it holds now, JSON; `None` if nothing was written.
    pub new: Option<String>,
    /// The stable code and the sentence, if it was refused or failed.
    pub error: Option<String>,
}

/// An activation as it is remembered.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct ActivationRow {
    /// Its name.
    pub id: String,
    /// The client's code.
    pub code: String,
    /// RFC 3339.
    pub asked_at: String,
    /// Who asked.
    pub asked_by: String,
    /// The stored operation that it carried out.
    pub operation: Option<String>,
    /// JSON.
    #[sqlx(rename = "wish")]
    pub request: String,
    /// RFC 3339; `None` while it is under way, or if a crash cut it off.
    pub finished_at: Option<String>,
    /// JSON.
    pub old_state: Option<String>,
    /// JSON.
    pub new_state: Option<String>,
    /// `running`, or how it ended.
    pub result: String,
    /// Why it was refused or failed.
    pub error: Option<String>,
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
}

impl Store {
    /// Writes that an activation begins, before anything is sent to OZmap.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn begin_activation(&self, activation: NewActivation<'_>) -> Result<(), StoreError> {
        let NewActivation { id, tenant, code, asked_at, asked_by, operation, request } = activation;
        sqlx::query(
            "INSERT INTO activations (id, tenant, code, asked_at, asked_by, operation, wish, result) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, 'running')",
        )
        .bind(id.to_string())
        .bind(tenant)
        .bind(without_nul(code))
        .bind(time_text(asked_at))
        .bind(without_nul(asked_by))
        .bind(operation.map(|id| id.to_string()))
        .bind(request)
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
        let ActivationEnd { result, old, new, error } = end;
        sqlx::query(
            "UPDATE activations SET finished_at = $1, result = $2, old_state = $3, new_state = $4, error = $5 WHERE id = $6",
        )
        .bind(time_text(at))
        .bind(result.name())
        .bind(old)
        .bind(new)
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
    ) -> Result<Vec<ActivationRow>, StoreError> {
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
        sql.push_str(&format!(" ORDER BY id DESC LIMIT {limit}"));
        let mut query = sqlx::query_as(AssertSqlSafe(sql));
        for value in values {
            query = query.bind(value);
        }
        query.fetch_all(&self.reader).await.during("list activations")
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
