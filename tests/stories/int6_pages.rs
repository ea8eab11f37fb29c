//! INT6's list, page by page: where it ends, and what must not end it. How it is walked in detail stands beside the code
//! (`src/int6/bulk/tests.rs`).

use gateway_core::sync::RunState;
use gateway_sandbox::Fault;
use rstest::rstest;
use serde_json::json;

use crate::world::World;

fn said(status: u16, body: &str) -> Fault {
    Fault::StatusWith { status, retry_after: None, body: body.to_owned() }
}

/// Data calls: all but the one for a token.
fn pages_asked(world: &World) -> usize {
    world.sandbox.int6().calls().recorded().iter().filter(|call| call.path.contains("/api/diag")).count()
}

#[rstest]
#[case(said(204, ""))]
#[case(Fault::Body(String::new()))]
#[case(Fault::Body("null".to_owned()))]
#[case(Fault::Body(r#"{"onu_status":null}"#.to_owned()))]
#[case(Fault::Body(r#"{"error":"no such page"}"#.to_owned()))]
#[case(said(400, ""))]
#[case(said(416, ""))]
#[case(said(422, ""))]
#[case(said(500, ""))]
#[case(Fault::NotJson)]
#[tokio::test]
async fn one_client_is_read_whatever_stands_on_page_2(#[case] beyond: Fault) {
    let world = World::empty().await;
    world.client("147");
    world.reading("147", json!(-22.5));
    // A token and page 1 pass.
    world.sandbox.int6().faults().fail_after(2, 1_000, beyond);
    let report = world.sync().await;
    assert_eq!((report.state, report.error.as_deref(), report.counts.matched), (RunState::Finished, None, 1));
    assert_eq!((world.held("147").0, pages_asked(&world)), (json!(-22.5), 2));
}

#[rstest]
#[case(500)]
#[case(400)]
#[case(422)]
#[case(416)]
#[tokio::test]
async fn a_host_that_fails_behind_its_short_last_page_is_read_whole(#[case] status: u16) {
    let mut world = World::town(37).await;
    world.set("INT6_PAGE_SIZE", "30");
    // A token and both pages pass, one after the other.
    world.set("UPSTREAM_MAX_IN_FLIGHT", "1");
    world.sandbox.int6().faults().fail_after(3, 1_000, said(status, "{}"));
    let report = world.sync().await;
    assert_eq!(
        (report.state, report.error.as_deref(), report.counts.matched),
        (RunState::Finished, None, 37)
    );
    assert!(pages_asked(&world) <= 5, "page 1, and four at once");
}

#[rstest]
#[case(said(204, ""))]
#[case(Fault::Body("null".to_owned()))]
#[case(Fault::Body(r#"{"onu_status":null}"#.to_owned()))]
#[case(said(404, ""))]
#[tokio::test]
async fn a_full_last_page_may_have_nothing_behind_it(#[case] beyond: Fault) {
    let mut world = World::town(40).await;
    world.set("INT6_PAGE_SIZE", "40");
    world.sandbox.int6().faults().fail_after(2, 1_000, beyond);
    let report = world.sync().await;
    assert_eq!(
        (report.state, report.error.as_deref(), report.counts.matched),
        (RunState::Finished, None, 40)
    );
}

#[tokio::test]
async fn a_host_that_ignores_the_page_fails_the_run_and_says_what_to_set() {
    let world = World::empty().await;
    for code in 1..=3 {
        world.client(&code.to_string());
    }
    let rows = world.sandbox.int6().rows();
    world.sandbox.int6().faults().fail_route("/api/diag", 1_000, Fault::Body(json!(rows).to_string()));
    let mut world = world;
    world.set("INT6_PAGE_SIZE", "3");
    let report = world.sync().await;
    assert_eq!((report.state, world.writes()), (RunState::Failed, 0));
    let error = report.error.unwrap_or_default();
    assert!(error.contains("the host ignores `page`, set the page size above the number of ONUs"), "{error}");
    assert!(pages_asked(&world) <= 5, "page 1, and four at once");
}

#[tokio::test]
async fn an_envelope_with_an_empty_list_of_errors_is_an_answer() {
    let world = World::empty().await;
    world.client("147");
    let rows = json!([{"gpon_client_id": 147, "rx_power": -22.5}]);
    for body in [
        json!({"data": rows, "errors": []}),
        json!({"onu_status": rows, "messages": []}),
        json!({"data": {"onu_status": rows}, "errors": []}),
    ] {
        world.sandbox.int6().faults().fail_route("/api/diag", 2, Fault::Body(body.to_string()));
        let report = world.sync().await;
        assert_eq!((report.state, report.counts.matched), (RunState::Finished, 1), "{body}");
    }
    assert_eq!(world.held("147").0, json!(-22.5));
}

#[tokio::test]
async fn what_int6_says_of_its_failure_is_quoted() {
    let world = World::town(20).await;
    let body = r#"{"error":"Usuario sem permissao para esta API"}"#.to_owned();
    world.sandbox.int6().faults().fail_route("/api/diag", 10, Fault::Body(body));
    let report = world.sync().await;
    assert_eq!((report.state, world.writes()), (RunState::Failed, 0));
    let error = report.error.unwrap_or_default();
    assert!(error.ends_with("it said: Usuario sem permissao para esta API"), "{error}");
}

#[tokio::test]
async fn a_row_that_stands_on_two_pages_is_no_duplicate() {
    let mut world = World::empty().await;
    for code in 1..=5 {
        world.client(&code.to_string());
    }
    world.set("INT6_PAGE_SIZE", "3");
    // The second page is asked for before the third.
    world.set("UPSTREAM_MAX_IN_FLIGHT", "1");
    let row = |n: u32, power: f64| json!({"id": 900 + n, "gpon_client_id": n, "rx_power": power});
    let (first, second) = (
        json!([row(1, -20.0), row(2, -20.0), row(3, -20.0)]),
        json!([row(3, -23.0), row(4, -20.0), row(5, -20.0)]),
    );
    let faults = world.sandbox.int6().faults();
    faults.fail_after(1, 1, Fault::Body(first.to_string()));
    faults.fail_route("/api/diag/v2/onu_status", 1, Fault::Body(second.to_string()));
    world.sandbox.int6().clear();
    let report = world.sync().await;
    assert_eq!((report.counts.duplicates, report.counts.matched), (0, 5), "{:?}", report.error);
    assert_eq!(world.held("3").0, json!(-23.0), "the later look counts");
}
