use proptest::prelude::*;
use rstest::rstest;

use super::*;

fn read(row: Value) -> Result<Reading, RowError> {
    let raw = serde_json::value::to_raw_value(&row).expect("a value is JSON");
    reading(&raw, &Fields::default(), &TimeZone::UTC)
}

fn power_of(value: Value) -> Result<PowerReading, RowError> {
    read(json!({ "gpon_client_id": 147, "rx_power": value })).map(|reading| reading.power)
}

#[test]
fn the_row_of_the_contract_is_read_in_full() {
    let row = json!({"id": 981, "gpon_client_id": 147, "rx_power": "-21.53", "olt_rx_power": -23.1, "contract_id": 55121,
        "serial_number": "FHTT9A0B1C2D", "pppoe_username": "maria.147", "mac_address": "94:E3:EE:0E:10:55",
        "updated_at": "2026-11-20T10:03:11Z"});
    let reading = read(row).expect("the row is good");
    assert_eq!(reading.code.as_str(), "147");
    assert_eq!(reading.power, PowerReading::from_number(-21.53).expect("a power"));
    assert_eq!(reading.serial.as_ref().map(OnuSerial::as_str), Some("FHTT9A0B1C2D"));
    assert_eq!(reading.pppoe_user.as_deref(), Some("maria.147"));
    assert_eq!(reading.mac.map(|m| m.to_string()).as_deref(), Some("94:e3:ee:0e:10:55"));
    assert_eq!(reading.updated_at.known().map(|t| t.to_string()).as_deref(), Some("2026-11-20T10:03:11Z"));
}

#[test]
fn every_json_shape_of_a_power_is_read() {
    let measured = PowerReading::from_number(-21.53).expect("a power");
    for value in [json!(-21.53), json!("-21,53"), json!({"text": "-21.53"}), json!({"text": -21.53})] {
        assert_eq!(power_of(value.clone()), Ok(measured), "{value}");
    }
    assert_eq!(power_of(json!(-0.0)), Ok(PowerReading::Zero));
    assert_eq!(power_of(json!(0)), Ok(PowerReading::Zero));
    assert_eq!(power_of(json!({"text": "LOS"})), Ok(PowerReading::Text));
    for value in [json!(null), json!(""), json!("null"), json!({"text": null})] {
        assert_eq!(power_of(value.clone()), Ok(PowerReading::Absent), "{value}");
    }
    assert_eq!(read(json!({"gpon_client_id": 1})).map(|r| r.power), Ok(PowerReading::Absent));
}

#[test]
fn what_is_no_power_sets_the_row_aside_and_names_the_field() {
    for value in
        [json!(true), json!([-21.5]), json!({"value": 1}), json!(1e300), json!({"text": {"text": 1}})]
    {
        let error = power_of(value.clone()).expect_err("no power");
        assert_eq!(error.code.as_deref(), Some("147"), "{value}");
        assert!(error.what.to_string().starts_with("`rx_power` is"), "{}", error.what);
    }
}

#[rstest]
#[case(json!(147), Some("147"))]
#[case(json!("147"), Some("147"))]
#[case(json!(" 147 "), Some("147"))]
#[case(json!(147.0), Some("147"))]
#[case(json!("00147"), Some("00147"))]
#[case(json!("A-7"), Some("A-7"))]
#[case(json!(147.5), None)]
#[case(json!(-1), None)]
#[case(json!(""), None)]
#[case(json!(null), None)]
#[case(json!([147]), None)]
fn a_code_is_a_number_or_a_text(#[case] code: Value, #[case] expected: Option<&str>) {
    let read = read(json!({ "gpon_client_id": code, "rx_power": -20 }));
    assert_eq!(read.as_ref().ok().map(|r| r.code.as_str()), expected);
}

#[rstest]
#[case("FHTT9A0B1C2D -> FHTT00000001", Some("FHTT00000001"))]
#[case("FHTT9A0B1C2D -> N/A", None)]
#[case("N/A -> FHTT00000001", Some("FHTT00000001"))]
#[case("N/A", None)]
#[case("N/A (offline)", None)]
#[case("", None)]
fn a_swapped_onu_counts_with_its_new_serial(#[case] text: &str, #[case] expected: Option<&str>) {
    let reading = read(json!({ "gpon_client_id": 1, "serial_number": text })).expect("a good row");
    assert_eq!(reading.serial.as_ref().map(OnuSerial::as_str), expected);
}

#[rstest]
#[case("2026-11-20T10:03:11Z", Some("2026-11-20T10:03:11Z"))]
#[case("2026-11-20T10:03:11-03:00", Some("2026-11-20T13:03:11Z"))]
#[case("2026-11-20T10:03:11", Some("2026-11-20T13:03:11Z"))]
#[case("2026-11-20 10:03:11", Some("2026-11-20T13:03:11Z"))]
#[case("yesterday", None)]
fn a_time_without_a_zone_is_local(#[case] text: &str, #[case] expected: Option<&str>) {
    let zone = TimeZone::fixed(jiff::tz::offset(-3));
    assert_eq!(time(text, &zone).map(|t| t.to_string()).as_deref(), expected);
}

#[test]
fn a_page_is_an_array_or_a_list_inside_an_object() {
    let count = |body: &str| rows(body.as_bytes(), &mut |_| ());
    assert_eq!(count("[{},{},5]"), Ok(3));
    assert_eq!(count(r#"{"onu_status":[{}],"total":1}"#), Ok(1));
    assert_eq!(count(" []"), Ok(0));
    for bad in ["", "null", "[{}", "{}", r#"{"error":"x","rows":[]}"#, r#"{"a":[],"b":[]}"#, "<html>", "5"] {
        assert!(count(bad).is_err(), "{bad}");
    }
}

#[test]
fn a_token_is_read_with_or_without_its_lifetime() {
    let (_, lifetime) = token(br#"{"token":"abc","expires_in":3600}"#).expect("a token");
    assert_eq!(lifetime, Some(Duration::from_secs(3600)));
    let (_, lifetime) = token(br#"{"token":"abc"}"#).expect("a token");
    assert_eq!(lifetime, None);
    for bad in [r#"{"token":""}"#, r#"{"token":5}"#, "[]", "", r#"{"token":"a\nb"}"#, r#"{"error":"no"}"#] {
        assert!(token(bad.as_bytes()).is_err(), "{bad}");
    }
}

/// Any JSON, nested a little.
pub(super) fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        let key = prop_oneof![
            Just("gpon_client_id"),
            Just("rx_power"),
            Just("text"),
            Just("serial_number"),
            Just("x")
        ];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::hash_map(key.prop_map(str::to_owned), inner, 0..5)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn no_json_makes_a_row_or_a_page_panic(json in any_json(), noise in prop::collection::vec(any::<u8>(), 0..64)) {
        let _ = read(json.clone());
        let _ = token(json.to_string().as_bytes());
        let _ = rows(json.to_string().as_bytes(), &mut |row| drop(reading(row, &Fields::default(), &TimeZone::UTC)));
        let _ = rows(&noise, &mut |_| ());
    }
}
