//! What the pretend OZmap grants and refuses, without sockets; lists and properties have tests of their own.

use serde_json::{Value, json};

use super::id::{Id, Kind};
use super::test_client::TestClient;
use super::test_tenant::{Tenant, filter, refused, text};
use crate::exchange::Call;
use crate::simulator::Simulator;

#[test]
fn only_the_raw_key_is_let_in() {
    let tenant = Tenant::new();
    let key = tenant.ozmap.credentials.key.clone();
    let status = |sent: &str| {
        tenant.ozmap.answer(&Call::test("GET", "/api/v2/box-types?page=1&limit=1", sent, Value::Null)).status
    };
    assert_eq!(status(&key), 200);
    assert_eq!(status(&format!("Bearer {key}")), 401);
    assert_eq!(status(""), 401);
}

#[test]
fn a_login_gives_a_token_that_is_good_until_it_expires() {
    let tenant = Tenant::new();
    let password = tenant.ozmap.credentials.password.clone();
    let log_in = |password: &str| {
        let body = json!({"login": "sandbox", "password": password});
        tenant.ozmap.answer(&Call::test("POST", "/api/v2/users/login?type=API", "", body))
    };
    refused(&log_in("wrong"), 401);
    let token = text(&log_in(&password).body.expect("body")["authorization"]);
    let status = || tenant.ozmap.answer(&Call::test("GET", "/api/v2/boxes", &token, Value::Null)).status;
    assert_eq!(status(), 200);
    tenant.story.expire_tokens();
    assert_eq!(status(), 401);
}

#[test]
fn a_patched_onu_replaces_the_whole_object() {
    let tenant = Tenant::new();
    let path = format!("/ftth-clients/{}", tenant.id_of("10002"));
    let answer = tenant.call("PATCH", &path, json!({"status": 1, "onu": {"serial_number": "FHTT00000001"}}));
    assert_eq!((answer.status, answer.body), (204, None));
    let client = tenant.story.client("10002").expect("client");
    assert_eq!((&client["status"], &client["onu"]), (&json!(1), &json!({"serial_number": "FHTT00000001"})));
}

#[test]
fn wrong_changes_of_a_client_are_refused_and_change_nothing() {
    let tenant = Tenant::new();
    let path = format!("/ftth-clients/{}", tenant.id_of("10002"));
    let before = tenant.story.client("10002");
    for body in [
        json!({"implanted": false, "external_id": "1"}),
        json!({"implanted": "yes"}),
        json!({"implanted": false, "status": "ERROR"}),
        json!({"status": 2}),
        json!({"code": "10001"}),
        json!({"onu": {"serial": "x"}}),
        json!({"onu": {"serial_number": null}}),
        json!({"potencyRead": -20}),
    ] {
        refused(&tenant.call("PATCH", &path, body.clone()), 422);
        assert_eq!(tenant.story.client("10002"), before, "{body}");
    }
    refused(&tenant.call("PATCH", &path, json!([])), 400);
    refused(&tenant.call("PATCH", "/ftth-clients/nobody", json!({"status": 1})), 404);
    refused(&tenant.call("PUT", &path, json!({"status": 1})), 501);
}

#[test]
fn a_batch_update_sets_one_value_on_all_that_match() {
    let tenant = Tenant::new();
    let ids: Vec<String> = ["10001", "10002"].iter().map(|code| tenant.id_of(code)).collect();
    let by = |property: &str| json!([{"property": property, "operator": "in", "value": ids}]);
    let update = |route: &str, filter: Value, update: Value| {
        tenant
            .call("POST", &format!("/{route}/batch-update"), json!({"filter": filter, "update": update}))
            .status
    };
    assert_eq!(update("ftth-clients", by("id"), json!({"status": 1, "implanted": true})), 204);
    assert_eq!(update("properties", by("client"), json!({"potencyRead": -25.25})), 204);
    for code in ["10001", "10002"] {
        assert_eq!(tenant.story.client(code).expect("client")["status"], 1);
        assert_eq!(tenant.property_of(code)["potencyRead"], -25.25);
    }
    assert_eq!(tenant.story.client("10003").expect("client")["status"], 0);
}

#[test]
fn a_batch_update_is_refused_without_a_filter_or_with_another_field() {
    let tenant = Tenant::new();
    let some = json!([{"property": "code", "operator": "=", "value": "10001"}]);
    let post = |route: &str, body: Value| tenant.call("POST", &format!("/{route}/batch-update"), body);
    refused(&post("ftth-clients", json!({"update": {"status": 1}})), 422);
    refused(&post("ftth-clients", json!({"filter": [], "update": {"status": 1}})), 422);
    refused(&post("ftth-clients", json!({"filter": null, "update": {"status": 1}})), 422);
    refused(&post("ftth-clients", json!({"filter": some, "update": {}})), 422);
    refused(&post("ftth-clients", json!({"filter": some, "update": {"status": 1, "name": "x"}})), 422);
    refused(&post("ftth-clients", json!({"filter": some, "update": {"potencyRead": 1}})), 422);
    let of_client = json!([{"property": "client.code", "operator": "=", "value": "10001"}]);
    refused(&post("properties", json!({"filter": of_client, "update": {"address": "x"}})), 422);
    refused(&post("properties", json!({"filter": some, "update": {"potencyRead": 1}})), 400);
    assert_eq!(tenant.story.client("10001").expect("client")["status"], 0);
}

