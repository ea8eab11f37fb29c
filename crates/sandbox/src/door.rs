//! What stands before each simulator: faults to inject, latency to add, and the log of who called.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use rand::RngExt;
use serde_json::Value;

use super::lock;

/// What goes wrong with a request.
#[derive(Clone, Debug, PartialEq)]
pub enum Fault {
    /// This status with a small JSON body; the request is not carried out.
    Status(u16),
    /// This status, optionally with `Retry-After` (seconds) and this very body; the request is not carried out.
    StatusWith {
        /// The status of the answer.
        status: u16,
        /// The value of the `Retry-After` header, in seconds.
        retry_after: Option<u64>,
        /// The body, sent as it is.
        body: String,
    },
    /// Nothing happens for this long, then the request is carried out and answered as usual.
    /// A caller that hangs up in the meantime has changed nothing.
    Hang(Duration),
    /// A status 200 whose connection closes in mid-body; the request is not carried out.
    Cut,
    /// A status 200 with an HTML page instead of JSON; the request is not carried out.
    NotJson,
    /// A status 200 with this body; the request is not carried out.
    Body(String),
    /// The request is carried out, then the connection is dropped without an answer.
    DoThenCut,
    /// The request is carried out, then answered with this status and a small JSON body.
    DoThenStatus(u16),
    /// The request is carried out, then nothing happens for this long, then it is answered as usual.
    DoThenHang(Duration),
}

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
        kind_of(&self.method, &self.path).is_write()
    }
}

/// How many requests of each kind came; kept even when recording is off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
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

impl Counts {
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
    fn is_write(self) -> bool {
        matches!(self, Self::Update | Self::BatchUpdate | Self::Create | Self::Delete)
    }
}

fn kind_of(method: &str, path: &str) -> CallKind {
    let path = path.trim_end_matches('/');
    match method {
        "GET" | "HEAD" => CallKind::Read,
        "PATCH" => CallKind::Update,
        "DELETE" => CallKind::Delete,
        "POST" if path.ends_with("/users/login") || path.ends_with("/request_token") => CallKind::Login,
        "POST" if path.ends_with("/batch-update") => CallKind::BatchUpdate,
        "POST" => CallKind::Create,
        _ => CallKind::Other,
    }
}

/// A fault waiting for its requests.
struct Rule {
    prefix: Option<String>,
    /// Requests to let pass first.
    pass: u64,
    left: u64,
    fault: Fault,
}

/// Faults, latency and call log of one simulator.
pub(super) struct Door {
    rules: Mutex<Vec<Rule>>,
    latency_us: AtomicU64,
    fail_percent: f64,
    recording: AtomicBool,
    calls: Mutex<Vec<RecordedCall>>,
    counts: Mutex<Counts>,
}

impl Door {
    pub(super) fn new(latency: Duration, fail_percent: f64) -> Door {
        let door = Door {
            rules: Mutex::default(),
            latency_us: AtomicU64::new(0),
            fail_percent,
            recording: AtomicBool::new(false),
            calls: Mutex::default(),
            counts: Mutex::default(),
        };
        door.set_latency(latency);
        door
    }

    pub(super) fn latency(&self) -> Duration {
        Duration::from_micros(self.latency_us.load(Ordering::Relaxed))
    }

