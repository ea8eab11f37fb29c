//! Runs of the sync: history, run now.

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use gateway_core::sync::{Calls, Counts, Field, Fields, Mode, Phases, Rails, RunState, Trigger};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::auth::Caller;
use super::extract::{OptionalBody, Query, RunId, in_range, no_such_run};
use super::problem::Problem;
use super::responses::{NotFound, PlanErrors};
use super::state::Shared;
use super::words::{OneOf, Word};
use crate::store::{FieldCounts, HeldField, RunFilter, RunNotes, RunRow};

/// A run that is asked for.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct SyncRunRequest {
    /// Read and compare only; nothing is written. Default false.
    #[schema(default = false)]
    dry_run: bool,
    /// Go on where the rails would halt the run, or hold changes. With `fields`, only changes of these. Default false.
    #[schema(default = false)]
    force: bool,
    /// Apply what this run has shown instead: a dry or halted run, or what was held of a finished one. Good for 24 hours,
    /// each field once.
    #[schema(nullable = false)]
    plan: Option<Uuid>,
    /// With `plan` or `force`: these fields only. Default all.
    #[schema(nullable = false, value_type = Vec<SyncFieldWord>, min_items = 1)]
    fields: Option<Vec<OneOf<Field>>>,
}

type SyncFieldWord = Word<Field>;

/// What a run is asked to do.
enum Asked {
    Compare(Mode, Rails),
    Plan(Uuid, Option<Fields>),
}

impl SyncRunRequest {
    fn asked(self) -> Result<Asked, Problem> {
        let SyncRunRequest { dry_run, force, plan, fields } = self;
        let fields = fields.map(|fields| fields.into_iter().map(|OneOf(field)| field).collect::<Fields>());
        if fields.is_some_and(Fields::is_empty) {
            return Err(Problem::invalid(
                "fields: at least one field is expected; without `fields` all are meant",
            ));
        }
        match (plan, fields) {
            (Some(_), _) if dry_run || force => Err(Problem::invalid(
                "plan: goes neither with `dry_run` nor with `force`: it was shown already",
            )),
            (Some(plan), fields) => Ok(Asked::Plan(plan, fields)),
            (None, Some(_)) if !force => {
                Err(Problem::invalid("fields: says what is taken of a `plan`, or what is forced by `force`"))
            }
            (None, fields) => {
                let mode = if dry_run { Mode::DryRun } else { Mode::Apply };
                let forced = Rails::Forced(fields.unwrap_or(Fields::ALL));
                Ok(Asked::Compare(mode, if force { forced } else { Rails::Hold }))
            }
        }
    }
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
    /// What the rails kept back, by field and reason; it can be looked at, and applied by the run's id.
    held: Vec<HeldChanges>,
    /// What came of each field's changes.
    fields: Vec<SyncFieldCounts>,
    /// Whether no earlier run of the tenant had come to its end, so that the rails had nothing to compare with.
    first_run: bool,
    /// The run whose plan this one applied.
    plan: Option<Uuid>,
    /// What else a person should know.
    remarks: Vec<String>,
}

/// Changes of one field that a rail kept back.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct HeldChanges {
    field: SyncFieldWord,
    /// Clients.
    clients: u64,
    /// The rail, as a word; a later version may have more.
    #[schema(example = "mass_implantation")]
    reason: String,
    #[schema(
        example = "30 of 31 reservations would be implanted in one run; in the last 30 days it was 4 a day at most"
    )]
    because: String,
}

/// What came of a run's changes of one field.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SyncFieldCounts {
    field: SyncFieldWord,
    /// Changes of the plan, whatever came of them.
    changes: u64,
    /// OZmap confirmed them.
    applied: u64,
    /// A rail kept them back.
    held: u64,
    /// Their records moved since the plan was shown.
    skipped: u64,
    /// OZmap refused them or could not be reached.
    failed: u64,
}

impl From<HeldField> for HeldChanges {
    fn from(HeldField { field, clients, reason, because }: HeldField) -> HeldChanges {
        HeldChanges { field: Word::stored(field), clients, reason, because }
    }
}

impl From<FieldCounts> for SyncFieldCounts {
    fn from(FieldCounts { field, changes, applied, held, skipped, failed }: FieldCounts) -> SyncFieldCounts {
        SyncFieldCounts { field: Word::stored(field), changes, applied, held, skipped, failed }
    }
}

