//! What a run reported instead of guessing.

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use gateway_core::ErrorCode;
use gateway_core::sync::{Finding, FindingKind};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::auth::Caller;
use super::csv;
use super::extract::{Query, RunId, in_range, no_such_run};
use super::problem::Problem;
use super::responses::NotFound;
use super::state::Shared;
use super::words::{OneOf, SystemWord, Word};
use crate::store::{FindingFilter, FindingRow};

type FindingKindFilter = OneOf<FindingKind>;

/// Which findings.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct FindingsQuery {
    /// Only findings of this kind.
    #[param(inline)]
    kind: Option<FindingKindFilter>,
    /// Findings of a page. Default 100. Not for CSV, which has all.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
    /// Only findings that this earlier run did not have.
    since_run: Option<Uuid>,
    /// `next` of the page before.
    cursor: Option<i64>,
    /// The same by its older name.
    after: Option<i64>,
}

type FindingKindWord = Word<FindingKind>;

/// Something that the sync left alone and an operator should look at.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SyncFinding {
    kind: FindingKindWord,
    /// Where it was seen.
    system: SystemWord,
    /// The client's code, if it could be read.
    #[schema(example = "147")]
    code: Option<String>,
    #[schema(example = "2 rows have one code (clients 147); the newest counts")]
    detail: String,
}

impl From<FindingRow> for SyncFinding {
    fn from(FindingRow { seq: _, kind, system, code, detail }: FindingRow) -> SyncFinding {
        SyncFinding { kind: Word::stored(kind), system: Word::stored(system), code, detail }
    }
}

impl From<Finding> for SyncFinding {
    fn from(Finding { kind, system, code, detail }: Finding) -> SyncFinding {
        SyncFinding { kind: kind.into(), system: system.into(), code: code.map(Into::into), detail }
    }
}

/// Findings of a run.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SyncFindingPage {
    findings: Vec<SyncFinding>,
    /// `cursor` of the next page; null at the end.
    next: Option<String>,
}

/// What a run reported instead of guessing, and why. With `Accept: text/csv` all of it as CSV.
#[utoipa::path(
    get,
    path = "/v1/sync-runs/{id}/findings",
    operation_id = "list_findings",
    tag = "sync",
    params(("id" = Uuid, Path, description = "The run"), FindingsQuery),
    responses(
        (status = 200, description = "JSON in pages, or CSV", content((SyncFindingPage = "application/json"), (String = "text/csv"))),
        NotFound,
    ),
)]
pub(super) async fn list(
    State(app): State<Shared>,
    caller: Caller,
    RunId(id): RunId,
    Query(query): Query<FindingsQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let limit = in_range("limit", query.limit, 100, 1_000)?;
    let tenant = &caller.tenant().name;
    app.store.run(tenant, id).await?.ok_or_else(no_such_run)?;
    if let Some(since) = query.since_run {
        let unknown = || Problem::new(ErrorCode::NotFound, "since_run: this tenant has no run of this id.");
        app.store.run(tenant, since).await?.ok_or_else(unknown)?;
    }
    let kind = query.kind.map(|OneOf(kind)| kind);
    let filter = FindingFilter { kind, since_run: query.since_run };
    if csv::is_asked(&headers) {
        return Ok(csv::findings(app.store.clone(), id, filter));
    }
    let rows = app.store.findings(id, filter, query.cursor.or(query.after), limit).await?;
    let next = rows.last().map(|row| row.seq.to_string()).filter(|_| rows.len() == limit as usize);
    let findings = rows.into_iter().map(SyncFinding::from).collect();
    Ok(Json(SyncFindingPage { findings, next }).into_response())
}
