//! When a notice is tried again, and when it is given up.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};

/// The pauses between two tries grow from here…
const FIRST: Duration = Duration::from_secs(2);
/// …to here.
const LONGEST: Duration = Duration::from_secs(30 * 60);
/// A notice that was written so long ago is not tried again.
pub(super) const GIVEN_UP_AFTER: Duration = Duration::from_secs(24 * 3600);
/// How long a destination that answered 410 is told nothing.
pub(super) const STOPPED_FOR: Duration = Duration::from_secs(24 * 3600);
/// Tries after which a notice that the receiver dislikes holds up no other.
pub(super) const TRIES_IN_ORDER: i64 = 3;

/// The pause after so many failed tries before this one; it doubles, and differs by chance so that not all come at once.
pub(super) fn after(failures: i64, asked: Option<Duration>) -> Duration {
    let pauses = ExponentialBuilder::default()
        .with_min_delay(FIRST)
        .with_max_delay(LONGEST)
        .without_max_times()
        .with_jitter();
    // Beyond that many the pause is the longest anyway.
    let tries = failures.clamp(0, 20) as usize;
    let own = pauses.build().nth(tries).unwrap_or(LONGEST);
    own.max(asked.unwrap_or_default().min(LONGEST))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_half_an_hour() {
        assert!(after(0, None) >= FIRST && after(0, None) < 3 * FIRST);
        assert!(after(5, None) > after(1, None));
        for tries in [11, 20, 1_000] {
            assert!(after(tries, None) >= LONGEST && after(tries, None) <= 2 * LONGEST, "{tries}");
        }
        assert_eq!(after(-1, Some(Duration::from_secs(90))), Duration::from_secs(90), "as it asks");
        assert!(after(0, Some(Duration::from_secs(86_400))) <= LONGEST, "but not for a day");
    }
}
