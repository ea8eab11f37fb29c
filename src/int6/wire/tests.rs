use super::*;

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
