use rstest::rstest;

use super::*;

#[test]
fn every_code_has_texts_for_people() {
    let codes: Vec<ErrorCode> = ERRORS.iter().map(|row| row.code).collect();
    assert_eq!(codes, ErrorCode::VARIANTS);
    for ErrorRow { code, title, when, remedy, .. } in &ERRORS {
        assert!(title.starts_with(char::is_uppercase) && !title.ends_with('.'), "{code}: {title}");
        assert!(when.len() > 10 && !when.ends_with('.'), "{code}: {when}");
        assert!(remedy.len() > 10 && remedy.ends_with('.'), "{code}: {remedy}");
    }
    let without_status = ERRORS.iter().filter(|row| row.status.is_none()).map(|row| row.code);
    assert_eq!(without_status.collect::<Vec<_>>(), [ErrorCode::Superseded]);
}

/// The cells of the tables of a heading, row by row, and its text.
fn contract(heading: &str) -> (Vec<Vec<&'static str>>, &'static str) {
    let paper = include_str!("../../../docs/contracts/gateway-api.md");
    let (_, text) = paper.split_once(&format!("\n## {heading}\n")).expect("the heading is there");
    let text = text.split_once("\n## ").map_or(text, |(text, _)| text);
    let rows = text.lines().filter(|line| line.starts_with('|'));
    (rows.map(|row| row.split('|').map(str::trim).collect()).collect(), text)
}

#[test]
fn every_code_stands_in_the_contract_with_its_status() {
    let (rows, text) = contract("Errors");
    for ErrorRow { code, status, .. } in &ERRORS {
        let name = format!("`{code}`");
        let of_code = |cells: &[&'static str]| cells[0].contains(&name).then_some(cells[1]);
        let said: Vec<&str> = rows.iter().flat_map(|row| row.windows(2).filter_map(of_code)).collect();
        match status {
            Some(status) => {
                assert_eq!(said.len(), 1, "{code} stands once in the table: {said:?}");
                assert!(said[0].starts_with(status.as_str()), "{code}: {}", said[0]);
            }
            None => assert!(said.is_empty() && text.contains(&name), "{code} is no answer, and named"),
        }
    }
}

#[rstest]
#[case(401, ErrorCode::Unauthorised)]
#[case(403, ErrorCode::AddressNotAdmitted)]
#[case(404, ErrorCode::NotFound)]
#[case(405, ErrorCode::MethodNotAllowed)]
#[case(408, ErrorCode::InvalidRequest)]
#[case(413, ErrorCode::InvalidRequest)]
#[case(429, ErrorCode::TooManyRequests)]
#[case(500, ErrorCode::Internal)]
#[case(502, ErrorCode::Internal)]
#[case(503, ErrorCode::Unavailable)]
fn what_the_framework_answers_has_a_code(#[case] status: u16, #[case] code: ErrorCode) {
    let problem = Problem::of_status(StatusCode::from_u16(status).expect("a status"));
    assert_eq!((problem.status.as_u16(), problem.code), (status, code));
}
