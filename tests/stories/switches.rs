//! What an ISP may switch: single fields or every write off, the status of INT6's words, the key by which clients are matched.

use gateway_core::ClientCode;
use gateway_core::sync::RunState;
use gateway_sandbox::TestClient;
use int6_ozmap_gateway::store::FindingFilter;
use rstest::rstest;
use serde_json::{Value, json};

use crate::technician::{Technician, said};
use crate::world::World;

fn everything() -> FindingFilter {
    FindingFilter::default()
}

fn code(code: &str) -> ClientCode {
    ClientCode::new(code).expect("a code")
}

/// One client of whom every field would change.
async fn one() -> World {
    let world = World::empty().await;
    world.sandbox.ozmap().add_client(TestClient::new("147").potency_read(-20.0).status(1).implanted(false));
    let row = json!({"gpon_client_id": 147, "rx_power": -21.5, "pppoe_username": "maria.147"});
    world.sandbox.int6().set_row("147", row);
    world
}

#[rstest]
#[case("SYNC_READ_POWER", "read_power")]
#[case("SYNC_STATUS", "status")]
#[case("SYNC_IMPLANTATION", "implantation")]
#[case("SYNC_ONU", "onu")]
#[tokio::test]
async fn a_field_that_is_switched_off_is_neither_planned_nor_written(
    #[case] setting: &str,
    #[case] field: &str,
) {
    let mut world = one().await;
    world.set(setting, "off");
    let report = world.sync().await;
    let fields: Vec<&str> = report.notes.fields.iter().map(|counts| counts.field.as_str()).collect();
    let expected: Vec<&str> =
        ["read_power", "status", "implantation", "onu"].into_iter().filter(|other| *other != field).collect();
    assert_eq!((report.state, fields), (RunState::Finished, expected));
    let (power, status, implanted) = world.held("147");
    let user = world.sandbox.ozmap().client("147").expect("a client")["onu"]["user_PPPoE"].clone();
    let held =
        [power == json!(-20.0), status == json!(1), implanted == json!(false), user != json!("maria.147")];
    let names = ["read_power", "status", "implantation", "onu"];
    assert_eq!(held, names.map(|name| name == field), "only {field} is as it was");
}

#[tokio::test]
async fn a_tenant_that_is_read_only_writes_nothing_whoever_asks() {
    let mut world = one().await;
    world.set("GATEWAY_READ_ONLY", "true");
    let report = world.forced().await;
    assert_eq!((report.state, report.counts.changed, world.writes()), (RunState::Finished, 1, 0));
    let technician = Technician::over(world).await;
    let splitter = technician.network.ctos[0].clone();
    let body = json!({"splitter_id": splitter, "port": 1});
    let begun = technician.ask(reqwest::Method::POST, "/v1/sync-runs").send().await.expect("an answer");
    assert_eq!(said(begun, 202).await["dry_run"], true, "every run is a dry one");
    let plan = json!({"plan": report.id});
    let refused = [
        technician.activate("147", body.clone()).await,
        technician.create("148", body).await,
        technician.ask(reqwest::Method::POST, "/v1/clients/147/sync").send().await.expect("an answer"),
        technician.ask(reqwest::Method::POST, "/v1/sync-runs").json(&plan).send().await.expect("an answer"),
    ];
    for answer in refused {
        let problem: Value = said(answer, 403).await;
        assert_eq!(problem["code"], "read_only", "{problem}");
    }
    assert_eq!(technician.world.writes(), 0);
}

#[rstest]
#[case("POWER_FAIL", 1, 1)]
#[case(" power_fail ", 0, 0)]
#[case("warning", 1, 0)]
#[case("Aten\u{e7}\u{e3}o", 1, 0)]
#[case("LOS", 0, 1)]
#[case("critical", 0, 1)]
#[tokio::test]
async fn a_word_does_to_the_status_what_the_settings_say_and_measures_nothing(
    #[case] word: &str,
    #[case] before: u8,
    #[case] after: u8,
) {
    let mut world = World::empty().await;
    world.set("SYNC_STATUS_OF", "power_fail=keep, warning=ok, atencao=ok, los=error");
    let client = TestClient::new("147").potency_read(-20.0).status(before).implanted(false);
    world.sandbox.ozmap().add_client(client);
    world.reading("147", json!({"text": word}));
    let report = world.sync().await;
    assert_eq!(world.held("147"), (json!(-20.0), json!(after), json!(false)));
    let counts = report.counts;
    assert_eq!((counts.changed, counts.absent), (u64::from(before != after), 0));
    assert_eq!(world.store.findings(report.id, everything(), None, 100).await.expect("read").len(), 0);
}

