//! What a run changed.

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use gateway_core::sync::{ChangeResult, Field};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::{IntoParams, ToSchema};

use super::auth::Caller;
use super::csv;
use super::extract::{Query, RunId, in_range, no_such_run};
use super::problem::Problem;
use super::responses::NotFound;
use super::state::Shared;
use super::words::{OneOf, Word};
use crate::store::{ChangeFilter, ChangeRow};

type FieldFilter = OneOf<Field>;
type ChangeResultFilter = OneOf<ChangeResult>;

/// Which changes.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ChangesQuery {
    /// Only changes of this field.
    #[param(inline)]
    field: Option<FieldFilter>,
    /// Only changes of this result.
    #[param(inline)]
    result: Option<ChangeResultFilter>,
    /// One client.
    code: Option<String>,
    /// Changes of a page. Default 100. Not for CSV, which has all.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
    /// `next` of the page before.
    cursor: Option<i64>,
    /// The same by its older name.
    after: Option<i64>,
}

type FieldWord = Word<Field>;
type ChangeResultWord = Word<ChangeResult>;

/// One field of one client: old and new value, and what became of it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SyncChange {
    #[schema(example = "147")]
    code: String,
    /// What was changed; `read_power` is in dBm.
    field: FieldWord,
    /// Null where OZmap held nothing.
    #[schema(value_type = serde_json::Value, example = json!(-20.1))]
    old: Box<RawValue>,
    #[schema(value_type = serde_json::Value, example = json!(-21.53))]
    new: Box<RawValue>,
    /// What became of it.
    result: ChangeResultWord,
    /// Why it failed.
    error: Option<String>,
    /// With `skipped`: the value that stands in OZmap instead of `old`; null if the record is gone.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = serde_json::Value, example = json!(-19.3))]
    found: Option<Box<RawValue>>,
}

/// Changes of a run, in the order of the clients' codes.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SyncChangePage {
    changes: Vec<SyncChange>,
    /// `cursor` of the next page; null at the end.
    next: Option<String>,
}

impl From<ChangeRow> for SyncChange {
    fn from(row: ChangeRow) -> SyncChange {
        let raw = |json: String| RawValue::from_string(json).unwrap_or_else(|_| RawValue::NULL.to_owned());
        let ChangeRow { seq: _, code, field, old_value, new_value, result, error, found } = row;
        SyncChange {
            code,
            field: Word::stored(field),
            old: raw(old_value),
            new: raw(new_value),
            result: Word::stored(result),
            error,
            found: found.map(raw),
        }
    }
}

/// What a run changed: old → new, and the result. With `Accept: text/csv` all of it as CSV.
#[utoipa::path(
    get,
    path = "/v1/sync-runs/{id}/changes",
    operation_id = "list_changes",
    tag = "sync",
    params(("id" = Uuid, Path, description = "The run"), ChangesQuery),
    responses(
        (status = 200, description = "JSON in pages, or CSV", content((SyncChangePage = "application/json"), (String = "text/csv"))),
        NotFound,
    ),
)]
pub(super) async fn list(
    State(app): State<Shared>,
    caller: Caller,
    RunId(id): RunId,
    Query(query): Query<ChangesQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let limit = in_range("limit", query.limit, 100, 1_000)?;
    let field = query.field.map(|OneOf(field)| field);
    let result = query.result.map(|OneOf(result)| result);
    let filter = ChangeFilter { field, result, code: query.code };
    app.store.run(&caller.tenant().name, id).await?.ok_or_else(no_such_run)?;
    if csv::is_asked(&headers) {
        return Ok(csv::changes(app.store.clone(), id, filter));
    }
    let rows = app.store.changes(id, &filter, query.cursor.or(query.after), limit).await?;
    let next = rows.last().map(|row| row.seq.to_string()).filter(|_| rows.len() == limit as usize);
    Ok(Json(SyncChangePage { changes: rows.into_iter().map(SyncChange::from).collect(), next })
        .into_response())
}
