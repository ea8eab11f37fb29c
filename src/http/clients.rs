//! A client as OZmap holds it, and the sync's rules for it alone.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use gateway_core::sync::RunState;
use gateway_core::{ClientCode, ErrorCode, System};
use jiff::Timestamp;
use serde::Serialize;
use tracing::Instrument;
use utoipa::ToSchema;
use uuid::Uuid;

use super::auth::Caller;
use super::bodies::ClientBody;
use super::deadline::within;
use super::extract::{CodeInPath, CodeParam, NumericCodeParam};
use super::problem::Problem;
use super::responses::{ClientErrors, OzmapErrors, SyncErrors, WriteErrors};
use super::state::Shared;
use super::sync_changes::SyncChange;
use super::sync_findings::SyncFinding;
use super::words::Word;
use crate::provisioning::Failure;
use crate::store::{ChangeFilter, Turn, TurnState};
use crate::sync::one_client::Single;

/// A client, as OZmap holds it now.
#[utoipa::path(
    get,
    path = "/v1/clients/{code}",
    operation_id = "get_client",
    tag = "clients",
    params(CodeParam),
    responses((status = 200, description = "The client", body = ClientBody), ClientErrors, OzmapErrors),
)]
pub(super) async fn get(caller: Caller, CodeInPath(code): CodeInPath) -> Result<Json<ClientBody>, Problem> {
    let provisioning = &caller.tenant().provisioning;
    let record = within(provisioning.answer_within(), System::Ozmap, provisioning.client(&code)).await?;
    Ok(Json(ClientBody::new(record, Timestamp::now())))
}

type RunEndWord = Word<RunState>;

/// One client's sync.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ClientSync {
    #[schema(example = "147")]
    code: String,
    /// The run that recorded it.
    run_id: Uuid,
    /// `finished`, or `failed`.
    state: RunEndWord,
    /// What was written; empty if OZmap held all of it.
    changes: Vec<SyncChange>,
    /// What was reported instead of guessed.
    findings: Vec<SyncFinding>,
}

/// The sync's rules for one client, now, on a fresh reading of INT6.
#[utoipa::path(
    post,
    path = "/v1/clients/{code}/sync",
    operation_id = "sync_client",
    tag = "clients",
    params(NumericCodeParam),
    responses((status = 200, description = "The client's sync", body = ClientSync), ClientErrors, SyncErrors, WriteErrors),
)]
pub(super) async fn sync(
    State(app): State<Shared>,
    caller: Caller,
    CodeInPath(code): CodeInPath,
) -> Result<Json<ClientSync>, Problem> {
    let Single { report, findings } = synced(&caller, &code).await?;
    if let Some((change, why)) = report.failures.first() {
        return Err(Problem::new(ErrorCode::OzmapRejected, format!("{change}: {why}")));
    }
    let rows = app.store.changes(report.id, &ChangeFilter::default(), None, 100).await?;
    Ok(Json(ClientSync {
        code: code.to_string(),
        run_id: report.id,
        state: report.state.into(),
        changes: rows.into_iter().map(SyncChange::from).collect(),
        findings: findings.into_iter().map(SyncFinding::from).collect(),
    }))
}

/// In a task of its own: a caller that gives up does not leave half a run.
async fn synced(caller: &Caller, code: &ClientCode) -> Result<Single, Problem> {
    let tenant = caller.tenant();
    let (engine, code) = (tenant.engine.clone(), code.clone());
    let turn: Arc<Turn> = Arc::default();
    let its = Arc::clone(&turn);
    let run = async move { engine.sync_one_in_turn(&code, &its).await };
    let run = tokio::spawn(run.in_current_span());
    match tokio::time::timeout(tenant.provisioning.answer_within(), run).await {
        Ok(Ok(synced)) => Ok(synced?),
        Ok(Err(_)) => Err(Problem::new(ErrorCode::Internal, "The sync of this client ended badly.")),
        Err(_) => {
            if let TurnState::InLine { kind, before } = turn.give_up() {
                return Err(Failure::Busy { kind, before }.into());
            }
            let detail = "The readings did not come in time; the sync of this client goes on.";
            Err(Problem::new(ErrorCode::Int6Unreachable, detail))
        }
    }
}
