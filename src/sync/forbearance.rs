//! When a run gives up: a key that is refused, or a host that refuses every write, is not asked thousands of times.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

use crate::upstream::{CallError, Kind};

/// Refusals of the key after which a run stops. More than one, because a firewall may dislike a single call.
const MOST_REFUSALS: u32 = 3;
/// Failed writes in a row, with none between that went well, after which a run stops.
const MOST_FAILURES: u32 = 50;

/// How a run's writes go.
#[derive(Default)]
pub(super) struct Forbearance {
    refused: AtomicU32,
    failed_in_a_row: AtomicU32,
    over: OnceLock<String>,
    remarks: Mutex<Vec<String>>,
}

impl Forbearance {
    /// Notes how a write went.
    pub(super) fn note(&self, error: Option<&CallError>) {
        let Some(error) = error else {
            self.failed_in_a_row.store(0, Ordering::Relaxed);
            return;
        };
        if matches!(error.kind, Kind::LeaseLost) {
            self.give_up("the lease was lost: another replica has taken over".to_owned());
        }
        let is_refusal = error.kind.is_unauthorized();
        if is_refusal && self.refused.fetch_add(1, Ordering::Relaxed) + 1 >= MOST_REFUSALS {
            self.give_up(format!(
                "OZmap refused the key {MOST_REFUSALS} times while changes were written: {error}"
            ));
        }
        if self.failed_in_a_row.fetch_add(1, Ordering::Relaxed) + 1 >= MOST_FAILURES {
            self.give_up(format!("{MOST_FAILURES} writes in a row failed, the last one so: {error}"));
        }
    }

    /// Ends the run's writes.
    pub(super) fn give_up(&self, why: String) {
        // The first reason counts.
        let _ = self.over.set(why);
    }

    /// Notes what a person should know.
    pub(super) fn remark(&self, what: String) {
        self.remarks.lock().unwrap_or_else(PoisonError::into_inner).push(what);
    }

    /// What a person should know.
    pub(super) fn remarks(self) -> Vec<String> {
        self.remarks.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    /// Why the run gave up, if it did.
    pub(super) fn is_over(&self) -> Option<&str> {
        self.over.get().map(String::as_str)
    }
}
