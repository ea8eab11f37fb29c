//! Creating and activating clients, at once or as a promise.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use gateway_core::provisioning::{ActivationResult, Command, ConnectRequest, Done};
use gateway_core::{ClientCode, ClientRecord, Implantation, Onu, System};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use url::Url;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::Shared;
use super::auth::Caller;
use super::clients::{ClientBody, CoordinateBody, OnuBody};
use super::extract::{Body, CodeInPath, CodeParam, Query, in_range, one_of, word};
use super::operations::{OperationBody, promised};
use super::problem::{Problem, ProblemBody};
use super::requests::{ActivationRequest, NewClientRequest};
use super::time::within;
use super::trace::RequestId;
use crate::provisioning::{Failure, RequestOrigin};
use crate::store::{ActivationFilter, RecordedActivation};

const PREFER: HeaderName = HeaderName::from_static("prefer");
const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");
const CALLBACK_URL: HeaderName = HeaderName::from_static("callback-url");

/// The client after it was done, and what was done.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ActivatedClient {
    #[serde(flatten)]
    client: ClientBody,
    /// `created`, `updated` or `unchanged`.
    #[schema(example = "updated")]
    outcome: String,
}

impl ActivatedClient {
    pub(super) fn new(record: ClientRecord, as_of: Timestamp, outcome: &str) -> ActivatedClient {
        ActivatedClient { client: ClientBody::new(record, as_of), outcome: outcome.to_owned() }
    }
}

/// What a request asks beside its request.
struct RequestOptions {
    by: String,
    promise: bool,
    callback: Option<Url>,
}

impl RequestOptions {
    fn of(caller: &Caller, id: &RequestId, headers: &HeaderMap) -> Result<RequestOptions, Problem> {
        let prefers = headers.get_all(PREFER).iter().filter_map(|value| value.to_str().ok());
        let promise = prefers.flat_map(|value| value.split(',')).any(|preference| {
            preference.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("respond-async")
        });
        let callback = headers.get(CALLBACK_URL).filter(|_| promise).map(|url| {
            let url = url.to_str().map_err(|_| Problem::invalid("Callback-Url: is no URL"))?;
            let admitted = caller.tenant().provisioning.admitted_callback(url);
            admitted.map_err(|what| Problem::invalid(format!("Callback-Url: {what}")))
        });
        let by = format!("{} {}", caller.address(), id.0);
        Ok(RequestOptions { by, promise, callback: callback.transpose()? })
    }
}

/// Makes a client's records in OZmap what was chosen in INT6; creates the client if OZmap does not know him.
///
/// Repeating it is harmless. A port that holds another client or property is never taken. With `Prefer: respond-async` the
/// request is stored, answered with 202 and carried out even if OZmap is away for hours; `Callback-Url` then names an
/// admitted host that is told when it is done.
#[utoipa::path(put, path = "/v1/clients/{code}/activation", operation_id = "activate_client", tag = "clients", params(
    CodeParam,
    ("Prefer" = Option<String>, Header, description = "`respond-async`: 202 at once, carried out for sure"),
    ("Callback-Url" = Option<String>, Header, description = "Told when a stored request is done; only admitted hosts"),
), request_body(content = ActivationRequest), responses(
    (status = 200, description = "The client was updated, or everything was so already", body = ActivatedClient),
    (status = 201, description = "The client was created", body = ActivatedClient),
    (status = 202, description = "Stored; it will be carried out", body = OperationBody, headers(("location" = String, description = "The operation"))),
    (status = 409, description = "port_taken or port_blocked, with `free_ports`; client_ambiguous", body = ProblemBody, content_type = "application/problem+json"),
    (status = 422, description = "no_such_splitter, no_such_port or not_a_drop_splitter", body = ProblemBody, content_type = "application/problem+json"),
    (status = 502, description = "ozmap_rejected", body = ProblemBody, content_type = "application/problem+json"),
    (status = 503, description = "ozmap_unreachable or unavailable", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(super) async fn activate(
    caller: Caller,
    id: RequestId,
    CodeInPath(code): CodeInPath,
    headers: HeaderMap,
    Body(asked): Body<ActivationRequest>,
) -> Result<Response, Problem> {
    carry_out(&caller, Command::Activate(asked.request(code)?), RequestOptions::of(&caller, &id, &headers)?)
        .await
}

/// Creates a client on a free port; the client must not be there.
///
/// As `PUT …/activation`, but `implanted` defaults to false, and an existing client is a conflict.
#[utoipa::path(post, path = "/v1/clients", operation_id = "create_client", tag = "clients", params(
    ("Prefer" = Option<String>, Header, description = "`respond-async`: 202 at once, carried out for sure"),
    ("Callback-Url" = Option<String>, Header, description = "Told when a stored request is done; only admitted hosts"),
), request_body(content = NewClientRequest), responses(
    (status = 201, description = "The client was created", body = ActivatedClient, headers(("location" = String, description = "The client"))),
    (status = 202, description = "Stored; it will be carried out", body = OperationBody, headers(("location" = String, description = "The operation"))),
    (status = 409, description = "client_exists; port_taken or port_blocked, with `free_ports`", body = ProblemBody, content_type = "application/problem+json"),
    (status = 422, description = "no_such_splitter, no_such_port or not_a_drop_splitter", body = ProblemBody, content_type = "application/problem+json"),
    (status = 502, description = "ozmap_rejected", body = ProblemBody, content_type = "application/problem+json"),
    (status = 503, description = "ozmap_unreachable or unavailable", body = ProblemBody, content_type = "application/problem+json"),
))]
pub(super) async fn create(
    caller: Caller,
    id: RequestId,
    headers: HeaderMap,
    Body(asked): Body<NewClientRequest>,
) -> Result<Response, Problem> {
    carry_out(&caller, Command::Create(asked.request()?), RequestOptions::of(&caller, &id, &headers)?).await
}

