//! How fast one host may be called: the pauses that it asks for hold for every caller, and calls go on slowly after them.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Longest pause that is believed at once; then one call asks again.
const LONGEST_ASKED: Duration = Duration::from_secs(900);
/// Longest pause of our own, after a host that says "too many" again and again and not for how long.
const LONGEST_OWN: Duration = Duration::from_secs(30);
/// Longest time between the beginnings of two calls.
const LONGEST_SPACING: Duration = Duration::from_secs(2);
/// The first spacing is this part of the first pause: 25 ms of 250 ms.
const FIRST_SPACING: u32 = 10;
/// Each call that is answered takes this part off the spacing.
const EASING: u32 = 32;

/// Whether a call stands in line behind the others that begin one by one after a pause.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Line {
    /// It has the time.
    Joined,
    /// Somebody waits for it.
    Passed,
}

/// When the next call to a host may begin.
#[derive(Debug)]
pub(super) struct Pace {
    first_pause: Duration,
    state: Mutex<PaceState>,
}

#[derive(Debug)]
struct PaceState {
    /// Before this nothing is sent.
    resumes: Instant,
    /// Before this no further call begins.
    next: Instant,
    spacing: Duration,
    /// Pauses since the last call that was answered.
    in_a_row: u32,
    /// When the last pause began; what was sent before knew nothing of it.
    paused: Instant,
}

impl Pace {
    /// `first_pause` is the pause after a first "too many" that does not say for how long; it doubles.
    pub(super) fn new(first_pause: Duration) -> Pace {
        let now = Instant::now();
        let state = PaceState { resumes: now, next: now, spacing: Duration::ZERO, in_a_row: 0, paused: now };
        Pace { first_pause, state: Mutex::new(state) }
    }

    fn state(&self) -> MutexGuard<'_, PaceState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// When the pause ends, if there is one.
    pub(super) fn resumes(&self, now: Instant) -> Option<Instant> {
        let resumes = self.state().resumes;
        (resumes > now).then_some(resumes)
    }

    /// When a call may begin: now, or its turn after the pause. A turn that is never used delays the others by one spacing.
    ///
    /// # Errors
    /// The time until the turn, if that is after `limit`; no turn is taken then.
    pub(super) fn turn(&self, now: Instant, limit: Instant, line: Line) -> Result<Instant, Duration> {
        let mut state = self.state();
        let resumes = now.max(state.resumes);
        let turn = if line == Line::Joined { resumes.max(state.next) } else { resumes };
        if turn > limit.max(now) {
            return Err(turn - now);
        }
        state.next = state.next.max(turn + state.spacing);
        Ok(turn)
    }

    /// The host said "too many" to a call that was sent at `sent`, and asked for a pause or did not.
    ///
    /// Of several calls under way at once the first makes the host slower; the others can only prolong the pause.
    pub(super) fn slow_down(&self, asked: Option<Duration>, sent: Instant, now: Instant) {
        let asked = asked.unwrap_or_default().min(LONGEST_ASKED);
        let mut state = self.state();
        let mut pause = asked;
        if sent >= state.paused {
            let own = self.first_pause.saturating_mul(1 << state.in_a_row.min(16)).min(LONGEST_OWN);
            pause = asked.max(own);
            // A host that answered nothing since the last pause only wants the pause to be longer.
            if state.in_a_row == 0 {
                state.spacing =
                    (state.spacing * 2).max(self.first_pause / FIRST_SPACING).min(LONGEST_SPACING);
            }
            state.in_a_row = state.in_a_row.saturating_add(1);
            state.paused = now;
        }
        state.resumes = state.resumes.max(now + pause);
    }

