//! The rails: a suspicious run is halted before it writes, and an operator can force it.

use gateway_core::sync::RunState;
use serde_json::json;

use crate::world::World;

#[tokio::test]
async fn an_empty_int6_halts() {
    let world = World::town(30).await;
    world.sandbox.int6().clear();
    let report = world.sync().await;
    assert_eq!(report.state, RunState::Halted);
    assert_eq!(report.halted_because.as_deref(), Some("INT6 returned 0 of 30 clients"));
    assert_eq!(world.writes(), 0);
    let forced = world.forced().await;
    assert_eq!((forced.state, world.writes()), (RunState::Finished, 0), "there is nothing to write");
}

#[tokio::test]
async fn an_empty_ozmap_halts() {
    let world = World::empty().await;
    world.reading("1", json!(-20));
    let report = world.sync().await;
    assert_eq!(report.state, RunState::Halted);
    assert_eq!(report.halted_because.as_deref(), Some("OZmap returned 0 clients for 1 readings of INT6"));
}

#[tokio::test]
async fn a_mass_outage_is_held_and_can_be_forced() {
    let world = World::town(100).await;
    for code in world.sandbox.ozmap().codes().iter().take(51) {
        world.reading(code, json!("LOS"));
    }
    let report = world.sync().await;
    assert_eq!((report.state, report.counts.held, report.counts.changed), (RunState::Finished, 51, 0));
    let held = &report.notes.held[0];
    assert_eq!((held.field.as_str(), held.clients), ("status", 51));
    assert!(held.because.starts_with("51 of 100 clients would turn to Error"), "{held:?}");
    assert_eq!(world.writes(), 0);
    assert!(world.changes(&report).await.iter().all(|line| line.ends_with("held")), "it can be looked at");

    let forced = world.forced().await;
    assert_eq!((forced.state, forced.counts.changed), (RunState::Finished, 51));
    let after = world.sync().await;
    assert_eq!(
        (after.state, after.counts.held),
        (RunState::Finished, 0),
        "clients in error already hold nothing"
    );
}

#[tokio::test]
async fn an_ordinary_outage_is_written() {
    let world = World::town(100).await;
    for code in world.sandbox.ozmap().codes().iter().take(50) {
        world.reading(code, json!("LOS"));
    }
    let report = world.sync().await;
    assert_eq!((report.state, report.counts.changed), (RunState::Finished, 50));
    assert_eq!(report.calls.ozmap_writes, 1, "one value, one call");
}
