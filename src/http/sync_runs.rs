//! Runs of the sync: history, run now, changes, findings.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use gateway_core::sync::{
    Calls, ChangeResult, Counts, Field, Finding, FindingKind, Mode, Phases, Rails, RunState, Trigger,
};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::auth::Caller;
use super::extract::{OptionalBody, Query, RunId, in_range, no_such_run, one_of, word};
use super::problem::{Problem, ProblemBody};
use super::{Shared, csv};
use crate::store::{ChangeFilter, ChangeRow, FindingRow, RunRow};

/// A run that is asked for.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct SyncRunRequest {
    /// Read and compare only; nothing is written. Default false.
    #[schema(default = false)]
    dry_run: bool,
    /// Go on where the rails would halt the run. Default false.
    #[schema(default = false)]
    force: bool,
}

/// One run of the sync.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SyncRun {
    #[schema(example = "019aa1c2-7a10-7c00-8000-5a2f0d1e9b3c")]
    id: Uuid,
    /// Who asked: `timer`, `api`, `cli`, or `client` for a single one.
    #[schema(example = "api")]
    trigger: &'static str,
    /// Whether it only read and compared.
    dry_run: bool,
    /// `running`, `finished`, `halted`, `failed` or `skipped`.
    #[schema(example = "finished")]
    state: &'static str,
    /// RFC 3339, UTC.
    #[schema(example = "2026-11-20T10:00:00.000Z")]
    started_at: String,
    /// RFC 3339, UTC; null while it runs.
    #[schema(example = "2026-11-20T10:00:01.455Z")]
    finished_at: Option<String>,
    counts: SyncCounts,
    calls: SyncCalls,
    phases_ms: SyncPhases,
    /// Why the rails held the run before it wrote.
    #[schema(example = "INT6 returned 0 of 3,812 clients")]
    halted_because: Option<String>,
    /// Why it failed or was skipped.
    error: Option<String>,
}

/// Clients and rows that the run met; `matched = unchanged + changed + failed`.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SyncCounts {
    /// Clients that OZmap gave.
    ozmap_clients: u64,
    /// Rows that INT6 gave.
    int6_readings: u64,
    /// Codes that stand once on both sides.
    matched: u64,
    /// Matched clients with nothing to write.
    unchanged: u64,
    /// Matched clients written in full; in a dry run, to be written.
    changed: u64,
    /// Matched clients of which a change failed.
    failed: u64,
    only_in_ozmap: u64,
    only_in_int6: u64,
    /// Codes and MAC addresses that stand in several rows.
    duplicates: u64,
    /// Rows that could not be understood.
    unreadable: u64,
    /// Clients and rows whose code is not numeric.
    not_numeric: u64,
    /// Matched clients whose reading is older than the stale limit.
    stale: u64,
    /// Matched clients for which INT6 has no reading.
    absent: u64,
}

/// HTTP requests of the run, repeats included.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SyncCalls {
    ozmap_reads: u64,
    ozmap_writes: u64,
    int6_reads: u64,
}

/// Duration of each phase in milliseconds; null if the run did not come to it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SyncPhases {
    read: Option<u64>,
    plan: Option<u64>,
    apply: Option<u64>,
}

impl From<RunRow> for SyncRun {
    fn from(run: RunRow) -> SyncRun {
        let RunRow {
            id,
            trigger,
            mode,
            state,
            started_at,
            finished_at,
            counts,
            calls,
            phases,
            halted_because,
            error,
        } = run;
        SyncRun {
            id,
            trigger: trigger.name(),
            dry_run: mode == Mode::DryRun,
            state: state.name(),
            started_at: format!("{started_at:.3}"),
            finished_at: finished_at.map(|at| format!("{at:.3}")),
            counts: counts.into(),
            calls: calls.into(),
            phases_ms: phases.into(),
            halted_because,
            error,
        }
    }
}

impl From<Counts> for SyncCounts {
    fn from(counts: Counts) -> SyncCounts {
        let Counts { ozmap_clients, int6_readings, matched, unchanged, changed, failed, .. } = counts;
        let Counts {
            only_in_ozmap, only_in_int6, duplicates, unreadable, not_numeric, stale, absent, ..
        } = counts;
        SyncCounts {
            ozmap_clients,
            int6_readings,
            matched,
            unchanged,
            changed,
            failed,
            only_in_ozmap,
            only_in_int6,
            duplicates,
            unreadable,
            not_numeric,
            stale,
            absent,
        }
    }
}

