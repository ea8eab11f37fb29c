//! A request and its answer, as the simulators see them: no sockets, no framework.

use axum::body::Bytes;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use percent_encoding::percent_decode_str;
use serde_json::Value;

/// A request taken apart.
pub(crate) struct Call {
    pub(crate) method: String,
    /// As sent.
    pub(crate) path: String,
    /// As sent, without the question mark.
    pub(crate) query: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Call {
    /// The decoded path segments.
    pub(crate) fn segments(&self) -> Vec<String> {
        self.path
            .split('/')
            .filter(|segment| !segment.is_empty())
            .map(|segment| percent_decode_str(segment).decode_utf8_lossy().into_owned())
            .collect()
    }

    /// The decoded query, in order; a plus sign is a space, as in forms.
    pub(crate) fn query_pairs(&self) -> Vec<(String, String)> {
        let decode =
            |text: &str| percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned();
        self.query
            .split('&')
            .filter(|part| !part.is_empty())
            .map(|part| {
                part.split_once('=').map_or((decode(part), String::new()), |(k, v)| (decode(k), decode(v)))
            })
            .collect()
    }

    /// The first value of a query parameter.
    pub(crate) fn query_value(&self, name: &str) -> Option<String> {
        self.query_pairs().into_iter().find(|(key, _)| key == name).map(|(_, value)| value)
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    pub(crate) fn authorization(&self) -> Option<&str> {
        self.header(AUTHORIZATION.as_str())
    }

    /// The body as JSON; null when it is empty.
    pub(crate) fn json(&self) -> Result<Value, serde_json::Error> {
        if self.body.iter().all(u8::is_ascii_whitespace) {
            Ok(Value::Null)
        } else {
            serde_json::from_slice(&self.body)
        }
    }

    /// The body as JSON, else as text.
    pub(crate) fn recorded_body(&self) -> Value {
        self.json().unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&self.body).into_owned()))
    }

    #[cfg(test)]
    pub(crate) fn test(method: &str, uri: &str, authorization: &str, body: Value) -> Call {
        let (path, query) = uri.split_once('?').unwrap_or((uri, ""));
        let mut headers = HeaderMap::new();
        if let Ok(value) = authorization.parse() {
            headers.insert(AUTHORIZATION, value);
        }
        let body = if body.is_null() { Bytes::new() } else { Bytes::from(body.to_string()) };
        Call { method: method.into(), path: path.into(), query: query.into(), headers, body }
    }

    #[cfg(test)]
    pub(crate) fn with_header(mut self, name: &'static str, value: &str) -> Call {
        if let Ok(value) = value.parse() {
            self.headers.insert(name, value);
        }
        self
    }
}

/// A status with a JSON body, with bytes of any kind, or with nothing.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Option<Value>,
    /// Sent in the place of `body`: a content type and the very bytes.
    pub(crate) raw: Option<(&'static str, Bytes)>,
}

impl Answer {
    pub(crate) fn json(status: u16, body: Value) -> Answer {
        Answer { status, body: Some(body), raw: None }
    }

    pub(crate) fn ok(body: Value) -> Answer {
        Answer::json(200, body)
    }

    pub(crate) fn no_content() -> Answer {
        Answer { status: 204, body: None, raw: None }
    }

    /// An answer down to its bytes: what a proxy, an interpreter or a broken pipe makes of a page.
    pub(crate) fn raw(status: u16, kind: &'static str, bytes: impl Into<Bytes>) -> Answer {
        Answer { status, body: None, raw: Some((kind, bytes.into())) }
    }

    /// Any text: as JSON if it looks so, else as a page.
    pub(crate) fn page_text(status: u16, text: &str) -> Answer {
        let looks_like_json = text.trim_start().starts_with(['{', '[']);
        let kind = if looks_like_json { "application/json" } else { "text/html" };
        Answer::raw(status, kind, text.to_owned())
    }

    /// A page of HTML.
    pub(crate) fn html(status: u16, text: &'static str) -> Answer {
        Answer::raw(status, "text/html; charset=utf-8", text)
    }

    /// Text that says of itself that it is JSON, whether or not it is.
    pub(crate) fn json_text(text: impl Into<Bytes>) -> Answer {
        Answer::raw(200, "application/json", text)
    }
}
