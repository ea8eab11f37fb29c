//! Rows of OZmap in the shapes that hosts write them in.

use gateway_core::sync::RunState;
use gateway_sandbox::TestClient;
use rstest::rstest;
use serde_json::{Value, json};

use crate::world::World;

/// One client with a reading of −21.53, its record and its property shown in another shape.
async fn shown(client: Value, property: Value) -> World {
    let world = World::empty().await;
    let added = world.sandbox.ozmap().add_client(TestClient::new("147").potency_read(-20.0).status(1));
    assert!(world.sandbox.ozmap().show_as(&added.client_id, client));
    assert!(world.sandbox.ozmap().show_as(&added.property_id, property));
    let row = json!({"gpon_client_id": 147, "rx_power": "-21,53", "pppoe_username": "maria.147"});
    world.sandbox.int6().set_row("147", row);
    world
}

#[rstest]
#[case::an_empty_list(json!({"onu": []}))]
#[case::null(json!({"onu": null}))]
#[case::an_empty_text(json!({"onu": ""}))]
#[case::implanted_as_a_text(json!({"implanted": "1"}))]
#[case::implanted_as_a_word(json!({"implanted": "true"}))]
#[case::implanted_as_a_number(json!({"implanted": 1}))]
#[case::a_status_in_a_text(json!({"status": "1"}))]
#[case::a_status_with_a_point(json!({"status": 1.0}))]
#[case::a_code_that_is_a_number(json!({"code": 147}))]
#[case::a_code_with_a_point(json!({"code": 147.0}))]
#[tokio::test]
async fn a_client_in_the_shapes_of_php_gets_its_power(#[case] client: Value) {
    let world = shown(client, json!({})).await;
    let report = world.sync().await;
    assert_eq!(
        (report.state, report.counts.unreadable, report.counts.unclear_field),
        (RunState::Finished, 0, 0)
    );
    assert_eq!(world.held("147"), (json!(-21.53), json!(0), json!(true)));
}

#[rstest]
#[case::a_comma(json!("-19,0"), 0)]
#[case::nothing(json!(""), 0)]
#[case::null(json!("null"), 0)]
#[case::an_empty_list(json!([]), 0)]
#[case::a_word(json!("N/A"), 1)]
#[case::a_list(json!([-19.0]), 1)]
#[tokio::test]
async fn a_read_power_of_any_shape_is_replaced_by_the_reading(#[case] held: Value, #[case] told: u64) {
    let world = shown(json!({}), json!({ "potencyRead": held })).await;
    let report = world.sync().await;
    assert_eq!(world.held("147").0, json!(-21.53));
    assert_eq!((report.counts.unreadable, report.counts.unclear_field), (0, told));
}

#[tokio::test]
async fn the_same_power_in_a_text_is_no_difference() {
    let world = shown(json!({}), json!({"potencyRead": "\u{2212}21,53"})).await;
    assert!(world.changes(&world.sync().await).await.iter().all(|line| !line.contains("read_power")));
}

#[tokio::test]
async fn an_implantation_that_is_not_understood_is_told_and_left_alone() {
    let world = shown(json!({"implanted": "sometimes"}), json!({})).await;
    let report = world.sync().await;
    let changes = world.changes(&report).await;
    assert!(changes.iter().any(|line| line.contains("read_power")), "{changes:?}");
    assert!(changes.iter().all(|line| !line.contains("implantation")), "{changes:?}");
    assert_eq!(report.counts.unclear_field, 1);
}

#[tokio::test]
async fn onu_data_that_are_not_understood_are_told_and_not_written_over() {
    let world = shown(json!({"onu": "FHTT9A0B1C2D"}), json!({})).await;
    let report = world.sync().await;
    let changes = world.changes(&report).await;
    assert!(changes.iter().any(|line| line.contains("read_power")), "{changes:?}");
    assert!(changes.iter().all(|line| !line.contains(" onu ")), "{changes:?}");
    assert_eq!(report.counts.unclear_field, 1);
}
