//! Calculated power: `GET /properties/client/{code}/potency`.
//!
//! The answer carries the OLT's user, password and IP in clear: no field here can hold them.

use gateway_core::{ClientCode, Dbm, Equipment, Route};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::envelope::is_empty;
use super::fields::{number, record_id, text};
use crate::upstream::{WireError, json};

#[derive(Deserialize)]
struct PathRow<'a> {
    #[serde(default)]
    pon_reached: Value,
    #[serde(default)]
    potency: Value,
    #[serde(default)]
    attenuation: Value,
    #[serde(default)]
    arriving_potency: Value,
    #[serde(default)]
    distance: Value,
    #[serde(default, borrow)]
    olt: Option<&'a RawValue>,
    #[serde(default, borrow)]
    slot: Option<&'a RawValue>,
    #[serde(default, borrow)]
    pon: Option<&'a RawValue>,
}

/// All that is read of an OLT, a slot, a PON.
#[derive(Deserialize)]
struct EquipmentRow {
    #[serde(default)]
    id: Value,
    #[serde(default, rename = "_id")]
    underscore_id: Value,
    #[serde(default)]
    name: Value,
    #[serde(default)]
    number: Value,
}

/// Where a client's routes are.
pub fn path(code: &ClientCode) -> [&str; 6] {
    ["api", "v2", "properties", "client", code.as_str(), "potency"]
}

/// Reads the routes; an empty body and `null` are none. Source: `docs/contracts/ozmap-api.md`, "Calculated power".
///
/// # Errors
/// [`WireError`]; never a value of the answer.
pub fn routes(body: &[u8]) -> Result<Vec<Route>, WireError> {
    if is_empty(body) {
        return Ok(Vec::new());
    }
    let rows: Option<Vec<PathRow<'_>>> = json::parse("a list of routes", body)?;
    let in_route = |index: usize| {
        move |error: WireError| WireError::Item { kind: "route", index, error: Box::new(error) }
    };
    rows.into_iter().flatten().enumerate().map(|(i, row)| route(row).map_err(in_route(i))).collect()
}

fn route(row: PathRow<'_>) -> Result<Route, WireError> {
    let launch = decibels("potency", &row.potency)?;
    let attenuation = decibels("attenuation", &row.attenuation)?;
    let arriving = decibels("arriving_potency", &row.arriving_potency)?;
    let kilometres = finite("distance", &row.distance)?.filter(|km| *km >= 0.0);
    // `arriving_potency` = `potency` − `attenuation`, should only the two be there.
    let computed = launch
        .zip(attenuation)
        .and_then(|(launch, loss)| Dbm::from_hundredths(launch.hundredths() - loss.hundredths()).ok());
    let reached = match &row.pon_reached {
        Value::Bool(reached) => *reached,
        // Inferred: a host that does not say so, but calculates a power, has reached a PON.
        _ => arriving.is_some(),
    };
    Ok(Route {
        reached,
        launch,
        attenuation,
        calculated: arriving.or(computed),
        distance_m: kilometres.map(|km| (km * 1e6).round() / 1e3),
        olt: equipment(row.olt),
        slot: equipment(row.slot),
        pon: equipment(row.pon),
    })
}

/// A reference that is no object is unknown.
fn equipment(row: Option<&RawValue>) -> Equipment {
    let Some(row) = row.and_then(|row| serde_json::from_str::<EquipmentRow>(row.get()).ok()) else {
        return Equipment::default();
    };
    Equipment { id: record_id(&row.id, &row.underscore_id), name: text(&row.name), number: text(&row.number) }
}

fn decibels(field: &str, value: &Value) -> Result<Option<Dbm>, WireError> {
    let power = finite(field, value)?.map(Dbm::from_f64).transpose();
    power.map_err(|error| WireError::field(field, error))
}

/// Not a number and infinities are none.
fn finite(field: &str, value: &Value) -> Result<Option<f64>, WireError> {
    match number(value) {
        Ok(Some(number)) if !number.is_finite() => Err(WireError::field(field, "is no number")),
        number => number.map_err(|problem| WireError::field(field, problem)),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    /// The contract's example, with an OLT's secrets.
    const EXAMPLE: &str = r#"[{"id":"678e","potency":4,"pon_reached":true,"distance":0.987,"box_id":"68e2","attenuation":23.45,
        "arriving_potency":-19.45,
        "olt":{"id":"68e2aa","label":"","port":22,"name":"OLT-01","user":"SECRET","password":"SECRET","ip":"SECRET"},
        "shelf":{"id":"1","name":"a","label":""},"slot":{"id":"51a","label":"","number":"2"},
        "pon":{"id":"90b","maximumClients":64,"name":"PON 2","number":"2"},"elements":[]}]"#;

    #[test]
    fn the_contracts_example_is_read_and_its_secrets_are_not() {
        let routes = routes(EXAMPLE.as_bytes()).expect("routes");
        let [route] = routes.as_slice() else { panic!("one route") };
        assert_eq!(route.calculated.map(Dbm::to_f64), Some(-19.45));
        assert_eq!(route.attenuation.map(Dbm::to_f64), Some(23.45));
        assert_eq!(route.launch.map(Dbm::to_f64), Some(4.0));
        assert_eq!(route.distance_m, Some(987.0));
        assert_eq!(route.olt.name.as_deref(), Some("OLT-01"));
        assert_eq!(route.slot.number.as_deref(), Some("2"));
        assert_eq!(route.pon.name.as_deref(), Some("PON 2"));
        assert!(!format!("{routes:?}").contains("SECRET"));
    }

    #[rstest]
    #[case("")]
    #[case(" \n")]
    #[case("null")]
    #[case("[]")]
    fn nothing_is_no_route(#[case] body: &str) {
        assert_eq!(routes(body.as_bytes()), Ok(Vec::new()));
    }

    #[test]
    fn a_dark_route_has_no_power() {
        let body =
            br#"[{"pon_reached":false,"potency":null,"arriving_potency":null,"olt":null,"pon":"90b"}]"#;
        assert_eq!(routes(body), Ok(vec![Route::default()]));
    }

    #[rstest]
    #[case(r#"{"message":"no"}"#, "a list of routes is expected")]
    #[case(r#"[{"arriving_potency":[]}]"#, "route 0: `arriving_potency` is no number")]
    #[case(r#"[{},{"distance":"far"}]"#, "route 1: `distance` is no number")]
    #[case("<html>", "it is not JSON")]
    fn what_is_wrong_is_named(#[case] body: &str, #[case] expected: &str) {
        let error = routes(body.as_bytes()).expect_err("an error");
        assert!(error.to_string().contains(expected), "{error}");
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(body in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = routes(&body);
        }
    }
}
