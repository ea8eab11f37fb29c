//! Signs of life: while they come, what a process holds is its own; when they end, the others take over.

use std::time::{Duration, Instant};

use super::process::{Process, WeakProcess};
use super::{Store, StoreError};

/// Time between two tries while the database does not take a sign of life.
const AGAIN: Duration = Duration::from_millis(500);
/// Longest time that leaving may take: the others find out by themselves.
const FAREWELL: Duration = Duration::from_secs(3);

impl Process {
    /// Writes the first sign of life, and lets others follow until the last clone is dropped or it has left. Before anything is
    /// held: who has no row counts as dead.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn join(&self, store: &Store) -> Result<(), StoreError> {
        let join = async || {
            self.sign(store).await?;
            tokio::spawn(live(self.downgrade(), store.clone()));
            Ok(())
        };
        self.joined().get_or_try_init(join).await.map(drop)
    }

    /// Gives everything back at once, for the others to go on: the last thing that it does.
    pub async fn leave(&self, store: &Store) {
        self.left().cancel();
        if self.joined().get().is_none() {
            return;
        }
        match tokio::time::timeout(FAREWELL, store.bury(self.id(), None)).await {
            Ok(Ok(_)) => (),
            Ok(Err(error)) => tracing::warn!(%error, "what this process held is free when it counts as dead"),
            Err(_) => tracing::warn!("what this process held is free when it counts as dead"),
        }
    }

    /// One sign of life. What was taken away is told to whoever holds it; what nobody holds any more is given back.
    async fn sign(&self, store: &Store) -> Result<(), StoreError> {
        let (asked, before) = (Instant::now(), self.taken());
        let rows = store.give_sign(self.id(), self.life()).await?;
        self.confirm(asked);
        for holder in before.iter().filter(|holder| !rows.iter().any(|(held, _)| held == *holder)) {
            if self.lose(holder) {
                tracing::error!(holder, "a lease is lost: this process was taken for dead");
            }
        }
        for (holder, name) in rows.iter().filter(|(holder, _)| self.has_dropped(holder)) {
            tracing::info!(name, "what could not be given back before is given back");
            store.release_lease(name, holder).await?;
        }
        Ok(())
    }

    /// Looks for others that are dead, unless it has just done so, and takes over from them.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(super) async fn look_at_others(&self, store: &Store) -> Result<(), StoreError> {
        if !self.may_look(self.pulse().min(AGAIN)) {
            return Ok(());
        }
        for other in self.dead(store.other_processes(self.id()).await?) {
            let Some(estate) = store.bury(&other.id, Some(other.sign)).await? else { continue };
            let (runs, leases) = (estate.runs.len(), estate.leases);
            tracing::warn!(
                replica = other.id,
                age_ms = other.age_ms,
                runs,
                leases,
                "took over from a replica that is gone"
            );
            for run in estate.runs {
                tracing::warn!(run, "a run was cut off when its gateway ended");
            }
            metrics::counter!("gateway_replica_takeovers_total").increment(1);
            metrics::counter!("gateway_lease_takeovers_total").increment(leases);
            if estate.hastened > 0 {
                self.has_hastened();
            }
        }
        Ok(())
    }

    /// Joins, and takes over from those that are dead, as each sign of life does from then on.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn take_over(&self, store: &Store) -> Result<(), StoreError> {
        self.join(store).await?;
        self.clean_up(store).await
    }

    /// Ends what dead processes left under way.
    async fn clean_up(&self, store: &Store) -> Result<(), StoreError> {
        self.look_at_others(store).await?;
        if store.has_strays().await? {
            for run in store.cut_off_strays().await? {
                tracing::warn!(run, "a run was cut off when its gateway ended");
                self.has_hastened();
            }
        }
        Ok(())
    }
}

/// Gives signs of life as long as the process lives, and looks at the others in between.
async fn live(process: WeakProcess, store: Store) {
    let Some((left, mut pause)) = process.upgrade().map(|process| (process.left().clone(), process.pulse()))
    else {
        return;
    };
    while left.run_until_cancelled(tokio::time::sleep(pause)).await.is_some() {
        let Some(process) = process.upgrade() else { return };
        let Some(signed) = left.run_until_cancelled(signed_in_time(&process, &store)).await else { return };
        pause = process.pulse();
        if let Err(error) = signed {
            tracing::warn!(%error, "the sign of life was not written");
            pause = pause.min(AGAIN);
        } else {
            look_in_time(&process, &store).await;
        }
        if !process.is_sure() {
            lose_all(&process);
        }
    }
}

/// Looks at the others. A row that somebody keeps locked must not hold up the next sign of life.
async fn look_in_time(process: &Process, store: &Store) {
    match tokio::time::timeout(process.pulse(), process.clean_up(store)).await {
        Ok(Ok(())) => (),
        Ok(Err(error)) => tracing::warn!(%error, "the other replicas cannot be looked at"),
        Err(_) => tracing::warn!("the other replicas cannot be looked at: the database takes too long"),
    }
}

/// A sign of life; while the database does not answer, the trust in the last one runs out all the same.
async fn signed_in_time(process: &Process, store: &Store) -> Result<(), StoreError> {
    let signed = process.sign(store);
    tokio::pin!(signed);
    match tokio::time::timeout(process.trust_left(), &mut signed).await {
        Ok(signed) => signed,
        Err(_) => {
            lose_all(process);
            // Not for ever: the connection itself may be dead, and the next try makes another.
            let signed = tokio::time::timeout(process.life(), signed).await;
            signed.unwrap_or_else(|_| Err(StoreError::new("give a sign of life", sqlx::Error::PoolTimedOut)))
        }
    }
}

/// Nothing more may be done under what is held: another may have it by now.
fn lose_all(process: &Process) {
    for holder in process.taken() {
        if process.lose(&holder) {
            tracing::error!(holder, "a lease is lost: the database has taken no sign of life for too long");
        }
    }
}
