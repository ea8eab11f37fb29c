//! What operations may answer beside what was asked for, as sets for the API's description.
//!
//! Of two sets of one operation no two codes may share a status: the framework keeps the last.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use axum::http::StatusCode;
use gateway_core::ErrorCode;
use utoipa::IntoResponses;
use utoipa::openapi::example::{Example, ExampleBuilder};
use utoipa::openapi::{ContentBuilder, Header, Ref, RefOr, Response, ResponseBuilder, Responses};

use super::problem::{Problem, row_of, says_when_to_retry};

type ResponseMap = BTreeMap<String, RefOr<Response>>;

/// The metrics are not for this caller, or not here.
pub(super) struct MetricsErrors;

impl IntoResponses for MetricsErrors {
    fn responses() -> ResponseMap {
        set_of(&[ErrorCode::Unauthorised, ErrorCode::AddressNotAdmitted, ErrorCode::NotFound])
    }
}

/// Nothing of the identifier in the path.
pub(super) struct NotFound;

impl IntoResponses for NotFound {
    fn responses() -> ResponseMap {
        set_of(&[ErrorCode::NotFound])
    }
}

/// No client of the code in the path, or several.
pub(super) struct ClientErrors;

impl IntoResponses for ClientErrors {
    fn responses() -> ResponseMap {
        set_of(&[ErrorCode::ClientNotFound, ErrorCode::ClientAmbiguous])
    }
}

/// No light reaches the client.
pub(super) struct RouteErrors;

impl IntoResponses for RouteErrors {
    fn responses() -> ResponseMap {
        set_of(&[ErrorCode::NoFibreRoute])
    }
}

/// OZmap is asked.
pub(super) struct OzmapErrors;

impl IntoResponses for OzmapErrors {
    fn responses() -> ResponseMap {
        set_of(&[ErrorCode::OzmapRejected, ErrorCode::OzmapUnreachable])
    }
}

/// OZmap is asked, after others that ask for the same.
pub(super) struct LineErrors;

impl IntoResponses for LineErrors {
    fn responses() -> ResponseMap {
        set_of(&[ErrorCode::OzmapRejected, ErrorCode::OzmapUnreachable, ErrorCode::Busy])
    }
}

/// The mirror of OZmap's network is asked.
pub(super) struct MirrorErrors;

impl IntoResponses for MirrorErrors {
    fn responses() -> ResponseMap {
        set_of(&[ErrorCode::OzmapUnreachable])
    }
}

/// OZmap and INT6 are asked, after others that ask for the same.
pub(super) struct SyncErrors;

impl IntoResponses for SyncErrors {
    fn responses() -> ResponseMap {
        set_of(&[
            ErrorCode::OzmapRejected,
            ErrorCode::OzmapUnreachable,
            ErrorCode::Int6Rejected,
            ErrorCode::Int6Unreachable,
            ErrorCode::Busy,
        ])
    }
}

/// OZmap is to be written to.
pub(super) struct WriteErrors;

impl IntoResponses for WriteErrors {
    fn responses() -> ResponseMap {
        set_of(&[ErrorCode::ReadOnly])
    }
}

/// A plan is applied by its id.
pub(super) struct PlanErrors;

impl IntoResponses for PlanErrors {
    fn responses() -> ResponseMap {
        set_of(&[ErrorCode::ReadOnly, ErrorCode::NotFound, ErrorCode::PlanExpired, ErrorCode::PlanApplied])
    }
}

/// What may stand against a splitter's port.
const OF_PORT: [ErrorCode; 5] = [
    ErrorCode::PortTaken,
    ErrorCode::PortBlocked,
    ErrorCode::NoSuchSplitter,
    ErrorCode::NoSuchPort,
    ErrorCode::NotADropSplitter,
];

/// A client that may be there is connected to a port.
pub(super) struct ActivationErrors;

impl IntoResponses for ActivationErrors {
    fn responses() -> ResponseMap {
        set_of(&[&OF_PORT[..], &[ErrorCode::ClientAmbiguous]].concat())
    }
}

/// A client that must not be there is connected to a port.
pub(super) struct CreationErrors;

impl IntoResponses for CreationErrors {
    fn responses() -> ResponseMap {
        set_of(&[&OF_PORT[..], &[ErrorCode::ClientExists]].concat())
    }
}

fn set_of(codes: &[ErrorCode]) -> ResponseMap {
    let mut responses = Responses::default();
    codes.iter().for_each(|code| add(&mut responses, *code));
    responses.into()
}

/// Adds an error, beside others of its status.
pub(super) fn add(responses: &mut Responses, code: ErrorCode) {
    add_problem(responses, &Problem::example(code), row_of(code).when);
}

/// A body that is too large has a status of its own, and the code of every other wrong request.
pub(super) fn add_too_large(responses: &mut Responses) {
    let problem = Problem::of_status(StatusCode::PAYLOAD_TOO_LARGE);
    add_problem(responses, &problem, "the body is larger than 64 KiB");
}

fn add_problem(responses: &mut Responses, problem: &Problem, when: &str) {
    let description = format!("`{}`: {when}", problem.code);
    let response = match responses.responses.entry(problem.status.as_u16().to_string()) {
        Entry::Vacant(place) => place.insert(RefOr::T(response_of(problem.status, description))),
        Entry::Occupied(place) => {
            let response = place.into_mut();
            if let RefOr::T(response) = response {
                response.description = format!("{}. {description}", response.description);
            }
            response
        }
    };
    if let RefOr::T(response) = response
        && let Some(RefOr::T(content)) = response.content.get_mut("application/problem+json")
    {
        content.examples.insert(problem.code.to_string(), RefOr::T(example_of(problem)));
    }
}

fn response_of(status: StatusCode, description: String) -> Response {
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
    let response = ResponseBuilder::new().description(description);
    let mut response = response.content("application/problem+json", content).build();
    if says_when_to_retry(status) {
        add_header(&mut response, "Retry-After");
    }
    if status == StatusCode::UNAUTHORIZED {
        add_header(&mut response, "WWW-Authenticate");
    }
    response
}

/// A header that is described with the API.
pub(super) fn add_header(response: &mut Response, name: &str) {
    let header: RefOr<Header> = RefOr::Ref(Ref::new(format!("#/components/headers/{name}")));
    response.headers.insert(name.to_owned(), header);
}

fn example_of(problem: &Problem) -> Example {
    let value = serde_json::to_value(problem.body("019aa1c2-7a10-7c00-8000-5a2f0d1e9b3c"));
    let summary = row_of(problem.code).title;
    ExampleBuilder::new().summary(summary).value(Some(value.unwrap_or_default())).build()
}
