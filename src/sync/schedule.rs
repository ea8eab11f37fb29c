//! The beat of the sync.

use std::time::Duration;

use gateway_core::sync::{Mode, Rails, Trigger};
use rand::RngExt;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::engine::Engine;
use super::progress::{Observer, Progress};

/// Runs the sync at once and then at every beat, until it is stopped.
///
/// The beat is jittered by 5 %, so that many tenants do not call at the same second; a run that takes longer than the beat
/// is followed by the next at once, never overlapped by it.
pub async fn keep_in_step(engine: Engine, tenant: String, interval: Duration, stop: CancellationToken) {
    let observer: Observer = std::sync::Arc::new(|_: Progress<'_>| ());
    loop {
        let begun = Instant::now();
        if let Err(error) = engine.run(Trigger::Timer, Mode::Apply, Rails::Hold, &observer).await {
            tracing::error!(%error, "the run could not be begun");
        }
        let beat = interval.mul_f64(rand::rng().random_range(0.95..=1.05));
        tokio::select! {
            () = tokio::time::sleep_until(begun + beat) => (),
            () = stop.cancelled() => return,
        }
        if stop.is_cancelled() {
            return;
        }
    }
}
