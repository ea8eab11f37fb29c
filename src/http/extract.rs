//! Reading requests, with errors that name the field.

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::problem::{Code, Problem};
use crate::domain::ClientCode;

/// A JSON body. The content type is not looked at, because people forget it.
pub(super) struct Body<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Body<T>, Problem> {
        let bytes = whole_body(request, state).await?;
        json_object(&bytes)?.map(Body).ok_or_else(|| Problem::invalid("body: a JSON object is expected"))
    }
}

/// A JSON body that may be left out.
pub(super) struct OptionalBody<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned + Default> FromRequest<S> for OptionalBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<OptionalBody<T>, Problem> {
        let bytes = whole_body(request, state).await?;
        Ok(OptionalBody(json_object(&bytes)?.unwrap_or_default()))
    }
}

async fn whole_body<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, Problem> {
    Bytes::from_request(request, state).await.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Problem::of_status(StatusCode::PAYLOAD_TOO_LARGE),
        _ => Problem::invalid("The body could not be read."),
    })
}

/// `None` for an empty body.
fn json_object<T: DeserializeOwned>(bytes: &[u8]) -> Result<Option<T>, Problem> {
    match bytes.iter().find(|byte| !byte.is_ascii_whitespace()) {
        None => return Ok(None),
        // serde would take an array for an object whose fields come in order.
        Some(b'[') => return Err(Problem::invalid("body: a JSON object is expected")),
        Some(_) => (),
    }
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let path = error.path().to_string();
        // `?` is a place that has no name yet: the text ended before.
        let place = if matches!(path.as_str(), "." | "?") { "body".to_owned() } else { path };
        Problem::invalid(format!("{place}: {}", error.into_inner()))
    })?;
    json.end().map_err(|error| Problem::invalid(format!("body: {error}")))?;
    Ok(Some(value))
}

/// The query; unknown and repeated parameters are refused.
pub(super) struct Query<T>(pub(super) T);

impl<S: Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Query<T>, Problem> {
        let query = axum::extract::Query::<T>::try_from_uri(&parts.uri);
        query.map(|query| Query(query.0)).map_err(|rejection| {
            let text = rejection.body_text();
            let said = text.strip_prefix("Failed to deserialize query string: ").unwrap_or(&text);
            Problem::invalid(format!("query: {said}"))
        })
    }
}

/// The run in the path; what is no id is no run.
pub(super) struct RunId(pub(super) Uuid);

impl<S: Send + Sync> FromRequestParts<S> for RunId {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<RunId, Problem> {
        in_path(parts, state).await.and_then(|id| id.parse().ok()).map(RunId).ok_or_else(no_such_run)
    }
}

pub(super) fn no_such_run() -> Problem {
    Problem::new(Code::NotFound, "This tenant has no run of this id.")
}

/// The operation in the path; what is no id is no operation.
pub(super) struct OperationId(pub(super) Uuid);

impl<S: Send + Sync> FromRequestParts<S> for OperationId {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<OperationId, Problem> {
        let id = in_path(parts, state).await.and_then(|id| id.parse().ok());
        id.map(OperationId).ok_or_else(no_such_operation)
    }
}

pub(super) fn no_such_operation() -> Problem {
    Problem::new(Code::NotFound, "This tenant has no operation of this id.")
}

/// The client's code in the path.
pub(super) struct CodeInPath(pub(super) ClientCode);

impl<S: Send + Sync> FromRequestParts<S> for CodeInPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<CodeInPath, Problem> {
        let code = in_path(parts, state).await;
        let code = code.ok_or_else(|| Problem::invalid("code: is not UTF-8"))?;
        client_code("code", &code).map(CodeInPath)
    }
}

async fn in_path<S: Send + Sync>(parts: &mut Parts, state: &S) -> Option<String> {
    axum::extract::Path::<String>::from_request_parts(parts, state).await.ok().map(|path| path.0)
}

/// Longest code; OZmap's are far shorter.
const LONGEST_CODE: usize = 100;

/// A client's code that can stand in a path of OZmap's.
pub(super) fn client_code(field: &str, text: &str) -> Result<ClientCode, Problem> {
    // `.` and `..` would lead to another route.
    let fits =
        text.len() <= LONGEST_CODE && !text.chars().any(char::is_control) && text != "." && text != "..";
    let code = ClientCode::new(text).filter(|_| fits);
    code.ok_or_else(|| {
        Problem::invalid(format!(
            "{field}: a client's code of 1 to {LONGEST_CODE} bytes without control characters is expected"
        ))
    })
}

/// A number in a range, or the default.
pub(super) fn in_range(name: &str, given: Option<u32>, default: u32, most: u32) -> Result<u32, Problem> {
    match given {
        None => Ok(default),
        Some(value) if (1..=most).contains(&value) => Ok(value),
        Some(_) => Err(Problem::invalid(format!("{name}: a whole number from 1 to {most} is expected"))),
    }
}

/// A word of a list.
pub(super) fn word<T>(
    name: &str,
    given: Option<&str>,
    known: &[&str],
    parse: impl Fn(&str) -> Option<T>,
) -> Result<Option<T>, Problem> {
    let Some(given) = given else { return Ok(None) };
    let value = parse(given);
    value
        .map(Some)
        .ok_or_else(|| Problem::invalid(format!("{name}: one of {} is expected", known.join(", "))))
}
