//! The mirror of the network: loads that can be believed, loads that cannot, and hosts of every sort.

use std::time::Duration;

use gateway_core::RecordId;
use gateway_sandbox::{Fault, FilterManner, Options, OzmapManners, TotalManner};
use int6_ozmap_gateway::app;
use int6_ozmap_gateway::mirror::{Mirror, MirrorDeps};
use int6_ozmap_gateway::ozmap::Ozmap;
use rstest::rstest;
use serde_json::json;

use crate::town::{Town, rows};
use crate::world::World;

fn ozmap_of(world: &World) -> Ozmap {
    app::upstreams(&world.config().tenants[0]).expect("good settings").ozmap
}

fn mirror_of(world: &World) -> Mirror {
    let (ozmap, store, stop) = (ozmap_of(world), world.store.clone(), world.stop.clone());
    Mirror::new(MirrorDeps { tenant: "default".to_owned(), ozmap, store, at_once: 4, stop })
}

#[rstest]
#[case::with_cursors(true)]
#[case::with_the_older_envelope(false)]
#[tokio::test]
async fn a_network_of_many_pages_is_loaded_whole(#[case] next_urls: bool) {
    let options = Options { clients: 2_000, messy: false, next_urls, ..Options::default() };
    let mut world = World::new(options, false).await;
    world.set("OZMAP_PAGE_SIZE", "25");
    let town = Town::of(&world).await;
    world.sandbox.ozmap().calls().reset();
    let network = mirror_of(&world).refresh().await.expect("a load");
    let offered = town.around((0.0, 0.0), f64::INFINITY, |_| true).len() as u64;
    assert_eq!((network.stats().splitters, network.stats().unreadable), (offered, 0));
    assert!(network.stats().in_draft > 0);
    let rows = town.sites.len() as u64 + offered + network.stats().in_draft;
    let calls = world.sandbox.ozmap().calls().counts().reads;
    assert!((rows / 25..=rows / 25 + 3).contains(&calls), "each page once: {calls} calls for {rows} rows");
}

#[rstest]
#[case::a_total_of_zero(OzmapManners { total: TotalManner::Zero, ..OzmapManners::default() })]
#[case::the_rows_of_the_page(OzmapManners { total: TotalManner::RowsOfThePage, ..OzmapManners::default() })]
#[case::no_total(OzmapManners { total: TotalManner::Absent, ..OzmapManners::default() })]
#[case::a_firewall(OzmapManners { filters: FilterManner::Forbidden, ..OzmapManners::default() })]
#[case::a_firewall_with_a_page(OzmapManners { filters: FilterManner::HtmlPage, ..OzmapManners::default() })]
#[tokio::test]
async fn a_network_is_loaded_whole_whatever_the_total_says_and_a_firewall_dislikes(
    #[case] manners: OzmapManners,
    #[values(true, false)] next_urls: bool,
) {
    let options = Options { clients: 300, messy: false, next_urls, ..Options::default() };
    let mut world = World::new(options, false).await;
    world.set("OZMAP_PAGE_SIZE", "25");
    let offered = Town::of(&world).await.around((0.0, 0.0), f64::INFINITY, |_| true).len() as u64;
    world.sandbox.ozmap().set_manners(manners);
    let network = mirror_of(&world).refresh().await.expect("a load");
    assert_eq!((network.stats().splitters, network.stats().unreadable), (offered, 0));
}

#[tokio::test]
async fn whoever_asks_during_a_load_gets_that_one() {
    let world = World::town(300).await;
    let mirror = mirror_of(&world);
    let loads = futures::future::join_all((0..20).map(|_| mirror.refresh())).await;
    assert!(loads.into_iter().all(|load| load.is_ok()));
    let calls = world.sandbox.ozmap().calls().counts().reads;
    mirror.refresh().await.expect("another load");
    assert_eq!(world.sandbox.ozmap().calls().counts().reads, 2 * calls);
}

