//! The one way to call another system over HTTP: bounded, timed, paced, retried where that is safe, and explained.
//!
//! A call passes, in this order: the circuit breaker, the pauses that the host has asked for, the wait for a permit among the
//! requests in flight, the quota, the request itself with its timeout, and, for a call that may be repeated, another try after
//! a jittered pause. What fails is a [`CallError`] that names system, operation and what the other side said, without secrets.

mod answer;
mod breaker;
mod charset;
mod contact;
mod content_encoding;
mod error;
mod excerpt;
mod host;
mod html;
pub(crate) mod json;
mod leash;
mod meter;
pub(crate) mod object;
mod pace;
mod patience;
mod pinned;
mod redact;
mod request;
mod settings;
mod sign_in;
mod sloppy_json;
mod sockets;
pub(crate) mod spoilt;
#[cfg(test)]
mod tests;
mod untrusted;

use std::fmt::Display;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use answer::Judge;
use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use breaker::Breaker;
use contact::{Access, Effort};
pub use contact::{Contact, ContactState, ContactWatch};
pub use error::{CallError, Kind};
use gateway_core::System;
use host::Host;
use jiff::{SignedDuration, Timestamp};
pub use json::{FieldProblem, JsonError, RowError, WireError};
pub(crate) use leash::Leash;
use meter::Meter;
use pace::Line;
use patience::Patience;
pub(crate) use request::{Idempotency, Request};
pub(crate) use settings::is_loopback;
pub use settings::{HostSettings, HttpClientError};
pub use sockets::Sockets;
use tokio::sync::SemaphorePermit;
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, error_span};

/// Longest pause between two tries; a `Retry-After` beyond it, where it is no pause for all, ends the call.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// A host that is called; clones share its limits and its pauses, and count their requests together.
#[derive(Clone)]
pub struct Upstream {
    host: Arc<Host>,
    breaker: Arc<Breaker>,
    patience: Patience,
    leash: Leash,
    sent: Arc<AtomicU64>,
    meter: Meter,
    /// Once cancelled, calls under way are given up, and none is begun.
    cut: CancellationToken,
}

/// Leave to send: of the host, and of the process.
type Permits<'a> = (Option<SemaphorePermit<'a>>, Option<SemaphorePermit<'a>>);

/// How one call goes.
struct Course {
    deadline: Option<Instant>,
    /// Until when it waits for its turn.
    limit: Instant,
    was_sent: bool,
    pauses: ExponentialBackoff,
}

impl Upstream {
    /// Prepares calls to a host; sends nothing.
    ///
    /// # Errors
    /// [`HttpClientError`]: an unreadable CA file, or a machine without CA certificates.
    pub fn new(system: System, settings: &HostSettings) -> Result<Upstream, HttpClientError> {
        Ok(Upstream {
            host: Arc::new(Host::new(system, settings)?),
            breaker: Arc::new(Breaker::new(settings.open_for)),
            patience: Patience::of_a_question(),
            leash: Leash::default(),
            sent: Arc::default(),
            meter: Meter::of(system),
            cut: CancellationToken::new(),
        })
    }

    /// The same host, whose calls are counted as this tenant's.
    pub fn of_tenant(self, tenant: &str) -> Upstream {
        Upstream { meter: self.meter.of_tenant(tenant), ..self }
    }

    /// Whose calls are counted; empty if nobody's.
    pub(crate) fn tenant(&self) -> Arc<str> {
        self.meter.tenant()
    }

    /// The same host for a process that ends: once `cut`, whoever waits is told so at once, and what is under way is given up.
    pub fn cut_off_by(&self, cut: &CancellationToken) -> Upstream {
        let patience = self.patience.ended_by(cut.clone());
        Upstream { patience, cut: cut.clone(), ..self.clone() }
    }

    /// Whose host it is.
    pub fn system(&self) -> System {
        self.host.system
    }

    /// What is known of the host by the calls of all handles; whether it is left alone, by this one's.
    pub fn contact(&self) -> Contact {
        let contact = self.host.contact.now();
        let state = if self.breaker.is_open() { ContactState::LeftAlone } else { contact.state };
        Contact { state, ..contact }
    }

    /// The same, but for being left alone, and every change of it.
    pub fn contact_watch(&self) -> ContactWatch {
        self.host.contact.watched()
    }