impl From<Calls> for SyncCalls {
    fn from(Calls { ozmap_reads, ozmap_writes, int6_reads }: Calls) -> SyncCalls {
        SyncCalls { ozmap_reads, ozmap_writes, int6_reads }
    }
}

impl From<Phases> for SyncPhases {
    fn from(Phases { read, plan, apply }: Phases) -> SyncPhases {
        SyncPhases { read, plan, apply }
    }
}

/// Runs, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SyncRunPage {
    sync_runs: Vec<SyncRun>,
    /// `before` of the next page; null at the end.
    next: Option<Uuid>,
}

/// Which runs.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct RunsQuery {
    /// Runs of a page. Default 20.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
    /// Only runs older than this one.
    before: Option<Uuid>,
    /// `running`, `finished`, `halted`, `failed` or `skipped`.
    #[param(schema_with = one_of::<RunState>)]
    #[serde(default, deserialize_with = "word")]
    state: Option<RunState>,
}

/// The history of runs, newest first.
#[utoipa::path(get, path = "/v1/sync-runs", operation_id = "list_sync_runs", tag = "sync", params(RunsQuery), responses(
    (status = 200, body = SyncRunPage),
))]
pub(super) async fn list(
    State(app): State<Shared>,
    caller: Caller,
    Query(query): Query<RunsQuery>,
) -> Result<Json<SyncRunPage>, Problem> {
    let limit = in_range("limit", query.limit, 20, 200)?;
    let runs = app.store.runs(&caller.tenant().name, limit, query.before, query.state).await?;
    let next = runs.last().map(|run| run.id).filter(|_| runs.len() == limit as usize);
    Ok(Json(SyncRunPage { sync_runs: runs.into_iter().map(SyncRun::from).collect(), next }))
}

/// Runs the sync now.
///
/// Answers at once; follow the run at `Location`. If another run of the tenant is under way, this one ends as `skipped`.
#[utoipa::path(post, path = "/v1/sync-runs", operation_id = "start_sync_run", tag = "sync", request_body(content = Option<SyncRunRequest>, example = json!({"dry_run": true, "force": false})), responses(
    (status = 202, description = "The run is under way", body = SyncRun, headers(("location" = String, description = "The run"))),
))]
pub(super) async fn create(
    State(app): State<Shared>,
    caller: Caller,
    OptionalBody(asked): OptionalBody<SyncRunRequest>,
) -> Result<Response, Problem> {
    let mode = if asked.dry_run { Mode::DryRun } else { Mode::Apply };
    let rails = if asked.force { Rails::Forced } else { Rails::Hold };
    let id = caller.tenant().engine.start(Trigger::Api, mode, rails).await?;
    let run = app.store.run(&caller.tenant().name, id).await?.ok_or_else(no_such_run)?;
    let location = [(header::LOCATION, format!("/v1/sync-runs/{id}"))];
    Ok((StatusCode::ACCEPTED, location, Json(SyncRun::from(run))).into_response())
}

/// One run.
#[utoipa::path(get, path = "/v1/sync-runs/{id}", operation_id = "get_sync_run", tag = "sync", params(("id" = Uuid, Path, description = "The run")), responses(
    (status = 200, body = SyncRun),
    (status = 404, description = "not_found", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(super) async fn get(
    State(app): State<Shared>,
    caller: Caller,
    RunId(id): RunId,
) -> Result<Json<SyncRun>, Problem> {
    let run = app.store.run(&caller.tenant().name, id).await?;
    run.map(|run| Json(run.into())).ok_or_else(no_such_run)
}

/// Which changes.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ChangesQuery {
    /// `read_power`, `status`, `implantation` or `onu`.
    #[param(schema_with = one_of::<Field>)]
    #[serde(default, deserialize_with = "word")]
    field: Option<Field>,
    /// `planned`, `applied` or `failed`.
    #[param(schema_with = one_of::<ChangeResult>)]
    #[serde(default, deserialize_with = "word")]
    result: Option<ChangeResult>,
    /// One client.
    #[param(example = "147")]
    code: Option<String>,
    /// Changes of a page. Default 100. Not for CSV, which has all.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
    /// `next` of the page before.
    after: Option<i64>,
}

/// One field of one client: old and new value, and what became of it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SyncChange {
    #[schema(example = "147")]
    code: String,
    /// `read_power` (dBm), `status`, `implantation` or `onu`.
    #[schema(example = "read_power")]
    field: String,
    #[schema(value_type = serde_json::Value, example = json!(-20.1))]
    old: Box<RawValue>,
    #[schema(value_type = serde_json::Value, example = json!(-21.53))]
    new: Box<RawValue>,
    /// `planned`, `applied` or `failed`.
    #[schema(example = "applied")]
    result: String,
    /// Why it failed.
    error: Option<String>,
}