#[test]
fn a_poisoned_client_spoils_the_whole_batch() {
    let tenant = Tenant::new();
    tenant.story.refuse_client("10002");
    let filter = json!([{"property": "client.code", "operator": "in", "value": ["10001", "10002"]}]);
    let body = json!({"filter": filter, "update": {"potencyRead": -30}});
    refused(&tenant.call("POST", "/properties/batch-update", body.clone()), 422);
    assert_ne!(tenant.property_of("10001")["potencyRead"], -30);
    refused(
        &tenant.call("PATCH", &format!("/ftth-clients/{}", tenant.id_of("10002")), json!({"status": 1})),
        422,
    );
    tenant.story.forgive();
    assert_eq!(tenant.call("POST", "/properties/batch-update", body).status, 204);
}

#[test]
fn an_older_ozmap_has_no_batch_update() {
    let tenant = Tenant::new();
    tenant.story.set_batch_update(false);
    refused(&tenant.call("POST", "/properties/batch-update", json!({})), 404);
}

#[test]
fn calculated_power_is_launch_power_less_attenuation() {
    let tenant = Tenant::new();
    let paths = tenant.get("/properties/client/10001/potency?locale=pt_BR");
    let of = |name: &str| paths[0][name].as_f64().expect("a number");
    assert!((of("potency") - of("attenuation") - of("arriving_potency")).abs() < 0.006);
    assert!((-30.0..-15.0).contains(&of("arriving_potency")), "{}", of("arriving_potency"));
    assert_eq!(paths[0]["olt"]["password"], "sandbox-olt-password");
    assert_eq!((&paths[0]["slot"]["number"], &paths[0]["pon"]["number"]), (&json!("1"), &json!("1")));
}

#[test]
fn calculated_power_has_its_odd_cases() {
    let tenant = Tenant::new();
    let two = tenant.get("/properties/client/10006/potency");
    assert_eq!((&two[0]["pon_reached"], &two[1]["pon_reached"]), (&json!(false), &json!(true)));
    assert_eq!(tenant.get("/properties/client/10010/potency"), json!([]));
    let without = tenant.call("GET", "/properties/client/10014/potency", Value::Null);
    assert_eq!((without.status, without.body), (422, None));
    refused(&tenant.call("GET", "/properties/client/nobody/potency", Value::Null), 404);
}

#[test]
fn what_the_sandbox_has_not_is_501() {
    let tenant = Tenant::new();
    refused(&tenant.call("GET", "/prospects", Value::Null), 501);
    refused(&tenant.call("POST", "/boxes", json!({})), 501);
}

#[test]
fn a_story_adds_changes_and_removes_clients() {
    let tenant = Tenant::new();
    tenant.story.clear();
    let added = tenant.story.add_client(TestClient::new("5").implanted(false).status(1).potency_read(-20.5));
    tenant.story.add_client(TestClient::new("5").unconnected());
    let page = tenant.get(&format!("/ftth-clients?{}", filter("code", "=", json!("5"))));
    assert_eq!(page["total"], 2);
    assert_eq!(tenant.property_of("5")["potencyRead"], -20.5);
    assert_eq!(tenant.property_of("5")["id"], added.property_id);
    tenant.story.put_client(TestClient::new("5").potency_read(-21.0));
    assert_eq!(tenant.story.client("5").expect("client")["status"], 0);
    assert!(tenant.story.remove_client("5") && !tenant.story.remove_client("5"));
}

#[test]
fn more_clients_than_ports_get_new_boxes() {
    let tenant = Tenant::with(0, true);
    let ports: std::collections::HashSet<_> =
        (0..200).filter_map(|n| tenant.story.add_client(TestClient::new(&n.to_string())).port).collect();
    assert_eq!(ports.len(), 200);
}

#[test]
fn strange_requests_never_panic() {
    let tenant = Tenant::new();
    let id = Id::first(Kind::Property).to_string();
    let bodies = [
        json!(null),
        json!([]),
        json!({}),
        json!("x"),
        json!({"filter": [[[]]], "update": {"status": -1}}),
        json!({"connector": {}, "port": 1e99, "coords": [1], "client": {"id": 5}}),
        json!({"lat": 1}),
        json!({"onu": 1}),
    ];
    for method in ["GET", "POST", "PATCH", "DELETE", "PUT", "OPTIONS"] {
        for path in [
            "",
            "/",
            "/properties",
            "/properties/client",
            "/properties/client/%FF%00",
            "/properties/é",
            "/ftth-clients/",
            "/properties/batch-update",
            "/users/login",
            "/properties/client/x/potency",
            "/ftth-clients?limit=18446744073709551615&page=18446744073709551615",
            "/ftth-clients?filter=%5B%5B%5D%5D&sort=%7B%7D&select=-&populate=onu.x",
            "/ftth-viability/radius?lat=NaN&lng=inf",
        ] {
            for body in &bodies {
                tenant.call(method, path, body.clone());
                tenant.call(method, &format!("/properties/{id}"), body.clone());
            }
        }
    }
}