/// Clients and rows that the run met; `matched = unchanged + changed + failed`, and those of whom everything is held or
/// skipped.
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
    /// Matched clients of which something is held by a rail.
    held: u64,
    /// Matched clients of which something was left because its record moved since the plan was shown.
    skipped: u64,
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
    /// Matched clients whose figure is outside what light can be.
    implausible: u64,
    /// Matched clients without a property.
    no_property: u64,
    /// Matched clients whose reading has a time that is not understood, or lies in the future.
    unknown_age: u64,
    /// Fields that were not understood; the rest of their records counts.
    unclear_field: u64,
    /// Lists that did not end as lists do, or changed while they were read.
    incomplete_list: u64,
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
            notes,
            measures: _,
            plan,
        } = run;
        let RunNotes { held, fields, remarks, is_first } = notes;
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
            held: held.into_iter().map(HeldChanges::from).collect(),
            fields: fields.into_iter().map(SyncFieldCounts::from).collect(),
            first_run: is_first,
            plan,
            remarks,
        }
    }
}

impl From<Counts> for SyncCounts {
    fn from(counts: Counts) -> SyncCounts {
        let Counts { ozmap_clients, int6_readings, matched, unchanged, changed, failed, .. } = counts;
        let Counts { held, skipped, only_in_ozmap, only_in_int6, duplicates, unreadable, .. } = counts;
        let Counts { not_numeric, stale, absent, implausible, no_property, unknown_age, .. } = counts;
        let Counts { unclear_field, incomplete_list, .. } = counts;
        SyncCounts {
            ozmap_clients,
            int6_readings,
            matched,
            unchanged,
            changed,
            failed,
            held,
            skipped,
            only_in_ozmap,
            only_in_int6,
            duplicates,
            unreadable,
            not_numeric,
            stale,
            absent,
            implausible,
            no_property,
            unknown_age,
            unclear_field,
            incomplete_list,
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
    /// `cursor` of the next page; null at the end.
    next: Option<Uuid>,
}

type RunStateFilter = OneOf<RunState>;
type TriggerFilter = OneOf<Trigger>;

/// Which runs.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct RunsQuery {
    /// Runs of a page. Default 20.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
    /// `next` of the page before.
    cursor: Option<Uuid>,
    /// The same by its older name: only runs older than this one.
    before: Option<Uuid>,
    /// Only runs begun by this.
    #[param(inline)]
    trigger: Option<TriggerFilter>,
    /// Only runs begun then or later: RFC 3339.
    #[param(value_type = Option<String>, format = DateTime)]
    since: Option<Timestamp>,
    /// Only runs begun before: RFC 3339.
    #[param(value_type = Option<String>, format = DateTime)]
    until: Option<Timestamp>,
    /// Only runs with a change of this client.
    code: Option<String>,
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
    let filter = RunFilter {
        state: query.state.map(|OneOf(state)| state),
        trigger: query.trigger.map(|OneOf(trigger)| trigger),
        since: query.since,
        until: query.until,
        code: query.code,
        before: query.cursor.or(query.before),
    };
    let runs = app.store.runs(&caller.tenant().name, &filter, limit).await?;
    let next = runs.last().map(|run| run.id).filter(|_| runs.len() == limit as usize);
    Ok(Json(SyncRunPage { sync_runs: runs.into_iter().map(SyncRun::from).collect(), next }))
}

/// Runs the sync now.
///
/// Or applies exactly what an earlier run has shown, less the records that moved meanwhile. Answers at once; follow the run at
/// `Location`. If another run of the tenant is under way, this one ends as `skipped`.
#[utoipa::path(
    post,
    path = "/v1/sync-runs",
    operation_id = "start_sync_run",
    tag = "sync",
    request_body(content = Option<SyncRunRequest>, example = json!({"dry_run": true, "force": false})),
    responses(
        (status = 202, description = "The run is under way", body = SyncRun, headers(("Location" = String, description = "The run"))),
        PlanErrors,
    ),
)]
pub(super) async fn create(
    State(app): State<Shared>,
    caller: Caller,
    OptionalBody(body): OptionalBody<SyncRunRequest>,
) -> Result<Response, Problem> {
    let engine = &caller.tenant().engine;
    let id = match body.asked()? {
        Asked::Compare(mode, rails) => engine.start(Trigger::Api, mode, rails).await?,
        Asked::Plan(plan, fields) => engine.start_plan(Trigger::Api, plan, fields).await?,
    };
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
