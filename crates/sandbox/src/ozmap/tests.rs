//! The pretend OZmap as a caller meets it, without sockets.

use std::sync::Arc;
use std::time::Duration;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::{Id, Kind, Ozmap, OzmapHandle, Subscriber};
use crate::exchange::{Answer, Call};
use crate::faults::FaultInjector;
use crate::simulator::Simulator;
use crate::town;

pub(super) struct Tenant {
    pub(super) ozmap: Arc<Ozmap>,
    pub(super) story: OzmapHandle,
}

impl Tenant {
    pub(super) fn with(clients: usize, next_urls: bool) -> Tenant {
        let town = town::build(clients, 7, false);
        let ozmap =
            Arc::new(Ozmap::new(FaultInjector::new(Duration::ZERO, 0.0), town.state, next_urls, true));
        Tenant { story: OzmapHandle::new(ozmap.clone()), ozmap }
    }

    pub(super) fn new() -> Tenant {
        Tenant::with(60, true)
    }

    pub(super) fn call(&self, method: &str, path: &str, body: Value) -> Answer {
        self.ozmap.answer(&Call::test(method, &format!("/api/v2{path}"), &self.ozmap.credentials.key, body))
    }

    pub(super) fn get(&self, path: &str) -> Value {
        let answer = self.call("GET", path, Value::Null);
        assert_eq!(answer.status, 200, "{path}: {:?}", answer.body);
        answer.body.unwrap_or_default()
    }

    /// All pages of a list, by `nextUrl`.
    pub(super) fn follow(&self, path: &str) -> Vec<Value> {
        let mut rows = Vec::new();
        let mut path = path.to_owned();
        loop {
            let page = self.get(&path);
            rows.extend(page["rows"].as_array().expect("rows").clone());
            if page["hasNextPage"] == false {
                return rows;
            }
            path = page["nextUrl"]
                .as_str()
                .expect("nextUrl")
                .strip_prefix("/api/v2")
                .expect("prefix")
                .to_owned();
        }
    }

    pub(super) fn id_of(&self, code: &str) -> String {
        text(&self.story.client(code).expect("client")["id"])
    }

    pub(super) fn home_of(&self, code: &str) -> Value {
        self.story.property_of(code).expect("property")
    }
}

pub(super) fn text(value: &Value) -> String {
    value.as_str().expect("a string").to_owned()
}

pub(super) fn filter(property: &str, operator: &str, value: Value) -> String {
    let filter = json!([{"property": property, "operator": operator, "value": value}]).to_string();
    format!("filter={}", utf8_percent_encode(&filter, NON_ALPHANUMERIC))
}

pub(super) fn codes(rows: &[Value]) -> Vec<String> {
    rows.iter().map(|row| text(&row["code"])).collect()
}

pub(super) fn refused(answer: &Answer, status: u16) {
    assert_eq!(answer.status, status, "{:?}", answer.body);
    assert!(answer.body.as_ref().is_some_and(|body| body["message"].is_string()), "{:?}", answer.body);
}

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
fn a_list_has_25_rows_unless_told_and_ignores_plain_parameters() {
    let page = Tenant::new().get("/ftth-clients?code=10003");
    assert_eq!(
        (page["total"].as_u64(), page["count"].as_u64(), page["limit"].as_u64()),
        (Some(60), Some(25), Some(25))
    );
    assert_eq!(page["rows"][0]["code"], "10001");
}

#[test]
fn the_cursor_visits_every_record_once_in_ascending_order() {
    let tenant = Tenant::new();
    let rows = tenant.follow("/ftth-clients?limit=7&select=code%20implanted");
    assert_eq!(codes(&rows), tenant.story.codes());
    assert!(rows.is_sorted_by_key(|row| text(&row["id"])));
    assert_eq!(rows[0].as_object().expect("object").keys().collect::<Vec<_>>(), ["code", "id", "implanted"]);
}

#[test]
fn the_cursor_survives_what_is_added_and_removed_on_the_way() {
    let tenant = Tenant::new();
    let first = tenant.get("/ftth-clients?limit=20");
    tenant.story.remove_client("10001");
    let next = text(&first["nextUrl"]);
    assert_eq!(tenant.get(next.strip_prefix("/api/v2").expect("prefix"))["rows"][0]["code"], "10021");
}

#[test]
fn a_next_url_stands_even_on_the_last_page() {
    let page = Tenant::new().get("/ftth-clients?limit=100&page=1");
    assert_eq!(page["hasNextPage"], false);
    let url = text(&page["nextUrl"]);
    assert!(url.starts_with("/api/v2/ftth-clients?limit=100&page=1&lastSeenId="), "{url}");
}

#[test]
fn the_older_envelope_has_pages_only() {
    let tenant = Tenant::with(60, false);
    let page = tenant.get("/ftth-clients?limit=50&page=2");
    assert_eq!((page["count"].as_u64(), page["start"].as_u64()), (Some(10), Some(50)));
    assert!(page.get("nextUrl").is_none() && page.get("hasNextPage").is_none());
    assert_eq!(tenant.get("/ftth-clients?limit=50&page=3")["rows"], json!([]));
}

