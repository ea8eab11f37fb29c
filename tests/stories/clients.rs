//! One client: what OZmap holds of it, and the sync's rules for it alone.

use gateway_sandbox::{Fault, TestClient};
use reqwest::{Method, Response};
use rstest::rstest;
use serde_json::{Value, json};

use crate::api::{Api, problem};
use crate::world::World;

async fn with_one() -> Api {
    let world = World::empty().await;
    world.client("147");
    Api::over(world).await
}

impl Api {
    async fn sync_one(&self, code: &str) -> Response {
        self.ask(Method::POST, &format!("/v1/clients/{code}/sync")).send().await.expect("an answer")
    }

    /// The changes of one client's sync, as people read them.
    async fn synced(&self, code: &str) -> Vec<String> {
        let answer = self.sync_one(code).await;
        assert_eq!(answer.status().as_u16(), 200);
        let told: Value = answer.json().await.expect("JSON");
        assert_eq!((&told["code"], &told["state"]), (&json!(code), &json!("finished")));
        let run = self.get(&format!("/v1/sync-runs/{}", told["run_id"].as_str().expect("a run"))).await;
        assert_eq!((&run["trigger"], &run["state"]), (&json!("client"), &json!("finished")));
        let line = |c: &Value| format!("{} {} -> {} {}", c["field"], c["old"], c["new"], c["result"]);
        told["changes"].as_array().expect("a list").iter().map(line).collect()
    }
}

#[tokio::test]
async fn a_client_is_told_as_ozmap_holds_him() {
    let world = World::empty().await;
    let client = TestClient::new("147").name("Maria").potency_read(-20.1);
    world.sandbox.ozmap().add_client(client.onu("maria.147", "FHTT9A0B1C2D", "94E3EE0E1055"));
    let api = Api::over(world).await;
    let told = api.get("/v1/clients/147").await;
    let property = api.world.sandbox.ozmap().property_of("147").expect("a property");
    assert_eq!(
        (&told["code"], &told["name"], &told["implanted"]),
        (&json!("147"), &json!("Maria"), &json!(true))
    );
    assert_eq!((&told["status"], &told["read_power_dbm"]), (&json!("ok"), &json!(-20.1)));
    let onu = json!({"serial_number": "FHTT9A0B1C2D", "pppoe_user": "maria.147", "mac_address": "94:e3:ee:0e:10:55"});
    assert_eq!(told["onu"], onu);
    let connection = &property["connections"][0];
    let expected = json!({"splitter_id": connection["id"], "splitter_name": connection["name"], "port": connection["port"]});
    assert_eq!(told["connection"], expected);
    match &property["coords"] {
        Value::Null => assert_eq!(told["coordinate"], Value::Null),
        coords => assert_eq!(told["coordinate"], json!({"lat": coords[1], "lng": coords[0]})),
    }
}

#[tokio::test]
async fn a_client_on_no_splitter_has_no_connection() {
    let world = World::empty().await;
    world.sandbox.ozmap().add_client(TestClient::new("147").unconnected());
    let api = Api::over(world).await;
    assert_eq!(api.get("/v1/clients/147").await["connection"], Value::Null);
}

#[tokio::test]
async fn who_is_not_there_or_there_twice_is_not_told() {
    let api = with_one().await;
    let get = async |path: &str| api.ask(Method::GET, path).send().await.expect("an answer");
    problem(get("/v1/clients/148").await, 404, "client_not_found").await;
    api.world.sandbox.ozmap().add_client(TestClient::new("147"));
    problem(get("/v1/clients/147").await, 409, "client_ambiguous").await;
    problem(api.sync_one("147").await, 409, "client_ambiguous").await;
    api.world.sandbox.ozmap().faults().fail_route("/", 1_000, Fault::Status(503));
    problem(get("/v1/clients/147").await, 503, "ozmap_unreachable").await;
}

#[rstest]
#[case::measured(json!("-21,53"), &[r#""read_power" -20.0 -> -21.53 "applied""#])]
#[case::zero(json!(0), &[r#""read_power" -20.0 -> 0.0 "applied""#, r#""status" "ok" -> "error" "applied""#])]
#[case::text(json!("LOS"), &[r#""status" "ok" -> "error" "applied""#])]
#[case::absent(json!(null), &[])]
#[case::the_same(json!(-20.0), &[])]
#[tokio::test]
async fn the_rules_are_those_of_the_whole_sync(#[case] reading: Value, #[case] expected: &[&str]) {
    let api = with_one().await;
    api.world.reading("147", reading);
    assert_eq!(api.synced("147").await, expected);
    assert!(api.synced("147").await.is_empty(), "twice is once");
}

