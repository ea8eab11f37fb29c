//! Calculated power (*potência calculada*): what should arrive at a client, by the map.

use serde_json::{Value, json};

use super::id::Id;
use super::record::hundredths;
use super::record::property::{Property, Trace};
use super::record::splitter::{Port, Route, Splitter};
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
    let property = state.property_of(client.id).ok_or_else(Refusal::no_route)?;
    let (port, splitter) = connection(state, property).ok_or_else(Refusal::no_route)?;
    if property.trace == Trace::Empty {
        return Ok(json!([]));
    }
    let route = splitter.route.ok_or_else(Refusal::no_route)?;
    let path = path(state, property, port, splitter, route).ok_or_else(Refusal::no_route)?;
    Ok(match property.trace {
        Trace::Double => json!([unlit(&path), path]),
        Trace::Single | Trace::Empty => json!([path]),
    })
}

/// What should arrive at a property, dBm; for the town, whose readings scatter around it.
pub(crate) fn arriving(state: &State, property: &Property) -> Option<f64> {
    let (_, splitter) = connection(state, property)?;
    let route = splitter.route?;
    Some(hundredths(state.launch_power(route.pon)? - attenuation(property, route)))
}

fn connection<'a>(state: &'a State, property: &Property) -> Option<(Port, &'a Splitter)> {
    let port = property.connection?;
    Some((port, state.splitter(port.splitter)?))
}

fn attenuation(property: &Property, route: Route) -> f64 {
    hundredths(route.attenuation + DROP_LOSS + f64::from(property.drop_km) * LOSS_PER_KM)
}

/// Source: `docs/contracts/ozmap-api.md`, "Calculated power".
fn path(state: &State, property: &Property, port: Port, splitter: &Splitter, route: Route) -> Option<Value> {
    let pon = state.document(route.pon)?;
    let slot = parent_of(state, route.pon)?;
    let olt = parent_of(state, slot)?;
    let shelf = parent_of(state, olt)?;
    let pop = parent_of(state, shelf)?;
    let launch = state.launch_power(route.pon)?;
    let attenuation = attenuation(property, route);
    let km = ((route.km + f64::from(property.drop_km)) * 1000.0).round() / 1000.0;
    Some(json!({
        "id": Value::from(property.id),
        "potency": launch,
        "pon_reached": true,
        "distance": km,
        "box_id": property.place.map_or(Value::Null, Value::from),
        "attenuation": attenuation,
        "arriving_potency": hundredths(launch - attenuation),
        "olt": shown(state, olt, &["label", "port", "name", "user", "password", "ip"]),
        "shelf": shown(state, shelf, &["name", "label"]),
        "slot": shown(state, slot, &["label", "number"]),
        "pon": shown(state, route.pon, &["maximumClients", "name", "number"]),
        "elements": [
            {
                "parent": shown(state, pop, &["name"]),
                "attenuation": null,
                "distance": 0,
                "element": {"id": Value::from(route.pon), "index": pon.get("number"), "name": pon.get("name"), "kind": "PON"},
            },
            {
                "parent": shown(state, splitter.parent, &["name"]),
                "attenuation": splitter.loss,
                "distance": route.km,
                "element": {
                    "id": Value::from(splitter.id), "index": port.number.to_string(), "name": splitter.name, "kind": "Splitter",
                },
            },
        ],
    }))
}

fn parent_of(state: &State, id: Id) -> Option<Id> {
    Id::parse(state.document(id)?.get("parent")?.as_str()?)
}

/// The identifier and some fields of a plain record; null where it has none.
fn shown(state: &State, id: Id, names: &[&str]) -> Value {
    let field = |name: &str| state.document(id).and_then(|document| document.get(name)).cloned();
    let fields = names.iter().map(|name| ((*name).to_owned(), field(name).unwrap_or_default()));
    std::iter::once(("id".to_owned(), Value::from(id))).chain(fields).collect()
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