async fn carry_out(caller: &Caller, command: Command, options: RequestOptions) -> Result<Response, Problem> {
    let provisioning = &caller.tenant().provisioning;
    if options.promise {
        let id = provisioning.enqueue(&command, &options.by, options.callback.as_ref()).await?;
        let applied = [(PREFERENCE_APPLIED, HeaderValue::from_static("respond-async"))];
        return Ok((applied, promised(id, command.code())).into_response());
    }
    let limit = provisioning.answer_within();
    let path = client_path(command.code());
    let origin = RequestOrigin { by: options.by, at: Timestamp::now(), patience: limit, operation: None };
    let task = provisioning.submit(command, origin);
    let done = async { task.await.unwrap_or(Err(Failure::Stopping)) };
    let Done { outcome, record, as_of } = within(limit, System::Ozmap, done).await?;
    let body = Json(ActivatedClient::new(record, as_of, outcome.name()));
    Ok(match outcome.name() {
        "created" => (StatusCode::CREATED, [(header::LOCATION, path)], body).into_response(),
        _ => body.into_response(),
    })
}

fn client_path(code: &ClientCode) -> String {
    let code = percent_encoding::utf8_percent_encode(code.as_str(), percent_encoding::NON_ALPHANUMERIC);
    format!("/v1/clients/{code}")
}

/// Which activations.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ActivationsQuery {
    /// One client.
    #[param(example = "147")]
    code: Option<String>,
    /// `running`, `created`, `updated`, `unchanged`, `refused` or `failed`.
    #[param(schema_with = one_of::<ActivationResult>)]
    #[serde(default, deserialize_with = "word")]
    result: Option<ActivationResult>,
    /// Activations of a page. Default 50.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
    /// Only activations older than this one: `next` of the page before.
    before: Option<Uuid>,
}

/// What was asked for a client; null is left as it was.
#[derive(Debug, Serialize, ToSchema)]
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

/// One request to connect a client, and what became of it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Activation {
    #[schema(example = "019aa1c2-7a10-7c00-8000-5a2f0d1e9b3c")]
    id: String,
    #[schema(example = "147")]
    code: String,
    /// RFC 3339, UTC.
    #[schema(example = "2026-11-20T10:03:11.000Z")]
    asked_at: String,
    /// The caller's address and the request's id.
    #[schema(example = "192.0.2.7 019aa1c2-7a10-7c00-8000-5a2f0d1e9b3c")]
    asked_by: String,
    /// The stored operation that it carried out.
    operation_id: Option<String>,
    /// What was asked; null if an older version of the gateway stored it in another shape.
    asked: Option<RequestBody>,
    /// The client before; null if OZmap did not know him, or was not reached.
    old: Option<ClientBody>,
    /// The client afterwards; null if nothing was done.
    new: Option<ClientBody>,
    /// `running`, `created`, `updated`, `unchanged`, `refused` or `failed`; one that is `running` for minutes was cut off.
    #[schema(example = "updated")]
    result: String,
    /// The stable code and the reason, if it was refused or failed.
    #[schema(example = "port_taken: port 3 of splitter 5da61e13493d9c0006665477 holds another property")]
    error: Option<String>,
    /// RFC 3339, UTC.
    finished_at: Option<String>,
}

impl From<RecordedActivation> for Activation {
    fn from(recorded: RecordedActivation) -> Activation {
        let RecordedActivation { id, code, requested_at, requested_by, operation, command, .. } = recorded;
        let time = |at: Timestamp| format!("{at:.3}");
        let as_of = recorded.finished_at.unwrap_or_default();
        let client = |record: ClientRecord| ClientBody::new(record, as_of);
        let request = command.map(|command| match command {
            Command::Create(request) | Command::Activate(request) => RequestBody::from(request),
        });
        Activation {
            id: id.to_string(),
            code,
            asked_at: time(requested_at),
            asked_by: requested_by,
            operation_id: operation.map(|id| id.to_string()),
            asked: request,
            old: recorded.before.map(client),
            new: recorded.after.map(client),
            result: recorded.result.name().to_owned(),
            error: recorded.error,
            finished_at: recorded.finished_at.map(time),
        }
    }
}

/// Activations, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ActivationPage {
    activations: Vec<Activation>,
    /// `before` of the next page; null at the end.
    #[schema(value_type = Option<Uuid>)]
    next: Option<String>,
}

/// Who asked for which client to be connected where, old → new, and what became of it; newest first.
#[utoipa::path(get, path = "/v1/activations", operation_id = "list_activations", tag = "clients", params(ActivationsQuery), responses(
    (status = 200, body = ActivationPage),
))]
pub(super) async fn list(
    State(app): State<Shared>,
    caller: Caller,
    Query(query): Query<ActivationsQuery>,
) -> Result<Json<ActivationPage>, Problem> {
    let limit = in_range("limit", query.limit, 50, 200)?;
    let filter = ActivationFilter { code: query.code, result: query.result, before: query.before };
    let rows = app.store.activations(&caller.tenant().name, &filter, limit).await?;
    let next = rows.last().map(|row| row.id.to_string()).filter(|_| rows.len() == limit as usize);
    Ok(Json(ActivationPage { activations: rows.into_iter().map(Activation::from).collect(), next }))
}
