use gateway_core::sync::ReadingTime;
use proptest::prelude::*;
use rstest::rstest;
use serde_json::{Value, json};

use super::*;
use crate::int6::wire::page::rows;
use crate::int6::wire::token;

fn whole(value: &Value) -> (OnuRow, RowShape) {
    matched_by(MatchBy::Code, value)
}

fn matched_by(match_by: MatchBy, value: &Value) -> (OnuRow, RowShape) {
    let raw = serde_json::value::to_raw_value(value).expect("a value is JSON");
    let (fields, unknown, mut shape) = (Fields::default(), UnknownWords::default(), RowShape::default());
    let statuses = StatusWords::default();
    let rules =
        RowRules { fields: &fields, zone: &TimeZone::UTC, unknown: &unknown, statuses: &statuses, match_by };
    (row(&raw, &rules, &mut shape), shape)
}

fn read(value: Value) -> Result<Reading, RowError> {
    whole(&value).0.reading
}

/// What is not understood in a good row.
fn unclear(value: Value) -> Vec<String> {
    let (row, _) = whole(&value);
    row.reading.expect("a good row");
    row.unclear.iter().map(ToString::to_string).collect()
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
#[case(json!("FHTT9A0B1C2D -> N/A"))]
#[case(json!("N/A (offline)"))]
#[case(json!("Não Disponível"))]
#[case(json!("--"))]
#[case(json!(""))]
#[case(json!(null))]
fn an_unknown_serial_or_mac_is_no_mistake(#[case] value: Value) {
    let row =
        json!({"gpon_client_id": 1, "serial_number": value, "mac_address": value, "pppoe_username": null});
    assert_eq!(unclear(row), Vec::<String>::new());
}

#[test]
fn nobodys_address_is_no_mistake() {
    for mac in ["00:00:00:00:00:00", "FFFF.FFFF.FFFF"] {
        assert_eq!(unclear(json!({"gpon_client_id": 1, "mac_address": mac})), Vec::<String>::new(), "{mac}");
    }
}

#[rstest]
#[case("Não Disponível")]
#[case("Na\u{303}o Disponi\u{301}vel")]
#[case("None")]
#[case("undefined")]
#[case("nil")]
#[case("--")]
#[case("N/A")]
#[case("n/d")]
#[case("-")]
#[case("NULL")]
#[case(" ")]
fn a_word_for_unknown_is_no_user(#[case] user: &str) {
    let row = json!({"gpon_client_id": 1, "pppoe_username": user});
    assert_eq!(read(row.clone()).expect("a good row").pppoe_user, None);
    assert_eq!(unclear(row), Vec::<String>::new());
}

#[rstest]
#[case(json!("maria.147"), Some("maria.147"))]
#[case(json!(" maria.147\0"), Some("maria.147"))]
#[case(json!(5_551_234), Some("5551234"))]
#[case(json!(5_551_234.0), Some("5551234"))]
#[case(json!("joão"), Some("joão"))]
#[case(json!("jo\u{fffd}o"), None)]
#[case(json!("\u{ffff}NaN"), None)]
#[case(json!("a\nb"), None)]
#[case(json!("a\u{202e}b"), None)]
#[case(json!(1.5), None)]
#[case(json!(true), None)]
#[case(json!(["maria.147"]), None)]
#[case(json!({"text": "maria.147"}), None)]
fn a_user_is_a_text_or_a_whole_number_and_anything_else_is_told(
    #[case] user: Value,
    #[case] expected: Option<&str>,
) {
    let row = json!({"gpon_client_id": 1, "rx_power": -20, "pppoe_username": user});
    assert_eq!(read(row.clone()).expect("a good row").pppoe_user.as_deref(), expected);
    let told = ["`pppoe_username` is not understood; the rest of the row counts"];
    assert_eq!(unclear(row), if expected.is_some() { &[][..] } else { &told[..] });
}

#[rstest]
#[case(json!("FHTT9"), json!("94:E3:EE:0E:10"))]
#[case(json!("-1"), json!("x"))]
#[case(json!(17), json!(17))]
#[case(json!(["FHTT9A0B1C2D"]), json!({}))]
#[case(json!("FHTT9A0B1C2\u{fffd}"), json!("94:E3:EE:0E:10:5\u{fffd}"))]
fn a_serial_and_a_mac_that_are_not_understood_are_told_and_cost_nothing_else(
    #[case] serial: Value,
    #[case] mac: Value,
) {
    let row = json!({"gpon_client_id": 1, "rx_power": -20, "serial_number": serial, "mac_address": mac, "pppoe_username": "m"});
    let reading = read(row.clone()).expect("a good row");
    assert_eq!((reading.serial, reading.mac, reading.pppoe_user.as_deref()), (None, None, Some("m")));
    let told = unclear(row);
    assert_eq!(told.len(), 2);
    assert!(told[0].starts_with("`serial_number` is") && told[1].starts_with("`mac_address` is"), "{told:?}");
}

#[test]
fn a_time_that_is_not_understood_stands_in_the_reading() {
    let at =
        |at: &str| read(json!({"gpon_client_id": 1, "updated_at": at})).map(|reading| reading.updated_at);
    assert_eq!(at("yesterday"), Ok(ReadingTime::NotUnderstood));
    assert_eq!(at(""), Ok(ReadingTime::Unsaid));
}

#[rstest]
#[case(json!({"gpon_client_id": "\u{ffff}NaN", "rx_power": -20}), None, "gpon_client_id")]
#[case(json!({"gpon_client_id": "14\u{fffd}", "rx_power": -20}), None, "gpon_client_id")]
#[case(json!({"gpon_client_id": 147, "rx_power": "\u{ffff}-Infinity"}), Some("147"), "rx_power")]
#[case(json!({"gpon_client_id": 147, "rx_power": "\u{fffd}21.53"}), Some("147"), "rx_power")]
fn what_is_no_json_and_no_text_costs_its_row_only_in_code_and_power(
    #[case] row: Value,
    #[case] code: Option<&str>,
    #[case] field: &str,
) {
    let error = read(row).expect_err("unreadable");
    assert_eq!(error.code.as_deref(), code);
    assert_eq!(error.what.to_string(), format!("`{field}` has bytes that are no text, or is no JSON"));
}

#[test]
fn a_value_that_nobody_can_hold_is_as_spoilt_in_its_field_alone() {
    let raw = |text: &str| RawValue::from_string(text.to_owned()).expect("JSON");
    let (fields, unknown) = (Fields::default(), UnknownWords::default());
    let statuses = StatusWords::default();
    let rules = RowRules {
        fields: &fields,
        zone: &TimeZone::UTC,
        unknown: &unknown,
        statuses: &statuses,
        match_by: MatchBy::Code,
    };
    let read = |text: &str| row(&raw(text), &rules, &mut RowShape::default());
    let good = read(
        r#"{"gpon_client_id": 1, "rx_power": -20, "name": "\ud800", "x": 1e999, "pppoe_username": "\ud800"}"#,
    );
    assert!(good.reading.is_ok_and(|reading| reading.pppoe_user.is_none()));
    assert_eq!(good.unclear.len(), 1);
    assert!(read(r#"{"gpon_client_id": 1, "rx_power": 1e999}"#).reading.is_err());
}

#[test]
fn the_shape_of_the_rows_tells_a_wrong_field_name_from_clients_without_light() {
    let shape = |row: Value| {
        let RowShape { rows, without_code, without_power, without_power_field, field_names } = whole(&row).1;
        let names = field_names.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
        ([rows, without_code, without_power, without_power_field], names)
    };
    assert_eq!(
        shape(json!({"gpon_client_id": 1, "rx_power": "LOS"})),
        ([1, 0, 0, 0], "gpon_client_id rx_power".into())
    );
    assert_eq!(shape(json!({"gpon_client_id": 1, "rx_power": null})).0, [1, 0, 1, 0]);
    assert_eq!(
        shape(json!({"gpon_client_id": 1, "potencia": -20})),
        ([1, 0, 1, 1], "gpon_client_id potencia".into())
    );
    assert_eq!(shape(json!({"client": 1, "rx_power": true})).0, [1, 1, 1, 0]);
    assert_eq!(shape(json!([])).0, [1, 1, 1, 1]);
}

#[test]
fn a_row_is_known_again_by_its_id_whatever_its_light_and_time() {
    let identity = |row: Value| whole(&row).0.identity;
    let row = |id: Value, power: f64, serial: &str| json!({"id": id, "gpon_client_id": 1, "rx_power": power, "serial_number": serial});
    assert_eq!(identity(row(json!(1), -20.0, "A")), identity(row(json!(1), -21.0, "A")));
    assert_ne!(identity(row(json!(1), -20.0, "A")), identity(row(json!(2), -20.0, "A")));
    assert_ne!(identity(row(json!(1), -20.0, "A")), identity(row(json!(1), -20.0, "B")));
    let (one, other) = (identity(row(json!(null), -20.0, "A")), identity(row(json!(null), -21.0, "A")));
    assert_eq!(one.onu, other.onu);
    assert_ne!(one.row, other.row, "without an `id` a client may have two rows");
}

/// Any JSON, nested a little.
fn any_json() -> impl Strategy<Value = Value> {
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
        let _ = token(json.to_string().as_bytes());
        let (_, shape) = whole(&json);
        prop_assert_eq!(shape.rows, 1);
        for body in [json.to_string().as_bytes(), &noise] {
            let _ = rows(body, &Fields::default(), &mut |raw| drop(whole(&serde_json::from_str(raw.get()).unwrap_or_default())));
        }
    }
}

#[rstest]
#[case(MatchBy::Serial, "serial_number", ["FHTT00000001", "FHTT00000002"])]
#[case(MatchBy::Mac, "mac_address", ["94:e3:ee:00:00:01", "94:e3:ee:00:00:02"])]
#[case(MatchBy::Pppoe, "pppoe_username", ["maria.1", "maria.2"])]
fn a_row_that_is_matched_by_another_key_needs_no_code(
    #[case] by: MatchBy,
    #[case] field: &str,
    #[case] keys: [&str; 2],
) {
    let [(one, shape), (other, _)] = keys
        .map(|key| matched_by(by, &json!({field: key, "rx_power": -20, "gpon_client_id": "N/A\u{fffd}"})));
    assert_eq!(one.reading.expect("a good row").code.as_str(), keys[0], "it is named by its key");
    assert_ne!(one.identity.onu, other.identity.onu, "rows are told apart by their key");
    assert_eq!(shape.without_code, 0);
    let (named, _) = matched_by(by, &json!({field: keys[0], "rx_power": -20, "gpon_client_id": 147}));
    assert_eq!(named.reading.expect("a good row").code.as_str(), "147");
    let (nobodys, _) = matched_by(by, &json!({field: "N/A", "rx_power": -20}));
    let why = nobodys.reading.expect_err("neither code nor key").what.to_string();
    assert!(why.contains(field), "{why}");
    assert!(matched_by(MatchBy::Code, &json!({field: keys[0], "rx_power": -20})).0.reading.is_err());
}
