//! What an ISP may switch off: single fields, or every write.

use gateway_core::sync::RunState;
use gateway_sandbox::TestClient;
use rstest::rstest;
use serde_json::{Value, json};

use crate::technician::{Technician, said};
use crate::world::World;

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