    /// The same host with a counter of its own, for one run; the time that a run may wait begins.
    pub(crate) fn with_own_counter(&self) -> Upstream {
        Upstream { patience: self.patience.anew(), sent: Arc::default(), ..self.clone() }
    }

    /// The same host with a circuit breaker of its own: what fails here does not keep the others from calling.
    pub(crate) fn with_own_breaker(&self) -> Upstream {
        Upstream { breaker: Arc::new(self.breaker.anew()), meter: self.meter.of_the_sync(), ..self.clone() }
    }

    /// The same host for callers for whom nobody waits: they wait up to nine minutes for the pauses that it asks for, instead of
    /// ten seconds. Once it is to `stop`, nothing is waited for and nothing is repeated.
    pub(crate) fn for_runs(&self, stop: &CancellationToken) -> Upstream {
        Upstream { patience: Patience::of_a_run(stop.clone()), ..self.clone() }
    }

    /// The same host for callers who must hold something to change anything there.
    pub(crate) fn on_leash(&self, leash: Leash) -> Upstream {
        Upstream { leash, ..self.clone() }
    }

    /// Requests sent through this handle and its clones, repeats included.
    pub(crate) fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    /// How far the host's clock is ahead of this machine's, to about a second; `None` before an answer that says its time.
    pub fn clock_skew(&self) -> Option<SignedDuration> {
        self.host.clock_skew()
    }

    /// Carries one request out and reads its answer; an answer that is not understood counts as a failed try,
    /// because a broken connection or a proxy may have cut it.
    ///
    /// `read` gets UTF-8. If it fails, and the answer is JSON but for some values that JSON does not have, it is asked once more
    /// with texts that begin with U+FFFF in their place.
    ///
    /// # Errors
    /// [`CallError`], whose [`Kind`] says what the caller can do.
    pub(crate) async fn call<T>(
        &self,
        request: Request,
        read: impl Fn(&[u8]) -> Result<T, WireError>,
    ) -> Result<T, CallError> {
        let span = error_span!("call", system = self.host.system.name(), operation = request.operation);
        let outcome = self.call_unless_open(&request, &read).instrument(span).await;
        let is_write = !request.method.is_safe();
        outcome.map_err(|kind| CallError { is_write, ..self.error(request.operation, kind) })
    }

    async fn call_unless_open<T>(
        &self,
        request: &Request,
        read: &impl Fn(&[u8]) -> Result<T, WireError>,
    ) -> Result<T, Kind> {
        if self.cut.is_cancelled() {
            return Err(Kind::Stopped { was_sent: false });
        }
        let begun = Instant::now();
        let pass = self.breaker.pass(begun).ok_or(Kind::CircuitOpen)?;
        let deadline = request.within.map(|within| begun + within);
        let patient = self.patience.limit(begun);
        let pauses = ExponentialBuilder::default()
            .with_min_delay(self.host.retry_pause)
            .with_max_delay(LONGEST_PAUSE)
            .with_max_times(request.repeats())
            .with_jitter();
        let mut course = Course {
            deadline,
            limit: deadline.map_or(patient, |deadline| deadline.min(patient)),
            was_sent: false,
            pauses: pauses.build(),
        };
        let outcome = tokio::select! {
            biased;
            outcome = self.call_with_repeats(request, read, &mut course) => Some(outcome),
            () = self.cut.cancelled() => None,
        };
        let outcome = outcome.unwrap_or(Err(Kind::Stopped { was_sent: course.was_sent }));
        let access = if request.method.is_safe() { Access::Read } else { Access::Write };
        let effort = if self.patience.is_of_a_run() { Effort::Run } else { Effort::Question };
        self.host.contact.note(access, effort, outcome.as_ref().err(), Timestamp::now());
        match &outcome {
            Err(Kind::Stopped { .. }) => drop(pass),
            _ if !course.was_sent => drop(pass),
            Err(kind) if kind.is_outage() => pass.failed(Instant::now()),
            _ => pass.answered(),
        }
        self.meter.count(outcome.as_ref().err(), begun.elapsed());
        self.meter.breaker(self.breaker.is_open());
        outcome
    }

    async fn call_with_repeats<T>(
        &self,
        request: &Request,
        read: &impl Fn(&[u8]) -> Result<T, WireError>,
        course: &mut Course,
    ) -> Result<T, Kind> {
        loop {
            let kind = match self.attempt(request, read, course).await {
                Ok(read) => return Ok(read),
                Err(kind) => kind,
            };
            let now = Instant::now();
            let Some(pause) = self.pause_after(&kind, request, course, now) else { return Err(kind) };
            tracing::debug!(error = %kind, pause_ms = pause.as_millis() as u64, "the call will be repeated");
            if self.patience.wait_until(now + pause).await.is_none() {
                return Err(kind);
            }
        }
    }

