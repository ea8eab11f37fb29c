//! Creating and activating clients, at once or as a stored operation.

use std::sync::Arc;

use axum::Json;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use gateway_core::provisioning::{ActivationOutcome, Command, Done};
use gateway_core::{ClientCode, ErrorCode, System};
use jiff::Timestamp;
use url::Url;
use utoipa::IntoParams;

use super::auth::Caller;
use super::bodies::ActivatedClient;
use super::deadline::in_turn;
use super::extract::{Body, CodeInPath, CodeParam};
use super::operations::{OperationBody, accepted};
use super::problem::Problem;
use super::requests::{ActivationRequest, NewClientRequest};
use super::responses::{ActivationErrors, CreationErrors, LineErrors, WriteErrors};
use super::trace::RequestId;
use crate::provisioning::{Failure, RequestOrigin, Requester};
use crate::store::Turn;

const PREFER: HeaderName = HeaderName::from_static("prefer");
const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");
const CALLBACK_URL: HeaderName = HeaderName::from_static("callback-url");

/// The headers of [`RequestOptions`], for the API's description.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[allow(dead_code, reason = "only its description is used")]
struct OptionHeaders {
    /// `respond-async`: the request is stored and answered with 202 at once; it is carried out for sure.
    #[param(rename = "Prefer")]
    prefer: Option<String>,
    /// Where the end of a stored request is reported; only admitted hosts.
    #[param(rename = "Callback-Url")]
    callback_url: Option<String>,
}

/// How a request is to be answered.
struct RequestOptions {
    by: Requester,
    respond_async: bool,
    callback: Option<Url>,
}

impl RequestOptions {
    fn of(caller: &Caller, id: &RequestId, headers: &HeaderMap) -> Result<RequestOptions, Problem> {
        let prefers = headers.get_all(PREFER).iter().filter_map(|value| value.to_str().ok());
        let respond_async = prefers.flat_map(|value| value.split(',')).any(|preference| {
            preference.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("respond-async")
        });
        let callback = headers.get(CALLBACK_URL).filter(|_| respond_async).map(|url| {
            let url = url.to_str().map_err(|_| Problem::invalid("Callback-Url: is no URL"))?;
            let admitted = caller.tenant().provisioning.admitted_callback(url);
            admitted.map_err(|what| Problem::invalid(format!("Callback-Url: {what}")))
        });
        Ok(RequestOptions { by: caller.requester(id), respond_async, callback: callback.transpose()? })
    }
}

/// Makes a client's records in OZmap what was chosen in INT6; creates the client if OZmap does not know it.
///
/// Repeating it is harmless. A port that holds another client or property is never taken. With `Prefer: respond-async` the
/// request is stored, answered with 202 and carried out even if OZmap is away for hours; its end is reported to
/// `Callback-Url`.
#[utoipa::path(
    put,
    path = "/v1/clients/{code}/activation",
    operation_id = "activate_client",
    tag = "clients",
    params(CodeParam, OptionHeaders),
    request_body(content = ActivationRequest),
    responses(
        (status = 200, description = "The client was updated, or everything was so already", body = ActivatedClient),
        (status = 201, description = "The client was created", body = ActivatedClient, headers(("Location" = String, description = "The client"))),
        (status = 202, description = "Stored; it will be carried out", body = OperationBody, headers(
            ("Location" = String, description = "The operation"),
            ("Preference-Applied" = String, description = "`respond-async`"),
        )),
        ActivationErrors,
        LineErrors,
        WriteErrors,
    ),
)]
pub(super) async fn activate(
    caller: Caller,
    id: RequestId,
    CodeInPath(code): CodeInPath,
    headers: HeaderMap,
    Body(body): Body<ActivationRequest>,
) -> Result<Response, Problem> {
    let (request, options) = (body.request(code)?, RequestOptions::of(&caller, &id, &headers)?);
    carry_out(&caller, Command::Activate(request), options).await
}

/// Creates a client on a free port; the client must not be there.
///
/// As `PUT …/activation`, but `implanted` defaults to false, and an existing client is a conflict.
#[utoipa::path(
    post,
    path = "/v1/clients",
    operation_id = "create_client",
    tag = "clients",
    params(OptionHeaders),
    request_body(content = NewClientRequest),
    responses(
        (status = 201, description = "The client was created", body = ActivatedClient, headers(("Location" = String, description = "The client"))),
        (status = 202, description = "Stored; it will be carried out", body = OperationBody, headers(
            ("Location" = String, description = "The operation"),
            ("Preference-Applied" = String, description = "`respond-async`"),
        )),
        CreationErrors,
        LineErrors,
        WriteErrors,
    ),
)]
pub(super) async fn create(
    caller: Caller,
    id: RequestId,
    headers: HeaderMap,
    Body(body): Body<NewClientRequest>,
) -> Result<Response, Problem> {
    let (request, options) = (body.request()?, RequestOptions::of(&caller, &id, &headers)?);
    carry_out(&caller, Command::Create(request), options).await
}

async fn carry_out(caller: &Caller, command: Command, options: RequestOptions) -> Result<Response, Problem> {
    if caller.tenant().read_only {
        let detail = "This tenant is set to read only (`read_only`): nothing is written to OZmap.";
        return Err(Problem::new(ErrorCode::ReadOnly, detail));
    }
    if options.respond_async {
        return store(caller, &command, &options).await;
    }
    let provisioning = &caller.tenant().provisioning;
    let (limit, path) = (provisioning.answer_within(), client_path(command.code()));
    let turn: Arc<Turn> = Arc::default();
    let origin = RequestOrigin {
        by: options.by.to_string(),
        at: Timestamp::now(),
        patience: limit,
        operation: None,
        turn: Arc::clone(&turn),
    };
    let task = provisioning.submit(command, origin);
    let done = async { task.await.unwrap_or(Err(Failure::Stopping)) };
    let Done { outcome, record, as_of } = in_turn(limit, System::Ozmap, &turn, done).await?;
    let body = Json(ActivatedClient::new(record, as_of, outcome.into()));
    Ok(match outcome {
        ActivationOutcome::Created => (StatusCode::CREATED, [(header::LOCATION, path)], body).into_response(),
        ActivationOutcome::Updated | ActivationOutcome::Unchanged => body.into_response(),
    })
}

async fn store(caller: &Caller, command: &Command, options: &RequestOptions) -> Result<Response, Problem> {
    let provisioning = &caller.tenant().provisioning;
    let id = provisioning.enqueue(command, &options.by.to_string(), options.callback.as_ref()).await?;
    let applied = [(PREFERENCE_APPLIED, HeaderValue::from_static("respond-async"))];
    Ok((applied, accepted(id, command.code())).into_response())
}

fn client_path(code: &ClientCode) -> String {
    let code = percent_encoding::utf8_percent_encode(code.as_str(), percent_encoding::NON_ALPHANUMERIC);
    format!("/v1/clients/{code}")
}
