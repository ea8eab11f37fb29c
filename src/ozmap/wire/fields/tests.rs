use rstest::rstest;
use serde_json::json;

use super::*;

#[rstest]
#[case(json!(true), Ok(true))]
#[case(json!("1"), Ok(true))]
#[case(json!(" TRUE "), Ok(true))]
#[case(json!(1), Ok(true))]
#[case(json!(1.0), Ok(true))]
#[case(json!(false), Ok(false))]
#[case(json!("false"), Ok(false))]
#[case(json!("0"), Ok(false))]
#[case(json!(0), Ok(false))]
#[case(json!(""), Ok(false))]
#[case(json!("null"), Ok(false))]
#[case(json!(null), Ok(false))]
#[case(json!([]), Err("is neither true nor false"))]
#[case(json!("sometimes"), Err("is neither true nor false"))]
#[case(json!(2), Err("is neither true nor false"))]
#[case(json!([1]), Err("is neither true nor false"))]
fn a_switch_is_read_in_every_shape_that_was_met(
    #[case] value: Value,
    #[case] expected: Result<bool, &'static str>,
) {
    assert_eq!(switch(&value), expected.map_err(FieldProblem::Shape), "{value}");
}

#[rstest]
#[case(json!(-19.0), Some(-1900))]
#[case(json!("-19,0"), Some(-1900))]
#[case(json!("\u{2212}19.0"), Some(-1900))]
#[case(json!("-19.0 dBm"), Some(-1900))]
#[case(json!("0"), Some(0))]
#[case(json!(""), None)]
#[case(json!("null"), None)]
#[case(json!(null), None)]
#[case(json!([]), None)]
#[case(json!(false), None)]
fn a_power_is_a_number_or_nothing(#[case] value: Value, #[case] hundredths: Option<i32>) {
    assert_eq!(power(&value).map(|power| power.map(Dbm::hundredths)), Ok(hundredths), "{value}");
}

#[rstest]
#[case(json!("N/A"))]
#[case(json!("weak"))]
#[case(json!([5]))]
#[case(json!(true))]
#[case(json!(1e9))]
#[case(json!("1e300"))]
fn what_is_no_power_is_told(#[case] value: Value) {
    assert!(power(&value).is_err(), "{value}");
}

#[rstest]
#[case(json!("0,987"), Ok(Some(0.987)))]
#[case(json!("\u{2014}1.5"), Ok(Some(-1.5)))]
#[case(json!("1e3"), Ok(Some(1000.0)))]
#[case(json!(" 7 "), Ok(Some(7.0)))]
#[case(json!({}), Ok(None))]
#[case(json!("N/A"), Err(()))]
#[case(json!("inf"), Err(()))]
#[case(json!("nan"), Err(()))]
#[case(json!("1.234,5"), Err(()))]
fn a_number_may_stand_in_a_text(#[case] value: Value, #[case] expected: Result<Option<f64>, ()>) {
    assert_eq!(number(&value).map_err(drop), expected, "{value}");
}

#[rstest]
#[case(json!(147), "147")]
#[case(json!(147.0), "147")]
#[case(json!(" 5da6 "), "5da6")]
fn an_identifier_is_a_text_or_a_number(#[case] value: Value, #[case] expected: &str) {
    assert_eq!(record_id(&value, &Value::Null), RecordId::new(expected));
    assert_eq!(record_id(&Value::Null, &value), RecordId::new(expected));
    assert_eq!(reference(&value), Ok(RecordId::new(expected)));
    assert_eq!(reference(&json!({ "_id": value })), Ok(RecordId::new(expected)));
}

#[rstest]
#[case(json!([]))]
#[case(json!(""))]
#[case(json!(null))]
#[case(json!(false))]
#[case(json!({}))]
#[case(json!({"serial_number": null, "user_PPPoE": [], "mac_address": false}))]
fn an_onu_may_be_nothing(#[case] value: Value) {
    assert_eq!(onu(&value), Ok(Onu::default()), "{value}");
}

#[rstest]
#[case(json!("FHTT9A0B1C2D"))]
#[case(json!([{"serial_number": "FHTT9A0B1C2D"}]))]
#[case(json!({"serial_number": {"value": "FHTT9A0B1C2D"}}))]
#[case(json!({"user_PPPoE": true}))]
#[case(json!(5))]
fn an_onu_of_another_shape_is_told_and_never_taken_for_an_empty_one(#[case] value: Value) {
    assert!(onu(&value).is_err(), "{value}");
}

#[test]
fn a_pppoe_user_of_digits_is_one() {
    let held = onu(&json!({"user_PPPoE": 5_551_234})).expect("an ONU");
    assert_eq!(held.pppoe_user, "5551234");
}
