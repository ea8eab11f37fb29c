//! A tenant's sync at every beat. The beat is kept in the database: one run for all replicas.

use std::sync::Arc;
use std::time::Duration;

use gateway_core::sync::{Mode, Rails, Trigger};
use rand::RngExt;
use tokio_util::sync::CancellationToken;

use crate::store::{Beat, Process, Store, StoreError};
use crate::sync::{Engine, Observer, Progress};

/// Longest time without a look: another replica may have brought the beat forward.
const LONGEST: Duration = Duration::from_secs(20);
/// Time between two looks while a run is due that cannot begin.
const SOON: Duration = Duration::from_secs(1);

/// What a tenant's beat is kept with.
pub(super) struct SyncBeat {
    /// Runs the sync.
    pub(super) engine: Engine,
    /// Where the beat is kept.
    pub(super) store: Store,
    /// Who keeps it here.
    pub(super) process: Process,
    /// The tenant's name in the store.
    pub(super) tenant: String,
    /// Between two beginnings.
    pub(super) interval: Duration,
}

impl SyncBeat {
    /// Runs the sync whenever the beat is this replica's to begin, until `stop`; a run is not cut off by it.
    pub(super) async fn keep(self, stop: CancellationToken) {
        let spread = self.interval.mul_f64(self.process.draw_place());
        let planned = self.store.plan_beat(&self.tenant, spread).await;
        self.looked(planned.map(|()| Duration::ZERO));
        while !stop.is_cancelled() {
            // Before the look: what is brought forward in between is heard.
            let hastened = self.process.hastened();
            let pause = self.looked(self.once().await);
            tokio::select! {
                () = stop.cancelled() => (),
                () = hastened => (),
                () = tokio::time::sleep(pause) => (),
            }
        }
    }

    /// Begins the run if it is due here; how long nothing is to be done after it.
    async fn once(&self) -> Result<Duration, StoreError> {
        // Jittered, so that many tenants that began at one second do not go on so.
        let interval = self.interval.mul_f64(rand::rng().random_range(0.95..=1.05));
        match self.store.begin_beat(&self.tenant, interval).await? {
            Beat::In(left) => Ok(left.min(LONGEST)),
            Beat::Busy => Ok(SOON),
            Beat::Ours => {
                let observer: Observer = Arc::new(|_: Progress<'_>| ());
                self.engine.run(Trigger::Timer, Mode::Apply, Rails::Hold, &observer).await?;
                Ok(Duration::ZERO)
            }
        }
    }

    fn looked(&self, looked: Result<Duration, StoreError>) -> Duration {
        looked.unwrap_or_else(|error| {
            tracing::error!(%error, "the run could not be begun");
            SOON
        })
    }
}
