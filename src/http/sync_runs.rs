//! Runs of the sync: history, run now.

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use gateway_core::sync::{Calls, Counts, Mode, Phases, Rails, RunState, Trigger};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::auth::Caller;
use super::extract::{OptionalBody, Query, RunId, in_range, no_such_run};
use super::problem::Problem;
use super::responses::NotFound;
use super::state::Shared;
use super::words::{OneOf, Word};
use crate::store::RunRow;

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

type TriggerWord = Word<Trigger>;
type RunStateWord = Word<RunState>;

/// One run of the sync.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SyncRun {
    #[schema(example = "019aa1c2-7a10-7c00-8000-5a2f0d1e9b3c")]
    id: Uuid,
    /// What began it; `client`: the sync of a single one.
    trigger: TriggerWord,
    /// Whether it only read and compared.
    dry_run: bool,
    /// How it stands; `halted` by the rails, `skipped` because another run was under way.
    state: RunStateWord,
    /// RFC 3339, UTC.
    #[schema(example = "2026-11-20T10:00:00.000Z")]
    started_at: String,
    /// RFC 3339, UTC; null while it runs.
    #[schema(example = "2026-11-20T10:00:01.455Z")]
    finished_at: Option<String>,
    counts: SyncCounts,
    calls: SyncCalls,
    phases_ms: SyncPhases,
    /// Why the rails halted the run before it wrote.
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
    /// Clients and rows of a code that is not numeric.
    not_numeric: u64,
    /// Matched clients with a reading that is older than the stale limit.
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
            trigger: trigger.into(),
            dry_run: mode == Mode::DryRun,
            state: state.into(),
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

type RunStateFilter = OneOf<RunState>;

/// Which runs.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct RunsQuery {
    /// Runs of a page. Default 20.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
    /// Only runs older than this one: `next` of the page before.
    before: Option<Uuid>,
    /// Only runs in this state.
    #[param(inline)]
    state: Option<RunStateFilter>,
}

/// The history of runs, newest first.
#[utoipa::path(
    get,
    path = "/v1/sync-runs",
    operation_id = "list_sync_runs",
    tag = "sync",
    params(RunsQuery),
    responses((status = 200, description = "A page of runs", body = SyncRunPage)),
)]
pub(super) async fn list(
    State(app): State<Shared>,
    caller: Caller,
    Query(query): Query<RunsQuery>,
) -> Result<Json<SyncRunPage>, Problem> {
    let limit = in_range("limit", query.limit, 20, 200)?;
    let state = query.state.map(|OneOf(state)| state);
    let runs = app.store.runs(&caller.tenant().name, limit, query.before, state).await?;
    let next = runs.last().map(|run| run.id).filter(|_| runs.len() == limit as usize);
    Ok(Json(SyncRunPage { sync_runs: runs.into_iter().map(SyncRun::from).collect(), next }))
}

/// Runs the sync now.
///
/// Answers at once; follow the run at `Location`. If another run of the tenant is under way, this one ends as `skipped`.
#[utoipa::path(
    post,
    path = "/v1/sync-runs",
    operation_id = "start_sync_run",
    tag = "sync",
    request_body(content = Option<SyncRunRequest>, example = json!({"dry_run": true, "force": false})),
    responses(
        (status = 202, description = "The run is under way", body = SyncRun, headers(("Location" = String, description = "The run"))),
    ),
)]
pub(super) async fn create(
    State(app): State<Shared>,
    caller: Caller,
    OptionalBody(body): OptionalBody<SyncRunRequest>,
) -> Result<Response, Problem> {
    let mode = if body.dry_run { Mode::DryRun } else { Mode::Apply };
    let rails = if body.force { Rails::Forced } else { Rails::Hold };
    let id = caller.tenant().engine.start(Trigger::Api, mode, rails).await?;
    let run = app.store.run(&caller.tenant().name, id).await?.ok_or_else(no_such_run)?;
    let location = [(header::LOCATION, format!("/v1/sync-runs/{id}"))];
    Ok((StatusCode::ACCEPTED, location, Json(SyncRun::from(run))).into_response())
}

/// One run.
#[utoipa::path(
    get,
    path = "/v1/sync-runs/{id}",
    operation_id = "get_sync_run",
    tag = "sync",
    params(("id" = Uuid, Path, description = "The run")),
    responses((status = 200, description = "The run", body = SyncRun), NotFound),
)]
pub(super) async fn get(
    State(app): State<Shared>,
    caller: Caller,
    RunId(id): RunId,
) -> Result<Json<SyncRun>, Problem> {
    let run = app.store.run(&caller.tenant().name, id).await?;
    run.map(|run| Json(run.into())).ok_or_else(no_such_run)
}
