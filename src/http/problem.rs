//! Every error that a caller can get, and all that HTTP says of it. Source: `docs/contracts/gateway-api.md`, "Errors";
//! RFC 9457.

use std::time::Duration;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use gateway_core::{ErrorCode, PortNumber};
use serde::Serialize;
use strum::VariantArray;
use utoipa::ToSchema;
use utoipa::openapi::{ObjectBuilder, Schema, Type};

use crate::provisioning::Failure;
use crate::store::{LockError, StoreError};
use crate::sync::PlanError;
use crate::sync::one_client::SyncClientError;

/// What HTTP says of a code.
pub(super) struct ErrorRow {
    pub(super) code: ErrorCode,
    /// `None`: never the code of an answer.
    pub(super) status: Option<StatusCode>,
    /// What happened, in general.
    pub(super) title: &'static str,
    /// When an operation answers it, for the API's description.
    pub(super) when: &'static str,
    /// What a person does about it.
    pub(super) remedy: &'static str,
}

/// Every code, in the order of [`ErrorCode`].
pub(super) static ERRORS: [ErrorRow; ErrorCode::VARIANTS.len()] = [
    ErrorRow {
        code: ErrorCode::InvalidRequest,
        status: Some(StatusCode::BAD_REQUEST),
        title: "The request is not understood",
        when: "the request is not understood; `detail` names the field",
        remedy: "Fix the field that `detail` names. A body that is too large comes with status 413.",
    },
    ErrorRow {
        code: ErrorCode::Unauthorised,
        status: Some(StatusCode::UNAUTHORIZED),
        title: "The key is missing or unknown",
        when: "the key is missing or unknown",
        remedy: "Send the tenant's gateway key as `Authorization: Bearer <key>`, `Authorization: <key>` or `X-API-Key: <key>`.",
    },
    ErrorRow {
        code: ErrorCode::AddressNotAdmitted,
        status: Some(StatusCode::FORBIDDEN),
        title: "Calls from this address are not admitted",
        when: "calls from this address are not admitted",
        remedy: "Add the caller's address to GATEWAY_ALLOWED_IPS; behind a proxy, name the proxy in GATEWAY_TRUSTED_PROXIES.",
    },
    ErrorRow {
        code: ErrorCode::NotPermitted,
        status: Some(StatusCode::FORBIDDEN),
        title: "The key may not do this",
        when: "the key's role does not go so far",
        remedy: "Use a key of the role `operator`, or of the role that `detail` names (`[[tenant.key]]` in the settings).",
    },
    ErrorRow {
        code: ErrorCode::ReadOnly,
        status: Some(StatusCode::FORBIDDEN),
        title: "Nothing is written to OZmap for this tenant",
        when: "the tenant is set to read only",
        remedy: "Ask for a dry run, or switch GATEWAY_READ_ONLY (`read_only`) off.",
    },
    ErrorRow {
        code: ErrorCode::NotFound,
        status: Some(StatusCode::NOT_FOUND),
        title: "There is nothing here",
        when: "the tenant has nothing of this identifier",
        remedy: "Look at the path; a run is kept for 90 days by default.",
    },
    ErrorRow {
        code: ErrorCode::MethodNotAllowed,
        status: Some(StatusCode::METHOD_NOT_ALLOWED),
        title: "The method does not fit the path",
        when: "the path has other methods than this one",
        remedy: "Use a method that the `Allow` header names.",
    },
    ErrorRow {
        code: ErrorCode::TooManyRequests,
        status: Some(StatusCode::TOO_MANY_REQUESTS),
        title: "The key's share of requests is spent",
        when: "the key has made more requests than its rate limit allows",
        remedy: "Wait `Retry-After` seconds; the share is GATEWAY_REQUESTS_PER_MINUTE.",
    },
    ErrorRow {
        code: ErrorCode::ClientNotFound,
        status: Some(StatusCode::NOT_FOUND),
        title: "OZmap has no such client",
        when: "OZmap has no client of this code or, for a sync, INT6 has none",
        remedy: "Look at the code; `PUT /v1/clients/{code}/activation` creates the client.",
    },
    ErrorRow {
        code: ErrorCode::ClientExists,
        status: Some(StatusCode::CONFLICT),
        title: "The client is there already",
        when: "OZmap has a client of this code already",
        remedy: "Use `PUT /v1/clients/{code}/activation`, which updates it.",
    },
    ErrorRow {
        code: ErrorCode::ClientAmbiguous,
        status: Some(StatusCode::CONFLICT),
        title: "OZmap has several clients or properties of this code",
        when: "OZmap has several clients or properties of this code",
        remedy: "Merge them in OZmap; nothing is guessed meanwhile.",
    },
    ErrorRow {
        code: ErrorCode::PlanExpired,
        status: Some(StatusCode::CONFLICT),
        title: "The plan is too old",
        when: "the plan was made more than 24 hours ago",
        remedy: "Begin a new dry run, look at it, and apply that one.",
    },
    ErrorRow {
        code: ErrorCode::PlanApplied,
        status: Some(StatusCode::CONFLICT),
        title: "The plan was applied already",
        when: "the plan, or one of the fields asked for, was applied already",
        remedy: "Nothing is left to do of it; begin a new dry run for what has changed since.",
    },
    ErrorRow {
        code: ErrorCode::PortTaken,
        status: Some(StatusCode::CONFLICT),
        title: "The port is taken",
        when: "the port holds another client or property; `free_ports` names others",
        remedy: "Choose one of `free_ports`, or another splitter: nobody is unplugged for a new client.",
    },
    ErrorRow {
        code: ErrorCode::PortBlocked,
        status: Some(StatusCode::CONFLICT),
        title: "The port is blocked",
        when: "the port is blocked in OZmap; `free_ports` names others",
        remedy: "Choose one of `free_ports`, or unblock the port in OZmap.",
    },
    ErrorRow {
        code: ErrorCode::NoSuchSplitter,
        status: Some(StatusCode::UNPROCESSABLE_ENTITY),
        title: "OZmap has no such splitter",
        when: "OZmap has no splitter of this identifier",
        remedy: "Ask `GET /v1/splitters/nearby` again: the network has changed.",
    },
    ErrorRow {
        code: ErrorCode::NoSuchPort,
        status: Some(StatusCode::UNPROCESSABLE_ENTITY),
        title: "The splitter has no such port",
        when: "the splitter has fewer ports",
        remedy: "Ports are counted from 1; `detail` says how many there are.",
    },
    ErrorRow {
        code: ErrorCode::NotADropSplitter,
        status: Some(StatusCode::UNPROCESSABLE_ENTITY),
        title: "The splitter serves no clients",
        when: "the splitter serves no clients, or its box is a draft",
        remedy: "Choose a drop splitter (splitter de atendimento) of a box that is not a draft.",
    },
    ErrorRow {
        code: ErrorCode::NoFibreRoute,
        status: Some(StatusCode::UNPROCESSABLE_ENTITY),
        title: "No fibre leads from a PON to the client",
        when: "no fibre leads from a PON to the client",
        remedy: "Fix the client's connection, or the splitter's, in OZmap.",
    },
    ErrorRow {
        code: ErrorCode::OzmapRejected,
        status: Some(StatusCode::BAD_GATEWAY),
        title: "OZmap refused",
        when: "OZmap refused, or its answer is not understood",
        remedy: "`detail` has OZmap's words; if it is the key, look at OZMAP_API_KEY.",
    },
    ErrorRow {
        code: ErrorCode::OzmapUnreachable,
        status: Some(StatusCode::SERVICE_UNAVAILABLE),
        title: "OZmap cannot be reached",
        when: "OZmap does not answer in time, or its network was never loaded",
        remedy: "Try again after `Retry-After` seconds, or send `Prefer: respond-async`.",
    },
    ErrorRow {
        code: ErrorCode::Int6Rejected,
        status: Some(StatusCode::BAD_GATEWAY),
        title: "INT6 refused",
        when: "INT6 refused, or its answer is not understood",
        remedy: "`detail` has INT6's words; if it is the token, look at INT6_EMAIL and INT6_TOKEN.",
    },
    ErrorRow {
        code: ErrorCode::Int6Unreachable,
        status: Some(StatusCode::SERVICE_UNAVAILABLE),
        title: "INT6 cannot be reached",
        when: "INT6 does not answer in time, or returns no row at all",
        remedy: "Try again after `Retry-After` seconds.",
    },
    ErrorRow {
        code: ErrorCode::Busy,
        status: Some(StatusCode::SERVICE_UNAVAILABLE),
        title: "Other requests come first",
        when: "other requests for the same client or splitter come first, or the calls that the tenant may make at once; `detail` says how many, and whether this one has begun",
        remedy: "Try again after `Retry-After` seconds, or send `Prefer: respond-async`. OZmap is not at fault.",
    },
    ErrorRow {
        code: ErrorCode::Unavailable,
        status: Some(StatusCode::SERVICE_UNAVAILABLE),
        title: "The gateway cannot answer now",
        when: "the gateway's database does not answer, or the gateway stops",
        remedy: "Try again after `Retry-After` seconds; if it lasts, give the `request_id` to the operator.",
    },
    ErrorRow {
        code: ErrorCode::Internal,
        status: Some(StatusCode::INTERNAL_SERVER_ERROR),
        title: "The gateway failed",
        when: "the gateway failed",
        remedy: "Give the `request_id` to the operator: the cause is in the log beside it.",
    },
    ErrorRow {
        code: ErrorCode::Superseded,
        status: None,
        title: "A later request for the same client was carried out before",
        when: "a later request for the same client was carried out before",
        remedy: "Nothing: the later request counts. It is how a stored request may end, and never the code of an answer.",
    },
];

