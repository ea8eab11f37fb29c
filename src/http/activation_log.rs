//! What was asked to be connected, and what became of it.

use axum::Json;
use axum::extract::State;
use gateway_core::provisioning::{ActivationResult, Command, ConnectRequest};
use gateway_core::{ClientRecord, Implantation, Onu};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::auth::Caller;
use super::bodies::{ClientBody, CoordinateBody, OnuBody};
use super::extract::{Query, in_range};
use super::problem::Problem;
use super::state::Shared;
use super::words::{OneOf, Word};
use crate::store::{ActivationFilter, RecordedActivation};

type ActivationResultFilter = OneOf<ActivationResult>;

/// Which activations.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ActivationsQuery {
    /// One client.
    code: Option<String>,
    /// Only activations of this result.
    #[param(inline)]
    result: Option<ActivationResultFilter>,
    /// Activations of a page. Default 50.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
    /// `next` of the page before.
    cursor: Option<Uuid>,
    /// The same by its older name: only activations older than this one.
    before: Option<Uuid>,
}

/// What was asked for a client; null is left as it was.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AskedBody)]
pub(super) struct RequestBody {
    #[schema(example = "5da61e13493d9c0006665477")]
    splitter_id: String,
    #[schema(example = 3, minimum = 1)]
    port: u16,
    coordinate: Option<CoordinateBody>,
    implanted: bool,
    #[schema(example = "Maria")]
    name: Option<String>,
    #[schema(example = "Rua das Orquídeas, 258")]
    address: Option<String>,
    onu: OnuBody,
}

impl From<ConnectRequest> for RequestBody {
    fn from(request: ConnectRequest) -> RequestBody {
        let ConnectRequest { code: _, splitter, port, coordinate, implantation, name, address, onu } =
            request;
        RequestBody {
            splitter_id: splitter.to_string(),
            port: port.get(),
            coordinate: coordinate.map(Into::into),
            implanted: implantation == Implantation::Implanted,
            name: name.map(Into::into),
            address: address.map(Into::into),
            onu: onu.merged_into(&Onu::default()).into(),
        }
    }
}

type ActivationResultWord = Word<ActivationResult>;

/// One request to connect a client, and what became of it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Activation {
    #[schema(example = "019aa1c2-7a10-7c00-8000-5a2f0d1e9b3c")]
    id: String,
    #[schema(example = "147")]
    code: String,
    /// RFC 3339, UTC.
    #[schema(example = "2026-11-20T10:03:11.000Z")]
    requested_at: String,
    /// The key's name, the caller's address and the request's id.
    #[schema(example = "default 192.0.2.7 019aa1c2-7a10-7c00-8000-5a2f0d1e9b3c")]
    requested_by: String,
    /// The stored operation that it carried out.
    operation_id: Option<String>,
    /// What was asked; null if it was stored in a shape that this version does not read.
    request: Option<RequestBody>,
    /// The client before; null if OZmap did not know it, or was not reached.
    before: Option<ClientBody>,
    /// The client afterwards; null if nothing was done. What was half done is there.
    after: Option<ClientBody>,
    /// What became of it; one that a kill cut off is `failed`, with `unavailable: cut off: …`.
    result: ActivationResultWord,
    /// The stable code and the reason, if it was refused or failed; `superseded` if a stored request gave way to a later
    /// one.
    #[schema(example = "port_taken: port 3 of splitter 5da61e13493d9c0006665477 holds another property")]
    error: Option<String>,
    /// RFC 3339, UTC.
    finished_at: Option<String>,
}

impl From<RecordedActivation> for Activation {
    fn from(recorded: RecordedActivation) -> Activation {
        let time = |at: Timestamp| format!("{at:.3}");
        let as_of = recorded.finished_at.unwrap_or_default();
        let client = |record: ClientRecord| ClientBody::new(record, as_of);
        let request = recorded.command.map(|command| match command {
            Command::Create(request) | Command::Activate(request) => RequestBody::from(request),
        });
        Activation {
            id: recorded.id.to_string(),
            code: recorded.code,
            requested_at: time(recorded.requested_at),
            requested_by: recorded.requested_by,
            operation_id: recorded.operation.map(|id| id.to_string()),
            request,
            before: recorded.before.map(client),
            after: recorded.after.map(client),
            result: recorded.result.into(),
            error: recorded.error,
            finished_at: recorded.finished_at.map(time),
        }
    }
}

/// Activations, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ActivationPage {
    activations: Vec<Activation>,
    /// `cursor` of the next page; null at the end.
    #[schema(value_type = Option<Uuid>)]
    next: Option<String>,
}

/// Requests to connect a client: where, from which caller, before → after, and what became of each; newest first.
///
/// A key of the role `int6` sees what was asked for with it.
#[utoipa::path(
    get,
    path = "/v1/activations",
    operation_id = "list_activations",
    tag = "clients",
    params(ActivationsQuery),
    responses((status = 200, description = "A page of activations", body = ActivationPage)),
)]
pub(super) async fn list(
    State(app): State<Shared>,
    caller: Caller,
    Query(query): Query<ActivationsQuery>,
) -> Result<Json<ActivationPage>, Problem> {
    let limit = in_range("limit", query.limit, 50, 200)?;
    let result = query.result.map(|OneOf(result)| result);
    let filter = ActivationFilter {
        code: query.code,
        result,
        before: query.cursor.or(query.before),
        by_key: caller.confined_to().map(str::to_owned),
    };
    let rows = app.store.activations(&caller.tenant().name, &filter, limit).await?;
    let next = rows.last().map(|row| row.id.to_string()).filter(|_| rows.len() == limit as usize);
    Ok(Json(ActivationPage { activations: rows.into_iter().map(Activation::from).collect(), next }))
}
