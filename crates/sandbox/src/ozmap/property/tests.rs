//! Creating, moving and removing properties, as a caller meets it, without sockets.

use serde_json::{Value, json};

use crate::ozmap::test_tenant::{Tenant, filter, refused, text};

#[test]
fn a_property_is_created_with_its_client_on_the_wanted_port() {
    let tenant = Tenant::new();
    let (splitter, port) = tenant.story.free_port().expect("a free port");
    let body = json!({
        "coords": [-44.2, -26.5], "address": "Rua do Farol, 1", "connector": splitter, "port": port,
        "client": {"code": "90001", "implanted": true, "onu": {"user_PPPoE": "x", "serial_number": "", "mac_address": ""}},
    });
    let answer = tenant.call("POST", "/properties", body.clone());
    assert_eq!(answer.status, 201, "{:?}", answer.body);
    let created = answer.body.expect("body");
    assert_eq!(created["client"], json!(tenant.id_of("90001")));
    assert_eq!(tenant.story.holder(&splitter, port), created["id"].as_str().map(str::to_owned));
    let connections = &tenant.property_of("90001")["connections"];
    assert_eq!(
        (&connections[0]["id"], connections[0]["port"].as_u64()),
        (&json!(splitter), Some(u64::from(port)))
    );

    // The same again: port and code are taken by now.
    refused(&tenant.call("POST", "/properties", body), 422);
    let other =
        json!({"coords": [-44.2, -26.5], "connector": splitter, "port": port, "client": {"code": "90002"}});
    refused(&tenant.call("POST", "/properties", other), 422);
    assert_eq!(tenant.story.client("90002"), None);
}

#[test]
fn a_first_free_port_of_the_box_is_found_by_auto_connect() {
    let tenant = Tenant::new();
    let (splitter, port) = tenant.story.free_port().expect("a free port");
    let place = tenant.story.record_of(&splitter).expect("splitter")["parent"].clone();
    let body =
        json!({"box": place, "coords": [-44.2, -26.5], "auto_connect": true, "client": {"code": "90001"}});
    assert_eq!(tenant.call("POST", "/properties", body).status, 201);
    assert!(tenant.story.holder(&splitter, port).is_some());
}

#[test]
fn impossible_ports_are_refused() {
    let tenant = Tenant::new();
    let (splitter, port) = tenant.story.free_port().expect("a free port");
    let feeder = tenant.get(&format!("/splitters?limit=1&{}", filter("isDrop", "=", json!(false))))["rows"]
        [0]["id"]
        .clone();
    let path = format!("/properties/{}", text(&tenant.property_of("10001")["id"]));
    let before = tenant.property_of("10001");
    tenant.story.block_port(&splitter, port, true);
    for body in [
        json!({"connector": splitter, "port": port}),
        json!({"connector": splitter, "port": port, "force": true}),
        json!({"connector": splitter, "port": 0}),
        json!({"connector": splitter, "port": 99}),
        json!({"connector": splitter, "port": "1"}),
        json!({"connector": splitter}),
        json!({"connector": feeder, "port": 8}),
        json!({"connector": "68e2a1b00cc0ffee00ffffff", "port": 1}),
        json!({"project": before["project"]}),
    ] {
        refused(&tenant.call("PATCH", &path, body), 422);
        assert_eq!(tenant.property_of("10001"), before);
    }
}

#[test]
fn a_move_frees_the_old_port_and_a_taken_one_is_refused() {
    let tenant = Tenant::new();
    let port_of = |code: &str| {
        let connection = tenant.property_of(code)["connections"][0].clone();
        (text(&connection["id"]), connection["port"].as_u64().expect("port") as u16)
    };
    let (old, other) = (port_of("10001"), port_of("10002"));
    let property = text(&tenant.property_of("10001")["id"]);
    let path = format!("/properties/{property}");
    refused(&tenant.call("PATCH", &path, json!({"connector": other.0, "port": other.1})), 422);

    let free = tenant.story.free_port().expect("a free port");
    assert_eq!(tenant.call("PATCH", &path, json!({"connector": free.0, "port": free.1})).status, 204);
    assert_eq!((port_of("10001"), tenant.story.holder(&old.0, old.1)), (free.clone(), None));
    // Once more changes nothing.
    assert_eq!(tenant.call("PATCH", &path, json!({"connector": free.0, "port": free.1})).status, 204);
    assert_eq!(tenant.story.holder(&free.0, free.1), Some(property));
}

#[test]
fn force_unplugs_the_property_that_was_there() {
    let tenant = Tenant::new();
    let taken = tenant.property_of("10002")["connections"][0].clone();
    let path = format!("/properties/{}", text(&tenant.property_of("10001")["id"]));
    let body = json!({"connector": taken["id"], "port": taken["port"], "force": true});
    assert_eq!(tenant.call("PATCH", &path, body).status, 204);
    assert_eq!(tenant.property_of("10002")["connections"], json!([]));
}

#[test]
fn a_property_in_a_building_has_no_coordinates_of_its_own() {
    let tenant = Tenant::new();
    let building = tenant.get("/buildings?limit=1")["rows"][0]["id"].clone();
    let page = tenant.get(&format!("/properties?limit=1&{}", filter("box", "=", building.clone())));
    let property = &page["rows"][0];
    assert_eq!((&property["parent"]["id"], &property["box"]), (&building, &building));
    assert_eq!((&property["lat"], &property["lng"]), (&Value::Null, &Value::Null));
}

#[test]
fn disconnecting_a_drop_frees_the_port_and_keeps_the_property() {
    let tenant = Tenant::new();
    let property = tenant.property_of("10001");
    let path = format!("/cables/{}/fibers/disconnect", text(&property["drop"]));
    assert_eq!(tenant.call("POST", &path, Value::Null).status, 204);
    assert_eq!(tenant.property_of("10001")["connections"], json!([]));
    refused(&tenant.call("POST", "/cables/x/fibers/disconnect", Value::Null), 404);
}

#[test]
fn deleting_a_property_removes_its_client_too() {
    let tenant = Tenant::new();
    let property = tenant.property_of("10001");
    let path = format!("/properties/{}", text(&property["id"]));
    assert_eq!(tenant.call("DELETE", &path, Value::Null).status, 204);
    assert_eq!(tenant.story.client("10001"), None);
    assert_eq!(tenant.get("/properties/client/10001"), json!([]));
    refused(&tenant.call("DELETE", &path, Value::Null), 404);
}

#[test]
fn deleting_a_client_leaves_its_property_with_the_port() {
    let tenant = Tenant::new();
    let property = text(&tenant.property_of("10001")["id"]);
    assert_eq!(
        tenant.call("DELETE", &format!("/ftth-clients/{}", tenant.id_of("10001")), Value::Null).status,
        204
    );
    let property = tenant.get(&format!("/properties/{property}"));
    assert_eq!(
        (&property["client"], property["connections"].as_array().map(Vec::len)),
        (&Value::Null, Some(1))
    );
}