/// A code is the place of its row.
const _: () = {
    let mut place = 0;
    while place < ERRORS.len() {
        assert!(ERRORS[place].code as usize == place, "the rows are not in the order of the codes");
        place += 1;
    }
};

pub(super) fn row_of(code: ErrorCode) -> &'static ErrorRow {
    &ERRORS[code as usize]
}

/// What the framework answers without an explanation of ours: status, code, detail.
const OF_FRAMEWORK: [(StatusCode, ErrorCode, &str); 7] = [
    (StatusCode::UNAUTHORIZED, ErrorCode::Unauthorised, ""),
    (StatusCode::FORBIDDEN, ErrorCode::AddressNotAdmitted, ""),
    (StatusCode::NOT_FOUND, ErrorCode::NotFound, "No operation has this path."),
    (
        StatusCode::METHOD_NOT_ALLOWED,
        ErrorCode::MethodNotAllowed,
        "The path has other methods than this one.",
    ),
    (StatusCode::PAYLOAD_TOO_LARGE, ErrorCode::InvalidRequest, "The body is larger than 64 KiB."),
    (StatusCode::TOO_MANY_REQUESTS, ErrorCode::TooManyRequests, ""),
    (StatusCode::SERVICE_UNAVAILABLE, ErrorCode::Unavailable, ""),
];

