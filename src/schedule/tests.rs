use super::*;

const INTERVAL: Duration = Duration::from_millis(40);

/// Beginnings of the work, which takes `takes`, until the fourth stops it.
async fn four_times(takes: Duration) -> Vec<Instant> {
    let (stop, mut begun) = (CancellationToken::new(), Vec::new());
    every(INTERVAL, stop.clone(), async || {
        begun.push(Instant::now());
        tokio::time::sleep(takes).await;
        if begun.len() == 4 {
            stop.cancel();
        }
        Pause::Regular
    })
    .await;
    begun
}

fn gaps(begun: &[Instant]) -> Vec<Duration> {
    begun.windows(2).map(|pair| pair[1] - pair[0]).collect()
}

#[tokio::test]
async fn work_is_done_at_every_interval_until_stopped() {
    let begun = four_times(Duration::ZERO).await;
    assert_eq!(begun.len(), 4, "stopped by the fourth");
    for gap in gaps(&begun) {
        assert!(gap >= INTERVAL.mul_f64(0.95), "{gap:?}");
    }
}

#[tokio::test]
async fn work_that_takes_longer_is_followed_by_the_next_and_never_overlapped() {
    let takes = INTERVAL * 3;
    let gaps = gaps(&four_times(takes).await);
    assert!(gaps.iter().all(|gap| *gap >= takes), "{gaps:?}");
    // A busy machine may be late once, hardly each time.
    assert!(gaps.iter().any(|gap| *gap < takes + INTERVAL.mul_f64(0.9)), "{gaps:?}");
}

#[tokio::test]
async fn it_begins_at_once_and_a_pause_ends_when_it_is_stopped() {
    let (stop, mut times) = (CancellationToken::new(), 0);
    tokio::time::timeout(Duration::from_secs(10), async {
        let stopped = async {
            tokio::time::sleep(INTERVAL).await;
            stop.cancel();
        };
        let work = async || {
            times += 1;
            Pause::Regular
        };
        tokio::join!(every(Duration::from_secs(3_600), stop.clone(), work), stopped);
    })
    .await
    .expect("an hour is not waited for");
    assert_eq!(times, 1, "at once, and not again");
    every(INTERVAL, stop, async || {
        times += 1;
        Pause::Regular
    })
    .await;
    assert_eq!(times, 1, "stopped before it began");
}

#[test]
fn a_failure_is_followed_within_a_minute() {
    let hour = Duration::from_secs(3_600);
    assert_eq!((Pause::Regular.of(hour), Pause::Short.of(hour)), (hour, SHORT));
    assert_eq!(Pause::Short.of(INTERVAL), INTERVAL, "never later than the interval");
}

#[test]
fn tenants_do_not_keep_step() {
    let pauses: Vec<Duration> = (0..1_000).map(|_| jittered(SHORT)).collect();
    assert!(pauses.iter().all(|pause| (SHORT.mul_f64(0.95)..=SHORT.mul_f64(1.05)).contains(pause)));
    assert!(pauses.iter().any(|pause| *pause < SHORT) && pauses.iter().any(|pause| *pause > SHORT));
}
