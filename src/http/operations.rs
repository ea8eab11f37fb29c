//! Promised activations: what became of them.

use axum::Json;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use gateway_core::ClientCode;
use gateway_core::provisioning::{Done, OperationAnswer, OperationState};
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::activations::ActivatedClient;
use super::auth::Caller;
use super::extract::{OperationId, no_such_operation};
use super::problem::{Code, Problem, ProblemBody};
use super::trace::RequestId;
use crate::store::Operation;

/// A stored request, and what became of it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Operation)]
pub(super) struct OperationBody {
    id: Uuid,
    #[schema(example = "147")]
    code: String,
    /// `pending`, `succeeded`, `refused`, or `superseded` by a later request for the same client.
    #[schema(example = "succeeded")]
    state: String,
    /// How often it was tried.
    #[schema(example = 1)]
    attempts: i64,
    /// RFC 3339, UTC; null in the answer that promises it.
    created_at: Option<String>,
    /// When it is tried next; RFC 3339, UTC; null once it is done.
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

/// The 202 that a promise is given with.
pub(super) fn promised(id: Uuid, code: &ClientCode) -> Response {
    let body = OperationBody {
        id,
        code: code.to_string(),
        state: "pending".to_owned(),
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
        let Operation { id, code, state, attempts, created_at, next_at, finished_at, last_error, .. } =
            operation;
        let (client, problem) = match operation.answer {
            Some(OperationAnswer::Done(done)) => {
                let Done { outcome, record, as_of } = *done;
                (Some(ActivatedClient::new(record, as_of, outcome.name())), None)
            }
            Some(OperationAnswer::Refused { code, detail, free_ports }) => {
                let problem = Problem::new(Code::from_name(code.name()), detail).with_free_ports(free_ports);
                (None, Some(problem.body(request_id)))
            }
            Some(OperationAnswer::Superseded) | None => (None, None),
        };
        let time = |at: Timestamp| format!("{at:.3}");
        OperationBody {
            id,
            code,
            state: state.name().to_owned(),
            attempts,
            created_at: Some(time(created_at)),
            next_attempt_at: (state == OperationState::Pending).then(|| time(next_at)),
            finished_at: finished_at.map(time),
            last_error,
            client,
            problem,
        }
    }
}

/// What became of a request that was stored with `Prefer: respond-async`.
#[utoipa::path(get, path = "/v1/operations/{id}", operation_id = "get_operation", tag = "clients", params(("id" = Uuid, Path, description = "The operation")), responses(
    (status = 200, body = OperationBody),
    (status = 404, description = "not_found", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(super) async fn get(
    caller: Caller,
    request: RequestId,
    OperationId(id): OperationId,
) -> Result<Json<OperationBody>, Problem> {
    let operation = caller.tenant().provisioning.operation(id).await?.ok_or_else(no_such_operation)?;
    Ok(Json(OperationBody::new(operation, &request.0)))
}
