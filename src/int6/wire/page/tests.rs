use rstest::rstest;

use super::*;

fn count(body: &str) -> Result<Option<usize>, WireError> {
    let mut taken = 0;
    let counted = rows(body.as_bytes(), &Fields::default(), &mut |_| taken += 1);
    assert!(counted.is_err() || counted == Ok(Some(taken)) || (counted == Ok(None) && taken == 0), "{body}");
    counted
}

#[rstest]
#[case("[{},{},5]", 3)]
#[case(" [] ", 0)]
#[case(r#"{"onu_status":[{}],"total":1}"#, 1)]
#[case(r#"{"data":[{},{}],"errors":[]}"#, 2)]
#[case(r#"{"onu_status":[{}],"messages":[],"error":null}"#, 1)]
#[case(r#"{"onu_status":[{}],"messages":["cached"]}"#, 1)]
#[case(r#"{"onu_status":[],"messages":["nothing new"]}"#, 0)]
#[case(r#"{"onu_status":[],"data":[]}"#, 0)]
#[case(r#"{"data":{"onu_status":[{},{}],"page":1},"errors":[]}"#, 2)]
#[case(r#"{"columns":[{"name":"x"}],"data":[{"gpon_client_id":1}]}"#, 1)]
#[case(r#"{"error":false,"errors":{},"data":[{}]}"#, 1)]
#[case(r#"{"data":[5]}"#, 1)]
fn a_page_is_an_array_or_the_list_with_the_rows_inside_an_object(
    #[case] body: &str,
    #[case] expected: usize,
) {
    assert_eq!(count(body), Ok(Some(expected)));
}

#[rstest]
#[case("")]
#[case(" \n")]
#[case("null")]
#[case("{}")]
#[case(r#"{"onu_status":null}"#)]
#[case(r#"{"data":{"onu_status":null}}"#)]
fn a_page_may_say_nothing(#[case] body: &str) {
    assert_eq!(count(body), Ok(None));
}

#[rstest]
#[case("[{}")]
#[case("<html>")]
#[case("5")]
#[case(r#"{"page":5}"#)]
#[case(r#"{"a":[{}],"b":[{}]}"#)]
#[case(r#"{"error":"x","rows":[]}"#)]
#[case(r#"{"errors":["x"],"data":[{}]}"#)]
fn what_has_no_list_of_onus_is_no_page(#[case] body: &str) {
    assert!(count(body).is_err());
}

#[rstest]
#[case(r#"{"error":"Usuario sem permissao"}"#, "Usuario sem permissao")]
#[case(r#"{"errors":["Usuario sem permissao"]}"#, r#"["Usuario sem permissao"]"#)]
#[case(r#"{"error":true,"message":"Usuario sem permissao"}"#, "Usuario sem permissao")]
#[case(r#"{"data":{"error":"Usuario sem permissao"}}"#, "Usuario sem permissao")]
#[case(r#"{"success":false,"message":"Usuario sem permissao"}"#, "Usuario sem permissao")]
fn what_the_host_says_of_itself_is_quoted(#[case] body: &str, #[case] expected: &str) {
    let error = count(body).expect_err("an error");
    assert!(matches!(&error, WireError::Said { said, .. } if said == expected), "{error}");
    assert!(error.to_string().ends_with(&format!("; it said: {expected}")), "{error}");
}
