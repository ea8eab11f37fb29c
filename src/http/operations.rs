//! Stored requests: what became of them.

use axum::Json;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use gateway_core::provisioning::{Done, OperationAnswer, OperationState};
use gateway_core::{ClientCode, ErrorCode};
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::auth::Caller;
use super::bodies::ActivatedClient;
use super::extract::{OperationId, no_such_operation};
use super::problem::{Problem, ProblemBody};
use super::responses::NotFound;
use super::trace::RequestId;
use super::words::Word;
use crate::provisioning::Requester;
use crate::store::Operation;

type OperationStateWord = Word<OperationState>;

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
        state: OperationState::Pending.into(),
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
    fn new(operation: Operation, request_id: &str) -> OperationBody {
        let Operation {
            id, code, state, attempts, created_at, next_at, finished_at, answer, last_error, ..
        } = operation;
        let time = |at: Timestamp| format!("{at:.3}");
        let is_pending = state == Ok(OperationState::Pending);
        let (client, problem) = ended(answer, request_id);
        OperationBody {
            id,
            code,
            state: state.into(),
            attempts,
            created_at: Some(time(created_at)),
            next_attempt_at: is_pending.then(|| time(next_at)),
            finished_at: finished_at.map(time),
            last_error,
            client,
            problem,
        }
    }
}

/// What the caller would have got.
fn ended(
    answer: Option<OperationAnswer>,
    request_id: &str,
) -> (Option<ActivatedClient>, Option<ProblemBody>) {
    match answer {
        Some(OperationAnswer::Done(done)) => {
            let Done { outcome, record, as_of } = *done;
            (Some(ActivatedClient::new(record, as_of, outcome.into())), None)
        }
        Some(OperationAnswer::Refused { code, detail, free_ports }) => {
            (None, Some(Problem::new(code, detail).with_free_ports(free_ports).body(request_id)))
        }
        Some(OperationAnswer::Superseded) | None => (None, None),
    }
}

/// What became of a request that was stored with `Prefer: respond-async`.
///
/// A key of the role `int6` sees what was asked for with it.
#[utoipa::path(
    get,
    path = "/v1/operations/{id}",
    operation_id = "get_operation",
    tag = "clients",
    params(("id" = Uuid, Path, description = "The operation")),
    responses((status = 200, description = "The operation", body = OperationBody), NotFound),
)]
pub(super) async fn get(
    caller: Caller,
    request: RequestId,
    OperationId(id): OperationId,
) -> Result<Json<OperationBody>, Problem> {
    let operation = caller.tenant().provisioning.operation(id).await?.ok_or_else(no_such_operation)?;
    if caller.confined_to().is_some_and(|key| !Requester::is_key_of(key, &operation.requested_by)) {
        let detail = "A key of the role int6 sees the operations that were asked for with it.";
        return Err(Problem::new(ErrorCode::NotPermitted, detail));
    }
    Ok(Json(OperationBody::new(operation, &request.0)))
}
