//! "Every so often", jittered, until stopped.

use std::time::Duration;

use rand::RngExt;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// The pause after work that failed, if the interval is longer.
const SOON: Duration = Duration::from_secs(60);

/// When to work again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// After the interval.
    Regular,
    /// After the interval or a minute, whichever is shorter.
    Soon,
}

/// Works at once and then every `interval`, counted from the beginning of the work, until it is stopped.
///
/// The pause is jittered by 5 %, so that many tenants do not call at the same second. Work that takes longer is followed by
/// the next at once, never overlapped by it; it is not cut off by `stop`.
pub(crate) async fn every(interval: Duration, stop: CancellationToken, mut work: impl AsyncFnMut() -> Next) {
    while !stop.is_cancelled() {
        let begun = Instant::now();
        let next = work().await;
        let pause = jittered(pause(interval, next));
        if stop.run_until_cancelled(tokio::time::sleep_until(begun + pause)).await.is_none() {
            return;
        }
    }
}

fn pause(interval: Duration, next: Next) -> Duration {
    match next {
        Next::Regular => interval,
        Next::Soon => interval.min(SOON),
    }
}

fn jittered(pause: Duration) -> Duration {
    pause.mul_f64(rand::rng().random_range(0.95..=1.05))
}

#[cfg(test)]
mod tests;
