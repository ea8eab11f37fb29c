//! "Every so often", jittered, until stopped.

use std::time::Duration;

use rand::RngExt;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// The pause after work that failed, if the interval is longer.
const SHORT: Duration = Duration::from_secs(60);

/// How long to wait before the work is done again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pause {
    /// The interval.
    Regular,
    /// The interval or a minute, whichever is shorter.
    Short,
}

impl Pause {
    fn of(self, interval: Duration) -> Duration {
        match self {
            Pause::Regular => interval,
            Pause::Short => interval.min(SHORT),
        }
    }
}

/// Works at once and then every `interval`, counted from the beginning of the work, until it is stopped.
///
/// The pause is jittered by 5 %, so that many tenants do not call at the same second. Work that takes longer is followed by
/// the next at once, never overlapped by it; it is not cut off by `stop`.
pub(crate) async fn every(interval: Duration, stop: CancellationToken, mut work: impl AsyncFnMut() -> Pause) {
    while !stop.is_cancelled() {
        let begun = Instant::now();
        let pause = jittered(work().await.of(interval));
        if stop.run_until_cancelled(tokio::time::sleep_until(begun + pause)).await.is_none() {
            return;
        }
    }
}

fn jittered(pause: Duration) -> Duration {
    pause.mul_f64(rand::rng().random_range(0.95..=1.05))
}

#[cfg(test)]
mod tests;
