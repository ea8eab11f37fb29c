//! Stored requests: what became of them.

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use gateway_core::ClientCode;
use serde::Serialize;
use strum::{EnumString, IntoStaticStr, VariantArray};
use utoipa::ToSchema;
use uuid::Uuid;

use super::auth::Caller;
use super::bodies::ActivatedClient;
use super::extract::{OperationId, no_such_operation};
use super::problem::{Problem, ProblemBody};
use super::responses::NotFound;
use super::state::Shared;
use super::trace::RequestId;
use super::words::{Word, Words};
use crate::provisioning::queue::OperationAnswer;
use crate::store::OperationRow;

/// How a stored request stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub(super) enum OperationStateBody {
    Pending,
    Succeeded,
    Refused,
    Superseded,
}

impl Words for OperationStateBody {
    const LIST: &'static str = "OperationState";
    const EXAMPLE: OperationStateBody = OperationStateBody::Succeeded;
}

type OperationStateWord = Word<OperationStateBody>;

/// A stored request, and what became of it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Operation)]
pub(super) struct OperationBody {
    id: Uuid,
    #[schema(example = "147")]
    code: String,
    /// How it stands; `superseded`: a later request for the same client was carried out before.
    state: OperationStateWord,
    /// How often it was tried.
    #[schema(example = 1)]
    attempts: i64,
    /// RFC 3339, UTC; null in the 202.
    created_at: Option<String>,
    /// When it is tried next; RFC 3339, UTC; null once it has ended.
    next_attempt_at: Option<String>,
    /// RFC 3339, UTC.
    finished_at: Option<String>,
    /// Why the last try failed, while it is pending.
    last_error: Option<String>,
    /// The client, if it succeeded.
    client: Option<ActivatedClient>,
    /// The error that the caller would have got, if it was refused.
    problem: Option<ProblemBody>,
}

/// The 202 for a request that was stored.
pub(super) fn accepted(id: Uuid, code: &ClientCode) -> Response {
    let body = OperationBody {
        id,
        code: code.to_string(),
        state: OperationStateBody::Pending.into(),
        attempts: 0,
        created_at: None,
        next_attempt_at: None,
        finished_at: None,
        last_error: None,
        client: None,
        problem: None,
    };
    let location = [(header::LOCATION, format!("/v1/operations/{id}"))];
    (StatusCode::ACCEPTED, location, Json(body)).into_response()
}

impl OperationBody {
    fn new(id: Uuid, row: OperationRow, request_id: &str) -> OperationBody {
        let OperationRow {
            code, state, attempts, created_at, next_at, finished_at, answer, last_error, ..
        } = row;
        let state = OperationStateWord::stored(state);
        let is_pending = matches!(state, Word::Known(OperationStateBody::Pending));
        let (client, problem) = ended(answer.as_deref(), request_id);
        OperationBody {
            id,
            code,
            state,
            attempts,
            created_at: Some(created_at),
            next_attempt_at: is_pending.then_some(next_at),
            finished_at,
            last_error,
            client,
            problem,
        }
    }
}

/// What the caller would have got.
fn ended(answer: Option<&str>, request_id: &str) -> (Option<ActivatedClient>, Option<ProblemBody>) {
    match answer.and_then(|answer| serde_json::from_str(answer).ok()) {
        Some(OperationAnswer::Done { outcome, record, as_of }) => {
            (Some(ActivatedClient::new(*record, as_of, Word::stored(outcome))), None)
        }
        Some(OperationAnswer::Refused { code, detail, free_ports }) => {
            (None, Some(Problem::stored(&code, detail, free_ports).body(request_id)))
        }
        Some(OperationAnswer::Superseded) | None => (None, None),
    }
}

/// What became of a request that was stored with `Prefer: respond-async`.
#[utoipa::path(
    get,
    path = "/v1/operations/{id}",
    operation_id = "get_operation",
    tag = "clients",
    params(("id" = Uuid, Path, description = "The operation")),
    responses((status = 200, description = "The operation", body = OperationBody), NotFound),
)]
pub(super) async fn get(
    State(app): State<Shared>,
    caller: Caller,
    request: RequestId,
    OperationId(id): OperationId,
) -> Result<Json<OperationBody>, Problem> {
    let row = app.store.operation(&caller.tenant().name, id).await?.ok_or_else(no_such_operation)?;
    Ok(Json(OperationBody::new(id, row, &request.0)))
}
