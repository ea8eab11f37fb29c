//! Leaving a host alone that failed several times in a row, because firewalls ban hosts that hammer.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rand::RngExt;

/// Failed calls in a row after which a host is left alone.
const FAILURES_TO_OPEN: u32 = 5;

/// Whether a host may be called. It opens after five failures in a row; when its time is over one call tries, and the others
/// wait for what becomes of it.
#[derive(Debug)]
pub(super) struct Breaker {
    first: Duration,
    longest: Duration,
    state: Mutex<BreakerState>,
}

#[derive(Debug, Default)]
struct BreakerState {
    failures: u32,
    /// Times it opened since the host answered.
    opened: u32,
    opens_until: Option<Instant>,
    is_being_tried: bool,
}

/// Leave to call once. Dropped without a word it says nothing of the host.
#[derive(Debug)]
pub(super) struct Pass<'a> {
    breaker: &'a Breaker,
    is_trial: bool,
}

impl Breaker {
    /// It stays open for `first` when it opens for the first time, then for twice as long each time, at most `longest`; half
    /// of that is by chance.
    pub(super) fn new((first, longest): (Duration, Duration)) -> Breaker {
        Breaker { first, longest, state: Mutex::default() }
    }

    /// One with the same times that has seen nothing.
    pub(super) fn anew(&self) -> Breaker {
        Breaker::new((self.first, self.longest))
    }

    fn state(&self) -> MutexGuard<'_, BreakerState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `None` while the host is left alone.
    pub(super) fn pass(&self, now: Instant) -> Option<Pass<'_>> {
        let mut state = self.state();
        let is_trial = match state.opens_until {
            None => false,
            Some(until) if until > now || state.is_being_tried => return None,
            Some(_) => true,
        };
        state.is_being_tried |= is_trial;
        Some(Pass { breaker: self, is_trial })
    }

    /// Whether the host is left alone, or was and has not answered since.
    pub(super) fn is_open(&self) -> bool {
        self.state().opens_until.is_some()
    }

    fn open_for(&self, opened: u32) -> Duration {
        let full = self.first.saturating_mul(1 << opened.min(16)).min(self.longest);
        full / 2 + rand::rng().random_range(Duration::ZERO..=full / 2)
    }
}

impl Pass<'_> {
    /// The host is there, whatever it said.
    pub(super) fn answered(self) {
        let mut state = self.breaker.state();
        if state.opens_until.take().is_some() {
            tracing::info!("the host answers again");
        }
        (state.failures, state.opened) = (0, 0);
    }

    /// The host seems to be away.
    pub(super) fn failed(self, now: Instant) {
        let mut state = self.breaker.state();
        state.failures = state.failures.saturating_add(1);
        let opens = match state.opens_until {
            Some(_) => self.is_trial,
            None => state.failures >= FAILURES_TO_OPEN,
        };
        if opens {
            let open_for = self.breaker.open_for(state.opened);
            state.opened = state.opened.saturating_add(1);
            state.opens_until = Some(now + open_for);
            let (failures, open_for_ms) = (state.failures, open_for.as_millis() as u64);
            tracing::warn!(
                failures,
                open_for_ms,
                "the host failed again and again and is left alone for a while"
            );
        }
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        if self.is_trial {
            self.breaker.state().is_being_tried = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: Duration = Duration::from_secs(30);
    const LONGEST: Duration = Duration::from_secs(300);

    fn failing(breaker: &Breaker, times: u32, now: Instant) {
        for _ in 0..times {
            breaker.pass(now).expect("it is closed").failed(now);
        }
    }

    #[test]
    fn five_failures_in_a_row_open_it_and_four_do_not() {
        let (breaker, now) = (Breaker::new((FIRST, LONGEST)), Instant::now());
        failing(&breaker, 4, now);
        breaker.pass(now).expect("it is closed").answered();
        failing(&breaker, 5, now);
        assert!(breaker.pass(now + FIRST / 2 - Duration::from_millis(1)).is_none());
        assert!(breaker.anew().pass(now).is_some(), "another one has seen nothing");
    }

    #[test]
    fn when_its_time_is_over_one_call_tries_for_all() {
        let (breaker, now) = (Breaker::new((FIRST, LONGEST)), Instant::now());
        failing(&breaker, 5, now);
        let later = now + FIRST;
        let trial = breaker.pass(later).expect("its time is over");
        assert!(breaker.pass(later).is_none(), "one is enough");
        trial.answered();
        assert!(breaker.pass(later).is_some() && breaker.pass(later).is_some());
    }

    #[test]
    fn a_trial_that_fails_opens_it_for_longer() {
        let (breaker, mut now) = (Breaker::new((FIRST, LONGEST)), Instant::now());
        failing(&breaker, 5, now);
        for opened in [60, 120, 240, 300, 300].map(Duration::from_secs) {
            now += LONGEST;
            breaker.pass(now).expect("its time is over").failed(now);
            assert!(breaker.pass(now + opened / 2 - Duration::from_millis(1)).is_none());
            assert!(breaker.pass(now + opened).is_some());
        }
    }

    #[test]
    fn a_trial_that_is_given_up_leaves_the_next_one_to_another_call() {
        let (breaker, now) = (Breaker::new((FIRST, LONGEST)), Instant::now());
        failing(&breaker, 5, now);
        drop(breaker.pass(now + FIRST).expect("its time is over"));
        assert!(breaker.pass(now + FIRST).is_some());
    }

    #[test]
    fn a_call_that_was_under_way_when_it_opened_does_not_prolong_it() {
        let (breaker, now) = (Breaker::new((FIRST, LONGEST)), Instant::now());
        let late = breaker.pass(now).expect("it is closed");
        failing(&breaker, 5, now);
        late.failed(now + FIRST);
        assert!(breaker.pass(now + FIRST).is_some());
    }
}
