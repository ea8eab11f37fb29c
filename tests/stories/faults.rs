//! What goes wrong between the systems, and what the sync makes of it.

use std::time::Duration;

use gateway_core::sync::RunState;
use gateway_sandbox::Fault;
use rstest::rstest;
use serde_json::json;

use crate::world::World;

/// A town of 60 clients with a reading of its own for each, so that there is something to write.
async fn busy_town() -> World {
    let world = World::town(60).await;
    for (i, code) in world.sandbox.ozmap().codes().iter().enumerate() {
        world.reading(code, json!(-20.005 - i as f64 / 20.0));
    }
    world
}

fn with_status(status: u16) -> Fault {
    Fault::StatusWith { status, retry_after: Some(0), body: r#"{"message":"later"}"#.to_owned() }
}

#[rstest]
#[case::too_many(with_status(429))]
#[case::unavailable(with_status(503))]
#[case::failing(Fault::Status(500))]
#[case::bad_gateway(Fault::Status(502))]
#[case::cut(Fault::Cut)]
#[case::html(Fault::NotJson)]
#[case::half_a_page(Fault::Body(r#"{"total":60,"rows":[{"id":"#.to_owned()))]
#[case::no_answer(Fault::DoThenCut)]
#[tokio::test]
async fn a_passing_failure_of_a_read_is_repeated(#[case] fault: Fault) {
    let world = busy_town().await;
    world.sandbox.ozmap().faults().fail_route("/api/v2/properties", 2, fault.clone());
    world.sandbox.int6().faults().fail_route("/api/diag", 2, fault);
    let report = world.sync().await;
    assert_eq!((report.state, report.error.as_deref()), (RunState::Finished, None));
    assert_eq!((report.counts.matched, report.counts.failed), (60, 0));
}

#[tokio::test]
async fn a_time_out_is_repeated() {
    let mut world = busy_town().await;
    world.set("UPSTREAM_TIMEOUT_SECONDS", "1");
    world.sandbox.ozmap().faults().fail_route("/api/v2/properties", 1, Fault::Hang(Duration::from_secs(5)));
    let report = world.sync().await;
    assert_eq!((report.state, report.counts.matched), (RunState::Finished, 60));
}

#[tokio::test]
async fn retry_after_is_waited_for() {
    let world = busy_town().await;
    let wait = Fault::StatusWith { status: 429, retry_after: Some(1), body: String::new() };
    world.sandbox.int6().faults().fail_route("/api/diag", 1, wait);
    let begun = std::time::Instant::now();
    assert_eq!(world.sync().await.state, RunState::Finished);
    assert!(begun.elapsed() >= Duration::from_secs(1), "{:?}", begun.elapsed());
}

#[rstest]
#[case::cut(Fault::DoThenCut)]
#[case::unavailable(Fault::Status(503))]
#[case::failing(Fault::Status(500))]
#[tokio::test]
async fn a_passing_failure_of_a_write_is_repeated_because_it_sets_a_full_value(#[case] fault: Fault) {
    let world = busy_town().await;
    world.sandbox.ozmap().faults().fail_route("/api/v2/properties/", 3, fault);
    let report = world.sync().await;
    assert_eq!((report.state, report.counts.changed, report.counts.failed), (RunState::Finished, 60, 0));
    assert_eq!(world.sync().await.counts.changed, 0);
}

#[tokio::test]
async fn a_wrong_key_fails_the_run_and_says_what_to_check() {
    let mut world = busy_town().await;
    world.set("OZMAP_API_KEY", "another-key-altogether");
    let report = world.sync().await;
    assert_eq!(report.state, RunState::Failed);
    let error = report.error.unwrap_or_default();
    assert!(
        error.starts_with("OZmap, list properties with their clients: the credentials were not accepted"),
        "{error}"
    );
    assert!(!error.contains("another-key-altogether"), "{error}");
}

#[tokio::test]
async fn an_ozmap_that_is_away_fails_the_run_and_is_left_alone_for_a_while() {
    let world = busy_town().await;
    world.sandbox.ozmap().faults().fail_route("/", 1_000, Fault::Status(503));
    let engine = world.engine();
    let rounds = 8;
    let mut errors = Vec::new();
    for _ in 0..rounds {
        let report =
            world.run(&engine, gateway_core::sync::Mode::Apply, gateway_core::sync::Rails::Hold).await;
        assert_eq!(report.state, RunState::Failed);
        errors.push(report.error.unwrap_or_default());
    }
    assert!(errors[0].contains("the host failed with status 503"), "{}", errors[0]);
    assert!(errors[7].contains("is left alone for a while"), "{}", errors[7]);
    let tried = world.sandbox.ozmap().calls().counts().reads;
    assert!(tried < rounds * 4, "{tried} reads: the circuit breaker never opened");
}

#[tokio::test]
async fn ozmap_going_away_in_the_middle_costs_only_what_was_not_written_and_the_next_run_goes_on() {
    let world = busy_town().await;
    world.sandbox.ozmap().faults().fail_after(30, 40, Fault::Status(503));
    let report = world.sync().await;
    assert_eq!(report.state, RunState::Finished);
    assert!(report.counts.failed > 0 && report.counts.changed > 0, "{:?}", report.counts);
    assert_eq!(report.counts.failed + report.counts.changed + report.counts.unchanged, 60);
    let failed = world.changes(&report).await.iter().filter(|line| line.ends_with("failed")).count() as u64;
    assert_eq!(failed, report.counts.failed);
    world.sandbox.ozmap().faults().heal();
    let again = world.sync().await;
    assert_eq!((again.counts.changed, again.counts.failed), (report.counts.failed, 0));
    assert_eq!(world.sync().await.counts.changed, 0);
}

#[tokio::test]
async fn a_host_that_fails_at_random_is_synced_all_the_same() {
    let options = gateway_sandbox::Options { clients: 500, fail_percent: 10.0, ..Default::default() };
    let world = World::new(options, false).await;
    for _ in 0..5 {
        let report = world.sync().await;
        if report.state == RunState::Finished && report.counts.changed + report.counts.failed == 0 {
            return;
        }
    }
    panic!("five runs did not bring both sides into step");
}
