//! How changes are written: by value, narrowed down to the records at fault, one by one where it has to be.

use gateway_core::sync::{Fields, Mode, Rails, RunState};
use gateway_sandbox::{Fault, Options, TestClient};
use serde_json::json;

use crate::world::World;

/// Some clients whose power is to become −21.53, all the same value.
async fn alike(clients: usize) -> World {
    let world = World::town(clients).await;
    for code in world.sandbox.ozmap().codes() {
        world.reading(&code, json!(-31.53));
    }
    world
}

fn batches(world: &World) -> usize {
    world.sandbox.ozmap().calls().writes().iter().filter(|call| call.path.ends_with("/batch-update")).count()
}

#[tokio::test]
async fn one_value_on_many_clients_is_one_call() {
    let world = alike(150).await;
    let report = world.forced().await;
    assert_eq!((report.counts.changed, report.calls.ozmap_writes, world.writes()), (150, 1, 1));
    let call = &world.sandbox.ozmap().calls().writes()[0];
    assert_eq!((call.method.as_str(), call.path.as_str()), ("POST", "/api/v2/properties/batch-update"));
    assert_eq!(call.body["update"], json!({"potencyRead": -31.53}));
    assert_eq!(world.sync().await.calls.ozmap_writes, 0, "works twice");
}

#[tokio::test]
async fn the_calls_grow_with_the_values_and_not_with_the_clients() {
    let world = World::town(400).await;
    for (i, code) in world.sandbox.ozmap().codes().iter().enumerate() {
        world.reading(code, json!(-30.0 - (i % 7) as f64 / 100.0));
    }
    let report = world.forced().await;
    assert_eq!((report.counts.changed, report.calls.ozmap_writes), (400, 7));
}

#[tokio::test]
async fn five_thousand_clients_and_eight_hundred_values_cost_little_more_than_the_values() {
    let world = World::town(5_000).await;
    for (i, code) in world.sandbox.ozmap().codes().iter().enumerate() {
        world.reading(code, json!(-28.0 - (i % 800) as f64 / 100.0));
    }
    let report = world.forced().await;
    assert_eq!((report.state, report.counts.changed), (RunState::Finished, 5_000));
    assert!(report.calls.ozmap_writes <= 840, "{} writes", report.calls.ozmap_writes);
    // Ten pages; how many clients there are, two tries of a filter, and two readings back at most.
    assert!(report.calls.ozmap_reads <= 10 + 4, "{} reads", report.calls.ozmap_reads);
}

#[tokio::test]
async fn a_value_of_its_own_is_a_patch_with_all_fields_of_the_record() {
    let world = World::empty().await;
    world.sandbox.ozmap().add_client(TestClient::new("147").implanted(false).status(1));
    let row = json!({"gpon_client_id": 147, "rx_power": -20, "pppoe_username": "maria.147"});
    world.sandbox.int6().set_row("147", row);
    world.sync().await;
    let writes = world.sandbox.ozmap().calls().writes();
    let methods: Vec<_> = writes.iter().map(|call| call.method.as_str()).collect();
    assert_eq!(methods, ["PATCH", "PATCH"], "one for the property, one for the client");
}

#[tokio::test]
async fn one_poisoned_record_fails_alone() {
    let world = alike(100).await;
    let poisoned = world.sandbox.ozmap().codes()[37].clone();
    world.sandbox.ozmap().refuse_client(&poisoned);
    let report = world.forced().await;
    assert_eq!((report.state, report.counts.changed, report.counts.failed), (RunState::Finished, 99, 1));
    let failed: Vec<String> =
        world.changes(&report).await.into_iter().filter(|line| line.ends_with("failed")).collect();
    assert_eq!(failed, [format!("{poisoned} read_power {} -> -31.53 failed", world.held(&poisoned).0)]);
    assert!(world.writes() < 20, "{} writes to find one of a hundred", world.writes());
    let (change, reason) = &report.failures[0];
    assert!(change.starts_with(&format!("~ {poisoned}  power")), "{change}");
    assert!(reason.starts_with("OZmap, update a property: refused with status 422"), "{reason}");
    world.sandbox.ozmap().forgive();
    assert_eq!(world.sync().await.counts.changed, 1);
}

