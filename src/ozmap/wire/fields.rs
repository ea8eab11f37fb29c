//! Values as OZmap writes them, in the shapes that were met; what a record is made of.

use compact_str::CompactString;
use gateway_core::{Coordinate, Dbm, Onu, RecordId, Status};
use serde_json::Value;

use crate::upstream::FieldProblem;

/// Some routes give `id` and some `_id`.
pub(super) fn record_id(id: &Value, underscore_id: &Value) -> Option<RecordId> {
    id.as_str().or(underscore_id.as_str()).and_then(RecordId::new)
}

/// An identifier, an object that has one, or null.
pub(super) fn reference(value: &Value) -> Result<Option<RecordId>, FieldProblem> {
    let id = match value {
        Value::Null => return Ok(None),
        Value::String(id) => RecordId::new(id),
        Value::Object(_) => record_id(&value["id"], &value["_id"]),
        _ => None,
    };
    id.map(Some).ok_or(FieldProblem::Shape("is no reference"))
}

/// A text that is not empty; a number is one too, because people name boxes `12`.
pub(super) fn text(value: &Value) -> Option<CompactString> {
    match value {
        Value::String(text) => Some(text.trim()).filter(|text| !text.is_empty()).map(CompactString::from),
        Value::Number(number) => Some(number.to_string().into()),
        _ => None,
    }
}

/// Missing counts as false.
pub(super) fn switch(value: &Value) -> Result<bool, FieldProblem> {
    match value {
        Value::Null => Ok(false),
        value => value.as_bool().ok_or(FieldProblem::Shape("is neither true nor false")),
    }
}

/// A number or null; a number in a text is tolerated.
pub(super) fn number(value: &Value) -> Result<Option<f64>, FieldProblem> {
    let number = match value {
        Value::Null => return Ok(None),
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    number.map(Some).ok_or(FieldProblem::Shape("is no number"))
}

/// `coords` is `[lng, lat]`; `lat` and `lng` stand beside it and may be null.
pub(super) fn coordinate(coords: &Value, lat: &Value, lng: &Value) -> Option<Coordinate> {
    let read = |lat: &Value, lng: &Value| Coordinate::new(lat.as_f64()?, lng.as_f64()?);
    read(&coords[1], &coords[0]).or_else(|| read(lat, lng))
}

/// The read power; an empty text counts as none.
pub(super) fn read_power(value: &Value) -> Result<Option<Dbm>, FieldProblem> {
    if value.as_str().is_some_and(|text| text.trim().is_empty()) {
        return Ok(None);
    }
    Ok(number(value)?.map(Dbm::from_f64).transpose()?)
}

/// 0 and 1; `"OK"` and `"ERROR"` are tolerated.
pub(super) fn status(value: &Value) -> Option<Status> {
    match value {
        Value::Number(number) => match number.as_u64() {
            Some(0) => Some(Status::Ok),
            Some(1) => Some(Status::Error),
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

/// Null, or an object of texts.
pub(super) fn onu(value: &Value) -> Result<Onu, FieldProblem> {
    let wrong = FieldProblem::Shape("is no object of texts");
    let text = |name: &str| match &value[name] {
        Value::Null => Ok(CompactString::default()),
        Value::String(text) => Ok(text.trim().into()),
        _ => Err(wrong),
    };
    match value {
        Value::Null => Ok(Onu::default()),
        Value::Object(_) => Ok(Onu {
            serial_number: text("serial_number")?,
            pppoe_user: text("user_PPPoE")?,
            mac_address: text("mac_address")?,
        }),
        _ => Err(wrong),
    }
}
