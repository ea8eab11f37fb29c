//! What the door did is counted, and logged once a second at most.

use std::fmt::Display;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Shortest time between two lines.
const BETWEEN: Duration = Duration::from_secs(1);

/// What was not logged yet.
#[derive(Debug, Default)]
pub(super) struct Told {
    unsaid: Mutex<Unsaid>,
}

#[derive(Debug, Default)]
struct Unsaid {
    last: Option<Instant>,
    refused: u64,
    closed: u64,
    failed: u64,
}

impl Told {
    /// A connection was refused.
    pub(super) fn refused(&self, reason: &'static str, why: impl Display) {
        metrics::counter!("gateway_http_connections_refused_total", "reason" => reason).increment(1);
        self.note(why, |unsaid| unsaid.refused += 1);
    }

    /// One that had no request under way was closed, so that another could be let in.
    pub(super) fn made_room(&self, why: impl Display) {
        metrics::counter!("gateway_http_connections_closed_total", "reason" => "room").increment(1);
        self.note(why, |unsaid| unsaid.closed += 1);
    }

    /// One that took nothing for too long was closed. One that only said nothing did no harm, and is not worth a line.
    pub(super) fn timed_out(&self, reason: &'static str) {
        metrics::counter!("gateway_http_connections_closed_total", "reason" => reason).increment(1);
    }

    /// The system gave no connection.
    pub(super) fn failed(&self, why: impl Display) {
        metrics::counter!("gateway_http_connections_refused_total", "reason" => "system").increment(1);
        self.note(why, |unsaid| unsaid.failed += 1);
    }

    /// `why` is that of the last one.
    fn note(&self, why: impl Display, count: impl FnOnce(&mut Unsaid)) {
        let mut unsaid = self.unsaid.lock().unwrap_or_else(PoisonError::into_inner);
        count(&mut unsaid);
        let now = Instant::now();
        if unsaid.last.is_some_and(|last| now < last + BETWEEN) {
            return;
        }
        let Unsaid { refused, closed, failed, .. } = std::mem::take(&mut *unsaid);
        unsaid.last = Some(now);
        drop(unsaid);
        tracing::warn!(refused, closed, failed, last = %why, "connections were refused, or closed to make room");
    }

    /// What waits to be logged: refused, closed, failed.
    #[cfg(test)]
    pub(super) fn unsaid(&self) -> (u64, u64, u64) {
        let unsaid = self.unsaid.lock().unwrap_or_else(PoisonError::into_inner);
        (unsaid.refused, unsaid.closed, unsaid.failed)
    }
}
