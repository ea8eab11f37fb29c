//! Faults and latency of one simulator: what goes wrong on purpose, and for how many requests.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rand::RngExt;
use tokio::sync::Notify;

use crate::lock::lock;

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
    /// Nothing happens until the gate is opened, then the request is carried out and answered as usual.
    HangUntil(Gate),
    /// A status 200 whose connection closes in mid-body; the request is not carried out.
    Cut,
    /// A status 200 with an HTML page instead of JSON; the request is not carried out.
    NotJson,
    /// A status 200 with this body; the request is not carried out.
    Body(String),
    /// This very answer; the request is not carried out.
    Raw {
        /// The status of the answer.
        status: u16,
        /// Its headers, such as `content-type` and `content-encoding`; no other is added but those that HTTP needs.
        headers: Vec<(&'static str, String)>,
        /// Its body, byte by byte.
        body: Vec<u8>,
    },
    /// The request is carried out, then the connection is dropped without an answer.
    DoThenCut,
    /// The request is carried out, then answered with this status and a small JSON body.
    DoThenStatus(u16),
    /// The request is carried out, then nothing happens for this long, then it is answered as usual.
    DoThenHang(Duration),
}

/// Holds a request back until it is opened, once for each request.
#[derive(Clone, Debug, Default)]
pub struct Gate(Arc<Notify>);

impl Gate {
    /// Lets one request pass: the one that waits, or else the next.
    pub fn open(&self) {
        self.0.notify_one();
    }

    pub(crate) async fn opened(&self) {
        self.0.notified().await;
    }
}

impl PartialEq for Gate {
    fn eq(&self, other: &Gate) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

/// A fault waiting for its requests.
struct PendingFault {
    /// Any request, if none.
    prefix: Option<String>,
    /// Requests to let pass first.
    pass: u64,
    left: u64,
    fault: Fault,
}

/// Spoils the requests of one simulator.
pub struct FaultInjector {
    pending: Mutex<Vec<PendingFault>>,
    latency_us: AtomicU64,
    fail_percent: f64,
}

impl FaultInjector {
    /// Adds this latency to each answer, and spoils this share of the requests (0 to 100) by chance.
    pub(crate) fn new(latency: Duration, fail_percent: f64) -> FaultInjector {
        let faults = FaultInjector { pending: Mutex::default(), latency_us: AtomicU64::new(0), fail_percent };
        faults.set_latency(latency);
        faults
    }

    /// The next `n` requests meet this fault.
    pub fn fail_next(&self, n: u64, fault: Fault) {
        self.add(None, 0, n, fault);
    }

    /// The next `n` requests whose path starts so meet this fault.
    ///
    /// The prefix may leave out `/api/v2`, and may begin with a method: `"PATCH /ftth-clients"`.
    pub fn fail_route(&self, path_prefix: &str, n: u64, fault: Fault) {
        self.add(Some(path_prefix), 0, n, fault);
    }

    /// After `k` more requests, the next `n` meet this fault.
    pub fn fail_after(&self, k: u64, n: u64, fault: Fault) {
        self.add(None, k, n, fault);
    }

    /// How many requests the faults of this very prefix still wait for: 0 once the last of them has begun to happen.
    pub fn awaited(&self, path_prefix: &str) -> u64 {
        let pending = lock(&self.pending);
        let of_prefix = pending.iter().filter(|fault| fault.prefix.as_deref() == Some(path_prefix));
        of_prefix.map(|fault| fault.left).sum()
    }

    /// Forgets the faults that have not happened yet.
    pub fn heal(&self) {
        lock(&self.pending).clear();
    }

    /// Adds this much to each answer from now on.
    pub fn set_latency(&self, latency: Duration) {
        self.latency_us.store(u64::try_from(latency.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    pub(crate) fn latency(&self) -> Duration {
        Duration::from_micros(self.latency_us.load(Ordering::Relaxed))
    }

    fn add(&self, prefix: Option<&str>, pass: u64, left: u64, fault: Fault) {
        lock(&self.pending).push(PendingFault { prefix: prefix.map(str::to_owned), pass, left, fault });
    }

    /// The fault that this request meets, if any: an injected one, else one by chance.
    pub(crate) fn fault_for(&self, method: &str, path: &str) -> Option<Fault> {
        self.injected_fault_for(method, path).or_else(|| self.fault_by_chance())
    }

    fn injected_fault_for(&self, method: &str, path: &str) -> Option<Fault> {
        let mut pending = lock(&self.pending);
        let mut met = None;
        for fault in pending.iter_mut().filter(|fault| meets(fault.prefix.as_deref(), method, path)) {
            if fault.pass > 0 {
                fault.pass -= 1;
            } else if fault.left > 0 {
                fault.left -= 1;
                met = Some(fault.fault.clone());
                break;
            }
        }
        pending.retain(|fault| fault.left > 0);
        met
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
}

/// Whether a fault's prefix fits: a path with or without OZmap's `/api/v2`, optionally after a method (`"PATCH /properties"`).
fn meets(prefix: Option<&str>, method: &str, path: &str) -> bool {
    let Some(prefix) = prefix else { return true };
    let prefix = match prefix.split_once(' ') {
        Some((wanted, rest)) if wanted == method => rest,
        Some(_) => return false,
        None => prefix,
    };
    path.starts_with(prefix) || path.strip_prefix("/api/v2").is_some_and(|rest| rest.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn none() -> FaultInjector {
        FaultInjector::new(Duration::ZERO, 0.0)
    }

    #[test]
    fn a_fault_meets_as_many_requests_as_were_asked_for() {
        let faults = none();
        faults.fail_next(2, Fault::Cut);
        assert_eq!(faults.fault_for("GET", "/a"), Some(Fault::Cut));
        assert_eq!(faults.fault_for("GET", "/a"), Some(Fault::Cut));
        assert_eq!(faults.fault_for("GET", "/a"), None);
    }

    #[test]
    fn a_fault_may_wait_for_some_requests_to_pass() {
        let faults = none();
        faults.fail_after(2, 1, Fault::Status(500));
        let met: Vec<bool> = (0..4).map(|_| faults.fault_for("GET", "/a").is_some()).collect();
        assert_eq!(met, [false, false, true, false]);
    }

    #[test]
    fn a_fault_may_be_for_one_route_and_method() {
        let faults = none();
        faults.fail_route("PATCH /properties", 1, Fault::DoThenCut);
        assert_eq!(faults.fault_for("GET", "/api/v2/properties/1"), None);
        assert_eq!(faults.fault_for("PATCH", "/api/v2/ftth-clients/1"), None);
        assert_eq!(faults.awaited("PATCH /properties"), 1);
        assert_eq!(faults.fault_for("PATCH", "/api/v2/properties/1"), Some(Fault::DoThenCut));
        assert_eq!(faults.awaited("PATCH /properties"), 0);
    }

    #[test]
    fn healing_forgets_what_has_not_happened() {
        let faults = none();
        faults.fail_next(2, Fault::NotJson);
        assert_eq!(faults.fault_for("GET", "/a"), Some(Fault::NotJson));
        faults.heal();
        assert_eq!(faults.fault_for("GET", "/a"), None);
    }
}
