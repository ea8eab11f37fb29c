//! Lists of OZmap that do not end, or count, as the contract says.

use gateway_core::sync::RunState;
use gateway_sandbox::{Fault, Options, OzmapManners, PageManner, TestClient, TotalManner};
use rstest::rstest;
use serde_json::json;

use crate::world::World;

/// Seven clients in order on both sides, read in pages of three, by the older envelope.
async fn seven(manners: OzmapManners) -> World {
    let options = Options { clients: 20, messy: false, next_urls: false, ..Options::default() };
    let mut world = World::new(options, true).await;
    (1..=7).for_each(|code| world.client(&code.to_string()));
    world.set("OZMAP_PAGE_SIZE", "3");
    world.sandbox.ozmap().set_manners(manners);
    world
}

/// Pages of properties that were asked for.
fn pages(world: &World) -> usize {
    let calls = world.sandbox.ozmap().calls().recorded();
    calls.iter().filter(|call| call.path == "/api/v2/properties").count()
}

#[rstest]
#[case::told(TotalManner::Told)]
#[case::zero(TotalManner::Zero)]
#[case::of_the_page(TotalManner::RowsOfThePage)]
#[case::none(TotalManner::Absent)]
#[tokio::test]
async fn whatever_the_total_says_the_list_is_read_to_its_short_page(
    #[case] total: TotalManner,
    #[values(false, true)] hides_limit: bool,
) {
    let world = seven(OzmapManners { total, hides_limit, ..OzmapManners::default() }).await;
    let report = world.sync().await;
    assert_eq!((report.state, report.counts.matched), (RunState::Finished, 7), "{:?}", report.error);
    assert_eq!(pages(&world), 3);
}

#[rstest]
#[case::server_error(500, "")]
#[case::bad_request(400, r#"{"message":"page"}"#)]
#[case::unprocessable(422, "")]
#[case::range(416, "")]
#[case::not_found(404, "")]
#[case::nothing(200, "")]
#[case::null(200, "null")]
#[case::an_error(200, r#"{"error":"page"}"#)]
#[case::no_rows(200, r#"{"rows":null}"#)]
#[tokio::test]
async fn what_comes_beyond_the_last_page_does_not_matter(#[case] status: u16, #[case] body: &str) {
    let beyond_the_end = Some((status, body.to_owned()));
    let world = seven(OzmapManners { beyond_the_end, ..OzmapManners::default() }).await;
    assert_eq!(world.sync().await.counts.matched, 7, "the short page was the last");
    for code in ["8", "9"] {
        world.client(code);
    }
    let report = world.sync().await;
    assert_eq!((report.state, report.counts.matched), (RunState::Finished, 9), "{:?}", report.error);
    assert_eq!(report.counts.incomplete_list, 1, "a full last page, and nothing after it, is told");
}

#[tokio::test]
async fn a_host_that_gives_fewer_rows_than_asked_for_is_read_whole() {
    for total in [TotalManner::Told, TotalManner::Zero, TotalManner::Absent] {
        let manners =
            OzmapManners { largest_page: Some(2), hides_limit: true, total, ..OzmapManners::default() };
        let world = seven(manners).await;
        assert_eq!(world.sync().await.counts.matched, 7, "{total:?}");
    }
}

#[rstest]
#[case::ignored(PageManner::Ignored, 2)]
#[case::wrapped_where_the_pages_are_full(PageManner::Wraps, 4)]
#[tokio::test]
async fn a_list_that_gives_the_same_rows_for_ever_fails_soon(#[case] page: PageManner, #[case] most: usize) {
    let manners = OzmapManners { page, total: TotalManner::Absent, ..OzmapManners::default() };
    let world = seven(manners).await;
    for code in ["8", "9"] {
        world.client(code);
    }
    let report = world.sync().await;
    assert_eq!((report.state, world.writes()), (RunState::Failed, 0));
    let error = report.error.unwrap_or_default();
    assert!(error.contains("no page brings new rows"), "{error}");
    assert!(pages(&world) <= most, "{} pages", pages(&world));
}

#[tokio::test]
async fn a_list_of_which_a_part_came_is_told_as_such() {
    let world = seven(OzmapManners { page: PageManner::Ignored, ..OzmapManners::default() }).await;
    let report = world.dry_run().await;
    assert!(report.counts.incomplete_list > 0, "3 of 7 rows came");
    assert!(pages(&world) <= 3);
}

