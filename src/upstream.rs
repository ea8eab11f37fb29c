//! The one way to call another system over HTTP: bounded, timed, retried where that is safe, and explained.
//!
//! A call passes, in this order: the circuit breaker, the quota, the wait for a permit among the requests in flight,
//! the request itself with its timeout, and, for a call that may be repeated, another try after a jittered
//! pause. What fails is a [`CallError`] that names system, operation and what the other side said, without secrets.

mod error;
pub(crate) mod json;
mod redact;
mod settings;

use std::fmt::Display;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use backon::{ExponentialBuilder, Retryable};
pub use error::{CallError, Kind};
use failsafe::StateMachine;
use failsafe::backoff::EqualJittered;
use failsafe::failure_policy::{ConsecutiveFailures, consecutive_failures};
use gateway_core::System;
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
pub use json::{FieldProblem, JsonError, RowError, WireError};
use redact::Redactor;
use reqwest::Method;
use reqwest::header::RETRY_AFTER;
pub use settings::{HostSettings, HttpClientError};
use tokio::sync::Semaphore;
use tracing::{Instrument, error_span};
use url::{Url, form_urlencoded};

/// Longest pause between two tries; a `Retry-After` beyond it ends the call.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// Tries after the first one. Source: `docs/contracts/int6-api.md`, "Retries".
const RETRIES: usize = 3;
/// Failed calls in a row after which a host is left alone, because firewalls ban hosts that hammer.
const FAILURES_TO_OPEN: u32 = 5;
/// Largest answer that is read, in bytes; a page of 1,000 rows is far below.
const LARGEST_ANSWER: usize = 64 << 20;

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
}

type Breaker = StateMachine<ConsecutiveFailures<EqualJittered>, ()>;

struct Host {
    system: System,
    base: Url,
    http: reqwest::Client,
    in_flight: Semaphore,
    breaker: Breaker,
    quota: Option<DefaultDirectRateLimiter>,
    redactor: Redactor,
    pause: Duration,
}

/// A host that is called; clones share its limits and count their requests together.
#[derive(Clone)]
pub struct Upstream {
    host: Arc<Host>,
    sent: Arc<AtomicU64>,
}

impl Upstream {
    /// Prepares calls to a host; sends nothing.
    ///
    /// # Errors
    /// [`HttpClientError`]: an unreadable CA file, or a machine without CA certificates.
    pub fn new(system: System, settings: &HostSettings) -> Result<Upstream, HttpClientError> {
        let quota = settings.calls_per_hour.map(|calls| RateLimiter::direct(Quota::per_hour(calls)));
        let (first, longest) = settings.open_for;
        let open_for = failsafe::backoff::equal_jittered(first, longest);
        let host = Host {
            system,
            base: settings.base.clone(),
            http: settings.http_client(system)?,
            in_flight: Semaphore::new(settings.max_in_flight),
            breaker: StateMachine::new(consecutive_failures(FAILURES_TO_OPEN, open_for), ()),
            quota,
            redactor: Redactor::new(&settings.secrets),
            pause: settings.retry_pause,
        };
        Ok(Upstream { host: Arc::new(host), sent: Arc::default() })
    }

    /// The same host with a counter of its own, for one run.
    pub(crate) fn with_own_counter(&self) -> Upstream {
        Upstream { host: Arc::clone(&self.host), sent: Arc::default() }
    }

    /// Requests sent through this handle and its clones, repeats included.
    pub(crate) fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    /// Carries one request out and reads its answer; an answer that is not understood counts as a failed try,
    /// because a broken connection or a proxy may have cut it.
    ///
    /// # Errors
    /// [`CallError`], whose [`Kind`] says what the caller can do.
    pub(crate) async fn call<T>(
        &self,
        request: Request,
        read: impl Fn(&[u8]) -> Result<T, WireError>,
    ) -> Result<T, CallError> {
        let span = error_span!("call", system = self.host.system.name(), operation = request.operation);
        self.call_with_repeats(request, read).instrument(span).await
    }

