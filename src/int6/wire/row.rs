//! A row of the bulk read in our terms.

use std::hash::{DefaultHasher, Hash, Hasher};

use compact_str::CompactString;
use gateway_core::sync::{MatchBy, Reading, RowShape};
use gateway_core::{
    ClientCode, MacAddress, OnuSerial, PowerReading, StatusWords, UnknownWords, without_blanks,
};
use jiff::tz::TimeZone;
use serde_json::Value;
use serde_json::value::RawValue;

use super::fields::Fields;
use super::time::time;
use crate::upstream::object::Object;
use crate::upstream::spoilt::{is_spoilt, parsed};
use crate::upstream::{FieldProblem, RowError, WireError};

/// How rows are read.
#[derive(Debug, Clone, Copy)]
pub struct RowRules<'a> {
    /// Names of the fields.
    pub fields: &'a Fields,
    /// Zone of times that name none.
    pub zone: &'a TimeZone,
    /// Words that say that a value is not known.
    pub unknown: &'a UnknownWords,
    /// Words in the place of a power that have a status of their own.
    pub statuses: &'a StatusWords,
    /// By what rows are matched.
    pub match_by: MatchBy,
}

impl RowRules<'_> {
    /// The field by which rows are matched.
    fn key_field(&self) -> &str {
        match self.match_by {
            MatchBy::Code => &self.fields.code,
            MatchBy::Serial => &self.fields.serial,
            MatchBy::Mac => &self.fields.mac,
            MatchBy::Pppoe => &self.fields.pppoe_user,
        }
    }
}

/// A row, and what can be said of it.
#[derive(Debug)]
pub struct OnuRow {
    /// What INT6 says of the client, or why that is not understood.
    pub reading: Result<Reading, RowError>,
    /// Fields that are there and not understood, while the rest of the row counts.
    pub unclear: Vec<WireError>,
    /// Which row it is.
    pub identity: RowIdentity,
}

/// Tells rows apart although their values change from one look to the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RowIdentity {
    /// Of the ONU at the client: the row's `id`, code, serial number and MAC address.
    pub onu: u64,
    /// Of the row: the same; without an `id` all that it says, because a client may have several rows.
    pub row: u64,
}

/// The row's own key (int6-api.md: seen).
const ID: &str = "id";
/// Rows of a page whose names are looked at: the others have the same.
const NAMED_BY: u64 = 20;
/// Names that are remembered for people.
const NAMES: usize = 60;
/// The longest PPPoE user that is taken for one.
const LONGEST_USER: usize = 300;
/// How people write that one ONU took the place of another.
const ARROWS: [&str; 5] = ["->", "=>", "\u{2192}", "\u{21d2}", "\u{2013}>"];

