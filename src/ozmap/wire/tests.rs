use super::*;

#[test]
fn an_envelope_is_read_with_and_without_the_newer_members() {
    let mut rows = 0;
    let old = br#"{"total":"2","count":2,"rows":[{},5],"start":0,"limit":25}"#;
    let info = page(old, &mut |_| rows += 1).expect("a page");
    assert_eq!((rows, info.total, info.has_next, info.next_query.len()), (2, Some(2), None, 0));
    assert_eq!(info.limit, Some(25));
    let new = br#"{"rows":[],"hasNextPage":true,"nextUrl":"/api/v2/properties?limit=2&lastSeenId=a%201"}"#;
    let info = page(new, &mut |_| ()).expect("a page");
    assert_eq!(info.has_next, Some(true));
    assert_eq!(info.next_query[1], ("lastSeenId".to_owned(), "a 1".to_owned()));
    for bad in ["", "[]", "{}", r#"{"rows":{}}"#, r#"{"rows":[{"#] {
        assert!(page(bad.as_bytes(), &mut |_| ()).is_err(), "{bad}");
    }
}

#[test]
fn a_patch_sends_all_three_onu_fields() {
    let onu =
        Onu { serial_number: "FHTT00000001".into(), pppoe_user: "maria".into(), mac_address: "".into() };
    let edit = FieldValue::Onu { old: Box::default(), new: Box::new(onu) };
    let body = patch_body([&edit, &FieldValue::Implant].into_iter());
    let expected = json!({"onu": {"serial_number": "FHTT00000001", "user_PPPoE": "maria", "mac_address": ""}, "implanted": true});
    assert_eq!(body, expected);
}