#[tokio::test]
async fn a_cursor_that_goes_round_is_noticed_within_three_pages() {
    let mut world = World::town(20).await;
    world.set("OZMAP_PAGE_SIZE", "4");
    let manners =
        OzmapManners { page: PageManner::CircleOfTwo, total: TotalManner::Absent, ..OzmapManners::default() };
    world.sandbox.ozmap().set_manners(manners);
    let report = world.sync().await;
    assert_eq!((report.state, pages(&world)), (RunState::Failed, 3));
}

#[tokio::test]
async fn a_next_page_that_is_always_promised_is_looked_for_once() {
    let mut world = World::town(20).await;
    world.set("OZMAP_PAGE_SIZE", "7");
    world
        .sandbox
        .ozmap()
        .set_manners(OzmapManners { always_has_next: Some(true), ..OzmapManners::default() });
    let properties = world.sandbox.ozmap().summary()["properties"].as_u64().expect("a number") as usize;
    let report = world.sync().await;
    assert_eq!((report.state, report.counts.matched), (RunState::Finished, 20));
    assert_eq!(pages(&world), properties.div_ceil(7) + 1);
}

#[tokio::test]
async fn a_client_removed_while_pages_are_read_costs_no_other_client() {
    let world = seven(OzmapManners::default()).await;
    let ozmap = world.sandbox.ozmap();
    ozmap.faults().fail_after(1, 1, Fault::Hang(std::time::Duration::from_millis(400)));
    let (report, ()) = tokio::join!(world.sync(), async {
        while ozmap.calls().counts().reads == 0 {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        ozmap.remove_client("1");
    });
    assert_eq!((report.state, report.counts.duplicates), (RunState::Finished, 0));
    assert_eq!(report.counts.matched, 7, "the one that was read before it went, and the six others");
}

#[tokio::test]
async fn clients_without_a_property_are_compared_and_cost_one_read_where_there_are_none() {
    let world = World::town(30).await;
    let report = world.sync().await;
    assert_eq!((report.calls.ozmap_reads, report.counts.matched), (2, 30));
    let alone = TestClient::new("4711").status(1).implanted(false);
    world.sandbox.ozmap().add_client_without_property(alone);
    world.reading("4711", json!(-20.5));
    let report = world.sync().await;
    assert_eq!((report.calls.ozmap_reads, report.counts.matched, report.counts.changed), (3, 31, 1));
    let held = world.sandbox.ozmap().client("4711").expect("the client");
    assert_eq!((&held["status"], &held["implanted"]), (&json!(0), &json!(true)));
}

#[tokio::test]
async fn a_second_client_of_a_code_without_a_property_is_a_duplicate() {
    let world = World::town(30).await;
    let code = world.sandbox.ozmap().codes()[0].clone();
    world.sandbox.ozmap().add_client_without_property(TestClient::new(&code));
    world.reading(&code, json!(-33));
    let report = world.sync().await;
    assert_eq!((report.counts.duplicates, report.counts.changed), (1, 0));
}

#[rstest]
#[case(TotalManner::Absent)]
#[case(TotalManner::RowsOfThePage)]
#[case(TotalManner::Zero)]
#[tokio::test]
async fn a_host_that_does_not_say_how_many_clients_it_has_is_asked_for_them(#[case] total: TotalManner) {
    let world = World::town(30).await;
    world.sandbox.ozmap().add_client_without_property(TestClient::new("4711"));
    world.reading("4711", json!(-20.5));
    world.sandbox.ozmap().set_manners(OzmapManners { total, ..OzmapManners::default() });
    assert_eq!(world.sync().await.counts.matched, 31);
}

#[tokio::test]
async fn a_host_that_does_not_list_its_clients_is_synced_all_the_same() {
    let world = World::town(30).await;
    world.sandbox.ozmap().faults().fail_route("GET /ftth-clients", 9, Fault::Status(403));
    let report = world.sync().await;
    assert_eq!((report.state, report.counts.matched), (RunState::Finished, 30));
    assert_eq!(report.counts.incomplete_list, 1);
}
