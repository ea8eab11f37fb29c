//! The beat at which a mirror is refreshed.

use std::time::Duration;

use rand::RngExt;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::Mirror;

/// The pause after a load that failed, if the beat is longer.
const SOON: Duration = Duration::from_secs(60);

/// Refreshes at once and then at every beat, jittered by 5 %, until it is stopped; sooner after a failure.
pub async fn keep_fresh(mirror: Mirror, interval: Duration, stop: CancellationToken) {
    loop {
        let begun = Instant::now();
        let Some(outcome) = stop.run_until_cancelled(mirror.refresh()).await else { return };
        let pause = if outcome.is_ok() { interval } else { interval.min(SOON) };
        let pause = pause.mul_f64(rand::rng().random_range(0.95..=1.05));
        if stop.run_until_cancelled(tokio::time::sleep_until(begun + pause)).await.is_none() {
            return;
        }
    }
}