    /// How long to wait before another try; `None` if there is to be none. A pause that holds for all is waited for where all
    /// wait for it, and is no failed try of a caller who has the time.
    fn pause_after(
        &self,
        kind: &Kind,
        request: &Request,
        course: &mut Course,
        now: Instant,
    ) -> Option<Duration> {
        let is_final = matches!(kind, Kind::Page { .. }) && !request.page_may_pass;
        if is_final || !kind.is_retryable() || request.repeats() == 0 {
            return None;
        }
        let pause = if kind.asks_for_a_pause() {
            if self.host.pace.resumes(now).is_some_and(|resumes| resumes > course.limit) {
                return None;
            }
            if !self.patience.is_of_a_run() || now > course.limit {
                course.pauses.next()?;
            }
            Duration::ZERO
        } else {
            let asked = kind.retry_after().unwrap_or_default();
            (asked <= LONGEST_PAUSE).then_some(course.pauses.next()?.max(asked))?
        };
        course.deadline.is_none_or(|deadline| now + pause < deadline).then_some(pause)
    }

    async fn attempt<T>(
        &self,
        request: &Request,
        read: &impl Fn(&[u8]) -> Result<T, WireError>,
        course: &mut Course,
    ) -> Result<T, Kind> {
        let host = &self.host;
        let _permits = self.admitted(course).await?;
        if host.quota.as_ref().is_some_and(|quota| quota.check().is_err()) {
            return Err(Kind::QuotaExhausted);
        }
        // After all that may take time: whoever was stopped on the way is told here.
        if request.method.is_safe() || self.leash.holds().await {
            course.was_sent = true;
        } else {
            return Err(Kind::LeaseLost);
        }
        self.sent.fetch_add(1, Ordering::Relaxed);
        let sent = Instant::now();
        let answer = host.send(request, course.deadline).await?;
        let judged = answer.judged(&host.url(request), request, &host.redactor);
        match &judged {
            Err(kind) if kind.asks_for_a_pause() => {
                host.pace.slow_down(kind.retry_after(), sent, Instant::now());
            }
            _ => host.pace.answered(sent),
        }
        let body = judged?;
        let judge = Judge { request, redactor: &host.redactor };
        read(&body).or_else(|why| {
            let mended = sloppy_json::mended(&body).ok_or_else(|| judge.unreadable(&why, &body))?;
            tracing::debug!("the answer has values that JSON does not have");
            read(&mended).map_err(|why| judge.unreadable(why, &mended))
        })
    }

    /// Waits until the host may be called: out of a pause, in line after it, with a permit.
    async fn admitted(&self, course: &Course) -> Result<Permits<'_>, Kind> {
        // Who has no time for the line passes it: the pause itself holds for all.
        let line = if self.patience.is_of_a_run() { Line::Joined } else { Line::Passed };
        loop {
            let now = Instant::now();
            let turn = self.host.pace.turn(now, course.limit, line).map_err(Kind::paused)?;
            if turn > now && self.patience.wait_until(turn).await.is_none() {
                return Err(Kind::paused(turn.saturating_duration_since(Instant::now())));
            }
            // The semaphore is never closed, so that the only failure cannot happen; no permit would mean no limit.
            let permits =
                async { (self.host.in_flight.acquire().await.ok(), self.host.sockets.permit().await) };
            let permits = match course.deadline {
                Some(deadline) => {
                    tokio::time::timeout_at(deadline.into(), permits).await.map_err(|_| Kind::Busy)?
                }
                None => permits.await,
            };
            if self.host.pace.resumes(Instant::now()).is_none() {
                return Ok(permits);
            }
        }
    }

    /// An answer that came, but says something else than the contract.
    pub(crate) fn malformed(&self, operation: &'static str, what: impl Display) -> CallError {
        self.error(operation, Kind::Malformed { what: self.host.redactor.clean(&what.to_string()) })
    }

    /// A failure of this host.
    pub(crate) fn error(&self, operation: &'static str, kind: Kind) -> CallError {
        CallError { system: self.host.system, operation, is_write: false, kind }
    }
}
