//! An installation while OZmap is away, slow, or keeps the key out.

use std::time::{Duration, Instant};

use gateway_sandbox::Fault;
use rstest::rstest;

use crate::activation::at;
use crate::api::problem;
use crate::technician::{Technician, said};
use crate::world::World;

#[tokio::test]
async fn an_ozmap_that_is_down_is_told_each_time_and_left_alone_after_a_while() {
    let technician = impatient().await;
    let ozmap = technician.world.sandbox.ozmap();
    ozmap.faults().fail_route("/", 1_000, Fault::Status(503));
    for _ in 0..6 {
        let asked = Instant::now();
        away(technician.activate("147", at(&technician.network.ctos[0], 1)).await, asked).await;
    }
    ozmap.calls().reset();
    let asked = Instant::now();
    away(technician.activate("147", at(&technician.network.ctos[0], 1)).await, asked).await;
    assert_eq!(ozmap.calls().counts().total(), 0);
}

#[tokio::test]
async fn a_wrong_key_for_ozmap_is_told_as_a_refusal() {
    let mut world = World::empty().await;
    world.set("OZMAP_API_KEY", "another-key-altogether");
    let technician = Technician::over(world).await;
    let refused =
        problem(technician.activate("147", at(&technician.network.ctos[0], 1)).await, 502, "ozmap_rejected")
            .await;
    assert!(!refused.to_string().contains("another-key-altogether"), "{refused}");
}

/// A gateway whose callers wait for a second.
async fn impatient() -> Technician {
    let mut world = World::empty().await;
    world.set("PROVISIONING_ANSWER_WITHIN_SECONDS", "1");
    Technician::over(world).await
}

/// Asserts a 503 that came in time and says when to come again.
async fn away(answer: reqwest::Response, asked: Instant) {
    assert!(asked.elapsed() < Duration::from_millis(1_500), "{:?}", asked.elapsed());
    let seconds = answer.headers()["retry-after"].to_str().expect("a text").parse::<u64>().expect("a number");
    assert!((1..=600).contains(&seconds));
    problem(answer, 503, "ozmap_unreachable").await;
}

#[rstest]
#[case::failing(Fault::Status(503))]
#[case::cut(Fault::Cut)]
#[case::silent(Fault::Hang(Duration::from_secs(3)))]
#[tokio::test]
async fn without_ozmap_the_caller_is_told_in_time_and_nothing_is_done_later(#[case] fault: Fault) {
    let technician = impatient().await;
    let ozmap = technician.world.sandbox.ozmap();
    ozmap.faults().fail_route("GET /splitters/", 1, fault.clone());
    // The calls are repeated: all of them fail.
    ozmap.faults().fail_route("GET /splitters/", 7, Fault::Status(503));
    let asked = Instant::now();
    away(technician.activate("147", at(&technician.network.ctos[0], 1)).await, asked).await;
    ozmap.faults().heal();
    tokio::time::sleep(Duration::from_millis(if matches!(fault, Fault::Hang(_)) { 2_300 } else { 100 }))
        .await;
    assert_eq!(
        (technician.counted(), technician.world.writes()),
        ((0, 0), 0),
        "who was told no is not connected behind his back"
    );
    said(technician.activate("147", at(&technician.network.ctos[0], 1)).await, 201).await;
}

#[tokio::test]
async fn who_waits_in_line_too_long_is_not_connected_later_and_what_was_begun_is_finished() {
    let technician = impatient().await;
    let cto = technician.network.ctos[0].clone();
    technician.world.sandbox.ozmap().faults().fail_route(
        "POST /properties",
        1,
        Fault::Hang(Duration::from_millis(1_800)),
    );
    let asked = Instant::now();
    let (first, second) = tokio::join!(technician.activate("147", at(&cto, 1)), async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        technician.activate("148", at(&cto, 2)).await
    });
    away(first, asked).await;
    assert_eq!(second.status(), 503);
    technician.until("the first is finished", |technician| technician.on_port(&cto, 1).is_some()).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!((technician.on_port(&cto, 2), technician.counted()), (None, (1, 1)));
    let again = Instant::now();
    said(technician.activate("148", at(&cto, 2)).await, 201).await;
    assert!(again.elapsed() < Duration::from_millis(900), "no lock was left behind: {:?}", again.elapsed());
}
