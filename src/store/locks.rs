//! One at a time for one client and for one splitter, in this process and across replicas.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use backon::{ConstantBuilder, Retryable};
use tokio::sync::OwnedMutexGuard;
use uuid::Uuid;

use super::hold::{Hold, LeaseAnswer};
use super::line::{Lines, PlaceInLine};
use super::process::Process;
use super::{Store, StoreError};

/// How often another replica's lease is looked at, and how many times.
const LOOK: Duration = Duration::from_millis(100);
const LOOKS: usize = 150;

/// Why a lock could not be had.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Somebody else does not give it back.
    #[error("another request for the same {0} is still under way")]
    InUse(&'static str),
    /// The database does not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

type Here = tokio::sync::Mutex<()>;

/// A tenant's locks.
///
/// A lock does not expire while its process gives signs of life. When those end it stays shut for that process's life: what the
/// dead one still had under way at OZmap has ended by then, or is found by whoever comes next, since nothing is written before
/// client and splitter were looked at anew.
pub struct Locks {
    tenant: String,
    store: Store,
    process: Process,
    here: Mutex<HashMap<String, Weak<Here>>>,
    lines: Lines,
}

/// A lock that is held; give it back with [`Locks::release`]. One that is dropped is given back with the next sign of life.
pub struct LockGuard {
    hold: Arc<Hold>,
    _here: OwnedMutexGuard<()>,
}

impl LockGuard {
    /// The lease that it is.
    pub fn hold(&self) -> &Arc<Hold> {
        &self.hold
    }
}

impl Locks {
    /// Nothing is locked yet.
    pub fn new(tenant: String, store: Store, process: Process) -> Locks {
        Locks { tenant, store, process, here: Mutex::default(), lines: Lines::default() }
    }

    /// Waits for the lock of this `kind` (`client`, `splitter`) and `key`.
    ///
    /// Take a client's before a splitter's: the same order everywhere cannot end in a deadlock.
    ///
    /// # Errors
    /// [`LockError`].
    pub async fn lock(&self, kind: &'static str, key: &str) -> Result<LockGuard, LockError> {
        let name = self.name(kind, key);
        // First here, so that the requests of this process stand in line and only one asks the database.
        let here = self.here(&name).lock_owned().await;
        self.take_from_others(kind, name, here, None).await
    }

    /// As [`Locks::lock`], but not after this moment.
    ///
    /// # Errors
    /// [`LockError`].
    pub async fn lock_until(
        &self,
        kind: &'static str,
        key: &str,
        moment: Instant,
    ) -> Result<LockGuard, LockError> {
        let name = self.name(kind, key);
        let here = tokio::time::timeout_at(moment.into(), self.here(&name).lock_owned());
        let here = here.await.map_err(|_| LockError::InUse(kind))?;
        let held = self.take_from_others(kind, name, here, Some(moment)).await?;
        if Instant::now() < moment {
            return Ok(held);
        }
        self.release(held).await;
        Err(LockError::InUse(kind))
    }

    /// Stands in line for a lock, so that others, and whoever asks, know how many there are. Keep it until the lock is given back.
    pub fn join_line(&self, kind: &'static str, key: &str) -> Arc<PlaceInLine> {
        Arc::new(self.lines.join(self.name(kind, key)))
    }

    async fn take_from_others(
        &self,
        kind: &'static str,
        name: String,
        here: OwnedMutexGuard<()>,
        until: Option<Instant>,
    ) -> Result<LockGuard, LockError> {
        let looks = ConstantBuilder::default().with_delay(LOOK).with_max_times(LOOKS).with_jitter();
        let in_time = || until.is_none_or(|until| Instant::now() < until);
        let take = || async { self.take(kind, &name).await };
        let hold = take
            .retry(looks)
            .when(|error: &LockError| matches!(error, LockError::InUse(_)) && in_time())
            .await?;
        Ok(LockGuard { hold, _here: here })
    }

    fn name(&self, kind: &'static str, key: &str) -> String {
        format!("{}/{kind}/{key}", self.tenant)
    }

    /// Gives a lock back.
    pub async fn release(&self, held: LockGuard) {
        held.hold.release().await;
    }

    async fn take(&self, kind: &'static str, name: &str) -> Result<Arc<Hold>, LockError> {
        match Hold::ask(&self.store, &self.process, name, Uuid::now_v7(), false).await? {
            LeaseAnswer::Taken(hold) => Ok(hold),
            LeaseAnswer::Held { .. } => Err(LockError::InUse(kind)),
        }
    }

    fn here(&self, name: &str) -> Arc<Here> {
        let mut here = self.here.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(lock) = here.get(name).and_then(Weak::upgrade) {
            return lock;
        }
        // Nobody waits for those any more.
        here.retain(|_, lock| lock.strong_count() > 0);
        let lock = Arc::new(Here::default());
        here.insert(name.to_owned(), Arc::downgrade(&lock));
        lock
    }
}
