//! A process as the database knows it, what it holds, and which others it has seen alive.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::futures::Notified;
use tokio::sync::{Notify, OnceCell};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// How long a process counts as alive without a sign, where nothing else is set. With the time between two signs, it is also
/// what a call of a dead process that OZmap still works on gets to end, before another may touch the same client or splitter.
const LIFE: Duration = Duration::from_secs(20);

/// One start of the gateway: an id drawn anew, so that equal host names, process numbers and clocks tell nothing of another.
///
/// Clones are the same process. Its signs of life begin with the first lease, and end when the last clone is dropped.
#[derive(Clone)]
pub struct Process(Arc<ProcessState>);

struct ProcessState {
    id: String,
    life: Duration,
    joined: OnceCell<()>,
    left: CancellationToken,
    hastened: Notify,
    places: AtomicU32,
    state: Mutex<State>,
}

struct State {
    /// By holder.
    held: HashMap<String, HeldLease>,
    /// When the last sign of life was sent that the database took.
    confirmed: Option<Instant>,
    /// By the other's id.
    watched: HashMap<String, WatchedReplica>,
    looked: Option<Instant>,
}

struct HeldLease {
    lost: CancellationToken,
    /// Its row is known to be written.
    is_taken: bool,
}

struct WatchedReplica {
    sign: i64,
    since: Instant,
}

/// Another process, by its row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Other {
    /// Its name.
    pub(super) id: String,
    /// Another one with each sign of life.
    pub(super) sign: i64,
    /// Time since the last one, as the database counts it; negative if its clock was put back.
    pub(super) age_ms: i64,
    /// Time after which it is dead.
    pub(super) life_ms: i64,
}

/// A process without its being kept alive: what tells of its life ends with it.
pub(super) struct WeakProcess(std::sync::Weak<ProcessState>);

impl WeakProcess {
    pub(super) fn upgrade(&self) -> Option<Process> {
        self.0.upgrade().map(Process)
    }
}

impl Process {
    /// This process, which is dead after 20 s without a sign of life.
    pub fn current() -> Process {
        Process::with_life(LIFE)
    }

    /// The same with another time.
    pub fn with_life(life: Duration) -> Process {
        Process(Arc::new(ProcessState {
            id: Uuid::now_v7().simple().to_string(),
            life,
            joined: OnceCell::new(),
            left: CancellationToken::new(),
            hastened: Notify::new(),
            places: AtomicU32::new(0),
            state: Mutex::new(State {
                held: HashMap::new(),
                confirmed: None,
                watched: HashMap::new(),
                looked: None,
            }),
        }))
    }

    /// Its name in the database.
    pub fn id(&self) -> &str {
        &self.0.id
    }

    /// The name under which one run or request of this process holds a lease.
    pub fn holder(&self, of: Uuid) -> String {
        format!("{}/{of}", self.0.id)
    }

    /// A place in the beat, from 0 to below 1: the first is 0, and however many are drawn, they lie far apart.
    pub fn draw_place(&self) -> f64 {
        let drawn = self.0.places.fetch_add(1, Ordering::Relaxed);
        f64::from(drawn.reverse_bits()) / 2f64.powi(32)
    }