    pub(super) fn set_latency(&self, latency: Duration) {
        self.latency_us.store(u64::try_from(latency.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    pub(super) fn add_rule(&self, prefix: Option<&str>, pass: u64, count: u64, fault: Fault) {
        lock(&self.rules).push(Rule { prefix: prefix.map(str::to_owned), pass, left: count, fault });
    }

    /// How many requests a fault still waits for.
    pub(super) fn awaited(&self, prefix: &str) -> u64 {
        lock(&self.rules)
            .iter()
            .filter(|rule| rule.prefix.as_deref() == Some(prefix))
            .map(|rule| rule.left)
            .sum()
    }

    pub(super) fn clear_rules(&self) {
        lock(&self.rules).clear();
    }

    /// The fault that this request meets, if any: an injected one, else one by chance.
    pub(super) fn fault_for(&self, method: &str, path: &str) -> Option<Fault> {
        let mut rules = lock(&self.rules);
        let mut met = None;
        for rule in rules.iter_mut().filter(|rule| meets(rule.prefix.as_deref(), method, path)) {
            if rule.pass > 0 {
                rule.pass -= 1;
            } else if rule.left > 0 {
                rule.left -= 1;
                met = Some(rule.fault.clone());
                break;
            }
        }
        rules.retain(|rule| rule.left > 0);
        met.or_else(|| self.fault_by_chance())
    }

    fn fault_by_chance(&self) -> Option<Fault> {
        if self.fail_percent <= 0.0 {
            return None;
        }
        let mut rng = rand::rng();
        if rng.random_range(0.0..100.0) >= self.fail_percent {
            return None;
        }
        Some(match rng.random_range(0..3) {
            0 => Fault::Status(503),
            1 => Fault::Status(500),
            _ => Fault::Cut,
        })
    }

    pub(super) fn is_recording(&self) -> bool {
        self.recording.load(Ordering::Relaxed)
    }

    pub(super) fn record(&self, on: bool) {
        self.recording.store(on, Ordering::Relaxed);
    }

    pub(super) fn note(&self, method: &str, path: &str, status: u16) {
        let mut counts = lock(&self.counts);
        let counter = match kind_of(method, path) {
            CallKind::Read => &mut counts.reads,
            CallKind::Update => &mut counts.updates,
            CallKind::BatchUpdate => &mut counts.batch_updates,
            CallKind::Create => &mut counts.creates,
            CallKind::Delete => &mut counts.deletes,
            CallKind::Login => &mut counts.logins,
            CallKind::Other => &mut counts.others,
        };
        *counter += 1;
        if status == 0 || status >= 400 {
            counts.failures += 1;
        }
    }

    pub(super) fn keep(&self, call: RecordedCall) {
        lock(&self.calls).push(call);
    }

    pub(super) fn calls(&self) -> Vec<RecordedCall> {
        lock(&self.calls).clone()
    }

    pub(super) fn counts(&self) -> Counts {
        *lock(&self.counts)
    }

    pub(super) fn reset_calls(&self) {
        lock(&self.calls).clear();
        *lock(&self.counts) = Counts::default();
    }
}

/// Whether a rule's prefix fits: a path with or without OZmap's `/api/v2`, optionally after a method (`"PATCH /properties"`).
fn meets(prefix: Option<&str>, method: &str, path: &str) -> bool {
    let Some(prefix) = prefix else { return true };
    let prefix = match prefix.split_once(' ') {
        Some((wanted, rest)) if wanted == method => rest,
        Some(_) => return false,
        None => prefix,
    };
    path.starts_with(prefix) || path.strip_prefix("/api/v2").is_some_and(|rest| rest.starts_with(prefix))
}

/// Gives a handle with a `door()` the methods that both simulators share.
macro_rules! door_methods {
    ($handle:ty) => {
        impl $handle {
            /// The next `n` requests meet this fault.
            pub fn fail_next(&self, n: u64, fault: $crate::Fault) {
                self.door().add_rule(None, 0, n, fault);
            }

            /// The next `n` requests whose path starts so meet this fault.
            ///
            /// The prefix may leave out `/api/v2`, and may begin with a method: `"PATCH /ftth-clients"`.
            pub fn fail_route(&self, path_prefix: &str, n: u64, fault: $crate::Fault) {
                self.door().add_rule(Some(path_prefix), 0, n, fault);
            }

            /// After `k` more requests, the next `n` meet this fault.
            pub fn fail_after(&self, k: u64, n: u64, fault: $crate::Fault) {
                self.door().add_rule(None, k, n, fault);
            }

            /// How many requests the faults of this very prefix still wait for: 0 once they have begun to happen.
            pub fn awaited(&self, path_prefix: &str) -> u64 {
                self.door().awaited(path_prefix)
            }

            /// Forgets the faults that have not happened yet.
            pub fn heal(&self) {
                self.door().clear_rules();
            }

            /// Adds this much to each answer from now on.
            pub fn set_latency(&self, latency: std::time::Duration) {
                self.door().set_latency(latency);
            }

            /// Starts or stops keeping each request with its body; off at first, so that a large run costs no memory.
            pub fn record(&self, on: bool) {
                self.door().record(on);
            }

            /// The requests that came while recording was on, oldest first.
            pub fn calls(&self) -> Vec<$crate::RecordedCall> {
                self.door().calls()
            }

            /// The recorded requests that asked for a change, whether or not it was granted.
            pub fn writes(&self) -> Vec<$crate::RecordedCall> {
                self.door().calls().into_iter().filter($crate::RecordedCall::is_write).collect()
            }

            /// How many requests of each kind came since the start or the last reset; counted even when not recording.
            pub fn counts(&self) -> $crate::Counts {
                self.door().counts()
            }

            /// Forgets the recorded requests and sets the counters to zero.
            pub fn reset_calls(&self) {
                self.door().reset_calls();
            }
        }
    };
}
pub(super) use door_methods;

#[cfg(test)]
mod tests {
    use super::*;

    fn door() -> Door {
        Door::new(Duration::ZERO, 0.0)
    }

    #[test]
    fn a_fault_meets_as_many_requests_as_were_asked_for() {
        let door = door();
        door.add_rule(None, 0, 2, Fault::Cut);
        assert_eq!(door.fault_for("GET", "/a"), Some(Fault::Cut));
        assert_eq!(door.fault_for("GET", "/a"), Some(Fault::Cut));
        assert_eq!(door.fault_for("GET", "/a"), None);
    }

    #[test]
    fn a_fault_may_wait_for_some_requests_to_pass() {
        let door = door();
        door.add_rule(None, 2, 1, Fault::Status(500));
        let met: Vec<bool> = (0..4).map(|_| door.fault_for("GET", "/a").is_some()).collect();
        assert_eq!(met, [false, false, true, false]);
    }

    #[test]
    fn a_fault_may_be_for_one_route_and_method() {
        let door = door();
        door.add_rule(Some("PATCH /properties"), 0, 1, Fault::DoThenCut);
        assert_eq!(door.fault_for("GET", "/api/v2/properties/1"), None);
        assert_eq!(door.fault_for("PATCH", "/api/v2/ftth-clients/1"), None);
        assert_eq!(door.fault_for("PATCH", "/api/v2/properties/1"), Some(Fault::DoThenCut));
    }

    #[test]
    fn requests_are_counted_by_kind() {
        let door = door();
        door.note("POST", "/api/v2/users/login", 200);
        door.note("POST", "/api/v2/properties/batch-update", 204);
        door.note("POST", "/api/v2/properties", 422);
        let counts = door.counts();
        assert_eq!((counts.logins, counts.batch_updates, counts.creates, counts.failures), (1, 1, 1, 1));
        assert_eq!(counts.writes(), 2);
    }
}
