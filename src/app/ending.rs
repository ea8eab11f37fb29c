//! The end of a gateway, in three steps: it is asked for, what still hangs is cut off, and who still waits is answered.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

/// How long the end of a command of the command line may take.
pub(super) const OF_A_COMMAND: Duration = Duration::from_secs(20);

/// The steps; clones are the same.
#[derive(Debug, Clone)]
pub(super) struct Ending {
    /// Nothing is begun any more; pauses are not waited for.
    pub(super) asked: CancellationToken,
    /// Calls under way to OZmap and INT6 are given up. What became of them is recorded.
    pub(super) cut: CancellationToken,
    /// Every request that has no answer yet gets one.
    pub(super) last_words: CancellationToken,
}

impl Ending {
    /// Once it is asked for, calls have four fifths of the time, and requests nine tenths: the rest is for the record.
    pub(super) fn within(asked: CancellationToken, time: Duration) -> Ending {
        let ending = Ending { asked, cut: CancellationToken::new(), last_words: CancellationToken::new() };
        let steps = ending.clone();
        tokio::spawn(async move {
            steps.asked.cancelled().await;
            tokio::time::sleep(time * 4 / 5).await;
            steps.cut.cancel();
            tokio::time::sleep(time / 10).await;
            steps.last_words.cancel();
        });
        ending
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn calls_are_cut_off_before_requests_are_answered_and_both_before_the_time_is_over() {
        let ending = Ending::within(CancellationToken::new(), Duration::from_secs(20));
        tokio::time::sleep(Duration::from_secs(3_600)).await;
        assert!(!ending.cut.is_cancelled(), "nobody has asked for it");
        let begun = Instant::now();
        ending.asked.cancel();
        ending.cut.cancelled().await;
        assert_eq!(begun.elapsed().as_secs(), 16);
        assert!(!ending.last_words.is_cancelled());
        ending.last_words.cancelled().await;
        assert_eq!(begun.elapsed().as_secs(), 18);
    }
}
