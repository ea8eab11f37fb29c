//! Every error that a caller can get. Source: `contracts/gateway-api.md`, "Errors"; RFC 9457.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::store;

/// An error's stable name, with what a person does about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Code {
    InvalidRequest,
    Unauthorised,
    AddressNotAdmitted,
    NotFound,
    MethodNotAllowed,
    OzmapUnreachable,
    Unavailable,
    Internal,
}

impl Code {
    pub(super) const ALL: [Code; 8] = [
        Code::InvalidRequest,
        Code::Unauthorised,
        Code::AddressNotAdmitted,
        Code::NotFound,
        Code::MethodNotAllowed,
        Code::OzmapUnreachable,
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
            Code::OzmapUnreachable => (
                "ozmap_unreachable",
                StatusCode::SERVICE_UNAVAILABLE,
                "OZmap does not answer",
                "Try again after `Retry-After` seconds; `doctor` says whether address, key or firewall is at fault.",
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
}

impl Problem {
    pub(super) fn new(code: Code, detail: impl Into<String>) -> Problem {
        Problem { code, status: code.status(), detail: detail.into() }
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

    /// The answer as the caller sees it.
    pub(super) fn body(&self, request_id: &str) -> ProblemBody {
        ProblemBody {
            kind: format!("/docs/errors#{}", self.code.name()),
            title: self.code.title().to_owned(),
            status: self.status.as_u16(),
            code: self.code.name().to_owned(),
            detail: self.detail.clone(),
            request_id: request_id.to_owned(),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        let headers = response.headers_mut();
        match self.code {
            Code::Unauthorised => {
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            Code::OzmapUnreachable => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from_static("30"));
            }
            Code::Unavailable => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
            }
            _ => (),
        }
        response.extensions_mut().insert(self);
        response
    }
}

impl From<store::Error> for Problem {
    /// The cause is for the log, not for the caller.
    fn from(error: store::Error) -> Problem {
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
}
