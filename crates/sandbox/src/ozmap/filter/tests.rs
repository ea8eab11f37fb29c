//! What a filter lets pass, and what is no filter.

use serde_json::{Value, json};

use super::{Filter, Vocabulary};
use crate::ozmap::geometry::Polygon;
use crate::ozmap::refusal::Outcome;

struct Anything;

impl Vocabulary for Anything {
    fn knows(&self, path: &[String]) -> bool {
        path[0] != "typo"
    }
    fn polygon(&self, _: &str, _: &str) -> Option<Polygon> {
        None
    }
}

fn record() -> Value {
    json!({
        "code": "147", "implanted": false, "status": 1, "potencyRead": -21.53, "name": null, "tags": ["a", "b"],
        "client": {"id": "abc", "code": "147"}, "coords": [-46.0, -27.0], "lat": -27.0, "lng": -46.0,
    })
}

fn parse(filter: Value) -> Outcome<Filter> {
    Filter::parse(&filter, &Anything)
}

fn holds(property: &str, operator: &str, value: Value) -> bool {
    let filter =
        parse(json!([{"property": property, "operator": operator, "value": value}])).expect("a filter");
    let record = record();
    filter.matches(|path| path.iter().try_fold(&record, |v, key| v.get(key)).cloned().unwrap_or_default())
}

#[test]
fn an_empty_filter_lets_everything_pass() {
    assert!(parse(json!([])).expect("a filter").matches(|_| Value::Null));
    assert!(parse(Value::Null).expect("a filter").is_empty());
}

#[test]
fn every_operator_holds_and_fails_where_it_should() {
    let cases = [
        ("code", "=", json!("147"), json!("148")),
        ("code", "=", json!(147), json!(14)),
        ("status", "=", json!("1"), json!(0)),
        ("implanted", "=", json!(false), json!(true)),
        ("name", "=", json!(null), json!("x")),
        ("code", "!=", json!("1"), json!("147")),
        ("code", "like", json!("14"), json!("15")),
        ("potencyRead", "<", json!(-20), json!(-22)),
        ("potencyRead", ">=", json!(-21.53), json!(-21.52)),
        ("code", "in", json!(["1", "147"]), json!(["1"])),
        ("code", "notin", json!(["1"]), json!(["147"])),
        ("tags", "all", json!(["a", "b"]), json!(["a", "c"])),
        ("tags", "=", json!("b"), json!("c")),
        ("name", "exists", json!(false), json!(true)),
        ("client", "in", json!(["abc"]), json!(["abd"])),
        ("client.code", "=", json!("147"), json!("1")),
        (
            "coords",
            "near",
            json!({"lat": "-27.001", "lng": -46, "radius": "150"}),
            json!({"lat": -27.001, "lng": -46, "radius": 90}),
        ),
        (
            "coords",
            "within",
            json!({"type": "Polygon", "coordinates": [[[-47, -28], [-45, -28], [-45, -26], [-47, -26], [-47, -28]]]}),
            json!({"type": "Polygon", "coordinates": [[[-45, -28], [-44, -28], [-44, -26], [-45, -28]]]}),
        ),
    ];
    for (property, operator, yes, no) in cases {
        assert!(holds(property, operator, yes.clone()), "{property} {operator} {yes}");
        assert!(!holds(property, operator, no.clone()), "{property} {operator} {no}");
    }
}

#[test]
fn an_inner_array_is_an_or_and_the_outer_an_and() {
    let is = |code: &str| json!({"property": "code", "operator": "=", "value": code});
    let test = |filter| parse(filter).expect("a filter").matches(|_| json!("147"));
    assert!(test(json!([[is("1"), is("147")]])));
    assert!(!test(json!([is("1"), is("147")])));
}

#[test]
fn an_unknown_property_or_operator_is_refused_with_a_message() {
    let cases = [
        json!([{"property": "typo", "operator": "=", "value": 1}]),
        json!([{"property": "code", "operator": "equals", "value": 1}]),
        json!([{"property": "code", "operator": "in", "value": "147"}]),
        json!([{"property": "code", "operator": "="}]),
        json!([{"property": "code", "operator": "exists", "value": "yes"}]),
        json!([{"property": "coords", "operator": "near", "value": {"lat": 91, "lng": 0}}]),
        json!({"property": "code"}),
        json!(["code"]),
    ];
    for filter in cases {
        let refusal = parse(filter.clone()).err().unwrap_or_else(|| panic!("{filter} was accepted"));
        assert_eq!(refusal.status, 400);
        assert!(refusal.message.is_some());
    }
}

#[test]
fn an_index_is_used_only_when_a_clause_demands_the_value() {
    let in_codes = json!({"property": "code", "operator": "in", "value": ["1", 2]});
    let filter = parse(json!([in_codes])).expect("a filter");
    assert_eq!(
        filter.required("code").map(|mut v| {
            v.sort_unstable();
            v
        }),
        Some(vec!["1", "2"])
    );
    assert_eq!(filter.required("id"), None);
    let either =
        parse(json!([[in_codes, {"property": "name", "operator": "=", "value": "x"}]])).expect("a filter");
    assert_eq!(either.required("code"), None);
}
