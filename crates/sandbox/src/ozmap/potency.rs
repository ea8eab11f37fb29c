//! Calculated power (*potência calculada*): what should arrive at a client, by the map.

use serde_json::{Value, json};

use super::id::Id;
use super::record::{Port, Property, Route, Splitter, Trace, hundredths};
use super::refusal::{Outcome, Refusal};
use super::state::State;

/// Decibels lost per kilometre of fibre.
pub(crate) const LOSS_PER_KM: f64 = 0.35;
/// Decibels lost in the connectors and fusions of a drop.
pub(crate) const DROP_LOSS: f64 = 0.5;

/// Answers `GET /properties/client/{code}/potency`.
///
/// # Errors
/// 404 for an unknown code, 422 without a body for a client without a fibre route.
pub(crate) fn potency(state: &State, code: &str) -> Outcome<Value> {
    let client = state.client_by_code(code).ok_or_else(|| Refusal::not_found("client"))?;
    let home = state.home_of(client.id).ok_or_else(Refusal::no_route)?;
    let (port, splitter) = connection(state, home).ok_or_else(Refusal::no_route)?;
    if home.trace == Trace::Empty {
        return Ok(json!([]));
    }
    let route = splitter.route.ok_or_else(Refusal::no_route)?;
    let path = path(state, home, port, splitter, route).ok_or_else(Refusal::no_route)?;
    Ok(match home.trace {
        Trace::Double => json!([unlit(&path), path]),
        Trace::Single | Trace::Empty => json!([path]),
    })
}

/// What should arrive at a property, dBm; for the town, whose readings scatter around it.
pub(crate) fn arriving(state: &State, home: &Property) -> Option<f64> {
    let (_, splitter) = connection(state, home)?;
    let route = splitter.route?;
    Some(hundredths(state.launch_power(route.pon)? - attenuation(home, route)))
}

fn connection<'a>(state: &'a State, home: &Property) -> Option<(Port, &'a Splitter)> {
    let port = home.connection?;
    Some((port, state.splitter(port.splitter)?))
}

fn attenuation(home: &Property, route: Route) -> f64 {
    hundredths(route.attenuation + DROP_LOSS + f64::from(home.drop_km) * LOSS_PER_KM)
}

fn path(state: &State, home: &Property, port: Port, splitter: &Splitter, route: Route) -> Option<Value> {
    let pon = state.document(route.pon)?;
    let parent_of = |id: Id| Id::parse(state.document(id)?.get("parent")?.as_str()?);
    let slot_id = parent_of(route.pon)?;
    let olt_id = parent_of(slot_id)?;
    let shelf_id = parent_of(olt_id)?;
    let pop_id = parent_of(shelf_id)?;
    let text = |id: Id, name: &str| {
        state.document(id).and_then(|document| document.get(name)).cloned().unwrap_or_default()
    };
    let launch = state.launch_power(route.pon)?;
    let attenuation = attenuation(home, route);
    let km = ((route.km + f64::from(home.drop_km)) * 1000.0).round() / 1000.0;
    Some(json!({
        "id": Value::from(home.id),
        "potency": launch,
        "pon_reached": true,
        "distance": km,
        "box_id": home.place.map_or(Value::Null, Value::from),
        "attenuation": attenuation,
        "arriving_potency": hundredths(launch - attenuation),
        "olt": {
            "id": Value::from(olt_id),
            "label": text(olt_id, "label"),
            "port": text(olt_id, "port"),
            "name": text(olt_id, "name"),
            "user": text(olt_id, "user"),
            "password": text(olt_id, "password"),
            "ip": text(olt_id, "ip"),
        },
        "shelf": {"id": Value::from(shelf_id), "name": text(shelf_id, "name"), "label": text(shelf_id, "label")},
        "slot": {"id": Value::from(slot_id), "label": text(slot_id, "label"), "number": text(slot_id, "number")},
        "pon": {
            "id": Value::from(route.pon),
            "maximumClients": pon.get("maximumClients"),
            "name": pon.get("name"),
            "number": pon.get("number"),
        },
        "elements": [
            {
                "parent": {"id": Value::from(pop_id), "name": text(pop_id, "name")},
                "attenuation": null,
                "distance": 0,
                "element": {"id": Value::from(route.pon), "index": pon.get("number"), "name": pon.get("name"), "kind": "PON"},
            },
            {
                "parent": {"id": Value::from(splitter.parent), "name": text(splitter.parent, "name")},
                "attenuation": splitter.loss,
                "distance": route.km,
                "element": {
                    "id": Value::from(splitter.id), "index": port.number.to_string(), "name": splitter.name, "kind": "Splitter",
                },
            },
        ],
    }))
}

/// The same way, broken before it reaches the PON: nothing arrives.
///
/// Inferred: what else such a path carries is unknown; here `pon` and `arriving_potency` are null.
fn unlit(path: &Value) -> Value {
    let mut unlit = path.clone();
    for (name, value) in [
        ("pon_reached", json!(false)),
        ("potency", json!(0)),
        ("arriving_potency", Value::Null),
        ("pon", Value::Null),
    ] {
        unlit[name] = value;
    }
    unlit
}
