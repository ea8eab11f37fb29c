use super::*;

const LIFE: Duration = Duration::from_millis(200);

fn other(sign: i64, age_ms: i64) -> Other {
    Other { id: "other".to_owned(), sign, age_ms, life_ms: LIFE.as_millis() as i64 }
}

/// Looks every 20 ms at another whose sign and age are told by the time since the first look; when it was found dead.
fn found_dead(within: Duration, row: impl Fn(Duration) -> Other) -> Option<Duration> {
    let (watcher, begun) = (Process::with_life(LIFE), Instant::now());
    while begun.elapsed() < within {
        if !watcher.dead(vec![row(begun.elapsed())]).is_empty() {
            return Some(begun.elapsed());
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    None
}

#[test]
fn who_is_silent_for_its_life_is_dead() {
    let silent = |passed: Duration| other(1, passed.as_millis() as i64);
    let found = found_dead(LIFE * 3, silent).expect("it is dead");
    assert!(found >= LIFE, "{found:?}");
}

#[test]
fn who_died_long_ago_is_watched_for_a_while_first() {
    let found = found_dead(LIFE * 3, |_| other(1, 3_600_000)).expect("it is dead");
    assert!(found >= LIFE.mul_f64(0.4), "{found:?}");
}

#[test]
fn a_clock_that_leaps_ahead_kills_nobody_that_gives_signs() {
    let beats = |passed: Duration| other(passed.as_millis() as i64 / 40, 3_600_000);
    assert_eq!(found_dead(LIFE * 2, beats), None);
}

#[test]
fn a_clock_that_is_put_back_keeps_no_dead_alive() {
    let found = found_dead(LIFE * 4, |_| other(1, -3_600_000)).expect("it is dead");
    assert!(found >= LIFE, "{found:?}");
}

#[test]
fn a_watcher_that_was_stopped_begins_anew() {
    let watcher = Process::with_life(LIFE);
    assert_eq!(watcher.dead(vec![other(1, 0)]), []);
    std::thread::sleep(LIFE * 2);
    assert_eq!(
        watcher.dead(vec![other(1, 400)]),
        [],
        "it was not looking, and neither may the other have been running"
    );
}

#[test]
fn every_start_is_another_process() {
    let (one, two) = (Process::current(), Process::current());
    assert_ne!(one.id(), two.id());
    assert!(one.id().parse::<Uuid>().is_ok(), "nothing of host or process number is in it");
    let of = Uuid::now_v7();
    assert!(one.has_dropped(&one.holder(of)), "nobody in it holds it");
    one.expect(&one.holder(of), CancellationToken::new());
    assert!(!one.has_dropped(&one.holder(of)) && !one.has_dropped(&two.holder(of)));
}

#[test]
fn places_in_the_beat_lie_apart_however_many_there_are() {
    let process = Process::current();
    let mut places: Vec<f64> = (0..1_000).map(|_| process.draw_place()).collect();
    assert_eq!(places[..4], [0.0, 0.5, 0.25, 0.75], "the first runs at once");
    places.sort_by(f64::total_cmp);
    assert!(places.windows(2).all(|two| two[1] - two[0] < 0.002), "no two first runs are far apart");
    assert!(places.windows(2).all(|two| two[1] - two[0] > 0.000_9), "no two begin together");
}
