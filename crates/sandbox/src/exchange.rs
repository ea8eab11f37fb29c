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

/// A status with a JSON body, or with none; or with any text.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Option<Value>,
    /// Sent as it is, in the place of a body of JSON.
    pub(crate) text: Option<String>,
}

impl Answer {
    pub(crate) fn json(status: u16, body: Value) -> Answer {
        Answer { status, body: Some(body), text: None }
    }

    pub(crate) fn ok(body: Value) -> Answer {
        Answer::json(200, body)
    }

    pub(crate) fn no_content() -> Answer {
        Answer { status: 204, body: None, text: None }
    }

    pub(crate) fn text(status: u16, text: &str) -> Answer {
        Answer { status, body: None, text: Some(text.to_owned()) }
    }
}