    async fn call_with_repeats<T>(
        &self,
        request: Request,
        read: impl Fn(&[u8]) -> Result<T, WireError>,
    ) -> Result<T, CallError> {
        if !self.host.breaker.is_call_permitted() {
            return Err(self.error(request.operation, Kind::CircuitOpen));
        }
        let begun = Instant::now();
        let pauses = ExponentialBuilder::default()
            .with_min_delay(self.host.pause)
            .with_max_delay(LONGEST_PAUSE)
            .with_max_times(RETRIES)
            .with_jitter();
        let repeatable = request.repeat == Idempotency::Idempotent;
        let (request, read) = (&request, &read);
        let deadline = request.within.map(|within| Instant::now() + within);
        let outcome = (|| async move {
            let body = self.attempt(request, deadline).await?;
            read(&body).map_err(|what| self.malformed(request.operation, what))
        })
        .retry(pauses)
        .when(|error: &CallError| {
            repeatable
                && error.kind.is_retryable()
                && deadline.is_none_or(|deadline| Instant::now() < deadline)
        })
        .adjust(|error: &CallError, pause| match (error.kind.retry_after(), pause) {
            (Some(asked), Some(pause)) => (asked <= LONGEST_PAUSE).then_some(asked.max(pause)),
            (_, pause) => pause,
        })
        .notify(|error: &CallError, pause| {
            tracing::debug!(%error, pause_ms = pause.as_millis() as u64, "the call will be repeated");
        })
        .await;
        match &outcome {
            Err(error) if error.kind.is_outage() => self.host.breaker.on_error(),
            _ => self.host.breaker.on_success(),
        }
        self.count(outcome.as_ref().err(), begun.elapsed());
        outcome
    }

    fn count(&self, error: Option<&CallError>, elapsed: Duration) {
        let system = self.host.system.name();
        let outcome = match error {
            None => "ok",
            Some(error) if error.kind.is_rejection() => "refused",
            Some(_) => "failed",
        };
        metrics::counter!("gateway_upstream_calls_total", "system" => system, "outcome" => outcome)
            .increment(1);
        metrics::histogram!("gateway_upstream_call_seconds", "system" => system).record(elapsed);
    }

    async fn attempt(&self, request: &Request, deadline: Option<Instant>) -> Result<Vec<u8>, CallError> {
        if let Some(quota) = &self.host.quota
            && quota.check().is_err()
        {
            return Err(self.error(request.operation, Kind::QuotaExhausted));
        }
        // The semaphore is never closed, so that the only failure cannot happen; no permit would mean no limit.
        let _permit = self.host.in_flight.acquire().await;
        self.sent.fetch_add(1, Ordering::Relaxed);
        let unreachable = |error: reqwest::Error| self.error(request.operation, Kind::unreachable(&error));
        let mut builder = self.prepare(request);
        if let Some(deadline) = deadline {
            builder = builder.timeout(deadline.saturating_duration_since(Instant::now()));
        }
        let mut response = builder.send().await.map_err(unreachable)?;
        let status = response.status();
        let retry_after =
            response.headers().get(RETRY_AFTER).and_then(|v| v.to_str().ok()).and_then(error::pause_asked);
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
            if body.len() + chunk.len() > LARGEST_ANSWER {
                return Err(self.malformed(request.operation, "the answer is larger than 64 MiB"));
            }
            body.extend_from_slice(&chunk);
        }
        if status.is_success() {
            return Ok(body);
        }
        let said = if request.may_quote { self.host.redactor.excerpt(&body) } else { String::new() };
        Err(self.error(request.operation, Kind::of_status(status, retry_after, said)))
    }

    fn prepare(&self, request: &Request) -> reqwest::RequestBuilder {
        let mut url = self.host.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(&request.path);
        }
        if !request.query.is_empty() {
            let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(&request.query).finish();
            // A form writes a space as `+`; the contract says percent-encoded.
            url.set_query(Some(&form.replace('+', "%20")));
        }
        let mut builder = self.host.http.request(request.method.clone(), url);
        for (name, value) in &request.headers {
            builder = builder.header(*name, value);
        }
        match &request.body {
            Some(body) => builder.json(body),
            None => builder,
        }
    }

    /// An answer that came, but says something else than the contract.
    pub(crate) fn malformed(&self, operation: &'static str, what: impl Display) -> CallError {
        self.error(operation, Kind::Malformed { what: self.host.redactor.clean(&what.to_string()) })
    }

    /// A failure of this host.
    pub(crate) fn error(&self, operation: &'static str, kind: Kind) -> CallError {
        CallError { system: self.host.system, operation, kind }
    }
}
