//! Reading requests, with errors that name the field.

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::problem::{Code, Problem};

/// A JSON body; an empty one is the default. The content type is not looked at, because people forget it.
pub(super) struct Body<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned + Default> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Body<T>, Problem> {
        let bytes =
            Bytes::from_request(request, state).await.map_err(|rejection| match rejection.status() {
                StatusCode::PAYLOAD_TOO_LARGE => Problem::of_status(StatusCode::PAYLOAD_TOO_LARGE),
                _ => Problem::invalid("The body could not be read."),
            })?;
        match bytes.iter().find(|byte| !byte.is_ascii_whitespace()) {
            None => return Ok(Body(T::default())),
            // serde would take an array for an object whose fields come in order.
            Some(b'[') => return Err(Problem::invalid("body: a JSON object is expected")),
            Some(_) => (),
        }
        let mut json = serde_json::Deserializer::from_slice(&bytes);
        let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
            let path = error.path().to_string();
            let place = if path == "." { "body".to_owned() } else { path };
            Problem::invalid(format!("{place}: {}", error.into_inner()))
        })?;
        json.end().map_err(|error| Problem::invalid(format!("body: {error}")))?;
        Ok(Body(value))
    }
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
        let path = axum::extract::Path::<String>::from_request_parts(parts, state).await;
        let id = path.ok().and_then(|path| path.0.parse().ok());
        id.map(RunId).ok_or_else(no_such_run)
    }
}

pub(super) fn no_such_run() -> Problem {
    Problem::new(Code::NotFound, "This tenant has no run of this id.")
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