#[tokio::test]
async fn one_client_in_the_dark_is_no_mass_outage_and_others_are_left_alone() {
    let api = with_one().await;
    for code in 200..260 {
        api.world.client(&code.to_string());
        api.world.reading(&code.to_string(), json!("LOS"));
    }
    api.world.reading("147", json!("LOS"));
    assert_eq!(api.synced("147").await.len(), 1);
    assert_eq!(api.world.writes(), 1);
}

#[tokio::test]
async fn onu_data_follow_and_the_newest_row_counts() {
    let api = with_one().await;
    let int6 = api.world.sandbox.int6();
    let row = |power: f64, serial: &str, at: &str| json!({"gpon_client_id": 147, "rx_power": power, "serial_number": serial, "updated_at": at});
    int6.set_row("147", row(-25.0, "FHTT00000001", "2026-11-20T09:00:00Z"));
    int6.push_row(row(-22.0, "N/A -> FHTT9A0B1C2D", "2026-11-20T10:00:00Z"));
    let answer: Value = api.sync_one("147").await.json().await.expect("JSON");
    assert_eq!(answer["findings"][0]["kind"], "duplicate", "{answer}");
    assert_eq!(api.world.held("147").0, json!(-22.0));
    let onu = &api.world.sandbox.ozmap().client("147").expect("a client")["onu"];
    assert_eq!(onu["serial_number"], "FHTT9A0B1C2D");
}

#[tokio::test]
async fn who_is_on_one_side_only_is_not_synced() {
    let api = with_one().await;
    api.world.reading("148", json!(-20));
    api.world.sandbox.ozmap().add_client(TestClient::new("149"));
    let of_int6 = problem(api.sync_one("148").await, 404, "client_not_found").await;
    assert!(of_int6["detail"].as_str().is_some_and(|d| d.contains("OZmap")), "{of_int6}");
    let of_ozmap = problem(api.sync_one("149").await, 404, "client_not_found").await;
    assert!(of_ozmap["detail"].as_str().is_some_and(|d| d.contains("INT6")), "{of_ozmap}");
    problem(api.sync_one("A147").await, 400, "invalid_request").await;
    assert_eq!(api.world.writes(), 0);
}

#[tokio::test]
async fn what_stands_in_the_way_is_told_by_its_name() {
    let api = with_one().await;
    api.world.reading("147", json!(-23));
    let sandbox = &api.world.sandbox;
    sandbox.int6().clear();
    problem(api.sync_one("147").await, 503, "int6_unreachable").await;
    api.world.reading("147", json!(-23));
    sandbox.int6().faults().fail_route("/api/diag", 1_000, Fault::Status(503));
    problem(api.sync_one("147").await, 503, "int6_unreachable").await;
    sandbox.int6().faults().heal();
    sandbox.ozmap().poison("147");
    problem(api.sync_one("147").await, 502, "ozmap_rejected").await;
    sandbox.ozmap().forgive();
    assert_eq!(api.synced("147").await.len(), 1);
}

#[tokio::test]
async fn a_wrong_token_is_told_as_int6s_refusal() {
    let mut world = World::empty().await;
    world.client("147");
    world.set("INT6_TOKEN", "another-token");
    let api = Api::over(world).await;
    let told = problem(api.sync_one("147").await, 502, "int6_rejected").await;
    assert!(!told.to_string().contains("another-token"), "{told}");
}

#[tokio::test]
async fn many_who_wait_share_one_reading_of_int6() {
    let api = with_one().await;
    for code in 200..220 {
        api.world.client(&code.to_string());
    }
    api.world.sandbox.int6().faults().set_latency(std::time::Duration::from_millis(150));
    let codes: Vec<String> = (200..220).map(|code: u32| code.to_string()).collect();
    let answers = futures::future::join_all(codes.iter().map(|code| api.sync_one(code))).await;
    assert!(answers.iter().all(|answer| answer.status().as_u16() == 200));
    let pages = api
        .world
        .sandbox
        .int6()
        .calls()
        .recorded()
        .iter()
        .filter(|call| call.path.ends_with("onu_status"))
        .count();
    assert!(pages < 15, "{pages} pages for 20 callers");
}