/// Reads one row, and counts it in the shape of all.
///
/// The row is unreadable where it is no object, its code is missing, or its power is neither number nor text. Where rows are
/// matched by another key, that stands in for a missing code. Source: `docs/contracts/int6-api.md`, "Rows that are not
/// understood"; `docs/contracts/rules.md`, "Clients are matched by code".
pub fn row(raw: &RawValue, rules: &RowRules<'_>, shape: &mut RowShape) -> OnuRow {
    shape.rows += 1;
    let Ok(members) = serde_json::from_str::<Object<'_>>(raw.get()) else {
        shape.without_code += u64::from(rules.match_by == MatchBy::Code);
        shape.without_power += 1;
        shape.without_power_field += 1;
        let reading = Err(WireError::Shape("a row is no object").into());
        return OnuRow { reading, unclear: Vec::new(), identity: RowIdentity::whole(raw.get()) };
    };
    let RowRules { fields, zone, unknown, statuses, match_by } = *rules;
    let value = |name: &str| members.get(name).map_or(Value::Null, parsed);
    // Rows without a code are told apart by their key.
    let code_or_user = if match_by == MatchBy::Pppoe { &fields.pppoe_user } else { &fields.code };
    let identity = RowIdentity::new(raw.get(), [ID, code_or_user, &fields.serial, &fields.mac], |name| {
        members.get(name).map(|raw| raw.get())
    });
    let (code, power) = (code(&value(&fields.code)), power(&value(&fields.power), statuses));
    shape.without_code += u64::from(code.is_err() && match_by == MatchBy::Code);
    shape.without_power += u64::from(matches!(power, Err(_) | Ok(PowerReading::Absent)));
    shape.without_power_field += u64::from(members.get(&fields.power).is_none());
    if shape.rows <= NAMED_BY {
        remember(shape, members.names());
    }
    let mut unclear = Vec::new();
    let serial = told(serial(&value(&fields.serial), unknown), &fields.serial, &mut unclear);
    let pppoe_user = told(user(&value(&fields.pppoe_user), unknown), &fields.pppoe_user, &mut unclear);
    let mac = told(mac(&value(&fields.mac), unknown), &fields.mac, &mut unclear);
    let key = match match_by {
        MatchBy::Code => None,
        MatchBy::Serial => serial.as_ref().and_then(|serial| ClientCode::new(serial.as_str())),
        MatchBy::Mac => mac.and_then(|mac| ClientCode::new(&mac.to_string())),
        MatchBy::Pppoe => pppoe_user.as_deref().and_then(ClientCode::new),
    };
    let code = match match_by {
        MatchBy::Code => code,
        _ => code.or_else(|_| key.ok_or(FieldProblem::Missing)),
    };
    let reading =
        code.map_err(|problem| WireError::field(rules.key_field(), problem).into()).and_then(|code| {
            let power = power.map_err(|problem| RowError {
                code: Some(code.as_str().into()),
                what: WireError::field(&fields.power, problem),
            })?;
            Ok(Reading {
                code,
                power,
                serial,
                pppoe_user,
                mac,
                updated_at: time(&value(&fields.updated_at), zone, unknown),
            })
        });
    OnuRow { reading, unclear, identity }
}

fn remember<'a>(shape: &mut RowShape, names: impl Iterator<Item = &'a str>) {
    for name in names {
        if shape.field_names.len() < NAMES && !shape.field_names.contains(name) {
            shape.field_names.insert(name.chars().take(NAMES).collect());
        }
    }
}

impl RowIdentity {
    fn new<'a>(
        whole: &str,
        [id, rest @ ..]: [&str; 4],
        text: impl Fn(&str) -> Option<&'a str>,
    ) -> RowIdentity {
        let mut hasher = DefaultHasher::new();
        let id = text(id).filter(|id| *id != "null");
        id.hash(&mut hasher);
        rest.map(text).hash(&mut hasher);
        let onu = hasher.finish();
        let row = if id.is_some() { onu } else { RowIdentity::whole(whole).row };
        RowIdentity { onu, row }
    }

    fn whole(text: &str) -> RowIdentity {
        let mut hasher = DefaultHasher::new();
        text.hash(&mut hasher);
        let whole = hasher.finish();
        RowIdentity { onu: whole, row: whole }
    }
}

const SPOILT: FieldProblem = FieldProblem::Shape("has bytes that are no text, or is no JSON");

/// A whole number, or a text.
fn code(value: &Value) -> Result<ClientCode, FieldProblem> {
    let code = match value {
        Value::String(text) if is_spoilt(text) => return Err(SPOILT),
        Value::String(text) => ClientCode::new(without_blanks(text)),
        Value::Number(_) => whole_number(value).and_then(|code| ClientCode::new(&code)),
        _ => None,
    };
    code.ok_or(FieldProblem::Shape("is missing, empty or no number"))
}