/// An error on its way to the caller; the body is written where the request's id is known.
#[derive(Debug, Clone)]
pub(super) struct Problem {
    pub(super) code: ErrorCode,
    pub(super) status: StatusCode,
    detail: String,
    free_ports: Option<Vec<u16>>,
    retry_after: Duration,
}

/// What `Retry-After` says if nobody knows better.
const RETRY_AFTER: Duration = Duration::from_secs(5);

impl Problem {
    pub(super) fn new(code: ErrorCode, detail: impl Into<String>) -> Problem {
        // What is never the code of an answer and becomes one is a failure of the gateway.
        let status = row_of(code).status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Problem { code, status, detail: detail.into(), free_ports: None, retry_after: RETRY_AFTER }
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
        Problem::new(ErrorCode::InvalidRequest, detail)
    }

    /// An answer that the framework gave.
    pub(super) fn of_status(status: StatusCode) -> Problem {
        let known = OF_FRAMEWORK.into_iter().find(|(known, ..)| *known == status);
        let (_, code, detail) = known.unwrap_or(match status.is_client_error() {
            true => (status, ErrorCode::InvalidRequest, ""),
            false => (status, ErrorCode::Internal, ""),
        });
        Problem { status, ..Problem::new(code, detail) }
    }

    /// An example of a code, for the API's description.
    pub(super) fn example(code: ErrorCode) -> Problem {
        let taken = matches!(code, ErrorCode::PortTaken | ErrorCode::PortBlocked);
        let free = [2, 5, 6].into_iter().filter_map(PortNumber::new).collect();
        Problem::new(code, format!("{}.", row_of(code).title)).with_free_ports(taken.then_some(free))
    }

