use gateway_core::{Onu, Status};
use proptest::prelude::*;
use rstest::rstest;
use serde_json::json;

use super::super::page;
use super::*;

fn raw(value: &Value) -> Box<RawValue> {
    serde_json::value::to_raw_value(value).expect("a value is JSON")
}

fn client_json() -> Value {
    json!({"id": "5da61e13493d9c0006665401", "code": "147", "implanted": false, "certified": true, "status": 1,
        "onu": {"user_PPPoE": "maria.147", "serial_number": "FHTT9A0B1C2D", "mac_address": ""}, "kind": "ftth"})
}

fn read(row: Value) -> Result<BareProperty, RowError> {
    property(&raw(&row))
}

#[test]
fn a_property_with_its_client_is_read() {
    let row = json!({"_id": "5da61e13493d9c0006665477", "potencyRead": -19.3, "client": client_json()});
    let property = read(row).expect("a good row");
    assert_eq!(property.id.as_str(), "5da61e13493d9c0006665477");
    assert_eq!(property.read_power, Dbm::from_f64(-19.3).ok());
    let Some(ClientReference::Whole(client)) = property.client else { panic!("the client is whole") };
    assert_eq!((client.code.as_str(), client.status), ("147", Some(Status::Error)));
    assert_eq!(client.implantation, Implantation::NotImplanted);
    assert_eq!(client.onu.pppoe_user, "maria.147");
}

#[test]
fn a_reference_is_an_identifier_an_object_or_null() {
    let reference = |client: Value| read(json!({"id": "a1", "client": client})).map(|p| p.client);
    assert_eq!(reference(json!(null)), Ok(None));
    assert_eq!(reference(json!("b2")), Ok(RecordId::new("b2").map(ClientReference::Id)));
    assert_eq!(reference(json!({"_id": "b2"})), Ok(RecordId::new("b2").map(ClientReference::Id)));
    assert_eq!(reference(json!(5)), Ok(RecordId::new("5").map(ClientReference::Id)));
    for nothing in [json!([]), json!(""), json!(false)] {
        assert_eq!(reference(nothing), Ok(None));
    }
    assert!(reference(json!(true)).is_err());
    assert!(reference(json!({"code": "1"})).is_err());
}

#[test]
fn status_is_read_as_number_or_word_and_unknown_otherwise() {
    for (value, expected) in [
        (json!(0), Some(Status::Ok)),
        (json!(1), Some(Status::Error)),
        (json!("OK"), Some(Status::Ok)),
        (json!("error"), Some(Status::Error)),
        (json!("1"), Some(Status::Error)),
        (json!(1.0), Some(Status::Error)),
        (json!(7), None),
        (json!(null), None),
    ] {
        assert_eq!(status(&value), expected, "{value}");
    }
}

#[test]
fn an_odd_field_costs_itself_and_never_leads_to_a_write() {
    let odd = json!({"id": 1, "code": 147, "implanted": "yes", "status": "?", "onu": "FHTT9A0B1C2D"});
    let property = read(json!({"id": "a1", "potencyRead": "weak", "client": odd})).expect("a row");
    assert_eq!(property.read_power, None);
    let names: Vec<&str> = property.unclear.iter().map(|field| field.name).collect();
    assert_eq!(names, ["implanted", "onu", "status", "potencyRead"]);
    let Some(ClientReference::Whole(client)) = property.client else { panic!("the client is whole") };
    assert_eq!((client.code.as_str(), client.status), ("147", None));
    assert_eq!((client.implantation, client.onu_known), (Implantation::Implanted, false));
}

#[rstest]
#[case::half_a_surrogate(r#""\ud800""#)]
#[case::too_large(r#"1e999"#)]
fn a_value_that_nobody_can_hold_is_an_odd_one(#[case] value: &str) {
    let row = |name: &str, value: &str| {
        let client =
            format!(r#"{{"id":"c3","code":"147","implanted":false,"status":0,"onu":null,"{name}":{value}}}"#);
        property(
            &serde_json::from_str::<Box<RawValue>>(&format!(r#"{{"id":"a1","client":{client}}}"#))
                .expect("JSON"),
        )
    };
    for name in ["implanted", "onu", "status"] {
        let unclear = row(name, value).expect("a row").unclear;
        assert_eq!(unclear.iter().map(|field| field.name).collect::<Vec<_>>(), [name]);
    }
    for name in ["id", "code"] {
        row(name, value).expect_err("it is not known who that is");
    }
}

#[rstest]
#[case::an_empty_list(json!({"implanted": "1", "onu": []}), Implantation::Implanted)]
#[case::null(json!({"implanted": "true", "onu": null}), Implantation::Implanted)]
#[case::none(json!({"implanted": 1}), Implantation::Implanted)]
#[case::an_empty_text(json!({"implanted": 0, "onu": ""}), Implantation::NotImplanted)]
#[case::false_as_a_text(json!({"implanted": "false", "onu": {}}), Implantation::NotImplanted)]
#[case::nothing(json!({"implanted": ""}), Implantation::NotImplanted)]
fn a_client_without_onu_data_is_one(#[case] mut fields: Value, #[case] implantation: Implantation) {
    fields["id"] = json!("c3");
    fields["code"] = json!("147");
    let BareClient { client, unclear } = client(&raw(&fields)).expect("a row");
    assert_eq!((client.implantation, client.onu, client.onu_known), (implantation, Onu::default(), true));
    assert_eq!(unclear, []);
}

#[test]
fn what_tells_a_client_from_others_must_be_there() {
    let error = |row: Value| read(row).expect_err("a bad row").what.to_string();
    assert_eq!(error(json!({"id": "a1", "client": {"code": "147"}})), "property a1: `client` has no `id`");
    let codeless = json!({"id": "a1", "client": {"id": "c3", "code": []}});
    assert_eq!(error(codeless), "property a1: client c3: `code` is empty or no text");
    assert_eq!(error(json!({"client": null})), "a property has no `id`");
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        let keys = [
            "id",
            "_id",
            "client",
            "potencyRead",
            "code",
            "onu",
            "status",
            "rows",
            "total",
            "nextUrl",
            "implanted",
        ];
        let key = prop::sample::select(keys.to_vec()).prop_map(str::to_owned);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::hash_map(key, inner, 0..6)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn no_json_makes_a_row_or_a_page_panic(json in any_json(), noise in prop::collection::vec(any::<u8>(), 0..64)) {
        let _ = property(&raw(&json));
        let _ = client(&raw(&json));
        let _ = page(json.to_string().as_bytes(), &mut |row| drop(property(row)));
        let _ = page(&noise, &mut |_| ());
    }
}
