//! One at a time for one client and for one splitter, in this process and across replicas.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use backon::{ConstantBuilder, Retryable};
use jiff::Timestamp;
use tokio::sync::OwnedMutexGuard;
use uuid::Uuid;

use super::holder::Process;
use super::line::{Lines, Place};
use super::{LeaseOutcome, Store, StoreError};

/// Longer than anything that is done under a lock, so that a machine that dies does not hold it for ever.
const LEASE: Duration = Duration::from_secs(180);
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
pub struct Locks {
    tenant: String,
    store: Store,
    process: Process,
    here: Mutex<HashMap<String, Weak<Here>>>,
    lines: Lines,
}

/// A lock that is held; give it back with [`Locks::release`].
pub struct LockGuard {
    name: String,
    holder: String,
    _here: OwnedMutexGuard<()>,
}

impl LockGuard {
    /// The name under which it is held, in leases.
    pub fn holder(&self) -> &str {
        &self.holder
    }
}

impl Locks {
    /// Nothing is locked yet.
    pub fn new(tenant: String, store: Store, process: Process) -> Locks {
        Locks { tenant, store, process, here: Mutex::default(), lines: Lines::default() }
    }

    /// Waits for the lock of this `kind` (`client`, `splitter`) and `key`.
    ///
    /// Take a client's before a splitter's: the same order everywhere cannot end in a deadlock. Do not drop the future half
    /// way: the lock might be taken by then, and nobody would give it back; use [`Locks::lock_until`].
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
    pub fn join_line(&self, kind: &'static str, key: &str) -> Arc<Place> {
        Arc::new(self.lines.join(self.name(kind, key)))
    }

    async fn take_from_others(
        &self,
        kind: &'static str,
        name: String,
        here: OwnedMutexGuard<()>,
        until: Option<Instant>,
    ) -> Result<LockGuard, LockError> {
        let holder = self.process.holder(Uuid::now_v7());
        let looks = ConstantBuilder::default().with_delay(LOOK).with_max_times(LOOKS).with_jitter();
        let in_time = || until.is_none_or(|until| Instant::now() < until);
        let take = || async { self.take(kind, &name, &holder).await };
        take.retry(looks).when(|error: &LockError| matches!(error, LockError::InUse(_)) && in_time()).await?;
        Ok(LockGuard { name, holder, _here: here })
    }

    fn name(&self, kind: &'static str, key: &str) -> String {
        format!("{}/{kind}/{key}", self.tenant)
    }

    /// Gives a lock back.
    pub async fn release(&self, held: LockGuard) {
        if let Err(error) = self.store.release_lease(&held.name, &held.holder).await {
            tracing::warn!(%error, "a lock could not be given back; it expires by itself");
        }
    }

    async fn take(&self, kind: &'static str, name: &str, holder: &str) -> Result<(), LockError> {
        match self.store.try_lease(name, holder, Timestamp::now(), LEASE).await? {
            LeaseOutcome::Taken => Ok(()),
            LeaseOutcome::HeldBy { holder: other, .. } => {
                if self.process.is_dead(&other) {
                    self.store.release_lease(name, &other).await?;
                }
                Err(LockError::InUse(kind))
            }
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
