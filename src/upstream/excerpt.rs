//! What an answer says of itself: the text of an error, in one of the many shapes that systems put it in. Not yet cleaned.

use serde_json::Value;

use super::html::HtmlPage;

/// Where the text stands, best first.
const KEYS: [&str; 11] = [
    "message",
    "error_description",
    "error",
    "errors",
    "detail",
    "details",
    "msg",
    "mensagem",
    "erro",
    "erros",
    "reason",
];
/// Most texts of a list, or fields of an object, that are repeated.
const MOST: usize = 5;

/// What a refusal says: the text of its error if it is JSON, the title if it is a page, else its first line. Nothing else of
/// JSON is repeated, because the rest may be anybody's data.
pub(super) fn of_refusal(body: &[u8]) -> String {
    if let Some(page) = HtmlPage::of(body) {
        return page.in_words();
    }
    match serde_json::from_slice::<Value>(body) {
        Ok(Value::String(text)) => text,
        Ok(json) => error_in(&json).unwrap_or_default(),
        Err(_) => {
            let text = String::from_utf8_lossy(body);
            if text.trim_start().starts_with(['{', '[']) {
                return String::new();
            }
            text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default().to_owned()
        }
    }
}

/// What an answer says that came as a success and is an object with an error in it.
pub(super) fn of_answer(body: &[u8]) -> Option<String> {
    match serde_json::from_slice::<Value>(body) {
        Ok(json @ Value::Object(_)) => error_in(&json),
        _ => None,
    }
}

fn error_in(json: &Value) -> Option<String> {
    match json {
        Value::Object(fields) => KEYS.iter().filter_map(|key| fields.get(*key)).find_map(text),
        Value::Array(items) => joined(items.iter().filter_map(error_in)),
        _ => None,
    }
}

/// A text, a list of texts, an object with an error in it, or Rails' object of fields with what is wrong with each.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
        Value::Array(items) => joined(items.iter().filter_map(text)),
        Value::Object(fields) => error_in(value).or_else(|| {
            joined(fields.iter().filter_map(|(field, wrong)| Some(format!("{field} {}", plain(wrong)?))))
        }),
        _ => None,
    }
}

fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Array(items) => joined(items.iter().filter_map(Value::as_str).map(str::to_owned)),
        _ => None,
    }
}

fn joined(texts: impl Iterator<Item = String>) -> Option<String> {
    let texts: Vec<String> = texts.take(MOST).collect();
    (!texts.is_empty()).then(|| texts.join("; "))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::a_message(r#"{"message":"no such client"}"#, "no such client")]
    #[case::an_error(
        r#"{"error":"Usuario sem permissao para esta API"}"#,
        "Usuario sem permissao para esta API"
    )]
    #[case::a_flag_and_a_text(r#"{"error":true,"msg":"expired"}"#, "expired")]
    #[case::within(r#"{"error":{"code":7,"message":"too large"}}"#, "too large")]
    #[case::a_list(r#"{"errors":["one","two"]}"#, "one; two")]
    #[case::a_list_of_objects(r#"{"errors":[{"status":"422","detail":"port taken"}]}"#, "port taken")]
    #[case::a_bare_list(r#"[{"message":"port taken"}]"#, "port taken")]
    #[case::rails(
        r#"{"errors":{"port":["is taken","is odd"],"code":"is missing"}}"#,
        "code is missing; port is taken; is odd"
    )]
    #[case::an_empty_text_before_another(r#"{"message":"","error":"gone"}"#, "gone")]
    #[case::a_text("\"no\"", "no")]
    #[case::plain("\n\nno\nmore", "no")]
    #[case::html("<title>502 Bad Gateway</title>", "an HTML page (title: 502 Bad Gateway)")]
    #[case::rows(r#"{"rows":["maria.147"]}"#, "")]
    #[case::deep_data(r#"{"error":{"client":{"name":"Maria"}}}"#, "")]
    #[case::rows_that_were_cut_off(r#"{"rows":["maria.147""#, "")]
    #[case::nothing("", "")]
    fn a_refusal_is_quoted_by_its_error_only(#[case] body: &str, #[case] expected: &str) {
        assert_eq!(of_refusal(body.as_bytes()), expected);
    }

    #[test]
    fn rows_that_came_with_success_are_not_quoted() {
        assert_eq!(of_answer(br#"[{"message":"hello"}]"#), None);
        assert_eq!(of_answer(br#"{"data":[1]}"#), None);
        assert_eq!(of_answer(br#"{"error":"Sem acesso"}"#).as_deref(), Some("Sem acesso"));
    }
}
