//! What is answered to an update. Source: `docs/contracts/ozmap-api.md`, "Answers to writes".

use serde_json::Value;

use super::envelope::is_empty;
use super::fields::{is_nothing, text};

/// Why an answer does not say that the update was carried out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotWritten {
    /// A proxy, a firewall or a login page answers in the place of OZmap.
    #[error("an HTML page came where OZmap says nothing or JSON; the update does not count as applied")]
    Html,
    /// Neither.
    #[error("a text came where OZmap says nothing or JSON; the update does not count as applied")]
    Text,
    /// JSON that says what went wrong.
    #[error("it says that it failed; the update does not count as applied{}", said(.0))]
    Failed(String),
}

/// Longest text that is quoted, in characters.
const LONGEST_QUOTED: usize = 200;

fn said(what: &str) -> String {
    if what.is_empty() { String::new() } else { format!("; it said: {what}") }
}

/// Whether a body says that an update was carried out: nothing, or JSON that names no error.
///
/// # Errors
/// [`NotWritten`]: why the update does not count as applied.
pub fn written(body: &[u8]) -> Result<(), NotWritten> {
    if is_empty(body) {
        return Ok(());
    }
    let Ok(answer) = serde_json::from_slice::<Value>(body) else {
        let begins = String::from_utf8_lossy(&body[..body.len().min(1_024)]);
        let is_html = begins.trim_start_matches('\u{feff}').trim_start().starts_with('<');
        return Err(if is_html { NotWritten::Html } else { NotWritten::Text });
    };
    match &answer {
        Value::String(_) | Value::Bool(false) => Err(NotWritten::Text),
        answer if ["error", "errors"].iter().any(|name| !is_nothing(&answer[name])) || says_no(answer) => {
            Err(NotWritten::Failed(quoted(answer)))
        }
        _ => Ok(()),
    }
}

/// A status in the body, or an outright no.
fn says_no(answer: &Value) -> bool {
    answer["statusCode"].as_u64().is_some_and(|status| status >= 400)
        || answer["success"] == Value::Bool(false)
}

/// What support wants to read.
fn quoted(answer: &Value) -> String {
    let named = ["error", "errors", "message"].iter().find_map(|name| match &answer[name] {
        Value::Object(fields) => fields.get("message").and_then(text),
        value => text(value),
    });
    named.unwrap_or_default().chars().filter(|c| !c.is_control()).take(LONGEST_QUOTED).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("")]
    #[case(" \r\n")]
    #[case("{}")]
    #[case("null")]
    #[case("[]")]
    #[case(r#"{"id":"5da6","status":1,"implanted":true,"error":null,"errors":[]}"#)]
    #[case(r#"{"modified":12,"success":true}"#)]
    fn nothing_and_json_say_that_it_was_written(#[case] body: &str) {
        assert_eq!(written(body.as_bytes()), Ok(()));
    }

    #[rstest]
    #[case("<!doctype html><title>Sign in</title>", NotWritten::Html)]
    #[case("\u{feff}\n <html>", NotWritten::Html)]
    #[case("Sign in first", NotWritten::Text)]
    #[case("\"Unauthorized\"", NotWritten::Text)]
    #[case("{\"id\":", NotWritten::Text)]
    #[case(r#"{"error":"no\npermission"}"#, NotWritten::Failed("nopermission".to_owned()))]
    #[case(r#"{"error":{"message":"locked","code":7}}"#, NotWritten::Failed("locked".to_owned()))]
    #[case(r#"{"errors":[{"field":"status"}]}"#, NotWritten::Failed(String::new()))]
    #[case(r#"{"statusCode":500,"message":"later"}"#, NotWritten::Failed("later".to_owned()))]
    #[case(r#"{"success":false}"#, NotWritten::Failed(String::new()))]
    fn anything_else_does_not(#[case] body: &str, #[case] expected: NotWritten) {
        assert_eq!(written(body.as_bytes()), Err(expected));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(body in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = written(&body);
        }
    }
}