/// 147.0 is 147; beyond 2^53 a fraction may have been lost.
fn whole_number(value: &Value) -> Option<String> {
    match (value.as_u64(), value.as_f64()) {
        (Some(number), _) => Some(number.to_string()),
        (None, Some(number)) if number.fract() == 0.0 && (0.0..9e15).contains(&number) => {
            Some((number as u64).to_string())
        }
        _ => None,
    }
}

fn power(value: &Value, statuses: &StatusWords) -> Result<PowerReading, FieldProblem> {
    let reading = match value {
        Value::Null => return Ok(PowerReading::Absent),
        Value::Number(number) => PowerReading::from_number(number.as_f64().unwrap_or(f64::NAN)),
        Value::String(text) if is_spoilt(text) => return Err(SPOILT),
        Value::String(text) => PowerReading::from_text(text).map(|reading| statuses.named(reading, text)),
        Value::Object(object) => match object.get("text") {
            Some(Value::Object(_)) | None => return Err("is an object without `text`".into()),
            Some(text) => return power(text, statuses),
        },
        Value::Bool(_) | Value::Array(_) => return Err("is neither number nor text".into()),
    };
    Ok(reading?)
}

/// What a field of an ONU says.
enum Said<T> {
    Known(T),
    Unknown,
    Unclear,
}

fn told<T>(said: Said<T>, field: &str, unclear: &mut Vec<WireError>) -> Option<T> {
    match said {
        Said::Known(value) => Some(value),
        Said::Unknown => None,
        Said::Unclear => {
            unclear.push(WireError::field(field, "is not understood; the rest of the row counts"));
            None
        }
    }
}

/// The text of a field, read by `known` unless it is a word for unknown.
fn text<'a, T>(value: &'a Value, unknown: &UnknownWords, known: impl Fn(&'a str) -> Said<T>) -> Said<T> {
    match value {
        Value::Null => Said::Unknown,
        Value::String(text) if is_spoilt(text) => Said::Unclear,
        Value::String(text) if unknown.has(text) => Said::Unknown,
        Value::String(text) => known(without_blanks(text)),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => Said::Unclear,
    }
}

/// The same of what a device says of itself, where the second counts of `A -> B`.
fn swapped<T>(value: &Value, unknown: &UnknownWords, read: impl Fn(&str) -> Option<T>) -> Said<T> {
    text(value, unknown, |text| {
        let current = match text.bytes().all(|b| b.is_ascii() && b != b'>') {
            // Most: no arrow is to be looked for.
            true => text,
            false => ARROWS.iter().fold(text, |text, arrow| text.rsplit(arrow).next().unwrap_or(text)),
        };
        match read(current) {
            Some(known) => Said::Known(known),
            // `N/A (offline)`
            None if unknown.has(current) || current.to_ascii_uppercase().contains("N/A") => Said::Unknown,
            None => Said::Unclear,
        }
    })
}

fn serial(value: &Value, unknown: &UnknownWords) -> Said<OnuSerial> {
    swapped(value, unknown, OnuSerial::new)
}

fn mac(value: &Value, unknown: &UnknownWords) -> Said<MacAddress> {
    let read = |text: &str| match MacAddress::is_nobodys(text) {
        true => Some(None),
        false => MacAddress::new(text).map(Some),
    };
    match swapped(value, unknown, read) {
        Said::Known(Some(mac)) => Said::Known(mac),
        Said::Known(None) | Said::Unknown => Said::Unknown,
        Said::Unclear => Said::Unclear,
    }
}

/// A text, or a whole number.
fn user(value: &Value, unknown: &UnknownWords) -> Said<CompactString> {
    if value.is_number() {
        return whole_number(value).map_or(Said::Unclear, |user| Said::Known(user.into()));
    }
    text(value, unknown, |user| {
        let is_user = user.chars().count() <= LONGEST_USER && !user.chars().any(is_unprintable);
        if is_user { Said::Known(user.into()) } else { Said::Unclear }
    })
}

/// Control characters, ends of lines, and marks that turn the direction of a text.
fn is_unprintable(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests;
