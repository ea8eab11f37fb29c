//! Lists as a caller meets them: pages, filters, order, and the two shapes of the envelope.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use crate::ozmap::test_tenant::{Tenant, codes, filter, refused, text};

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
fn properties_of_a_code_have_underscored_ids() {
    let tenant = Tenant::new();
    let rows = tenant.get("/properties/client/10001");
    assert_eq!(rows[0]["client"]["_id"], json!(tenant.id_of("10001")));
    assert!(rows[0]["_id"].is_string() && rows[0].get("id").is_none());
    assert_eq!(tenant.get("/properties/client/a%2Fb%20c"), json!([]));
}
