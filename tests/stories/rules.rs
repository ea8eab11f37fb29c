//! Each row of `rules.md`, from INT6's JSON to OZmap's record.

use gateway_core::sync::RunState;
use gateway_sandbox::{Options, TestClient};
use int6_ozmap_gateway::store::FindingFilter;
use rstest::rstest;
use serde_json::{Value, json};

use crate::world::World;

#[tokio::test]
async fn nothing_to_do_writes_nothing() {
    let world = World::town(200).await;
    let report = world.sync().await;
    assert_eq!((report.state, report.error.as_deref()), (RunState::Finished, None));
    assert_eq!((report.counts.matched, report.counts.unchanged, report.counts.changed), (200, 200, 0));
    assert_eq!((world.writes(), report.calls.ozmap_writes), (0, 0));
}

#[rstest]
#[case(json!(-21.53))]
#[case(json!("-21.53"))]
#[case(json!("-21,53"))]
#[case(json!("\u{2212}21.53"))]
#[case(json!("\u{2013}21,53"))]
#[case(json!("-21.53 dBm"))]
#[case(json!({"text": "-21.53"}))]
#[tokio::test]
async fn a_measured_reading_sets_power_status_and_implantation(#[case] power: Value) {
    let world = World::empty().await;
    world.sandbox.ozmap().add_client(TestClient::new("147").implanted(false).status(1));
    world.reading("147", power);
    let report = world.sync().await;
    assert_eq!(world.held("147"), (json!(-21.53), json!(0), json!(true)));
    assert_eq!(
        world.changes(&report).await,
        [
            "147 read_power null -> -21.53 applied",
            "147 status \"error\" -> \"ok\" applied",
            "147 implantation false -> true applied"
        ]
    );
}

#[rstest]
#[case(json!(0))]
#[case(json!("0.0"))]
#[case(json!(-0.0))]
#[case(json!("-0"))]
#[tokio::test]
async fn a_zero_reading_sets_the_power_to_zero_and_the_status_to_error(#[case] power: Value) {
    let world = World::empty().await;
    world.client("147");
    world.reading("147", power);
    world.sync().await;
    assert_eq!(world.held("147"), (json!(0.0), json!(1), json!(true)));
}

#[rstest]
#[case(json!("LOS"))]
#[case(json!("Não Disponível"))]
#[case(json!("sem sinal"))]
#[case(json!({"text": "N/D"}))]
#[tokio::test]
async fn a_text_reading_marks_the_client_as_error_and_keeps_its_power(#[case] power: Value) {
    let world = World::empty().await;
    world.client("147");
    world.reading("147", power);
    world.sync().await;
    assert_eq!(world.held("147"), (json!(-20.0), json!(1), json!(true)));
}

#[rstest]
#[case(json!({"gpon_client_id": 147, "rx_power": null}))]
#[case(json!({"gpon_client_id": 147, "rx_power": ""}))]
#[case(json!({"gpon_client_id": 147, "rx_power": "null"}))]
#[case(json!({"gpon_client_id": 147}))]
#[tokio::test]
async fn an_absent_reading_leaves_the_client_alone_and_is_counted(#[case] row: Value) {
    let world = World::empty().await;
    world.sandbox.ozmap().add_client(TestClient::new("147").implanted(false).status(1).potency_read(-19.0));
    world.sandbox.int6().set_row("147", row);
    let report = world.sync().await;
    assert_eq!(world.held("147"), (json!(-19.0), json!(1), json!(false)));
    assert_eq!((report.counts.absent, report.counts.unchanged, world.writes()), (1, 1, 0));
}

#[tokio::test]
async fn a_client_that_goes_dark_stays_implanted_and_comes_back() {
    let world = World::empty().await;
    world.client("147");
    for (power, expected) in [
        (json!(-22.5), (json!(-22.5), json!(0), json!(true))),
        (json!("LOS"), (json!(-22.5), json!(1), json!(true))),
        (json!(0), (json!(0.0), json!(1), json!(true))),
        (json!("-22,4"), (json!(-22.4), json!(0), json!(true))),
    ] {
        world.reading("147", power);
        world.sync().await;
        assert_eq!(world.held("147"), expected);
    }
}

#[tokio::test]
async fn onu_data_follow_int6_and_an_unknown_value_erases_none() {
    let world = World::empty().await;
    let held = TestClient::new("147").potency_read(-20.0).onu("old.147", "FHTT9A0B1C2D", "94:e3:ee:0e:10:55");
    world.sandbox.ozmap().add_client(held);
    let row = |serial: &str, user: &str, mac: &str| {
        let row = json!({"gpon_client_id": 147, "rx_power": -20.0, "serial_number": serial, "pppoe_username": user, "mac_address": mac});
        world.sandbox.int6().set_row("147", row);
    };
    let onu = || world.sandbox.ozmap().client("147").expect("the client")["onu"].clone();

    row("N/A", "", "94-E3-EE-0E-10-55");
    assert_eq!(world.sync().await.counts.changed, 0, "unknown values and another notation are no difference");

    row("FHTT9A0B1C2D -> FHTT00000001", "maria.147", "");
    world.sync().await;
    let expected = json!({"serial_number": "FHTT00000001", "user_PPPoE": "maria.147", "mac_address": "94:e3:ee:0e:10:55"});
    assert_eq!(onu(), expected, "all three are sent, because this OZmap replaces the object");
    assert_eq!(world.sync().await.counts.changed, 0, "works twice");
}