#[tokio::test]
async fn several_poisoned_records_fail_alone_whatever_the_field() {
    let world = World::empty().await;
    for code in 1..=60 {
        world
            .sandbox
            .ozmap()
            .add_client(TestClient::new(&code.to_string()).implanted(false).status(1).potency_read(-20.0));
        world.reading(&code.to_string(), json!(-21));
    }
    for code in ["7", "8", "33"] {
        world.sandbox.ozmap().refuse_client(code);
    }
    let report = world.forced().await;
    assert_eq!((report.counts.changed, report.counts.failed), (57, 3));
    assert_eq!(world.held("9"), (json!(-21.0), json!(0), json!(true)));
    assert_eq!(world.held("8"), (json!(-20.0), json!(1), json!(false)));
}

#[tokio::test]
async fn without_batch_update_records_are_written_one_by_one_and_that_is_remembered() {
    let options = Options { clients: 40, messy: false, batch_update: false, ..Options::default() };
    let world = World::new(options, false).await;
    let engine = world.engine();
    for (power, expected_batches) in [(-31.53, 1), (-32.53, 1)] {
        for code in world.sandbox.ozmap().codes() {
            world.reading(&code, json!(power));
        }
        let report = world.run(&engine, Mode::Apply, Rails::Forced(Fields::ALL)).await;
        assert_eq!((report.state, report.counts.changed, report.counts.failed), (RunState::Finished, 40, 0));
        assert_eq!(batches(&world), expected_batches, "asked once, then remembered");
    }
}

#[tokio::test]
async fn a_405_means_the_same_as_a_404() {
    let world = alike(30).await;
    world.sandbox.ozmap().faults().fail_route("/api/v2/properties/batch-update", 1, Fault::Status(405));
    let report = world.forced().await;
    assert_eq!((report.counts.changed, report.counts.failed, batches(&world)), (30, 0, 1));
}

#[tokio::test]
async fn batching_can_be_switched_off() {
    let mut world = alike(30).await;
    world.set("SYNC_BATCHING", "off");
    let report = world.forced().await;
    assert_eq!((report.counts.changed, report.calls.ozmap_writes, batches(&world)), (30, 30, 0));
}

#[tokio::test]
async fn a_host_that_ignores_filters_is_never_given_a_batch() {
    let world = alike(30).await;
    // What `?filter=` would answer on a host that ignores it: everyone.
    let everyone: Vec<_> = (0..25).map(|i| json!({"id": format!("{i:024x}")})).collect();
    let body = json!({"total": 30, "count": 25, "rows": everyone, "start": 0, "limit": 25}).to_string();
    world.sandbox.ozmap().faults().fail_after(2, 2, Fault::Body(body));
    let report = world.forced().await;
    assert_eq!((report.counts.changed, report.counts.failed, batches(&world)), (30, 0, 0));
    assert_eq!(
        report.calls.ozmap_reads, 4,
        "one page, how many clients there are, and two tries of a filter"
    );
}

#[tokio::test]
async fn a_batch_that_fails_for_another_reason_is_tried_in_smaller_parts() {
    let world = alike(64).await;
    world.sandbox.ozmap().faults().fail_route("/api/v2/properties/batch-update", 4, Fault::Status(500));
    let report = world.forced().await;
    assert_eq!((report.counts.changed, report.counts.failed), (64, 0));
}

#[tokio::test]
async fn the_older_envelope_is_read_page_by_page() {
    let options = Options { clients: 130, messy: false, next_urls: false, ..Options::default() };
    let mut world = World::new(options, false).await;
    world.set("OZMAP_PAGE_SIZE", "25");
    let report = world.forced().await;
    assert_eq!((report.counts.ozmap_clients, report.counts.matched), (130, 130));
}

#[tokio::test]
async fn the_cursor_is_followed_to_the_end() {
    let mut world = World::town(130).await;
    world.set("OZMAP_PAGE_SIZE", "25");
    let report = world.forced().await;
    assert_eq!((report.counts.ozmap_clients, report.counts.matched), (130, 130));
    assert!(world.sandbox.ozmap().calls().recorded().iter().any(|call| call.query.contains("lastSeenId")));
}