#[rstest]
#[case::no_splitters("/splitters", r#"{"total":0,"count":0,"rows":[],"start":0,"limit":500}"#)]
#[case::half_a_list("/splitters", r#"{"total":900,"count":1,"rows":[{"id":"5da61e13493d9c0006665477","isDrop":true,"connectables":{"output":[]}}]}"#)]
#[case::other_shape("/boxes", r#"{"total":1,"rows":{}}"#)]
#[tokio::test]
async fn a_load_that_cannot_be_believed_leaves_what_was_there(#[case] route: &str, #[case] body: &str) {
    let world = World::town(300).await;
    let mirror = mirror_of(&world);
    let before = mirror.refresh().await.expect("a load");
    world.sandbox.ozmap().faults().fail_route(route, 10_000, Fault::Body(body.to_owned()));
    assert!(mirror.refresh().await.is_err());
    assert_eq!(mirror.network().map(|network| network.as_of()), Some(before.as_of()));
    let restarted = mirror_of(&world);
    restarted.warm_up().await.expect("the database answers");
    assert_eq!(restarted.network().map(|network| network.stats().splitters), Some(before.stats().splitters));
    world.sandbox.ozmap().faults().heal();
    assert!(mirror.refresh().await.expect("a load").as_of() > before.as_of());
}

#[tokio::test]
async fn a_bad_row_costs_itself_only() {
    let world = World::town(60).await;
    let before = mirror_of(&world).refresh().await.expect("a load").stats();
    let boxes = rows(&world, "boxes").await;
    let mut list = boxes.clone();
    list[0] = json!({"id": "b1", "draft": "perhaps"});
    list[1] = json!(17);
    let body = json!({"total": list.len(), "rows": list}).to_string();
    world.sandbox.ozmap().faults().fail_route("/boxes", 1, Fault::Body(body));
    let after = mirror_of(&world).refresh().await.expect("a load").stats();
    assert_eq!((after.unreadable, after.splitters + after.without_site), (2, before.splitters));
}

#[rstest]
#[case::ignores_the_filter(Fault::Body(r#"{"total":9000,"rows":[{"id":"aaaaaaaaaaaaaaaaaaaaaaaa","isDrop":true,"connectables":{"output":[]}}]}"#.to_owned()))]
#[case::refuses_the_filter(Fault::Status(400))]
#[case::finds_nothing(Fault::Body(r#"{"total":0,"rows":[]}"#.to_owned()))]
#[tokio::test]
async fn a_host_that_does_not_filter_by_identifier_is_asked_one_by_one(#[case] fault: Fault) {
    let world = World::town(60).await;
    let ozmap = ozmap_of(&world);
    let town = Town::of(&world).await;
    let ids: Vec<_> = town
        .splitters
        .iter()
        .take(10)
        .filter_map(|row| row["id"].as_str())
        .chain(["ffffffffffffffffffffffff"])
        .filter_map(RecordId::new)
        .collect();
    world.sandbox.ozmap().faults().fail_route("/splitters", 2, fault);
    world.sandbox.ozmap().calls().reset();
    let found = ozmap.splitters(&ids, Duration::from_secs(5)).await.expect("an answer");
    assert_eq!((ids.len(), found.len()), (11, 10), "the one that is gone is left out");
    assert_eq!(world.sandbox.ozmap().calls().counts().reads, 2 + 11);
    assert_eq!(ozmap.splitters(&ids, Duration::from_secs(5)).await.expect("an answer").len(), 10);
    assert_eq!(world.sandbox.ozmap().calls().counts().reads, 2 + 22, "and that is remembered");
    let many = vec![ids[0].clone(); 33];
    assert!(ozmap.splitters(&many, Duration::from_secs(5)).await.is_err());
}

#[tokio::test]
async fn splitters_are_looked_up_in_one_call() {
    let world = World::town(3_000).await;
    let ozmap = ozmap_of(&world);
    let rows = rows(&world, "splitters").await;
    let ids: Vec<_> =
        rows.iter().filter_map(|row| row["id"].as_str()).filter_map(RecordId::new).take(200).collect();
    world.sandbox.ozmap().calls().reset();
    assert_eq!(ozmap.splitters(&ids, Duration::from_secs(5)).await.expect("an answer").len(), 200);
    assert_eq!(world.sandbox.ozmap().calls().counts().reads, 1);
}
