//! What a run reported instead of guessing.

use axum::Json;
use axum::extract::State;
use gateway_core::System;
use gateway_core::sync::{Finding, FindingKind};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::auth::Caller;
use super::extract::{Query, RunId, in_range, no_such_run};
use super::problem::Problem;
use super::responses::NotFound;
use super::state::Shared;
use super::words::{OneOf, Word};
use crate::store::FindingRow;

type FindingKindFilter = OneOf<FindingKind>;

/// Which findings.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct FindingsQuery {
    /// Only findings of this kind.
    #[param(inline)]
    kind: Option<FindingKindFilter>,
    /// Findings of a page. Default 100.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
    /// `next` of the page before.
    after: Option<i64>,
}

type FindingKindWord = Word<FindingKind>;
type SystemWord = Word<System>;

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

/// Findings of a run; at most 1,000 of each kind are kept, the run's counts are exact.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SyncFindingPage {
    findings: Vec<SyncFinding>,
    /// `after` of the next page; null at the end.
    next: Option<i64>,
}

/// What a run reported instead of guessing, and why.
#[utoipa::path(
    get,
    path = "/v1/sync-runs/{id}/findings",
    operation_id = "list_findings",
    tag = "sync",
    params(("id" = Uuid, Path, description = "The run"), FindingsQuery),
    responses((status = 200, description = "A page of findings", body = SyncFindingPage), NotFound),
)]
pub(super) async fn list(
    State(app): State<Shared>,
    caller: Caller,
    RunId(id): RunId,
    Query(query): Query<FindingsQuery>,
) -> Result<Json<SyncFindingPage>, Problem> {
    let limit = in_range("limit", query.limit, 100, 1_000)?;
    app.store.run(&caller.tenant().name, id).await?.ok_or_else(no_such_run)?;
    let kind = query.kind.map(|OneOf(kind)| kind);
    let rows = app.store.findings(id, kind, query.after, limit).await?;
    let next = rows.last().map(|row| row.seq).filter(|_| rows.len() == limit as usize);
    Ok(Json(SyncFindingPage { findings: rows.into_iter().map(SyncFinding::from).collect(), next }))
}
