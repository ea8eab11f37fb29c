use gateway_core::sync::{Reading, RowShape};
use gateway_core::{ClientCode, PowerReading};
use rstest::rstest;

use super::*;

const HOUR: Option<SignedDuration> = Some(SignedDuration::from_hours(1));

fn now() -> Timestamp {
    "2026-11-20T10:00:00Z".parse().expect("a time")
}

fn sample(times: impl IntoIterator<Item = ReadingTime>, name: &str) -> Sample {
    let code = ClientCode::new("147").expect("a code");
    let reading = |updated_at| Reading {
        code: code.clone(),
        power: PowerReading::Absent,
        serial: None,
        pppoe_user: None,
        mac: None,
        updated_at,
    };
    let mut sample = Sample::default();
    sample.readings = times.into_iter().map(reading).collect();
    sample.shape = RowShape { field_names: [name.into()].into(), ..RowShape::default() };
    sample
}

/// Ages in minutes.
fn aged(minutes: impl IntoIterator<Item = i64>) -> Sample {
    let at = |minutes| ReadingTime::At(now() - SignedDuration::from_mins(minutes));
    sample(minutes.into_iter().map(at), "updated_at")
}

fn judged(sample: &Sample, stale_after: Option<SignedDuration>) -> Check {
    let mut checks = ages(sample, &Fields::default(), stale_after, now());
    assert_eq!(checks.len(), 1, "{checks:?}");
    checks.remove(0)
}

#[rstest]
#[case::fresh(aged([3, 5, 9]), HOUR, CheckStatus::Ok, "median age 5 min, the newest 3 min")]
#[case::old_and_no_limit(aged([90, 100, 200]), None, CheckStatus::Warn, "readings are old")]
#[case::old(aged([90, 100, 200]), HOUR, CheckStatus::Fail, "3 of 3 readings of INT6 are older than 1 h")]
#[case::some_old(aged([3, 5, 200]), HOUR, CheckStatus::Ok, "fresh")]
#[case::from_the_future(aged([-180, -180, -170]), None, CheckStatus::Warn, "by up to 3 h")]
#[case::from_the_future_with_a_limit(aged([-180, -180, 1]), HOUR, CheckStatus::Fail, "2 of 3")]
#[case::a_little_ahead(aged([-4, 1, 2]), HOUR, CheckStatus::Ok, "fresh")]
fn ages_are_judged_by_the_limit_and_the_clock(
    #[case] sample: Sample,
    #[case] stale_after: Option<SignedDuration>,
    #[case] expected: CheckStatus,
    #[case] told: &str,
) {
    let check = judged(&sample, stale_after);
    assert_eq!(check.status, expected, "{check:?}");
    assert!(check.detail.contains(told), "{check:?}");
}

#[test]
fn whole_hours_are_a_time_zone() {
    let remedy = |minutes: i64| judged(&aged([minutes]), None).remedy.unwrap_or_default();
    assert!(remedy(185).contains("INT6_TIME_ZONE") && remedy(-180).contains("INT6_TIME_ZONE"));
    assert!(!remedy(150).contains("INT6_TIME_ZONE"));
}

#[rstest]
#[case::no_such_field("read_at", "no row of INT6 has a field `updated_at`", "did you mean `read_at`?")]
#[case::says_nothing("updated_at", "says no time in any row", "`int6.updated_at_field`")]
fn a_time_that_is_not_there_fails_where_a_limit_needs_it(
    #[case] name: &str,
    #[case] told: &str,
    #[case] helps: &str,
) {
    let sample = sample([ReadingTime::Unsaid; 3], name);
    for (limit, expected) in [(HOUR, CheckStatus::Fail), (None, CheckStatus::Warn)] {
        let check = judged(&sample, limit);
        assert_eq!(check.status, expected, "{check:?}");
        assert!(check.detail.contains(told), "{check:?}");
        assert!(check.remedy.as_ref().is_some_and(|remedy| remedy.contains(helps)), "{check:?}");
        assert_eq!(check.detail.contains("SYNC_STALE_AFTER_SECONDS"), limit.is_some());
    }
}

#[test]
fn times_that_are_not_understood_are_counted() {
    let sample = sample(
        [ReadingTime::NotUnderstood, ReadingTime::NotUnderstood, ReadingTime::At(now())],
        "updated_at",
    );
    assert_eq!(judged(&sample, HOUR).status, CheckStatus::Fail);
    let check = judged(&sample, None);
    assert_eq!(check.status, CheckStatus::Warn);
    assert!(
        check.detail.starts_with("2 times in `updated_at` of INT6 are not understood, 1 are"),
        "{check:?}"
    );
}
