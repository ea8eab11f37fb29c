//! One host: what its callers share, and one request to it from the first byte to the last.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use gateway_core::System;
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use jiff::{SignedDuration, Timestamp};
use tokio::sync::Semaphore;
use url::{Url, form_urlencoded};

use super::answer::RawAnswer;
use super::contact::ContactBook;
use super::content_encoding::{LARGEST_ANSWER, Undecodable};
use super::error::Kind;
use super::pace::Pace;
use super::redact::Redactor;
use super::request::Request;
use super::settings::{HostSettings, HttpClientError};
use super::sockets::Sockets;

/// Most that is read of an answer that is no success, in bytes.
const LARGEST_REFUSAL: usize = 1 << 20;

/// What all callers of a host share.
pub(super) struct Host {
    pub(super) system: System,
    pub(super) redactor: Redactor,
    pub(super) pace: Pace,
    pub(super) in_flight: Semaphore,
    pub(super) sockets: Sockets,
    pub(super) contact: ContactBook,
    pub(super) quota: Option<DefaultDirectRateLimiter>,
    /// Before the first repeated try; it doubles.
    pub(super) retry_pause: Duration,
    base: Url,
    http: reqwest::Client,
    clock_skew: Mutex<Option<SignedDuration>>,
}

impl Host {
    pub(super) fn new(system: System, settings: &HostSettings) -> Result<Host, HttpClientError> {
        Ok(Host {
            system,
            redactor: Redactor::new(&settings.secrets),
            pace: Pace::new(settings.retry_pause),
            in_flight: Semaphore::new(settings.max_in_flight),
            sockets: settings.sockets.clone(),
            contact: ContactBook::default(),
            quota: settings.calls_per_hour.map(|calls| RateLimiter::direct(Quota::per_hour(calls))),
            retry_pause: settings.retry_pause,
            base: settings.base.clone(),
            http: settings.http_client(system)?,
            clock_skew: Mutex::default(),
        })
    }

    /// How far its clock is ahead of this machine's, by its last answer.
    pub(super) fn clock_skew(&self) -> Option<SignedDuration> {
        *self.clock_skew.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends a request once and reads the answer.
    ///
    /// # Errors
    /// [`Kind`]: no answer, or one that is too large.
    pub(super) async fn send(&self, request: &Request, deadline: Option<Instant>) -> Result<RawAnswer, Kind> {
        let unreachable = |error: reqwest::Error| Kind::of_transport(&error, self.system);
        let mut builder = self.prepare(request);
        if let Some(deadline) = deadline {
            builder = builder.timeout(deadline.saturating_duration_since(Instant::now()));
        }
        let mut response = builder.send().await.map_err(unreachable)?;
        let (status, headers, at) = (response.status(), response.headers().clone(), Timestamp::now());
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
            if body.len() + chunk.len() > LARGEST_ANSWER {
                return Err(Kind::Malformed { what: Undecodable::TooLarge.to_string() });
            }
            body.extend_from_slice(&chunk);
            if !status.is_success() && body.len() > LARGEST_REFUSAL {
                break;
            }
        }
        let answer = RawAnswer { status, headers, body, at };
        if let Some(skew) = answer.clock_skew() {
            *self.clock_skew.lock().unwrap_or_else(PoisonError::into_inner) = Some(skew);
        }
        Ok(answer)
    }

    fn prepare(&self, request: &Request) -> reqwest::RequestBuilder {
        let mut builder = self.http.request(request.method.clone(), self.url(request));
        for (name, value) in &request.headers {
            builder = builder.header(*name, value);
        }
        match &request.body {
            Some(body) => builder.json(body),
            None => builder,
        }
    }

    /// Where a request goes.
    pub(super) fn url(&self, request: &Request) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(&request.path);
        }
        if !request.query.is_empty() {
            let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(&request.query).finish();
            // A form writes a space as `+`; the contract says percent-encoded.
            url.set_query(Some(&form.replace('+', "%20")));
        }
        url
    }
}
