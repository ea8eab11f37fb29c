//! Reading requests, with errors that name the field.

use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;
use futures::StreamExt;
use gateway_core::{ClientCode, ErrorCode};
use serde::de::DeserializeOwned;
use utoipa::IntoParams;
use uuid::Uuid;

use super::problem::Problem;

/// A JSON body. The content type is not looked at, because people forget it.
pub(super) struct Body<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Body<T>, Problem> {
        let bytes = whole_body(request).await?;
        json_object(&bytes)?.map(Body).ok_or_else(|| Problem::invalid("body: a JSON object is expected"))
    }
}

/// A JSON body that may be left out.
pub(super) struct OptionalBody<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned + Default> FromRequest<S> for OptionalBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<OptionalBody<T>, Problem> {
        let bytes = whole_body(request).await?;
        Ok(OptionalBody(json_object(&bytes)?.unwrap_or_default()))
    }
}

/// Largest body, in bytes; the largest request of the API is far below.
const LARGEST_BODY: usize = 64 << 10;
/// So much of a body that is too large is read all the same: many callers read no answer before they have sent all.
const MOST_DISCARDED: usize = 32 << 20;

async fn whole_body(request: Request) -> Result<Vec<u8>, Problem> {
    let mut pieces = request.into_body().into_data_stream();
    let (mut body, mut length) = (Vec::new(), 0);
    while let Some(piece) = pieces.next().await {
        let piece = piece.map_err(|_| Problem::invalid("The body could not be read."))?;
        length += piece.len();
        if length <= LARGEST_BODY {
            body.extend_from_slice(&piece);
        } else if length > MOST_DISCARDED {
            break;
        }
    }
    if length > LARGEST_BODY {
        return Err(Problem::of_status(StatusCode::PAYLOAD_TOO_LARGE));
    }
    Ok(body)
}

/// `None` for an empty body and `null`.
fn json_object<T: DeserializeOwned>(bytes: &[u8]) -> Result<Option<T>, Problem> {
    match bytes.iter().find(|byte| !byte.is_ascii_whitespace()) {
        None => return Ok(None),
        // serde would take an array for an object whose fields come in order.
        Some(b'[') => return Err(Problem::invalid("body: a JSON object is expected")),
        Some(_) => (),
    }
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let value: Option<T> = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let path = error.path().to_string();
        // `?` is a place that has no name yet: the text ended before.
        let place = if matches!(path.as_str(), "." | "?") { "body".to_owned() } else { path };
        Problem::invalid(format!("{place}: {}", error.into_inner()))
    })?;
    json.end().map_err(|error| Problem::invalid(format!("body: {error}")))?;
    Ok(value)
}

/// The query; unknown and repeated parameters are refused.
pub(super) struct Query<T>(pub(super) T);

impl<S: Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Query<T>, Problem> {
        let raw = parts.uri.query().unwrap_or_default();
        if percent_encoding::percent_decode_str(raw).decode_utf8().is_err() {
            return Err(Problem::invalid("query: is not UTF-8"));
        }
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
    Problem::new(ErrorCode::NotFound, "This tenant has no run of this id.")
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
    Problem::new(ErrorCode::NotFound, "This tenant has no operation of this id.")
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

/// Longest code in characters; OZmap's are far shorter.
const LONGEST_CODE: usize = 100;

/// A client's code. It begins with a letter or a digit, so that it cannot lead to another route as `..` would.
pub(super) fn client_code(field: &str, text: &str) -> Result<ClientCode, Problem> {
    let begins_well = text.starts_with(|c: char| c.is_alphanumeric() || c == '_');
    let fits = begins_well && text.chars().count() <= LONGEST_CODE && !text.chars().any(char::is_control);
    let code = ClientCode::new(text).filter(|_| fits);
    code.ok_or_else(|| {
        Problem::invalid(format!(
            "{field}: a client's code is expected: a letter or digit, then at most {} characters, none of control",
            LONGEST_CODE - 1
        ))
    })
}

/// A client's code in the path, for the API's description.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[allow(dead_code, reason = "only its description is used")]
pub(super) struct CodeParam {
    /// The client's code.
    #[param(pattern = r"^\w[^\x00-\x1F\x7F-\x9F]*$", max_length = 100, example = "147")]
    code: String,
}

/// The code of a client that the sync may compare, for the API's description.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[allow(dead_code, reason = "only its description is used")]
pub(super) struct NumericCodeParam {
    /// The client's code: digits only, because the sync compares no others.
    #[param(pattern = "^[0-9]{1,100}$", example = "147")]
    code: String,
}

/// A number in a range, or the default.
pub(super) fn in_range(name: &str, given: Option<u32>, default: u32, most: u32) -> Result<u32, Problem> {
    match given {
        None => Ok(default),
        Some(value) if (1..=most).contains(&value) => Ok(value),
        Some(_) => Err(Problem::invalid(format!("{name}: a whole number from 1 to {most} is expected"))),
    }
}
