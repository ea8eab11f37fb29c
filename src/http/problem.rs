//! Every error that a caller can get. Source: `docs/contracts/gateway-api.md`, "Errors"; RFC 9457.

use std::time::Duration;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use gateway_core::PortNumber;
use serde::Serialize;
use utoipa::ToSchema;

use crate::provisioning::Failure;
use crate::store::{self, LockError};

/// An error's stable name, with what a person does about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Code {
    InvalidRequest,
    Unauthorised,
    AddressNotAdmitted,
    NotFound,
    MethodNotAllowed,
    TooManyRequests,
    ClientNotFound,
    ClientExists,
    ClientAmbiguous,
    PortTaken,
    PortBlocked,
    NoSuchSplitter,
    NoSuchPort,
    NotADropSplitter,
    NoFibreRoute,
    OzmapRejected,
    OzmapUnreachable,
    Int6Rejected,
    Int6Unreachable,
    Unavailable,
    Internal,
}

impl Code {
    pub(super) const ALL: [Code; 21] = [
        Code::InvalidRequest,
        Code::Unauthorised,
        Code::AddressNotAdmitted,
        Code::NotFound,
        Code::MethodNotAllowed,
        Code::TooManyRequests,
        Code::ClientNotFound,
        Code::ClientExists,
        Code::ClientAmbiguous,
        Code::PortTaken,
        Code::PortBlocked,
        Code::NoSuchSplitter,
        Code::NoSuchPort,
        Code::NotADropSplitter,
        Code::NoFibreRoute,
        Code::OzmapRejected,
        Code::OzmapUnreachable,
        Code::Int6Rejected,
        Code::Int6Unreachable,
        Code::Unavailable,
        Code::Internal,
    ];

