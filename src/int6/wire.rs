//! INT6's JSON; no other file knows it. Source: `docs/contracts/int6-api.md`.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

use compact_str::CompactString;
use gateway_core::sync::{Reading, ReadingTime};
use gateway_core::{ClientCode, MacAddress, OnuSerial, PowerReading};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use crate::upstream::{FieldProblem, JsonError, RowError, WireError, json};

/// Where e-mail and token buy a short-lived token.
pub(super) const TOKEN_PATH: &str = "/api/auth/v2/request_token";

/// Names of the fields of a row of the bulk read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fields {
    /// Default `gpon_client_id`.
    pub code: String,
    /// Default `rx_power`.
    pub power: String,
    /// Default `serial_number`.
    pub serial: String,
    /// Default `pppoe_username`.
    pub pppoe_user: String,
    /// Default `mac_address`.
    pub mac: String,
    /// Default `updated_at`.
    pub updated_at: String,
}

impl Default for Fields {
    fn default() -> Fields {
        Fields {
            code: "gpon_client_id".to_owned(),
            power: "rx_power".to_owned(),
            serial: "serial_number".to_owned(),
            pppoe_user: "pppoe_username".to_owned(),
            mac: "mac_address".to_owned(),
            updated_at: "updated_at".to_owned(),
        }
    }
}

/// Path segments of a path as people write it.
pub(super) fn path(path: &str) -> Vec<String> {
    path.split('/').filter(|segment| !segment.is_empty()).map(str::to_owned).collect()
}

/// The query of one page; the first is 1.
pub(super) fn page_query(number: usize, size: usize) -> Vec<(String, String)> {
    vec![("page".to_owned(), number.to_string()), ("per_page".to_owned(), size.to_string())]
}

/// The body that asks for a token.
pub(super) fn token_request(email: &str, token: &str) -> Value {
    json!({ "username": email, "password": token })
}

/// Reads the answer to a token request: the token, and its lifetime if INT6 says one.
///
/// # Errors
/// [`WireError`]; never the answer itself.
pub fn token(body: &[u8]) -> Result<(SecretString, Option<Duration>), WireError> {
    let answer: Value = serde_json::from_slice(body).map_err(JsonError::from)?;
    let wrong = |shape: &'static str| WireError::field("token", shape);
    let token = answer["token"].as_str().filter(|token| !token.is_empty());
    let token = token.ok_or_else(|| wrong("is missing or empty"))?;
    if !token.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(wrong("has characters that no header can carry"));
    }
    let expires_in = match &answer["expires_in"] {
        Value::String(seconds) => seconds.parse().ok(),
        seconds => seconds.as_f64(),
    };
    let lifetime = expires_in.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    Ok((token.to_owned().into(), lifetime))
}

/// Reads a page: a bare array, or a list inside an object. Each row goes to `sink` unread; the answer is their number.
///
/// # Errors
/// [`WireError`] of the page; an object with `error` is one.
pub fn rows(body: &[u8], sink: &mut dyn FnMut(&RawValue)) -> Result<usize, WireError> {
    let first = body.iter().find(|b| !b.is_ascii_whitespace());
    let list: Cow<'_, [u8]> = match first {
        Some(b'{') => Cow::Owned(list_inside(body)?),
        _ => Cow::Borrowed(body),
    };
    let rows: Vec<&RawValue> = json::parse("a list of ONUs", &list)?;
    for row in &rows {
        sink(row);
    }
    Ok(rows.len())
}

