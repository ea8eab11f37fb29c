//! One request, without the base URL.

use std::time::Duration;

use reqwest::Method;

/// Tries after the first one. Source: `docs/contracts/int6-api.md`, "Retries".
const RETRIES: usize = 3;

/// Whether a call may be sent again when its answer is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Idempotency {
    /// Reads and full-value updates.
    Idempotent,
    /// Creates: what became of the first must be looked up instead.
    NotIdempotent,
}

/// One request, without the base URL and without credentials.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    /// What is being done, for errors and logs: `"list properties"`.
    pub operation: &'static str,
    /// HTTP method.
    pub method: Method,
    /// Path segments below the base, not yet percent-encoded.
    pub path: Vec<String>,
    /// Query parameters, not yet percent-encoded.
    pub query: Vec<(String, String)>,
    /// Credentials.
    pub headers: Vec<(&'static str, String)>,
    /// JSON body.
    pub body: Option<serde_json::Value>,
    /// Whether it may be sent again.
    pub repeat: Idempotency,
    /// How often it may be sent again, by default 3 times; waiting for a pause that the host asked for is not counted where
    /// the caller has time.
    pub retries: usize,
    /// Whether an HTML page in place of the answer may be a passing mishap; where a firewall may be at fault, it says the same
    /// each time.
    pub page_may_pass: bool,
    /// Whether an error may quote the answer; not where answers carry others' secrets.
    pub may_quote: bool,
    /// How long the answer is worth waiting for, repeats included; `None` is as long as the settings say.
    pub within: Option<Duration>,
}

impl Request {
    /// A read.
    pub(crate) fn get(operation: &'static str, path: impl IntoIterator<Item = impl Into<String>>) -> Request {
        Request {
            operation,
            method: Method::GET,
            path: path.into_iter().map(Into::into).collect(),
            query: Vec::new(),
            headers: Vec::new(),
            body: None,
            repeat: Idempotency::Idempotent,
            retries: RETRIES,
            page_may_pass: true,
            may_quote: true,
            within: None,
        }
    }

    /// A request with a body.
    pub(crate) fn with_body(
        operation: &'static str,
        method: Method,
        path: impl IntoIterator<Item = impl Into<String>>,
        body: serde_json::Value,
        repeat: Idempotency,
    ) -> Request {
        Request { method, body: Some(body), repeat, ..Request::get(operation, path) }
    }

    /// Times that it may be sent again.
    pub(super) fn repeats(&self) -> usize {
        match self.repeat {
            Idempotency::Idempotent => self.retries,
            Idempotency::NotIdempotent => 0,
        }
    }
}
