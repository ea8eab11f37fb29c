//! Values as OZmap writes them, in the shapes that were met; what a record is made of.
//!
//! Hosts in PHP write numbers and switches as texts, and an empty list where nothing is.
//! Source: `docs/contracts/ozmap-api.md`, "Shapes of a field".

use compact_str::CompactString;
use gateway_core::{Coordinate, Dbm, Onu, PowerReading, Project, RecordId, Status};
use serde_json::{Number, Value};

use crate::upstream::FieldProblem;
use crate::upstream::object::Object;
use crate::upstream::spoilt::{is_spoilt, parsed};

/// Whole numbers up to here are the same as a float.
const LARGEST_WHOLE: f64 = 9_007_199_254_740_992.0;

/// A member of a row; null if it is not there.
pub(super) fn value(fields: &Object<'_>, name: &str) -> Value {
    fields.get(name).map_or(Value::Null, parsed)
}

/// The identifier of a record.
pub(super) fn id_in(fields: &Object<'_>) -> Option<RecordId> {
    let of = |name: &str| record_id(&value(fields, name), &Value::Null);
    of("id").or_else(|| of("_id"))
}

/// Null, and what hosts write in its place.
pub(super) fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => text.trim().is_empty() || text.trim().eq_ignore_ascii_case("null"),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::Bool(true) | Value::Number(_) => false,
    }
}

/// Some routes give `id` and some `_id`; a number is one, too.
pub(super) fn record_id(id: &Value, underscore_id: &Value) -> Option<RecordId> {
    let read = |value: &Value| match value {
        Value::String(text) if !is_spoilt(text) => RecordId::new(text.trim()),
        Value::Number(number) => RecordId::new(&plain(number)),
        _ => None,
    };
    read(id).or_else(|| read(underscore_id))
}

/// A whole number without a decimal point: `147.0` is 147.
pub(super) fn plain(number: &Number) -> String {
    let whole = number.as_f64().filter(|value| value.fract() == 0.0 && value.abs() < LARGEST_WHOLE);
    whole.map_or_else(|| number.to_string(), |value| format!("{value:.0}"))
}

/// An identifier, an object that has one, or nothing.
pub(super) fn reference(value: &Value) -> Result<Option<RecordId>, FieldProblem> {
    let id = match value {
        nothing if is_nothing(nothing) => return Ok(None),
        Value::Object(_) => record_id(&value["id"], &value["_id"]),
        value => record_id(value, &Value::Null),
    };
    id.map(Some).ok_or(FieldProblem::Shape("is no reference"))
}

/// A project as an identifier or an object. What is neither is one all the same, of which nothing is known.
pub(super) fn project(value: &Value) -> Option<Project> {
    match value {
        nothing if is_nothing(nothing) => None,
        Value::Object(_) => {
            Some(Project { id: record_id(&value["id"], &value["_id"]), name: text(&value["name"]) })
        }
        // Inferred: a text that is no identifier is a name.
        value => match record_id(value, &Value::Null) {
            Some(id) => Some(Project { id: Some(id), name: None }),
            None => Some(Project { id: None, name: text(value) }),
        },
    }
}

/// A text that is not empty; a number is one too, because people name boxes `12`.
pub(super) fn text(value: &Value) -> Option<CompactString> {
    match value {
        Value::String(text) => Some(text.trim()).filter(|text| !text.is_empty()).map(CompactString::from),
        Value::Number(number) => Some(number.to_string().into()),
        _ => None,
    }
}

/// True or false, 1 or 0, or one of them as a text; what is missing or empty counts as false.
pub(super) fn switch(value: &Value) -> Result<bool, FieldProblem> {
    let wrong = FieldProblem::Shape("is neither true nor false");
    match value {
        Value::Null => Ok(false),
        Value::Bool(on) => Ok(*on),
        Value::Number(number) => match number.as_f64() {
            Some(0.0) => Ok(false),
            Some(1.0) => Ok(true),
            _ => Err(wrong),
        },
        Value::String(text) => match text.trim().to_ascii_lowercase().as_str() {
            "true" | "1" => Ok(true),
            "false" | "0" | "" | "null" => Ok(false),
            _ => Err(wrong),
        },
        _ => Err(wrong),
    }
}

/// A number or nothing; a number in a text is tolerated, with a decimal comma and any dash for the minus sign, too.
pub(super) fn number(value: &Value) -> Result<Option<f64>, FieldProblem> {
    let number = match value {
        nothing if is_nothing(nothing) => return Ok(None),
        Value::Number(number) => number.as_f64(),
        Value::String(text) => decimal(text),
        _ => None,
    };
    number.filter(|number| number.is_finite()).map(Some).ok_or(FieldProblem::Shape("is no number"))
}

fn decimal(text: &str) -> Option<f64> {
    let plain = |c: char| match c {
        '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{fe58}' | '\u{fe63}' | '\u{ff0d}' => '-',
        ',' => '.',
        c => c,
    };
    let text: String = text.trim().chars().map(plain).collect();
    // `inf`, `nan` and hexadecimal digits are no figures.
    let is_figure = text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'-' | b'+' | b'e' | b'E'));
    if is_figure { text.parse().ok() } else { None }
}

/// `coords` is `[lng, lat]`; `lat` and `lng` stand beside it and may be null.
pub(super) fn coordinate(coords: &Value, lat: &Value, lng: &Value) -> Option<Coordinate> {
    let degrees = |value: &Value| number(value).ok().flatten();
    let read = |lat: &Value, lng: &Value| Coordinate::new(degrees(lat)?, degrees(lng)?);
    read(&coords[1], &coords[0]).or_else(|| read(lat, lng))
}

/// A power in dBm, with or without its unit; nothing is none.
pub(super) fn power(value: &Value) -> Result<Option<Dbm>, FieldProblem> {
    match value {
        Value::String(text) => match PowerReading::from_text(text)? {
            PowerReading::Measured(power) => Ok(Some(power)),
            PowerReading::Zero => Ok(Some(Dbm::ZERO)),
            PowerReading::Absent => Ok(None),
            PowerReading::Text | PowerReading::Word(_) => Err(FieldProblem::Shape("is no number")),
        },
        value => Ok(number(value)?.map(Dbm::from_f64).transpose()?),
    }
}

/// 0 and 1; `"OK"` and `"ERROR"` are tolerated.
pub(super) fn status(value: &Value) -> Option<Status> {
    match value {
        Value::Number(number) => match number.as_f64() {
            Some(0.0) => Some(Status::Ok),
            Some(1.0) => Some(Status::Error),
            _ => None,
        },
        Value::String(text) => match text.trim().to_ascii_uppercase().as_str() {
            "OK" | "0" => Some(Status::Ok),
            "ERROR" | "1" => Some(Status::Error),
            _ => None,
        },
        _ => None,
    }
}

/// An object of texts, numbers among them, or nothing.
pub(super) fn onu(value: &Value) -> Result<Onu, FieldProblem> {
    let wrong = FieldProblem::Shape("is no object of texts");
    let text = |name: &str| match &value[name] {
        Value::String(text) => Ok(text.trim().into()),
        Value::Number(number) => Ok(CompactString::from(plain(number))),
        nothing if is_nothing(nothing) => Ok(CompactString::default()),
        _ => Err(wrong),
    };
    match value {
        nothing if is_nothing(nothing) => Ok(Onu::default()),
        Value::Object(_) => Ok(Onu {
            serial_number: text("serial_number")?,
            pppoe_user: text("user_PPPoE")?,
            mac_address: text("mac_address")?,
        }),
        _ => Err(wrong),
    }
}

#[cfg(test)]
mod tests;
