//! Calculated power: `GET /properties/client/{code}/potency`.
//!
//! The answer carries the OLT's user, password and IP in clear: no field here can hold them.

use gateway_core::{ClientCode, Dbm, Equipment, Route};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::envelope::is_empty;
use super::fields::{number, power, record_id, switch, text};
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

/// What is not understood counts as unknown, unless the calculated power hangs on it.
fn route(row: PathRow<'_>) -> Result<Route, WireError> {
    let launch = power(&row.potency).ok().flatten();
    let attenuation = power(&row.attenuation).ok().flatten();
    let arriving = power(&row.arriving_potency);
    let kilometres = number(&row.distance).ok().flatten().filter(|km| *km >= 0.0);
    // `arriving_potency` = `potency` − `attenuation`, should only the two be there.
    let computed = launch
        .zip(attenuation)
        .and_then(|(launch, loss)| Dbm::from_hundredths(launch.hundredths() - loss.hundredths()).ok());
    // Inferred: a host that does not say so, but calculates a power, has reached a PON.
    let reached = match (&row.pon_reached, switch(&row.pon_reached)) {
        (Value::Null, _) | (_, Err(_)) => !matches!(arriving, Ok(None)),
        (_, Ok(reached)) => reached,
    };
    let calculated = match arriving {
        Err(problem) if reached && computed.is_none() => {
            return Err(WireError::field("arriving_potency", problem));
        }
        arriving => arriving.ok().flatten().or(computed),
    };
    Ok(Route {
        reached,
        launch,
        attenuation,
        calculated,
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
    #[case(r#"[{"arriving_potency":[5]}]"#, "route 0: `arriving_potency` is no number")]
    #[case(r#"[{},{"arriving_potency":"weak","potency":4}]"#, "route 1: `arriving_potency` is no number")]
    #[case("<html>", "it is not JSON")]
    fn what_is_wrong_is_named(#[case] body: &str, #[case] expected: &str) {
        let error = routes(body.as_bytes()).expect_err("an error");
        assert!(error.to_string().contains(expected), "{error}");
    }

    #[rstest]
    #[case::a_distance_with_a_comma(r#""distance":"0,987""#, Some(987.0))]
    #[case::a_distance_in_words(r#""distance":"far""#, None)]
    #[case::an_attenuation_in_words(r#""attenuation":"N/A","distance":0.987"#, Some(987.0))]
    #[case::a_launch_power_of_another_shape(r#""potency":[4],"distance":"""#, None)]
    fn a_field_that_is_not_needed_costs_nothing_but_itself(
        #[case] odd: &str,
        #[case] distance_m: Option<f64>,
    ) {
        let body = format!(r#"[{{"pon_reached":"1","arriving_potency":"-19,45 dBm",{odd}}}]"#);
        let routes = routes(body.as_bytes()).expect("routes");
        let [route] = routes.as_slice() else { panic!("one route") };
        assert_eq!((route.reached, route.calculated.map(Dbm::to_f64)), (true, Some(-19.45)));
        assert_eq!((route.attenuation, route.launch, route.distance_m), (None, None, distance_m));
    }

    #[test]
    fn the_power_is_calculated_where_the_host_did_not() {
        let body = br#"[{"pon_reached":true,"potency":4,"attenuation":"23,45","arriving_potency":"N/A"}]"#;
        assert_eq!(routes(body).expect("routes")[0].calculated.map(Dbm::to_f64), Some(-19.45));
        let dark = br#"[{"pon_reached":false,"arriving_potency":"N/A"}]"#;
        assert_eq!(routes(dark), Ok(vec![Route::default()]), "nobody needs the power of a dark route");
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(body in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = routes(&body);
        }
    }
}
