//! A lease in hand: how it is taken, proved before each write, and given back.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures::FutureExt;
use futures::future::BoxFuture;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::leases::{Lease, LeaseOutcome};
use super::process::Process;
use super::{Store, StoreError};

/// How long the database's word that a lease is held is enough: a machine that was frozen wakes with the clocks of its processes
/// where they were, and writes no longer than this before it asks.
const FRESH: Duration = Duration::from_millis(100);
/// How long the database may take to answer, before the last sign of life has to do.
const WITHIN: Duration = Duration::from_secs(1);

/// What came of asking.
pub enum LeaseAnswer {
    /// It is ours.
    Taken(Arc<Hold>),
    /// Somebody has it.
    Held {
        /// It may be free soon: its holder gives no signs of life, or is none of anybody.
        is_silent: bool,
    },
}

/// A lease that this process holds until it is given back or lost.
pub struct Hold {
    lease: Lease,
    lost: CancellationToken,
    checked: Mutex<Instant>,
    process: Process,
    store: Store,
}

impl Drop for Hold {
    /// Its row, if it is there still, is given back with the next sign of life.
    fn drop(&mut self) {
        self.process.forget(&self.lease.holder);
    }
}

impl Hold {
    /// Asks for a lease once, for the run or request `of`. `kept` is for leases that are few.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn ask(
        store: &Store,
        process: &Process,
        name: &str,
        of: Uuid,
        kept: bool,
    ) -> Result<LeaseAnswer, StoreError> {
        process.join(store).await?;
        let (holder, lost) = (process.holder(of), CancellationToken::new());
        process.expect(&holder, lost.clone());
        // From here on: whoever drops this future leaves a lease that is known to be nobody's.
        let mut hold = Hold {
            lease: Lease { name: name.to_owned(), holder, fence: 0, kept },
            lost,
            checked: Mutex::new(Instant::now()),
            process: process.clone(),
            store: store.clone(),
        };
        let whose = (process.id(), hold.lease.holder.as_str());
        match store.try_lease(name, whose, process.life(), kept).await? {
            LeaseOutcome::Taken(fence) => {
                hold.lease.fence = fence;
                process.has_taken(&hold.lease.holder);
                Ok(LeaseAnswer::Taken(Arc::new(hold)))
            }
            LeaseOutcome::HeldBy { holder, .. } if process.has_dropped(&holder) => {
                store.release_lease(name, &holder).await?;
                Ok(LeaseAnswer::Held { is_silent: true })
            }
            LeaseOutcome::HeldBy { is_silent, .. } => {
                if is_silent {
                    process.look_at_others(store).await?;
                }
                Ok(LeaseAnswer::Held { is_silent })
            }
        }
    }

    /// What is held.
    pub fn lease(&self) -> &Lease {
        &self.lease
    }

    /// Completes once it is lost: another may have it by now.
    pub async fn lost(&self) {
        self.lost.cancelled().await;
    }

    /// Whether it is still ours, by the database's word of the last tenth of a second. Ask right before each write.
    ///
    /// Where the database does not answer, the last sign of life counts, as long as it keeps all others away.
    pub async fn is_ours(&self) -> bool {
        loop {
            if self.lost.is_cancelled() {
                return false;
            }
            if self.checked().elapsed() <= FRESH {
                return true;
            }
            let asked = Instant::now();
            match tokio::time::timeout(WITHIN, self.store.holds(&self.lease)).await {
                Ok(Ok(true)) => *self.checked() = asked,
                Ok(Ok(false)) => {
                    tracing::error!(
                        name = self.lease.name,
                        "a lease is lost: nothing more is written under it"
                    );
                    self.lost.cancel();
                    return false;
                }
                Ok(Err(_)) | Err(_) => return !self.lost.is_cancelled() && self.process.is_sure(),
            }
            // Slow, but the word is good: a pause of this process in between is longer, and is asked about again.
            if asked.elapsed() < WITHIN {
                return !self.lost.is_cancelled();
            }
        }
    }

    /// The same as a question that upstream can ask.
    pub fn proof(self: &Arc<Self>) -> impl Fn() -> BoxFuture<'static, bool> + Send + Sync + 'static {
        let hold = Arc::clone(self);
        move || {
            let hold = Arc::clone(&hold);
            async move { hold.is_ours().await }.boxed()
        }
    }

    /// Gives it back. What the database does not take now is given back with the next sign of life.
    pub async fn release(&self) {
        self.process.gives_back(&self.lease.holder);
        let given = self.store.release_lease(&self.lease.name, &self.lease.holder).await;
        self.process.forget(&self.lease.holder);
        if let Err(error) = given {
            tracing::warn!(%error, "a lease could not be given back; it is tried again until the database answers");
        }
    }

    fn checked(&self) -> std::sync::MutexGuard<'_, Instant> {
        self.checked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