    /// The host answered a call that was sent at `sent`.
    pub(super) fn answered(&self, sent: Instant) {
        let mut state = self.state();
        if sent >= state.paused {
            state.in_a_row = 0;
            let eased = state.spacing / EASING;
            state.spacing -= eased;
            if state.spacing < self.first_pause / (FIRST_SPACING * 10) {
                state.spacing = Duration::ZERO;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: Duration = Duration::from_millis(250);
    const SECOND: Duration = Duration::from_secs(1);

    fn far(now: Instant) -> Instant {
        now + SECOND * 86_400
    }

    #[test]
    fn nobody_waits_while_nothing_was_asked_for() {
        let (pace, now) = (Pace::new(FIRST), Instant::now());
        assert_eq!(pace.resumes(now), None);
        assert_eq!(
            (pace.turn(now, now, Line::Joined), pace.turn(now, now, Line::Joined)),
            (Ok(now), Ok(now))
        );
    }

    #[test]
    fn a_pause_that_one_call_is_asked_for_holds_for_all_and_they_go_on_one_by_one() {
        let (pace, now) = (Pace::new(FIRST), Instant::now());
        pace.slow_down(Some(SECOND * 60), now, now);
        assert_eq!(pace.resumes(now), Some(now + SECOND * 60));
        let turns: Vec<_> =
            (0..3).map(|_| pace.turn(now, far(now), Line::Joined).expect("in time")).collect();
        let expected = [0, 25, 50].map(|ms| now + SECOND * 60 + Duration::from_millis(ms));
        assert_eq!(turns, expected);
    }

    #[test]
    fn who_passes_the_line_waits_for_the_pause_alone() {
        let (pace, now) = (Pace::new(FIRST), Instant::now());
        pace.slow_down(Some(SECOND), now, now);
        for _ in 0..100 {
            pace.turn(now, far(now), Line::Joined).expect("in time");
        }
        assert_eq!(pace.turn(now, now + SECOND, Line::Passed), Ok(now + SECOND));
    }

    #[test]
    fn who_cannot_wait_is_told_how_long_it_would_take_and_takes_no_turn() {
        let (pace, now) = (Pace::new(FIRST), Instant::now());
        pace.slow_down(Some(SECOND * 60), now, now);
        assert_eq!(pace.turn(now, now + SECOND * 10, Line::Joined), Err(SECOND * 60));
        assert_eq!(pace.turn(now, far(now), Line::Joined), Ok(now + SECOND * 60));
    }

    #[test]
    fn calls_that_were_under_way_together_count_once() {
        let (pace, now) = (Pace::new(FIRST), Instant::now());
        pace.slow_down(None, now, now + Duration::from_millis(1));
        pace.slow_down(None, now, now + Duration::from_millis(2));
        assert_eq!(pace.resumes(now), Some(now + Duration::from_millis(251)));
        assert_eq!(pace.state().spacing, Duration::from_millis(25));
        pace.slow_down(Some(SECOND), now, now);
        assert_eq!(pace.resumes(now), Some(now + SECOND), "the longer pause counts");
    }

    #[test]
    fn a_host_that_says_no_again_and_again_is_asked_more_and_more_seldom() {
        let pace = Pace::new(FIRST);
        let mut now = Instant::now();
        let mut pauses = Vec::new();
        for _ in 0..12 {
            pace.slow_down(None, now, now);
            let resumes = pace.resumes(now).expect("a pause");
            pauses.push((resumes - now).as_millis());
            now = resumes;
        }
        assert_eq!(pauses[..5], [250, 500, 1_000, 2_000, 4_000]);
        assert_eq!(pauses[11], 30_000);
        assert_eq!(pace.state().spacing, Duration::from_millis(25), "one pause after another is one pause");
    }

    #[test]
    fn a_host_that_admits_some_calls_and_then_none_is_called_at_ever_longer_distances() {
        let pace = Pace::new(FIRST);
        let mut now = Instant::now();
        let mut spacings = Vec::new();
        for _ in 0..10 {
            pace.answered(now);
            pace.slow_down(None, now, now);
            spacings.push(pace.state().spacing.as_millis());
            now = pace.resumes(now).expect("a pause");
        }
        assert!(spacings.is_sorted(), "{spacings:?}");
        assert_eq!((spacings[0], spacings[9]), (25, LONGEST_SPACING.as_millis()));
    }

    #[test]
    fn a_host_that_answers_again_is_called_faster_and_faster_up_to_full_speed() {
        let (pace, now) = (Pace::new(FIRST), Instant::now());
        pace.slow_down(None, now, now);
        for _ in 0..200 {
            pace.answered(now);
        }
        assert_eq!(pace.state().spacing, Duration::ZERO);
    }

    #[test]
    fn a_pause_of_years_is_asked_about_sooner() {
        let (pace, now) = (Pace::new(FIRST), Instant::now());
        pace.slow_down(Some(Duration::MAX), now, now);
        assert_eq!(pace.resumes(now), Some(now + LONGEST_ASKED));
    }
}