/// Two clients whose codes say nothing, with a row of INT6 each that has no code.
async fn by_key(match_by: &str) -> World {
    let mut world = World::empty().await;
    world.set("SYNC_MATCH_BY", match_by);
    let onus = [("maria", "FHTT00000001", "94e3ee000001"), ("Joao.2 ", "FHTT-00000002", "94-E3-EE-00-00-02")];
    for (code, (user, serial, mac)) in ["A-1", "A-2"].into_iter().zip(onus) {
        world.sandbox.ozmap().add_client(TestClient::new(code).potency_read(-20.0).onu(user, serial, mac));
    }
    world
}

#[rstest]
#[case("serial", "serial_number", ["fhtt00000001", "4648545400000002"])]
#[case("mac", "mac_address", ["94:E3:EE:00:00:01", "94e3.ee00.0002"])]
#[case("pppoe", "pppoe_username", ["MARIA", "joao.2"])]
#[tokio::test]
async fn clients_are_matched_by_what_the_settings_say_and_that_is_not_written(
    #[case] match_by: &str,
    #[case] field: &str,
    #[case] keys: [&str; 2],
) {
    let world = by_key(match_by).await;
    let onus =
        || ["A-1", "A-2"].map(|code| world.sandbox.ozmap().client(code).expect("a client")["onu"].clone());
    let before = onus();
    for (key, power) in keys.into_iter().zip([-21.0, -22.0]) {
        world.sandbox.int6().push_row(json!({field: key, "rx_power": power}));
    }
    let report = world.sync().await;
    assert_eq!((report.state, report.counts.matched, report.counts.unreadable), (RunState::Finished, 2, 0));
    assert_eq!((world.held("A-1").0, world.held("A-2").0), (json!(-21.0), json!(-22.0)));
    assert_eq!(onus(), before);
    let again = world.sync().await;
    assert_eq!((again.counts.unchanged, again.counts.changed), (2, 0));
}

#[tokio::test]
async fn what_a_key_leaves_open_is_reported_and_never_guessed() {
    let mut world = by_key("serial").await;
    world.client("3");
    let twin = TestClient::new("A-4").potency_read(-20.0).onu("", "FHTT00000001", "");
    world.sandbox.ozmap().add_client(twin);
    for (code, serial) in [(3, "N/A"), (4, "FHTT00000001"), (5, "FHTT00000005")] {
        let row = json!({"gpon_client_id": code, "rx_power": -25.0, "serial_number": serial});
        world.sandbox.int6().set_row(&code.to_string(), row);
    }
    let report = world.sync().await;
    let findings = world.store.findings(report.id, everything(), None, 100).await.expect("read");
    let mut told: Vec<String> = findings
        .iter()
        .map(|row| format!("{} {}", row.kind, row.code.as_deref().unwrap_or_default()))
        .collect();
    told.sort_unstable();
    assert_eq!(
        told,
        [
            "duplicate A-1",
            "duplicate A-4",
            "only_in_int6 5",
            "only_in_ozmap 3",
            "only_in_ozmap A-2",
            "unclear_field 3"
        ]
    );
    assert_eq!((report.counts.matched, world.writes()), (0, 0));
    world.set("SYNC_MATCH_BY", "code");
    assert_eq!(world.sync().await.counts.matched, 1, "by code it is client 3");
}

#[tokio::test]
async fn one_client_is_synced_by_its_key_if_that_is_its_own() {
    let world = by_key("serial").await;
    world.sandbox.int6().push_row(json!({"rx_power": -21.0, "serial_number": "FHTT00000001"}));
    let synced = world.engine().sync_one(&code("A-1")).await.expect("synced");
    assert_eq!((synced.report.state, world.held("A-1").0), (RunState::Finished, json!(-21.0)));
    let twin = TestClient::new("A-4").potency_read(-20.0).onu("", "FHTT00000001", "");
    world.sandbox.ozmap().add_client(twin);
    world.sandbox.int6().clear();
    world.sandbox.int6().push_row(json!({"rx_power": -23.0, "serial_number": "FHTT00000001"}));
    let synced = world.engine().sync_one(&code("A-1")).await.expect("a run");
    assert_eq!((synced.report.counts.duplicates, world.held("A-1").0), (1, json!(-21.0)));
}
