use gateway_core::sync::{ReadingTime, RowShape};
use gateway_core::{PowerReading, System};
use rstest::rstest;

use super::*;
use crate::upstream::Kind;

fn reading(code: &str) -> Reading {
    let code = ClientCode::new(code).expect("a code");
    let power = PowerReading::Absent;
    Reading { code, power, serial: None, pppoe_user: None, mac: None, updated_at: ReadingTime::Unsaid }
}

fn readings(codes: impl IntoIterator<Item = String>) -> Vec<Reading> {
    codes.into_iter().map(|code| reading(&code)).collect()
}

#[test]
fn codes_of_their_own_are_in_order() {
    assert_eq!(codes(&readings((0..50).map(|i| i.to_string()))), []);
}

#[rstest]
#[case::serials(|i: usize| format!("HWTC{i}"), CheckStatus::Fail, "50 of 50 codes of INT6 are no number")]
#[case::some_texts(|i: usize| format!("{}{i}", if i < 10 { "A" } else { "" }), CheckStatus::Warn, "10 of 50")]
#[case::an_olts(|i: usize| (i % 3).to_string(), CheckStatus::Fail, "only 3 different codes")]
fn codes_that_are_something_else_are_told(
    #[case] code: fn(usize) -> String,
    #[case] expected: CheckStatus,
    #[case] told: &str,
) {
    let checks = codes(&readings((0..50).map(code)));
    assert_eq!((checks.len(), checks[0].status), (1, expected), "{checks:?}");
    assert!(checks[0].detail.contains(told), "{checks:?}");
    assert!(checks[0].remedy.as_ref().is_some_and(|r| r.contains("INT6_CODE_FIELD")), "{checks:?}");
}

#[test]
fn what_is_looked_up_lies_spread_over_the_page() {
    let codes = spread(&readings((10..60).map(|i| i.to_string())), 10);
    let codes: Vec<&str> = codes.iter().map(ClientCode::as_str).collect();
    assert_eq!(codes, ["10", "20", "30", "40", "50", "15", "25", "35", "45", "55"]);
    assert_eq!(spread(&readings(["7".to_owned(), "7".to_owned()]), 10).len(), 1);
}

fn judged(asked: usize, known: usize, ozmap_has_clients: bool) -> Check {
    let mut sample = Sample::default();
    sample.shape = RowShape { field_names: ["client_id".into()].into(), ..RowShape::default() };
    let fields = Fields { code: "contract_id".to_owned(), ..Fields::default() };
    matched(Ok(Known { asked, known }), &sample, &fields, ozmap_has_clients)
}

#[test]
fn codes_that_ozmap_does_not_know_are_another_number() {
    assert_eq!(judged(5, 5, true).status, CheckStatus::Ok);
    assert_eq!(judged(5, 3, true).status, CheckStatus::Ok);
    assert_eq!(judged(5, 2, true).status, CheckStatus::Warn);
    assert_eq!(judged(10, 0, false).status, CheckStatus::Warn, "an OZmap without clients says nothing");
    let none = judged(10, 0, true);
    assert_eq!(none.status, CheckStatus::Fail);
    let remedy = "is INT6_CODE_FIELD (`contract_id`) the OZmap code, not the contract number; did you mean `client_id`?";
    assert_eq!(none.remedy.as_deref(), Some(remedy));
}

#[test]
fn a_look_up_that_fails_is_no_match() {
    let error = CallError { system: System::Ozmap, operation: "ask", is_write: false, kind: Kind::Busy };
    let check = matched(Err(error), &Sample::default(), &Fields::default(), true);
    assert_eq!(check.status, CheckStatus::Fail);
}
