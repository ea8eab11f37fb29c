//! The lease that keeps two runs of one tenant apart, in this process and across replicas.

use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use super::deps::EngineDeps;
use crate::store::{self, Store};

/// A lease lives this long unless it is renewed, so that a machine that dies does not stop the sync for long.
pub(super) const LEASE: Duration = Duration::from_secs(30);

/// `None` if the lease is ours now, else who has it.
pub(super) async fn take(deps: &EngineDeps, holder: &str) -> Result<Option<String>, store::StoreError> {
    let EngineDeps { tenant, store, process, .. } = deps;
    for _ in 0..2 {
        match store.try_lease(tenant, holder, Timestamp::now(), LEASE).await? {
            store::LeaseOutcome::Taken => return Ok(None),
            store::LeaseOutcome::HeldBy { holder: other, .. } if process.is_dead(&other) => {
                store.release_lease(tenant, &other).await?;
                metrics::counter!("gateway_lease_takeovers_total").increment(1);
            }
            store::LeaseOutcome::HeldBy { .. } => break,
        }
    }
    Ok(Some("another run of this tenant is under way".to_owned()))
}

/// Renews the lease until it is aborted; a lease that is lost stops the run, because another may have begun.
pub(super) async fn keep(store: Store, tenant: String, holder: String, stop: CancellationToken) {
    let mut renewed = Instant::now();
    loop {
        tokio::time::sleep(LEASE / 3).await;
        let asked = Instant::now();
        // A database that has gone away may never answer; the lease runs out all the same.
        let left = LEASE.saturating_sub(renewed.elapsed());
        let renewal = store.renew_lease(&tenant, &holder, Timestamp::now(), LEASE);
        match tokio::time::timeout(left, renewal).await {
            Ok(Ok(true)) => renewed = asked,
            Ok(Err(error)) if renewed.elapsed() < LEASE => {
                tracing::warn!(%error, "the lease was not renewed")
            }
            Ok(Ok(false) | Err(_)) | Err(_) => {
                tracing::error!("the lease is lost: the run stops");
                return stop.cancel();
            }
        }
    }
}
