//! How long callers wait for the pauses that a host asks for.

use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

/// Longest that one call waits where somebody waits for it; INT6's questions are given up after 20 s.
const OF_A_QUESTION: Duration = Duration::from_secs(10);
/// Longest that one call waits in the background, however long the whole has waited.
const OF_A_CALL: Duration = Duration::from_secs(30);
/// Longest that a run as a whole waits: the next one begins after ten minutes.
const OF_A_RUN: Duration = Duration::from_secs(540);

/// How long the calls of one handle wait.
#[derive(Debug, Clone)]
pub(super) struct Patience {
    of_a_call: Duration,
    /// From when on, and for how long, waiting is not counted.
    run: Option<(Instant, Duration)>,
    stop: CancellationToken,
}

impl Patience {
    /// Somebody waits.
    pub(super) fn of_a_question() -> Patience {
        Patience { of_a_call: OF_A_QUESTION, run: None, stop: CancellationToken::new() }
    }

    /// Nobody waits but the next run. Waiting ends at once when it is to stop.
    pub(super) fn of_a_run(stop: CancellationToken) -> Patience {
        Patience { of_a_call: OF_A_CALL, run: Some((Instant::now(), OF_A_RUN)), stop }
    }

    /// The same for a run that begins now.
    pub(super) fn anew(&self) -> Patience {
        Patience { run: self.run.map(|(_, length)| (Instant::now(), length)), ..self.clone() }
    }

    /// The same, but waiting ends at once when this is cancelled.
    pub(super) fn ended_by(&self, stop: CancellationToken) -> Patience {
        Patience { stop, ..self.clone() }
    }

    /// Whether it has the time of a run, so that pauses are not counted as tries.
    pub(super) fn is_of_a_run(&self) -> bool {
        self.run.is_some()
    }

    /// Until when a call waits that began at `begun`.
    pub(super) fn limit(&self, begun: Instant) -> Instant {
        let limit = begun + self.of_a_call;
        self.run.map_or(limit, |(since, length)| limit.max(since + length))
    }

    /// Waits; `None` if it is to stop meanwhile.
    pub(super) async fn wait_until(&self, time: Instant) -> Option<()> {
        self.stop.run_until_cancelled(tokio::time::sleep_until(time.into())).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_has_more_time_than_a_question_and_each_of_its_calls_has_some() {
        let now = Instant::now();
        let run = Patience::of_a_run(CancellationToken::new());
        assert_eq!(Patience::of_a_question().limit(now), now + OF_A_QUESTION);
        assert!(run.limit(now) > now + OF_A_RUN - Duration::from_secs(1));
        let late = now + Duration::from_secs(3_600);
        assert_eq!(run.limit(late), late + OF_A_CALL);
        assert!(run.anew().limit(now) >= run.limit(now));
    }

    #[tokio::test]
    async fn waiting_ends_when_it_is_to_stop() {
        let stop = CancellationToken::new();
        let patience = Patience::of_a_run(stop.clone());
        let waiting = patience.wait_until(Instant::now() + Duration::from_secs(3_600));
        let (waited, ()) = tokio::join!(waiting, async { stop.cancel() });
        assert_eq!(waited, None);
    }
}