    /// The answer as the caller sees it.
    pub(super) fn body(&self, request_id: &str) -> ProblemBody {
        ProblemBody {
            kind: format!("/docs/errors#{}", self.code),
            title: row_of(self.code).title,
            status: self.status.as_u16(),
            code: self.code.name(),
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
        if self.code == ErrorCode::Unauthorised {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if says_when_to_retry(self.status) {
            headers.insert(header::RETRY_AFTER, self.retry_after.as_secs().into());
        }
        response.extensions_mut().insert(self);
        response
    }
}

/// Whether an error of this status has `Retry-After`.
pub(super) fn says_when_to_retry(status: StatusCode) -> bool {
    matches!(status, StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS)
}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Problem {
        match failure {
            Failure::Store(error) | Failure::Lock(LockError::Store(error)) => error.into(),
            failure => Problem::new(failure.code(), failure.to_string())
                .with_free_ports(failure.free_ports().map(<[PortNumber]>::to_vec))
                .retry_after(failure.retry_after()),
        }
    }
}

impl From<StoreError> for Problem {
    /// The cause is for the log, not for the caller.
    fn from(error: StoreError) -> Problem {
        tracing::error!(%error, "a request failed on the database");
        Problem::new(ErrorCode::Unavailable, "The gateway's database does not answer.")
    }
}

impl From<SyncClientError> for Problem {
    fn from(error: SyncClientError) -> Problem {
        let detail = error.to_string();
        match error {
            SyncClientError::NotNumeric(_) => Problem::invalid(format!("code: {detail}")),
            SyncClientError::UnknownToOzmap(_) | SyncClientError::UnknownToInt6(_) => {
                Problem::new(ErrorCode::ClientNotFound, detail)
            }
            SyncClientError::Ambiguous(..) => Problem::new(ErrorCode::ClientAmbiguous, detail),
            SyncClientError::ReadOnly => Problem::new(ErrorCode::ReadOnly, sentence(&detail)),
            SyncClientError::Int6Empty => Problem::new(ErrorCode::Int6Unreachable, detail),
            SyncClientError::Upstream(error) => Failure::from(error).into(),
            SyncClientError::Lock(error) => Failure::from(error).into(),
            SyncClientError::Store(error) => error.into(),
        }
    }
}

impl From<PlanError> for Problem {
    fn from(error: PlanError) -> Problem {
        let detail = sentence(&error.to_string());
        match error {
            PlanError::Unknown => Problem::new(ErrorCode::NotFound, detail),
            PlanError::StillRunning | PlanError::NoPlan(_) => Problem::invalid(format!("plan: {error}")),
            PlanError::Nothing(_) => Problem::invalid(format!("fields: {error}")),
            PlanError::Expired => Problem::new(ErrorCode::PlanExpired, detail),
            PlanError::Applied(_) | PlanError::AppliedItself => Problem::new(ErrorCode::PlanApplied, detail),
            PlanError::ReadOnly => Problem::new(ErrorCode::ReadOnly, detail),
            PlanError::Store(error) => error.into(),
        }
    }
}

/// A text that begins like a sentence and ends like one.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().into_iter().flat_map(char::to_uppercase);
    first.chain(letters).chain(['.']).collect()
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
    #[schema(value_type = String, example = "The request is not understood")]
    title: &'static str,
    /// The HTTP status.
    #[schema(example = 400)]
    status: u16,
    #[schema(schema_with = code_schema)]
    code: &'static str,
    /// What happened, in particular.
    #[schema(example = "limit: a whole number from 1 to 1000 is expected")]
    pub(super) detail: String,
    /// For the operator: the cause stands beside it in the log.
    #[schema(example = "019aa1c2-7a10-7c00-8000-5a2f0d1e9b3c")]
    request_id: String,
    /// With `port_taken` and `port_blocked`: ports of the splitter that could be asked for instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    free_ports: Option<Vec<u16>>,
}

/// The codes of today; a later version may have more.
fn code_schema() -> Schema {
    let codes = ERRORS.iter().filter(|row| row.status.is_some()).map(|row| row.code.name());
    let code = ObjectBuilder::new()
        .schema_type(Type::String)
        .description(Some("The stable name of the error; a later version may have more."))
        .enum_values(Some(codes));
    code.examples([ErrorCode::InvalidRequest.name()]).into()
}

#[cfg(test)]
mod tests;