#[tokio::test]
async fn what_is_on_one_side_only_is_reported_and_neither_made_nor_deleted() {
    let world = World::empty().await;
    world.client("1");
    world.sandbox.ozmap().add_client(TestClient::new("2"));
    world.reading("3", json!(-20));
    let report = world.sync().await;
    assert_eq!((report.counts.only_in_ozmap, report.counts.only_in_int6, report.counts.matched), (1, 1, 1));
    assert_eq!(world.sandbox.ozmap().codes(), ["1", "2"]);
    let findings = world.store.findings(report.id, FindingFilter::default(), None, 10).await.expect("read");
    let told: Vec<_> =
        findings.iter().map(|f| (f.kind.as_str(), f.code.as_deref().unwrap_or_default())).collect();
    assert_eq!(told, [("only_in_ozmap", "2"), ("only_in_int6", "3")]);
}

#[tokio::test]
async fn duplicates_and_codes_that_are_not_numeric_are_never_guessed() {
    let world = World::empty().await;
    world.client("1");
    world.sandbox.ozmap().add_client(TestClient::new("1").potency_read(-18.0));
    world.reading("1", json!(-25));
    world.client("ABC");
    world.reading("ABC", json!(-25));
    world.client("2");
    world
        .sandbox
        .int6()
        .set_row("2", json!({"gpon_client_id": 2, "rx_power": -30, "updated_at": "2026-11-20T10:00:00Z"}));
    world
        .sandbox
        .int6()
        .push_row(json!({"gpon_client_id": 2, "rx_power": -22, "updated_at": "2026-11-20T10:03:11Z"}));
    let report = world.sync().await;
    assert_eq!((report.counts.duplicates, report.counts.not_numeric, report.counts.matched), (2, 2, 1));
    assert_eq!(world.held("ABC").0, json!(-20.0));
    assert_eq!(world.held("1").0, json!(-20.0));
    assert_eq!(world.held("2").0, json!(-22.0), "the newest row counts");
}

#[tokio::test]
async fn one_bad_row_never_costs_the_run() {
    let world = World::empty().await;
    world.client("1");
    world.client("2");
    world.reading("1", json!(-23.45));
    world.reading("2", json!({"surprise": 1}));
    for row in
        [json!(null), json!(17), json!([]), json!({}), json!({"gpon_client_id": {"id": 1}, "rx_power": -20})]
    {
        world.sandbox.int6().push_row(row);
    }
    let report = world.sync().await;
    assert_eq!((report.state, report.counts.unreadable, report.counts.changed), (RunState::Finished, 6, 1));
    assert_eq!(world.held("1").0, json!(-23.45));
    let findings = world.store.findings(report.id, FindingFilter::default(), None, 10).await.expect("read");
    assert!(
        findings.iter().any(|f| f.code.as_deref() == Some("2") && f.detail.contains("`rx_power`")),
        "{findings:?}"
    );
}

#[tokio::test]
async fn a_messy_town_converges_in_one_run_and_the_second_has_nothing_to_do() {
    let world = World::new(Options { clients: 2_000, ..Options::default() }, false).await;
    let first = world.sync().await;
    assert_eq!((first.state, first.counts.failed), (RunState::Finished, 0));
    assert!(first.counts.changed > 500, "{:?}", first.counts);
    let counts = first.counts;
    assert!(counts.matched - counts.unchanged - counts.changed <= counts.held, "{counts:?}");
    let second = world.sync().await;
    assert_eq!((second.counts.changed, second.calls.ozmap_writes), (0, 0));
    assert_eq!(second.counts.matched, counts.matched);
}

#[tokio::test]
async fn readings_may_grow_stale_and_numbers_implausible_where_a_setting_says_so() {
    let mut world = World::empty().await;
    world.client("1");
    world.client("2");
    world
        .sandbox
        .int6()
        .set_row("1", json!({"gpon_client_id": 1, "rx_power": -25, "updated_at": "2020-01-01T00:00:00Z"}));
    world.reading("2", json!(-40));
    world.set("SYNC_STALE_AFTER_SECONDS", "3600");
    world.set("SYNC_PLAUSIBLE_MIN_DBM", "-39");
    world.set("SYNC_PLAUSIBLE_MAX_DBM", "10");
    let report = world.sync().await;
    assert_eq!(report.counts.stale, 1);
    assert_eq!(world.held("1"), (json!(-20.0), json!(0), json!(true)));
    assert_eq!(world.held("2"), (json!(-20.0), json!(1), json!(true)));
}

#[tokio::test]
async fn a_dry_run_records_the_very_plan_that_an_apply_carries_out() {
    let world = World::new(Options { clients: 300, ..Options::default() }, false).await;
    let dry = world.dry_run().await;
    assert_eq!((dry.state, dry.calls.ozmap_writes, world.writes()), (RunState::Finished, 0, 0));
    let planned = world.changes(&dry).await;
    let applied = world.changes(&world.sync().await).await;
    let expected: Vec<String> = planned.iter().map(|line| line.replace(" planned", " applied")).collect();
    assert!(!expected.is_empty());
    assert_eq!(applied, expected);
}