    /// Name, status, title, remedy.
    fn facts(self) -> (&'static str, StatusCode, &'static str, &'static str) {
        match self {
            Code::InvalidRequest => (
                "invalid_request",
                StatusCode::BAD_REQUEST,
                "The request is not understood",
                "Mend the field that `detail` names. A body that is too large comes with status 413.",
            ),
            Code::Unauthorised => (
                "unauthorised",
                StatusCode::UNAUTHORIZED,
                "The key is missing or unknown",
                "Send the tenant's gateway key as `Authorization: Bearer <key>`, `Authorization: <key>` or `X-API-Key: <key>`.",
            ),
            Code::AddressNotAdmitted => (
                "address_not_admitted",
                StatusCode::FORBIDDEN,
                "Calls from this address are not admitted",
                "Add the caller's address to GATEWAY_ALLOWED_IPS; behind a proxy, name the proxy in GATEWAY_TRUSTED_PROXIES.",
            ),
            Code::NotFound => (
                "not_found",
                StatusCode::NOT_FOUND,
                "There is nothing here",
                "Look at the path; a run is kept for 90 days by default.",
            ),
            Code::MethodNotAllowed => (
                "method_not_allowed",
                StatusCode::METHOD_NOT_ALLOWED,
                "The method does not fit the path",
                "Use a method that the `Allow` header names.",
            ),
            Code::TooManyRequests => (
                "too_many_requests",
                StatusCode::TOO_MANY_REQUESTS,
                "The key's share of requests is spent",
                "Wait `Retry-After` seconds; the share is GATEWAY_REQUESTS_PER_MINUTE.",
            ),
            Code::ClientNotFound => (
                "client_not_found",
                StatusCode::NOT_FOUND,
                "OZmap has no such client",
                "Look at the code; `PUT /v1/clients/{code}/activation` creates the client.",
            ),
            Code::ClientExists => (
                "client_exists",
                StatusCode::CONFLICT,
                "The client is there already",
                "Use `PUT /v1/clients/{code}/activation`, which updates him.",
            ),
            Code::ClientAmbiguous => (
                "client_ambiguous",
                StatusCode::CONFLICT,
                "OZmap has several clients or properties of this code",
                "Merge them in OZmap; nothing is guessed meanwhile.",
            ),
            Code::PortTaken => (
                "port_taken",
                StatusCode::CONFLICT,
                "The port is taken",
                "Choose one of `free_ports`, or another splitter: nobody is unplugged for a new client.",
            ),
            Code::PortBlocked => (
                "port_blocked",
                StatusCode::CONFLICT,
                "The port is blocked",
                "Choose one of `free_ports`, or unblock the port in OZmap.",
            ),
            Code::NoSuchSplitter => (
                "no_such_splitter",
                StatusCode::UNPROCESSABLE_ENTITY,
                "OZmap has no such splitter",
                "Ask `GET /v1/splitters/nearby` again: the network has changed.",
            ),
            Code::NoSuchPort => (
                "no_such_port",
                StatusCode::UNPROCESSABLE_ENTITY,
                "The splitter has no such port",
                "Ports are counted from 1; `detail` says how many there are.",
            ),
            Code::NotADropSplitter => (
                "not_a_drop_splitter",
                StatusCode::UNPROCESSABLE_ENTITY,
                "The splitter serves no clients",
                "Choose a drop splitter (splitter de atendimento) of a box that is not a draft.",
            ),
            Code::NoFibreRoute => (
                "no_fibre_route",
                StatusCode::UNPROCESSABLE_ENTITY,
                "No fibre leads from a PON to the client",
                "Mend the client's connection, or the splitter's, in OZmap.",
            ),
            Code::OzmapRejected => (
                "ozmap_rejected",
                StatusCode::BAD_GATEWAY,
                "OZmap refused",
                "`detail` has OZmap's words; if it is the key, look at OZMAP_API_KEY.",
            ),
            Code::OzmapUnreachable => (
                "ozmap_unreachable",
                StatusCode::SERVICE_UNAVAILABLE,
                "OZmap cannot be reached",
                "Try again after `Retry-After` seconds, or send `Prefer: respond-async`.",
            ),
            Code::Int6Rejected => (
                "int6_rejected",
                StatusCode::BAD_GATEWAY,
                "INT6 refused",
                "`detail` has INT6's words; if it is the token, look at INT6_EMAIL and INT6_TOKEN.",
            ),
            Code::Int6Unreachable => (
                "int6_unreachable",
                StatusCode::SERVICE_UNAVAILABLE,
                "INT6 cannot be reached",
                "Try again after `Retry-After` seconds.",
            ),
            Code::Unavailable => (
                "unavailable",
                StatusCode::SERVICE_UNAVAILABLE,
                "The gateway cannot answer now",
                "Try again after `Retry-After` seconds; if it lasts, give the `request_id` to the operator.",
            ),
            Code::Internal => (
                "internal",
                StatusCode::INTERNAL_SERVER_ERROR,
                "The gateway failed",
                "Give the `request_id` to the operator: the cause is in the log beside it.",
            ),
        }
    }

    /// The code of this name; a name that this version does not know is a failure of the gateway.
    pub(super) fn from_name(name: &str) -> Code {
        Code::ALL.into_iter().find(|code| code.name() == name).unwrap_or(Code::Internal)
    }

    pub(super) fn name(self) -> &'static str {
        self.facts().0
    }

    pub(super) fn status(self) -> StatusCode {
        self.facts().1
    }

    pub(super) fn title(self) -> &'static str {
        self.facts().2
    }

    pub(super) fn remedy(self) -> &'static str {
        self.facts().3
    }

    /// What an answer without an explanation of ours means: one that the framework gave.
    pub(super) fn of_status(status: StatusCode) -> Code {
        match status.as_u16() {
            401 => Code::Unauthorised,
            403 => Code::AddressNotAdmitted,
            404 => Code::NotFound,
            405 => Code::MethodNotAllowed,
            429 => Code::TooManyRequests,
            400..=499 => Code::InvalidRequest,
            503 => Code::Unavailable,
            _ => Code::Internal,
        }
    }
}

/// An error on its way to the caller; the body is written where the request's id is known.
#[derive(Debug, Clone)]
pub(super) struct Problem {
    pub(super) code: Code,
    pub(super) status: StatusCode,
    pub(super) detail: String,
    free_ports: Option<Vec<u16>>,
    retry_after: Duration,
}

/// What `Retry-After` says if nobody knows better.
const RETRY_AFTER: Duration = Duration::from_secs(5);

