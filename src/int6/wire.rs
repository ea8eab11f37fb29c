//! INT6's JSON; no other file knows it. Source: `docs/contracts/int6-api.md`.

mod fields;
pub mod page;
pub mod row;
mod time;
mod usual;

use std::time::Duration;

pub use fields::Fields;
use secrecy::SecretString;
use serde_json::{Value, json};
pub use usual::{FieldRole, is_of_olt};

use crate::upstream::{JsonError, WireError};

/// Where e-mail and token buy a short-lived token.
pub(super) const TOKEN_PATH: &str = "/api/auth/v2/request_token";

/// Path segments of a path as people write it.
pub(super) fn path(path: &str) -> Vec<String> {
    path.split('/').filter(|segment| !segment.is_empty()).map(str::to_owned).collect()
}

/// The query of one page; the first is 1.
pub(super) fn page_query(number: usize, size: usize) -> Vec<(String, String)> {
    vec![("page".to_owned(), number.to_string()), ("per_page".to_owned(), size.to_string())]
}

/// The body that asks for a token.
pub(super) fn token_request(email: &str, token: &str) -> Value {
    json!({ "username": email, "password": token })
}

/// Reads the answer to a token request: the token, and its lifetime if INT6 says one.
///
/// # Errors
/// [`WireError`]; never the answer itself.
pub fn token(body: &[u8]) -> Result<(SecretString, Option<Duration>), WireError> {
    let answer: Value = serde_json::from_slice(body).map_err(JsonError::from)?;
    let wrong = |shape: &'static str| WireError::field("token", shape);
    let token = answer["token"].as_str().filter(|token| !token.is_empty());
    let token = token.ok_or_else(|| wrong("is missing or empty"))?;
    if !token.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(wrong("has characters that no header can carry"));
    }
    let expires_in = match &answer["expires_in"] {
        Value::String(seconds) => seconds.parse().ok(),
        seconds => seconds.as_f64(),
    };
    let lifetime = expires_in.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    Ok((token.to_owned().into(), lifetime))
}

#[cfg(test)]
mod tests;
