//! The members of a row that the sync needs, taken in one pass: a run reads hundreds of thousands of rows.

use serde::{Deserialize, Deserializer};
use serde_json::Value;
use serde_json::value::RawValue;

use super::fields::value;
use crate::upstream::object::Object;
use crate::upstream::{WireError, json};

/// Of a row of `/properties`, and of `/properties/client/{code}`; null where the row has none.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct PropertyMembers<'a> {
    pub(super) id: Value,
    #[serde(rename = "_id")]
    pub(super) underscore_id: Value,
    #[serde(rename = "potencyRead")]
    pub(super) potency_read: Value,
    pub(super) project: Value,
    #[serde(borrow, deserialize_with = "unread")]
    pub(super) client: Option<&'a RawValue>,
}

/// Of a row of `/ftth-clients`, and of the client within a property; null where there is none.
#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(super) struct ClientMembers {
    pub(super) id: Value,
    #[serde(rename = "_id")]
    pub(super) underscore_id: Value,
    pub(super) code: Value,
    pub(super) implanted: Value,
    pub(super) status: Value,
    pub(super) onu: Value,
}

impl<'a> PropertyMembers<'a> {
    pub(super) fn read(row: &'a RawValue) -> Result<PropertyMembers<'a>, WireError> {
        match in_one_pass(row) {
            Some(members) => Ok(members),
            None => Ok(PropertyMembers::from(&json::parse_row::<Object<'_>>("a property", row)?)),
        }
    }
}

impl ClientMembers {
    /// `None` for what is no object, and for one without members.
    pub(super) fn read(client: &RawValue) -> Option<ClientMembers> {
        let has_identity =
            |members: &ClientMembers| !(members.id.is_null() && members.underscore_id.is_null());
        in_one_pass(client).filter(has_identity).or_else(|| {
            let members: Object<'_> = serde_json::from_str(client.get()).ok()?;
            members.names().next().map(|_| ClientMembers::from(&members))
        })
    }
}

/// `None` for a row whose members are looked at one by one: one is there twice, or is nothing that can be held.
fn in_one_pass<'a, T: Deserialize<'a>>(row: &'a RawValue) -> Option<T> {
    // A list would be taken for the members in their order.
    let text = Some(row.get()).filter(|text| text.starts_with('{'))?;
    serde_json::from_str(text).ok()
}

fn unread<'de: 'a, 'a, D: Deserializer<'de>>(deserializer: D) -> Result<Option<&'a RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}

impl<'a> From<&Object<'a>> for PropertyMembers<'a> {
    fn from(row: &Object<'a>) -> PropertyMembers<'a> {
        PropertyMembers {
            id: value(row, "id"),
            underscore_id: value(row, "_id"),
            potency_read: value(row, "potencyRead"),
            project: value(row, "project"),
            client: row.get("client"),
        }
    }
}

impl From<&Object<'_>> for ClientMembers {
    fn from(client: &Object<'_>) -> ClientMembers {
        ClientMembers {
            id: value(client, "id"),
            underscore_id: value(client, "_id"),
            code: value(client, "code"),
            implanted: value(client, "implanted"),
            status: value(client, "status"),
            onu: value(client, "onu"),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    fn both(row: &str) -> (Option<ClientMembers>, ClientMembers) {
        let raw: &RawValue = serde_json::from_str(row).expect("a row");
        (in_one_pass(raw), ClientMembers::from(&serde_json::from_str::<Object<'_>>(row).expect("an object")))
    }

    #[rstest]
    #[case(r#"{"id":"a","id":"b","code":1}"#)]
    #[case(r#"{"id":"a","code":1e999}"#)]
    #[case(r#"{"id":"a","code":"\ud800"}"#)]
    fn what_one_pass_cannot_take_is_looked_at_one_by_one(#[case] row: &str) {
        assert_eq!(both(row).0, None);
        let raw: &RawValue = serde_json::from_str(row).expect("a row");
        assert_eq!(ClientMembers::read(raw), Some(both(row).1));
    }

    #[rstest]
    #[case("[]")]
    #[case(r#"["a","b","c"]"#)]
    #[case("{}")]
    #[case("null")]
    #[case("5")]
    fn what_has_no_members_is_no_client(#[case] row: &str) {
        let raw: &RawValue = serde_json::from_str(row).expect("a row");
        assert_eq!(ClientMembers::read(raw), None);
    }

    #[test]
    fn a_member_that_nobody_wants_costs_nothing() {
        let (quick, slow) = both(r#"{"id":"a","name":"\ud800","age":1e999,"code":7}"#);
        assert_eq!(quick, Some(slow));
    }

    fn any_value() -> impl Strategy<Value = String> {
        let leaf = prop_oneof![
            Just("null".to_owned()),
            any::<bool>().prop_map(|it| it.to_string()),
            any::<i64>().prop_map(|it| it.to_string()),
            any::<f32>().prop_map(|it| Value::from(it).to_string()),
            "\\PC*".prop_map(|it| Value::from(it).to_string()),
        ];
        leaf.prop_recursive(2, 8, 3, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..3).prop_map(|items| format!("[{}]", items.join(","))),
                inner.prop_map(|it| format!("{{\"user_PPPoE\":{it}}}")),
            ]
        })
    }

    proptest! {
        #[test]
        fn one_pass_and_one_by_one_agree(
            members in prop::collection::hash_map("id|_id|code|implanted|status|onu|name|\\\\u0069d2", any_value(), 0..9)
        ) {
            let members: Vec<String> =
                members.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
            let (quick, slow) = both(&format!("{{{}}}", members.join(" , ")));
            prop_assert_eq!(quick, Some(slow));
        }
    }
}