    /// Completes when a beat is brought forward after this call, because whoever had begun it is gone.
    pub fn hastened(&self) -> Notified<'_> {
        self.0.hastened.notified()
    }

    pub(super) fn has_hastened(&self) {
        self.0.hastened.notify_waiters();
    }

    pub(super) fn downgrade(&self) -> WeakProcess {
        WeakProcess(Arc::downgrade(&self.0))
    }

    pub(super) fn joined(&self) -> &OnceCell<()> {
        &self.0.joined
    }

    /// Cancelled once it has left.
    pub(super) fn left(&self) -> &CancellationToken {
        &self.0.left
    }

    pub(super) fn life(&self) -> Duration {
        self.0.life
    }

    /// Between two signs of life: several may be lost.
    pub(super) fn pulse(&self) -> Duration {
        self.0.life / 8
    }

    /// Whether it is sure to count as alive. Well below its life: what it sends at the last moment takes a while to arrive.
    pub(super) fn is_sure(&self) -> bool {
        self.state().confirmed.is_some_and(|at| at.elapsed() < self.trusted())
    }

    /// Time for which a sign of life is trusted.
    pub(super) fn trusted(&self) -> Duration {
        self.0.life.mul_f64(0.75)
    }

    /// What is left of the trust in the last sign of life.
    pub(super) fn trust_left(&self) -> Duration {
        self.state().confirmed.map_or(Duration::ZERO, |at| self.trusted().saturating_sub(at.elapsed()))
    }

    pub(super) fn confirm(&self, asked: Instant) {
        self.state().confirmed = Some(asked);
    }

    /// Notes that a lease is about to be taken: before its row is written, so that no row of this process is unknown to it.
    pub(super) fn expect(&self, holder: &str, lost: CancellationToken) {
        self.state().held.insert(holder.to_owned(), HeldLease { lost, is_taken: false });
    }

    /// Notes that the row is written.
    pub(super) fn has_taken(&self, holder: &str) {
        if let Some(held) = self.state().held.get_mut(holder) {
            held.is_taken = true;
        }
    }

    /// Notes that it is about to be given back: that its row goes is no loss.
    pub(super) fn gives_back(&self, holder: &str) {
        if let Some(held) = self.state().held.get_mut(holder) {
            held.is_taken = false;
        }
    }

    /// Notes that nobody here holds it any more.
    pub(super) fn forget(&self, holder: &str) {
        self.state().held.remove(holder);
    }

    /// Whether it is a lease of this process that nobody in it holds: it could not be given back.
    pub(super) fn has_dropped(&self, holder: &str) -> bool {
        let is_own = holder.strip_prefix(self.id()).is_some_and(|rest| rest.starts_with('/'));
        is_own && !self.state().held.contains_key(holder)
    }

    /// Holders whose rows are written.
    pub(super) fn taken(&self) -> Vec<String> {
        let state = self.state();
        state.held.iter().filter(|(_, held)| held.is_taken).map(|(holder, _)| holder.clone()).collect()
    }

    /// Tells whoever holds it that it is lost; `false` if it was told before, or given back by now.
    pub(super) fn lose(&self, holder: &str) -> bool {
        let state = self.state();
        let held = state.held.get(holder).filter(|held| held.is_taken && !held.lost.is_cancelled());
        held.inspect(|held| held.lost.cancel()).is_some()
    }

    /// Whether it is time to look at the others again.
    pub(super) fn may_look(&self, pause: Duration) -> bool {
        self.state().looked.is_none_or(|looked| looked.elapsed() >= pause)
    }

    /// Of the others, those that are dead.
    ///
    /// Time counts in which it looked and its database answered, so that neither a pause of its own nor one of the database makes
    /// the others seem dead; and a silence that was watched, so that a leap of the database's clock alone kills nobody.
    pub(super) fn dead(&self, others: Vec<Other>) -> Vec<Other> {
        let now = Instant::now();
        let mut state = self.state();
        let blind = self.0.life.mul_f64(0.4);
        let was_blind = state.looked.is_none_or(|looked| now.duration_since(looked) > blind);
        state.looked = Some(now);
        let mut before = std::mem::take(&mut state.watched);
        let mut dead = Vec::new();
        for other in others {
            let known = before.remove(&other.id).filter(|known| known.sign == other.sign && !was_blind);
            let since = known.map_or(now, |known| known.since);
            let (watched, life) = (now - since, Duration::from_millis(other.life_ms.max(0) as u64));
            let is_late = other.age_ms >= other.life_ms && watched >= life.mul_f64(0.4);
            state.watched.insert(other.id.clone(), WatchedReplica { sign: other.sign, since });
            if is_late || watched >= life.mul_f64(1.5) {
                dead.push(other);
            }
        }
        dead
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
