use gateway_core::{Coordinate, PortState, RecordId};
use proptest::prelude::*;
use rstest::rstest;

use super::*;

fn raw(value: &Value) -> Box<RawValue> {
    serde_json::value::to_raw_value(value).expect("a value is JSON")
}

fn read(row: Value) -> Result<Splitter, RowError> {
    splitter(&raw(&row))
}

fn row() -> Value {
    json!({"id": "5da61e13493d9c0006665477", "name": "Splitter 1", "parent": "5da61e13493d9c0006665401",
        "ratio": {"input": 1, "output": 8}, "isDrop": true, "implanted": true,
        "connectables": {"input": ["f1"], "output": ["f2", null, "f3", null, null, null, {"id": "f4"}, null]},
        "ports": [{"blocked": false, "tags": []}, {"blocked": false}, {}, {"blocked": true}]})
}

fn free(splitter: &Splitter) -> Vec<u16> {
    splitter.free_ports().map(|port| port.get()).collect()
}

#[test]
fn a_splitter_is_read_with_its_ports() {
    let splitter = read(row()).expect("a good row");
    assert_eq!((splitter.id.as_str(), splitter.name.as_str()), ("5da61e13493d9c0006665477", "Splitter 1"));
    assert_eq!(splitter.site, RecordId::new("5da61e13493d9c0006665401"));
    assert_eq!((splitter.ratio, splitter.is_drop), (Some(Ratio { input: 1, output: 8 }), true));
    assert_eq!((splitter.ports.len(), free(&splitter)), (8, vec![2, 5, 6, 8]));
    assert_eq!((splitter.ports[2], splitter.ports[3]), (PortState::Taken, PortState::Blocked));
}

#[rstest]
#[case::shorter_than_the_ratio(json!(["f"]), json!({"input": 1, "output": 4}), 4, &[2, 3, 4])]
#[case::empty(json!([]), json!({"input": 1, "output": 2}), 2, &[1, 2])]
#[case::empty_beyond_the_ratio(json!([null, null, null]), json!({"input": 1, "output": 2}), 2, &[1, 2])]
#[case::connected_beyond_the_ratio(json!([null, null, null, "f", null]), json!({"input": 1, "output": 2}), 4, &[1, 2, 3])]
#[case::no_ratio(json!([null, "f", null]), json!(null), 3, &[1, 3])]
#[case::a_ratio_in_texts(json!(["f"]), json!({"input": "2", "output": "4"}), 4, &[2, 3, 4])]
fn the_ratio_says_how_many_ports_there_are(
    #[case] output: Value,
    #[case] ratio: Value,
    #[case] total: usize,
    #[case] expected: &[u16],
) {
    let splitter =
        read(json!({"_id": "a1", "isDrop": true, "connectables": {"output": output}, "ratio": ratio}));
    let splitter = splitter.expect("a good row");
    assert_eq!((splitter.ports.len(), free(&splitter).as_slice()), (total, expected));
}

#[rstest]
#[case::an_identifier(json!("b2"), Some("b2"))]
#[case::an_object(json!({"id": "b2", "name": "CTO"}), Some("b2"))]
#[case::an_object_of_another_route(json!({"_id": "b2"}), Some("b2"))]
#[case::null(json!(null), None)]
fn a_parent_is_an_identifier_an_object_or_null(#[case] parent: Value, #[case] expected: Option<&str>) {
    let mut row = row();
    row["parent"] = parent;
    assert_eq!(read(row).expect("a good row").site, expected.and_then(RecordId::new));
}

#[rstest]
#[case("id", json!(null), "has no `id`")]
#[case("parent", json!(true), "`parent`")]
#[case("ratio", json!({"input": 1}), "`ratio`")]
#[case("ratio", json!({"input": 1, "output": 60_000}), "1,024")]
#[case("isDrop", json!("yes"), "`isDrop`")]
#[case("connectables", json!(null), "`connectables.output`")]
#[case("connectables", json!({"input": []}), "`connectables.output`")]
#[case("ports", json!("none"), "another shape")]
fn a_bad_splitter_is_named(#[case] field: &str, #[case] value: Value, #[case] expected: &str) {
    let mut row = row();
    row[field] = value;
    let error = read(row).expect_err("a bad row");
    assert!(error.what.to_string().contains(expected), "{}", error.what);
}

#[test]
fn a_site_is_read_from_coords_or_from_lat_and_lng() {
    let at = Coordinate::new(-27.5, -48.25);
    let read = |coords: Value, lat: Value, lng: Value| {
        let row =
            json!({"id": "b1", "name": 12, "implanted": true, "coords": coords, "lat": lat, "lng": lng});
        cto(&raw(&row)).expect("a good row").coordinate
    };
    assert_eq!(read(json!([-48.25, -27.5]), json!(null), json!(null)), at);
    assert_eq!(read(json!(null), json!(-27.5), json!(-48.25)), at);
    assert_eq!(read(json!([]), json!(-27.5), json!(-48.25)), at);
    assert_eq!(read(json!(null), json!(null), json!(-48.25)), None);
    assert_eq!(read(json!([-48.25, -97.5]), json!(null), json!(null)), None, "not on earth");
}

#[test]
fn a_box_may_be_a_draft_and_a_building_never_is() {
    let row = json!({"id": "b1", "name": " CTO 12 ", "address": "", "draft": true});
    let cto = cto(&raw(&row)).expect("a good row");
    assert_eq!((cto.name.as_str(), cto.address, cto.is_draft), ("CTO 12", None, true));
    assert_eq!((cto.kind, cto.implantation), (SiteKind::Cto, Implantation::NotImplanted));
    let building = building(&raw(&row)).expect("a good row");
    assert_eq!((building.kind, building.is_draft), (SiteKind::Condominium, false));
    let error = super::cto(&raw(&json!({"id": "b1", "draft": "no"}))).expect_err("a bad row");
    assert_eq!(error.what.to_string(), "box b1: `draft` is neither true nor false");
}

proptest! {
    #[test]
    fn no_row_makes_the_reader_panic(outputs in prop::collection::vec(any::<bool>(), 0..40), ratio in any::<u16>(),
        blocked in prop::collection::vec(any::<Option<bool>>(), 0..40), lat in any::<f64>(), lng in any::<f64>()) {
        let output: Vec<Value> = outputs.iter().map(|taken| if *taken { json!("f") } else { Value::Null }).collect();
        let ports: Vec<Value> = blocked.iter().map(|blocked| json!({"blocked": blocked})).collect();
        let row = json!({"id": "a1", "ratio": {"input": 1, "output": ratio}, "connectables": {"output": output},
            "ports": ports, "coords": [lng, lat]});
        if let Ok(splitter) = read(row.clone()) {
            for port in splitter.free_ports() {
                prop_assert!(!outputs.get(port.index()).copied().unwrap_or_default());
                prop_assert!(blocked.get(port.index()) != Some(&Some(true)));
            }
        }
        let _ = cto(&raw(&row));
    }
}
