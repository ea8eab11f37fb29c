//! What an OZmap, and what stands in front of it, does with writes; and what counts as written.

use gateway_core::sync::RunState;
use gateway_sandbox::{Fault, FilterManner, OzmapManners, TestClient, WriteManner};
use rstest::rstest;
use serde_json::json;

use crate::technician::{Technician, said};
use crate::world::World;

/// Clients whose power is to become −31.53, all the same value.
async fn alike(clients: usize, manners: OzmapManners) -> World {
    let world = World::town(clients).await;
    for code in world.sandbox.ozmap().codes() {
        world.reading(&code, json!(-31.53));
    }
    world.sandbox.ozmap().set_manners(manners);
    world
}

#[tokio::test]
async fn an_answer_with_the_record_counts_as_written() {
    let world = alike(30, OzmapManners { writes: WriteManner::Record, ..OzmapManners::default() }).await;
    let report = world.forced().await;
    assert_eq!((report.state, report.counts.changed, report.counts.failed), (RunState::Finished, 30, 0));
    assert_eq!(world.sync().await.counts.changed, 0);
}

#[rstest]
#[case::a_page(WriteManner::HtmlPage, "it is an HTML page")]
#[case::an_error(WriteManner::ErrorWith200, "it said: no permission")]
#[tokio::test]
async fn a_200_that_is_no_answer_of_ozmap_is_never_told_as_applied(
    #[case] writes: WriteManner,
    #[case] expected: &str,
) {
    let world = alike(30, OzmapManners { writes, ..OzmapManners::default() }).await;
    let report = world.forced().await;
    assert_eq!(report.counts.changed, 0);
    assert!(world.changes(&report).await.iter().all(|line| !line.ends_with("applied")));
    assert!(report.failures.iter().all(|(_, why)| why.contains(expected)), "{:?}", report.failures);
    let code = &world.sandbox.ozmap().codes()[0];
    assert_ne!(world.held(code).0, json!(-31.53));
}

#[rstest]
#[case::forbidden(FilterManner::Forbidden)]
#[case::a_page(FilterManner::HtmlPage)]
#[tokio::test]
async fn a_firewall_that_dislikes_filters_costs_a_few_reads_and_no_client(#[case] filters: FilterManner) {
    let world = alike(40, OzmapManners { filters, ..OzmapManners::default() }).await;
    let report = world.forced().await;
    assert_eq!((report.state, report.counts.changed, report.counts.failed), (RunState::Finished, 40, 0));
    assert_eq!(report.calls.ozmap_writes, 40, "record by record");
    let filtered =
        world.sandbox.ozmap().calls().recorded().iter().filter(|c| c.query.contains("filter")).count();
    assert_eq!(filtered, 2, "seen once");
}

#[rstest]
#[case::forbidden(FilterManner::Forbidden)]
#[case::a_page(FilterManner::HtmlPage)]
#[tokio::test]
async fn a_firewall_that_dislikes_filters_keeps_no_client_from_being_found(#[case] filters: FilterManner) {
    let technician = Technician::open().await;
    let ozmap = technician.world.sandbox.ozmap();
    ozmap.add_client_without_property(TestClient::new("148"));
    ozmap.set_manners(OzmapManners { filters, ..OzmapManners::default() });
    let at = json!({"splitter_id": technician.network.ctos[0], "port": 3});
    said(technician.activate("148", at.clone()).await, 200).await;
    let at = json!({"splitter_id": technician.network.ctos[0], "port": 4});
    said(technician.create("149", at).await, 201).await;
    assert_eq!(technician.counted(), (2, 2));
}

#[tokio::test]
async fn a_batch_update_that_is_away_once_is_written_around() {
    let world = alike(40, OzmapManners::default()).await;
    world.sandbox.ozmap().faults().fail_route("/api/v2/properties/batch-update", 1, Fault::Status(404));
    let report = world.forced().await;
    assert_eq!((report.counts.changed, report.counts.failed), (40, 0));
    assert_eq!(world.sync().await.counts.changed, 0);
}
