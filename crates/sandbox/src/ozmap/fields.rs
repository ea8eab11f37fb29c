//! Fields that a request may set, read strictly: a field of the wrong type is refused with 422.

use compact_str::CompactString;
use serde_json::{Map, Value};

use super::geometry::{self, Point};
use super::record::client::Onu;
use super::refusal::{Outcome, Refusal};

/// A JSON object that a request must send as its body.
pub(crate) fn object(body: &Value) -> Outcome<&Map<String, Value>> {
    body.as_object().ok_or_else(|| Refusal::malformed("the body must be a JSON object"))
}

/// Refuses every key that is not among these; `external_id` is never accepted in an update.
///
/// Inferred: OZmap may drop unknown fields silently; refusing them brings misspellings to light.
pub(crate) fn only(body: &Map<String, Value>, known: &[&str]) -> Outcome<()> {
    match body.keys().find(|key| !known.contains(&key.as_str())) {
        Some(key) => Err(Refusal::forbidden(format!("{key}: cannot be set"))),
        None => Ok(()),
    }
}

/// 422: a field of the wrong type.
pub(crate) fn wrong(name: &str, what: &str) -> Refusal {
    Refusal::forbidden(format!("{name}: must be {what}"))
}

pub(crate) fn boolean(name: &str, value: &Value) -> Outcome<bool> {
    value.as_bool().ok_or_else(|| wrong(name, "true or false"))
}

pub(crate) fn string(name: &str, value: &Value) -> Outcome<CompactString> {
    value.as_str().map(|text| text.trim().into()).ok_or_else(|| wrong(name, "a string"))
}

pub(crate) fn string_or_null(name: &str, value: &Value) -> Outcome<Option<CompactString>> {
    if value.is_null() { Ok(None) } else { string(name, value).map(Some) }
}

pub(crate) fn strings(name: &str, value: &Value) -> Outcome<Vec<CompactString>> {
    let items = value.as_array().ok_or_else(|| wrong(name, "an array of strings"))?;
    items.iter().map(|item| string(name, item)).collect()
}

/// The read power: a number of dBm, or null.
pub(crate) fn power(name: &str, value: &Value) -> Outcome<Option<f64>> {
    match value {
        Value::Null => Ok(None),
        value => value.as_f64().map(Some).ok_or_else(|| wrong(name, "a number or null")),
    }
}

/// 0 = OK, 1 = ERROR; the SDK lets nothing else through.
pub(crate) fn status(name: &str, value: &Value) -> Outcome<u8> {
    match value.as_u64() {
        Some(status @ 0..=1) => Ok(status as u8),
        _ => Err(wrong(name, "0 or 1")),
    }
}

/// A coordinate, `[lng, lat]`.
pub(crate) fn coordinates(name: &str, value: &Value) -> Outcome<Point> {
    let is_pair = value.as_array().is_some_and(|pair| pair.iter().all(Value::is_number));
    geometry::point(value).filter(|_| is_pair).ok_or_else(|| wrong(name, "[lng, lat]"))
}

/// An ONU: only its three parts, each a string. What is not sent is not there afterwards: the object is replaced as a whole.
pub(crate) fn onu(value: &Value) -> Outcome<Onu> {
    let parts = value.as_object().ok_or_else(|| wrong("onu", "an object"))?;
    let mut onu = Onu::default();
    for (name, value) in parts {
        let part = match name.as_str() {
            "user_PPPoE" => &mut onu.user,
            "serial_number" => &mut onu.serial,
            "mac_address" => &mut onu.mac,
            _ => return Err(Refusal::forbidden(format!("onu.{name}: cannot be set"))),
        };
        *part = Some(string(&format!("onu.{name}"), value)?);
    }
    Ok(onu)
}
