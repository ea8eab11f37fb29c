//! Calls that came to one simulator: how many of each kind, and, while recording, each of them with its body.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::Value;

use crate::exchange::Call;
use crate::lock::lock;

/// One request, as the simulator saw it; `status` is 0 when the connection was dropped without an answer.
#[derive(Clone, Debug, PartialEq)]
pub struct RecordedCall {
    /// The method in capitals.
    pub method: String,
    /// The path as sent, with its prefix and without the query.
    pub path: String,
    /// The query as sent, without the question mark; empty if there was none.
    pub query: String,
    /// The body: JSON if it was JSON, else a string; null when there was none.
    pub body: Value,
    /// The status of the answer.
    pub status: u16,
}

impl RecordedCall {
    /// Whether this request asked for a change (tokens and logins are no changes).
    pub fn is_write(&self) -> bool {
        CallKind::of(&self.method, &self.path).is_write()
    }
}

/// How many requests of each kind came; kept even when recording is off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CallCounts {
    /// `GET` requests.
    pub reads: u64,
    /// `PATCH` requests.
    pub updates: u64,
    /// `POST …/batch-update` requests.
    pub batch_updates: u64,
    /// Other `POST` requests, but for tokens and logins.
    pub creates: u64,
    /// `DELETE` requests.
    pub deletes: u64,
    /// Requests for a token and logins.
    pub logins: u64,
    /// Requests with a method that neither system has.
    pub others: u64,
    /// Answers with a status from 400 on, and connections dropped; also counted in their kind.
    pub failures: u64,
}

impl CallCounts {
    fn add(&mut self, kind: CallKind, status: u16) {
        *self.of(kind) += 1;
        if status == 0 || status >= 400 {
            self.failures += 1;
        }
    }

    fn of(&mut self, kind: CallKind) -> &mut u64 {
        match kind {
            CallKind::Read => &mut self.reads,
            CallKind::Update => &mut self.updates,
            CallKind::BatchUpdate => &mut self.batch_updates,
            CallKind::Create => &mut self.creates,
            CallKind::Delete => &mut self.deletes,
            CallKind::Login => &mut self.logins,
            CallKind::Other => &mut self.others,
        }
    }

    /// All requests that ask for a change.
    pub fn writes(&self) -> u64 {
        self.updates + self.batch_updates + self.creates + self.deletes
    }

    /// All requests.
    pub fn total(&self) -> u64 {
        self.reads + self.writes() + self.logins + self.others
    }
}

#[derive(Clone, Copy)]
enum CallKind {
    Read,
    Update,
    BatchUpdate,
    Create,
    Delete,
    Login,
    Other,
}

impl CallKind {
    fn of(method: &str, path: &str) -> CallKind {
        let path = path.trim_end_matches('/');
        match method {
            "GET" | "HEAD" => Self::Read,
            "PATCH" => Self::Update,
            "DELETE" => Self::Delete,
            "POST" if path.ends_with("/users/login") || path.ends_with("/request_token") => Self::Login,
            "POST" if path.ends_with("/batch-update") => Self::BatchUpdate,
            "POST" => Self::Create,
            _ => Self::Other,
        }
    }

    fn is_write(self) -> bool {
        matches!(self, Self::Update | Self::BatchUpdate | Self::Create | Self::Delete)
    }
}

/// Counts the requests to one simulator, and keeps them when asked to.
#[derive(Default)]
pub struct CallLog {
    recording: AtomicBool,
    recorded: Mutex<Vec<RecordedCall>>,
    counts: Mutex<CallCounts>,
}

impl CallLog {
    /// Starts or stops keeping each request with its body; off at first, so that a large run costs no memory.
    pub fn record(&self, on: bool) {
        self.recording.store(on, Ordering::Relaxed);
    }

    /// The requests that came while recording was on, oldest first.
    pub fn recorded(&self) -> Vec<RecordedCall> {
        lock(&self.recorded).clone()
    }

    /// The recorded requests that asked for a change, whether or not it was granted.
    pub fn writes(&self) -> Vec<RecordedCall> {
        self.recorded().into_iter().filter(RecordedCall::is_write).collect()
    }

    /// How many requests of each kind came since the start or the last reset; counted even when not recording.
    pub fn counts(&self) -> CallCounts {
        *lock(&self.counts)
    }

    /// Forgets the recorded requests and sets the counters to zero.
    pub fn reset(&self) {
        lock(&self.recorded).clear();
        *lock(&self.counts) = CallCounts::default();
    }

    /// Counts a request, and keeps it while recording is on.
    pub(crate) fn note(&self, call: &Call, status: u16) {
        lock(&self.counts).add(CallKind::of(&call.method, &call.path), status);
        if self.recording.load(Ordering::Relaxed) {
            lock(&self.recorded).push(RecordedCall {
                method: call.method.clone(),
                path: call.path.clone(),
                query: call.query.clone(),
                body: call.recorded_body(),
                status,
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_counted_by_kind() {
        let calls = CallLog::default();
        let note = |method, path, status| calls.note(&Call::test(method, path, "", Value::Null), status);
        note("POST", "/api/v2/users/login", 200);
        note("POST", "/api/v2/properties/batch-update", 204);
        note("POST", "/api/v2/properties", 422);
        let counts = calls.counts();
        assert_eq!((counts.logins, counts.batch_updates, counts.creates, counts.failures), (1, 1, 1, 1));
        assert_eq!((counts.writes(), counts.total()), (2, 3));
        assert_eq!(calls.recorded(), [], "nothing is kept until it is asked for");
    }
}