#[test]
fn a_filter_works_in_the_query_and_in_the_body_of_a_get() {
    let tenant = Tenant::new();
    let query =
        tenant.get(&format!("/ftth-clients?{}", filter("code", "in", json!(["10003", "10002", "nobody"]))));
    assert_eq!(codes(query["rows"].as_array().expect("rows")), ["10002", "10003"]);
    let body = json!({"filter": [{"property": "code", "operator": "=", "value": "10003"}], "sort": null});
    let answer = tenant.call("GET", "/ftth-clients?limit=1", body).body.expect("body");
    assert_eq!((answer["total"].as_u64(), &answer["rows"][0]["code"]), (Some(1), &json!("10003")));
}

#[test]
fn a_filtered_list_is_paged_by_the_cursor_too() {
    let tenant = Tenant::new();
    let path = format!("/ftth-clients?limit=2&{}", filter("code", "<", json!("10010")));
    assert_eq!(tenant.follow(&path).len(), 9);
}

#[test]
fn a_sorted_list_goes_on_by_page() {
    let tenant = Tenant::new();
    let sort = utf8_percent_encode(r#"[{"property":"code","direction":-1}]"#, NON_ALPHANUMERIC);
    let rows = tenant.follow(&format!("/ftth-clients?limit=25&sort={sort}"));
    let mut wanted = tenant.story.codes();
    wanted.reverse();
    assert_eq!(codes(&rows), wanted);
}

#[test]
fn a_property_is_found_by_its_client_and_by_dotted_paths() {
    let tenant = Tenant::new();
    let client = tenant.id_of("10004");
    for filter in [
        filter("client", "in", json!([client])),
        filter("client.code", "=", json!("10004")),
        filter("client._id", "=", json!(client)),
        filter("client.code", "like", json!("0004")),
    ] {
        let page = tenant.get(&format!("/properties?{filter}&populate=client%20box"));
        assert_eq!(page["total"], 1, "{filter}");
        let row = &page["rows"][0];
        assert_eq!(
            (&row["client"]["code"], row["connections"][0]["kind"].as_str()),
            (&json!("10004"), Some("Splitter"))
        );
        assert!(row["box"]["name"].is_string());
    }
}

#[test]
fn boxes_are_found_around_a_point() {
    let tenant = Tenant::new();
    let some = tenant.get("/boxes?limit=2")["rows"][1].clone();
    let near = json!({"lat": some["lat"], "lng": some["lng"], "radius": "50"});
    let page = tenant.get(&format!("/boxes?{}", filter("coords", "near", near)));
    assert!(page["rows"].as_array().expect("rows").iter().any(|row| row["id"] == some["id"]));
    assert!(page["total"].as_u64() < Some(4));
}

#[test]
fn a_wrong_filter_or_limit_is_refused() {
    let tenant = Tenant::new();
    for path in [
        format!("/ftth-clients?{}", filter("onu.serial", "=", json!("x"))),
        format!("/properties?{}", filter("potency", "=", json!(1))),
        "/ftth-clients?filter=%5B".to_owned(),
        "/ftth-clients?limit=0".to_owned(),
        "/ftth-clients?limit=many".to_owned(),
        "/ftth-clients?page=-1".to_owned(),
        "/ftth-clients?lastSeenId=x".to_owned(),
    ] {
        refused(&tenant.call("GET", &path, Value::Null), 400);
    }
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
        assert_eq!(tenant.home_of(code)["potencyRead"], -25.25);
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
    let home = json!([{"property": "client.code", "operator": "=", "value": "10001"}]);
    refused(&post("properties", json!({"filter": home, "update": {"address": "x"}})), 422);
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
    assert_ne!(tenant.home_of("10001")["potencyRead"], -30);
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
fn properties_of_a_code_have_underscored_ids() {
    let tenant = Tenant::new();
    let rows = tenant.get("/properties/client/10001");
    assert_eq!(rows[0]["client"]["_id"], json!(tenant.id_of("10001")));
    assert!(rows[0]["_id"].is_string() && rows[0].get("id").is_none());
    assert_eq!(tenant.get("/properties/client/a%2Fb%20c"), json!([]));
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
    let added = tenant.story.add_client(Subscriber::new("5").implanted(false).status(1).potency_read(-20.5));
    tenant.story.add_client(Subscriber::new("5").unconnected());
    let page = tenant.get(&format!("/ftth-clients?{}", filter("code", "=", json!("5"))));
    assert_eq!(page["total"], 2);
    assert_eq!(tenant.home_of("5")["potencyRead"], -20.5);
    assert_eq!(tenant.home_of("5")["id"], added.property_id);
    tenant.story.put_client(Subscriber::new("5").potency_read(-21.0));
    assert_eq!(tenant.story.client("5").expect("client")["status"], 0);
    assert!(tenant.story.remove_client("5") && !tenant.story.remove_client("5"));
}

#[test]
fn more_clients_than_ports_get_new_boxes() {
    let tenant = Tenant::with(0, true);
    let ports: std::collections::HashSet<_> =
        (0..200).filter_map(|n| tenant.story.add_client(Subscriber::new(&n.to_string())).port).collect();
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