/// Changes of a run, in the order of the clients' codes.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SyncChangePage {
    changes: Vec<SyncChange>,
    /// `after` of the next page; null at the end.
    next: Option<i64>,
}

impl From<ChangeRow> for SyncChange {
    fn from(row: ChangeRow) -> SyncChange {
        let raw = |json: String| RawValue::from_string(json).unwrap_or_else(|_| RawValue::NULL.to_owned());
        let ChangeRow { seq: _, code, field, old_value, new_value, result, error } = row;
        SyncChange { code, field, old: raw(old_value), new: raw(new_value), result, error }
    }
}

/// What a run changed: old → new, and the result. With `Accept: text/csv` all of it as CSV.
#[utoipa::path(get, path = "/v1/sync-runs/{id}/changes", operation_id = "list_changes", tag = "sync", params(("id" = Uuid, Path, description = "The run"), ChangesQuery), responses(
    (status = 200, description = "JSON in pages, or CSV", content((SyncChangePage = "application/json"), (String = "text/csv"))),
    (status = 404, description = "not_found", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(super) async fn changes(
    State(app): State<Shared>,
    caller: Caller,
    RunId(id): RunId,
    Query(query): Query<ChangesQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let limit = in_range("limit", query.limit, 100, 1_000)?;
    let filter = ChangeFilter { field: query.field, result: query.result, code: query.code };
    app.store.run(&caller.tenant().name, id).await?.ok_or_else(no_such_run)?;
    if csv::is_asked(&headers) {
        return Ok(csv::answer(app.store.clone(), id, filter));
    }
    let rows = app.store.changes(id, &filter, query.after, limit).await?;
    let next = rows.last().map(|row| row.seq).filter(|_| rows.len() == limit as usize);
    Ok(Json(SyncChangePage { changes: rows.into_iter().map(SyncChange::from).collect(), next })
        .into_response())
}

/// Which findings.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct FindingsQuery {
    /// `only_in_ozmap`, `only_in_int6`, `duplicate`, `not_numeric`, `unreadable`, `stale` or `absent`.
    #[param(schema_with = one_of::<FindingKind>)]
    #[serde(default, deserialize_with = "word")]
    kind: Option<FindingKind>,
    /// Findings of a page. Default 100.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u32>,
    /// `next` of the page before.
    after: Option<i64>,
}

/// Something that the sync left alone and an operator should look at.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SyncFinding {
    #[schema(example = "duplicate")]
    kind: String,
    /// Where it was seen: `OZmap` or `INT6`.
    #[schema(example = "INT6")]
    system: String,
    /// The client's code, if it could be read.
    #[schema(example = "147")]
    code: Option<String>,
    #[schema(example = "2 rows have one code (clients 147); the newest counts")]
    detail: String,
}

impl From<FindingRow> for SyncFinding {
    fn from(FindingRow { seq: _, kind, system, code, detail }: FindingRow) -> SyncFinding {
        SyncFinding { kind, system, code, detail }
    }
}

impl From<Finding> for SyncFinding {
    fn from(Finding { kind, system, code, detail }: Finding) -> SyncFinding {
        let (kind, system) = (kind.name().to_owned(), system.name().to_owned());
        SyncFinding { kind, system, code: code.map(Into::into), detail }
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
#[utoipa::path(get, path = "/v1/sync-runs/{id}/findings", operation_id = "list_findings", tag = "sync", params(("id" = Uuid, Path, description = "The run"), FindingsQuery), responses(
    (status = 200, body = SyncFindingPage),
    (status = 404, description = "not_found", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(super) async fn findings(
    State(app): State<Shared>,
    caller: Caller,
    RunId(id): RunId,
    Query(query): Query<FindingsQuery>,
) -> Result<Json<SyncFindingPage>, Problem> {
    let limit = in_range("limit", query.limit, 100, 1_000)?;
    app.store.run(&caller.tenant().name, id).await?.ok_or_else(no_such_run)?;
    let rows = app.store.findings(id, query.kind, query.after, limit).await?;
    let next = rows.last().map(|row| row.seq).filter(|_| rows.len() == limit as usize);
    Ok(Json(SyncFindingPage { findings: rows.into_iter().map(SyncFinding::from).collect(), next }))
}