fn list_inside(body: &[u8]) -> Result<Vec<u8>, WireError> {
    #[derive(Deserialize)]
    #[serde(transparent)]
    struct Object<'a>(#[serde(borrow)] BTreeMap<String, &'a RawValue>);

    let Object(members) = serde_json::from_slice(body).map_err(JsonError::from)?;
    if members.contains_key("error") {
        return Err(WireError::Shape("the answer is an object with `error` instead of a list of ONUs"));
    }
    let mut lists = members.values().filter(|member| member.get().starts_with('['));
    match (lists.next(), lists.next()) {
        (Some(list), None) => Ok(list.get().as_bytes().to_vec()),
        (None, _) => Err(WireError::Shape("the answer is an object without a list of ONUs")),
        (Some(_), Some(_)) => {
            Err(WireError::Shape("the answer is an object with several lists: which one has the ONUs?"))
        }
    }
}

/// Reads one row; times without a zone are in `zone`.
///
/// # Errors
/// [`RowError`] if the code is missing, or the power is neither number nor text.
pub fn reading(row: &RawValue, fields: &Fields, zone: &TimeZone) -> Result<Reading, RowError> {
    let row: Map<String, Value> =
        serde_json::from_str(row.get()).map_err(|_| WireError::Shape("a row is no object"))?;
    let get = |name: &str| row.get(name).unwrap_or(&Value::Null);
    let code = code(get(&fields.code))
        .ok_or_else(|| WireError::field(&fields.code, "is missing, empty or no number"))?;
    let power = power(get(&fields.power)).map_err(|problem| RowError {
        code: Some(code.as_str().into()),
        what: WireError::field(&fields.power, problem),
    })?;
    Ok(Reading {
        code,
        power,
        serial: known_text(get(&fields.serial)).and_then(current_serial),
        pppoe_user: known_text(get(&fields.pppoe_user)).map(CompactString::from),
        mac: known_text(get(&fields.mac)).and_then(MacAddress::new),
        updated_at: get(&fields.updated_at)
            .as_str()
            .and_then(|text| time(text, zone))
            .map_or(ReadingTime::Unsaid, ReadingTime::At),
    })
}

/// A whole number, or a text.
fn code(value: &Value) -> Option<ClientCode> {
    match value {
        Value::String(text) => ClientCode::new(text),
        Value::Number(number) => match (number.as_u64(), number.as_f64()) {
            (Some(code), _) => ClientCode::new(&code.to_string()),
            // 147.0 is 147; beyond 2^53 a fraction may have been lost.
            (None, Some(code)) if code.fract() == 0.0 && (0.0..9e15).contains(&code) => {
                ClientCode::new(&(code as u64).to_string())
            }
            _ => None,
        },
        _ => None,
    }
}

fn power(value: &Value) -> Result<PowerReading, FieldProblem> {
    let reading = match value {
        Value::Null => return Ok(PowerReading::Absent),
        Value::Number(number) => PowerReading::from_number(number.as_f64().unwrap_or(f64::NAN)),
        Value::String(text) => PowerReading::from_text(text),
        Value::Object(object) => match object.get("text") {
            Some(Value::Object(_)) | None => return Err("is an object without `text`".into()),
            Some(text) => return power(text),
        },
        Value::Bool(_) | Value::Array(_) => return Err("is neither number nor text".into()),
    };
    Ok(reading?)
}

/// A text that says something: not empty, not `null`, no `N/A` in it.
fn known_text(value: &Value) -> Option<&str> {
    let text = value.as_str()?.trim();
    let upper = text.to_ascii_uppercase();
    let unknown = text.is_empty() || upper == "NULL" || upper == "N/D" || upper == "-" || upper == "N/A";
    (!unknown).then_some(text)
}

/// `A -> B`: the ONU was swapped, B counts.
fn current_serial(text: &str) -> Option<OnuSerial> {
    OnuSerial::new(text.rsplit("->").next().unwrap_or(text))
}

/// An instant, or a local time in `zone`.
fn time(text: &str, zone: &TimeZone) -> Option<Timestamp> {
    let text = text.trim();
    text.parse().ok().or_else(|| {
        let naive: DateTime = text.parse().ok()?;
        zone.to_timestamp(naive).ok()
    })
}

#[cfg(test)]
mod tests;
