//! What people and technicians write in OZmap while a run is under way stays.

use std::time::Duration;

use gateway_core::sync::{Fields, Mode, Rails, RunState};
use gateway_sandbox::{Fault, Gate, TestClient};
use serde_json::json;

use crate::technician::{Technician, said};
use crate::world::World;

/// INT6 answers only when the gate is opened: OZmap was read before.
fn int6_waits(world: &World) -> Gate {
    let gate = Gate::default();
    world.sandbox.int6().faults().fail_route("/api/diag", 1, Fault::HangUntil(gate.clone()));
    gate
}

/// Time to read OZmap.
async fn while_it_reads() {
    tokio::time::sleep(Duration::from_millis(300)).await;
}

#[tokio::test]
async fn a_persons_edit_of_onu_data_during_a_run_survives() {
    let world = World::empty().await;
    for code in 1..=40 {
        let (code, serial) = (code.to_string(), format!("FHTT{code:08}"));
        world.sandbox.ozmap().add_client(TestClient::new(&code).potency_read(-20.0));
        let row = json!({"gpon_client_id": code, "rx_power": -20.0, "serial_number": serial});
        world.sandbox.int6().set_row(&code, row);
    }
    let gate = int6_waits(&world);
    let engine = world.engine();
    let run = world.run(&engine, Mode::Apply, Rails::Forced(Fields::ALL));
    let edits = async {
        while_it_reads().await;
        for code in 1..=40 {
            let onu =
                json!({"user_PPPoE": format!("by.hand.{code}"), "serial_number": "", "mac_address": ""});
            world.edit_client(&code.to_string(), json!({ "onu": onu })).await;
        }
        gate.open();
    };
    let (report, ()) = tokio::join!(run, edits);
    assert_eq!((report.state, report.counts.changed), (RunState::Finished, 40));
    for code in 1..=40 {
        let onu = world.sandbox.ozmap().client(&code.to_string()).expect("a client")["onu"].clone();
        assert_eq!(onu["user_PPPoE"], format!("by.hand.{code}"));
        assert_eq!(onu["serial_number"], format!("FHTT{code:08}"));
    }
    assert!(report.calls.ozmap_reads < 12, "{} reads: the fresh look is batched", report.calls.ozmap_reads);
}

#[tokio::test]
async fn a_value_that_somebody_else_wrote_meanwhile_is_left_and_told() {
    let world = World::empty().await;
    world.sandbox.ozmap().add_client(TestClient::new("147").potency_read(-20.0));
    let row = json!({"gpon_client_id": 147, "rx_power": -20.0, "pppoe_username": "int6.147"});
    world.sandbox.int6().set_row("147", row);
    let gate = int6_waits(&world);
    let edit = async {
        while_it_reads().await;
        let onu = json!({"user_PPPoE": "by.hand", "serial_number": "", "mac_address": ""});
        world.edit_client("147", json!({ "onu": onu })).await;
        gate.open();
    };
    let (report, ()) = tokio::join!(world.sync(), edit);
    assert_eq!((report.counts.skipped, report.counts.changed), (1, 0));
    let rows = world.store.changes(report.id, &Default::default(), None, 10).await.expect("read");
    assert_eq!((rows[0].result.as_str(), rows[0].field.as_str()), ("skipped", "onu"));
    assert!(rows[0].found.as_deref().is_some_and(|found| found.contains("by.hand")), "{rows:?}");
}

#[tokio::test]
async fn a_run_erases_nothing_that_an_activation_wrote_while_it_read() {
    let technician = Technician::open().await;
    let world = &technician.world;
    let splitter = technician.network.ctos[0].clone();
    let at = json!({"splitter_id": splitter, "port": 3});
    said(technician.create("147", at.clone()).await, 201).await;
    let row = json!({"gpon_client_id": 147, "rx_power": -20.0, "serial_number": "FHTT9A0B1C2D"});
    world.sandbox.int6().set_row("147", row);
    let gate = int6_waits(world);
    let begun = technician.ask(reqwest::Method::POST, "/v1/sync-runs").send().await.expect("an answer");
    let run = said(begun, 202).await;
    let mut body = at;
    body["onu"] = json!({"pppoe_user": "maria.147", "mac_address": "94:E3:EE:0E:10:55"});
    while_it_reads().await;
    said(technician.activate("147", body).await, 200).await;
    gate.open();
    let path = format!("/v1/sync-runs/{}", run["id"].as_str().expect("an id"));
    while technician.get(&path).await["state"] == "running" {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let onu = world.sandbox.ozmap().client("147").expect("a client")["onu"].clone();
    assert_eq!(onu["user_PPPoE"], "maria.147", "{onu}");
    assert_eq!(
        onu["mac_address"].as_str().map(str::to_lowercase).as_deref(),
        Some("94:e3:ee:0e:10:55"),
        "{onu}"
    );
    assert_eq!(onu["serial_number"], "FHTT9A0B1C2D", "what INT6 knows is written beside it: {onu}");
}

#[tokio::test]
async fn a_key_that_is_revoked_in_the_middle_stops_the_run_after_a_handful_of_calls() {
    let world = World::town(300).await;
    for (i, code) in world.sandbox.ozmap().codes().iter().enumerate() {
        world.reading(code, json!(-20.003 - i as f64 / 60.0));
    }
    world.sandbox.ozmap().faults().fail_route("PATCH /", 100_000, Fault::Status(401));
    world.sandbox.ozmap().faults().fail_route("POST /", 100_000, Fault::Status(401));
    let report = world.sync().await;
    assert_eq!(report.state, RunState::Failed);
    let error = report.error.unwrap_or_default();
    assert!(error.starts_with("OZmap refused the key 3 times while changes were written"), "{error}");
    assert!(world.writes() < 20, "{} writes with a dead key", world.writes());
}

#[tokio::test]
async fn a_host_that_refuses_every_write_is_left_in_peace() {
    let world = World::town(300).await;
    for (i, code) in world.sandbox.ozmap().codes().iter().enumerate() {
        world.reading(code, json!(-20.003 - i as f64 / 60.0));
    }
    world.sandbox.ozmap().faults().fail_route("PATCH /", 100_000, Fault::Status(422));
    let report = world.sync().await;
    assert_eq!(report.state, RunState::Failed);
    assert!(report.error.unwrap_or_default().starts_with("50 writes in a row failed"));
    assert!(world.writes() < 80, "{} writes", world.writes());
}