impl Problem {
    pub(super) fn new(code: Code, detail: impl Into<String>) -> Problem {
        let (status, detail) = (code.status(), detail.into());
        Problem { code, status, detail, free_ports: None, retry_after: RETRY_AFTER }
    }

    /// With the ports that could be asked for instead.
    pub(super) fn with_free_ports(self, ports: Option<Vec<PortNumber>>) -> Problem {
        let free_ports = ports.map(|ports| ports.into_iter().map(PortNumber::get).collect());
        Problem { free_ports, ..self }
    }

    /// With what the other side asks to wait, at least a second.
    pub(super) fn retry_after(self, pause: Option<Duration>) -> Problem {
        let retry_after = pause.map_or(self.retry_after, |pause| pause.max(Duration::from_secs(1)));
        Problem { retry_after, ..self }
    }

    pub(super) fn invalid(detail: impl Into<String>) -> Problem {
        Problem::new(Code::InvalidRequest, detail)
    }

    /// An answer that the framework gave.
    pub(super) fn of_status(status: StatusCode) -> Problem {
        let detail = match status {
            StatusCode::PAYLOAD_TOO_LARGE => "The body is larger than 64 KiB.",
            StatusCode::NOT_FOUND => "No operation has this path.",
            StatusCode::METHOD_NOT_ALLOWED => "The path has other methods than this one.",
            _ => "",
        };
        Problem { status, ..Problem::new(Code::of_status(status), detail) }
    }

    /// An example of a code, for the API's description.
    pub(super) fn example(code: Code) -> ProblemBody {
        let taken = matches!(code, Code::PortTaken | Code::PortBlocked);
        let free = [2, 5, 6].into_iter().filter_map(PortNumber::new).collect();
        let problem = Problem::new(code, format!("{}.", code.title())).with_free_ports(taken.then_some(free));
        problem.body("019aa1c2-7a10-7c00-8000-5a2f0d1e9b3c")
    }

    /// The answer as the caller sees it.
    pub(super) fn body(&self, request_id: &str) -> ProblemBody {
        ProblemBody {
            kind: format!("/docs/errors#{}", self.code.name()),
            title: self.code.title().to_owned(),
            status: self.status.as_u16(),
            code: self.code.name().to_owned(),
            detail: self.detail.clone(),
            request_id: request_id.to_owned(),
            free_ports: self.free_ports.clone(),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        let headers = response.headers_mut();
        if self.code == Code::Unauthorised {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if matches!(self.status, StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS) {
            headers.insert(header::RETRY_AFTER, self.retry_after.as_secs().into());
        }
        response.extensions_mut().insert(self);
        response
    }
}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Problem {
        match failure {
            Failure::Store(error) | Failure::Lock(LockError::Store(error)) => error.into(),
            failure => Problem::new(Code::from_name(failure.code().name()), failure.to_string())
                .with_free_ports(failure.free_ports().map(<[PortNumber]>::to_vec))
                .retry_after(failure.retry_after()),
        }
    }
}

impl From<store::StoreError> for Problem {
    /// The cause is for the log, not for the caller.
    fn from(error: store::StoreError) -> Problem {
        tracing::error!(%error, "a request failed on the database");
        Problem::new(Code::Unavailable, "The gateway's database does not answer.")
    }
}

/// An error (RFC 9457); `code` is stable, the texts are for people.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub(super) struct ProblemBody {
    /// Where the code is explained.
    #[serde(rename = "type")]
    #[schema(example = "/docs/errors#invalid_request")]
    kind: String,
    /// What happened, in general.
    #[schema(example = "The request is not understood")]
    title: String,
    /// The HTTP status.
    #[schema(example = 400)]
    status: u16,
    /// The stable name of the error.
    #[schema(example = "invalid_request")]
    code: String,
    /// What happened, in particular.
    #[schema(example = "limit: a whole number from 1 to 1000 is expected")]
    detail: String,
    /// To be told to the operator.
    #[schema(example = "019aa1c2-7a10-7c00-8000-5a2f0d1e9b3c")]
    request_id: String,
    /// With `port_taken` and `port_blocked`: ports of the splitter that could be asked for instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    free_ports: Option<Vec<u16>>,
}
