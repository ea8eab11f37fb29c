//! A time in which OZmap as a whole cannot be worked with: it is tried with one operation at a time, and ever more seldom.

use std::time::{Duration, Instant};

/// The first pause; each next one is twice as long…
const FIRST: Duration = Duration::from_millis(500);
/// …up to this one.
const LONGEST: Duration = Duration::from_secs(8);

/// Off, or on since the last try failed.
#[derive(Debug, Default)]
pub(super) struct Outage {
    on: Option<Failing>,
}

#[derive(Debug)]
struct Failing {
    since: Instant,
    pause: Duration,
}

impl Outage {
    /// A try that began then failed for a reason that concerns everybody. Tries that were under way beside it say nothing new.
    pub(super) fn failed(&mut self, begun: Instant) {
        let pause = match &self.on {
            Some(Failing { since, .. }) if begun < *since => return,
            Some(Failing { pause, .. }) => (*pause * 2).min(LONGEST),
            None => FIRST,
        };
        self.on = Some(Failing { since: Instant::now(), pause });
    }

    /// A try was answered.
    pub(super) fn ended(&mut self) {
        self.on = None;
    }

    pub(super) fn is_on(&self) -> bool {
        self.on.is_some()
    }

    /// How long nothing is to be tried.
    pub(super) fn left(&self) -> Option<Duration> {
        let Failing { since, pause } = self.on.as_ref()?;
        Some(pause.saturating_sub(since.elapsed())).filter(|left| !left.is_zero())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tries_grow_seldom_while_they_fail_and_tries_beside_them_count_once() {
        let mut outage = Outage::default();
        assert!(!outage.is_on() && outage.left().is_none());
        let begun = Instant::now();
        (0..16).for_each(|_| outage.failed(begun));
        assert!(outage.left() <= Some(FIRST), "sixteen tries beside each other are one");
        let mut last = FIRST;
        for _ in 0..8 {
            outage.failed(Instant::now());
            let pause = outage.on.as_ref().expect("it is on").pause;
            assert_eq!(pause, (last * 2).min(LONGEST));
            last = pause;
        }
        outage.ended();
        assert!(!outage.is_on() && outage.left().is_none());
    }
}
